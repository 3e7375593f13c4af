/* Drafts: content gathers in memory up to SPILL_BYTES, under the budget of all drafts together;
 * what does not stay there goes to a file in pieces. */
#include "spool/draft.h"

#include "base/crc32c.h"
#include "base/mem.h"

#define HEAD_LIMIT (SEGMENT_MAX_BYTES / 2)

/* Small first, since most mail is small. Together the 64 KiB that a draft may hold. */
static const size_t chunk_sizes[] = {4096, 12288, 16384, 16384, 16384};

enum err store_run_blocking(struct spool *spool, void (*work)(void *), void *argument)
{
    if (spool->files && fiber_current())
        return blocking_run(spool->files, work, argument);
    work(argument);
    return OK;
}

/* ---- begin and end ---- */

static spool_id next_id(struct spool *spool)
{
    int64_t now_us = clock_wall_us(spool->clock);
    spool_id wanted = (uint64_t)(now_us > 0 ? now_us : 0) << 8 | spool->node;
    pthread_mutex_lock(&spool->lock);
    if (wanted <= spool->last_id)
        wanted = ((spool->last_id >> 8) + 1) << 8 | spool->node;
    spool->last_id = wanted;
    pthread_mutex_unlock(&spool->lock);
    return wanted;
}

enum err spool_draft_begin(struct spool *spool, struct spool_draft **out_draft)
{
    if (spool->inline_commits)
        committer_chores(spool);
    if (atomic_load(&spool->full))
        return ERR_FULL;
    if (atomic_load(&spool->draft_bytes) >= spool->memory_budget_bytes)
        return ERR_BUSY;
    struct spool_draft *draft = NEW(struct spool_draft);
    draft->spool = spool;
    draft->id = next_id(spool);
    *out_draft = draft;
    return OK;
}

spool_id spool_draft_id(const struct spool_draft *draft) { return draft->id; }

uint64_t spool_draft_size(const struct spool_draft *draft) { return draft->size_bytes; }

static void free_chunks(struct spool_draft *draft)
{
    while (draft->first_chunk) {
        struct draft_chunk *chunk = draft->first_chunk;
        draft->first_chunk = chunk->next;
        atomic_fetch_sub(&draft->spool->draft_bytes, chunk->cap);
        mem_free(chunk);
    }
}

static void draft_free(struct spool_draft *draft)
{
    free_chunks(draft);
    for (size_t i = 0; i < ARRAY_LEN(draft->records); i++)
        buf_free(&draft->records[i].head);
    mem_free(draft->statuses);
    mem_free(draft);
}

static void remove_file(void *argument)
{
    struct spool_draft *draft = argument;
    char path[PATH_BYTES];
    content_path(draft->spool, draft->id, path);
    disk_close(draft->file);
    draft->file = NULL;
    enum err ignored = disk_unlink(draft->spool->disk, path); /* else at the next start */
    UNUSED(ignored);
}

void spool_draft_abort(struct spool_draft *draft)
{
    /* a pool that is busy has no time for us: then it happens here */
    if (draft->file && store_run_blocking(draft->spool, remove_file, draft))
        remove_file(draft);
    draft_free(draft);
}

/* ---- content ---- */

struct piece {
    struct spool_draft *draft;
    bool last; /* sync the file and its directory as well */
    enum err err;
};

static enum err open_file(struct spool_draft *draft)
{
    char path[PATH_BYTES];
    content_path(draft->spool, draft->id, path);
    return disk_open(draft->spool->disk, path, DISK_WRITE | DISK_CREATE | DISK_TRUNCATE, 0600,
                     &draft->file);
}

static enum err write_chunks(struct spool_draft *draft)
{
    struct iovec iov[ARRAY_LEN(chunk_sizes)];
    size_t count = 0;
    uint64_t bytes = 0;
    for (struct draft_chunk *chunk = draft->first_chunk; chunk; chunk = chunk->next) {
        iov[count++] = (struct iovec){chunk->at, chunk->len};
        bytes += chunk->len;
        chunk->len = 0;
    }
    enum err err = count ? disk_write(draft->file, draft->file_bytes, iov, count) : OK;
    draft->file_bytes += bytes;
    draft->last_chunk = draft->first_chunk;
    return err;
}

/* On the pool of files. */
static void write_piece(void *argument)
{
    struct piece *piece = argument;
    struct spool_draft *draft = piece->draft;
    char directory[PATH_BYTES];
    enum err err = draft->file ? OK : open_file(draft);
    if (!err)
        err = write_chunks(draft);
    if (!err && piece->last)
        err = disk_sync(draft->file);
    if (!err && piece->last) {
        content_directory(draft->spool, draft->id, directory);
        err = disk_sync_directory(draft->spool->disk, directory);
    }
    piece->err = err;
}

/* Moves what is in memory to the file. */
static enum err spill(struct spool_draft *draft, bool last)
{
    struct piece piece = {.draft = draft, .last = last};
    enum err err = store_run_blocking(draft->spool, write_piece, &piece);
    if (!err)
        err = piece.err == OK || piece.err == ERR_FULL ? piece.err : ERR_IO;
    return err;
}

