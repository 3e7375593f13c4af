/* The table of segments: which there are, who makes them, when they are used again. */
#include "spool/store.h"

#include "base/mem.h"
#include "base/random.h"

#include <stdio.h>

void store_segment_path(const struct spool *spool, uint32_t slot, char out[PATH_BYTES])
{
    snprintf(out, PATH_BYTES, "%s/segments/%06u.seg", spool->directory, slot);
}

uint64_t store_sequence(struct spool *spool) { return atomic_fetch_add(&spool->sequence, 1) + 1; }

void store_add(struct spool *spool, struct segment *segment)
{
    if (segment->slot >= spool->slot_count) {
        size_t count = max_size((size_t)segment->slot + 1, spool->slot_count * 2);
        spool->slots = mem_grow(spool->slots, count * sizeof(struct segment *));
        memset(spool->slots + spool->slot_count, 0,
               (count - spool->slot_count) * sizeof(struct segment *));
        spool->slot_count = count;
    }
    assert(!spool->slots[segment->slot]);
    spool->slots[segment->slot] = segment;
}

struct segment *store_get(struct spool *spool, uint32_t slot)
{
    return slot < spool->slot_count ? spool->slots[slot] : NULL;
}

/* The free segment with the lowest generation; *out_count how many there are. With the lock. */
static struct segment *oldest_free(struct spool *spool, size_t *out_count)
{
    struct segment *oldest = NULL;
    size_t count = 0;
    for (size_t i = 0; i < spool->slot_count; i++) {
        struct segment *segment = spool->slots[i];
        if (!segment || segment->state != SEGMENT_FREE)
            continue;
        count++;
        if (!oldest || segment->header.life.generation < oldest->header.life.generation)
            oldest = segment;
    }
    *out_count = count;
    return oldest;
}

/* ---- making ---- */

static struct segment_header new_header(struct spool *spool, const struct segment *segment,
                                        uint8_t lane)
{
    struct segment_header header = {.lane = lane, .slot = segment->slot};
    random_bytes(&header.life.salt, sizeof header.life.salt);
    pthread_mutex_lock(&spool->lock);
    header.life.generation = ++spool->generation;
    header.id_mark = spool->last_id;
    header.size_bytes =
        segment->header.size_bytes ? segment->header.size_bytes : spool->segment_bytes;
    pthread_mutex_unlock(&spool->lock);
    header.sequence_mark = atomic_load(&spool->sequence);
    return header;
}

static uint32_t unused_slot(struct spool *spool)
{
    pthread_mutex_lock(&spool->lock);
    uint32_t slot = 0;
    while (store_get(spool, slot))
        slot++;
    pthread_mutex_unlock(&spool->lock);
    return slot;
}

/* A file with all its blocks, its name and its header on stable storage. */
static enum err make_file(struct spool *spool, uint8_t lane, struct segment **out_segment)
{
    char path[PATH_BYTES], directory[PATH_BYTES];
    struct disk_file *file;
    uint32_t slot = unused_slot(spool);
    store_segment_path(spool, slot, path);
    snprintf(directory, sizeof directory, "%s/segments", spool->directory);
    enum err err =
        disk_open(spool->disk, path, DISK_WRITE | DISK_CREATE | DISK_TRUNCATE, 0600, &file);
    if (err)
        return err;
    struct segment *segment = segment_new(slot, file);
    err = disk_allocate(file, spool->segment_bytes);
    if (!err) {
        struct segment_header header = new_header(spool, segment, lane);
        err = segment_begin_life(segment, &header);
    }
    if (!err)
        err = disk_sync_directory(spool->disk, directory);
    if (err) {
        segment_free(segment);
        enum err ignored = disk_unlink(spool->disk, path); /* it is free at the next start anyway */
        UNUSED(ignored);
        return err;
    }
    *out_segment = segment;
    return OK;
}

static struct segment *take_free(struct spool *spool)
{
    size_t count;
    pthread_mutex_lock(&spool->lock);
    struct segment *segment = oldest_free(spool, &count);
    if (segment)
        segment->state = SEGMENT_READY;
    pthread_mutex_unlock(&spool->lock);
    return segment;
}

static enum err reuse(struct spool *spool, struct segment *segment, uint8_t lane)
{
    struct segment_header header = new_header(spool, segment, lane);
    enum err err = segment_begin_life(segment, &header);
    if (err) {
        pthread_mutex_lock(&spool->lock);
        segment->state = SEGMENT_DEAD;
        pthread_mutex_unlock(&spool->lock);
    }
    return err;
}

