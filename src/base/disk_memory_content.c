#include "base/disk_memory_content.h"

#include "base/mem.h"

#include <string.h>

#define SECTORS (CONTENT_PAGE_BYTES / CONTENT_SECTOR_BYTES)

struct content_page {
    struct content_page *next_unsettled;
    uint64_t index;
    bool is_unsettled; /* in the chain: a bit of dirty or lost is set */
    bool is_cut;       /* behind the end: kept only because a crash may bring the end back */
    uint8_t dirty;     /* sectors the next sync will save */
    uint8_t lost;      /* sectors of a failed sync: only writing them again can save them */
    char now[CONTENT_PAGE_BYTES];
    char synced[CONTENT_PAGE_BYTES];
};

static uint64_t pages_for(uint64_t size)
{
    return size / CONTENT_PAGE_BYTES + (size % CONTENT_PAGE_BYTES != 0);
}

void content_done(struct content *content)
{
    for (size_t i = 0; i < content->pages_cap; i++)
        mem_free(content->pages[i]);
    mem_free(content->pages);
    *content = (struct content){0};
}

uint64_t content_pages_used(const struct content *content)
{
    return content->reserved + content->beyond;
}

/* ---- pages ---- */

static struct content_page *page_at(const struct content *content, uint64_t index)
{
    return index < content->pages_cap ? content->pages[index] : NULL;
}

static void make_index(struct content *content, uint64_t index)
{
    if (index < content->pages_cap)
        return;
    size_t cap = max_size(max_size((size_t)index + 1, content->pages_cap * 2), 4);
    content->pages = mem_grow(content->pages, cap * sizeof(struct content_page *));
    memset(content->pages + content->pages_cap, 0,
           (cap - content->pages_cap) * sizeof(struct content_page *));
    content->pages_cap = cap;
}

/* NULL when the space is used up. */
static struct content_page *page_for_writing(struct content *content, struct content_space *space,
                                             uint64_t index)
{
    make_index(content, index);
    struct content_page *page = content->pages[index];
    if (page && !page->is_cut)
        return page;
    if (index >= content->reserved) {
        if (space->used >= space->capacity)
            return NULL;
        space->used++;
        content->beyond++;
    }
    if (!page)
        content->pages[index] = page = NEW(struct content_page);
    page->index = index;
    page->is_cut = false;
    return page;
}

/* The bits of the sectors that [from, from + len) of a page touches. */
static uint8_t sectors_of(size_t from, size_t len)
{
    if (len == 0)
        return 0;
    size_t first = from / CONTENT_SECTOR_BYTES;
    size_t last = (from + len - 1) / CONTENT_SECTOR_BYTES;
    return (uint8_t)(((2u << last) - 1) & ~((1u << first) - 1));
}

static void mark_dirty(struct content *content, struct content_page *page, uint8_t sectors)
{
    page->dirty |= sectors;
    page->lost &= (uint8_t)~sectors;
    if (page->is_unsettled)
        return;
    page->is_unsettled = true;
    page->next_unsettled = content->unsettled;
    content->unsettled = page;
}

/* ---- reading and writing ---- */

size_t content_read(const struct content *content, uint64_t offset, char *out, size_t len)
{
    if (offset >= content->size)
        return 0;
    if (len > content->size - offset)
        len = (size_t)(content->size - offset);
    for (size_t done = 0; done < len;) {
        size_t from = (size_t)((offset + done) % CONTENT_PAGE_BYTES);
        size_t piece = min_size(len - done, CONTENT_PAGE_BYTES - from);
        const struct content_page *page = page_at(content, (offset + done) / CONTENT_PAGE_BYTES);
        if (page)
            memcpy(out + done, page->now + from, piece);
        else
            memset(out + done, 0, piece);
        done += piece;
    }
    return len;
}

enum err content_write(struct content *content, struct content_space *space, uint64_t offset,
                       const char *bytes, size_t len)
{
    while (len) {
        size_t from = (size_t)(offset % CONTENT_PAGE_BYTES);
        size_t piece = min_size(len, CONTENT_PAGE_BYTES - from);
        struct content_page *page = page_for_writing(content, space, offset / CONTENT_PAGE_BYTES);
        if (!page)
            return ERR_FULL;
        memcpy(page->now + from, bytes, piece);
        mark_dirty(content, page, sectors_of(from, piece));
        offset += piece;
        bytes += piece;
        len -= piece;
        if (offset > content->size)
            content->size = offset;
    }
    return OK;
}

static uint64_t count_pages(const struct content *content, uint64_t from, uint64_t to)
{
    uint64_t count = 0;
    for (uint64_t i = from; i < to && i < content->pages_cap; i++)
        count += content->pages[i] && !content->pages[i]->is_cut;
    return count;
}

enum err content_allocate(struct content *content, struct content_space *space, uint64_t size)
{
    uint64_t reserve = pages_for(size);
    if (reserve > content->reserved) {
        uint64_t there = count_pages(content, content->reserved, reserve);
        uint64_t more = reserve - content->reserved - there;
        if (space->used > space->capacity || more > space->capacity - space->used)
            return ERR_FULL;
        space->used += more;
        content->reserved = reserve;
        content->beyond -= there;
    }
    if (size > content->size)
        content->size = size;
    return OK;
}