/* False: the draft has all it may have, or the budget is used up. */
static bool add_chunk(struct spool_draft *draft)
{
    if (draft->chunk_count == ARRAY_LEN(chunk_sizes))
        return false;
    size_t cap = chunk_sizes[draft->chunk_count];
    if (atomic_fetch_add(&draft->spool->draft_bytes, cap) + cap >
        draft->spool->memory_budget_bytes) {
        atomic_fetch_sub(&draft->spool->draft_bytes, cap);
        return false;
    }
    struct draft_chunk *chunk = mem_alloc(sizeof *chunk + cap);
    *chunk = (struct draft_chunk){.cap = cap};
    if (draft->last_chunk)
        draft->last_chunk->next = chunk;
    else
        draft->first_chunk = chunk;
    draft->last_chunk = chunk;
    draft->chunk_count++;
    return true;
}

/* A chunk with room. ERR_BUSY: the budget does not give even one. */
static enum err find_room(struct spool_draft *draft)
{
    struct draft_chunk *last = draft->last_chunk;
    if (last && last->len == last->cap && last->next)
        last = draft->last_chunk = last->next; /* emptied by a spill */
    if (last && last->len < last->cap)
        return OK;
    if (add_chunk(draft))
        return OK;
    return draft->first_chunk ? spill(draft, false) : ERR_BUSY;
}

enum err spool_draft_write(struct spool_draft *draft, struct str bytes)
{
    while (bytes.len && !draft->failed) {
        draft->failed = find_room(draft);
        if (draft->failed)
            break;
        struct draft_chunk *chunk = draft->last_chunk;
        struct str part = str_first(bytes, chunk->cap - chunk->len);
        memcpy(chunk->at + chunk->len, part.at, part.len);
        chunk->len += part.len;
        draft->crc = crc32c(draft->crc, part);
        draft->size_bytes += part.len;
        bytes = str_from(bytes, part.len);
    }
    return draft->failed;
}

/* ---- commit ---- */

static void set_header(struct draft_record *record, struct record_header header,
                       uint64_t content_bytes)
{
    header.head_len = (uint32_t)record->head.len;
    header.head_crc = crc32c(0, buf_str(&record->head));
    header.body_len = (uint32_t)(record->head.len + content_bytes);
    record->header = header;
}

static enum err encode_message(struct spool_draft *draft, struct str prefix)
{
    struct message_head head = {.envelope = *draft->envelope,
                                .prefix = prefix,
                                .content_size = draft->size_bytes,
                                .content_crc = draft->crc};
    struct draft_record *record = &draft->records[draft->record_count++];
    record->head = buf_make(HEAD_LIMIT);
    enum err err = message_head_write(&record->head, &head);
    if (err)
        return err;
    unsigned flags = (draft->also ? RECORD_CONTINUES : 0u) | (draft->file ? RECORD_IN_FILE : 0u);
    set_header(
        record,
        (struct record_header){.type = RECORD_MESSAGE, .flags = (uint8_t)flags, .id = draft->id},
        draft->file ? 0 : draft->size_bytes);
    return OK;
}

static enum err encode_also(struct spool_draft *draft)
{
    const struct spool_also *also = draft->also;
    struct draft_record *record = &draft->records[draft->record_count++];
    record->head = buf_make(HEAD_LIMIT);
    enum err err = changes_write(&record->head, also->changes, also->change_count);
    if (!err)
        set_header(record,
                   (struct record_header){.type = RECORD_STATUS, .group_index = 1, .id = also->id},
                   0);
    return err;
}

static enum err encode(struct spool_draft *draft, struct str prefix)
{
    enum err err = encode_message(draft, prefix);
    if (!err && draft->also)
        err = encode_also(draft);
    for (size_t i = 0; i < draft->record_count; i++)
        draft->record_bytes_total += record_bytes(draft->records[i].header.body_len);
    draft->message_bytes = prefix.len + draft->size_bytes;
    draft->statuses = mem_zalloc(draft->envelope->recipient_count * sizeof(struct spool_status));
    return err;
}

/* Puts it into the committer's queue and waits. */
static enum err hand_over(struct spool_draft *draft)
{
    struct spool *spool = draft->spool;
    if (spool->inline_commits) {
        group_commit_all(spool, draft);
        enum err later = status_sync(spool); /* what it could not do stays due */
        UNUSED(later);
        return draft->result;
    }
    fiber_completion_init(&draft->done);
    pthread_mutex_lock(&spool->lock);
    if (spool->waiting_last)
        spool->waiting_last->next = draft;
    else
        spool->waiting_first = draft;
    spool->waiting_last = draft;
    committer_wake(spool);
    pthread_mutex_unlock(&spool->lock);
    fiber_completion_wait(&draft->done);
    return draft->result;
}

enum err spool_draft_commit(struct spool_draft *draft, const struct spool_envelope *envelope,
                            struct str prefix, const struct spool_also *also)
{
    assert(envelope->recipient_count > 0);
    draft->envelope = envelope;
    draft->also = also;
    enum err err = draft->failed;
    if (!err && draft->file)
        err = spill(draft, true);
    if (!err)
        err = encode(draft, prefix);
    if (!err)
        err = hand_over(draft);
    if (err) {
        spool_draft_abort(draft);
        return err;
    }
    if (draft->file)
        disk_close(draft->file);
    draft_free(draft);
    return OK;
}
