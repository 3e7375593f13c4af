#include "deliver/maildir.h"

#include "base/mem.h"
#include "fiber/loop.h"
#include "mail/text.h"

#include <inttypes.h>

#define PIECE_MAX_BYTES  65536
#define BUSY_PAUSE_MS    20
#define BUSY_GIVE_UP_MS  30000
#define HOST_IN_NAME_MAX 100

/* A file on its way into a mailbox. All work on the disk happens in `work`, on the pool. */
struct delivery {
    struct disk *disk;
    struct blocking_pool *pool;
    struct arena *arena; /* not touched by the pool while the fiber may */
    struct str mailbox;
    struct str maildir; /* the mailbox, or a folder in it */
    struct str name;    /* without the size */
    const char *tmp_path;
    struct disk_file *file; /* NULL before the first piece and behind the last */
    uint64_t written_bytes;
    bool holds_cr; /* the piece before ended in CR */
    /* the next piece of work: */
    struct str fields;
    char *piece;
    size_t piece_len;
    bool is_last;
    enum err err;
    struct str failed; /* what could not be done */
};

/* ---- on the pool: names ---- */
static const char *path_in(struct delivery *delivery, const char *directory, struct str name)
{
    return arena_printf(delivery->arena, "%.*s/%s%s%.*s", STR_FMT(delivery->maildir), directory,
                        name.len ? "/" : "", STR_FMT(name))
        .at;
}

static enum err failed(struct delivery *delivery, enum err err, const char *what, const char *path)
{
    if (err && !delivery->failed.len)
        delivery->failed =
            arena_printf(delivery->arena, "cannot %s %s: %s", what, path, err_text(err));
    return err;
}

static const char *parent_of(struct delivery *delivery, struct str path)
{
    size_t slash = str_find_last(path, '/');
    struct str parent = slash == SIZE_MAX ? STR(".") : str_first(path, slash ? slash : 1);
    return arena_copy(delivery->arena, parent).at;
}

/* Makes the directory if it is missing. Its name is made durable in any case, since an attempt that
 * made it may have failed behind that; a parent that we may not even read was made by others. */
static enum err make_directory(struct delivery *delivery, struct str path)
{
    const char *at = arena_copy(delivery->arena, path).at;
    bool is_there = false;
    enum err err = disk_exists(delivery->disk, at, &is_there);
    if (err)
        return failed(delivery, err, "look at", at);
    if (!is_there)
        err = disk_mkdir(delivery->disk, at, 0700);
    if (err)
        return failed(delivery, err, "make", at);
    const char *parent = parent_of(delivery, path);
    err = disk_sync_directory(delivery->disk, parent);
    return is_there && err == ERR_DENIED ? OK : failed(delivery, err, "sync", parent);
}

static enum err make_parents(struct delivery *delivery, struct str path)
{
    enum err err = OK;
    for (size_t i = 1; i < path.len && !err; i++)
        if (path.at[i] == '/' && path.at[i - 1] != '/')
            err = make_directory(delivery, str_first(path, i));
    return err;
}

/* Maildir++ marks what is no mailbox of its own. A link in place of the mark is not followed. */
static enum err mark_folder(struct delivery *delivery, struct str folder)
{
    const char *path = arena_printf(delivery->arena, "%.*s/maildirfolder", STR_FMT(folder)).at;
    struct disk_file *file;
    enum err err =
        disk_open(delivery->disk, path, DISK_WRITE | DISK_CREATE | DISK_EXCLUSIVE, 0600, &file);
    if (err == ERR_EXISTS)
        return OK;
    if (!err)
        disk_close(file);
    return failed(delivery, err, "make", path);
}

/* tmp/ is the last: where it is, all is there and durable. */
static enum err make_maildir(struct delivery *delivery, struct str maildir, bool is_folder)
{
    static const char *const parts[] = {"/cur", "/new", "/tmp"};
    enum err err = make_directory(delivery, maildir);
    if (!err && is_folder)
        err = mark_folder(delivery, maildir);
    for (size_t i = 0; i < ARRAY_LEN(parts) && !err; i++) {
        struct str part = arena_printf(delivery->arena, "%.*s%s", STR_FMT(maildir), parts[i]);
        err = make_directory(delivery, part);
    }
    return err;
}

