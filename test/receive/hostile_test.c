/* Inputs that broke other servers: each by its name, each with what must happen instead. */
#include "base/mem.h"
#include "script.h"

#define ENVELOPE "EHLO me\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<alice@local.example>\r\n"
#define DATA     ENVELOPE "DATA\r\n"
#define ACCEPTED "220, 250, 250 2.1.0, 250 2.1.5, "

/* ---- where the content ends ---- */

/* What would end the data of a careless server, and behind it a message in the name of another. */
TEST_FIBER(only_a_dot_between_two_line_ends_ends_the_content)
{
    static const struct {
        const char *about;
        struct str end;
        const char *code;
        struct str kept; /* of the end, where it is not all of it */
    } rows[] = {
        {"LF.LF", S("\n.\n"), "550 5.6.11"},
        {"LF.CRLF", S("\n.\r\n"), "550 5.6.11"},
        {"CRLF.LF", S("\r\n.\n"), "550 5.6.11"},
        {"CR.CR", S("\r.\r"), "550 5.6.11"},
        {"CR.LF", S("\r.\n"), "550 5.6.11"},
        {"LF.CR", S("\n.\r"), "550 5.6.11"},
        {"CRLF.CR", S("\r\n.\r"), "550 5.6.11"},
        {"CR.CRLF", S("\r.\r\n"), "550 5.6.11"},
        {"CRLF.CRCRLF", S("\r\n.\r\r\n"), "550 5.6.11"},
        {"CRCRLF.CRCRLF", S("\r\r\n.\r\r\n"), "550 5.6.11"},
        {"LFLF.CRLF", S("\n\n.\r\n"), "550 5.6.11"},
        {"LFCR.LFCR", S("\n\r.\n\r"), "550 5.6.11"},
        {"CRLF NUL.CRLF", S("\r\n\0.\r\n"), "554 5.6.0"},
        {"CRLF.NUL CRLF", S("\r\n.\0\r\n"), "554 5.6.0"},
        {"CRLF SP.CRLF", S("\r\n .\r\n"), "250 2.0.0"},
        {"CRLF.SP CRLF", S("\r\n. \r\n"), "250 2.0.0", S("\r\n \r\n")},
        {"VT.VT", S("\v.\v"), "250 2.0.0"},
        {"FF.FF", S("\f.\f"), "250 2.0.0"},
        {"NEL.NEL", S("\xc2\x85.\xc2\x85"), "250 2.0.0"},
        {"line separator of Unicode", S("\xe2\x80\xa8.\xe2\x80\xa8"), "250 2.0.0"},
    };
    struct world world;
    world_init(&world);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str content = arena_printf(&world.arena, "From: a@b.example\r\n\r\ntext");
        struct str evil = STR("MAIL FROM:<evil@b.example>\r\nRCPT TO:<bob@local.example>\r\n"
                              "DATA\r\nFrom: evil@b.example\r\n\r\nevil\r\n.\r\nQUIT\r\n");
        char all[1024];
        size_t len = 0;
        const struct str parts[] = {content, rows[i].end, evil};
        for (size_t j = 0; j < ARRAY_LEN(parts); j++) {
            memcpy(all + len, parts[j].at, parts[j].len);
            len += parts[j].len;
        }
        size_t before = world.message_count;
        struct str said = world_talk(&world, (struct str[]){S(DATA), {all, len}}, 2);
        struct str want =
            arena_printf(&world.arena, ACCEPTED "354, %s, 221 2.0.0, closed", rows[i].code);
        CHECK_STR(world_codes(&world, said), want);
        bool taken = str_starts(str_of(rows[i].code), STR("250"));
        CHECK_ROW(rows[i].about, world.message_count - before == taken);
        if (taken) {
            /* One message, and all of it: the rest is text. */
            struct str kept = world_content(&world, before);
            CHECK_ROW(rows[i].about, str_ends(kept, STR("\r\n\r\nevil\r\n")));
            struct str end = rows[i].kept.len ? rows[i].kept : rows[i].end;
            CHECK_ROW(rows[i].about, str_search(kept, end) != SIZE_MAX);
        }
    }
    world_done(&world);
}

