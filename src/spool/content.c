/* Files of contents too large for a segment: their names, and their end. */
#include "base/mem.h"
#include "spool/store.h"

#include <stdio.h>

#define REMOVED_AT_ONCE 16 /* a group waits no longer than these take */

void content_directory(const struct spool *spool, spool_id id, char out[PATH_BYTES])
{
    snprintf(out, PATH_BYTES, "%s/content/%02x", spool->directory, (unsigned)(id >> 8) & 0xff);
}

void content_path(const struct spool *spool, spool_id id, char out[PATH_BYTES])
{
    snprintf(out, PATH_BYTES, "%s/content/%02x/%s", spool->directory, (unsigned)(id >> 8) & 0xff,
             spool_id_print(id).at);
}

void content_doom(struct spool *spool, spool_id id, uint64_t sequence)
{
    if (spool->doomed_count == spool->doomed_cap) {
        spool->doomed_cap = max_size(spool->doomed_cap * 2, 16);
        spool->doomed = mem_grow(spool->doomed, spool->doomed_cap * sizeof *spool->doomed);
    }
    spool->doomed[spool->doomed_count++] = (struct doomed_content){id, sequence};
}

/* Takes up to REMOVED_AT_ONCE that may go out of the list. Returns how many. */
static size_t take_doomed(struct spool *spool, uint64_t synced, spool_id *out_ids)
{
    size_t taken = 0, kept = 0;
    pthread_mutex_lock(&spool->lock);
    for (size_t i = 0; i < spool->doomed_count; i++) {
        if (spool->doomed[i].sequence <= synced && taken < REMOVED_AT_ONCE)
            out_ids[taken++] = spool->doomed[i].id;
        else
            spool->doomed[kept++] = spool->doomed[i];
    }
    spool->doomed_count = kept;
    /* what has to wait for the next round needs no sync any more */
    for (size_t i = 0; i < kept; i++)
        if (spool->doomed[i].sequence <= synced)
            spool->doomed[i].sequence = 0;
    pthread_mutex_unlock(&spool->lock);
    return taken;
}

void content_remove_doomed(struct spool *spool, uint64_t synced)
{
    spool_id ids[REMOVED_AT_ONCE];
    size_t count = take_doomed(spool, synced, ids);
    for (size_t i = 0; i < count; i++) {
        char path[PATH_BYTES];
        content_path(spool, ids[i], path);
        enum err ignored = disk_unlink(spool->disk, path); /* the next start removes what is left */
        UNUSED(ignored);
    }
}
