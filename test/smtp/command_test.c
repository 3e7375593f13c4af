#include "smtp/command.h"

#include "test.h"

static const struct {
    const char *sentence;
    struct str line;
    enum smtp_verb verb;
    const char *argument;
} simple[] = {
    {"EHLO", STR("EHLO mx.example.org"), SMTP_VERB_EHLO, "mx.example.org"},
    {"in lower case", STR("ehlo mx"), SMTP_VERB_EHLO, "mx"},
    {"a blank behind is tolerated", STR("EHLO mx \t"), SMTP_VERB_EHLO, "mx"},
    {"more blanks between", STR("EHLO   mx"), SMTP_VERB_EHLO, "mx"},
    {"HELO", STR("HELO [192.0.2.1]"), SMTP_VERB_HELO, "[192.0.2.1]"},
    {"LHLO", STR("LHLO mx"), SMTP_VERB_LHLO, "mx"},
    {"DATA", STR("DATA"), SMTP_VERB_DATA, ""},
    {"DATA with a blank", STR("data "), SMTP_VERB_DATA, ""},
    {"RSET", STR("RSET"), SMTP_VERB_RSET, ""},
    {"NOOP", STR("NOOP"), SMTP_VERB_NOOP, ""},
    {"NOOP with text", STR("NOOP a b"), SMTP_VERB_NOOP, "a b"},
    {"VRFY", STR("VRFY alice"), SMTP_VERB_VRFY, "alice"},
    {"VRFY in UTF-8", STR("VRFY j\xc3\xbc SMTPUTF8"), SMTP_VERB_VRFY, "j\xc3\xbc SMTPUTF8"},
    {"EXPN", STR("EXPN list"), SMTP_VERB_EXPN, "list"},
    {"HELP", STR("HELP"), SMTP_VERB_HELP, ""},
    {"QUIT", STR("QUIT"), SMTP_VERB_QUIT, ""},
    {"STARTTLS", STR("STARTTLS"), SMTP_VERB_STARTTLS, ""},
    {"XCLIENT", STR("XCLIENT ADDR=192.0.2.1"), SMTP_VERB_XCLIENT, "ADDR=192.0.2.1"},
    {"a browser", STR("GET / HTTP/1.1"), SMTP_VERB_HTTP, "/ HTTP/1.1"},
    {"a browser that posts rubbish", STR("POST \x01"), SMTP_VERB_HTTP, "\x01"},
    {"a proxy's client", STR("CONNECT a:25 HTTP/1.0"), SMTP_VERB_HTTP, "a:25 HTTP/1.0"},
};

TEST(commands_are_known_by_their_verbs)
{
    struct arena arena = arena_make();
    for (size_t i = 0; i < ARRAY_LEN(simple); i++) {
        struct smtp_command command = {.verb = SMTP_VERB_UNKNOWN};
        struct smtp_fault fault;
        CHECK_ROW(simple[i].sentence,
                  smtp_command_parse(&arena, simple[i].line, false, &command, &fault) == OK);
        CHECK_ROW(simple[i].sentence, command.verb == simple[i].verb);
        CHECK_ROW(simple[i].sentence, smtp_command_verb(simple[i].line) == simple[i].verb);
        CHECK_STR(command.argument, str_of(simple[i].argument));
    }
    arena_reset(&arena);
}

