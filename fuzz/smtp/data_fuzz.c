/* Laws: any split gives the same content, facts and end; the content ends exactly at the first
 * CRLF.CRLF; what the writer puts out has only CRLF and is read back as what it was. The first
 * byte says how large the pieces are. */
#include "base/buf.h"
#include "smtp/data.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reading {
    struct buf content;
    struct smtp_data_reader reader;
    size_t used;
};

static struct reading read_in_pieces(struct str input, size_t piece)
{
    struct reading reading = {buf_make(1 << 20), smtp_data_reader_make(), 0};
    while (reading.used < input.len && !smtp_data_is_ended(&reading.reader)) {
        struct str in = str_first(str_from(input, reading.used), piece), run;
        while (in.len && !smtp_data_is_ended(&reading.reader)) {
            size_t used = smtp_data_read(&reading.reader, in, &run);
            assert(used <= in.len);
            in = str_from(in, used);
            reading.used += used;
            enum err err = buf_add(&reading.content, run);
            assert(!err);
        }
    }
    return reading;
}

/* The end as the RFC says it, found the slow way; SIZE_MAX when there is none. */
static size_t find_end(struct str input)
{
    if (str_starts(input, STR(".\r\n")))
        return 3;
    size_t at = str_search(input, STR("\r\n.\r\n"));
    return at == SIZE_MAX ? at : at + 5;
}

static bool same_facts(const struct smtp_content *a, const struct smtp_content *b)
{
    return a->bytes == b->bytes && a->bare_cr == b->bare_cr && a->bare_lf == b->bare_lf &&
           a->nul == b->nul && a->long_lines == b->long_lines && a->line_bytes == b->line_bytes &&
           a->has_8bit == b->has_8bit && a->is_after_cr == b->is_after_cr;
}

static void check_reading(struct str input, size_t piece)
{
    struct reading whole = read_in_pieces(input, input.len);
    struct reading pieces = read_in_pieces(input, piece);
    assert(str_eq(buf_str(&whole.content), buf_str(&pieces.content)));
    assert(whole.used == pieces.used);
    assert(same_facts(&whole.reader.content, &pieces.reader.content));
    assert(whole.reader.content.bytes == whole.content.len);
    size_t end = find_end(input);
    assert(smtp_data_is_ended(&whole.reader) == (end != SIZE_MAX));
    assert(whole.used == min_size(end, input.len));
    buf_free(&whole.content);
    buf_free(&pieces.content);
}

static enum err write_in_pieces(struct str content, size_t piece, struct buf *wire)
{
    struct smtp_data_writer writer = smtp_data_writer_make();
    struct str run;
    while (content.len) {
        size_t used;
        enum err err = smtp_data_write(&writer, str_first(content, piece), &used, &run);
        if (err)
            return err;
        content = str_from(content, used);
        err = buf_add(wire, run);
        assert(!err);
    }
    enum err err = smtp_data_write_end(&writer, &run);
    return err ? err : buf_add(wire, run);
}

static bool has_only_crlf(struct str s)
{
    struct smtp_content facts = smtp_content_make();
    smtp_content_add(&facts, s);
    smtp_content_end(&facts);
    return facts.bare_cr == 0 && facts.bare_lf == 0;
}

static void check_writing(struct str content, size_t piece)
{
    struct buf wire = buf_make(1 << 20);
    enum err err = write_in_pieces(content, piece, &wire);
    assert((err == OK) == has_only_crlf(content));
    assert(has_only_crlf(buf_str(&wire)));
    if (!err) {
        struct reading back = read_in_pieces(buf_str(&wire), piece);
        bool is_whole = content.len == 0 || str_ends(content, STR("\r\n"));
        assert(smtp_data_is_ended(&back.reader) && back.used == wire.len);
        assert(str_starts(buf_str(&back.content), content));
        assert(back.content.len == content.len + (is_whole ? 0 : 2));
        buf_free(&back.content);
    }
    buf_free(&wire);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 100000)
        return 0;
    struct str rest = str_make((const char *)data + 1, size - 1);
    check_reading(rest, (size_t)data[0] % 16 + 1);
    check_writing(rest, (size_t)data[0] % 16 + 1);
    return 0;
}
