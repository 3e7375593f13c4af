/* Where mail goes, by what the DNS says. */
#include "deliver/target.h"

#include "scene.h"

struct row {
    const char *sentence;
    enum route_via via;
    const char *where;   /* host of the way, or domain */
    const char *records; /* "NAME TYPE DATA; …", DATA `fails` for a failure */
    const char *want;    /* addresses in order, or "fails: words", "waits: words" */
};

#define TO_HOST ROUTE_SMTP
#define TO_MX   ROUTE_MX

static const struct row rows[] = {
    {"an IPv4 address", TO_HOST, "192.0.2.1", "", "192.0.2.1:2526"},
    {"an IPv6 address", TO_HOST, "2001:db8::1", "", "[2001:db8::1]:2526"},
    {"a socket", ROUTE_LMTP, "unix:/run/lmtp", "", "unix:/run/lmtp"},
    {"a name: IPv6 first", TO_HOST, "relay.example",
     "relay.example A 192.0.2.1; relay.example AAAA 2001:db8::1",
     "[2001:db8::1]:2526 192.0.2.1:2526"},
    {"a name without IPv6", TO_HOST, "relay.example", "relay.example A 192.0.2.1",
     "192.0.2.1:2526"},
    {"a name whose IPv6 cannot be found out", TO_HOST, "relay.example",
     "relay.example A 192.0.2.1; relay.example AAAA fails", "192.0.2.1:2526"},
    {"a configured name that does not exist may be put right", TO_HOST, "relay.example", "",
     "waits: 5.4.4 relay.example has no address"},
    {"a configured name that cannot be asked", TO_HOST, "relay.example",
     "relay.example A fails; relay.example AAAA fails", "waits: the address of relay.example"},

    {"the preferred MX first", TO_MX, "d.example",
     "d.example MX 20 two.example; d.example MX 10 one.example; one.example A 192.0.2.1; "
     "two.example A 192.0.2.2",
     "192.0.2.1:25 192.0.2.2:25"},
    {"an MX that has no address is passed over", TO_MX, "d.example",
     "d.example MX 10 one.example; d.example MX 20 two.example; two.example A 192.0.2.2",
     "192.0.2.2:25"},
    {"the same address twice is tried once", TO_MX, "d.example",
     "d.example MX 10 one.example; d.example MX 20 two.example; one.example A 192.0.2.1; "
     "two.example A 192.0.2.1",
     "192.0.2.1:25"},
    {"no MX: the domain itself", TO_MX, "d.example", "d.example A 192.0.2.3", "192.0.2.3:25"},
    {"null MX", TO_MX, "d.example", "d.example MX 0 .; d.example A 192.0.2.3",
     "fails: 5.1.10 d.example takes no mail"},
    {"a domain that does not exist", TO_MX, "d.example", "", "fails: 5.1.2 the domain d.example"},
    {"neither MX nor address", TO_MX, "d.example", "d.example TXT hello",
     "fails: 5.4.4 d.example has no address"},
    {"no MX has an address", TO_MX, "d.example", "d.example MX 10 one.example",
     "fails: 5.4.4 d.example has no address"},
    {"an MX whose address cannot be found out", TO_MX, "d.example",
     "d.example MX 10 one.example; one.example A fails; one.example AAAA fails",
     "waits: the address of d.example was not found"},
    {"the MX cannot be found out: the address is not taken instead", TO_MX, "d.example",
     "d.example MX fails; d.example A 192.0.2.3", "waits: the MX of d.example were not found"},
    {"we are the second MX: only the better ones", TO_MX, "d.example",
     "d.example MX 10 one.example; d.example MX 20 HERE.example; d.example MX 30 two.example; "
     "one.example A 192.0.2.1; two.example A 192.0.2.2; here.example A 192.0.2.9",
     "192.0.2.1:25"},
    {"we are the best MX", TO_MX, "d.example",
     "d.example MX 10 here.example; here.example A 192.0.2.9", "fails: 5.4.6"},
    {"an address literal", TO_MX, "[192.0.2.7]", "", "192.0.2.7:25"},
    {"an address literal of IPv6", TO_MX, "[IPv6:2001:db8::7]", "", "[2001:db8::7]:25"},
    {"no domain name at all", TO_MX, "a..b", "", "fails: 5.1.2"},
};

static enum dns_type type_of(struct str name)
{
    static const struct {
        const char *name;
        enum dns_type type;
    } types[] = {{"A", DNS_A}, {"AAAA", DNS_AAAA}, {"MX", DNS_MX}, {"TXT", DNS_TXT}};
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (str_eq(name, str_of(types[i].name)))
            return types[i].type;
    abort();
}

