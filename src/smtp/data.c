#include "smtp/data.h"

/* Up to and including the first CRLF of `in` that has a dot behind it, or the end of `in`: all of
 * that is content as it stands. */
static struct str run_of_content(struct smtp_data_reader *reader, struct str in)
{
    bool is_after_cr = reader->state == SMTP_DATA_AFTER_CR;
    size_t at = 0;
    for (;;) {
        size_t lf = str_find(str_from(in, at), '\n');
        if (lf == SIZE_MAX) {
            reader->state = in.at[in.len - 1] == '\r' ? SMTP_DATA_AFTER_CR : SMTP_DATA_IN_LINE;
            return in;
        }
        lf += at;
        bool is_crlf = lf > 0 ? in.at[lf - 1] == '\r' : is_after_cr;
        at = lf + 1;
        if (at == in.len || (is_crlf && in.at[at] == '.')) {
            reader->state = is_crlf ? SMTP_DATA_LINE_START : SMTP_DATA_IN_LINE;
            return str_first(in, at);
        }
    }
}

size_t smtp_data_read(struct smtp_data_reader *reader, struct str in, struct str *out_run)
{
    *out_run = STR_EMPTY;
    if (in.len == 0 || smtp_data_is_ended(reader))
        return 0;
    if (reader->state == SMTP_DATA_LINE_START && in.at[0] == '.') {
        reader->state = SMTP_DATA_AFTER_DOT;
        return 1;
    }
    if (reader->state == SMTP_DATA_AFTER_DOT && in.at[0] == '\r') {
        reader->state = SMTP_DATA_AFTER_DOT_CR;
        return 1;
    }
    if (reader->state == SMTP_DATA_AFTER_DOT_CR && in.at[0] == '\n') {
        reader->state = SMTP_DATA_ENDED;
        smtp_content_end(&reader->content);
        return 1;
    }
    size_t used = 0;
    if (reader->state == SMTP_DATA_AFTER_DOT_CR) {
        /* The CR was held back, and is content after all: a bare one. */
        reader->state = SMTP_DATA_IN_LINE;
        *out_run = STR("\r");
    } else {
        *out_run = run_of_content(reader, in);
        used = out_run->len;
    }
    smtp_content_add(&reader->content, *out_run);
    return used;
}

/* True when the only CR of a line is its last byte. */
static bool has_no_other_cr(struct str line)
{
    size_t cr = str_find(line, '\r');
    return cr == SIZE_MAX || cr + 1 == line.len;
}

/* Finds how much of `in` goes out as it stands: whole lines up to one that begins with a dot, and
 * at the end of `in` part of a line, without a CR that may be half a CRLF. */
static enum err run_to_send(struct smtp_data_writer *writer, struct str in, size_t *out_len)
{
    size_t at = 0;
    for (;;) {
        struct str rest = str_from(in, at);
        size_t lf = str_find(rest, '\n');
        struct str line = str_first(rest, lf);
        bool ends_in_cr = line.len && line.at[line.len - 1] == '\r';
        if (!has_no_other_cr(line) || (lf != SIZE_MAX && !ends_in_cr))
            return ERR_SYNTAX;
        if (lf == SIZE_MAX) {
            writer->holds_cr = ends_in_cr;
            writer->is_in_line = line.len > 0;
            *out_len = in.len - ends_in_cr;
            return OK;
        }
        at += lf + 1;
        if (at == in.len || in.at[at] == '.') {
            writer->is_in_line = false;
            *out_len = at;
            return OK;
        }
    }
}

enum err smtp_data_write(struct smtp_data_writer *writer, struct str in, size_t *out_used,
                         struct str *out_run)
{
    size_t len;
    if (in.len == 0) {
        *out_used = 0;
        *out_run = STR_EMPTY;
        return OK;
    }
    if (writer->holds_cr) {
        if (in.at[0] != '\n')
            return ERR_SYNTAX;
        *writer = smtp_data_writer_make();
        *out_used = 1;
        *out_run = STR("\r\n");
        return OK;
    }
    if (!writer->is_in_line && in.at[0] == '.') {
        writer->is_in_line = true;
        *out_used = 1;
        *out_run = STR("..");
        return OK;
    }
    enum err err = run_to_send(writer, in, &len);
    if (err)
        return err;
    *out_used = len + writer->holds_cr;
    *out_run = str_first(in, len);
    return OK;
}

enum err smtp_data_write_end(struct smtp_data_writer *writer, struct str *out_run)
{
    if (writer->holds_cr)
        return ERR_SYNTAX;
    *out_run = writer->is_in_line ? STR("\r\n.\r\n") : STR(".\r\n");
    return OK;
}