static const struct {
    const char *sentence;
    struct str line;
    int code;
    struct mail_status status;
    const char *subject;
} faults[] = {
    {"nothing", STR(""), 500, {5, 5, 2}, ""},
    {"an unknown verb", STR("XYZZY"), 500, {5, 5, 2}, ""},
    {"a longer verb", STR("DATAX"), 500, {5, 5, 2}, ""},
    {"a blank in front", STR(" QUIT"), 500, {5, 5, 2}, ""},
    {"a tab for a space", STR("EHLO\tmx"), 500, {5, 5, 2}, ""},
    {"a bare CR", STR("NOOP a\rQUIT"), 500, {5, 5, 2}, ""},
    {"a bare LF", STR("NOOP a\nQUIT"), 500, {5, 5, 2}, ""},
    {"a bare CR at the end", STR("QUIT\r"), 500, {5, 5, 2}, ""},
    {"a NUL", STR("NOOP \0"), 500, {5, 5, 2}, ""},
    {"a NUL in the verb", STR("NOOP\0"), 500, {5, 5, 2}, ""},
    {"bad UTF-8", STR("VRFY \xff"), 500, {5, 5, 2}, ""},
    {"8-bit in the verb", STR("N\xc3\xbcOP"), 500, {5, 5, 2}, ""},
    {"EHLO without a name", STR("EHLO"), 501, {5, 5, 4}, ""},
    {"EHLO with two names", STR("EHLO a b"), 501, {5, 5, 4}, ""},
    {"EHLO in UTF-8", STR("EHLO \xc3\xbc"), 501, {5, 5, 4}, ""},
    {"DATA with an argument", STR("DATA x"), 501, {5, 5, 4}, ""},
    {"RSET with an argument", STR("RSET x"), 501, {5, 5, 4}, ""},
    {"QUIT with an argument", STR("QUIT x"), 501, {5, 5, 4}, ""},
    {"STARTTLS with an argument", STR("STARTTLS x"), 501, {5, 5, 4}, ""},
    {"VRFY of nothing", STR("VRFY"), 501, {5, 5, 4}, ""},
    {"MAIL without FROM", STR("MAIL <a@b.c>"), 501, {5, 5, 4}, ""},
    {"MAIL alone", STR("MAIL"), 501, {5, 5, 4}, ""},
    {"a blank before the colon", STR("MAIL FROM :<a@b.c>"), 501, {5, 5, 4}, ""},
    {"no brackets", STR("MAIL FROM:a@b.c"), 501, {5, 1, 7}, ""},
    {"no address", STR("MAIL FROM:"), 501, {5, 1, 7}, ""},
    {"a tab before the path", STR("MAIL FROM:\t<a@b.c>"), 501, {5, 1, 7}, ""},
    {"a NUL in the path", STR("MAIL FROM:<a\0@b.c>"), 501, {5, 1, 7}, ""},
    {"a CR in the path", STR("MAIL FROM:<a\r@b.c>"), 501, {5, 1, 7}, ""},
    {"bad UTF-8 in the path", STR("MAIL FROM:<a\xff@b.c> SMTPUTF8"), 501, {5, 1, 7}, ""},
    {"UTF-8 without SMTPUTF8", STR("MAIL FROM:<\xc3\xbc@b.c>"), 553, {5, 6, 7}, ""},
    {"UTF-8 in RCPT without SMTPUTF8", STR("RCPT TO:<\xc3\xbc@b.c>"), 553, {5, 6, 7}, ""},
    {"a null recipient", STR("RCPT TO:<>"), 501, {5, 1, 3}, ""},
    {"two recipients in one path", STR("RCPT TO:<a@b.c,d@e.f>"), 501, {5, 1, 3}, ""},
    {"two recipients", STR("RCPT TO:<a@b.c> <d@e.f>"), 501, {5, 5, 4}, ""},
    {"a trailing dot", STR("RCPT TO:<a@b.c.>"), 501, {5, 1, 3}, ""},
    {"a port", STR("RCPT TO:<a@b.c:25>"), 501, {5, 1, 3}, ""},
    {"a display name", STR("RCPT TO:Alice <a@b.c>"), 501, {5, 1, 3}, ""},
    {"a local part of 65 bytes",
     STR("RCPT TO:<aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@b.c>"),
     501,
     {5, 1, 3},
     ""},
    {"a parameter glued on", STR("MAIL FROM:<a@b.c>SIZE=1"), 501, {5, 5, 4}, ""},
    {"an unknown parameter", STR("MAIL FROM:<a@b.c> XYZZY=1"), 555, {5, 5, 4}, "XYZZY"},
    {"NOTIFY on MAIL", STR("MAIL FROM:<a@b.c> NOTIFY=NEVER"), 555, {5, 5, 4}, "NOTIFY"},
    {"SIZE on RCPT", STR("RCPT TO:<a@b.c> SIZE=1"), 555, {5, 5, 4}, "SIZE"},
    {"a parameter without a keyword", STR("MAIL FROM:<a@b.c> =1"), 501, {5, 5, 4}, ""},
    {"a control in a parameter", STR("MAIL FROM:<a@b.c> \x01"), 501, {5, 5, 4}, ""},
    {"SIZE twice", STR("MAIL FROM:<a@b.c> SIZE=1 size=2"), 501, {5, 5, 4}, "size"},
    {"SIZE without a value", STR("MAIL FROM:<a@b.c> SIZE"), 501, {5, 5, 4}, "SIZE"},
    {"SIZE of nothing", STR("MAIL FROM:<a@b.c> SIZE="), 501, {5, 5, 4}, "SIZE"},
    {"a negative SIZE", STR("MAIL FROM:<a@b.c> SIZE=-1"), 501, {5, 5, 4}, "SIZE"},
    {"a SIZE of 21 digits",
     STR("MAIL FROM:<a@b.c> SIZE=000000000000000000001"),
     501,
     {5, 5, 4},
     "SIZE"},
    {"an unknown BODY", STR("MAIL FROM:<a@b.c> BODY=9BIT"), 501, {5, 5, 4}, "BODY"},
    {"a value for SMTPUTF8", STR("MAIL FROM:<a@b.c> SMTPUTF8=1"), 501, {5, 5, 4}, "SMTPUTF8"},
    {"AUTH of nothing", STR("MAIL FROM:<a@b.c> AUTH="), 501, {5, 5, 4}, "AUTH"},
    {"AUTH that is no address", STR("MAIL FROM:<a@b.c> AUTH=x"), 501, {5, 5, 4}, "AUTH"},
    {"a line end in ENVID", STR("MAIL FROM:<a@b.c> ENVID=a+0Ab"), 501, {5, 5, 4}, "ENVID"},
    {"a line end in ORCPT", STR("RCPT TO:<a@b.c> ORCPT=rfc822;a+0A@b.c"), 501, {5, 5, 4}, "ORCPT"},
    {"NEVER and more", STR("RCPT TO:<a@b.c> NOTIFY=NEVER,DELAY"), 501, {5, 5, 4}, "NOTIFY"},
    {"an empty NOTIFY", STR("RCPT TO:<a@b.c> NOTIFY=,"), 501, {5, 5, 4}, "NOTIFY"},
    {"BDAT without a size", STR("BDAT"), 501, {5, 5, 4}, ""},
    {"BDAT LAST", STR("BDAT LAST"), 501, {5, 5, 4}, ""},
    {"a negative BDAT", STR("BDAT -1"), 501, {5, 5, 4}, ""},
    {"BDAT beyond reason", STR("BDAT 9223372036854775808"), 501, {5, 5, 4}, ""},
    {"BDAT with another word", STR("BDAT 1 FIRST"), 501, {5, 5, 4}, ""},
    {"AUTH alone", STR("AUTH"), 501, {5, 5, 4}, ""},
    {"AUTH with two responses", STR("AUTH PLAIN a b"), 501, {5, 5, 4}, ""},
    {"a mechanism of 21 letters", STR("AUTH AAAAAAAAAAAAAAAAAAAAA"), 501, {5, 5, 4}, ""},
};

