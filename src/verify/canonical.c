#include "verify/canonical.h"

struct str canonicalization_text(enum canonicalization kind)
{
    return kind == CANONICAL_RELAXED ? STR("relaxed") : STR("simple");
}

/* ---- the sink ---- */

void canonical_sink_init(struct canonical_sink *sink, void (*put)(void *context, struct str bytes),
                         void *context)
{
    sink->put = put;
    sink->context = context;
    sink->gathered = 0;
}

void canonical_sink_flush(struct canonical_sink *sink)
{
    if (sink->gathered)
        sink->put(sink->context, str_make(sink->gather, sink->gathered));
    sink->gathered = 0;
}

void canonical_sink_put(struct canonical_sink *sink, struct str bytes)
{
    if (bytes.len > sizeof sink->gather - sink->gathered)
        canonical_sink_flush(sink);
    if (bytes.len >= sizeof sink->gather / 2) {
        canonical_sink_flush(sink);
        sink->put(sink->context, bytes);
        return;
    }
    memcpy(sink->gather + sink->gathered, bytes.at, bytes.len);
    sink->gathered += bytes.len;
}

static void put_char(struct canonical_sink *sink, char c)
{
    if (sink->gathered == sizeof sink->gather)
        canonical_sink_flush(sink);
    sink->gather[sink->gathered++] = c;
}

/* ---- what relaxed canonicalization leaves as it is ---- */

/* Sixteen bytes at once, without regard to the processor: the compiler knows what it has. */
typedef uint8_t block __attribute__((vector_size(16)));

static block block_at(const char *at)
{
    block bytes;
    memcpy(&bytes, at, sizeof bytes);
    return bytes;
}

/* The place of the first byte that is not zero; the block's size when all are. */
static size_t block_first_mark(block marks)
{
    uint64_t halves[2];
    memcpy(halves, &marks, sizeof halves);
    for (size_t i = 0; i < 2; i++) {
        if (!halves[i])
            continue;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        return 8 * i + (size_t)__builtin_ctzll(halves[i]) / 8;
#else
        return 8 * i + (size_t)__builtin_clzll(halves[i]) / 8;
#endif
    }
    return sizeof marks;
}

/* Bytes that relaxed canonicalization may change, or that may begin such a place. */
static bool needs_care(char c, char next)
{
    return c == '\t' || c == '\r' || (c == ' ' && (next == ' ' || next == '\t' || next == '\r'));
}

/* How many bytes from `at` on need no care. The last byte's follower is not known, so a blank there
 * needs care. */
static size_t plain_len(const char *at, size_t len)
{
    size_t i = 0;
    for (; i + sizeof(block) < len; i += sizeof(block)) {
        block here = block_at(at + i), next = block_at(at + i + 1);
        block care = (block)((next == ' ') | (next == '\t') | (next == '\r'));
        care = (block)((here == '\t') | (here == '\r')) | ((block)(here == ' ') & care);
        size_t first = block_first_mark(care);
        if (first < sizeof care)
            return i + first;
    }
    while (i < len && !needs_care(at[i], i + 1 < len ? at[i + 1] : ' '))
        i++;
    return i;
}

/* ---- header fields ---- */

/* Length of the blanks and line ends that `s` begins with. */
static size_t gap_len(struct str s, bool *out_has_blank)
{
    size_t len = 0;
    *out_has_blank = false;
    for (;;) {
        struct str rest = str_from(s, len);
        if (str_starts(rest, STR("\r\n"))) {
            len += 2;
        } else if (rest.len && char_is_wsp(rest.at[0])) {
            *out_has_blank = true;
            len++;
        } else {
            return len;
        }
    }
}

static void put_relaxed_value(struct str value, struct canonical_sink *sink)
{
    bool has_blank, has_text = false;
    for (;;) {
        value = str_from(value, gap_len(value, &has_blank));
        if (value.len == 0)
            return;
        if (has_blank && has_text)
            put_char(sink, ' ');
        size_t len = max_size(plain_len(value.at, value.len), 1); /* 1: a CR alone */
        canonical_sink_put(sink, str_first(value, len));
        value = str_from(value, len);
        has_text = true;
    }
}

/* Section 3.4.2. The fields that are given here have a colon: others have no name to be signed by.
 */
static void put_relaxed_field(struct str raw, struct canonical_sink *sink)
{
    struct str name = raw, value = STR_EMPTY;
    str_cut(raw, ':', &name, &value);
    name = str_trim(name);
    for (size_t i = 0; i < name.len; i++)
        put_char(sink, char_lower(name.at[i]));
    put_char(sink, ':');
    put_relaxed_value(value, sink);
}

