#include "dns/resolver.h"

#include "fiber/loop.h"
#include "name_server.h"
#include "on_loop.h"

#include <pthread.h>
#include <sys/socket.h>

static struct name_server plain_server;
static struct name_server signed_server;

/* ---- zones ---- */
static const char plain_zone[] =
    "$ORIGIN example.test.\n$TTL 300\n"
    "@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n"
    "@ MX 10 mx1\n@ MX 20 mx2\n@ MX 20 mx3\n"
    "mx1 A 192.0.2.1\nmx1 A 192.0.2.2\nmx1 AAAA 2001:db8::1\n"
    "null MX 0 .\nwww CNAME alias\nalias CNAME mx1\ndangling CNAME nothing\n"
    "text TXT \"v=spf1 \" \"-all\"\n"
    "_25._tcp.mx1 TLSA 3 1 1 0000000000000000000000000000000000000000000000000000000000000000\n"
    "odd PTR a\\.b\\000\\(c.example.test.\n"
    "strange\\.host A 192.0.2.9\n"
    "*.many A 192.0.2.7\n";

static const char reverse_zone[] =
    "$ORIGIN 127.in-addr.arpa.\n$TTL 300\n@ SOA ns.example.test. hostmaster 1 3600 600 86400 60\n"
    "@ NS ns.example.test.\n5.0.0 PTR client.example.test.\n";

static void write_long_text(const char *directory)
{
    char path[128];
    snprintf(path, sizeof path, "%s/plain.zone", directory);
    FILE *file = fopen(path, "ae");
    fputs("long TXT (", file);
    for (int i = 0; i < 20; i++) {
        fputs(" \"", file);
        for (int j = 0; j < 200; j++)
            fputc('a' + i, file);
        fputc('"', file);
    }
    fputs(" )\n", file);
    fclose(file);
}

static bool start_plain_server(void)
{
    if (!name_server_init(&plain_server))
        return false;
    file_write(plain_server.directory, "plain.zone", plain_zone);
    file_write(plain_server.directory, "reverse.zone", reverse_zone);
    write_long_text(plain_server.directory);
    return name_server_start(&plain_server,
                             "zone:\n name: \"example.test\"\n zonefile: \"plain.zone\"\n"
                             "zone:\n name: \"127.in-addr.arpa\"\n zonefile: \"reverse.zone\"\n");
}

/* A root of our own, since what is below a signed root can be proved with its key alone. */
static const char root_zone[] =
    "$TTL 300\n. SOA ns.test. hostmaster.test. 1 3600 600 86400 60\n. NS ns.test.\n"
    "ns.test. A 127.0.0.1\ngood.test. TXT \"genuine\"\nbad.test. TXT \"genuine-too\"\n";

static bool start_signed_server(void)
{
    if (!name_server_init(&signed_server))
        return false;
    file_write(signed_server.directory, "root.zone", root_zone);
    bool is_signed = run_in(signed_server.directory,
                            "key=$(ldns-keygen -a ECDSAP256SHA256 -k . ) && "
                            "ldns-signzone -o . -f signed.zone root.zone $key && "
                            "sed -i s/genuine-too/forged/ signed.zone && cp $key.ds anchor");
    return is_signed &&
           name_server_start(&signed_server, "zone:\n name: \".\"\n zonefile: \"signed.zone\"\n");
}

static const char *anchor(void)
{
    static char text[512];
    char path[128];
    snprintf(path, sizeof path, "%s/anchor", signed_server.directory);
    FILE *file = fopen(path, "re");
    if (!file || !fgets(text, sizeof text, file))
        abort();
    fclose(file);
    return text;
}

/* ---- asking ---- */
static struct resolver *resolver_of(struct net_address *server, bool validate)
{
    struct resolver_options options = {.servers = server, .server_count = 1, .validate = validate};
    options.trust_anchor = validate && server == &signed_server.at ? anchor() : NULL;
    struct resolver *resolver = NULL;
    CHECK_INT(resolver_new(&options, &resolver), OK);
    return resolver;
}

static struct dns_answer ask(struct resolver *resolver, struct arena *arena, const char *name,
                             enum dns_type type)
{
    struct dns_answer answer = {.result = DNS_FAILED, .problem = STR("not asked")};
    CHECK_ROW(name, dns_ask(resolver, str_of(name), type, soon(), arena, &answer) == OK);
    if (answer.result == DNS_FAILED)
        printf("# %s: %.*s\n", name, STR_FMT(answer.problem));
    return answer;
}