static enum err make_all(struct delivery *delivery)
{
    bool has_folder = delivery->maildir.len > delivery->mailbox.len;
    enum err err = make_parents(delivery, delivery->mailbox);
    if (!err)
        err = make_maildir(delivery, delivery->mailbox, false);
    if (!err && has_folder)
        err = make_maildir(delivery, delivery->maildir, true);
    return err;
}

/* ---- on the pool: the file ---- */
static enum err open_new(struct delivery *delivery)
{
    return disk_open(delivery->disk, delivery->tmp_path, DISK_WRITE | DISK_CREATE | DISK_EXCLUSIVE,
                     0600, &delivery->file);
}

/* The common case costs one call. */
static enum err open_tmp(struct delivery *delivery)
{
    delivery->tmp_path = path_in(delivery, "tmp", delivery->name);
    enum err err = open_new(delivery);
    if (err == ERR_NOT_FOUND) {
        err = make_all(delivery);
        if (err)
            return err;
        err = open_new(delivery);
    }
    if (err == ERR_EXISTS) { /* our own, of an attempt that a crash ended */
        err = disk_unlink(delivery->disk, delivery->tmp_path);
        if (!err)
            err = open_new(delivery);
    }
    return failed(delivery, err, "make", delivery->tmp_path);
}

/* CRLF becomes LF, in place; a CR at the end waits for the next piece. */
static size_t unfold_crlf(struct delivery *delivery, bool *out_lead_cr)
{
    char *at = delivery->piece;
    size_t to = 0;
    *out_lead_cr = delivery->holds_cr && (delivery->piece_len == 0 || at[0] != '\n');
    delivery->holds_cr = false;
    for (size_t i = 0; i < delivery->piece_len; i++) {
        bool is_cr = at[i] == '\r';
        if (is_cr && i + 1 == delivery->piece_len && !delivery->is_last)
            delivery->holds_cr = true;
        else if (!is_cr || i + 1 == delivery->piece_len || at[i + 1] != '\n')
            at[to++] = at[i];
    }
    return to;
}

static enum err write_piece(struct delivery *delivery)
{
    bool lead_cr;
    size_t len = unfold_crlf(delivery, &lead_cr);
    char cr = '\r';
    struct iovec iov[] = {
        {(void *)(uintptr_t)delivery->fields.at, delivery->fields.len},
        {&cr, lead_cr},
        {delivery->piece, len},
    };
    uint64_t offset = delivery->written_bytes;
    delivery->written_bytes += delivery->fields.len + lead_cr + len;
    delivery->fields = STR_EMPTY;
    return failed(delivery, disk_write(delivery->file, offset, iov, ARRAY_LEN(iov)), "write",
                  delivery->tmp_path);
}

/* Gives the synced file its place. One that is there already is ours: ids never recur. */
static enum err move_to_new(struct delivery *delivery)
{
    struct str name = arena_printf(delivery->arena, "%.*s,S=%" PRIu64, STR_FMT(delivery->name),
                                   delivery->written_bytes);
    const char *new_path = path_in(delivery, "new", name);
    const char *new_directory = path_in(delivery, "new", STR_EMPTY);
    bool is_there = false;
    enum err err =
        failed(delivery, disk_exists(delivery->disk, new_path, &is_there), "look at", new_path);
    if (err)
        return err;
    if (is_there)
        err = failed(delivery, disk_unlink(delivery->disk, delivery->tmp_path), "remove",
                     delivery->tmp_path);
    else
        err = failed(delivery, disk_rename(delivery->disk, delivery->tmp_path, new_path),
                     "rename into", new_directory);
    if (err)
        return err;
    return failed(delivery, disk_sync_directory(delivery->disk, new_directory), "sync",
                  new_directory);
}

static enum err finish(struct delivery *delivery)
{
    enum err err = failed(delivery, disk_sync(delivery->file), "sync", delivery->tmp_path);
    disk_close(delivery->file);
    delivery->file = NULL;
    return err ? err : move_to_new(delivery);
}

static void forget(struct delivery *delivery)
{
    if (delivery->file)
        disk_close(delivery->file);
    delivery->file = NULL;
    if (delivery->written_bytes == 0)
        return;
    enum err err = disk_unlink(delivery->disk, delivery->tmp_path);
    UNUSED(err); /* the next attempt replaces it */
}