TEST_FIBER(bare_line_ends_are_refused_whatever_way_they_come)
{
    static const struct script scripts[] = {
        {"LF in BDAT",
         {S(ENVELOPE "BDAT 12 LAST\r\nA: b\r\n\r\na\nb\nQUIT\r\n")},
         ACCEPTED "550 5.6.11, 221 2.0.0, closed",
         0},
        {"CR at the end of one chunk and no LF in the next",
         {S(ENVELOPE "BDAT 3\r\n\r\n\rBDAT 3 LAST\r\na\r\nQUIT\r\n")},
         ACCEPTED "250 2.0.0, 550 5.6.11, 221 2.0.0, closed",
         0},
        {"CRLF over two chunks is no bare one",
         {S(ENVELOPE "BDAT 3\r\n\r\n\rBDAT 1 LAST\r\n\nQUIT\r\n")},
         ACCEPTED "250 2.0.0, 250 2.0.0, 221 2.0.0, closed",
         1},
        {"CR as the last octet of BDAT",
         {S(ENVELOPE "BDAT 3 LAST\r\n\r\n\rQUIT\r\n")},
         ACCEPTED "550 5.6.11, 221 2.0.0, closed",
         0},
        {"LF in a header line",
         {S(DATA), S("Subject: a\nBcc: b\r\n\r\n.\r\nQUIT\r\n")},
         ACCEPTED "354, 550 5.6.11, 221 2.0.0, closed",
         0},
        {"CR in a header line",
         {S(DATA), S("Subject: a\rBcc: b\r\n\r\n.\r\nQUIT\r\n")},
         ACCEPTED "354, 550 5.6.11, 221 2.0.0, closed",
         0},
        {"NUL in BDAT",
         {S(ENVELOPE "BDAT 3 LAST\r\na\0bQUIT\r\n")},
         ACCEPTED "554 5.6.0, 221 2.0.0, closed",
         0},
        {"a command that ends in LF is no command",
         {S("EHLO me\nEHLO me\r\nNOOP\nDATA\nQUIT\r\n")},
         "220, 500 5.5.2, 250, 500 5.5.2, 500 5.5.2, 221 2.0.0, closed",
         0},
        {"BDAT with LF: nobody knows where its octets begin",
         {S(ENVELOPE "BDAT 5\nQUIT\r\n")},
         ACCEPTED "500 5.5.2, closed",
         0},
    };
    scripts_run_new(world_init, scripts, ARRAY_LEN(scripts));
}

/* ---- STARTTLS ---- */

TEST_FIBER(commands_behind_starttls_never_run)
{
    struct world world;
    world_init(&world);
    static const struct script scripts[] = {
        {"in the same segment",
         {S("EHLO me\r\nSTARTTLS\r\nMAIL FROM:<evil@b.example>\r\n")},
         "220, 250, 501 5.5.1, closed",
         0},
        {"a single byte", {S("EHLO me\r\nSTARTTLS\r\nX")}, "220, 250, 501 5.5.1, closed", 0},
        {"with an argument",
         {S("EHLO me\r\nSTARTTLS now\r\nQUIT\r\n")},
         "220, 250, 501 5.5.4, 221 2.0.0, closed",
         0},
        {"clear text instead of a handshake",
         {S("EHLO me\r\nSTARTTLS\r\n"), S("MAIL FROM:<evil@b.example>\r\n")},
         "220, 250, 220 2.0.0, closed",
         0},
        {"twice",
         {S("EHLO me\r\nSTARTTLS\r\n"), TLS, S("EHLO me\r\nSTARTTLS\r\nQUIT\r\n")},
         "220, 250, 220 2.0.0, 250, 503 5.5.1, 221 2.0.0, closed",
         0},
    };
    scripts_run(&world, scripts, ARRAY_LEN(scripts));
    world.service.tls_context = NULL;
    static const struct script without[] = {
        {"where it is not offered",
         {S("EHLO me\r\nSTARTTLS\r\nQUIT\r\n")},
         "220, 250, 502 5.5.1, 221 2.0.0, closed",
         0},
    };
    scripts_run(&world, without, ARRAY_LEN(without));
    world_done(&world);
}

