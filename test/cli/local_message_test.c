#include "cli/local_message.h"
#include "test.h"

struct made {
    enum err err;
    struct str message;    /* in `arena` */
    struct str recipients; /* with a space between them */
    struct str field;
};

static struct made make(struct arena *arena, struct str text, bool takes_recipients,
                        bool ignores_dots)
{
    struct local_message_options options = {
        .home = STR("home.example"),
        .from = {STR("alice"), STR("home.example"), false},
        .takes_recipients = takes_recipients,
    };
    struct buf read = buf_make(1 << 20), out = buf_make(1 << 20);
    struct local_recipients recipients = {0};
    struct made made = {.recipients = STR_EMPTY, .field = STR_EMPTY, .message = STR_EMPTY};
    CHECK_INT(local_message_read(&read, text, ignores_dots), OK);
    made.err = local_message_make(&out, buf_str(&read), &options, arena, &recipients, &made.field);
    made.field = arena_copy(arena, made.field);
    made.message = arena_copy(arena, buf_str(&out));
    for (size_t i = 0; i < recipients.count; i++)
        made.recipients = arena_printf(arena, "%.*s%s%.*s", STR_FMT(made.recipients), i ? " " : "",
                                       STR_FMT(mail_address_text(arena, &recipients.at[i])));
    buf_free(&read);
    buf_free(&out);
    return made;
}

#define FROM "From: alice@home.example\r\n"

TEST(text_becomes_a_message)
{
    static const struct {
        const char *about, *text, *message;
    } rows[] = {
        {"a whole message", "From: x@y.z\n\nhi\n", "From: x@y.z\r\n\r\nhi\r\n"},
        {"with CRLF already", "From: x@y.z\r\n\r\nhi\r\n", "From: x@y.z\r\n\r\nhi\r\n"},
        {"a bare CR ends a line too", "From: x@y.z\n\na\rb", "From: x@y.z\r\n\r\na\r\nb\r\n"},
        {"no From", "Subject: x\n\nhi\n", "Subject: x\r\n" FROM "\r\nhi\r\n"},
        {"no header", "hi there\n", FROM "\r\nhi there\r\n"},
        {"no header, but an empty line first", "\nSubject: x\n", FROM "\r\nSubject: x\r\n"},
        {"nothing", "", FROM "\r\n"},
        {"no line end", "Subject: x", "Subject: x\r\n" FROM "\r\n"},
        {"a header that ends without an empty line", "Subject: x\nhi there\nTo: y\n",
         "Subject: x\r\n" FROM "\r\nhi there\r\nTo: y\r\n"},
        {"a fold that continues nothing", " x: y\n", FROM "\r\n x: y\r\n"},
        {"an mbox line", "From alice Mon Jan  1 00:00:00 2024\nSubject: x\n\n",
         "Subject: x\r\n" FROM "\r\n"},
        {"a text that begins like one", "From me to you\n\nx: y\n",
         FROM "\r\nFrom me to you\r\n\r\nx: y\r\n"},
        {"a From with a blank is no mbox line", "From : x@y.z\n\n", "From : x@y.z\r\n\r\n"},
        {"short addresses", "From: root (Cron)\nTo: bob,\n x@y.z\nCc: \"B\" <b>\n\n",
         "From: root@home.example (Cron)\r\nTo: bob@home.example,\r\n x@y.z\r\n"
         "Cc: \"B\" <b@home.example>\r\n\r\n"},
        {"an odd From stays as it is", "From: a b c\n\n", "From: a b c\r\n\r\n"},
        {"Bcc is only taken out with -t", "From: x@y.z\nBcc: b@c.d\n\n",
         "From: x@y.z\r\nBcc: b@c.d\r\n\r\n"},
        {"a lone dot", "From: x@y.z\n\na\n.\nb\n", "From: x@y.z\r\n\r\na\r\n"},
        {"a lone dot with CRLF", "From: x@y.z\n\na\r\n.\r\nb\r\n", "From: x@y.z\r\n\r\na\r\n"},
        {"a lone dot at the end", "From: x@y.z\n\na\n.", "From: x@y.z\r\n\r\na\r\n"},
        {"other dots", "From: x@y.z\n\n..\n. \n", "From: x@y.z\r\n\r\n..\r\n. \r\n"},
    };
    struct arena arena = arena_make();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct made made = make(&arena, str_of(rows[i].text), false, false);
        CHECK_ROW(rows[i].about, made.err == OK);
        CHECK_STR(made.message, str_of(rows[i].message));
        CHECK_STR(made.recipients, STR(""));
    }
    struct made dotted = make(&arena, STR("From: x@y.z\n\n.\n"), false, true);
    CHECK_STR(dotted.message, STR("From: x@y.z\r\n\r\n.\r\n"));
    arena_reset(&arena);
}