static void work(void *argument)
{
    struct delivery *delivery = argument;
    enum err err = delivery->written_bytes ? OK : open_tmp(delivery);
    if (!err)
        err = write_piece(delivery);
    if (!err && delivery->is_last)
        err = finish(delivery);
    if (err)
        forget(delivery);
    delivery->err = err;
}

static void work_forget(void *argument) { forget(argument); }

/* ---- in the fiber ---- */

/* As many deliveries as there are slots may want the pool at once: wait for a place in its queue.
 */
static enum err run_on_pool(struct delivery *delivery, void (*run)(void *))
{
    uint64_t give_up_ms = loop_now_ms() + BUSY_GIVE_UP_MS;
    for (;;) {
        enum err err = blocking_run(delivery->pool, run, delivery);
        if (err != ERR_BUSY || loop_now_ms() >= give_up_ms)
            return err;
        err = fiber_sleep_until(loop_now_ms() + BUSY_PAUSE_MS);
        if (err)
            return err;
    }
}

static enum err write_all(struct delivery *delivery, const struct content_source *content)
{
    uint64_t offset = 0;
    do {
        uint64_t left = content->size_bytes - offset;
        enum err err = OK;
        delivery->piece_len = 0;
        if (left)
            err = content->read(content->context, offset, delivery->piece,
                                left < PIECE_MAX_BYTES ? (size_t)left : PIECE_MAX_BYTES,
                                &delivery->piece_len);
        if (!err && left && delivery->piece_len == 0)
            err = ERR_CORRUPT;
        if (err)
            return failed(delivery, err, "read", "the message from the spool");
        offset += delivery->piece_len;
        delivery->is_last = offset == content->size_bytes;
        err = run_on_pool(delivery, work);
        if (err)
            return failed(delivery, err, "get a thread for", "the mailbox");
        if (delivery->err)
            return delivery->err;
    } while (!delivery->is_last);
    return OK;
}

/* A file name holds no '/', and no ':' or ',', which begin what readers add (maildir(5)). */
static struct str host_in_name(struct str hostname, struct arena *arena)
{
    struct str copy = arena_copy(arena, str_first(hostname, HOST_IN_NAME_MAX));
    char *at = (char *)(uintptr_t)copy.at;
    for (size_t i = 0; i < copy.len; i++)
        if (!char_is_alnum(at[i]) && at[i] != '.' && at[i] != '-')
            at[i] = '_';
    return copy;
}

static struct str file_name(const struct maildir_place *place,
                            const struct maildir_message *message, struct arena *arena)
{
    int64_t arrived_us = spool_id_wall_us(message->id);
    struct spool_id_text id = spool_id_print(message->id);
    struct str host = host_in_name(place->hostname, arena);
    return arena_printf(arena, "%" PRId64 ".M%06" PRId64 "Q%s_%" PRIu32 ".%.*s",
                        arrived_us / 1000000, arrived_us % 1000000, id.at,
                        message->recipient_number, STR_FMT(host));
}

static struct str folder_path(const struct maildir_place *place, struct arena *arena)
{
    if (!place->folder.len)
        return place->path;
    return arena_printf(arena, "%.*s/.%.*s", STR_FMT(place->path), STR_FMT(place->folder));
}

enum err maildir_deliver(const struct maildir_place *place, const struct maildir_message *message,
                         struct arena *arena, struct str *out_problem)
{
    struct delivery delivery = {
        .disk = place->disk,
        .pool = place->pool,
        .arena = arena,
        .mailbox = place->path,
        .maildir = folder_path(place, arena),
        .name = file_name(place, message, arena),
        .fields = arena_printf(arena, "Return-Path: <%.*s>\nDelivered-To: %.*s\n",
                               STR_FMT(mail_text_clean(arena, message->sender)),
                               STR_FMT(mail_text_clean(arena, message->recipient))),
    };
    uint64_t size = message->content->size_bytes;
    delivery.piece = mem_alloc(size < PIECE_MAX_BYTES ? (size_t)size + 1 : PIECE_MAX_BYTES);
    enum err err = write_all(&delivery, message->content);
    mem_free(delivery.piece);
    if (err && delivery.file) {
        enum err forgotten = run_on_pool(&delivery, work_forget);
        if (forgotten)
            work_forget(&delivery);
    }
    if (err)
        *out_problem = delivery.failed.len ? delivery.failed : str_of(err_text(err));
    return err;
}
