#include "smtp/data.h"

#include "base/buf.h"
#include "test.h"

/* What came of an input: the content, how much of the input was taken, and the facts. */
struct reading {
    struct buf content;
    size_t used;
    struct smtp_data_reader reader;
};

/* Reads `input` in pieces of `piece` bytes. */
static struct reading read_in_pieces(struct str input, size_t piece)
{
    struct reading reading = {buf_make(1 << 20), 0, smtp_data_reader_make()};
    while (reading.used < input.len && !smtp_data_is_ended(&reading.reader)) {
        struct str in = str_first(str_from(input, reading.used), piece), run;
        while (in.len && !smtp_data_is_ended(&reading.reader)) {
            size_t used = smtp_data_read(&reading.reader, in, &run);
            CHECK(used <= in.len);
            in = str_from(in, used);
            reading.used += used;
            CHECK(buf_add(&reading.content, run) == OK);
        }
    }
    return reading;
}

static const struct row {
    const char *sentence;
    struct str input;
    struct str content;
    bool ends;
    uint64_t bare_cr, bare_lf, nul;
    const char *left; /* what is not taken */
} rows[] = {
    {"a message", STR("a\r\nb\r\n.\r\n"), STR("a\r\nb\r\n"), true, 0, 0, 0, ""},
    {"no content", STR(".\r\n"), STR(""), true, 0, 0, 0, ""},
    {"one empty line", STR("\r\n.\r\n"), STR("\r\n"), true, 0, 0, 0, ""},
    {"the next command is left alone", STR("a\r\n.\r\nQUIT\r\n"), STR("a\r\n"), true, 0, 0, 0,
     "QUIT\r\n"},
    {"a stuffed dot", STR("..\r\n.\r\n"), STR(".\r\n"), true, 0, 0, 0, ""},
    {"two stuffed dots", STR("a\r\n..b\r\n...\r\n.\r\n"), STR("a\r\n.b\r\n..\r\n"), true, 0, 0, 0,
     ""},
    {"a dot that nobody stuffed goes", STR(".b\r\n.\r\n"), STR("b\r\n"), true, 0, 0, 0, ""},
    {"a dot within a line stays", STR("a.\r\n.\r\n"), STR("a.\r\n"), true, 0, 0, 0, ""},
    {"LF . LF", STR("a\n.\nb"), STR("a\n.\nb"), false, 0, 2, 0, ""},
    {"LF . CRLF", STR("a\n.\r\nb"), STR("a\n.\r\nb"), false, 0, 1, 0, ""},
    {"CRLF . LF", STR("a\r\n.\nb"), STR("a\r\n\nb"), false, 0, 1, 0, ""},
    {"CR . CR", STR("a\r.\rb"), STR("a\r.\rb"), false, 2, 0, 0, ""},
    {"CR . LF", STR("a\r.\nb"), STR("a\r.\nb"), false, 1, 1, 0, ""},
    {"LF . CR", STR("a\n.\rb"), STR("a\n.\rb"), false, 1, 1, 0, ""},
    {"CRLF . CR", STR("a\r\n.\rb"), STR("a\r\n\rb"), false, 1, 0, 0, ""},
    {"CR . CRLF", STR("a\r.\r\nb"), STR("a\r.\r\nb"), false, 1, 0, 0, ""},
    {"CRLF . CRCRLF", STR("a\r\n.\r\r\nb"), STR("a\r\n\r\r\nb"), false, 1, 0, 0, ""},
    {"CRCRLF . CRCRLF", STR("a\r\r\n.\r\r\nb"), STR("a\r\r\n\r\r\nb"), false, 2, 0, 0, ""},
    {"LFLF . CRLF", STR("a\n\n.\r\nb"), STR("a\n\n.\r\nb"), false, 0, 2, 0, ""},
    {"LFCR . LFCR", STR("a\n\r.\n\rb"), STR("a\n\r.\n\rb"), false, 2, 2, 0, ""},
    {"CRLF NUL . CRLF", STR("a\r\n\0.\r\nb"), STR("a\r\n\0.\r\nb"), false, 0, 0, 1, ""},
    {"CRLF . NUL CRLF", STR("a\r\n.\0\r\nb"), STR("a\r\n\0\r\nb"), false, 0, 0, 1, ""},
    {"CRLF SP . CRLF", STR("a\r\n .\r\nb"), STR("a\r\n .\r\nb"), false, 0, 0, 0, ""},
    {"CRLF . SP CRLF", STR("a\r\n. \r\nb"), STR("a\r\n \r\nb"), false, 0, 0, 0, ""},
    {"CRLF VT . CRLF", STR("a\r\n\v.\r\nb"), STR("a\r\n\v.\r\nb"), false, 0, 0, 0, ""},
    {"CRLF FF . CRLF", STR("a\r\n\f.\r\nb"), STR("a\r\n\f.\r\nb"), false, 0, 0, 0, ""},
    {"NEL . NEL",
     STR("a\xc2\x85.\xc2\x85"
         "b"),
     STR("a\xc2\x85.\xc2\x85"
         "b"),
     false, 0, 0, 0, ""},
    {"CR LF in one, CR later", STR("a\r\n.\r.\r\nb"), STR("a\r\n\r.\r\nb"), false, 1, 0, 0, ""},
    {"dot CR dot CRLF dot CRLF", STR(".\r.\r\n.\r\n"), STR("\r.\r\n"), true, 1, 0, 0, ""},
    {"the end behind a bare LF needs its CRLF", STR("a\n.\r\n.\r\n"), STR("a\n.\r\n"), true, 0, 1,
     0, ""},
    {"cut within the end", STR("a\r\n.\r"), STR("a\r\n"), false, 0, 0, 0, ""},
    {"nothing", STR(""), STR(""), false, 0, 0, 0, ""},
};

