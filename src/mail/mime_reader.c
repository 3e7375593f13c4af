#include "mail/mime_reader.h"

#define NO_FIELD SIZE_MAX

static void give(struct mime_reader *reader, enum mime_event_kind kind, struct str bytes)
{
    if (!bytes.len && kind != MIME_EVENT_HEADER_END)
        return;
    struct mime_event event = {.kind = kind, .bytes = bytes, .part = &reader->part};
    reader->take(reader->context, &event);
}

/* Bytes of a line, by where they stand. */
static void give_here(struct mime_reader *reader, struct str bytes)
{
    static const enum mime_event_kind kinds[] = {
        [MIME_IN_HEADER] = MIME_EVENT_FIELD,
        [MIME_IN_BODY] = MIME_EVENT_BODY,
        [MIME_IN_FRAME] = MIME_EVENT_FRAME,
    };
    give(reader, kinds[reader->place], bytes);
}

static void give_held(struct mime_reader *reader)
{
    struct str held = reader->held;
    reader->held = STR_EMPTY;
    give_here(reader, held);
}

static struct mime_level *level_above(struct mime_reader *reader)
{
    return reader->depth ? &reader->levels[reader->depth - 1] : NULL;
}

/* ---- parts ---- */
static void begin_part(struct mime_reader *reader, bool is_message)
{
    const struct mime_level *above = level_above(reader);
    reader->part = (struct mime_part){
        .number = min_size(reader->parts, MIME_NO_PART),
        .parent = above ? above->number : MIME_NO_PART,
        .is_message = is_message,
    };
    reader->parts = min_size(reader->parts + 1, MIME_NO_PART);
    reader->place = MIME_IN_HEADER;
    reader->has_field = false;
    reader->field_row = NO_FIELD;
    reader->field_len = 0;
    reader->is_malformed = false;
    reader->type = (struct mime_type){.kind = MIME_TEXT};
}

static enum mime_kind judge_kind(struct mime_reader *reader)
{
    const struct mime_level *above = level_above(reader);
    enum mime_kind kind = reader->type.kind;
    if (!reader->part.has_type && above && above->is_digest)
        kind = MIME_MESSAGE; /* RFC 2046 section 5.1.5 */
    bool is_entered = kind == MIME_MULTIPART || kind == MIME_MESSAGE;
    bool is_odd = is_entered && (reader->depth == MIME_DEPTH_MAX ||
                                 !mime_encoding_is_identity(reader->part.encoding));
    bool is_known = !reader->is_malformed && !is_odd && reader->part.number != MIME_NO_PART;
    return is_known ? kind : MIME_UNKNOWN;
}

static void enter(struct mime_reader *reader)
{
    struct mime_level *level = &reader->levels[reader->depth++];
    *level = (struct mime_level){.number = reader->part.number};
    if (reader->part.kind == MIME_MESSAGE) {
        begin_part(reader, true);
        return;
    }
    level->boundary = reader->type.boundary;
    level->is_digest = reader->type.is_digest;
    reader->place = MIME_IN_FRAME;
}

/* ---- fields ---- */
static void see_type(struct mime_reader *reader, struct str value)
{
    reader->type = mime_type_parse(value);
}

static void see_encoding(struct mime_reader *reader, struct str value)
{
    reader->part.encoding = mime_encoding_parse(value);
}

/* Fields that are gathered and understood; the others are known by their names. */
static const struct {
    const char *name;
    void (*see)(struct mime_reader *reader, struct str value);
    enum mime_event_kind event;
    size_t flag; /* in the part */
} fields[] = {
    {"Content-Type", see_type, MIME_EVENT_FIELD, offsetof(struct mime_part, has_type)},
    {"Content-Transfer-Encoding", see_encoding, MIME_EVENT_ENCODING,
     offsetof(struct mime_part, has_encoding)},
    {"MIME-Version", NULL, MIME_EVENT_FIELD, offsetof(struct mime_part, has_version)},
    {"DKIM-Signature", NULL, MIME_EVENT_FIELD, offsetof(struct mime_part, is_signed)},
    {"ARC-Message-Signature", NULL, MIME_EVENT_FIELD, offsetof(struct mime_part, is_signed)},
    {"ARC-Seal", NULL, MIME_EVENT_FIELD, offsetof(struct mime_part, is_signed)},
};

static void end_field(struct mime_reader *reader)
{
    struct str raw = str_make(reader->field, reader->field_len), name, value;
    size_t row = reader->field_row;
    reader->field_row = NO_FIELD;
    reader->field_len = 0;
    if (row == NO_FIELD)
        return;
    if (str_cut(raw, ':', &name, &value))
        fields[row].see(reader, value);
    give(reader, fields[row].event, raw);
}

