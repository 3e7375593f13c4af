#include "trace/transcript.h"

#include "base/mem.h"
#include "mail/text.h"

#include <stdio.h>

#define LIMIT_MIN      8192
#define LINE_MAX_BYTES 512
#define CUT_MARK       "\xe2\x80\xa6" /* … */
#define PREFIX_ROOM    32             /* time, voice and line end around a line */
#define GAP_ROOM       64
#define PART_MIN       1024 /* a part that would get less room is left out as a whole */

static const char *const voices[] = {
    [TRANSCRIPT_CLIENT] = "C:",
    [TRANSCRIPT_SERVER] = "S:",
    [TRANSCRIPT_NOTE] = "--",
};

/* ---- life ---- */

void transcript_init(struct transcript *transcript, size_t limit_bytes, uint64_t now_ms)
{
    *transcript = (struct transcript){
        .text = buf_make(max_size(limit_bytes, LIMIT_MIN)),
        .began_ms = now_ms,
    };
}

void transcript_done(struct transcript *transcript) { buf_free(&transcript->text); }

static void forget_gap(struct transcript *transcript)
{
    transcript->gap_at = transcript->gap_len = transcript->left_out = 0;
}

void transcript_restart(struct transcript *transcript)
{
    transcript->text.len = transcript->connection_len;
    forget_gap(transcript);
}

void transcript_trim(struct transcript *transcript)
{
    transcript_restart(transcript);
    struct buf *text = &transcript->text;
    if (text->len == 0) {
        buf_free(text);
    } else {
        text->at = mem_grow(text->at, text->len);
        text->cap = text->len;
    }
}

struct str transcript_text(const struct transcript *transcript)
{
    return buf_str(&transcript->text);
}

/* ---- the bound: the middle of the present part makes room ---- */

static size_t count_lines(const char *from, const char *end)
{
    size_t lines = 0;
    while ((from = memchr(from, '\n', (size_t)(end - from)))) {
        lines++;
        from++;
    }
    return lines;
}

/* The end of the last whole line in [from, at). */
static size_t line_end_before(const struct buf *text, size_t from, size_t at)
{
    while (at > from && text->at[at - 1] != '\n')
        at--;
    return at;
}

/* Puts the words about the gap between [0, head_end) and [tail_from, len). */
static void close_gap(struct transcript *transcript, size_t head_end, size_t tail_from)
{
    struct buf *text = &transcript->text;
    char gap[GAP_ROOM];
    int gap_len =
        snprintf(gap, sizeof gap, "         -- (lines left out here: %zu)\n", transcript->left_out);
    assert(gap_len > 0 && head_end + (size_t)gap_len <= tail_from);
    size_t tail_len = text->len - tail_from;
    memmove(text->at + head_end + gap_len, text->at + tail_from, tail_len);
    memcpy(text->at + head_end, gap, (size_t)gap_len);
    text->len = head_end + (size_t)gap_len + tail_len;
    transcript->gap_at = head_end;
    transcript->gap_len = (size_t)gap_len;
}

/* Counts as left out what stands between [0, head_end) and [tail_from, len). */
static void count_left_out(struct transcript *transcript, size_t head_end, size_t tail_from)
{
    const char *at = transcript->text.at;
    size_t gap_end = transcript->gap_at + transcript->gap_len;
    if (transcript->gap_at)
        transcript->left_out += count_lines(at + head_end, at + transcript->gap_at) +
                                count_lines(at + gap_end, at + tail_from);
    else
        transcript->left_out += count_lines(at + head_end, at + tail_from);
}

/* Makes the text, with `need` bytes more, fit within `bound`. Half of the room of the part is its
 * beginning; of its end, half is dropped at once, so that the cost for each line stays small. */
