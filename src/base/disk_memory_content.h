/* The content of one file of the disk in memory: what the file holds now, beside what would be
 * found after power was lost. The unit that a device writes whole is a sector of 512 bytes; the
 * unit of space is a page of 4,096.
 *
 * A page that was never written is a hole of zeros and costs nothing. Pages with anything unsynced
 * are chained, so that a sync costs what was written and not what the file holds. Not for several
 * threads. */
#ifndef BASE_DISK_MEMORY_CONTENT_H
#define BASE_DISK_MEMORY_CONTENT_H

#include "base/err.h"
#include "base/random.h"

#define CONTENT_PAGE_BYTES   4096
#define CONTENT_SECTOR_BYTES 512

/* Space that all contents of one disk share, in pages. */
struct content_space {
    uint64_t capacity;
    uint64_t used; /* above the capacity when that was lowered */
};

struct content {
    struct content_page **pages; /* NULL: a hole */
    size_t pages_cap;
    uint64_t size;
    uint64_t size_synced;
    uint64_t reserved; /* pages at the start that count as used although they may be holes */
    uint64_t reserved_synced;
    uint64_t beyond; /* pages behind the reserved ones that are no holes */
    struct content_page *unsettled;
};

void content_done(struct content *content);
uint64_t content_pages_used(const struct content *content);

/* Returns the number of bytes read: less than `len` only at the end. */
size_t content_read(const struct content *content, uint64_t offset, char *out, size_t len);
/* ERR_FULL: the space ran out; what came before was written, as a real disk would. */
MUST_CHECK enum err content_write(struct content *content, struct content_space *space,
                                  uint64_t offset, const char *bytes, size_t len);
MUST_CHECK enum err content_allocate(struct content *content, struct content_space *space,
                                     uint64_t size);
void content_truncate(struct content *content, struct content_space *space, uint64_t size);

/* Everything written until now survives a crash. */
void content_sync(struct content *content);
/* A sync that failed: what was unsynced looks written, but no later sync will save it. */
void content_sync_failed(struct content *content);
/* Power is lost. Without `random` all that was unsynced is gone; with it, each sector decides. */
void content_crash(struct content *content, struct random *random);

#endif
