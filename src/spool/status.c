/* The lane of statuses: small records written by whoever has an outcome, synced by the committer.
 *
 * What was written since the last good sync is kept in memory too (`unsynced`). After a failure the
 * segment is not trusted, and these records are written again to another one. */
#include "base/crc32c.h"
#include "base/mem.h"
#include "spool/store.h"

#define RECORD_LIMIT  (SEGMENT_MAX_BYTES / 2)
#define SYNC_ATTEMPTS 2

/* ---- one record ---- */

static enum err encode(struct buf *out, spool_id id, const struct spool_change *changes,
                       size_t count, bool done)
{
    static const char zeros[SPOOL_ALIGN_BYTES];
    enum err err = buf_add(out, str_make(zeros, RECORD_HEADER_BYTES)); /* stamped later */
    if (!err)
        err = changes_write(out, changes, count);
    if (err)
        return err;
    struct str head = str_from(buf_str(out), RECORD_HEADER_BYTES);
    struct record_header header = {.type = RECORD_STATUS,
                                   .flags = done ? RECORD_DONE : 0,
                                   .body_len = (uint32_t)head.len,
                                   .head_len = (uint32_t)head.len,
                                   .head_crc = crc32c(0, head),
                                   .id = id};
    record_header_write(&header, out->at);
    return buf_add(out, str_make(zeros, (size_t)record_bytes(head.len) - out->len));
}

/* Gives the record at `at` its place in the segment. Returns its length. */
static size_t stamp(const struct segment *segment, char *at, uint64_t sequence)
{
    struct record_header header;
    enum err err = record_header_read(str_make(at, RECORD_HEADER_BYTES), &header);
    assert(!err); /* our own, in memory */
    segment_stamp(segment, &header, sequence ? sequence : header.sequence, at);
    return (size_t)record_bytes(header.body_len);
}

static enum err append(struct segment *segment, struct str bytes)
{
    struct iovec iov = {(void *)(uintptr_t)bytes.at, bytes.len};
    enum err err = segment_append(segment, &iov, 1);
    if (!err) {
        segment->end_unit += (uint32_t)(bytes.len / SPOOL_ALIGN_BYTES);
        segment->unsynced = true;
    }
    return err;
}

/* ---- which segment ---- */

static void abandon_active(struct spool *spool)
{
    spool->statuses_broken = true;
    if (spool->statuses.active)
        spool->statuses.active->failed = true;
}

static void set_active(struct spool *spool, struct segment *segment)
{
    struct segment *before = spool->statuses.active;
    if (before) {
        before->state = SEGMENT_FULL;
        store_look_at(spool, before);
    }
    segment->state = SEGMENT_ACTIVE;
    spool->statuses.active = segment;
    spool->statuses.next = NULL;
    committer_wake(spool); /* it makes the next one */
}

/* The new active segment takes over what the others hold unsynced, and what they refer to. */
static enum err rewrite_unsynced(struct spool *spool)
{
    struct segment *active = spool->statuses.active;
    for (size_t at = 0; at < spool->unsynced.len;)
        at += stamp(active, spool->unsynced.at + at, 0);
    enum err err = append(active, buf_str(&spool->unsynced));
    if (err) {
        abandon_active(spool);
        return err;
    }
    spool->statuses_broken = false;
    for (size_t i = 0; i < spool->slot_count; i++) {
        struct segment *segment = spool->slots[i];
        if (!segment || segment == active || !segment->unsynced)
            continue;
        slot_set_add_all(&active->refers, &segment->refers);
        segment->unsynced = false;
        store_look_at(spool, segment);
    }
    return OK;
}

/* Sees to an active segment that is trusted and has room. May let go of the lock meanwhile: in the
 * rare case that no next segment is ready. */