/* Pages behind the new end are emptied but kept for content_crash. */
static void empty_pages(struct content *content, uint64_t size)
{
    for (uint64_t i = size / CONTENT_PAGE_BYTES; i < content->pages_cap; i++) {
        struct content_page *page = content->pages[i];
        size_t from = i < pages_for(size) ? (size_t)(size % CONTENT_PAGE_BYTES) : 0;
        if (!page)
            continue;
        memset(page->now + from, 0, CONTENT_PAGE_BYTES - from);
        mark_dirty(content, page, sectors_of(from, CONTENT_PAGE_BYTES - from));
        page->is_cut = from == 0;
    }
}

void content_truncate(struct content *content, struct content_space *space, uint64_t size)
{
    uint64_t used = content_pages_used(content);
    empty_pages(content, size);
    content->size = size;
    if (content->reserved > pages_for(size))
        content->reserved = pages_for(size);
    content->beyond = count_pages(content, content->reserved, content->pages_cap);
    space->used -= used - content_pages_used(content);
}

/* ---- what survives ---- */

static void copy_sectors(char *to, const char *from, uint8_t sectors)
{
    for (size_t i = 0; i < SECTORS; i++)
        if (sectors & (1u << i))
            memcpy(to + i * CONTENT_SECTOR_BYTES, from + i * CONTENT_SECTOR_BYTES,
                   CONTENT_SECTOR_BYTES);
}

/* Takes the next page out of the chain; NULL at its end. */
static struct content_page *next_page(struct content_page **chain)
{
    struct content_page *page = *chain;
    if (page) {
        *chain = page->next_unsettled;
        page->next_unsettled = NULL;
        page->is_unsettled = false;
    }
    return page;
}

static void settle(struct content *content, bool saved)
{
    struct content_page *chain = content->unsettled;
    content->unsettled = NULL;
    for (struct content_page *page; (page = next_page(&chain));) {
        if (saved)
            copy_sectors(page->synced, page->now, page->dirty);
        else
            page->lost |= page->dirty;
        page->dirty = 0;
        if (page->lost) /* stays until it is written again or the power goes */
            mark_dirty(content, page, 0);
    }
}

void content_sync(struct content *content)
{
    settle(content, true);
    content->size_synced = content->size;
    content->reserved_synced = content->reserved;
}

void content_sync_failed(struct content *content) { settle(content, false); }

static uint8_t survivors(struct random *random, uint8_t dirty)
{
    return random ? (uint8_t)(random_u64(random) & dirty) : 0;
}

/* The end of the last of these sectors, as an offset in the file. */
static uint64_t end_of(const struct content_page *page, uint8_t sectors)
{
    uint64_t end = 0;
    for (uint64_t i = 0; i < SECTORS; i++)
        if (sectors & (1u << i))
            end = page->index * CONTENT_PAGE_BYTES + (i + 1) * CONTENT_SECTOR_BYTES;
    return end;
}

/* Settles all sectors one way or the other. Returns how far the survivors reach. */
static uint64_t crash_pages(struct content *content, struct random *random)
{
    uint64_t reach = 0;
    struct content_page *chain = content->unsettled;
    content->unsettled = NULL;
    for (struct content_page *page; (page = next_page(&chain));) {
        uint8_t kept = survivors(random, page->dirty);
        copy_sectors(page->now, page->synced, (uint8_t)((page->dirty | page->lost) & ~kept));
        copy_sectors(page->synced, page->now, kept);
        page->dirty = page->lost = 0;
        page->is_cut = false;
        uint64_t end = end_of(page, kept);
        reach = end > reach ? end : reach;
    }
    return reach;
}

/* Drops what lies behind the end. */
static void drop_behind_end(struct content *content)
{
    for (uint64_t i = content->size / CONTENT_PAGE_BYTES; i < content->pages_cap; i++) {
        struct content_page *page = content->pages[i];
        if (page && i < pages_for(content->size)) {
            size_t from = (size_t)(content->size % CONTENT_PAGE_BYTES);
            memset(page->now + from, 0, CONTENT_PAGE_BYTES - from);
            memset(page->synced + from, 0, CONTENT_PAGE_BYTES - from);
        } else {
            mem_free(page);
            content->pages[i] = NULL;
        }
    }
}

/* The size that is found afterwards, when the surviving sectors end at `reach`. */
static uint64_t size_after_crash(const struct content *content, struct random *random,
                                 uint64_t reach)
{
    if (content->size < content->size_synced)
        return random && random_below(random, 2) ? content->size : content->size_synced;
    if (reach > content->size)
        return content->size;
    return reach > content->size_synced ? reach : content->size_synced;
}

void content_crash(struct content *content, struct random *random)
{
    uint64_t reach = crash_pages(content, random);
    content->size = content->size_synced = size_after_crash(content, random, reach);
    content->reserved = content->reserved_synced;
    if (content->reserved > pages_for(content->size))
        content->reserved = content->reserved_synced = pages_for(content->size);
    drop_behind_end(content);
    content->beyond = count_pages(content, content->reserved, content->pages_cap);
}