TEST_SYSTEM(records_are_found)
{
    struct arena arena = arena_make();
    struct resolver *resolver = resolver_of(&plain_server.at, false);
    struct dns_answer answer = ask(resolver, &arena, "mx1.Example.TEST", DNS_A);
    CHECK_INT(answer.result, DNS_FOUND);
    CHECK_INT(answer.count, 2);
    CHECK_INT(answer.ttl_s, 300);
    CHECK(!answer.secure);
    CHECK_STR(answer.canonical_name, STR("mx1.Example.TEST"));
    CHECK_INT(ask(resolver, &arena, "example.test", DNS_MX).count, 3);
    CHECK_INT(ask(resolver, &arena, "mx1.example.test", DNS_AAAA).count, 1);
    CHECK_INT(ask(resolver, &arena, "_25._tcp.mx1.example.test", DNS_TLSA).count, 1);
    CHECK_INT(ask(resolver, &arena, "example.test", DNS_SOA).count, 1);
    CHECK_INT(ask(resolver, &arena, "example.test", DNS_NS).count, 1);
    arena_reset(&arena);
    resolver_free(resolver);
}

TEST_SYSTEM(data_is_parsed)
{
    struct arena arena = arena_make();
    struct resolver *resolver = resolver_of(&plain_server.at, false);
    struct dns_answer answer = ask(resolver, &arena, "null.example.test", DNS_MX);
    struct dns_mx mx = {.host = STR("unset")};
    REQUIRE(answer.count == 1);
    CHECK_INT(dns_mx_parse(answer.records[0].data, &arena, &mx), OK);
    CHECK_STR(mx.host, STR(""));
    struct str text = STR_EMPTY;
    answer = ask(resolver, &arena, "text.example.test", DNS_TXT);
    REQUIRE(answer.count == 1);
    CHECK_INT(dns_txt_parse(answer.records[0].data, &arena, &text), OK);
    CHECK_STR(text, STR("v=spf1 -all"));
    answer = ask(resolver, &arena, "5.0.0.127.in-addr.arpa", DNS_PTR);
    REQUIRE(answer.count == 1);
    CHECK_INT(dns_name_parse(answer.records[0].data, &arena, &text), OK);
    CHECK_STR(text, STR("client.example.test"));
    answer = ask(resolver, &arena, "odd.example.test", DNS_PTR);
    REQUIRE(answer.count == 1);
    CHECK_INT(dns_name_parse(answer.records[0].data, &arena, &text), OK);
    CHECK_STR(text, STR("a\\.b\\000(c.example.test"));
    CHECK_INT(ask(resolver, &arena, "strange\\.host.example.test", DNS_A).count, 1);
    arena_reset(&arena);
    resolver_free(resolver);
}

TEST_SYSTEM(a_chain_is_followed_to_its_end)
{
    struct arena arena = arena_make();
    struct resolver *resolver = resolver_of(&plain_server.at, false);
    struct dns_answer answer = ask(resolver, &arena, "www.example.test", DNS_A);
    CHECK_INT(answer.count, 2);
    CHECK_STR(answer.canonical_name, STR("mx1.example.test"));
    answer = ask(resolver, &arena, "dangling.example.test", DNS_A);
    CHECK_INT(answer.result, DNS_NO_NAME);
    CHECK_STR(answer.canonical_name, STR("nothing.example.test"));
    arena_reset(&arena);
    resolver_free(resolver);
}

TEST_SYSTEM(no_is_an_answer)
{
    struct arena arena = arena_make();
    struct resolver *resolver = resolver_of(&plain_server.at, false);
    struct dns_answer answer = ask(resolver, &arena, "nothing.example.test", DNS_A);
    CHECK_INT(answer.result, DNS_NO_NAME);
    CHECK_INT(answer.ttl_s, 60);
    answer = ask(resolver, &arena, "mx1.example.test", DNS_MX);
    CHECK_INT(answer.result, DNS_NO_DATA);
    CHECK_INT(answer.ttl_s, 60);
    CHECK_INT(dns_ask(resolver, STR("refused.example"), DNS_A, soon(), &arena, &answer), OK);
    CHECK_INT(answer.result, DNS_FAILED);
    CHECK(answer.problem.len > 0);
    CHECK(!answer.bogus);
    CHECK_INT(dns_ask(resolver, STR("example.test."), DNS_A, soon(), &arena, &answer), ERR_SYNTAX);
    arena_reset(&arena);
    resolver_free(resolver);
}