static enum err make_room(struct spool *spool, size_t bytes)
{
    for (;;) {
        struct segment *active = spool->statuses.active;
        if (active && !spool->statuses_broken && segment_fits(active, bytes, 0))
            return OK;
        if (spool->statuses.next) {
            set_active(spool, spool->statuses.next);
            enum err err = spool->statuses_broken ? rewrite_unsynced(spool) : OK;
            if (err)
                return err;
            if (!segment_fits(spool->statuses.active, bytes, 0))
                return ERR_LIMIT;
            continue;
        }
        struct segment *made;
        pthread_mutex_unlock(&spool->lock);
        enum err err = store_prepare(spool, LANE_STATUSES, &made);
        pthread_mutex_lock(&spool->lock);
        if (err)
            return err;
        if (spool->statuses.next)
            made->state = SEGMENT_FREE; /* another thread was faster */
        else
            spool->statuses.next = made;
    }
}

/* ---- writing ---- */

static void count_done(struct spool *spool, spool_id id, struct spool_place place,
                       uint64_t sequence)
{
    struct segment *segment = store_get(spool, place.segment);
    assert(segment && segment->live > 0); /* done once, with the place it was announced at */
    segment->live--;
    spool->live_messages--;
    if (place_in_file(place))
        content_doom(spool, id, sequence);
    store_look_at(spool, segment);
}

/* With the lock. */
static enum err write_locked(struct spool *spool, struct buf *record, struct spool_place place,
                             uint64_t *out_sequence)
{
    enum err err = buf_reserve(&spool->unsynced, record->len);
    if (err)
        return spool->unsynced.len ? ERR_BUSY : err; /* syncs have been failing for long */
    err = make_room(spool, record->len);
    if (err)
        return err;
    struct segment *active = spool->statuses.active;
    uint64_t sequence = store_sequence(spool);
    stamp(active, record->at, sequence);
    err = append(active, buf_str(record));
    if (err) {
        abandon_active(spool);
        return err == ERR_FULL ? ERR_FULL : ERR_IO;
    }
    if (spool->unsynced.len == 0)
        spool->unsynced_since_ms = clock_now_ms(spool->clock);
    err = buf_add(&spool->unsynced, buf_str(record));
    if (err) /* others came in while make_room had let go of the lock */
        return ERR_BUSY;
    spool->bytes_written += record->len;
    slot_set_add(&active->refers, place.segment);
    *out_sequence = sequence;
    committer_wake(spool);
    return OK;
}

/* With a `waiter`, what `done` means happens when it is synced. */
static enum err put(struct spool *spool, spool_id id, struct spool_place place,
                    const struct spool_change *changes, size_t count, bool done,
                    struct status_waiter *waiter)
{
    struct buf record = buf_make(RECORD_LIMIT);
    enum err err = encode(&record, id, changes, count, done);
    if (!err) {
        pthread_mutex_lock(&spool->lock);
        uint64_t sequence;
        err = write_locked(spool, &record, place, &sequence);
        if (!err && waiter) {
            waiter->next = spool->status_waiters;
            spool->status_waiters = waiter;
        } else if (!err && done) {
            count_done(spool, id, place, sequence);
        }
        pthread_mutex_unlock(&spool->lock);
    }
    buf_free(&record);
    return err;
}

enum err spool_status_write(struct spool *spool, spool_id id, struct spool_place place,
                            const struct spool_change *changes, size_t count, bool done)
{
    if (spool->inline_commits && clock_now_ms(spool->clock) >= status_due_ms(spool)) {
        enum err later = status_sync(spool); /* what it could not do stays due */
        UNUSED(later);
    }
    return put(spool, id, place, changes, count, done, NULL);
}

enum err spool_status_commit(struct spool *spool, spool_id id, struct spool_place place,
                             const struct spool_change *changes, size_t count, bool done)
{
    struct status_waiter waiter = {.id = id, .place = place, .done = done};
    if (!spool->inline_commits)
        fiber_completion_init(&waiter.synced);
    enum err err = put(spool, id, place, changes, count, done, &waiter);
    if (err)
        return err;
    if (spool->inline_commits)
        return status_sync(spool);
    fiber_completion_wait(&waiter.synced);
    return waiter.result;
}

