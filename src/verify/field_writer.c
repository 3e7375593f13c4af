#include "verify/field_writer.h"

#define COLUMNS   78  /* RFC 5322 section 2.1.1 */
#define PIECE_MAX 512 /* of field_writer_printf: a domain name and a few words */

static void put(struct field_writer *writer, struct str bytes)
{
    if (!writer->err)
        writer->err = buf_add(writer->buf, bytes);
    writer->column += bytes.len;
}

static void fold(struct field_writer *writer)
{
    put(writer, STR("\r\n "));
    writer->column = 1;
}

struct field_writer field_writer_make(struct buf *buf, struct str name)
{
    struct field_writer writer = {.buf = buf, .begin = buf->len};
    put(&writer, name);
    put(&writer, STR(":"));
    return writer;
}

void field_writer_add(struct field_writer *writer, struct str piece)
{
    if (writer->column + 1 + piece.len > COLUMNS)
        fold(writer);
    else
        put(writer, STR(" "));
    put(writer, piece);
}

void field_writer_add_before_text(struct field_writer *writer, struct str piece)
{
    if (writer->column > COLUMNS / 2)
        fold(writer);
    else
        put(writer, STR(" "));
    put(writer, piece);
}

void field_writer_printf(struct field_writer *writer, const char *format, ...)
{
    struct buf piece = buf_make(PIECE_MAX);
    va_list args;
    va_start(args, format);
    enum err err = buf_vprintf(&piece, format, args);
    va_end(args);
    if (!writer->err)
        writer->err = err;
    field_writer_add(writer, buf_str(&piece));
    buf_free(&piece);
}

void field_writer_join(struct field_writer *writer, struct str piece)
{
    if (writer->column + piece.len > COLUMNS && writer->column > 1)
        fold(writer);
    put(writer, piece);
}

void field_writer_join_text(struct field_writer *writer, struct str text)
{
    while (text.len) {
        if (writer->column >= COLUMNS)
            fold(writer);
        struct str line = str_first(text, COLUMNS - writer->column);
        put(writer, line);
        text = str_from(text, line.len);
    }
}

struct str field_writer_text(const struct field_writer *writer)
{
    return str_from(buf_str(writer->buf), writer->begin);
}

enum err field_writer_end(struct field_writer *writer)
{
    put(writer, STR("\r\n"));
    return writer->err;
}
