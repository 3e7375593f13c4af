/* The commands: what each answers, in order and out of order. */
#include "script.h"

TEST_FIBER(commands_answer_as_the_rfc_says)
{
    static const struct script scripts[] = {
        {"a message is taken",
         {S("EHLO me.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<alice@local.example>\r\n"
            "DATA\r\n"),
          S("Subject: x\r\n\r\nhello\r\n.\r\nQUIT\r\n")},
         "220, 250, 250 2.1.0, 250 2.1.5, 354, 250 2.0.0, 221 2.0.0, closed",
         1},
        {"two messages in one session, the second by an old client",
         {S("HELO me\r\nMAIL FROM:<>\r\nRCPT TO:<bob@local.example>\r\nDATA\r\n"),
          S("\r\nhello\r\n.\r\n"),
          S("MAIL FROM:<a@b.example>\r\nRCPT TO:<bob@LOCAL.example>\r\nDATA\r\n"), S(".\r\n"),
          S("QUIT\r\n")},
         "220, 250, 250 2.1.0, 250 2.1.5, 354, 250 2.0.0, 250 2.1.0, 250 2.1.5, 354, 250 2.0.0, "
         "221 2.0.0, closed",
         2},
        {"commands in any case, with blanks at the end",
         {S("ehlo me\r\nmail from:<a@b.example>  \r\nrcpt TO:<alice@local.example> \r\nrset\r\n"
            "quit\r\n")},
         "220, 250, 250 2.1.0, 250 2.1.5, 250 2.0.0, 221 2.0.0, closed",
         0},
        {"nothing before the greeting",
         {S("MAIL FROM:<a@b.example>\r\nRCPT "
            "TO:<alice@local.example>\r\nDATA\r\nNOOP\r\nQUIT\r\n")},
         "220, 503 5.5.1, 503 5.5.1, 503 5.5.1, 250 2.0.0, 221 2.0.0, closed",
         0},
        {"commands out of order",
         {S("EHLO me\r\nRCPT TO:<alice@local.example>\r\nDATA\r\nMAIL FROM:<a@b.example>\r\n"
            "DATA\r\nMAIL FROM:<c@b.example>\r\nQUIT\r\n")},
         "220, 250, 503 5.5.1, 503 5.5.1, 250 2.1.0, 554 5.5.1, 503 5.5.1, 221 2.0.0, closed",
         0},
        {"EHLO and RSET forget the transaction",
         {S("EHLO me\r\nMAIL FROM:<a@b.example>\r\nRSET\r\nRCPT TO:<alice@local.example>\r\n"
            "MAIL FROM:<a@b.example>\r\nEHLO you\r\nRCPT TO:<alice@local.example>\r\nQUIT\r\n")},
         "220, 250, 250 2.1.0, 250 2.0.0, 503 5.5.1, 250 2.1.0, 250, 503 5.5.1, 221 2.0.0, closed",
         0},
        {"VRFY tells nothing, of nobody",
         {S("EHLO me\r\nVRFY alice\r\nVRFY nobody\r\nVRFY <alice@local.example>\r\nQUIT\r\n")},
         "220, 250, 252 2.5.2, 252 2.5.2, 252 2.5.2, 221 2.0.0, closed",
         0},
        {"what we do not do",
         {S("EHLO me\r\nEXPN list\r\nLHLO me\r\nXCLIENT NAME=x\r\nTURN\r\nAUTH PLAIN\r\nQUIT\r\n")},
         "220, 250, 502 5.5.1, 502 5.5.1, 550 5.7.0, 500 5.5.2, 502 5.5.1, 221 2.0.0, closed",
         0},
        {"HELP and NOOP, with and without words",
         {S("HELP\r\nHELP me\r\nNOOP\r\nNOOP me\r\nQUIT\r\n")},
         "220, 214 2.0.0, 214 2.0.0, 250 2.0.0, 250 2.0.0, 221 2.0.0, closed",
         0},
        {"missing and surplus arguments",
         {S("EHLO\r\nEHLO me\r\nMAIL\r\nMAIL FROM:a@b.example\r\nRSET now\r\nQUIT "
            "now\r\nQUIT\r\n")},
         "220, 501 5.5.4, 250, 501 5.5.4, 501 5.1.7, 501 5.5.4, 501 5.5.4, 221 2.0.0, closed",
         0},
        {"parameters",
         {S("EHLO me\r\nMAIL FROM:<a@b.example> SIZE=1000 BODY=8BITMIME SMTPUTF8\r\nRSET\r\n"
            "MAIL FROM:<a@b.example> RET=HDRS ENVID=x\r\nRCPT TO:<alice@local.example> "
            "NOTIFY=SUCCESS,DELAY ORCPT=rfc822;al@x.example\r\n"
            "RCPT TO:<bob@local.example> FOO=1\r\nQUIT\r\n")},
         "220, 250, 250 2.1.0, 250 2.0.0, 250 2.1.0, 250 2.1.5, 555 5.5.4, 221 2.0.0, closed",
         0},
        {"parameters of extensions that are not offered",
         {S("EHLO me\r\nMAIL FROM:<a@b.example> BODY=BINARYMIME\r\n"
            "MAIL FROM:<a@b.example> REQUIRETLS\r\nQUIT\r\n")},
         "220, 250, 555 5.5.4, 555 5.5.4, 221 2.0.0, closed",
         0},
        {"recipients: known, unknown, alias, subaddress, postmaster, a loop",
         {S("EHLO me\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<alice@local.example>\r\n"
            "RCPT TO:<nobody@local.example>\r\nRCPT TO:<list@local.example>\r\n"
            "RCPT TO:<Alice+x@Local.Example>\r\nRCPT TO:<postmaster@local.example>\r\n"
            "RCPT TO:<Postmaster>\r\nRCPT TO:<loop@local.example>\r\nQUIT\r\n")},
         "220, 250, 250 2.1.0, 250 2.1.5, 550 5.1.1, 250 2.1.5, 250 2.1.5, 250 2.1.5, 250 2.1.5, "
         "554 5.4.6, 221 2.0.0, closed",
         0},
        {"BDAT in chunks, the last one empty",
         {S("EHLO me\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<alice@local.example>\r\nBDAT 12\r\n"
            "Subject: x\r\nBDAT 7\r\n\r\n.\r\n..BDAT 0 LAST\r\nQUIT\r\n")},
         "220, 250, 250 2.1.0, 250 2.1.5, 250 2.0.0, 250 2.0.0, 250 2.0.0, 221 2.0.0, closed",
         1},
        {"after BDAT has begun: no DATA, no RCPT, no MAIL, but RSET",
         {S("EHLO me\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<alice@local.example>\r\nBDAT 2\r\nab"
            "DATA\r\nRCPT TO:<bob@local.example>\r\nMAIL FROM:<x@b.example>\r\nRSET\r\n"
            "MAIL FROM:<x@b.example>\r\nQUIT\r\n")},
         "220, 250, 250 2.1.0, 250 2.1.5, 250 2.0.0, 503 5.5.1, 503 5.5.1, 503 5.5.1, 250 2.0.0, "
         "250 2.1.0, 221 2.0.0, closed",
         0},
        {"STARTTLS forgets what was said in clear",
         {S("EHLO me\r\nMAIL FROM:<a@b.example>\r\n"), S("STARTTLS\r\n"), TLS,
          S("RCPT TO:<alice@local.example>\r\n"), S("EHLO me\r\nSTARTTLS\r\nQUIT\r\n")},
         "220, 250, 250 2.1.0, 220 2.0.0, 503 5.5.1, 250, 503 5.5.1, 221 2.0.0, closed",
         0},
    };
    scripts_run_new(world_init, scripts, ARRAY_LEN(scripts));
}