/* ---- BDAT ---- */

TEST_FIBER(octets_of_bdat_are_never_taken_for_commands)
{
    static const struct script scripts[] = {
        {"without a transaction",
         {S("EHLO me\r\nBDAT 6\r\nRSET\r\nNOOP\r\nQUIT\r\n")},
         "220, 250, 503 5.5.1, 250 2.0.0, 221 2.0.0, closed",
         0},
        {"before any greeting",
         {S("BDAT 6 LAST\r\nRSET\r\nQUIT\r\n")},
         "220, 503 5.5.1, 221 2.0.0, closed",
         0},
        {"without recipients",
         {S("EHLO me\r\nMAIL FROM:<a@b.example>\r\nBDAT 6 LAST\r\nRSET\r\nQUIT\r\n")},
         "220, 250, 250 2.1.0, 554 5.5.1, 221 2.0.0, closed",
         0},
        {"behind a chunk that was refused",
         {S(ENVELOPE "BDAT 1\r\n BDAT 6 LAST\r\nRSET\r\nNOOP\r\nQUIT\r\n")},
         ACCEPTED "250 2.0.0, 554 5.6.0, 250 2.0.0, 221 2.0.0, closed",
         0},
        {"a size that is none",
         {S("EHLO me\r\nBDAT x\r\nQUIT\r\n")},
         "220, 250, 501 5.5.4, closed",
         0},
        {"a negative size",
         {S("EHLO me\r\nBDAT -1\r\nQUIT\r\n")},
         "220, 250, 501 5.5.4, closed",
         0},
        {"a size of 20 digits",
         {S("EHLO me\r\nBDAT 99999999999999999999\r\nQUIT\r\n")},
         "220, 250, 501 5.5.4, closed",
         0},
        {"a dot is nothing special",
         {S(ENVELOPE "BDAT 9 LAST\r\n\r\n.\r\n..\r\nQUIT\r\n")},
         ACCEPTED "250 2.0.0, 221 2.0.0, closed",
         1},
    };
    scripts_run_new(world_init, scripts, ARRAY_LEN(scripts));
}

/* ---- lines ---- */

static struct str letters(struct arena *arena, size_t len)
{
    char *text = arena_alloc(arena, len);
    memset(text, 'x', len);
    return str_make(text, len);
}

TEST_FIBER(an_overlong_line_earns_one_reply)
{
    static const size_t lengths[] = {4097, 5000, 12286, 12287, 12288, 12289, 70000, 1000000};
    static const struct str begins[] = {S("POST /"), S("GET /"), S("BDAT ")};
    struct world world;
    world_init(&world);
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        struct str said =
            world_talk(&world,
                       (struct str[]){S("EHLO me\r\nNOOP "), letters(&world.arena, lengths[i]),
                                      S("\r\nQUIT\r\n")},
                       3);
        CHECK_STR(world_codes(&world, said), STR("220, 250, 500 5.5.2, 221 2.0.0, closed"));
    }
    /* Behind these comes nothing that may be taken for commands. */
    for (size_t i = 0; i < ARRAY_LEN(begins); i++) {
        struct str said = world_talk(
            &world, (struct str[]){begins[i], letters(&world.arena, 20000), S("\r\nEHLO me\r\n")},
            3);
        CHECK_STR(world_codes(&world, said), STR("220, closed"));
    }
    struct str endless = world_say(&world, letters(&world.arena, 5000000));
    CHECK_STR(world_codes(&world, endless), STR("220, 421 4.7.0, closed"));
    world_done(&world);
}