void canonical_field_unended(enum canonicalization kind, struct str raw,
                             struct canonical_sink *sink)
{
    if (str_ends(raw, STR("\r\n")))
        raw.len -= 2;
    if (kind == CANONICAL_RELAXED)
        put_relaxed_field(raw, sink);
    else
        canonical_sink_put(sink, raw);
}

void canonical_field(enum canonicalization kind, struct str raw, struct canonical_sink *sink)
{
    canonical_field_unended(kind, raw, sink);
    canonical_sink_put(sink, STR("\r\n"));
}

/* ---- bodies ---- */

static void put_line_ends(size_t count, struct canonical_sink *sink)
{
    static const char many[] = "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n";
    const size_t in_many = (sizeof many - 1) / 2;
    for (; count; count -= min_size(count, in_many))
        canonical_sink_put(sink, str_make(many, 2 * min_size(count, in_many)));
}

/* What was held back turned out to stand within the body. */
static void put_held(struct canonical_body *body, struct canonical_sink *sink)
{
    if (body->line_ends)
        put_line_ends(body->line_ends, sink);
    if (body->has_blank)
        put_char(sink, ' ');
    if (body->has_cr)
        put_char(sink, '\r');
    body->line_ends = 0;
    body->has_blank = body->has_cr = false;
    body->has_content = true;
}

/* Section 3.4.3: only the line ends at the very end matter, so only the end of a piece is looked
 * at and the rest goes on whole. */
static void add_simple(struct canonical_body *body, struct str bytes, struct canonical_sink *sink)
{
    if (body->has_cr && bytes.len && bytes.at[0] == '\n') {
        body->has_cr = false;
        body->line_ends++;
        bytes = str_from(bytes, 1);
    }
    struct str content = bytes;
    bool has_cr = content.len && content.at[content.len - 1] == '\r';
    if (has_cr)
        content.len--;
    size_t line_ends = 0;
    for (; str_ends(content, STR("\r\n")); content.len -= 2)
        line_ends++;
    if (content.len || (body->has_cr && bytes.len)) {
        put_held(body, sink);
        canonical_sink_put(sink, content);
    }
    body->line_ends += line_ends;
    body->has_cr = body->has_cr || has_cr;
}

/* The bytes from `at` on that stay as they are: lines with single blanks, and the line ends that
 * have text behind them. */
static size_t unchanged_len(const char *at, size_t len)
{
    for (size_t i = 0;;) {
        i += plain_len(at + i, len - i);
        bool is_line_end = i + 2 < len && at[i] == '\r' && at[i + 1] == '\n';
        if (!is_line_end || at[i + 2] == '\r' || char_is_wsp(at[i + 2]))
            return i;
        i += 2;
    }
}

static size_t blanks_len(struct str bytes)
{
    size_t len = 0;
    while (len < bytes.len && char_is_wsp(bytes.at[len]))
        len++;
    return len;
}

static void end_line(struct canonical_body *body)
{
    body->has_blank = body->has_cr = false;
    body->line_ends++;
}

/* Section 3.4.4: blanks, line ends and what may become one are held back until it is known what
 * stands behind them. Returns how many bytes were held; 0: the first one is text. */
static size_t hold(struct canonical_body *body, struct str bytes, struct canonical_sink *sink)
{
    char c = bytes.at[0];
    if (c == '\r' && !body->has_cr && bytes.len > 1 && bytes.at[1] == '\n') {
        end_line(body);
        return 2;
    }
    if (c == '\n' && body->has_cr) {
        end_line(body);
        return 1;
    }
    if (c != '\r' && !char_is_wsp(c))
        return 0;
    if (body->has_cr)
        put_held(body, sink);
    if (c == '\r') {
        body->has_cr = true;
        return 1;
    }
    body->has_blank = true;
    return blanks_len(bytes);
}

static void add_relaxed(struct canonical_body *body, struct str bytes, struct canonical_sink *sink)
{
    while (bytes.len) {
        size_t len = hold(body, bytes, sink);
        if (len == 0) {
            put_held(body, sink);
            len = unchanged_len(bytes.at, bytes.len);
            canonical_sink_put(sink, str_first(bytes, len));
        }
        bytes = str_from(bytes, len);
    }
}

void canonical_body_add(struct canonical_body *body, struct str bytes, struct canonical_sink *sink)
{
    if (body->kind == CANONICAL_SIMPLE)
        add_simple(body, bytes, sink);
    else
        add_relaxed(body, bytes, sink);
}

void canonical_body_end(struct canonical_body *body, struct canonical_sink *sink)
{
    if (body->has_cr)
        put_held(body, sink);
    if (body->has_content || body->kind == CANONICAL_SIMPLE)
        canonical_sink_put(sink, STR("\r\n"));
    canonical_sink_flush(sink);
}