TEST(a_line_that_is_refused_earns_its_reply)
{
    struct arena arena = arena_make();
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        struct smtp_command command;
        struct smtp_fault fault = {0};
        CHECK_ROW(faults[i].sentence, smtp_command_parse(&arena, faults[i].line, false, &command,
                                                         &fault) == ERR_SYNTAX);
        CHECK_ROW(faults[i].sentence, fault.code == faults[i].code);
        CHECK_ROW(faults[i].sentence, mail_status_eq(fault.status, faults[i].status));
        CHECK_ROW(faults[i].sentence, str_eq(fault.subject, str_of(faults[i].subject)));
        CHECK_ROW(faults[i].sentence, fault.text != NULL);
    }
    arena_reset(&arena);
}

/* Parses a line that is right. */
static struct smtp_command good(struct arena *arena, const char *line, bool utf8)
{
    struct smtp_command command = {0};
    struct smtp_fault fault = {0};
    CHECK_ROW(line, smtp_command_parse(arena, str_of(line), utf8, &command, &fault) == OK);
    return command;
}

TEST(mail_comes_with_its_parameters)
{
    struct arena arena = arena_make();
    struct smtp_mail mail =
        good(&arena,
             "mail from:<\"a b\"@c.d> size=1000 BODY=8bitmime SMTPUTF8 REQUIRETLS "
             "AUTH=e+2Bf@g.h RET=HDRS  ENVID=x+2By",
             false)
            .mail;
    CHECK_STR(mail.path.address.local, STR("a b"));
    CHECK_STR(mail.path.address.domain, STR("c.d"));
    CHECK(mail.has_size && mail.size == 1000 && mail.body == SMTP_BODY_8BITMIME);
    CHECK(mail.smtputf8 && mail.requiretls && mail.ret == SMTP_RET_HDRS);
    CHECK_STR(mail.auth, STR("e+f@g.h"));
    CHECK_STR(mail.envid, STR("x+y"));
    arena_reset(&arena);
}

TEST(mail_alone_says_nothing_more)
{
    struct arena arena = arena_make();
    struct smtp_mail mail = good(&arena, "MAIL FROM:<>", false).mail;
    CHECK(mail.path.is_null && !mail.has_size && mail.body == SMTP_BODY_UNSAID);
    CHECK(!mail.has_auth && !mail.has_envid && mail.ret == SMTP_RET_UNSAID && !mail.smtputf8);
    mail = good(&arena, "MAIL FROM: <a@b.c>", false).mail;
    CHECK_STR(mail.path.address.local, STR("a"));
    mail = good(&arena, "MAIL FROM:<\xc3\xbc@b.c> SMTPUTF8", false).mail;
    CHECK_STR(mail.path.address.local, STR("\xc3\xbc"));
    mail = good(&arena, "MAIL FROM:<a@b.c> AUTH=<>", false).mail;
    CHECK(mail.has_auth && mail.auth.len == 0);
    arena_reset(&arena);
}