TEST_FIBER(senseless_lines_are_refused)
{
    static const struct script scripts[] = {
        {"NUL in a command",
         {S("EHLO me\r\nNOOP a\0b\r\nQUIT\r\n")},
         "220, 250, 500 5.5.2, 221 2.0.0, closed",
         0},
        {"CR in a command",
         {S("EHLO me\r\nNOOP\rDATA\r\nQUIT\r\n")},
         "220, 250, 500 5.5.2, 221 2.0.0, closed",
         0},
        {"NUL and controls in paths",
         {S("EHLO me\r\nMAIL FROM:<a\0@b.example>\r\nMAIL FROM:<a\x01@b.example>\r\n"
            "MAIL FROM:<\"a\rb\"@b.example>\r\nQUIT\r\n")},
         "220, 250, 501 5.1.7, 501 5.1.7, 501 5.1.7, 221 2.0.0, closed",
         0},
        {"8-bit paths without SMTPUTF8, and bad UTF-8 with it",
         {S("EHLO me\r\nMAIL FROM:<\xc3\xa4@b.example>\r\nMAIL FROM:<\xff@b.example> SMTPUTF8\r\n"
            "MAIL FROM:<a@b.example>\r\nRCPT TO:<\xc3\xa4@local.example>\r\nQUIT\r\n")},
         "220, 250, 553 5.6.7, 501 5.1.7, 250 2.1.0, 553 5.6.7, 221 2.0.0, closed",
         0},
        {"a browser",
         {S("POST / HTTP/1.1\r\nHost: mx\r\n\r\nMAIL FROM:<a@b.example>\r\n")},
         "220, 554 5.5.1, closed",
         0},
        {"another", {S("GET / HTTP/1.1\r\n\r\n")}, "220, 554 5.5.1, closed", 0},
        {"one that ends its lines with LF",
         {S("GET / HTTP/1.1\n\nEHLO me\r\nMAIL FROM:<a@b.example>\r\n")},
         "220, 500 5.5.2, closed",
         0},
        {"a TLS handshake in clear",
         {S("\x16\x03\x01\x02\r\nQUIT\r\n")},
         "220, 500 5.5.2, 221 2.0.0, closed",
         0},
        {"empty lines", {S("\r\n\r\nQUIT\r\n")}, "220, 500 5.5.2, 500 5.5.2, 221 2.0.0, closed", 0},
        {"sizes: too large, negative, of 20 and of 21 digits, no number",
         {S("EHLO me\r\nMAIL FROM:<a@b.example> SIZE=100001\r\nMAIL FROM:<a@b.example> SIZE=-1\r\n"
            "MAIL FROM:<a@b.example> SIZE=99999999999999999999\r\n"
            "MAIL FROM:<a@b.example> SIZE=999999999999999999999\r\nMAIL FROM:<a@b.example> "
            "SIZE=x\r\n"
            "MAIL FROM:<a@b.example> SIZE=100000\r\nQUIT\r\n")},
         "220, 250, 552 5.3.4, 501 5.5.4, 552 5.3.4, 501 5.5.4, 501 5.5.4, 250 2.1.0, 221 2.0.0, "
         "closed",
         0},
    };
    scripts_run_new(world_init, scripts, ARRAY_LEN(scripts));
}

