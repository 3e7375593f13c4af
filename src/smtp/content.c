#include "smtp/content.h"

static bool any_8bit(struct str bytes)
{
    size_t i = 0;
    for (; i + sizeof(uint64_t) <= bytes.len; i += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, bytes.at + i, sizeof word);
        if (word & 0x8080808080808080u)
            return true;
    }
    return str_has_8bit(str_from(bytes, i));
}

static uint64_t count(struct str bytes, char c)
{
    uint64_t found = 0;
    for (size_t at; (at = str_find(bytes, c)) != SIZE_MAX; found++)
        bytes = str_from(bytes, at + 1);
    return found;
}

static void end_line(struct smtp_content *content)
{
    content->long_lines += content->line_bytes > SMTP_TEXT_LINE_MAX_BYTES;
    content->line_bytes = 0;
}

/* The CR before these bytes was part of a CRLF, or it was bare. Returns what is left to look at. */
static struct str resolve_cr(struct smtp_content *content, struct str bytes)
{
    content->is_after_cr = false;
    if (bytes.len && bytes.at[0] == '\n') {
        end_line(content);
        return str_from(bytes, 1);
    }
    content->bare_cr++;
    content->line_bytes++;
    return bytes;
}

/* Bytes up to an LF, or to the end of the input, without it. A CR as the last of them waits. */
static void add_segment(struct smtp_content *content, struct str segment)
{
    uint64_t crs = count(segment, '\r');
    content->is_after_cr = segment.len && segment.at[segment.len - 1] == '\r';
    content->bare_cr += crs - content->is_after_cr;
    content->line_bytes += segment.len - content->is_after_cr;
}

void smtp_content_add(struct smtp_content *content, struct str bytes)
{
    if (bytes.len == 0)
        return;
    content->bytes += bytes.len;
    content->nul += count(bytes, '\0');
    content->has_8bit = content->has_8bit || any_8bit(bytes);
    if (content->is_after_cr)
        bytes = resolve_cr(content, bytes);
    while (bytes.len) {
        size_t lf = str_find(bytes, '\n');
        add_segment(content, str_first(bytes, lf));
        if (lf == SIZE_MAX)
            return;
        if (content->is_after_cr) {
            content->is_after_cr = false;
            end_line(content);
        } else {
            content->bare_lf++;
            content->line_bytes++;
        }
        bytes = str_from(bytes, lf + 1);
    }
}

void smtp_content_end(struct smtp_content *content)
{
    if (content->is_after_cr)
        resolve_cr(content, STR_EMPTY);
    end_line(content);
}