TEST(twenty_digits_are_a_size_too_large_and_no_mistake)
{
    struct arena arena = arena_make();
    struct smtp_mail mail = good(&arena, "MAIL FROM:<> SIZE=99999999999999999999", false).mail;
    CHECK(mail.size == UINT64_MAX);
    arena_reset(&arena);
}

TEST(rcpt_comes_with_its_parameters)
{
    struct arena arena = arena_make();
    struct smtp_rcpt rcpt =
        good(&arena, "RCPT TO:<a@b.c> NOTIFY=success,DELAY ORCPT=rfc822;x+2B@y.z", false).rcpt;
    CHECK_INT(rcpt.notify, SMTP_NOTIFY_SUCCESS | SMTP_NOTIFY_DELAY);
    CHECK_STR(rcpt.orcpt.address, STR("x+@y.z"));
    rcpt = good(&arena, "RCPT TO:<Postmaster> NOTIFY=NEVER", false).rcpt;
    CHECK(rcpt.path.is_postmaster && rcpt.notify == SMTP_NOTIFY_NEVER);
    rcpt = good(&arena, "RCPT TO:<@x.y:a@b.c>", false).rcpt;
    CHECK(rcpt.path.has_route && rcpt.notify == 0 && rcpt.orcpt.type.len == 0);
    rcpt = good(&arena, "RCPT TO:<\xc3\xbc@b.c> ORCPT=utf-8;\xc3\xbc@b.c", true).rcpt;
    CHECK_STR(rcpt.orcpt.address, STR("\xc3\xbc@b.c"));
    arena_reset(&arena);
}

TEST(bdat_auth_and_names_are_taken_apart)
{
    struct arena arena = arena_make();
    struct smtp_command command = good(&arena, "BDAT 86 last", false);
    CHECK(command.bdat.size == 86 && command.bdat.is_last);
    command = good(&arena, "BDAT 0", false);
    CHECK(command.bdat.size == 0 && !command.bdat.is_last);
    command = good(&arena, "AUTH scram-sha-256 =", false);
    CHECK_STR(command.auth.mechanism, STR("scram-sha-256"));
    CHECK(command.auth.has_initial);
    CHECK_STR(command.auth.initial, STR("="));
    CHECK(!good(&arena, "AUTH LOGIN", false).auth.has_initial);
    CHECK(good(&arena, "EHLO [IPv6:::1]", false).is_name_valid);
    CHECK(good(&arena, "EHLO mx.example.org", false).is_name_valid);
    CHECK(!good(&arena, "EHLO my_pc", false).is_name_valid);
    CHECK(!good(&arena, "EHLO [evil]", false).is_name_valid);
    arena_reset(&arena);
}

/* A line of `len` bytes that begins with `start` and is right but for its length. */
static int code_of_size(const char *start, size_t len)
{
    static char line[20000];
    memset(line, 'a', sizeof line);
    memcpy(line, start, strlen(start));
    struct arena arena = arena_make();
    struct smtp_command command;
    struct smtp_fault fault = {0};
    enum err err = smtp_command_parse(&arena, str_make(line, len), false, &command, &fault);
    arena_reset(&arena);
    return err ? fault.code : 250;
}

TEST(lines_have_a_limit_and_auth_a_longer_one)
{
    CHECK_INT(code_of_size("NOOP ", 4096), 250);
    CHECK_INT(code_of_size("NOOP ", 4097), 500);
    CHECK_INT(code_of_size("AUTH PLAIN ", 12288), 250);
    CHECK_INT(code_of_size("AUTH PLAIN ", 12289), 500);
    /* A browser is a browser, however long its request. */
    CHECK_INT(code_of_size("POST /", 12288), 250);
    CHECK_INT(code_of_size("EHLO ", 260), 250);
    CHECK_INT(code_of_size("EHLO ", 261), 501);
}

TEST(verbs_have_names)
{
    CHECK_STR(str_of(smtp_verb_name(SMTP_VERB_STARTTLS)), STR("STARTTLS"));
    CHECK_STR(str_of(smtp_verb_name(SMTP_VERB_HTTP)), STR("HTTP"));
    CHECK_STR(str_of(smtp_verb_name(SMTP_VERB_UNKNOWN)), STR("?"));
}

int main(void)
{
    RUN(commands_are_known_by_their_verbs);
    RUN(a_line_that_is_refused_earns_its_reply);
    RUN(mail_comes_with_its_parameters);
    RUN(mail_alone_says_nothing_more);
    RUN(twenty_digits_are_a_size_too_large_and_no_mistake);
    RUN(rcpt_comes_with_its_parameters);
    RUN(bdat_auth_and_names_are_taken_apart);
    RUN(lines_have_a_limit_and_auth_a_longer_one);
    RUN(verbs_have_names);
    return test_summary();
}
