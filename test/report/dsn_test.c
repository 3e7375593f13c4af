/* Reports as bytes: their three parts, their fields, and what hostile words do to them: nothing. */
#include "report/dsn.h"

#include "mail/header.h"
#include "smtp/content.h"
#include "test.h"

#define ORIGINAL                            \
    "Received: from a by b; 1 Jan 2026\r\n" \
    "Subject: a good\r\n question\r\n"      \
    "Message-ID: <1@client.example>\r\n"    \
    "To: bob@remote.example\r\n"            \
    "\r\n"                                  \
    "Dear Bob\r\n"

static struct arena arena;
static struct buf printed;

static const struct dsn_recipient refused = {
    .action = DSN_FAILED,
    .status = {5, 1, 1},
    .address = STR("bob@remote.example"),
    .original = STR("rfc822;bob@list.example"),
    .remote = STR("mx.remote.example"),
    .words = STR("550 5.1.1 no such user here"),
    .attempted_us = 1700000100000000,
};

static struct dsn dsn_of(const struct dsn_recipient *recipients, size_t count)
{
    return (struct dsn){
        .hostname = STR("mx.here.example"),
        .postmaster = STR("postmaster@here.example"),
        .id = STR("REPORT000001"),
        .original_id = STR("ORIGINAL0001"),
        .sender = STR("alice@here.example"),
        .envelope_id = STR("QQ314159"),
        .arrived_us = 1700000000000000,
        .wall_us = 1700000100000000,
        .recipients = recipients,
        .count = count,
        .original = STR(ORIGINAL),
        .is_whole = true,
    };
}

/* The message; valid until the next. */
static struct str print(const struct dsn *dsn)
{
    buf_clear(&printed);
    CHECK_INT(dsn_print(&printed, dsn, &arena), OK);
    return buf_str(&printed);
}

static struct str value_of(struct str header, const char *name)
{
    struct mail_field field;
    return mail_header_find(header, str_of(name), &field) ? mail_field_unfold(&arena, field.value)
                                                          : STR("(none)");
}

struct part {
    struct str header;
    struct str content;
};

/* The parts as a strict reader finds them; returns how many. */
static size_t read_parts(struct str message, struct part parts[4])
{
    struct str type = value_of(message, "Content-Type"), boundary;
    size_t at = str_search(type, STR("boundary=\""));
    if (at == SIZE_MAX)
        return 0;
    boundary = str_from(type, at + strlen("boundary=\""));
    boundary = str_first(boundary, boundary.len - 1);
    struct str line = arena_printf(&arena, "--%.*s\r\n", STR_FMT(boundary));
    struct str separator = arena_printf(&arena, "\r\n--%.*s", STR_FMT(boundary));
    struct str body = str_from(message, mail_header_len(message));
    if (!str_starts(body, line))
        return 0;
    body = str_from(body, line.len);
    for (size_t count = 0; count < 4;) {
        size_t end = str_search(body, separator);
        if (end == SIZE_MAX)
            return 0;
        struct str part = str_first(body, end);
        size_t header_len = mail_header_len(part);
        parts[count++] = (struct part){str_first(part, header_len), str_from(part, header_len)};
        body = str_from(body, end + separator.len);
        if (str_eq(body, STR("--\r\n")))
            return count;
        if (!str_starts(body, STR("\r\n")))
            return 0;
        body = str_from(body, 2);
    }
    return 0;
}

/* Block number `i` of the fields for programs: 0 is of the message. */
static struct str block(struct str fields, size_t i)
{
    for (; i; i--)
        fields = str_from(fields, str_search(fields, STR("\r\n\r\n")) + 4);
    size_t end = str_search(fields, STR("\r\n\r\n"));
    return end == SIZE_MAX ? fields : str_first(fields, end + 2);
}

static bool holds(struct str text, const char *part)
{
    return str_search(text, str_of(part)) != SIZE_MAX;
}

static void check_bounds(struct str message)
{
    struct smtp_content content = smtp_content_make();
    smtp_content_add(&content, message);
    smtp_content_end(&content);
    CHECK(smtp_content_is_clean(&content));
    CHECK_INT(content.long_lines, 0);
    for (size_t i = 0; i < message.len; i++)
        if (char_is_control(message.at[i]) && !strchr("\r\n\t", message.at[i])) {
            CHECK_INT(message.at[i], ' '); /* a control byte */
            return;
        }
}

/* ---- a common report ---- */

