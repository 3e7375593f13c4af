#include "base/buf.h"
#include "mail/mime_reader.h"
#include "test.h"

/* The outline of a message as text: each part as its kind and the number of the part it lies in,
 * each body in brackets, the frame in braces, "|" for CRLF. What stands in headers is left out. */
struct outline {
    struct buf text;
    struct buf bytes; /* all of them */
    char open;        /* the bracket that is */
};

static void put(struct outline *outline, char c) { CHECK(buf_add_char(&outline->text, c) == OK); }

/* Ends what is open if it is not the same. */
static void open_bracket(struct outline *outline, char bracket)
{
    if (outline->open == bracket)
        return;
    if (outline->open)
        put(outline, outline->open == '[' ? ']' : '}');
    if (bracket)
        put(outline, bracket);
    outline->open = bracket;
}

static void put_bytes(struct outline *outline, struct str bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        if (bytes.at[i] != '\n')
            put(outline, bytes.at[i] == '\r' ? '|' : bytes.at[i]);
}

static void put_part(struct outline *outline, const struct mime_part *part)
{
    static const char *const names[] = {
        [MIME_TEXT] = "text",       [MIME_DATA] = "data",     [MIME_MULTIPART] = "multi",
        [MIME_MESSAGE] = "message", [MIME_SEALED] = "sealed", [MIME_UNENCODABLE] = "unencodable",
        [MIME_UNKNOWN] = "unknown",
    };
    open_bracket(outline, '\0');
    if (part->parent == MIME_NO_PART)
        CHECK(buf_printf(&outline->text, " %s", names[part->kind]) == OK);
    else
        CHECK(buf_printf(&outline->text, " %s<%zu", names[part->kind], part->parent) == OK);
}

static void see(void *context, const struct mime_event *event)
{
    struct outline *outline = context;
    CHECK(buf_add(&outline->bytes, event->bytes) == OK);
    if (event->kind == MIME_EVENT_HEADER_END)
        put_part(outline, event->part);
    if (event->kind < MIME_EVENT_BODY)
        return;
    open_bracket(outline, event->kind == MIME_EVENT_BODY ? '[' : '{');
    put_bytes(outline, event->bytes);
}

/* Returns whether the outline is doubtful. */
static bool read_outline(struct outline *outline, struct str message, size_t piece)
{
    static struct mime_reader reader;
    *outline = (struct outline){.text = buf_make(1 << 20), .bytes = buf_make(1 << 20)};
    mime_reader_begin(&reader, see, outline);
    for (struct str rest = message; rest.len; rest = str_from(rest, piece))
        mime_reader_add(&reader, str_first(rest, piece));
    mime_reader_end(&reader);
    open_bracket(outline, '\0');
    CHECK(str_eq(buf_str(&outline->bytes), message));
    return reader.is_doubtful;
}

static void outline_done(struct outline *outline)
{
    buf_free(&outline->text);
    buf_free(&outline->bytes);
}

#define MIXED    "Content-Type: multipart/mixed; boundary=b\r\n"
#define INNER    "Content-Type: multipart/alternative; boundary=i\r\n"
#define DIGEST   "Content-Type: multipart/digest; boundary=d\r\n"
#define FORWARD  "Content-Type: message/rfc822\r\n"
#define PICTURE  "Content-Type: image/png\r\n"
#define IN_QUOTE "Content-Transfer-Encoding: quoted-printable\r\n"

