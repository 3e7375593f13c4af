#include "dns/resolver.h"

#include "on_loop.h"

static struct dns_answer ask(struct resolver *resolver, struct arena *arena, const char *name,
                             enum dns_type type)
{
    struct dns_answer answer = {.result = DNS_FAILED};
    CHECK_ROW(name, dns_ask(resolver, str_of(name), type, soon(), arena, &answer) == OK);
    return answer;
}

TEST_VIRTUAL(a_script_is_answered)
{
    struct arena arena = arena_make();
    struct resolver *resolver = resolver_scripted_new();
    resolver_script(resolver, "example.org", DNS_MX, "10 mx1.example.org");
    resolver_script(resolver, "example.org", DNS_MX, "20 mx2.example.org");
    resolver_script(resolver, "mx1.example.org", DNS_A, "192.0.2.1");
    resolver_script(resolver, "mx1.example.org", DNS_AAAA, "2001:db8::1");
    resolver_script(resolver, "example.org", DNS_TXT, "v=spf1 -all");
    resolver_script(resolver, "www.example.org", DNS_CNAME, "mx1.example.org");
    resolver_script(resolver, "null.example.org", DNS_MX, "0 .");
    resolver_script(resolver, "_25._tcp.mx1.example.org", DNS_TLSA, "3 1 1 00ff");

    struct dns_answer answer = ask(resolver, &arena, "EXAMPLE.org", DNS_MX);
    struct dns_mx mx = {0};
    REQUIRE(answer.count == 2);
    CHECK(dns_mx_parse(answer.records[1].data, &arena, &mx) == OK);
    CHECK_INT(mx.preference, 20);
    CHECK_STR(mx.host, STR("mx2.example.org"));
    answer = ask(resolver, &arena, "null.example.org", DNS_MX);
    REQUIRE(answer.count == 1);
    CHECK(dns_mx_parse(answer.records[0].data, &arena, &mx) == OK);
    CHECK_STR(mx.host, STR(""));
    answer = ask(resolver, &arena, "www.example.org", DNS_A);
    REQUIRE(answer.count == 1);
    CHECK_STR(answer.records[0].data, STR("\xc0\0\2\1"));
    CHECK_STR(answer.canonical_name, STR("mx1.example.org"));
    answer = ask(resolver, &arena, "_25._tcp.mx1.example.org", DNS_TLSA);
    REQUIRE(answer.count == 1);
    CHECK_STR(answer.records[0].data, STR("\3\1\1\0\xff"));
    CHECK_INT(ask(resolver, &arena, "mx1.example.org", DNS_MX).result, DNS_NO_DATA);
    CHECK_INT(ask(resolver, &arena, "_tcp.mx1.example.org", DNS_A).result, DNS_NO_DATA);
    CHECK_INT(ask(resolver, &arena, "other.example.org", DNS_A).result, DNS_NO_NAME);
    arena_reset(&arena);
    resolver_free(resolver);
}

TEST_VIRTUAL(failures_come_and_go)
{
    struct arena arena = arena_make();
    struct resolver *resolver = resolver_scripted_new();
    resolver_script(resolver, "example.org", DNS_A, "192.0.2.1");
    resolver_script_failure(resolver, "example.org", DNS_A);
    CHECK_INT(ask(resolver, &arena, "example.org", DNS_A).result, DNS_FAILED);
    resolver_script_forget(resolver, "example.org", DNS_A);
    resolver_script(resolver, "example.org", DNS_A, "192.0.2.1");
    CHECK_INT(ask(resolver, &arena, "example.org", DNS_A).result, DNS_FOUND);
    resolver_script(resolver, "one.example", DNS_CNAME, "two.example");
    resolver_script(resolver, "two.example", DNS_CNAME, "one.example");
    CHECK_INT(ask(resolver, &arena, "one.example", DNS_A).count, 0);
    arena_reset(&arena);
    resolver_free(resolver);
}

/* ---- exchanging ---- */

struct question {
    struct fiber_group group;
    struct resolver *resolver;
    struct str data;
};