TEST(the_header_says_what_it_is)
{
    struct dsn dsn = dsn_of(&refused, 1);
    struct str message = print(&dsn);
    static const struct {
        const char *name, *value;
    } fields[] = {
        {"From", "Mail Delivery System <MAILER-DAEMON@mx.here.example>"},
        {"To", "<alice@here.example>"},
        {"Date", "Tue, 14 Nov 2023 22:15:00 +0000"},
        {"Subject", "Your message could not be delivered"},
        {"Message-ID", "<REPORT000001@mx.here.example>"},
        {"In-Reply-To", "<1@client.example>"},
        {"References", "<1@client.example>"},
        {"Auto-Submitted", "auto-replied"},
        {"MIME-Version", "1.0"},
    };
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        CHECK_STR(value_of(message, fields[i].name), str_of(fields[i].value));
        CHECK_INT(mail_header_count(message, str_of(fields[i].name)), 1);
    }
    CHECK(str_starts(value_of(message, "Content-Type"),
                     STR("multipart/report; report-type=delivery-status;")));
    check_bounds(message);
}

TEST(there_are_three_parts)
{
    struct part parts[4];
    struct dsn dsn = dsn_of(&refused, 1);
    REQUIRE(read_parts(print(&dsn), parts) == 3);
    CHECK_STR(value_of(parts[0].header, "Content-Type"), STR("text/plain; charset=us-ascii"));
    CHECK_STR(value_of(parts[1].header, "Content-Type"), STR("message/delivery-status"));
    CHECK_STR(value_of(parts[2].header, "Content-Type"), STR("message/rfc822"));
    CHECK_STR(parts[2].content, STR(ORIGINAL));
}

TEST(programs_find_every_field)
{
    struct part parts[4];
    struct dsn dsn = dsn_of(&refused, 1);
    REQUIRE(read_parts(print(&dsn), parts) == 3);
    static const struct {
        size_t block;
        const char *name, *value;
    } fields[] = {
        {0, "Original-Envelope-Id", "QQ314159"},
        {0, "Reporting-MTA", "dns; mx.here.example"},
        {0, "Arrival-Date", "Tue, 14 Nov 2023 22:13:20 +0000"},
        {1, "Original-Recipient", "rfc822;bob@list.example"},
        {1, "Final-Recipient", "rfc822;bob@remote.example"},
        {1, "Action", "failed"},
        {1, "Status", "5.1.1"},
        {1, "Remote-MTA", "dns; mx.remote.example"},
        {1, "Diagnostic-Code", "smtp; 550 5.1.1 no such user here"},
        {1, "Last-Attempt-Date", "Tue, 14 Nov 2023 22:15:00 +0000"},
        {1, "Final-Log-ID", "ORIGINAL0001"},
        {1, "Will-Retry-Until", "(none)"},
    };
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        CHECK_STR(value_of(block(parts[1].content, fields[i].block), fields[i].name),
                  str_of(fields[i].value));
}

TEST(people_are_told_who_why_and_what_to_do)
{
    struct part parts[4];
    struct dsn dsn = dsn_of(&refused, 1);
    REQUIRE(read_parts(print(&dsn), parts) == 3);
    static const char *const told[] = {
        "could not be delivered",
        "<bob@remote.example>",
        "(you wrote to <bob@list.example>)",
        "There is no mailbox with that address.",
        "The server mx.remote.example said:",
        "550 5.1.1 no such user here",
        "Check the address for typing errors",
        "Subject: a good question",
        "postmaster@here.example",
    };
    for (size_t i = 0; i < ARRAY_LEN(told); i++)
        CHECK_ROW(told[i], holds(parts[0].content, told[i]));
}

/* ---- several recipients and actions ---- */

TEST(each_recipient_has_a_block_and_the_worst_gives_the_subject)
{
    struct part parts[4];
    struct dsn_recipient recipients[] = {
        {.action = DSN_DELIVERED, .status = {2, 0, 0}, .address = STR("d@x.example")},
        {.action = DSN_DELAYED,
         .status = {4, 4, 1},
         .address = STR("w@x.example"),
         .words = STR("no connection to x.example: refused"),
         .retries_until_s = 1700400000},
        {.action = DSN_RELAYED,
         .status = {2, 0, 0},
         .address = STR("r@x.example"),
         .remote = STR("192.0.2.1"),
         .words = STR("250 ok")},
        refused,
    };
    struct dsn dsn = dsn_of(recipients, 4);
    struct str message = print(&dsn);
    CHECK_STR(value_of(message, "Subject"), STR("Your message could not be delivered"));
    REQUIRE(read_parts(message, parts) == 3);
    static const char *const actions[] = {"delivered", "delayed", "relayed", "failed"};
    for (size_t i = 0; i < 4; i++)
        CHECK_STR(value_of(block(parts[1].content, i + 1), "Action"), str_of(actions[i]));
    struct str delayed = block(parts[1].content, 2);
    CHECK_STR(value_of(delayed, "Will-Retry-Until"), STR("Sun, 19 Nov 2023 13:20:00 +0000"));
    CHECK_STR(value_of(delayed, "Diagnostic-Code"),
              STR("x-postrider; no connection to x.example: refused"));
    CHECK_STR(value_of(delayed, "Remote-MTA"), STR("(none)"));
    CHECK_STR(value_of(block(parts[1].content, 3), "Remote-MTA"), STR("dns; [192.0.2.1]"));
    CHECK(holds(parts[0].content, "It will be tried for another 4 days."));
}

