/* Record headers and heads from arbitrary bytes. Laws: what was read and is written again reads
 * as the same; a change never touches a recipient that is not there. */
#include "base/arena.h"
#include "spool/format.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_head(struct str in, struct arena *arena)
{
    struct message_head head, again;
    if (message_head_read(in, arena, &head))
        return;
    struct buf out = buf_make(4 * in.len + 64 * (size_t)head.envelope.recipient_count + 1000);
    enum err err = message_head_write(&out, &head);
    assert(!err);
    err = message_head_read(buf_str(&out), arena, &again);
    assert(!err);
    assert(again.envelope.recipient_count == head.envelope.recipient_count);
    assert(str_eq(again.prefix, head.prefix) &&
           str_eq(again.envelope.sender, head.envelope.sender));
    assert(again.content_size == head.content_size && again.content_crc == head.content_crc);
    for (uint32_t i = 0; i < head.envelope.recipient_count; i++) {
        const struct spool_recipient *a = &head.envelope.recipients[i];
        const struct spool_recipient *b = &again.envelope.recipients[i];
        assert(str_eq(a->address, b->address) && str_eq(a->original, b->original));
        assert(head.statuses[i].attempts == again.statuses[i].attempts);
    }
    buf_free(&out);
}

static void check_changes(struct str in)
{
    struct spool_status *statuses = calloc(3, sizeof *statuses); /* its end is guarded */
    enum err err = changes_apply(in, statuses, 3);
    assert(err == OK || err == ERR_CORRUPT);
    free(statuses);
}

static void check_header(struct str in)
{
    struct record_header header;
    if (record_header_read(in, &header) == OK)
        assert(header.head_len <= header.body_len && record_units(&header) > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = str_make((const char *)data, size);
    struct arena arena = arena_make();
    struct segment_header segment;
    struct cut cut;
    struct index_entry entry;
    uint32_t unit;
    check_header(in);
    check_head(in, &arena);
    check_changes(in);
    enum err err = segment_header_read(in, &segment);
    assert(err == OK || err == ERR_CORRUPT || err == ERR_UNSUPPORTED);
    err = cut_read(in, &cut);
    assert(err == OK || err == ERR_CORRUPT);
    segment_trailer_read(in, (struct segment_life){1, 2}, &unit);
    while (index_entry_next(&in, &entry))
        ;
    arena_reset(&arena);
    return 0;
}