static const struct row {
    const char *sentence;
    const char *message;
    const char *outline;
    bool is_doubtful;
} rows[] = {
    {"nothing", "", " text", false},
    {"a body alone", "\r\nhello\r\n", " text[hello|]", false},
    {"no body", "A: b\r\n", " text", false},
    {"a last line without its end", "A: b\r\n\r\nx\r\ny", " text[x|y]", false},
    {"a bare CR or LF ends no line", "A: b\r\n\r\n\nx\r\ry\r\n\r", " text[x||y||]", false},

    {"parts between delimiters, and what is around them",
     MIXED "\r\npre\r\n--b\r\n\r\none\r\n\r\n--b  \r\n" PICTURE "\r\ntwo\r\n--b--\r\npost\r\n",
     " multi{pre|--b|} text<0[one|]{|--b  |} data<0[two]{|--b--|post|}", false},
    {"parts without bodies", MIXED "\r\n--b\r\n\r\n--b\r\n--b\r\nA: b\r\n--b--",
     " multi{--b|} text<0{--b|} text<0{--b|} text<0{--b--}", false},
    {"a delimiter that never comes", MIXED "\r\nx\r\n", " multi{x|}", false},
    {"a last delimiter that never comes", MIXED "\r\n--b\r\n\r\nx\r\n", " multi{--b|} text<0[x|]",
     false},
    {"nothing follows the last delimiter", MIXED "\r\n--b--\r\n--b\r\n\r\nx\r\n",
     " multi{--b--|--b||x|}", false},
    {"parts in parts",
     MIXED "\r\n--b\r\n" INNER
           "\r\n--i\r\n\r\nx\r\n--i\r\n\r\ny\r\n--i--\r\n\r\n--b\r\n\r\nz\r\n--b--",
     " multi{--b|} multi<0{--i|} text<1[x]{|--i|} text<1[y]{|--i--||--b|} text<0[z]{|--b--}",
     false},
    {"an outer delimiter ends what is within",
     MIXED "\r\n--b\r\n" INNER "\r\n--i\r\n\r\nx\r\n--b\r\n\r\nz\r\n--b--",
     " multi{--b|} multi<0{--i|} text<1[x]{|--b|} text<0[z]{|--b--}", false},
    {"and a header without its end", MIXED "\r\n--b\r\n" INNER "--b--\r\n",
     " multi{--b|} multi<0{--b--|}", false},
    {"a message in a message", FORWARD "\r\nA: b\r\n\r\nx\r\n", " message text<0[x|]", false},
    {"a forwarded multipart ends with its own part",
     MIXED "\r\n--b\r\n" FORWARD "\r\n" INNER "\r\n--i\r\n\r\nx\r\n--b--",
     " multi{--b|} message<0 multi<1{--i|} text<2[x]{|--b--}", false},
    {"the parts of a digest are messages", DIGEST "\r\n--d\r\n\r\nA: b\r\n\r\nx\r\n--d--",
     " multi{--d|} message<0 text<1[x]{|--d--}", false},
    {"but those that say otherwise", DIGEST "\r\n--d\r\n" PICTURE "\r\nx\r\n--d--",
     " multi{--d|} data<0[x]{|--d--}", false},
    {"what is sealed is not entered",
     "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--",
     " sealed[--b||x|--b--]", false},

    {"a part whose encoding hides its parts is unknown", MIXED IN_QUOTE "\r\n--b\r\n",
     " unknown[--b|]", false},
    {"a message whose encoding hides it is unknown", FORWARD IN_QUOTE "\r\nx", " unknown[x]",
     false},
    {"two types are none", MIXED PICTURE "\r\nx", " unknown[x]", false},
    {"two encodings are none", IN_QUOTE IN_QUOTE "\r\nx", " unknown[x]", false},
    {"a line that is no field makes a header unknown", "From a Mon\r\nA: b\r\n\r\nx", " unknown[x]",
     false},
    {"a fold of nothing too", " A: b\r\n\r\nx", " unknown[x]", false},
    {"a fold of blanks is one", "A: b\r\n  \r\n" PICTURE "\r\nx", " data[x]", false},
    {"folds, blanks and any case", "content-TYPE :\r\n image/png\r\nA: b\r\n c\r\n\r\nx",
     " data[x]", false},

    {"a delimiter with more behind it", MIXED "\r\n--b\r\n\r\n--bc\r\n--b--",
     " multi{--b|} text<0[--bc]{|--b--}", true},
    {"a last delimiter with more behind it", MIXED "\r\n--b\r\n\r\nx\r\n--b--c\r\n",
     " multi{--b|} text<0[x|--b--c|]", true},
    {"a boundary that begins like another",
     MIXED "\r\n--b\r\nContent-Type: multipart/mixed; "
           "boundary=bc\r\n\r\n--bc\r\n\r\nx\r\n--bc--\r\n--b--",
     " multi{--b|} multi<0{--bc|} text<1[x]{|--bc--|--b--}", false},
    {"a boundary within itself", MIXED "\r\n--b\r\n" MIXED "\r\n--b\r\n\r\nx\r\n--b--\r\n",
     " multi{--b|} multi<0{--b|} text<1[x]{|--b--|}", true},
    {"other lines with hyphens", MIXED "\r\n--b\r\n\r\n-- \r\n--a\r\n-b\r\n --b\r\n--b--",
     " multi{--b|} text<0[-- |--a|-b| --b]{|--b--}", false},
};

TEST(a_message_has_an_outline_however_it_comes)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (size_t piece = 1; piece < 300; piece += piece < 20 ? 1 : 31) {
            struct outline outline;
            bool is_doubtful = read_outline(&outline, str_of(rows[i].message), piece);
            CHECK_ROW(rows[i].sentence, str_eq(buf_str(&outline.text), str_of(rows[i].outline)));
            CHECK_ROW(rows[i].sentence, is_doubtful == rows[i].is_doubtful);
            outline_done(&outline);
        }
    }
}

