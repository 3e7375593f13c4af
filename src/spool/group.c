/* The lane of messages: many drafts, one write, one sync. */
#include "spool/draft.h"

#include "base/crc32c.h"
#include "base/mem.h"

/* What goes to the segment with one write. */
struct group {
    struct spool_draft *drafts;
    struct segment *segment;
    size_t record_count;
    uint64_t bytes;
    struct arena arena; /* of what follows */
    struct iovec *iov;
    size_t iov_count;
    struct draft_record *cuts;
    size_t cut_count;
};

/* ---- room ---- */

static enum err take_next(struct spool *spool, struct segment **out_segment)
{
    pthread_mutex_lock(&spool->lock);
    struct segment *next = spool->messages.next;
    spool->messages.next = NULL;
    pthread_mutex_unlock(&spool->lock);
    if (next) {
        *out_segment = next;
        return OK;
    }
    enum err err = store_prepare(spool, LANE_MESSAGES, out_segment);
    if (err == ERR_IO) /* that one is put away: another may be sound */
        err = store_prepare(spool, LANE_MESSAGES, out_segment);
    if (err == ERR_FULL)
        atomic_store(&spool->full, true);
    return err;
}

static void set_active(struct spool *spool, struct segment *segment)
{
    struct segment *before = spool->messages.active;
    pthread_mutex_lock(&spool->lock);
    if (before) {
        before->state = SEGMENT_FULL;
        buf_free(&before->index);
        store_look_at(spool, before);
    }
    if (segment)
        segment->state = SEGMENT_ACTIVE;
    spool->messages.active = segment;
    committer_wake(spool);
    pthread_mutex_unlock(&spool->lock);
}

/* An active segment with that much room. ERR_LIMIT: no segment could have it. */
static enum err make_room(struct spool *spool, uint64_t bytes, size_t records)
{
    struct segment *active = spool->messages.active, *next;
    if (active && segment_fits(active, bytes, records))
        return OK;
    if (bytes > segment_capacity(spool->segment_bytes))
        return ERR_LIMIT;
    enum err err = take_next(spool, &next);
    if (err)
        return err;
    if (active && segment_seal(active, store_sequence(spool)))
        active->failed = true;
    set_active(spool, next);
    return segment_fits(next, bytes, records) ? OK : ERR_LIMIT;
}

/* ---- laying out ---- */

static void add_piece(struct group *group, const void *at, size_t len)
{
    group->iov[group->iov_count++] = (struct iovec){(void *)(uintptr_t)at, len};
}

static void add_record(struct spool *spool, struct group *group, struct draft_record *record,
                       const struct draft_chunk *chunks)
{
    static const char zeros[SPOOL_ALIGN_BYTES];
    uint64_t len = RECORD_HEADER_BYTES + (uint64_t)record->header.body_len;
    segment_stamp(group->segment, &record->header, store_sequence(spool), record->header_bytes);
    add_piece(group, record->header_bytes, sizeof record->header_bytes);
    add_piece(group, buf_str(&record->head).at, record->head.len);
    for (; chunks; chunks = chunks->next)
        add_piece(group, chunks->at, chunks->len);
    add_piece(group, zeros, (size_t)(record_bytes(record->header.body_len) - len));
}

static void add_cuts(struct spool *spool, struct group *group)
{
    for (size_t i = 0; i < group->cut_count; i++) {
        struct draft_record *record = &group->cuts[i];
        record->head = buf_make(64);
        enum err err = cut_write(&record->head, &spool->cuts[i]);
        assert(!err);
        uint32_t len = (uint32_t)record->head.len;
        record->header = (struct record_header){
            .type = RECORD_CUT,
            .body_len = len,
            .head_len = len,
            .head_crc = crc32c(0, buf_str(&record->head)),
        };
        add_record(spool, group, record, NULL);
    }
}

static void lay_out(struct spool *spool, struct group *group)
{
    size_t pieces = 3 * group->cut_count;
    for (struct spool_draft *draft = group->drafts; draft; draft = draft->next)
        pieces += 3 * draft->record_count + draft->chunk_count;
    group->iov = ARENA_ARRAY(&group->arena, struct iovec, pieces);
    group->cuts = ARENA_ARRAY(&group->arena, struct draft_record, group->cut_count);
    add_cuts(spool, group);
    for (struct spool_draft *draft = group->drafts; draft; draft = draft->next)
        for (size_t i = 0; i < draft->record_count; i++)
            add_record(spool, group, &draft->records[i],
                       i == 0 && !draft->file ? draft->first_chunk : NULL);
}

/* ---- after the sync ---- */

static void count_record(struct group *group, const struct record_header *header)
{
    struct segment *segment = group->segment;
    segment_index_add(segment, &(struct index_entry){.id = header->id,
                                                     .unit = segment->end_unit,
                                                     .type = header->type,
                                                     .flags = header->flags});
    segment->end_unit += (uint32_t)record_units(header);
}

static void count_draft(struct spool *spool, struct group *group, struct spool_draft *draft)
{
    struct segment *segment = group->segment;
    draft->place = (struct spool_place){segment->slot, segment->end_unit |
                                                           (draft->file ? SPOOL_PLACE_IN_FILE : 0)};
    for (size_t i = 0; i < draft->record_count; i++)
        count_record(group, &draft->records[i].header);
    if (draft->also && draft->also->place.segment != segment->slot)
        slot_set_add(&segment->refers, draft->also->place.segment);
    segment->live++;
    spool->live_messages++;
    spool->commits++;
}