/* ---- texts that the interface fixes ---- */

TEST_FIBER(fixed_texts_are_as_the_interface_says)
{
    struct world world;
    world_init(&world);
    struct str said = world_talk(
        &world,
        (struct str[]){S("EHLO me\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<alice@local.example>\r\n"
                         "DATA\r\n"),
                       S("\r\n.\r\nQUIT\r\n")},
        2);
    REQUIRE(world.message_count == 1);
    struct spool_id_text id = spool_id_print(world.messages[0].id);
    CHECK_STR(said, arena_printf(&world.arena,
                                 "220 mx.local.example ESMTP postrider\r\n"
                                 "250-mx.local.example\r\n"
                                 "250-PIPELINING\r\n"
                                 "250-8BITMIME\r\n"
                                 "250-SMTPUTF8\r\n"
                                 "250-CHUNKING\r\n"
                                 "250-STARTTLS\r\n"
                                 "250-DSN\r\n"
                                 "250-ENHANCEDSTATUSCODES\r\n"
                                 "250 SIZE 100000\r\n"
                                 "250 2.1.0 Ok\r\n"
                                 "250 2.1.5 Ok\r\n"
                                 "354 End data with <CR><LF>.<CR><LF>\r\n"
                                 "250 2.0.0 Ok: queued as %s\r\n"
                                 "221 2.0.0 Bye\r\n"
                                 "closed\r\n",
                                 id.at));
    world_done(&world);
}