TEST(only_crlf_dot_crlf_ends_data)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *row = &rows[i];
        for (size_t piece = 1; piece <= row->input.len + 1; piece++) {
            struct reading reading = read_in_pieces(row->input, piece);
            const struct smtp_content *facts = &reading.reader.content;
            CHECK_ROW(row->sentence, smtp_data_is_ended(&reading.reader) == row->ends);
            CHECK_STR(buf_str(&reading.content), row->content);
            CHECK_STR(str_from(row->input, reading.used), str_of(row->left));
            CHECK_ROW(row->sentence, facts->bare_cr == row->bare_cr);
            CHECK_ROW(row->sentence, facts->bare_lf == row->bare_lf);
            CHECK_ROW(row->sentence, facts->nul == row->nul);
            CHECK_INT(facts->bytes, row->content.len);
            buf_free(&reading.content);
        }
    }
}

static enum err write_in_pieces(struct str content, size_t piece, struct buf *wire)
{
    struct smtp_data_writer writer = smtp_data_writer_make();
    struct str run;
    while (content.len) {
        struct str in = str_first(content, piece);
        size_t used;
        enum err err = smtp_data_write(&writer, in, &used, &run);
        if (err)
            return err;
        CHECK(used <= in.len && used > 0);
        CHECK(buf_add(wire, run) == OK);
        content = str_from(content, used);
    }
    enum err err = smtp_data_write_end(&writer, &run);
    return err ? err : buf_add(wire, run);
}