static void count_cuts(struct spool *spool, struct group *group)
{
    for (size_t i = 0; i < group->cut_count; i++) {
        count_record(group, &group->cuts[i].header);
        struct segment *broken = store_get(spool, spool->cuts[i].slot);
        if (broken && broken->header.life.generation == spool->cuts[i].generation)
            slot_set_add(&group->segment->refers, broken->slot);
    }
    spool->cut_count -= group->cut_count;
}

static void count_group(struct spool *spool, struct group *group)
{
    pthread_mutex_lock(&spool->lock);
    count_cuts(spool, group);
    for (struct spool_draft *draft = group->drafts; draft; draft = draft->next)
        count_draft(spool, group, draft);
    group->segment->proven_unit = group->segment->end_unit;
    spool->groups++;
    spool->syncs++;
    spool->bytes_written += group->bytes;
    pthread_mutex_unlock(&spool->lock);
}

/* ---- one group ---- */

static enum err write_group(struct spool *spool, struct group *group)
{
    group->segment = spool->messages.active;
    group->cut_count = spool->cut_count;
    lay_out(spool, group);
    enum err err = segment_append(group->segment, group->iov, group->iov_count);
    if (!err)
        err = disk_sync(group->segment->file);
    if (!err)
        count_group(spool, group);
    for (size_t i = 0; i < group->cut_count; i++)
        buf_free(&group->cuts[i].head);
    arena_reset(&group->arena);
    return err == OK || err == ERR_FULL ? err : ERR_IO;
}

static uint64_t cuts_bytes(const struct spool *spool)
{
    return spool->cut_count * 2 * SPOOL_ALIGN_BYTES;
}

/* The active segment failed: it gets no more records, and those of the failed write must never
 * count. The CUT that says so is on stable storage before anybody is told of the failure. */
static void abandon_active(struct spool *spool)
{
    struct segment *broken = spool->messages.active;
    spool->cuts = mem_grow(spool->cuts, (spool->cut_count + 1) * sizeof *spool->cuts);
    pthread_mutex_lock(&spool->lock);
    spool->cuts[spool->cut_count++] = (struct cut){.slot = broken->slot,
                                                   .end_unit = broken->end_unit,
                                                   .generation = broken->header.life.generation,
                                                   .id_mark = spool->last_id};
    broken->failed = true;
    pthread_mutex_unlock(&spool->lock);
    set_active(spool, NULL);
    struct group only_cuts = {0};
    if (make_room(spool, cuts_bytes(spool), spool->cut_count))
        return; /* with the next group, then */
    if (write_group(spool, &only_cuts)) {
        spool->messages.active->failed = true; /* it holds no message: nothing to cut */
        set_active(spool, NULL);
    }
}

/* Takes drafts off the list as long as they fit beside each other. The first one fits. */
static struct group take_group(struct spool *spool, struct spool_draft **drafts)
{
    struct group group = {.bytes = cuts_bytes(spool), .record_count = spool->cut_count};
    struct spool_draft **last = &group.drafts;
    while (*drafts) {
        struct spool_draft *draft = *drafts;
        uint64_t bytes = group.bytes + draft->record_bytes_total;
        size_t records = group.record_count + draft->record_count;
        if (!segment_fits(spool->messages.active, bytes, records))
            break;
        group.bytes = bytes;
        group.record_count = records;
        *drafts = draft->next;
        draft->next = NULL;
        *last = draft;
        last = &draft->next;
    }
    return group;
}

static void announce(struct spool *spool, const struct spool_draft *draft)
{
    struct spool_announcement announcement = {
        .id = draft->id,
        .place = draft->place,
        .size_bytes = draft->message_bytes,
        .envelope = draft->envelope,
        .statuses = draft->statuses,
    };
    spool->announce(spool->announce_context, &announcement);
}

/* A draft belongs to its session again, and may be gone, once it is finished. */
static void finish(struct spool *spool, struct spool_draft *draft, enum err result)
{
    draft->result = result;
    if (!spool->inline_commits)
        fiber_completion_finish(&draft->done);
}

static void finish_all(struct spool *spool, struct spool_draft *drafts, enum err result)
{
    while (drafts) {
        struct spool_draft *draft = drafts;
        drafts = draft->next;
        finish(spool, draft, result);
    }
}

void group_commit_all(struct spool *spool, struct spool_draft *drafts)
{
    while (drafts) {
        enum err err = make_room(spool, cuts_bytes(spool) + drafts->record_bytes_total,
                                 spool->cut_count + drafts->record_count);
        if (err) {
            struct spool_draft *refused = drafts;
            drafts = drafts->next;
            finish(spool, refused, err);
            continue;
        }
        struct group group = take_group(spool, &drafts);
        err = write_group(spool, &group);
        if (err)
            abandon_active(spool);
        else
            for (struct spool_draft *draft = group.drafts; draft; draft = draft->next)
                announce(spool, draft);
        finish_all(spool, group.drafts, err);
    }
}