TEST_FIBER(patience_ends)
{
    struct world world;
    world_init(&world);
    world.service.errors_max = 3;
    world.service.messages_max = 2;
    static const struct script scripts[] = {
        {"too many errors",
         {S("EHLO me\r\nX\r\nX\r\nX\r\nX\r\n")},
         "220, 250, 500 5.5.2, 500 5.5.2, 500 5.5.2, 421 4.7.0, closed",
         0},
        {"somebody guesses names",
         {S("EHLO me\r\nMAIL FROM:<>\r\nRCPT TO:<a@local.example>\r\nRCPT TO:<b@local.example>\r\n"
            "RCPT TO:<c@local.example>\r\nRCPT TO:<alice@local.example>\r\n")},
         "220, 250, 250 2.1.0, 550 5.1.1, 550 5.1.1, 550 5.1.1, 421 4.7.0, closed",
         0},
        {"somebody guesses names behind one that he knows",
         {S("EHLO me\r\nMAIL FROM:<>\r\nRCPT TO:<a@local.example>\r\nRCPT "
            "TO:<alice@local.example>\r\n"
            "RCPT TO:<b@local.example>\r\nRCPT TO:<alice@local.example>\r\n"
            "RCPT TO:<c@local.example>\r\nRCPT TO:<alice@local.example>\r\n"
            "RCPT TO:<d@local.example>\r\n")},
         "220, 250, 250 2.1.0, 550 5.1.1, 250 2.1.5, 550 5.1.1, 250 2.1.5, 550 5.1.1, 250 2.1.5, "
         "550 5.1.1, 421 4.7.0, closed",
         0},
        {"a list with some dead addresses goes through",
         {S("EHLO me\r\nMAIL FROM:<>\r\nRCPT TO:<a@local.example>\r\nRCPT "
            "TO:<alice@local.example>\r\n"
            "RCPT TO:<b@local.example>\r\nRCPT TO:<bob@local.example>\r\n"
            "RCPT TO:<c@local.example>\r\nRCPT TO:<x@open.example>\r\nRCPT TO:<d@local.example>\r\n"
            "DATA\r\n"),
          S("\r\n.\r\nQUIT\r\n")},
         "220, 250, 250 2.1.0, 550 5.1.1, 250 2.1.5, 550 5.1.1, 250 2.1.5, 550 5.1.1, 250 2.1.5, "
         "550 5.1.1, 354, 250 2.0.0, 221 2.0.0, closed",
         1},
        {"too many transactions",
         {S("EHLO me\r\nMAIL FROM:<>\r\nRSET\r\nMAIL FROM:<>\r\nRSET\r\nMAIL FROM:<>\r\nQUIT\r\n")},
         "220, 250, 250 2.1.0, 250 2.0.0, 250 2.1.0, 250 2.0.0, 421 4.7.0, closed",
         0},
    };
    scripts_run(&world, scripts, ARRAY_LEN(scripts));

    struct buf noops = buf_make(10000);
    for (size_t i = 0; i < 200; i++)
        CHECK_INT(buf_add(&noops, STR("NOOP\r\n")), OK);
    struct str said = world_say(&world, buf_str(&noops));
    CHECK(str_ends(said, STR("421 4.7.0 Too many commands that send nothing\r\nclosed\r\n")));
    buf_free(&noops);
    world_done(&world);
}

TEST_FIBER(too_many_recipients_are_for_the_next_transaction)
{
    struct world world;
    world_init(&world);
    struct buf said = buf_make(10000);
    CHECK_INT(buf_add(&said, STR("EHLO me\r\nMAIL FROM:<a@b.example>\r\n")), OK);
    for (int i = 0; i < 12; i++)
        CHECK_INT(buf_printf(&said, "RCPT TO:<u%d@open.example>\r\n", i), OK);
    CHECK_INT(buf_add(&said, STR("DATA\r\n\r\n.\r\nQUIT\r\n")), OK);
    struct str heard = world_say(&world, buf_str(&said));
    CHECK(str_ends(world_codes(&world, heard),
                   STR("250 2.1.5, 250 2.1.5, 452 4.5.3, 452 4.5.3, 354, 250 2.0.0, 221 2.0.0, "
                       "closed")));
    REQUIRE(world.message_count == 1);
    CHECK_INT(world_envelope(&world, 0).recipient_count, 10);
    buf_free(&said);
    world_done(&world);
}

/* ---- content ---- */

static struct str talk_content(struct world *world, struct str content)
{
    return world_codes(
        world,
        world_talk(world, (struct str[]){S(DATA), content, S("\r\n.\r\n"), S("QUIT\r\n")}, 4));
}

TEST_FIBER(content_that_is_too_large_is_read_dropped_and_refused)
{
    struct world world;
    world_init(&world);
    struct str header = STR("A: b\r\n\r\n");
    struct str exact = letters(&world.arena, WORLD_SIZE_MAX - 2);
    memcpy((char *)(uintptr_t)exact.at, header.at, header.len);
    CHECK_STR(talk_content(&world, exact), STR(ACCEPTED "354, 250 2.0.0, 221 2.0.0, closed"));
    struct str over = letters(&world.arena, WORLD_SIZE_MAX - 1);
    memcpy((char *)(uintptr_t)over.at, header.at, header.len);
    CHECK_STR(talk_content(&world, over), STR(ACCEPTED "354, 552 5.3.4, 221 2.0.0, closed"));
    CHECK_STR(talk_content(&world, letters(&world.arena, 1000000)),
              STR(ACCEPTED "354, 552 5.3.4, 221 2.0.0, closed"));
    /* Vastly over: not even read. */
    CHECK_STR(talk_content(&world, letters(&world.arena, 8000000)),
              STR(ACCEPTED "354, 552 5.3.4, closed"));
    CHECK_INT(world.message_count, 1);
    world_done(&world);
}