static void ask_slowly(void *argument)
{
    struct question *question = argument;
    struct arena arena = arena_make();
    struct dns_answer answer = ask(question->resolver, &arena, "example.org", DNS_A);
    CHECK_INT(answer.count, 1);
    if (answer.count)
        CHECK_STR(answer.records[0].data, question->data);
    arena_reset(&arena);
}

static void begin_to_ask(struct question *question)
{
    fiber_group_init(&question->group, loop_current());
    fiber_spawn(&question->group, "question", ask_slowly, question);
    fiber_yield();
}

TEST_VIRTUAL(questions_under_way_end_with_the_resolver_they_began_with)
{
    struct resolver *old = resolver_scripted_new(), *new = resolver_scripted_new();
    resolver_script(old, "example.org", DNS_A, "192.0.2.1");
    resolver_script_delay(old, 100);
    resolver_script(new, "example.org", DNS_A, "192.0.2.2");
    struct resolver *resolver = resolver_exchangeable(old);
    struct question first = {.resolver = resolver, .data = STR("\xc0\0\2\1")};
    struct question second = {.resolver = resolver, .data = STR("\xc0\0\2\2")};
    begin_to_ask(&first);
    uint64_t began_ms = loop_now_ms();
    resolver_exchange(resolver, new);
    CHECK_INT(loop_now_ms() - began_ms, 100);
    begin_to_ask(&second);
    CHECK_INT(fiber_group_join(&first.group, soon()), OK);
    CHECK_INT(fiber_group_join(&second.group, soon()), OK);
    resolver_exchange(resolver, resolver_scripted_new()); /* nobody is asking */
    resolver_free(resolver);
}

TEST_VIRTUAL(long_text_is_split_and_joined)
{
    struct arena arena = arena_make();
    struct resolver *resolver = resolver_scripted_new();
    char text[700];
    memset(text, 'p', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    resolver_script(resolver, "s._domainkey.example.org", DNS_TXT, text);
    struct dns_answer answer = ask(resolver, &arena, "s._domainkey.example.org", DNS_TXT);
    struct str joined = STR_EMPTY;
    REQUIRE(answer.count == 1);
    CHECK(dns_txt_parse(answer.records[0].data, &arena, &joined) == OK);
    CHECK_STR(joined, str_of(text));
    arena_reset(&arena);
    resolver_free(resolver);
}

TEST_VIRTUAL(a_delay_ends_at_the_deadline)
{
    struct arena arena = arena_make();
    struct resolver *resolver = resolver_scripted_new();
    resolver_script(resolver, "example.org", DNS_A, "192.0.2.1");
    resolver_script_delay(resolver, 500);
    uint64_t start_ms = loop_now_ms();
    struct dns_answer answer;
    CHECK_INT(ask(resolver, &arena, "example.org", DNS_A).result, DNS_FOUND);
    CHECK_INT(loop_now_ms() - start_ms, 500);
    CHECK_INT(dns_ask(resolver, STR("example.org"), DNS_A, loop_now_ms() + 100, &arena, &answer),
              OK);
    CHECK_INT(answer.result, DNS_FAILED);
    CHECK_STR(answer.problem, STR("no answer in time"));
    CHECK_INT(loop_now_ms() - start_ms, 600);
    arena_reset(&arena);
    resolver_free(resolver);
}

TEST_VIRTUAL(what_is_no_name_is_an_error)
{
    static const char *const names[] = {"", ".", "example.org.", ".org", "a..b"};
    struct arena arena = arena_make();
    struct resolver *resolver = resolver_scripted_new();
    struct dns_answer answer;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        CHECK_ROW(names[i], dns_ask(resolver, str_of(names[i]), DNS_A, soon(), &arena, &answer) ==
                                ERR_SYNTAX);
    arena_reset(&arena);
    resolver_free(resolver);
}

int main(void)
{
    RUN(a_script_is_answered);
    RUN(failures_come_and_go);
    RUN(questions_under_way_end_with_the_resolver_they_began_with);
    RUN(long_text_is_split_and_joined);
    RUN(a_delay_ends_at_the_deadline);
    RUN(what_is_no_name_is_an_error);
    return test_summary();
}