/* ---- the original ---- */

static const struct original_row {
    const char *sentence;
    enum dsn_action action;
    bool header_only, is_cut;
    struct str original;
    const char *type;
    struct str content;
    const char *encoding;
} original_rows[] = {
    {"RET=HDRS", DSN_FAILED, true, false, STR("A: b\r\n\r\nbody\r\n"), "text/rfc822-headers",
     STR("A: b\r\n"), "7bit"},
    {"a large one is not there in full", DSN_FAILED, false, true, STR("A: b\r\n\r\nbod"),
     "text/rfc822-headers", STR("A: b\r\n"), "7bit"},
    {"its header is not there in full", DSN_FAILED, false, true, STR("A: b\r\nB: c\r\nC: "),
     "text/rfc822-headers", STR("A: b\r\nB: c\r\n"), "7bit"},
    {"what is only delayed is not sent back", DSN_DELAYED, false, false,
     STR("A: b\r\n\r\nbody\r\n"), "text/rfc822-headers", STR("A: b\r\n"), "7bit"},
    {"an 8-bit body", DSN_FAILED, false, false, STR("A: b\r\n\r\n\xc3\xbc\r\n"), "message/rfc822",
     STR("A: b\r\n\r\n\xc3\xbc\r\n"), "8bit"},
    {"a header of SMTPUTF8", DSN_FAILED, false, false, STR("A: \xc3\xbc\r\n\r\nb\r\n"),
     "message/global", STR("A: \xc3\xbc\r\n\r\nb\r\n"), "8bit"},
    {"the same, header only", DSN_FAILED, true, false, STR("A: \xc3\xbc\r\n\r\nb\r\n"),
     "message/global-headers", STR("A: \xc3\xbc\r\n"), "8bit"},
    {"a header that is no UTF-8", DSN_FAILED, true, false, STR("A: \xfc\r\n\r\nb\r\n"),
     "text/rfc822-headers", STR("A: ?\r\n"), "7bit"},
    {"a bare LF in the body", DSN_FAILED, false, false, STR("A: b\r\n\r\nb\nc\r\n"),
     "text/rfc822-headers", STR("A: b\r\n"), "7bit"},
    {"controls in the header", DSN_FAILED, true, false, STR("A: \a\tb\nc\r d\r\n\t e\r\n \r\n\r\n"),
     "text/rfc822-headers", STR("A: ?\tb?c? d\r\n\t e\r\n"), "7bit"},
    {"no end of line at the end", DSN_FAILED, false, false, STR("A: b"), "message/rfc822",
     STR("A: b"), "7bit"},
    {"nothing could be read", DSN_FAILED, false, true, STR(""), "text/rfc822-headers", STR(""),
     "7bit"},
};

TEST(the_original_comes_back_whole_or_as_its_header)
{
    for (size_t i = 0; i < ARRAY_LEN(original_rows); i++) {
        const struct original_row *row = &original_rows[i];
        struct part parts[4] = {0};
        struct dsn_recipient recipient = refused;
        recipient.action = row->action;
        struct dsn dsn = dsn_of(&recipient, 1);
        dsn.header_only = row->header_only;
        dsn.is_whole = !row->is_cut;
        dsn.original = row->original;
        CHECK_ROW(row->sentence, read_parts(print(&dsn), parts) == 3);
        CHECK_ROW(row->sentence,
                  str_eq(value_of(parts[2].header, "Content-Type"), str_of(row->type)));
        CHECK_STR(parts[2].content, row->content);
        CHECK_STR(value_of(parts[2].header, "Content-Transfer-Encoding"), str_of(row->encoding));
        CHECK_STR(value_of(buf_str(&printed), "Content-Transfer-Encoding"), str_of(row->encoding));
    }
}

