/* Reading messages that lie in the spool. */
#include "base/crc32c.h"
#include "spool/store.h"

/* ---- from the page cache, else on the pool of files ---- */

struct read_job {
    struct disk_file *file;
    uint64_t offset;
    void *out;
    size_t len;
    size_t got;
    enum err err;
};

static void read_blocking(void *argument)
{
    struct read_job *job = argument;
    job->err = disk_read(job->file, job->offset, job->out, job->len, &job->got);
}

static enum err read_some(struct spool *spool, struct disk_file *file, uint64_t offset, void *out,
                          size_t len, size_t *out_len)
{
    enum err err = disk_read_cached(file, offset, out, len, out_len);
    if (err != ERR_BUSY)
        return err;
    struct read_job job = {.file = file, .offset = offset, .out = out, .len = len};
    err = store_run_blocking(spool, read_blocking, &job);
    if (!err)
        err = job.err;
    if (!err)
        *out_len = job.got;
    return err;
}

/* All of it: ERR_CORRUPT when the file ends before. */
static enum err read_all(struct spool *spool, struct disk_file *file, uint64_t offset, void *out,
                         size_t len)
{
    size_t got;
    enum err err = read_some(spool, file, offset, out, len, &got);
    return err ? err : got == len ? OK : ERR_CORRUPT;
}

struct open_job {
    struct spool *spool;
    spool_id id;
    struct disk_file *file;
    enum err err;
};

static void open_blocking(void *argument)
{
    struct open_job *job = argument;
    char path[PATH_BYTES];
    content_path(job->spool, job->id, path);
    job->err = disk_open(job->spool->disk, path, DISK_READ, 0, &job->file);
}

/* ---- opening ---- */

/* The segment stays what it is until it is let go. */
static struct segment *hold_segment(struct spool *spool, uint32_t slot)
{
    pthread_mutex_lock(&spool->lock);
    struct segment *segment = store_get(spool, slot);
    if (segment && segment->state != SEGMENT_ACTIVE && segment->state != SEGMENT_FULL)
        segment = NULL;
    if (segment)
        segment->readers++;
    pthread_mutex_unlock(&spool->lock);
    return segment;
}

static void let_go(struct spool *spool, uint32_t slot)
{
    pthread_mutex_lock(&spool->lock);
    struct segment *segment = store_get(spool, slot);
    segment->readers--;
    store_look_at(spool, segment);
    pthread_mutex_unlock(&spool->lock);
}

static enum err read_header(struct spool *spool, const struct segment *segment, spool_id id,
                            uint64_t offset, struct record_header *out_header)
{
    char bytes[RECORD_HEADER_BYTES];
    enum err err = read_all(spool, segment->file, offset, bytes, sizeof bytes);
    if (err)
        return err;
    struct record_header header;
    if (record_header_read(str_make(bytes, sizeof bytes), &header) ||
        header.type != RECORD_MESSAGE || header.id != id ||
        header.generation != segment->header.life.generation ||
        header.salt != segment->header.life.salt || header.head_len > segment->header.size_bytes)
        return ERR_CORRUPT;
    *out_header = header;
    return OK;
}

static enum err read_head(struct spool *spool, const struct segment *segment, uint64_t offset,
                          const struct record_header *header, struct arena *arena,
                          struct message_head *out_head)
{
    char *head = arena_alloc(arena, header->head_len);
    enum err err = read_all(spool, segment->file, offset, head, header->head_len);
    if (err)
        return err;
    struct str bytes = str_make(head, header->head_len);
    return crc32c(0, bytes) == header->head_crc ? message_head_read(bytes, arena, out_head)
                                                : ERR_CORRUPT;
}

static enum err open_content(struct spool *spool, struct spool_message *message)
{
    struct open_job job = {.spool = spool, .id = message->id};
    enum err err = store_run_blocking(spool, open_blocking, &job);
    if (!err)
        err = job.err;
    if (err)
        return err == ERR_NOT_FOUND ? ERR_CORRUPT : err;
    message->content_file = job.file;
    message->content_offset = 0;
    return OK;
}

static enum err open_held(struct spool *spool, const struct segment *segment, spool_id id,
                          struct spool_place place, struct arena *arena,
                          struct spool_message *out_message)
{
    uint64_t offset = place_offset(place);
    struct record_header header;
    struct message_head head;
    enum err err = read_header(spool, segment, id, offset, &header);
    offset += RECORD_HEADER_BYTES;
    if (!err)
        err = read_head(spool, segment, offset, &header, arena, &head);
    if (err)
        return err;
    struct spool_message message = {
        .id = id,
        .envelope = head.envelope,
        .size_bytes = head.prefix.len + head.content_size,
        .spool = spool,
        .place = place,
        .prefix = head.prefix,
        .content_offset = offset + header.head_len,
        .content_crc = head.content_crc,
    };
    if (header.flags & RECORD_IN_FILE)
        err = open_content(spool, &message);
    else if (head.content_size != header.body_len - header.head_len)
        err = ERR_CORRUPT;
    if (!err)
        *out_message = message;
    return err;
}

enum err spool_message_open(struct spool *spool, spool_id id, struct spool_place place,
                            struct arena *arena, struct spool_message *out_message)
{
    struct segment *segment = hold_segment(spool, place.segment);
    if (!segment)
        return ERR_CORRUPT;
    enum err err = open_held(spool, segment, id, place, arena, out_message);
    if (err)
        let_go(spool, place.segment);
    return err;
}

void spool_message_close(struct spool_message *message)
{
    if (message->content_file)
        disk_close(message->content_file);
    message->content_file = NULL;
    let_go(message->spool, message->place.segment);
}

/* ---- reading ---- */

/* Follows a reader that goes through the content in order. ERR_CORRUPT at the end when the
 * checksum does not hold. */
static enum err check(struct spool_message *message, uint64_t offset, struct str bytes)
{
    if (offset == 0)
        message->checked_bytes = message->checked_crc = 0;
    if (offset != message->checked_bytes)
        return OK;
    message->checked_crc = crc32c(message->checked_crc, bytes);
    message->checked_bytes += bytes.len;
    bool at_end = message->checked_bytes == message->size_bytes - message->prefix.len;
    return at_end && message->checked_crc != message->content_crc ? ERR_CORRUPT : OK;
}

static enum err read_content(struct spool_message *message, uint64_t offset, void *out, size_t len)
{
    struct disk_file *file = message->content_file;
    if (!file) {
        pthread_mutex_lock(&message->spool->lock); /* the table may move; the segment stays */
        file = store_get(message->spool, message->place.segment)->file;
        pthread_mutex_unlock(&message->spool->lock);
    }
    enum err err = read_all(message->spool, file, message->content_offset + offset, out, len);
    return err ? err : check(message, offset, str_make(out, len));
}

enum err spool_message_read(struct spool_message *message, uint64_t offset, void *out, size_t len,
                            size_t *out_len)
{
    size_t prefix_len = message->prefix.len;
    if (offset >= message->size_bytes)
        len = 0;
    else if (len > message->size_bytes - offset)
        len = (size_t)(message->size_bytes - offset);
    size_t from_prefix = offset < prefix_len ? min_size(len, prefix_len - (size_t)offset) : 0;
    if (from_prefix)
        memcpy(out, message->prefix.at + offset, from_prefix);
    if (len > from_prefix) {
        enum err err = read_content(message, offset + from_prefix - prefix_len,
                                    (char *)out + from_prefix, len - from_prefix);
        if (err)
            return err;
    }
    *out_len = len;
    return OK;
}
