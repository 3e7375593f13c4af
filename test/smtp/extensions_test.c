#include "smtp/extensions.h"

#include "test.h"

static struct smtp_extensions parse(const char *text)
{
    struct smtp_reply reply;
    size_t used;
    CHECK(smtp_reply_parse(str_of(text), &reply, &used) == OK);
    return smtp_extensions_parse(&reply);
}

TEST(extensions_are_found_in_any_case)
{
    struct smtp_extensions found = parse("250-mx.example.org greets\r\n"
                                         "250-Pipelining\r\n250-SIZE 1000\r\n250-8bitmime\r\n"
                                         "250-STARTTLS\r\n250-AUTH PLAIN login NTLM\r\n"
                                         "250-LIMITS RCPTMAX=50 X=1 mailmax=2 RCPTDOMAINMAX=x\r\n"
                                         "250-X-UNKNOWN\r\n250-\r\n250 CHUNKING\r\n");
    CHECK(found.pipelining && found.eight_bit_mime && found.starttls && found.chunking);
    CHECK(!found.dsn && !found.smtputf8 && !found.requiretls && !found.binary_mime);
    CHECK(found.has_size && found.size == 1000);
    CHECK_INT(found.auth, SMTP_AUTH_PLAIN | SMTP_AUTH_LOGIN);
    CHECK(found.rcpt_max == 50 && found.mail_max == 2 && found.rcpt_domain_max == 0);
}

TEST(the_greeting_announces_nothing)
{
    CHECK(!parse("250-STARTTLS\r\n250 DSN\r\n").starttls);
    CHECK(!parse("250 SIZE 10\r\n").has_size);
}

TEST(odd_forms_do_no_harm)
{
    CHECK_INT(parse("250-x\r\n250 AUTH=PLAIN LOGIN\r\n").auth, SMTP_AUTH_PLAIN | SMTP_AUTH_LOGIN);
    CHECK(parse("250-x\r\n250 SIZE\r\n").size == 0);
    CHECK(parse("250-x\r\n250 SIZE 99999999999999999999999\r\n").size == 0);
    CHECK(parse("250-x\r\n250 SIZE -1\r\n").size == 0);
    CHECK(!parse("250-x\r\n250 STARTTLSX\r\n").starttls);
    CHECK(parse("250-x\r\n250 AUTH\r\n").has_auth);
}

TEST(what_is_printed_is_read_back)
{
    struct smtp_extensions ours = {.pipelining = true,
                                   .eight_bit_mime = true,
                                   .smtputf8 = true,
                                   .chunking = true,
                                   .dsn = true,
                                   .enhanced_status_codes = true,
                                   .has_size = true,
                                   .size = 52428800,
                                   .has_auth = true,
                                   .auth = SMTP_AUTH_PLAIN | SMTP_AUTH_LOGIN,
                                   .rcpt_max = 1000};
    struct buf buf = buf_make(4096);
    CHECK(smtp_extensions_print(&buf, &ours, STR("mx.example.org")) == OK);
    CHECK_STR(buf_str(&buf), STR("250-mx.example.org\r\n250-PIPELINING\r\n250-8BITMIME\r\n"
                                 "250-SMTPUTF8\r\n250-CHUNKING\r\n250-DSN\r\n"
                                 "250-ENHANCEDSTATUSCODES\r\n250-SIZE 52428800\r\n"
                                 "250-AUTH PLAIN LOGIN\r\n250 LIMITS RCPTMAX=1000\r\n"));
    struct smtp_reply reply;
    size_t used;
    REQUIRE(smtp_reply_parse(buf_str(&buf), &reply, &used) == OK);
    struct smtp_extensions back = smtp_extensions_parse(&reply);
    CHECK(back.pipelining && back.size == ours.size && back.auth == ours.auth);
    CHECK(back.rcpt_max == 1000 && back.dsn && !back.starttls);
    buf_free(&buf);
}

TEST(the_domain_for_short_addresses_is_told_and_heard)
{
    struct smtp_extensions ours = {.home = STR("example.org")};
    struct buf buf = buf_make(4096);
    CHECK(smtp_extensions_print(&buf, &ours, STR("mx.example.org")) == OK);
    CHECK_STR(buf_str(&buf), STR("250-mx.example.org\r\n250 XDOMAIN example.org\r\n"));
    buf_free(&buf);
    CHECK_STR(parse("250-x\r\n250 xdomain example.org more\r\n").home, STR("example.org"));
    CHECK_STR(parse("250-x\r\n250 XDOMAIN\r\n").home, STR(""));
    CHECK_STR(parse("250-x\r\n250 XDOMAIN a<b\r\n").home, STR(""));
}

TEST(mechanisms_have_names)
{
    CHECK_INT(smtp_auth_mechanism_parse(STR("scram-sha-256")), SMTP_AUTH_SCRAM_SHA_256);
    CHECK_INT(smtp_auth_mechanism_parse(STR("NTLM")), 0);
    CHECK_STR(str_of(smtp_auth_mechanism_name(SMTP_AUTH_EXTERNAL)), STR("EXTERNAL"));
}

int main(void)
{
    RUN(extensions_are_found_in_any_case);
    RUN(the_greeting_announces_nothing);
    RUN(odd_forms_do_no_harm);
    RUN(what_is_printed_is_read_back);
    RUN(the_domain_for_short_addresses_is_told_and_heard);
    RUN(mechanisms_have_names);
    return test_summary();
}