enum err store_prepare(struct spool *spool, uint8_t lane, struct segment **out_segment)
{
    enum err err;
    pthread_mutex_lock(&spool->making);
    struct segment *segment = take_free(spool);
    if (segment) {
        err = reuse(spool, segment, lane);
    } else {
        err = make_file(spool, lane, &segment);
        if (!err) {
            pthread_mutex_lock(&spool->lock);
            segment->state = SEGMENT_READY;
            store_add(spool, segment);
            pthread_mutex_unlock(&spool->lock);
        }
    }
    pthread_mutex_unlock(&spool->making);
    if (!err)
        *out_segment = segment;
    return err == OK || err == ERR_FULL ? err : ERR_IO;
}

static enum err prepare_next(struct spool *spool, struct lane *lane, uint8_t kind)
{
    pthread_mutex_lock(&spool->lock);
    bool wanted = !lane->next;
    pthread_mutex_unlock(&spool->lock);
    struct segment *segment;
    enum err err = wanted ? store_prepare(spool, kind, &segment) : OK;
    if (err || !wanted)
        return err;
    pthread_mutex_lock(&spool->lock);
    if (lane->next)
        segment->state = SEGMENT_FREE; /* a thread with a status was faster */
    else
        lane->next = segment;
    pthread_mutex_unlock(&spool->lock);
    return OK;
}

void store_prepare_next(struct spool *spool)
{
    /* outcomes before new mail: their next segment is the reserve */
    enum err err = prepare_next(spool, &spool->statuses, LANE_STATUSES);
    if (!err)
        err = prepare_next(spool, &spool->messages, LANE_MESSAGES);
    if (!err)
        atomic_store(&spool->full, false);
    pthread_mutex_lock(&spool->lock);
    spool->tried_full_ms = err ? clock_now_ms(spool->clock) : 0;
    pthread_mutex_unlock(&spool->lock);
}

/* ---- giving back ---- */

static bool is_unneeded(const struct segment *segment)
{
    return segment->state == SEGMENT_FULL && segment->live == 0 && segment->readers == 0 &&
           !segment->unsynced && segment->refers.count == 0;
}

void store_look_at(struct spool *spool, const struct segment *segment)
{
    if (is_unneeded(segment) && !spool->look_for_unneeded) {
        spool->look_for_unneeded = true;
        committer_wake(spool);
    }
}

static struct segment *take_unneeded(struct spool *spool, size_t *position)
{
    struct segment *found = NULL;
    pthread_mutex_lock(&spool->lock);
    for (; *position < spool->slot_count && !found; ++*position) {
        struct segment *segment = spool->slots[*position];
        if (segment && is_unneeded(segment))
            found = segment;
    }
    if (found)
        found->state = SEGMENT_LEAVING;
    pthread_mutex_unlock(&spool->lock);
    return found;
}

/* The segment is gone, durably: those that waited for it need wait no more. With the lock. */
static void release_references(struct spool *spool, uint32_t slot)
{
    for (size_t i = 0; i < spool->slot_count; i++)
        if (spool->slots[i])
            slot_set_remove(&spool->slots[i]->refers, slot);
}

/* More free segments than anybody will want soon go back to the file system. The ones that stay
 * have the higher id marks. */
static void remove_surplus(struct spool *spool)
{
    size_t count;
    pthread_mutex_lock(&spool->lock);
    struct segment *surplus = oldest_free(spool, &count);
    if (count > FREE_SEGMENTS_MAX)
        spool->slots[surplus->slot] = NULL;
    else
        surplus = NULL;
    pthread_mutex_unlock(&spool->lock);
    if (!surplus)
        return;
    char path[PATH_BYTES];
    store_segment_path(spool, surplus->slot, path);
    enum err ignored = disk_unlink(spool->disk, path); /* if it stays, it is free at next start */
    UNUSED(ignored);
    segment_free(surplus);
}

/* On an error it stays, until the next time. */
static bool give_back(struct spool *spool, struct segment *segment)
{
    struct segment_header header = new_header(spool, segment, LANE_FREE);
    enum err err = segment_begin_life(segment, &header);
    pthread_mutex_lock(&spool->lock);
    segment->state = err ? SEGMENT_FULL : segment->failed ? SEGMENT_DEAD : SEGMENT_FREE;
    if (!err)
        release_references(spool, segment->slot);
    pthread_mutex_unlock(&spool->lock);
    return !err;
}

void store_drop_unneeded(struct spool *spool)
{
    pthread_mutex_lock(&spool->making); /* nobody takes a free one while it is being removed */
    for (bool again = true; again;) {
        again = false; /* each one gone may free others */
        size_t position = 0;
        struct segment *segment;
        while ((segment = take_unneeded(spool, &position))) {
            again |= give_back(spool, segment);
            remove_surplus(spool);
        }
    }
    pthread_mutex_unlock(&spool->making);
}