TEST(recipients_are_taken_from_the_header)
{
    static const struct {
        const char *about, *text, *recipients, *header;
    } rows[] = {
        {"To, Cc and Bcc", "To: a@b.c\nCc: bob, D <d@e.f>\nbcc: g@h.i\n",
         "a@b.c bob@home.example d@e.f g@h.i", "To: a@b.c\r\nCc: bob@home.example, D <d@e.f>\r\n"},
        {"several fields of a name", "To: a@b.c\nTo: d@e.f\n", "a@b.c d@e.f",
         "To: a@b.c\r\nTo: d@e.f\r\n"},
        {"groups, and empty ones", "To: all: a@b.c, bob;\nCc: undisclosed-recipients:;\nBcc:\n",
         "a@b.c bob@home.example",
         "To: all: a@b.c, bob@home.example;\r\nCc: undisclosed-recipients:;\r\n"},
        {"an address that is its own name", "To: a@b.c <a@b.c>\n", "a@b.c",
         "To: a@b.c <a@b.c>\r\n"},
        {"From and Reply-To are nobody", "Reply-To: a@b.c\nSender: d@e.f\n", "",
         "Reply-To: a@b.c\r\nSender: d@e.f\r\n"},
        {"what looks like a field in the body is none", "To: a@b.c\n\nBcc: d@e.f\n", "a@b.c",
         "To: a@b.c\r\n\r\nBcc: d@e.f\r\n"},
        {"a resent message is for whom it is resent",
         "Resent-To: a@b.c\nResent-Bcc: d@e.f\nTo: old@x.y\nBcc: old2@x.y\n", "a@b.c d@e.f",
         "Resent-To: a@b.c\r\nTo: old@x.y\r\n"},
        {"and not for whom it was resent before",
         "Resent-From: me@x.y\nResent-To: a@b.c\nResent-From: he@x.y\nResent-To: old@x.y\n"
         "Resent-Bcc: old2@x.y\n",
         "a@b.c",
         "Resent-From: me@x.y\r\nResent-To: a@b.c\r\nResent-From: he@x.y\r\n"
         "Resent-To: old@x.y\r\n"},
        {"with a Received between", "Resent-To: a@b.c\nReceived: by x; date\nResent-Cc: old@x.y\n",
         "a@b.c", "Resent-To: a@b.c\r\nReceived: by x; date\r\nResent-Cc: old@x.y\r\n"},
    };
    struct arena arena = arena_make();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str text = arena_printf(&arena, "From: x@y.z\n%s", rows[i].text);
        struct made made = make(&arena, text, true, false);
        CHECK_ROW(rows[i].about, made.err == OK);
        CHECK_STR(made.recipients, str_of(rows[i].recipients));
        CHECK_ROW(rows[i].about, str_starts(str_from(made.message, strlen("From: x@y.z\r\n")),
                                            str_of(rows[i].header)));
    }
    arena_reset(&arena);
}

TEST(recipients_in_doubt_are_named_and_nothing_goes_out)
{
    static const char *const fields[] = {"To: a@b.c d@e.f", "Cc: bob, <alice", "Bcc: a@b.c <d@e.f>",
                                         "To: a@b@c", "Resent-To: a b"};
    struct arena arena = arena_make();
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        struct str text = arena_printf(&arena, "Subject: x\n%s\n\n", fields[i]);
        struct made made = make(&arena, text, true, false);
        CHECK_ROW(fields[i], made.err == ERR_SYNTAX);
        CHECK_STR(str_trim(made.field), str_of(fields[i]));
        CHECK_ROW(fields[i], make(&arena, text, false, false).err == OK);
    }
    arena_reset(&arena);
}

TEST(a_missing_from_has_the_name)
{
    static const struct {
        const char *name, *from;
    } rows[] = {
        {"Cron Daemon", "From: Cron Daemon <alice@home.example>\r\n"},
        {"Disk, the \"big\"", "From: \"Disk, the \\\"big\\\"\" <alice@home.example>\r\n"},
        {"J\xc3\xbcrgen", "From: =?UTF-8?B?SsO8cmdlbg==?= <alice@home.example>\r\n"},
        {"a\nBcc: x", "From: =?UTF-8?B?YQpCY2M6IHg=?= <alice@home.example>\r\n"},
    };
    struct arena arena = arena_make();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf out = buf_make(1000);
        struct local_recipients recipients;
        struct str field;
        struct local_message_options options = {
            .home = STR("home.example"),
            .from = {STR("alice"), STR("home.example"), false},
            .full_name = str_of(rows[i].name),
        };
        CHECK_INT(local_message_make(&out, STR("x\r\n"), &options, &arena, &recipients, &field),
                  OK);
        CHECK(str_starts(buf_str(&out), str_of(rows[i].from)));
        buf_free(&out);
    }
    arena_reset(&arena);
}

TEST(words_of_the_line_are_recipients)
{
    struct arena arena = arena_make();
    struct local_recipients recipients = {0};
    struct str home = STR("home.example");
    CHECK_INT(local_recipients_add(&recipients, STR("root"), home, &arena), OK);
    CHECK_INT(local_recipients_add(&recipients, STR("A <a@b.c>, d@e.f"), home, &arena), OK);
    CHECK_INT(recipients.count, 3);
    CHECK_STR(mail_address_text(&arena, &recipients.at[0]), STR("root@home.example"));
    CHECK_STR(mail_address_text(&arena, &recipients.at[2]), STR("d@e.f"));
    CHECK_INT(local_recipients_add(&recipients, STR(""), home, &arena), ERR_SYNTAX);
    CHECK_INT(local_recipients_add(&recipients, STR("a b"), home, &arena), ERR_SYNTAX);
    CHECK_INT(local_recipients_add(&recipients, STR("a@b\r\nRCPT"), home, &arena), ERR_SYNTAX);
    CHECK_INT(recipients.count, 3);
    arena_reset(&arena);
}

int main(void)
{
    RUN(text_becomes_a_message);
    RUN(recipients_are_taken_from_the_header);
    RUN(recipients_in_doubt_are_named_and_nothing_goes_out);
    RUN(a_missing_from_has_the_name);
    RUN(words_of_the_line_are_recipients);
    return test_summary();
}