TEST_FIBER(long_lines_are_kept_exactly)
{
    struct world world;
    world_init(&world);
    struct str line = letters(&world.arena, 50000);
    struct str content = arena_printf(&world.arena, "A: b\r\n\r\n%.*s", STR_FMT(line));
    CHECK_STR(talk_content(&world, content), STR(ACCEPTED "354, 250 2.0.0, 221 2.0.0, closed"));
    REQUIRE(world.message_count == 1);
    struct str kept = world_content(&world, 0);
    CHECK(str_ends(kept, arena_printf(&world.arena, "%.*s\r\n", STR_FMT(content))));
    world_done(&world);
}

TEST_FIBER(an_endless_header_is_refused)
{
    struct world world;
    world_init(&world);
    world.service.message_size_max_bytes = 10000000;
    CHECK_STR(talk_content(&world, letters(&world.arena, 1000000)),
              STR(ACCEPTED "354, 554 5.6.0, 221 2.0.0, closed"));
    CHECK_INT(world.message_count, 0);
    world_done(&world);
}

static struct str hops(struct world *world, size_t count)
{
    struct buf content = buf_make(100000);
    enum err err = OK;
    for (size_t i = 0; i < count && !err; i++)
        err = buf_add(&content,
                      STR("RECEIVED : from x by y;\r\n\tMon, 23 Nov 2026 00:00:00 +0000\r\n"));
    CHECK_INT(err, OK);
    struct str text = arena_copy(&world->arena, buf_str(&content));
    buf_free(&content);
    return text;
}

TEST_FIBER(a_mail_loop_ends_after_a_hundred_hops)
{
    struct world world;
    world_init(&world);
    CHECK_STR(talk_content(&world, hops(&world, 25)),
              STR(ACCEPTED "354, 250 2.0.0, 221 2.0.0, closed"));
    CHECK_STR(talk_content(&world, hops(&world, 100)),
              STR(ACCEPTED "354, 250 2.0.0, 221 2.0.0, closed"));
    CHECK_STR(talk_content(&world, hops(&world, 101)),
              STR(ACCEPTED "354, 554 5.4.6, 221 2.0.0, closed"));
    CHECK_INT(world.message_count, 2);
    world_done(&world);
}

TEST_FIBER(a_message_cannot_continue_the_field_we_put_on_top)
{
    static const struct script scripts[] = {
        {"a fold as the first line",
         {S(DATA), S(" for <evil@b.example>\r\n\r\n.\r\nQUIT\r\n")},
         ACCEPTED "354, 554 5.6.0, 221 2.0.0, closed",
         0},
        {"an empty line first",
         {S(DATA), S("\r\n folded text\r\n.\r\nQUIT\r\n")},
         ACCEPTED "354, 250 2.0.0, 221 2.0.0, closed",
         1},
    };
    scripts_run_new(world_init, scripts, ARRAY_LEN(scripts));
}

int main(void)
{
    RUN(only_a_dot_between_two_line_ends_ends_the_content);
    RUN(bare_line_ends_are_refused_whatever_way_they_come);
    RUN(commands_behind_starttls_never_run);
    RUN(octets_of_bdat_are_never_taken_for_commands);
    RUN(an_overlong_line_earns_one_reply);
    RUN(senseless_lines_are_refused);
    RUN(patience_ends);
    RUN(too_many_recipients_are_for_the_next_transaction);
    RUN(content_that_is_too_large_is_read_dropped_and_refused);
    RUN(long_lines_are_kept_exactly);
    RUN(an_endless_header_is_refused);
    RUN(a_mail_loop_ends_after_a_hundred_hops);
    RUN(a_message_cannot_continue_the_field_we_put_on_top);
    return test_summary();
}