/* ---- limits ---- */
static void fill(struct buf *text, const char *what, size_t count)
{
    for (size_t i = 0; i < count; i++)
        CHECK(buf_add(text, str_of(what)) == OK);
}

TEST(lines_of_every_length_are_read)
{
    for (size_t len = MIME_LINE_MAX_BYTES - 4; len < MIME_LINE_MAX_BYTES + 5; len++) {
        struct buf message = buf_make(5000), want = buf_make(5000);
        fill(&message, MIXED "\r\n--b\r\nX: ", 1);
        fill(&message, "h", len);
        fill(&message, "\r\n\r\n", 1);
        fill(&message, "x", len);
        fill(&message, "\r\r\n--b--", 1);
        fill(&want, " multi{--b|} text<0[", 1);
        fill(&want, "x", len);
        fill(&want, "|]{|--b--}", 1);
        for (size_t piece = 1; piece < 1100; piece += piece < 5 ? 1 : 509) {
            struct outline outline;
            CHECK(!read_outline(&outline, buf_str(&message), piece));
            CHECK_STR(buf_str(&outline.text), buf_str(&want));
            outline_done(&outline);
        }
        buf_free(&message);
        buf_free(&want);
    }
}

TEST(a_long_line_may_be_a_delimiter_to_somebody)
{
    struct buf message = buf_make(5000);
    struct outline outline;
    fill(&message, MIXED "\r\n--b", 1);
    fill(&message, " ", MIME_LINE_MAX_BYTES);
    fill(&message, "\r\n\r\nx\r\n", 1);
    CHECK(read_outline(&outline, buf_str(&message), 7));
    outline_done(&outline);
    buf_free(&message);
}

static size_t count_of(const struct outline *outline, const char *what)
{
    size_t count = 0;
    struct str rest = buf_str(&outline->text);
    for (size_t at; (at = str_search(rest, str_of(what))) != SIZE_MAX; count++)
        rest = str_from(rest, at + 1);
    return count;
}

TEST(what_is_too_deep_is_unknown)
{
    struct buf message = buf_make(1 << 16);
    struct outline outline;
    fill(&message, FORWARD "\r\n", MIME_DEPTH_MAX + 5);
    read_outline(&outline, buf_str(&message), 100);
    CHECK_INT(count_of(&outline, " message<"), MIME_DEPTH_MAX - 1);
    CHECK_INT(count_of(&outline, " unknown<"), 1);
    outline_done(&outline);
    buf_free(&message);
}

TEST(parts_that_are_too_many_are_unknown)
{
    struct buf message = buf_make(1 << 16);
    struct outline outline;
    fill(&message, MIXED "\r\n", 1);
    fill(&message, "--b\r\n\r\nx\r\n", MIME_PARTS_MAX);
    fill(&message, "--b\r\n" FORWARD "\r\n\r\nx\r\n", 2);
    read_outline(&outline, buf_str(&message), 100);
    CHECK_INT(count_of(&outline, " text<0"), MIME_PARTS_MAX - 1);
    CHECK_INT(count_of(&outline, " unknown<0"), 3);
    outline_done(&outline);
    buf_free(&message);
}

TEST(a_field_that_is_too_long_is_not_understood)
{
    for (size_t more = 0; more < 2; more++) {
        struct buf message = buf_make(1 << 16);
        struct outline outline;
        fill(&message, PICTURE, 1);
        message.len -= 2;
        fill(&message, ";\r\n a=b", (MIME_FIELD_MAX - message.len - 2) / 7);
        fill(&message, " ", MIME_FIELD_MAX - message.len - 2 + more);
        fill(&message, "\r\nA: b\r\n\r\nx", 1);
        read_outline(&outline, buf_str(&message), 100);
        CHECK_STR(buf_str(&outline.text), more ? STR(" unknown[x]") : STR(" data[x]"));
        outline_done(&outline);
        buf_free(&message);
    }
}

int main(void)
{
    RUN(a_message_has_an_outline_however_it_comes);
    RUN(lines_of_every_length_are_read);
    RUN(a_long_line_may_be_a_delimiter_to_somebody);
    RUN(what_is_too_deep_is_unknown);
    RUN(parts_that_are_too_many_are_unknown);
    RUN(a_field_that_is_too_long_is_not_understood);
    return test_summary();
}
