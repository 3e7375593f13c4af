#include "dns/message.h"

#include "test.h"

/* Messages are put together of pieces; the question is always "a.b" at offset 12. */
#define HEADER(rcode, answers, authorities) \
    "\0\1\x81" rcode "\0\1\0" answers "\0" authorities "\0\0"
#define QUESTION(type)    "\1a\1b\0\0" type "\0\1"
#define ASKED             "\xc0\xc"
#define RECORD(type, ttl) "\0" type "\0\1\0\0\0" ttl

static enum err read(struct str message, enum dns_type type, struct arena *arena,
                     struct dns_answer *answer)
{
    struct dns_name name;
    enum err err = dns_name_from_text(STR("A.b"), &name);
    return err ? err : dns_message_read_answer(message, &name, type, arena, answer);
}

TEST(records_of_the_type_asked_are_found)
{
    struct arena arena = arena_make();
    struct dns_answer answer;
    struct str message =
        STR(HEADER("\x80", "\3", "\0") QUESTION("\1")
                ASKED RECORD("\1", "\x3c") "\0\4\xc0\0\2\1" ASKED RECORD(
                    "\x2e", "\1") "\0\2xx" ASKED RECORD("\1", "\x1e") "\0\4\xc0\0\2\2");
    REQUIRE(read(message, DNS_A, &arena, &answer) == OK);
    CHECK_INT(answer.result, DNS_FOUND);
    CHECK_INT(answer.count, 2);
    CHECK_STR(answer.records[1].data, STR("\xc0\0\2\2"));
    CHECK_INT(answer.ttl_s, 30);
    CHECK_STR(answer.canonical_name, STR("A.b"));
    arena_reset(&arena);
}

TEST(a_chain_is_followed)
{
    struct arena arena = arena_make();
    struct dns_answer answer;
    struct str message =
        STR(HEADER("\x80", "\2", "\0") QUESTION("\1")
                ASKED RECORD("\5", "\x3c") "\0\4\1c\xc0\xe"
                                           "\1c\xc0\xe" RECORD("\1", "\5") "\0\4\xc0\0\2\1");
    REQUIRE(read(message, DNS_A, &arena, &answer) == OK);
    CHECK_INT(answer.count, 1);
    CHECK_STR(answer.canonical_name, STR("c.b"));
    CHECK_INT(answer.ttl_s, 5);
    REQUIRE(read(message, DNS_CNAME, &arena, &answer) == OK);
    CHECK_INT(answer.count, 1);
    CHECK_STR(answer.records[0].data, STR("\1c\1b\0"));
    CHECK_STR(answer.canonical_name, STR("A.b"));
    arena_reset(&arena);
}

TEST(names_within_data_are_expanded)
{
    struct arena arena = arena_make();
    struct dns_answer answer;
    struct dns_mx mx;
    struct str message = STR(HEADER("\x80", "\1", "\0") QUESTION("\xf")
                                 ASKED RECORD("\xf", "\x3c") "\0\7\0\12\2mx\xc0\xc");
    REQUIRE(read(message, DNS_MX, &arena, &answer) == OK);
    REQUIRE(answer.count == 1);
    REQUIRE(dns_mx_parse(answer.records[0].data, &arena, &mx) == OK);
    CHECK_STR(mx.host, STR("mx.a.b"));
    arena_reset(&arena);
}

TEST(no_comes_with_its_time)
{
    struct arena arena = arena_make();
    struct dns_answer answer;
#define SOA                                   \
    "\1b\0" RECORD("\6", "\x64") "\0\x16\0\0" \
                                 "\0\0\0\1"   \
                                 "\0\0\0\1"   \
                                 "\0\0\0\1"   \
                                 "\0\0\0\1"   \
                                 "\0\0\0\x3c"
    REQUIRE(read(STR(HEADER("\x83", "\0", "\1") QUESTION("\1") SOA), DNS_A, &arena, &answer) == OK);
    CHECK_INT(answer.result, DNS_NO_NAME);
    CHECK_INT(answer.ttl_s, 60);
    REQUIRE(read(STR(HEADER("\x80", "\0", "\1") QUESTION("\1") SOA), DNS_A, &arena, &answer) == OK);
    CHECK_INT(answer.result, DNS_NO_DATA);
    REQUIRE(read(STR(HEADER("\x80", "\0", "\0") QUESTION("\1")), DNS_A, &arena, &answer) == OK);
    CHECK_INT(answer.result, DNS_NO_DATA);
    CHECK_INT(answer.ttl_s, 0);
    REQUIRE(read(STR(HEADER("\x85", "\0", "\0") QUESTION("\1")), DNS_A, &arena, &answer) == OK);
    CHECK_INT(answer.result, DNS_FAILED);
    CHECK_STR(answer.problem, STR("the server refused"));
    arena_reset(&arena);
}

TEST(what_belongs_to_another_name_is_ignored)
{
    struct arena arena = arena_make();
    struct dns_answer answer;
    struct str message = STR(HEADER("\x80", "\1", "\0")
                                 QUESTION("\1") "\1x\1b\0" RECORD("\1", "\x3c") "\0\4\xc0\0\2\1");
    REQUIRE(read(message, DNS_A, &arena, &answer) == OK);
    CHECK_INT(answer.result, DNS_NO_DATA);
    arena_reset(&arena);
}

TEST(every_truncation_is_an_error)
{
    struct arena arena = arena_make();
    struct dns_answer answer;
    struct str message =
        STR(HEADER("\x80", "\2", "\0") QUESTION("\xf")
                ASKED RECORD("\5", "\x3c") "\0\4\1c\xc0\xe"
                                           "\1c\xc0\xe" RECORD("\xf", "\5") "\0\7\0\12\2mx\xc0\xc");
    CHECK_INT(read(message, DNS_MX, &arena, &answer), OK);
    for (size_t len = 0; len < message.len; len++)
        CHECK_INT(read(str_first(message, len), DNS_MX, &arena, &answer), ERR_SYNTAX);
    arena_reset(&arena);
}

TEST(more_records_announced_than_there_are_cost_no_memory)
{
    struct arena arena = arena_make();
    struct dns_answer answer;
    struct str message = STR("\0\1\x81\x80\0\1\xff\xff\0\0\0\0" QUESTION("\1"));
    CHECK_INT(read(message, DNS_A, &arena, &answer), ERR_SYNTAX);
    arena_reset(&arena);
}

int main(void)
{
    RUN(records_of_the_type_asked_are_found);
    RUN(a_chain_is_followed);
    RUN(names_within_data_are_expanded);
    RUN(no_comes_with_its_time);
    RUN(what_belongs_to_another_name_is_ignored);
    RUN(every_truncation_is_an_error);
    RUN(more_records_announced_than_there_are_cost_no_memory);
    return test_summary();
}