TEST_FIBER(extensions_are_offered_only_when_they_would_work)
{
    struct world world;
    world_init_submission(&world);
    world.service.auth_in_clear = false;
    struct str said = world_talk(
        &world, (struct str[]){S("EHLO me\r\n"), S("STARTTLS\r\n"), TLS, S("EHLO me\r\n")}, 4);
    size_t first = str_search(said, STR("AUTH"));
    CHECK(first != SIZE_MAX && first > str_search(said, STR("Ready to start TLS")));
    CHECK(str_search(said, STR("\r\n250 AUTH PLAIN LOGIN\r\n")) != SIZE_MAX);
    size_t starttls = str_search(said, STR("STARTTLS"));
    CHECK(starttls != SIZE_MAX);
    CHECK(str_search(str_from(said, starttls + 1), STR("STARTTLS")) == SIZE_MAX);

    world.service.tls_context = NULL;
    CHECK(str_search(world_say(&world, STR("EHLO me\r\n")), STR("STARTTLS")) == SIZE_MAX);
    world_done(&world);
}

TEST_FIBER(implicit_tls_begins_before_the_banner)
{
    struct world world;
    world_init_submission(&world);
    world.service.tls = RECEIVE_TLS_IMPLICIT;
    static const struct script scripts[] = {
        {"a client that speaks TLS at once",
         {TLS, S("EHLO me\r\nSTARTTLS\r\nQUIT\r\n")},
         "220, 250, 503 5.5.1, 221 2.0.0, closed",
         0},
        {"a client that does not gets no word in clear", {S("EHLO me\r\n")}, "closed", 0},
        {"a client that says nothing", {S("\r\n")}, "closed", 0},
    };
    scripts_run(&world, scripts, ARRAY_LEN(scripts));
    world_done(&world);
}

/* ---- pipelining ---- */

#define PIPELINED                                                                                 \
    "EHLO me\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<alice@local.example>\r\n"                     \
    "RCPT TO:<nobody@local.example>\r\nDATA\r\nFrom: a@b.example\r\n\r\n..\r\ntext\r\n.\r\n"      \
    "RSET\r\nMAIL FROM:<>\r\nRCPT TO:<bob@local.example>\r\nBDAT 4\r\n\r\nabBDAT 3 LAST\r\nc\r\n" \
    "QUIT\r\n"
#define PIPELINED_CODES                                                                            \
    "220, 250, 250 2.1.0, 250 2.1.5, 550 5.1.1, 354, 250 2.0.0, 250 2.0.0, 250 2.1.0, 250 2.1.5, " \
    "250 2.0.0, 250 2.0.0, 221 2.0.0, closed"

TEST_FIBER(every_split_of_a_pipelined_session_gets_the_same_replies)
{
    struct str bytes = STR(PIPELINED);
    for (size_t at = 1; at < bytes.len; at++) {
        struct world world;
        world_init(&world);
        struct str halves[] = {str_first(bytes, at), str_from(bytes, at)};
        struct str codes = world_codes(&world, world_talk(&world, halves, 2));
        CHECK_STR(codes, STR(PIPELINED_CODES));
        CHECK_INT(world.message_count, 2);
        struct str content = world_content(&world, 0);
        CHECK(str_ends(content, STR("\r\nFrom: a@b.example\r\n\r\n.\r\ntext\r\n")));
        CHECK(str_ends(world_content(&world, 1), STR("\r\n\r\nabc\r\n")));
        world_done(&world);
    }
}

TEST_FIBER(a_session_byte_by_byte_gets_the_same_replies)
{
    struct world world;
    world_init(&world);
    struct str said = world_say_in_pieces(&world, STR(PIPELINED), 1);
    CHECK_STR(world_codes(&world, said), STR(PIPELINED_CODES));
    CHECK_INT(world.message_count, 2);
    world_done(&world);
}

int main(void)
{
    RUN(commands_answer_as_the_rfc_says);
    RUN(fixed_texts_are_as_the_interface_says);
    RUN(extensions_are_offered_only_when_they_would_work);
    RUN(implicit_tls_begins_before_the_banner);
    RUN(every_split_of_a_pipelined_session_gets_the_same_replies);
    RUN(a_session_byte_by_byte_gets_the_same_replies);
    return test_summary();
}