static struct resolver *resolver_of(const char *records)
{
    struct resolver *resolver = resolver_scripted_new();
    struct str rest = str_of(records), record, name, type, data;
    while (rest.len) {
        if (!str_cut(rest, ';', &record, &rest)) {
            record = rest;
            rest = STR_EMPTY;
        }
        if (!str_cut(str_trim(record), ' ', &name, &data) || !str_cut(data, ' ', &type, &data))
            abort();
        char owner[100], text[100];
        snprintf(owner, sizeof owner, "%.*s", STR_FMT(name));
        snprintf(text, sizeof text, "%.*s", STR_FMT(data));
        if (str_eq(data, STR("fails")))
            resolver_script_failure(resolver, owner, type_of(type));
        else
            resolver_script(resolver, owner, type_of(type), text);
    }
    return resolver;
}

static struct str describe(struct arena *arena, const struct targets *targets)
{
    struct str all = STR_EMPTY;
    for (size_t i = 0; i < targets->count; i++) {
        struct str one = net_address_print(arena, &targets->at[i].address);
        all = arena_printf(arena, "%.*s%s%.*s", STR_FMT(all), i ? " " : "", STR_FMT(one));
    }
    return all;
}

static void play_row(struct scene *scene)
{
    const struct row *row = scene->row;
    struct arena arena = arena_make();
    struct resolver *resolver = resolver_of(row->records);
    scene->options.resolver = resolver;
    struct route_way way = {.via = row->via, .host = str_of(row->where), .port = 2526};
    struct targets targets;
    struct queue_outcome problem;
    struct str got;
    if (targets_find(&scene->options, &way, str_of(row->where), &arena, &targets, &problem))
        got = describe(&arena, &targets);
    else
        got = arena_printf(&arena, "%s: %.*s", problem.kind == QUEUE_FAILED ? "fails" : "waits",
                           STR_FMT(problem.words));
    struct str want = str_of(row->want);
    bool is_words = str_search(want, STR(": ")) != SIZE_MAX;
    CHECK_ROW(row->sentence, is_words ? str_starts(got, want) : str_eq(got, want));
    if (!str_starts(got, want))
        printf("# ... %.*s\n", STR_FMT(got));
    resolver_free(resolver);
    arena_reset(&arena);
}

TEST(each_answer_leads_somewhere)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        scene_play(play_row, &rows[i]);
}

TEST_SCENE(equal_preferences_share_the_load)
{
    struct resolver *resolver =
        resolver_of("d.example MX 10 one.example; d.example MX 10 two.example; "
                    "d.example MX 5 best.example; best.example A 192.0.2.9; "
                    "one.example A 192.0.2.1; two.example A 192.0.2.2");
    scene->options.resolver = resolver;
    struct route_way way = {.via = ROUTE_MX};
    unsigned first[2] = {0};
    for (int i = 0; i < 100; i++) {
        struct arena arena = arena_make();
        struct targets targets;
        struct queue_outcome problem;
        REQUIRE(targets_find(&scene->options, &way, STR("d.example"), &arena, &targets, &problem));
        CHECK_STR(targets.at[0].host, STR("best.example"));
        first[str_eq(targets.at[1].host, STR("one.example"))]++;
        arena_reset(&arena);
    }
    CHECK(first[0] > 20 && first[1] > 20);
    resolver_free(resolver);
}

/* ---- several addresses ---- */
TEST_SCENE(the_next_address_is_tried_when_one_does_not_answer)
{
    struct resolver *resolver = resolver_of("relay.example A 127.0.0.2; relay.example A 127.0.0.1; "
                                            "relay.example AAAA 2001:db8::1");
    scene->options.resolver = resolver;
    scene->slot.way.host = STR("relay.example");
    scene_add(scene, 1);
    scene_deliver(scene);
    CHECK_INT(scene->peer.copies[0], 1);
    resolver_free(resolver);
}

TEST_SCENE(a_domain_that_does_not_exist_fails_at_once)
{
    struct resolver *resolver = resolver_scripted_new();
    scene->options.resolver = resolver;
    scene->slot.way.via = ROUTE_MX;
    scene->slot.domain = STR("nowhere.example");
    scene_add(scene, 1);
    scene_deliver(scene);
    CHECK_INT(scene->slot.messages[0].recipients[0].kind, QUEUE_FAILED);
    CHECK_INT(scene->slot.messages[0].recipients[0].reason, SPOOL_REASON_DNS);
    resolver_free(resolver);
}

TEST_SCENE(without_a_resolver_a_name_waits)
{
    scene->slot.way.host = STR("relay.example");
    scene_add(scene, 1);
    scene_deliver(scene);
    CHECK_INT(scene->slot.messages[0].recipients[0].kind, QUEUE_DEFERRED);
    CHECK_INT(scene->slot.messages[0].recipients[0].reason, SPOOL_REASON_DNS);
}

int main(void)
{
    RUN(each_answer_leads_somewhere);
    RUN(equal_preferences_share_the_load);
    RUN(the_next_address_is_tried_when_one_does_not_answer);
    RUN(a_domain_that_does_not_exist_fails_at_once);
    RUN(without_a_resolver_a_name_waits);
    return test_summary();
}