static void leave_out(struct transcript *transcript, size_t bound, size_t need)
{
    struct buf *text = &transcript->text;
    if (text->len + need <= bound)
        return;
    size_t part_at = transcript->connection_len;
    size_t half = part_at + (bound - part_at) / 2;
    size_t head_max = transcript->gap_at ? min_size(transcript->gap_at, half) : half;
    size_t head_end = line_end_before(text, part_at, head_max);
    size_t tail_from =
        max_size(text->len - (bound - half) / 2, transcript->gap_at + transcript->gap_len);
    while (tail_from < text->len && text->at[tail_from - 1] != '\n')
        tail_from++;
    count_left_out(transcript, head_end, tail_from);
    close_gap(transcript, head_end, tail_from);
}

void transcript_connection_ends(struct transcript *transcript)
{
    struct buf *text = &transcript->text;
    size_t bound = text->limit / 2;
    if (text->len > bound && bound - transcript->connection_len < PART_MIN)
        text->len = transcript->connection_len;
    else
        leave_out(transcript, bound, 0);
    transcript->connection_len = text->len;
    forget_gap(transcript);
}

/* ---- lines ---- */

/* What stands at the start of `text` and may be shown as it is: printable ASCII as far as it goes,
 * or one character of UTF-8 that is no control. Otherwise empty. */
static struct str shown_piece(struct str text)
{
    size_t ascii = 0;
    while (ascii < text.len && !char_is_control(text.at[ascii]) && !char_is_8bit(text.at[ascii]))
        ascii++;
    if (ascii)
        return str_first(text, ascii);
    for (size_t len = 2; len <= min_size(text.len, 4); len++)
        if (mail_text_is_clean(str_first(text, len)))
            return str_first(text, len);
    return STR_EMPTY;
}

static struct str line_end_cut(struct str line)
{
    while (line.len && (line.at[line.len - 1] == '\n' || line.at[line.len - 1] == '\r'))
        line.len--;
    return line;
}

/* Writes `line` escaped to `out`, at most LINE_MAX_BYTES and the mark of a cut. */
static size_t escape(char *out, struct str line)
{
    size_t len = 0;
    while (line.len) {
        char hex[5];
        struct str piece = shown_piece(str_first(line, max_size(LINE_MAX_BYTES - len, 1)));
        size_t used = piece.len;
        if (used == 0) {
            snprintf(hex, sizeof hex, "\\x%02x", (unsigned)(unsigned char)line.at[0]);
            piece = str_of(hex);
            used = 1;
        }
        if (len + piece.len > LINE_MAX_BYTES) {
            memcpy(out + len, CUT_MARK, sizeof CUT_MARK - 1);
            return len + sizeof CUT_MARK - 1;
        }
        memcpy(out + len, piece.at, piece.len);
        len += piece.len;
        line = str_from(line, used);
    }
    return len;
}

void transcript_line(struct transcript *transcript, uint64_t now_ms, enum transcript_voice voice,
                     struct str line)
{
    char written[PREFIX_ROOM + LINE_MAX_BYTES + sizeof CUT_MARK];
    uint64_t after_ms = now_ms - transcript->began_ms;
    int prefix = snprintf(written, PREFIX_ROOM, "%4llu.%03u %s ",
                          (unsigned long long)after_ms / 1000 % 100000000,
                          (unsigned)(after_ms % 1000), voices[voice]);
    size_t len = (size_t)prefix + escape(written + prefix, line_end_cut(line));
    written[len++] = '\n';

    struct buf *text = &transcript->text;
    leave_out(transcript, transcript->connection_len ? text->limit : text->limit / 2, len);
    buf_add_cut(text, str_make(written, len));
}

void transcript_printf(struct transcript *transcript, uint64_t now_ms, enum transcript_voice voice,
                       const char *format, ...)
{
    char line[LINE_MAX_BYTES + 2]; /* one byte more than is shown, so that a cut is seen */
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    assert(len >= 0);
    transcript_line(transcript, now_ms, voice,
                    str_make(line, min_size((size_t)len, sizeof line - 1)));
}