TEST_SYSTEM(long_answers_come_over_tcp)
{
    struct arena arena = arena_make();
    struct resolver *resolver = resolver_of(&plain_server.at, false);
    struct dns_answer answer = ask(resolver, &arena, "long.example.test", DNS_TXT);
    struct str text = STR_EMPTY;
    REQUIRE(answer.count == 1);
    CHECK_INT(dns_txt_parse(answer.records[0].data, &arena, &text), OK);
    CHECK_INT(text.len, 4000);
    arena_reset(&arena);
    resolver_free(resolver);
}

/* ---- many at once ---- */
#define MANY 300

struct many {
    struct resolver *resolver;
    size_t next;
    size_t found;
};

static void ask_one_of_many(void *argument)
{
    struct many *many = argument;
    struct arena arena = arena_make();
    struct str name = arena_printf(&arena, "n%zu.many.example.test", many->next++ / 2);
    struct dns_answer answer = {.result = DNS_FAILED};
    CHECK_INT(dns_ask(many->resolver, name, DNS_A, soon(), &arena, &answer), OK);
    many->found += answer.result == DNS_FOUND && answer.count == 1;
    arena_reset(&arena);
}

TEST_SYSTEM(many_questions_at_once_each_get_their_answer)
{
    struct many many = {.resolver = resolver_of(&plain_server.at, false)};
    struct fiber_group group;
    fiber_group_init(&group, loop_current());
    for (int i = 0; i < MANY; i++)
        fiber_spawn(&group, "asker", ask_one_of_many, &many);
    CHECK_INT(fiber_group_join(&group, soon()), OK);
    CHECK_INT(many.found, MANY);
    resolver_free(many.resolver);
}

/* ---- servers that fail ---- */
TEST_SYSTEM(a_silent_server_costs_the_deadline_and_no_more)
{
    struct arena arena = arena_make();
    struct net_address at;
    int fd = udp_socket(&at);
    struct resolver *resolver = resolver_of(&at, false);
    struct dns_answer answer = {.result = DNS_FOUND};
    CHECK_INT(dns_ask(resolver, STR("example.test"), DNS_A, loop_now_ms() + 50, &arena, &answer),
              OK);
    CHECK_INT(answer.result, DNS_FAILED);
    CHECK_STR(answer.problem, STR("no answer in time"));
    CHECK_INT(dns_ask(resolver, STR("example.test"), DNS_A, loop_now_ms(), &arena, &answer), OK);
    CHECK_INT(answer.result, DNS_FAILED);
    resolver_free(resolver); /* with the question still open */
    arena_reset(&arena);
    close(fd);
}

TEST_SYSTEM(a_dead_server_is_a_failure)
{
    struct arena arena = arena_make();
    struct net_address at;
    close(udp_socket(&at));
    struct resolver *resolver = resolver_of(&at, false);
    struct dns_answer answer = {.result = DNS_FOUND};
    CHECK_INT(dns_ask(resolver, STR("example.test"), DNS_A, loop_now_ms() + 100, &arena, &answer),
              OK);
    CHECK_INT(answer.result, DNS_FAILED);
    resolver_free(resolver);
    arena_reset(&arena);
}

static void ask_until_cancelled(void *argument)
{
    struct arena arena = arena_make();
    struct dns_answer answer;
    CHECK_INT(dns_ask(argument, STR("example.test"), DNS_A, soon(), &arena, &answer),
              ERR_CANCELLED);
    arena_reset(&arena);
}

/* A server of ours, which says what it likes. */
struct liar {
    int fd;
    struct net_address at;
    struct watch watch;
    struct fiber_group group;
    size_t (*lie)(char *message, size_t len, int turn);
    size_t lies;
};

static void liar_main(void *argument)
{
    struct liar *liar = argument;
    char message[2048];
    for (;;) {
        struct sockaddr_storage from;
        socklen_t from_len = sizeof from;
        ssize_t len = recvfrom(liar->fd, message, 512, 0, (struct sockaddr *)&from, &from_len);
        if (len < 0) {
            if (watch_wait(&liar->watch, WATCH_READ, DEADLINE_NEVER, false))
                return;
            continue;
        }
        size_t lie = liar->lie(message, (size_t)len, (int)liar->lies++);
        sendto(liar->fd, message, lie, 0, (struct sockaddr *)&from, from_len);
    }
}