TEST(a_long_line_of_the_header_is_folded)
{
    struct part parts[4];
    struct buf original = buf_make(10000);
    CHECK_INT(buf_add(&original, STR("Subject: ")), OK);
    for (size_t i = 0; i < 5000; i++)
        CHECK_INT(buf_add_char(&original, 'x'), OK);
    CHECK_INT(buf_add(&original, STR("\r\n\r\nbody\r\n")), OK);
    struct dsn dsn = dsn_of(&refused, 1);
    dsn.original = buf_str(&original);
    struct str message = print(&dsn);
    check_bounds(message);
    REQUIRE(read_parts(message, parts) == 3);
    CHECK_STR(value_of(parts[2].header, "Content-Type"), STR("text/rfc822-headers"));
    CHECK_INT(mail_header_count(parts[2].content, STR("Subject")), 1);
    buf_free(&original);
}

TEST(a_boundary_in_the_original_is_not_the_reports)
{
    struct part parts[4];
    struct dsn dsn = dsn_of(&refused, 1);
    dsn.original = STR("A: b\r\n\r\n--=_report_REPORT000001_0--\r\n--=_report_REPORT000001_1\r\n");
    REQUIRE(read_parts(print(&dsn), parts) == 3);
    CHECK_STR(parts[2].content, dsn.original);
}

/* ---- hostile words ---- */

static const struct str hostile_words[] = {
    STR("550 a\r\nFinal-Recipient: rfc822;eve@evil.example\r\n\r\nAction: delivered"),
    STR("550 \r\n--=_report_REPORT000001_0--\r\n"),
    STR("550 \0\a\x1b[2J\x7f\xc2\x9b\xff\xfe"),
    STR("550                                                                                  x"),
    STR("\r\n\r\n"),
    STR(" "),
    STR("550"),
};

TEST(no_words_break_out_of_their_field)
{
    for (size_t i = 0; i < ARRAY_LEN(hostile_words); i++) {
        struct part parts[4];
        struct dsn_recipient recipient = refused;
        recipient.words = recipient.remote = recipient.address = hostile_words[i];
        recipient.original = hostile_words[i];
        struct dsn dsn = dsn_of(&recipient, 1);
        dsn.sender = dsn.envelope_id = hostile_words[i];
        struct str message = print(&dsn);
        check_bounds(message);
        REQUIRE(read_parts(message, parts) == 3);
        struct str fields = block(parts[1].content, 1);
        CHECK_INT(mail_header_count(fields, STR("Final-Recipient")), 1);
        CHECK_STR(value_of(fields, "Action"), STR("failed"));
        CHECK_INT(mail_header_count(block(parts[1].content, 0), STR("Action")), 0);
        CHECK(!str_has_8bit(message));
    }
}

TEST(a_reply_of_16_kilobytes_is_folded)
{
    struct dsn_recipient recipient = refused;
    static char words[16000];
    memset(words, 'w', sizeof words);
    memcpy(words, "550 ", 4);
    for (size_t i = 0; i < 2; i++) {
        recipient.words = str_make(words, sizeof words);
        struct dsn dsn = dsn_of(&recipient, 1);
        struct part parts[4];
        struct str message = print(&dsn);
        check_bounds(message);
        CHECK_INT(read_parts(message, parts), 3);
        for (size_t j = 4; j < sizeof words; j += 7)
            words[j] = ' ';
    }
}

/* ---- addresses that are not ASCII ---- */

#define BUERO "b\xc3\xbcro@x.example"

TEST(utf8_is_written_as_it_is_for_who_takes_it)
{
    struct part parts[4];
    struct dsn_recipient recipient = refused;
    recipient.address = STR(BUERO);
    recipient.words = STR("550 \xc3\xbc");
    struct dsn dsn = dsn_of(&recipient, 1);
    dsn.utf8 = true;
    dsn.sender = STR("\xc3\xa4@here.example");
    struct str message = print(&dsn);
    CHECK_STR(value_of(message, "To"), STR("<\xc3\xa4@here.example>"));
    REQUIRE(read_parts(message, parts) == 3);
    CHECK_STR(value_of(parts[0].header, "Content-Type"), STR("text/plain; charset=utf-8"));
    CHECK_STR(value_of(parts[1].header, "Content-Type"), STR("message/global-delivery-status"));
    CHECK_STR(value_of(parts[1].header, "Content-Transfer-Encoding"), STR("8bit"));
    struct str fields = block(parts[1].content, 1);
    CHECK_STR(value_of(fields, "Final-Recipient"), STR("utf-8;" BUERO));
    CHECK_STR(value_of(fields, "Diagnostic-Code"), STR("smtp; 550 \xc3\xbc"));
}