static const struct {
    const char *sentence;
    struct str content;
    enum err err;
    struct str wire;
} written[] = {
    {"a message", STR("a\r\nb\r\n"), OK, STR("a\r\nb\r\n.\r\n")},
    {"nothing", STR(""), OK, STR(".\r\n")},
    {"a dot at the start", STR(".\r\n"), OK, STR("..\r\n.\r\n")},
    {"dots at the start of lines", STR("a\r\n.b\r\n..\r\n"), OK, STR("a\r\n..b\r\n...\r\n.\r\n")},
    {"dots elsewhere", STR("a.\r\nb.c\r\n"), OK, STR("a.\r\nb.c\r\n.\r\n")},
    {"no end of the last line", STR("a"), OK, STR("a\r\n.\r\n")},
    {"a lone dot without an end", STR("a\r\n."), OK, STR("a\r\n..\r\n.\r\n")},
    {"empty lines", STR("\r\n\r\n"), OK, STR("\r\n\r\n.\r\n")},
    {"NUL is not ours to judge", STR("\0.\r\n"), OK, STR("\0.\r\n.\r\n")},
    {"a bare LF", STR("a\nb\r\n"), ERR_SYNTAX, STR("")},
    {"a bare LF first", STR("\n"), ERR_SYNTAX, STR("")},
    {"a bare CR", STR("a\rb\r\n"), ERR_SYNTAX, STR("")},
    {"a bare CR last", STR("a\r\nb\r"), ERR_SYNTAX, STR("")},
    {"CRCRLF", STR("a\r\r\n"), ERR_SYNTAX, STR("")},
    {"LFCR", STR("a\n\r"), ERR_SYNTAX, STR("")},
    {"LF . LF", STR("a\n.\nb\r\n"), ERR_SYNTAX, STR("")},
    {"CR . CRLF", STR("a\r.\r\n"), ERR_SYNTAX, STR("")},
    {"CRLF . LF", STR("a\r\n.\n"), ERR_SYNTAX, STR("")},
};

static bool has_only_crlf(struct str wire)
{
    for (size_t i = 0; i < wire.len; i++) {
        if (wire.at[i] == '\r' && (i + 1 == wire.len || wire.at[i + 1] != '\n'))
            return false;
        if (wire.at[i] == '\n' && (i == 0 || wire.at[i - 1] != '\r'))
            return false;
    }
    return true;
}

TEST(what_is_written_has_stuffed_dots_and_only_crlf)
{
    for (size_t i = 0; i < ARRAY_LEN(written); i++) {
        for (size_t piece = 1; piece <= written[i].content.len + 1; piece++) {
            struct buf wire = buf_make(256);
            enum err err = write_in_pieces(written[i].content, piece, &wire);
            CHECK_ROW(written[i].sentence, err == written[i].err);
            CHECK_ROW(written[i].sentence, has_only_crlf(buf_str(&wire)));
            if (!err)
                CHECK_STR(buf_str(&wire), written[i].wire);
            buf_free(&wire);
        }
    }
}

TEST(reading_what_was_written_gives_it_back)
{
    struct str content = STR(".\r\n..\r\na\r\n.b\r\n\r\n.\r\n.\r\n...\r\n");
    for (size_t piece = 1; piece <= content.len; piece++) {
        struct buf wire = buf_make(256);
        CHECK(write_in_pieces(content, piece, &wire) == OK);
        struct reading reading = read_in_pieces(buf_str(&wire), content.len + 1 - piece);
        CHECK(smtp_data_is_ended(&reading.reader));
        CHECK_STR(buf_str(&reading.content), content);
        CHECK(smtp_content_is_clean(&reading.reader.content));
        buf_free(&reading.content);
        buf_free(&wire);
    }
}

TEST(runs_are_slices_of_the_input)
{
    struct str input = STR("one\r\ntwo\r\n..three\r\n.\r\n"), run;
    struct smtp_data_reader reader = smtp_data_reader_make();
    CHECK_INT(smtp_data_read(&reader, input, &run), strlen("one\r\ntwo\r\n"));
    CHECK(run.at == input.at);
    struct smtp_data_writer writer = smtp_data_writer_make();
    size_t used;
    CHECK(smtp_data_write(&writer, input, &used, &run) == OK);
    CHECK(run.at == input.at && used == strlen("one\r\ntwo\r\n"));
}

TEST(nothing_is_read_behind_the_end)
{
    struct smtp_data_reader reader = smtp_data_reader_make();
    struct str in = STR(".\r\n"), run;
    while (in.len)
        in = str_from(in, smtp_data_read(&reader, in, &run));
    REQUIRE(smtp_data_is_ended(&reader));
    CHECK_INT(smtp_data_read(&reader, STR("a"), &run), 0);
    CHECK_INT(run.len, 0);
}

int main(void)
{
    RUN(only_crlf_dot_crlf_ends_data);
    RUN(what_is_written_has_stuffed_dots_and_only_crlf);
    RUN(reading_what_was_written_gives_it_back);
    RUN(runs_are_slices_of_the_input);
    RUN(nothing_is_read_behind_the_end);
    return test_summary();
}