static void liar_start(struct liar *liar, size_t (*lie)(char *, size_t, int))
{
    liar->fd = udp_socket(&liar->at);
    liar->lie = lie;
    CHECK_INT(watch_open(&liar->watch, liar->fd, false), OK);
    fiber_group_init(&liar->group, loop_current());
    fiber_spawn(&liar->group, "liar", liar_main, liar);
}

static void liar_stop(struct liar *liar)
{
    fiber_group_cancel(&liar->group);
    CHECK_INT(fiber_group_join(&liar->group, soon()), OK);
    watch_close(&liar->watch);
    close(liar->fd);
}

static size_t lie_with(char *message, size_t len, struct str flags_and_counts, struct str records)
{
    memcpy(message + 2, flags_and_counts.at, flags_and_counts.len);
    size_t question = 12;
    while (question < len && message[question])
        question += (size_t)(uint8_t)message[question] + 1;
    question += 5;
    memcpy(message + question, records.at, records.len);
    return question + records.len;
}

static size_t tell_many_lies(char *message, size_t len, int turn)
{
    struct str one = STR("\x81\x80\0\1\0\1\0\0\0\0");
    switch (turn % 8) {
    case 0: /* another id */
        message[0] = (char)~message[0];
        return lie_with(message, len, one, STR("\xc0\xc\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1"));
    case 1: /* a name that points to itself */
        return lie_with(message, len, one, STR("\xc0\x25\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1"));
    case 2: /* data behind the end */
        return lie_with(message, len, one, STR("\xc0\xc\0\1\0\1\0\0\0\x3c\xff\xff\xc0\0\2\1"));
    case 3: /* an address of three bytes */
        return lie_with(message, len, one, STR("\xc0\xc\0\1\0\1\0\0\0\x3c\0\3\xc0\0\2"));
    case 4: /* the question itself */
        return len;
    case 5: /* a stump */
        return 7;
    case 6: /* more records than there are */
        return lie_with(message, len, STR("\x81\x80\0\1\xff\xff\xff\xff\xff\xff"), STR_EMPTY);
    default: /* noise behind the id */
        for (size_t i = 2; i < 300; i++)
            message[i] = (char)(i * 37);
        return 300;
    }
}

TEST_SYSTEM(a_server_that_talks_rubbish_is_a_failure)
{
    struct arena arena = arena_make();
    struct liar liar = {0};
    liar_start(&liar, tell_many_lies);
    struct resolver *resolver = resolver_of(&liar.at, false);
    for (int i = 0; i < 16; i++) {
        struct str name = arena_printf(&arena, "n%d.example.test", i);
        struct dns_answer answer = {.result = DNS_FOUND};
        CHECK_INT(dns_ask(resolver, name, DNS_A, loop_now_ms() + 60, &arena, &answer), OK);
        struct net_address address;
        bool is_parsed = answer.result == DNS_FOUND && answer.count &&
                         dns_address_parse(answer.records[0].data, DNS_A, &address) == OK;
        CHECK(!is_parsed);
    }
    CHECK(liar.lies > 0);
    resolver_free(resolver);
    liar_stop(&liar);
    arena_reset(&arena);
}

/* Says nothing to the first question and then says it late, behind the second. */
static size_t answer_truly(char *message, size_t len, int turn)
{
    UNUSED(turn);
    return lie_with(message, len, STR("\x81\x80\0\1\0\1\0\0\0\0"),
                    STR("\xc0\xc\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1"));
}

TEST_SYSTEM(the_answer_to_a_cancelled_question_is_dropped)
{
    struct arena arena = arena_make();
    struct liar liar = {0};
    liar.fd = udp_socket(&liar.at);
    struct resolver *resolver = resolver_of(&liar.at, false);
    struct fiber_group group;
    fiber_group_init(&group, loop_current());
    fiber_spawn(&group, "asker", ask_until_cancelled, resolver);
    CHECK_INT(fiber_sleep_until(loop_now_ms() + 20), OK); /* the question is on its way */
    fiber_group_cancel(&group);
    CHECK_INT(fiber_group_join(&group, soon()), OK);

    liar.lie = answer_truly;
    CHECK_INT(watch_open(&liar.watch, liar.fd, false), OK);
    fiber_group_init(&liar.group, loop_current());
    fiber_spawn(&liar.group, "liar", liar_main, &liar);
    CHECK_INT(ask(resolver, &arena, "other.test", DNS_A).count, 1);
    CHECK_INT(ask(resolver, &arena, "example.test", DNS_A).count, 1);
    resolver_free(resolver);
    liar_stop(&liar);
    arena_reset(&arena);
}