/* ---- syncing ---- */

uint64_t status_due_ms(const struct spool *spool)
{
    if (spool->unsynced.len == 0)
        return UINT64_MAX;
    return spool->status_waiters ? 0 : spool->unsynced_since_ms + STATUS_DELAY_MS;
}

/* What one sync covers. */
struct snapshot {
    struct sync_target {
        struct segment *segment; /* stays while it is unsynced */
        uint32_t end_unit;
    } * targets;
    size_t count;
    size_t len; /* of spool->unsynced */
    uint64_t sequence;
};

static struct snapshot take_snapshot(struct spool *spool)
{
    struct snapshot snapshot = {.len = spool->unsynced.len,
                                .sequence = atomic_load(&spool->sequence)};
    snapshot.targets = mem_alloc(spool->slot_count * sizeof *snapshot.targets);
    for (size_t i = 0; i < spool->slot_count; i++) {
        struct segment *segment = spool->slots[i];
        if (segment && segment->unsynced)
            snapshot.targets[snapshot.count++] = (struct sync_target){segment, segment->end_unit};
    }
    return snapshot;
}

static void count_synced(struct spool *spool, const struct snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->count; i++) {
        struct segment *segment = snapshot->targets[i].segment;
        segment->proven_unit = snapshot->targets[i].end_unit;
        if (segment->end_unit == segment->proven_unit)
            segment->unsynced = false;
        store_look_at(spool, segment);
    }
    buf_drop(&spool->unsynced, snapshot->len);
    spool->syncs += snapshot->count;
    spool->unsynced_since_ms = clock_now_ms(spool->clock);
}

/* One attempt. With the lock, which it lets go of while it syncs. */
static enum err sync_once(struct spool *spool, uint64_t *out_sequence)
{
    if (spool->unsynced.len && spool->statuses_broken) {
        enum err err = make_room(spool, 0);
        if (err)
            return err;
    }
    struct snapshot snapshot = take_snapshot(spool);
    pthread_mutex_unlock(&spool->lock);
    enum err err = OK;
    for (size_t i = 0; i < snapshot.count && !err; i++)
        err = disk_sync(snapshot.targets[i].segment->file);
    pthread_mutex_lock(&spool->lock);
    if (err)
        abandon_active(spool);
    else
        count_synced(spool, &snapshot);
    mem_free(snapshot.targets);
    *out_sequence = snapshot.sequence;
    return err;
}

/* With the lock. */
static void count_waiters_done(struct spool *spool, const struct status_waiter *waiter)
{
    for (; waiter; waiter = waiter->next)
        if (waiter->done)
            count_done(spool, waiter->id, waiter->place, 0);
}

static void finish_waiters(struct spool *spool, struct status_waiter *waiters, enum err result)
{
    while (waiters) {
        struct status_waiter *waiter = waiters;
        waiters = waiter->next; /* it is gone once it is finished */
        waiter->result = result;
        if (!spool->inline_commits)
            fiber_completion_finish(&waiter->synced);
    }
}

enum err status_sync(struct spool *spool)
{
    uint64_t synced = 0;
    enum err err = ERR_IO;
    pthread_mutex_lock(&spool->lock);
    struct status_waiter *waiters = spool->status_waiters;
    spool->status_waiters = NULL;
    for (size_t i = 0; i < SYNC_ATTEMPTS && err; i++)
        err = sync_once(spool, &synced);
    if (err)
        spool->unsynced_since_ms = clock_now_ms(spool->clock); /* not again at once */
    else
        count_waiters_done(spool, waiters);
    pthread_mutex_unlock(&spool->lock);
    err = err == OK || err == ERR_FULL ? err : ERR_IO;
    finish_waiters(spool, waiters, err);
    if (!err)
        content_remove_doomed(spool, synced);
    return err;
}