/* A piece of the field under way. One that is too long is given as it is, and not understood. */
static void add_to_field(struct mime_reader *reader, struct str bytes)
{
    if (reader->field_row != NO_FIELD && bytes.len > MIME_FIELD_MAX - reader->field_len) {
        give(reader, MIME_EVENT_FIELD, str_make(reader->field, reader->field_len));
        reader->field_row = NO_FIELD;
        reader->field_len = 0;
        reader->is_malformed = true;
    }
    if (reader->field_row == NO_FIELD) {
        give(reader, MIME_EVENT_FIELD, bytes);
        return;
    }
    if (bytes.len)
        memcpy(reader->field + reader->field_len, bytes.at, bytes.len);
    reader->field_len += bytes.len;
}

/* Names as mail/header.h knows them; empty: not a field. */
static struct str name_of(struct str line)
{
    struct str name = STR_EMPTY, value;
    str_cut(line, ':', &name, &value);
    while (name.len && char_is_wsp(name.at[name.len - 1]))
        name.len--;
    for (size_t i = 0; i < name.len; i++)
        if (name.at[i] <= ' ' || name.at[i] >= 0x7f)
            return STR_EMPTY;
    return name;
}

static void begin_field(struct mime_reader *reader, struct str line)
{
    struct str name = name_of(line);
    reader->has_field = true;
    reader->is_malformed |= !name.len;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        if (!str_eq_nocase(name, str_of(fields[i].name)))
            continue;
        bool *flag = (bool *)(void *)((char *)&reader->part + fields[i].flag);
        if (fields[i].see) {
            reader->is_malformed |= *flag; /* twice: which of them is meant? */
            reader->field_row = i;
        }
        *flag = true;
    }
}

/* ---- lines ---- */

/* A line, or the beginning of a long one. */
static void take_header_line(struct mime_reader *reader, struct str line)
{
    bool is_fold = line.len && char_is_wsp(line.at[0]);
    if (is_fold) {
        reader->is_malformed |= !reader->has_field;
    } else {
        end_field(reader);
        begin_field(reader, line);
    }
    add_to_field(reader, line);
}

static void end_header(struct mime_reader *reader, struct str line)
{
    end_field(reader);
    reader->part.kind = judge_kind(reader);
    give(reader, MIME_EVENT_HEADER_END, line);
    if (reader->part.kind == MIME_MULTIPART || reader->part.kind == MIME_MESSAGE)
        enter(reader);
    else
        reader->place = MIME_IN_BODY;
}

/* What stands on a line behind "--" and the boundary; false when it does not begin like that. */
static bool cut_delimiter(struct str line, const struct mime_level *level, struct str *out_rest)
{
    struct str boundary = str_make(level->boundary.at, level->boundary.len);
    if (level->is_closed || !boundary.len || !str_starts(str_from(line, 2), boundary))
        return false;
    *out_rest = str_from(line, 2 + boundary.len);
    return true;
}

/* The innermost level of which the line is the delimiter. */
static bool find_delimiter(struct mime_reader *reader, struct str line, size_t *out_depth,
                           bool *out_is_last)
{
    size_t exact = 0, near = 0;
    struct str rest;
    if (!str_starts(line, STR("--")))
        return false;
    for (size_t depth = reader->depth; depth > 0; depth--) {
        if (!cut_delimiter(line, &reader->levels[depth - 1], &rest))
            continue;
        bool is_last = str_starts(rest, STR("--"));
        if (str_trim(str_from(rest, is_last ? 2 : 0)).len) {
            near++;
        } else if (exact++ == 0) {
            *out_depth = depth;
            *out_is_last = is_last;
        }
    }
    reader->is_doubtful |= exact > 1 || (near && !exact);
    return exact > 0;
}

/* The CRLF before it belongs to the delimiter. */
static void take_delimiter(struct mime_reader *reader, struct str line, size_t depth, bool is_last)
{
    while (reader->place == MIME_IN_HEADER)
        end_header(reader, STR_EMPTY);
    reader->place = MIME_IN_FRAME;
    give_held(reader);
    give_here(reader, line);
    reader->depth = depth;
    level_above(reader)->is_closed = is_last;
    if (!is_last)
        begin_part(reader, false);
}

