#include "mail/transfer_encoding.h"

#include "base/encode.h"

struct transfer_encoder transfer_encoder_make(enum transfer_encoding encoding, struct buf *out)
{
    return (struct transfer_encoder){.encoding = encoding, .out = out};
}

static void write_out(struct transfer_encoder *encoder, struct str text)
{
    if (!encoder->err)
        encoder->err = buf_add(encoder->out, text);
}

/* ---- quoted-printable ---- */
static void write_line(struct transfer_encoder *encoder, struct str end)
{
    write_out(encoder, str_make(encoder->line, encoder->line_len));
    write_out(encoder, end);
    encoder->line_len = 0;
}

/* Room for `len` bytes and the "=" of a soft line break behind them. */
static void make_room(struct transfer_encoder *encoder, size_t len)
{
    if (encoder->line_len + len < TRANSFER_LINE_MAX_BYTES)
        return;
    write_line(encoder, STR("=\r\n"));
    encoder->is_broken = true;
}

static void add_quoted(struct transfer_encoder *encoder, char c)
{
    static const char digits[] = "0123456789ABCDEF";
    make_room(encoder, 3);
    char *at = encoder->line + encoder->line_len;
    at[0] = '=';
    at[1] = digits[(unsigned char)c >> 4];
    at[2] = digits[(unsigned char)c & 15];
    encoder->line_len += 3;
}

static void add_literal(struct transfer_encoder *encoder, char c)
{
    make_room(encoder, 1);
    encoder->line[encoder->line_len++] = c;
}

static void add_blank(struct transfer_encoder *encoder)
{
    if (encoder->blank)
        add_literal(encoder, encoder->blank);
    encoder->blank = 0;
}

/* Where a long line is broken, "-" is quoted: its piece must not look like a delimiter. */
static void add_char(struct transfer_encoder *encoder, char c)
{
    bool is_quoted = char_is_control(c) || char_is_8bit(c) || c == '=';
    if (c == '-') {
        make_room(encoder, 3);
        is_quoted = encoder->is_broken && encoder->line_len == 0;
    }
    if (is_quoted)
        add_quoted(encoder, c);
    else
        add_literal(encoder, c);
}

/* A blank at the end of a line would be lost on the way. */
static void end_text(struct transfer_encoder *encoder)
{
    if (encoder->blank)
        add_quoted(encoder, encoder->blank);
    encoder->blank = 0;
}

static void end_line(struct transfer_encoder *encoder)
{
    end_text(encoder);
    write_line(encoder, STR("\r\n"));
    encoder->is_broken = encoder->is_after_cr = false;
}

static void end_cr(struct transfer_encoder *encoder)
{
    if (!encoder->is_after_cr)
        return;
    add_blank(encoder);
    add_quoted(encoder, '\r');
    encoder->is_after_cr = false;
}

static void quote(struct transfer_encoder *encoder, char c)
{
    if (c == '\n' && encoder->is_after_cr) {
        end_line(encoder);
        return;
    }
    end_cr(encoder);
    if (c == '\r') {
        encoder->is_after_cr = true;
        return;
    }
    add_blank(encoder);
    if (char_is_wsp(c))
        encoder->blank = c;
    else
        add_char(encoder, c);
}

/* ---- base64 ---- */
static void write_base64(struct transfer_encoder *encoder)
{
    char text[TRANSFER_LINE_MAX_BYTES];
    struct str bytes = str_make(encoder->line, encoder->line_len);
    if (!bytes.len)
        return;
    if (encoder->has_broken)
        write_out(encoder, STR("\r\n"));
    base64_write(bytes, text);
    write_out(encoder, str_make(text, base64_encoded_len(bytes.len)));
    encoder->has_broken = true;
    encoder->line_len = 0;
}

static void gather(struct transfer_encoder *encoder, struct str bytes)
{
    while (bytes.len) {
        struct str piece = str_first(bytes, TRANSFER_BASE64_BYTES - encoder->line_len);
        memcpy(encoder->line + encoder->line_len, piece.at, piece.len);
        encoder->line_len += piece.len;
        bytes = str_from(bytes, piece.len);
        if (encoder->line_len == TRANSFER_BASE64_BYTES)
            write_base64(encoder);
    }
}

/* ---- both ---- */
enum err transfer_encode(struct transfer_encoder *encoder, struct str bytes)
{
    if (encoder->encoding == TRANSFER_BASE64) {
        gather(encoder, bytes);
        return encoder->err;
    }
    for (size_t i = 0; i < bytes.len; i++)
        quote(encoder, bytes.at[i]);
    return encoder->err;
}

enum err transfer_encode_end(struct transfer_encoder *encoder)
{
    if (encoder->encoding == TRANSFER_BASE64) {
        write_base64(encoder);
        return encoder->err;
    }
    end_cr(encoder);
    end_text(encoder);
    write_line(encoder, STR_EMPTY);
    return encoder->err;
}
