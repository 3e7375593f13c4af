#include "trace/fold.h"

#include <stdio.h>

#define ROW_MIN   10 /* shorter rows stay as they are */
#define ROW_HEAD  4
#define ROW_TAIL  2
#define FATES_MIN 4
#define NAMES_MAX 3

struct str trace_cut_line(struct str *text)
{
    struct str line = *text, rest = STR_EMPTY;
    str_cut(*text, '\n', &line, &rest);
    *text = rest;
    return line;
}

static void add(struct buf *out, struct str text)
{
    enum err err = buf_add(out, text);
    assert(!err); /* the printer's buffer, which has no limit of its own */
}

static void add_line(struct buf *out, struct str line)
{
    add(out, line);
    add(out, STR("\n"));
}

/* ---- conversations ---- */

/* What a line of a transcript says behind its time: "C: RCPT TO:<a@b.example>". */
static struct str behind_time(struct str line)
{
    size_t at = 0;
    while (at < line.len &&
           (line.at[at] == ' ' || line.at[at] == '.' || char_is_digit(line.at[at])))
        at++;
    return str_from(line, at);
}

static bool is_rcpt(struct str line)
{
    return str_starts_nocase(behind_time(line), STR("C: RCPT TO:"));
}

/* "S: 250 2.1.5" of "S: 250 2.1.5 Ok", or without an enhanced code "S: 250"; empty when it is no
 * whole reply. */
static struct str reply_code(struct str line)
{
    struct str said = behind_time(line);
    size_t code_len = strlen("S: 250"), len = code_len + 1;
    if (!str_starts(said, STR("S: ")) || said.len <= code_len || said.at[code_len] != ' ')
        return STR_EMPTY;
    while (len < said.len && (char_is_digit(said.at[len]) || said.at[len] == '.'))
        len++;
    return str_first(said, len > code_len + 1 ? len : code_len);
}

/* Lines that follow each other, all of them RCPT or answers with the same code. */
struct row {
    const char *begin, *end;
    const char *head_end, *tail[ROW_TAIL]; /* tail: where the last lines begin, the oldest first */
    size_t count;
    struct str code;
};

static bool row_takes(struct row *row, struct str line)
{
    struct str code = reply_code(line);
    if (!code.len)
        return is_rcpt(line);
    if (!row->code.len)
        row->code = code;
    return str_eq(row->code, code);
}

static void row_add(struct row *row, struct str line, const char *next)
{
    if (row->count++ == 0)
        row->begin = line.at;
    if (row->count == ROW_HEAD)
        row->head_end = next;
    memmove(row->tail, row->tail + 1, (ROW_TAIL - 1) * sizeof *row->tail);
    row->tail[ROW_TAIL - 1] = line.at;
    row->end = next;
}

static bool row_end(struct row *row, struct buf *out)
{
    bool is_long = row->count >= ROW_MIN;
    if (row->count && !is_long)
        add(out, str_make(row->begin, (size_t)(row->end - row->begin)));
    if (is_long) {
        char words[64];
        snprintf(words, sizeof words, "         -- (%zu lines like these)\n",
                 row->count - ROW_HEAD - ROW_TAIL);
        add(out, str_make(row->begin, (size_t)(row->head_end - row->begin)));
        add(out, str_of(words));
        add(out, str_make(row->tail[0], (size_t)(row->end - row->tail[0])));
    }
    *row = (struct row){.count = 0};
    return is_long;
}

bool trace_fold_transcript(struct str transcript, struct buf *out)
{
    struct row row = {.count = 0};
    bool is_shorter = false;
    while (transcript.len) {
        struct str line = trace_cut_line(&transcript);
        const char *next = transcript.len ? transcript.at : line.at + line.len;
        if (!row_takes(&row, line)) {
            is_shorter |= row_end(&row, out);
            if (!row_takes(&row, line)) {
                add_line(out, line);
                continue;
            }
        }
        row_add(&row, line, next);
    }
    return row_end(&row, out) || is_shorter;
}

/* ---- fates ---- */

struct fate {
    struct str who, words;
};

/* "<a@b.example>: delivered: 250 taken"; behind the address may stand a remark in parentheses. */
static bool fate_read(struct str line, struct fate *out_fate)
{
    if (!str_starts(line, STR("<")))
        return false;
    for (size_t at = 1; at + 1 < line.len; at++)
        if (line.at[at] == ':' && line.at[at + 1] == ' ' &&
            (line.at[at - 1] == '>' || line.at[at - 1] == ')')) {
            *out_fate = (struct fate){str_first(line, at), str_from(line, at + 2)};
            return true;
        }
    return false;
}

struct alike {
    struct str names[NAMES_MAX], words;
    size_t count;
};

static void alike_add(struct alike *alike, struct fate fate)
{
    if (alike->count < NAMES_MAX)
        alike->names[alike->count] = fate.who;
    alike->words = fate.words;
    alike->count++;
}

static void add_names(struct buf *out, const struct alike *alike)
{
    char words[64];
    for (size_t i = 0; i < NAMES_MAX; i++) {
        add(out, i ? STR(", ") : STR("  "));
        add(out, alike->names[i]);
    }
    snprintf(words, sizeof words, " and %zu more", alike->count - NAMES_MAX);
    add_line(out, str_of(words));
}

static bool alike_end(struct alike *alike, struct buf *out)
{
    bool is_long = alike->count >= FATES_MIN;
    for (size_t i = 0; !is_long && i < alike->count; i++) {
        add(out, alike->names[i]);
        add(out, STR(": "));
        add_line(out, alike->words);
    }
    if (is_long) {
        char words[64];
        snprintf(words, sizeof words, "%zu recipients: ", alike->count);
        add(out, str_of(words));
        add_line(out, alike->words);
        add_names(out, alike);
    }
    *alike = (struct alike){.count = 0};
    return is_long;
}

bool trace_fold_fates(struct str text, struct buf *out)
{
    struct alike alike = {.count = 0};
    bool is_shorter = false;
    while (text.len) {
        struct str line = trace_cut_line(&text);
        struct fate fate;
        bool is_fate = fate_read(line, &fate);
        if (alike.count && (!is_fate || !str_eq(fate.words, alike.words)))
            is_shorter |= alike_end(&alike, out);
        if (is_fate)
            alike_add(&alike, fate);
        else
            add_line(out, line);
    }
    return alike_end(&alike, out) || is_shorter;
}

struct str trace_first_fate(struct str text)
{
    while (text.len) {
        struct fate fate;
        if (fate_read(trace_cut_line(&text), &fate))
            return fate.words;
    }
    return STR_EMPTY;
}

struct str trace_common_fate(struct str text)
{
    struct str common = STR_EMPTY;
    while (text.len) {
        struct fate fate;
        struct str kind, rest;
        if (!fate_read(trace_cut_line(&text), &fate))
            continue;
        if (!str_cut(fate.words, ':', &kind, &rest))
            kind = fate.words;
        if (common.len && !str_eq(common, kind))
            return STR_EMPTY;
        common = kind;
    }
    return common;
}