TEST(utf8_is_encoded_for_all_others)
{
    struct part parts[4];
    struct dsn_recipient recipient = refused;
    recipient.address = STR("b\xc3\xbc+\xf0\x9f\x93\xaf@x.example");
    recipient.original = STR("utf-8;" BUERO);
    struct dsn dsn = dsn_of(&recipient, 1);
    struct str message = print(&dsn);
    CHECK(!str_has_8bit(message));
    REQUIRE(read_parts(message, parts) == 3);
    struct str fields = block(parts[1].content, 1);
    CHECK_STR(value_of(fields, "Final-Recipient"),
              STR("utf-8;b\\x{FC}\\x{2B}\\x{1F4EF}@x.example"));
    CHECK(str_search(parts[0].content, STR("<b\\x{FC}\\x{2B}\\x{1F4EF}@x.example>")) != SIZE_MAX);
    CHECK(str_search(parts[0].content, STR("(you wrote to <b\\x{FC}ro@x.example>)")) != SIZE_MAX);
    CHECK_STR(value_of(fields, "Original-Recipient"), STR("utf-8;b\\x{FC}ro@x.example"));
}

TEST(an_original_recipient_in_ascii_stays_as_it_was_given)
{
    struct part parts[4];
    struct dsn_recipient recipient = refused;
    recipient.original = STR("utf-8;b\\x{FC}ro@x.example");
    struct dsn dsn = dsn_of(&recipient, 1);
    REQUIRE(read_parts(print(&dsn), parts) == 3);
    CHECK_STR(value_of(block(parts[1].content, 1), "Original-Recipient"), recipient.original);
}

/* ---- the original's own id ---- */

TEST(only_a_proper_message_id_is_referred_to)
{
    static const struct {
        const char *sentence;
        struct str original;
        struct str reference;
    } rows[] = {
        {"folded", STR("Message-Id:\r\n <a@b>\r\n\r\n"), STR("<a@b>")},
        {"two of them", STR("Message-ID: <a@b> <c@d>\r\n\r\n"), STR("(none)")},
        {"no brackets", STR("Message-ID: a@b\r\n\r\n"), STR("(none)")},
        {"a blank within", STR("Message-ID: <a @b>\r\n\r\n"), STR("(none)")},
        {"empty", STR("Message-ID: <>\r\n\r\n"), STR("(none)")},
        {"not ASCII", STR("Message-ID: <\xc3\xbc@b>\r\n\r\n"), STR("(none)")},
        {"none", STR("Subject: x\r\n\r\nMessage-ID: <a@b>\r\n"), STR("(none)")},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct dsn dsn = dsn_of(&refused, 1);
        dsn.original = rows[i].original;
        struct str message = print(&dsn);
        CHECK_ROW(rows[i].sentence, str_eq(value_of(message, "In-Reply-To"), rows[i].reference));
        CHECK_ROW(rows[i].sentence, str_eq(value_of(message, "References"), rows[i].reference));
    }
}

TEST(a_full_buffer_is_an_error)
{
    struct buf small = buf_make(500);
    struct dsn dsn = dsn_of(&refused, 1);
    CHECK_INT(dsn_print(&small, &dsn, &arena), ERR_LIMIT);
    buf_free(&small);
}

int main(void)
{
    arena = arena_make();
    printed = buf_make(1 << 20);
    RUN(the_header_says_what_it_is);
    RUN(there_are_three_parts);
    RUN(programs_find_every_field);
    RUN(people_are_told_who_why_and_what_to_do);
    RUN(each_recipient_has_a_block_and_the_worst_gives_the_subject);
    RUN(the_original_comes_back_whole_or_as_its_header);
    RUN(a_long_line_of_the_header_is_folded);
    RUN(a_boundary_in_the_original_is_not_the_reports);
    RUN(no_words_break_out_of_their_field);
    RUN(a_reply_of_16_kilobytes_is_folded);
    RUN(utf8_is_written_as_it_is_for_who_takes_it);
    RUN(utf8_is_encoded_for_all_others);
    RUN(an_original_recipient_in_ascii_stays_as_it_was_given);
    RUN(only_a_proper_message_id_is_referred_to);
    RUN(a_full_buffer_is_an_error);
    buf_free(&printed);
    arena_reset(&arena);
    return test_summary();
}