/* ---- DNSSEC ---- */
TEST_SYSTEM(proved_answers_are_secure_and_forged_ones_bogus)
{
    struct arena arena = arena_make();
    struct resolver *resolver = resolver_of(&signed_server.at, true);
    struct dns_answer answer = ask(resolver, &arena, "good.test", DNS_TXT);
    CHECK_INT(answer.result, DNS_FOUND);
    CHECK(answer.secure);
    answer = ask(resolver, &arena, "nothing.test", DNS_TXT);
    CHECK_INT(answer.result, DNS_NO_NAME);
    CHECK(answer.secure);
    CHECK_INT(dns_ask(resolver, STR("bad.test"), DNS_TXT, soon(), &arena, &answer), OK);
    CHECK_INT(answer.result, DNS_FAILED);
    CHECK(answer.bogus);
    CHECK(str_starts(answer.problem, STR("DNSSEC validation failed: ")));
    resolver_free(resolver);

    resolver = resolver_of(&signed_server.at, false);
    answer = ask(resolver, &arena, "bad.test", DNS_TXT);
    CHECK_INT(answer.result, DNS_FOUND);
    CHECK(!answer.secure);
    arena_reset(&arena);
    resolver_free(resolver);
}

TEST_SYSTEM(the_probe_tells_where_validation_works)
{
    const char *reason = NULL;
    struct resolver_options options = {
        .servers = &signed_server.at, .server_count = 1, .trust_anchor = anchor()};
    CHECK_INT(dns_probe(&options, soon(), &reason), DNS_PROBE_VALIDATES);
    CHECK(reason != NULL);
    options.trust_anchor = NULL; /* the true root's keys do not prove our own */
    CHECK_INT(dns_probe(&options, soon(), &reason), DNS_PROBE_STRIPPED);
    printf("# %s\n", reason);
    options.servers = &plain_server.at;
    CHECK_INT(dns_probe(&options, soon(), &reason), DNS_PROBE_SILENT); /* it refuses */
    printf("# %s\n", reason);
    struct net_address silent;
    int fd = udp_socket(&silent);
    options.servers = &silent;
    CHECK_INT(dns_probe(&options, loop_now_ms() + 50, &reason), DNS_PROBE_SILENT);
    close(fd);
}

/* ---- several loops ---- */
static pthread_barrier_t together;

/* Nothing is asked: libunbound's workers share locks of its server's part, which nobody uses here,
 * and set them up without a lock as well. */
static void make_a_resolver(void)
{
    struct resolver_options options = {.servers = &plain_server.at, .server_count = 1};
    struct resolver *resolver;
    pthread_barrier_wait(&together); /* nothing else runs on these loops */
    REQUIRE(resolver_new(&options, &resolver) == OK);
    resolver_free(resolver);
}

static void *run_loop(void *unused)
{
    on_loop(false, make_a_resolver);
    return unused;
}

TEST(loops_make_their_resolvers_at_the_same_time)
{
    pthread_t threads[4];
    pthread_barrier_init(&together, NULL, ARRAY_LEN(threads));
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        CHECK_INT(pthread_create(&threads[i], NULL, run_loop, NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&together);
}

int main(void)
{
    if (start_plain_server() && start_signed_server()) {
        RUN(loops_make_their_resolvers_at_the_same_time); /* the first ones of the process */
        RUN(records_are_found);
        RUN(data_is_parsed);
        RUN(a_chain_is_followed_to_its_end);
        RUN(no_is_an_answer);
        RUN(long_answers_come_over_tcp);
        RUN(many_questions_at_once_each_get_their_answer);
        RUN(a_silent_server_costs_the_deadline_and_no_more);
        RUN(a_dead_server_is_a_failure);
        RUN(a_server_that_talks_rubbish_is_a_failure);
        RUN(the_answer_to_a_cancelled_question_is_dropped);
        RUN(proved_answers_are_secure_and_forged_ones_bogus);
        RUN(the_probe_tells_where_validation_works);
    } else {
        puts("FAIL the name servers this test needs did not start");
        test_failed++;
    }
    name_server_stop(&plain_server);
    name_server_stop(&signed_server);
    return test_summary();
}
