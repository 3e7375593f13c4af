/* Recovery, second half: from records to messages. */
#include "base/mem.h"
#include "spool/recovery.h"

#include <stdio.h>
#include <stdlib.h>

#define CONTENT_DIRECTORIES 256

static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    return (x->sequence > y->sequence) - (x->sequence < y->sequence);
}

static void entries_sort(struct entries *entries)
{
    if (entries->count)
        qsort(entries->at, entries->count, sizeof *entries->at, compare_entries);
}

/* The first entry that is not before (id, sequence). */
static size_t entries_find(const struct entries *entries, spool_id id, uint64_t sequence)
{
    struct entry wanted = {.id = id, .sequence = sequence};
    size_t from = 0, to = entries->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (compare_entries(&entries->at[middle], &wanted) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

/* ---- cuts ---- */

static bool is_cut(const struct recovery *recovery, const struct entry *entry)
{
    for (size_t i = 0; i < recovery->cut_count; i++) {
        const struct cut *cut = &recovery->cuts[i].cut;
        const struct segment *segment = store_get(recovery->spool, entry->slot);
        if (cut->slot == entry->slot && entry->unit >= cut->end_unit &&
            cut->generation == segment->header.life.generation)
            return true;
    }
    return false;
}

static void entries_drop_cut(const struct recovery *recovery, struct entries *entries)
{
    size_t kept = 0;
    for (size_t i = 0; i < entries->count; i++)
        if (!is_cut(recovery, &entries->at[i]))
            entries->at[kept++] = entries->at[i];
    entries->count = kept;
}

static void refer(struct recovery *recovery, uint32_t from, uint32_t to)
{
    if (from != to)
        slot_set_add(&store_get(recovery->spool, from)->refers, to);
}

static void apply_cuts(struct recovery *recovery)
{
    if (recovery->cut_count == 0)
        return;
    entries_drop_cut(recovery, &recovery->messages);
    entries_drop_cut(recovery, &recovery->statuses);
    for (size_t i = 0; i < recovery->cut_count; i++) {
        const struct found_cut *found = &recovery->cuts[i];
        struct segment *cut = store_get(recovery->spool, found->cut.slot);
        if (!cut || cut->header.life.generation != found->cut.generation)
            continue;
        cut->failed = true; /* nothing is appended to it */
        refer(recovery, found->holder, cut->slot);
    }
}

/* ---- which live ---- */

/* The copies [first, end) of one message: who must outlive whom. Returns whether it lives. */
static bool judge(struct recovery *recovery, size_t first, size_t end)
{
    const struct entries *messages = &recovery->messages, *statuses = &recovery->statuses;
    const struct entry *newest = &messages->at[end - 1];
    bool done = false;
    for (size_t copy = first; copy < end; copy++)
        refer(recovery, newest->slot, messages->at[copy].slot);
    for (size_t i = entries_find(statuses, newest->id, 0);
         i < statuses->count && statuses->at[i].id == newest->id; i++) {
        const struct entry *status = &statuses->at[i];
        done |= status->sequence > newest->sequence && (status->flags & RECORD_DONE);
        for (size_t copy = first; copy < end; copy++)
            refer(recovery, status->slot, messages->at[copy].slot);
    }
    return !done;
}

void recovery_find_live(struct recovery *recovery)
{
    struct entries *messages = &recovery->messages;
    apply_cuts(recovery);
    entries_sort(messages);
    entries_sort(&recovery->statuses);
    size_t kept = 0;
    for (size_t first = 0, end; first < messages->count; first = end) {
        for (end = first + 1; end < messages->count; end++)
            if (messages->at[end].id != messages->at[first].id)
                break;
        if (judge(recovery, first, end))
            messages->at[kept++] = messages->at[end - 1];
    }
    messages->count = kept;
}

/* ---- content files ---- */

struct listing {
    const struct recovery *recovery;
    unsigned directory;
    bool *has_file; /* for each live message */
    spool_id *orphans;
    size_t orphan_count;
};

static const struct entry *find_live(const struct recovery *recovery, spool_id id)
{
    size_t at = entries_find(&recovery->messages, id, 0);
    if (at == recovery->messages.count || recovery->messages.at[at].id != id)
        return NULL;
    return &recovery->messages.at[at];
}

static void note_content(void *context, const char *name)
{
    struct listing *listing = context;
    spool_id id;
    if (!spool_id_parse(str_of(name), &id) || (unsigned)(id >> 8 & 0xff) != listing->directory)
        return; /* not ours */
    const struct entry *entry = find_live(listing->recovery, id);
    if (entry && (entry->flags & RECORD_IN_FILE)) {
        listing->has_file[entry - listing->recovery->messages.at] = true;
        return;
    }
    listing->orphans =
        mem_grow(listing->orphans, (listing->orphan_count + 1) * sizeof *listing->orphans);
    listing->orphans[listing->orphan_count++] = id;
}

static void remove_orphans(struct spool *spool, const struct listing *listing)
{
    for (size_t i = 0; i < listing->orphan_count; i++) {
        char path[PATH_BYTES];
        content_path(spool, listing->orphans[i], path);
        enum err ignored = disk_unlink(spool->disk, path); /* it costs space, nothing else */
        UNUSED(ignored);
        if (listing->orphans[i] > spool->last_id)
            spool->last_id = listing->orphans[i];
    }
}

static void set_message_aside(struct recovery *recovery, const struct entry *entry)
{
    const struct segment *segment = store_get(recovery->spool, entry->slot);
    struct arena arena = arena_make();
    struct record_header header;
    struct str head;
    uint64_t bytes = SPOOL_ALIGN_BYTES;
    if (recovery_read_record(segment, entry->unit, &arena, &header, &head) == OK)
        bytes = record_bytes(header.body_len);
    recovery_set_aside(recovery, segment, entry->id, (uint64_t)entry->unit * SPOOL_ALIGN_BYTES,
                       bytes);
    arena_reset(&arena);
}

static void drop_without_content(struct recovery *recovery, const bool *has_file)
{
    struct entries *messages = &recovery->messages;
    size_t kept = 0;
    for (size_t i = 0; i < messages->count; i++) {
        if ((messages->at[i].flags & RECORD_IN_FILE) && !has_file[i])
            set_message_aside(recovery, &messages->at[i]);
        else
            messages->at[kept++] = messages->at[i];
    }
    messages->count = kept;
}

void recovery_check_content(struct recovery *recovery, bool may_remove)
{
    struct spool *spool = recovery->spool;
    struct listing listing = {.recovery = recovery};
    listing.has_file = mem_zalloc(recovery->messages.count * sizeof(bool));
    for (unsigned i = 0; i < CONTENT_DIRECTORIES; i++) {
        char path[PATH_BYTES];
        listing.directory = i;
        content_directory(spool, (spool_id)i << 8, path);
        enum err missing = disk_list(spool->disk, path, note_content, &listing);
        UNUSED(missing); /* then the messages with files there are found damaged */
    }
    if (may_remove)
        remove_orphans(spool, &listing);
    drop_without_content(recovery, listing.has_file);
    mem_free(listing.has_file);
    mem_free(listing.orphans);
}

/* ---- telling ---- */

/* A status that cannot be read is set aside; the older ones stand. */
static void apply_statuses(struct recovery *recovery, const struct entry *message,
                           struct arena *arena, const struct message_head *head)
{
    const struct entries *statuses = &recovery->statuses;
    for (size_t i = entries_find(statuses, message->id, message->sequence);
         i < statuses->count && statuses->at[i].id == message->id; i++) {
        const struct entry *entry = &statuses->at[i];
        struct record_header header;
        struct str changes;
        enum err err = recovery_read_record(store_get(recovery->spool, entry->slot), entry->unit,
                                            arena, &header, &changes);
        if (!err)
            err = changes_apply(changes, head->statuses, head->envelope.recipient_count);
        if (err)
            set_message_aside(recovery, entry);
    }
}

static void announce(struct recovery *recovery, const struct entry *entry, struct arena *arena)
{
    struct spool *spool = recovery->spool;
    struct segment *segment = store_get(spool, entry->slot);
    struct record_header header;
    struct message_head head;
    struct str bytes;
    enum err err = recovery_read_record(segment, entry->unit, arena, &header, &bytes);
    if (!err)
        err = message_head_read(bytes, arena, &head);
    if (err) {
        set_message_aside(recovery, entry);
        return;
    }
    apply_statuses(recovery, entry, arena, &head);
    bool in_file = entry->flags & RECORD_IN_FILE;
    struct spool_announcement announcement = {
        .id = entry->id,
        .place = {entry->slot, entry->unit | (in_file ? SPOOL_PLACE_IN_FILE : 0)},
        .size_bytes = head.prefix.len + head.content_size,
        .envelope = &head.envelope,
        .statuses = head.statuses,
    };
    segment->live++;
    spool->live_messages++;
    recovery->report.messages++;
    spool->announce(spool->announce_context, &announcement);
}

void recovery_announce(struct recovery *recovery)
{
    struct arena arena = arena_make();
    for (size_t i = 0; i < recovery->messages.count; i++) {
        announce(recovery, &recovery->messages.at[i], &arena);
        arena_reset(&arena);
    }
}
