#include "dns/resolver.h"

#include "on_loop.h"

/* How long a question with all the time of the world takes; its answer's result. */
static uint64_t ask(struct resolver *resolver, uint64_t within_ms, enum dns_result *out_result)
{
    struct arena arena = arena_make();
    struct dns_answer answer;
    uint64_t began_ms = loop_now_ms();
    CHECK_INT(dns_ask(resolver, STR("example.org"), DNS_A, began_ms + within_ms, &arena, &answer),
              OK);
    *out_result = answer.result;
    arena_reset(&arena);
    return loop_now_ms() - began_ms;
}

static void check_ask(struct resolver *resolver, uint64_t want_ms, enum dns_result want)
{
    enum dns_result result;
    CHECK_INT(ask(resolver, 20000, &result), want_ms);
    CHECK_INT(result, want);
}

static struct resolver *make(struct resolver **out_servers, uint64_t delay_ms)
{
    *out_servers = resolver_scripted_new();
    resolver_script(*out_servers, "example.org", DNS_A, "192.0.2.1");
    resolver_script_delay(*out_servers, delay_ms);
    return resolver_impatient(*out_servers, false);
}

/* One that has learned that its servers say nothing. */
static struct resolver *make_silent(struct resolver **out_servers)
{
    struct resolver *resolver = make(out_servers, 100000);
    for (int i = 0; i < 3; i++)
        check_ask(resolver, 20000, DNS_FAILED);
    return resolver;
}

TEST_VIRTUAL(servers_that_stay_silent_are_not_waited_for)
{
    struct resolver *servers, *resolver = make_silent(&servers);
    for (int i = 0; i < 5; i++)
        check_ask(resolver, 1000, DNS_FAILED);
    resolver_free(resolver);
}

TEST_VIRTUAL(servers_known_to_be_silent_are_not_waited_for_from_the_start)
{
    struct resolver *servers = resolver_scripted_new();
    struct resolver *resolver = resolver_impatient(servers, true);
    resolver_script_delay(servers, 100000);
    check_ask(resolver, 1000, DNS_FAILED);
    CHECK_INT(fiber_sleep_until(loop_now_ms() + 20000), OK);
    check_ask(resolver, 5000, DNS_FAILED);
    check_ask(resolver, 1000, DNS_FAILED);
    resolver_script_delay(servers, 10);
    check_ask(resolver, 10, DNS_NO_NAME);
    resolver_script_delay(servers, 15000);
    check_ask(resolver, 15000, DNS_NO_NAME);
    resolver_free(resolver);
}

TEST_VIRTUAL(a_question_that_has_less_time_gets_no_more)
{
    enum dns_result result;
    struct resolver *servers, *resolver = make_silent(&servers);
    CHECK_INT(ask(resolver, 300, &result), 300);
    resolver_free(resolver);
}

TEST_VIRTUAL(one_answer_and_all_is_forgiven)
{
    struct resolver *servers, *resolver = make_silent(&servers);
    resolver_script_delay(servers, 500);
    check_ask(resolver, 500, DNS_FOUND);
    resolver_script_delay(servers, 15000);
    check_ask(resolver, 15000, DNS_FOUND);
    resolver_free(resolver);
}

TEST_VIRTUAL(servers_that_became_slow_are_found_out)
{
    struct resolver *servers, *resolver = make_silent(&servers);
    resolver_script_delay(servers, 4000);
    check_ask(resolver, 1000, DNS_FAILED);
    CHECK_INT(fiber_sleep_until(loop_now_ms() + 30000), OK);
    check_ask(resolver, 4000, DNS_FOUND);
    check_ask(resolver, 4000, DNS_FOUND);
    resolver_free(resolver);
}

TEST_VIRTUAL(some_dead_domains_among_others_are_no_silence)
{
    struct resolver *servers, *resolver = make(&servers, 100);
    for (int i = 0; i < 5; i++) {
        resolver_script_delay(servers, 100000);
        enum dns_result result;
        CHECK_INT(ask(resolver, 6000, &result), 6000);
        resolver_script_delay(servers, 100);
        check_ask(resolver, 100, DNS_FOUND);
    }
    resolver_free(resolver);
}

TEST_VIRTUAL(quick_refusals_are_no_silence)
{
    struct resolver *servers, *resolver = make(&servers, 10);
    resolver_script_failure(servers, "example.org", DNS_A);
    CHECK_INT(fiber_sleep_until(loop_now_ms() + 60000), OK);
    for (int i = 0; i < 10; i++)
        check_ask(resolver, 10, DNS_FAILED);
    resolver_script_delay(servers, 8000);
    check_ask(resolver, 8000, DNS_FAILED);
    resolver_free(resolver);
}

int main(void)
{
    RUN(servers_that_stay_silent_are_not_waited_for);
    RUN(servers_known_to_be_silent_are_not_waited_for_from_the_start);
    RUN(a_question_that_has_less_time_gets_no_more);
    RUN(one_answer_and_all_is_forgiven);
    RUN(servers_that_became_slow_are_found_out);
    RUN(some_dead_domains_among_others_are_no_silence);
    RUN(quick_refusals_are_no_silence);
    return test_summary();
}
