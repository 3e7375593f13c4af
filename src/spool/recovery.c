#include "spool/recovery.h"

#include "base/mem.h"

#include <stdio.h>

#define ROOM_TO_GO_ON_BYTES (64u << 10)

/* ---- going on where the lanes stood ---- */

static bool may_go_on(const struct segment *segment, uint8_t lane)
{
    return segment && segment->state == SEGMENT_FULL && segment->header.lane == lane &&
           !segment->failed && !segment->sealed;
}

static bool has_records(const struct segment *segment)
{
    return segment->end_unit > SEGMENT_FIRST_UNIT;
}

/* The newest segment of the lane with records, or without. */
static struct segment *find_newest(struct spool *spool, uint8_t lane, bool with_records)
{
    struct segment *newest = NULL;
    for (size_t i = 0; i < spool->slot_count; i++) {
        struct segment *segment = spool->slots[i];
        if (may_go_on(segment, lane) && has_records(segment) == with_records &&
            (!newest || segment->header.life.generation > newest->header.life.generation))
            newest = segment;
    }
    return newest;
}

/* Covers each torn stretch, which may be several findings in a row. */
static enum err fill_torn(struct segment *segment, const struct scan *scan)
{
    enum err err = OK;
    for (size_t i = 0; i < scan->count && !err; i++) {
        if (scan->found[i].verdict != SCAN_TORN)
            continue;
        uint32_t unit = scan->found[i].unit, end = unit;
        while (i < scan->count && scan->found[i].verdict == SCAN_TORN && scan->found[i].unit == end)
            end += scan->found[i++].units;
        i--;
        err = segment_fill(segment, unit, end - unit);
    }
    return err;
}

static void rebuild_index(struct segment *segment, const struct scan *scan)
{
    for (size_t i = 0; i < scan->count; i++) {
        const struct scan_found *found = &scan->found[i];
        if (found->verdict == SCAN_COUNTS && found->type != RECORD_MARK)
            segment_index_add(segment, &(struct index_entry){.id = found->id,
                                                             .unit = found->unit,
                                                             .type = found->type,
                                                             .flags = found->flags});
    }
}

/* Makes the segment one that can be appended to: afterwards all that a scan finds is proven. */
static enum err go_on(struct recovery *recovery, struct segment *segment)
{
    struct scan scan;
    scan_segment(recovery_read_segment(recovery, segment), segment->header.life, 0, &scan);
    segment->proven_unit = scan.proven_unit;
    segment->end_unit = scan.end_unit;
    enum err err = fill_torn(segment, &scan);
    if (!err)
        err = disk_sync(segment->file);
    if (!err && segment->header.lane == LANE_MESSAGES)
        rebuild_index(segment, &scan);
    scan_done(&scan);
    segment->proven_unit = segment->end_unit;
    return err;
}

/* False: what was read of it may not be on stable storage. */
static bool resume_lane(struct recovery *recovery, struct lane *lane, uint8_t kind)
{
    struct segment *active = find_newest(recovery->spool, kind, true);
    if (active)
        active->failed = go_on(recovery, active) != OK;
    if (active && !active->failed && segment_fits(active, ROOM_TO_GO_ON_BYTES, 1)) {
        active->state = SEGMENT_ACTIVE;
        lane->active = active;
    }
    lane->next = find_newest(recovery->spool, kind, false);
    if (lane->next) {
        lane->next->state = SEGMENT_READY;
        lane->next->proven_unit = lane->next->end_unit;
    }
    return !active || !active->failed;
}

/* What was read may be in the page cache only: from here on others act upon it. */
static bool sync_unsealed(struct spool *spool)
{
    bool all = true;
    for (size_t i = 0; i < spool->slot_count; i++) {
        struct segment *segment = spool->slots[i];
        if (segment && segment->state == SEGMENT_FULL && !segment->sealed)
            all &= disk_sync(segment->file) == OK;
    }
    return all;
}

/* ---- room ---- */

static void fill_lane(struct spool *spool, struct lane *lane, uint8_t kind)
{
    struct segment *made;
    if (!lane->active && lane->next) {
        lane->active = lane->next;
        lane->next = NULL;
    } else if (!lane->active && store_prepare(spool, kind, &made) == OK) {
        lane->active = made;
    }
    if (lane->active)
        lane->active->state = SEGMENT_ACTIVE;
}

static void make_ready(struct spool *spool)
{
    spool->look_for_unneeded = false;
    store_drop_unneeded(spool);
    fill_lane(spool, &spool->statuses, LANE_STATUSES); /* outcomes before new mail */
    fill_lane(spool, &spool->messages, LANE_MESSAGES);
    store_prepare_next(spool);
    atomic_store(&spool->full, !spool->messages.active);
}

/* ---- directories ---- */

static enum err make_directory(struct spool *spool, const char *name)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", spool->directory, name);
    return disk_mkdir(spool->disk, path, 0700);
}

static enum err sync_directory(struct spool *spool, const char *name)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", spool->directory, name);
    return disk_sync_directory(spool->disk, path);
}

static enum err make_content_directories(struct spool *spool)
{
    enum err err = OK;
    for (unsigned i = 0; i < 256 && !err; i++) {
        char name[16];
        snprintf(name, sizeof name, "content/%02x", i);
        err = make_directory(spool, name);
    }
    return err ? err : sync_directory(spool, "content");
}

static enum err make_directories(struct spool *spool)
{
    static const char *const names[] = {"segments", "damaged", "content"};
    enum err err = OK;
    for (size_t i = 0; i < ARRAY_LEN(names) && !err; i++)
        err = make_directory(spool, names[i]);
    if (!err)
        err = make_content_directories(spool);
    return err ? err : sync_directory(spool, "");
}

/* ---- all of it ---- */

static void count_statuses_synced(struct spool *spool)
{
    for (size_t i = 0; i < spool->slot_count; i++)
        if (spool->slots[i])
            spool->slots[i]->unsynced = false;
}

enum err recovery_run(struct spool *spool, struct spool_recovery *out_recovery)
{
    struct recovery recovery = {.spool = spool};
    enum err err = make_directories(spool);
    if (!err)
        err = recovery_load(&recovery);
    if (!err) {
        recovery_find_live(&recovery);
        bool stable = resume_lane(&recovery, &spool->statuses, LANE_STATUSES);
        stable &= resume_lane(&recovery, &spool->messages, LANE_MESSAGES);
        stable &= sync_unsealed(spool);
        recovery_check_content(&recovery, stable);
        recovery_announce(&recovery);
        count_statuses_synced(spool);
        make_ready(spool);
        *out_recovery = recovery.report;
    }
    mem_free(recovery.messages.at);
    mem_free(recovery.statuses.at);
    mem_free(recovery.cuts);
    mem_free(recovery.bytes);
    return err;
}