/* A whole line: its end is "\r\n", or nothing at the end of the message. */
static void take_line(struct mime_reader *reader, struct str raw)
{
    struct str end = str_ends(raw, STR("\r\n")) ? STR("\r\n") : STR_EMPTY;
    struct str line = str_first(raw, raw.len - end.len);
    size_t depth;
    bool is_last;
    if (find_delimiter(reader, line, &depth, &is_last)) {
        take_delimiter(reader, raw, depth, is_last);
    } else if (reader->place == MIME_IN_HEADER) {
        if (line.len)
            take_header_line(reader, raw);
        else
            end_header(reader, raw);
    } else {
        give_held(reader);
        give_here(reader, line);
        reader->held = end;
    }
}

static void give_in_line(struct mime_reader *reader, struct str bytes)
{
    if (reader->place == MIME_IN_HEADER)
        add_to_field(reader, bytes);
    else
        give_here(reader, bytes);
}

/* ---- bytes ---- */

/* The length of the line at the front with its CRLF, or 0. */
static size_t line_len(struct str bytes, size_t from)
{
    for (;;) {
        size_t skip = str_find(str_from(bytes, from), '\n');
        if (skip == SIZE_MAX)
            return 0;
        from += skip + 1;
        if (from >= 2 && bytes.at[from - 2] == '\r')
            return from;
    }
}

static void end_in_line(struct mime_reader *reader)
{
    reader->is_in_line = false;
    reader->held = STR_EMPTY;
    if (reader->place == MIME_IN_HEADER)
        add_to_field(reader, STR("\r\n"));
    else
        reader->held = STR("\r\n");
}

/* Within a long line. Returns how many bytes were used. */
static size_t read_in_line(struct mime_reader *reader, struct str bytes)
{
    if (reader->held.len && bytes.at[0] == '\n') {
        end_in_line(reader);
        return 1;
    }
    if (reader->held.len) {
        reader->held = STR_EMPTY;
        give_in_line(reader, STR("\r"));
    }
    size_t cr = min_size(str_find(bytes, '\r'), bytes.len);
    give_in_line(reader, str_first(bytes, cr));
    if (cr == bytes.len)
        return cr;
    reader->held = STR("\r");
    return cr + 1;
}

/* The beginning of a line that is too long for a delimiter. Its last two bytes may be half of what
 * ends it. */
static void take_long_line(struct mime_reader *reader, struct str line)
{
    struct str beginning = str_first(line, MIME_LINE_MAX_BYTES);
    struct str rest = str_from(line, MIME_LINE_MAX_BYTES);
    size_t depth;
    bool is_last;
    reader->is_doubtful |= find_delimiter(reader, beginning, &depth, &is_last);
    if (reader->place == MIME_IN_HEADER) {
        take_header_line(reader, beginning);
    } else {
        give_held(reader);
        give_here(reader, beginning);
    }
    reader->is_in_line = true;
    while (rest.len)
        rest = str_from(rest, read_in_line(reader, rest));
}

/* At the beginning of a line. Returns how many bytes were used; what does not end yet is kept. */
static size_t read_beginning(struct mime_reader *reader, struct str bytes)
{
    size_t room = sizeof reader->line, kept = reader->line_len;
    size_t len = kept ? 0 : line_len(str_first(bytes, room), 0);
    if (len) {
        take_line(reader, str_first(bytes, len));
        return len;
    }
    struct str more = str_first(bytes, room - kept);
    memcpy(reader->line + kept, more.at, more.len);
    struct str line = str_make(reader->line, kept + more.len);
    len = line_len(line, kept ? kept - 1 : 0);
    reader->line_len = len ? 0 : line.len;
    if (len) {
        take_line(reader, str_first(line, len));
        return len - kept;
    }
    if (line.len < room)
        return more.len;
    reader->line_len = 0;
    take_long_line(reader, line);
    return more.len;
}

void mime_reader_begin(struct mime_reader *reader, mime_take *take, void *context)
{
    *reader = (struct mime_reader){.take = take, .context = context, .held = STR_EMPTY};
    begin_part(reader, true);
}

void mime_reader_add(struct mime_reader *reader, struct str bytes)
{
    while (bytes.len) {
        size_t used =
            reader->is_in_line ? read_in_line(reader, bytes) : read_beginning(reader, bytes);
        bytes = str_from(bytes, used);
    }
}

void mime_reader_end(struct mime_reader *reader)
{
    if (reader->is_in_line && reader->held.len) {
        reader->held = STR_EMPTY;
        give_in_line(reader, STR("\r"));
    }
    if (reader->line_len)
        take_line(reader, str_make(reader->line, reader->line_len));
    while (reader->place == MIME_IN_HEADER)
        end_header(reader, STR_EMPTY);
    give_held(reader);
}
