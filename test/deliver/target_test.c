/* Where mail goes, by what the DNS says. */
#include "deliver/dead_addresses.h"
#include "net/network_internal.h"

#include "scene.h"

struct row {
    const char *sentence;
    enum route_via via;
    const char *where;   /* host of the way, or domain */
    const char *records; /* "NAME TYPE DATA; …", DATA `fails` for a failure */
    const char *want;    /* addresses in order, or "fails: words", "waits: words" */
    bool private_targets;
    const char *own; /* an address where we listen */
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
    {"several addresses: the families take turns", TO_HOST, "relay.example",
     "relay.example A 192.0.2.1; relay.example A 192.0.2.2; relay.example A 192.0.2.3; "
     "relay.example AAAA 2001:db8::1; relay.example AAAA 2001:db8::2",
     "[2001:db8::1]:2526 192.0.2.1:2526 [2001:db8::2]:2526 192.0.2.2:2526 192.0.2.3:2526"},
    {"a configured host in a private network", TO_HOST, "relay.example", "relay.example A 10.0.0.1",
     "10.0.0.1:2526"},
    {"a configured host that is another server of this machine", TO_HOST, "127.0.0.1", "",
     "127.0.0.1:2526", .own = "0.0.0.0:2526"},
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
    {"an MX whose IPv6 does not exist, and whose IPv4 cannot be found out", TO_MX, "d.example",
     "d.example MX 10 one.example; one.example A fails; one.example TXT x",
     "waits: the address of d.example was not found"},
    {"one MX cannot be found out, the other can", TO_MX, "d.example",
     "d.example MX 10 one.example; one.example A fails; one.example AAAA fails; "
     "d.example MX 20 two.example; two.example A 192.0.2.2",
     "192.0.2.2:25"},
    {"no MX, and the address cannot be found out", TO_MX, "d.example",
     "d.example A fails; d.example TXT x", "waits: the address of d.example was not found"},
    {"a null MX beside others is none", TO_MX, "d.example",
     "d.example MX 0 .; d.example MX 10 one.example; one.example A 192.0.2.1", "192.0.2.1:25"},
    {"two null MX", TO_MX, "d.example", "d.example MX 0 .; d.example MX 10 .", "fails: 5.1.10"},
    {"an address in the place of an MX host's name", TO_MX, "d.example",
     "d.example MX 10 192.0.2.1; d.example MX 20 two.example; two.example A 192.0.2.2",
     "192.0.2.2:25"},
    {"addresses in the place of all names", TO_MX, "d.example", "d.example MX 10 192.0.2.1",
     "fails: 5.4.4 d.example has no address"},
    {"a domain that is an alias", TO_MX, "d.example",
     "d.example CNAME e.example; e.example MX 10 one.example; one.example A 192.0.2.1",
     "192.0.2.1:25"},
    {"an alias of a domain without MX", TO_MX, "d.example",
     "d.example CNAME e.example; e.example A 192.0.2.5", "192.0.2.5:25"},
    {"an alias that leads nowhere", TO_MX, "d.example", "d.example CNAME e.example",
     "fails: 5.1.2 the domain d.example"},
    {"an MX that is an alias, which it should not be", TO_MX, "d.example",
     "d.example MX 10 one.example; one.example CNAME two.example; two.example A 192.0.2.2",
     "192.0.2.2:25"},
    {"a domain in letters of its own", TO_MX,
     "b\xc3\xbc"
     "cher.example",
     "xn--bcher-kva.example MX 10 one.example; one.example A 192.0.2.1", "192.0.2.1:25"},
    {"no UTF-8", TO_MX,
     "b\xfc"
     "cher.example",
     "", "fails: 5.1.2"},
    {"a label of 64 bytes", TO_MX,
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example", "",
     "fails: 5.1.2"},
    {"more addresses than are tried", TO_MX, "d.example",
     "d.example MX 10 one.example; d.example MX 20 two.example; two.example A 192.0.2.99; "
     "one.example A 192.0.2.1; one.example A 192.0.2.2; one.example A 192.0.2.3; "
     "one.example A 192.0.2.4; one.example A 192.0.2.5; one.example A 192.0.2.6; "
     "one.example A 192.0.2.7; one.example A 192.0.2.8; one.example A 192.0.2.9; "
     "one.example A 192.0.2.10; one.example A 192.0.2.11; one.example A 192.0.2.12",
     "192.0.2.1:25 192.0.2.2:25 192.0.2.3:25 192.0.2.4:25 192.0.2.5:25 192.0.2.6:25 "
     "192.0.2.7:25 192.0.2.8:25 192.0.2.9:25 192.0.2.10:25 192.0.2.11:25 192.0.2.12:25"},

    {"we are the second MX: only the better ones", TO_MX, "d.example",
     "d.example MX 10 one.example; d.example MX 20 HERE.example; d.example MX 30 two.example; "
     "one.example A 192.0.2.1; two.example A 192.0.2.2; here.example A 192.0.2.9",
     "192.0.2.1:25"},
    {"we are the second MX by an address", TO_MX, "d.example",
     "d.example MX 10 one.example; d.example MX 20 other.example; d.example MX 30 two.example; "
     "one.example A 192.0.2.1; two.example A 192.0.2.2; other.example A 192.0.2.9",
     "192.0.2.1:25", .own = "192.0.2.9:25"},
    {"who is as good as we are is no better", TO_MX, "d.example",
     "d.example MX 10 one.example; d.example MX 20 two.example; d.example MX 20 here.example; "
     "d.example MX 20 three.example; one.example A 192.0.2.1; two.example A 192.0.2.2; "
     "three.example A 192.0.2.3",
     "192.0.2.1:25"},
    {"who is as good as an address of ours is no better", TO_MX, "d.example",
     "d.example MX 10 one.example; d.example MX 20 two.example; d.example MX 20 other.example; "
     "d.example MX 20 three.example; one.example A 192.0.2.1; two.example A 192.0.2.2; "
     "three.example A 192.0.2.3; other.example A 192.0.2.9",
     "192.0.2.1:25", .own = "192.0.2.9:25"},
    {"we are the best MX", TO_MX, "d.example",
     "d.example MX 10 here.example; here.example A 192.0.2.9", "fails: 5.4.6"},
    {"we are the best MX by one of its addresses", TO_MX, "d.example",
     "d.example MX 10 other.example; other.example A 192.0.2.1; other.example AAAA 2001:db8::9; "
     "d.example MX 20 two.example; two.example A 192.0.2.2",
     "fails: 5.4.6 the best MX of d.example is this host", .own = "[2001:db8::9]:25"},
    {"we are the implicit MX", TO_MX, "d.example", "d.example A 192.0.2.9", "fails: 5.4.6",
     .own = "192.0.2.9:25"},
    {"the domain is our own name", TO_MX, "here.example", "here.example A 192.0.2.9",
     "fails: 5.4.6"},
    {"we are an address literal", TO_MX, "[192.0.2.9]", "", "fails: 5.4.6", .own = "192.0.2.9:25"},
    {"we listen on all addresses", TO_MX, "d.example", "d.example A 127.0.0.77", "fails: 5.4.6",
     .private_targets = true, .own = "0.0.0.0:25"},
    {"we listen on another port: that is another server", TO_MX, "d.example",
     "d.example A 192.0.2.9", "192.0.2.9:25", .own = "192.0.2.9:2525"},
    {"the best MX cannot be found out, we are the next", TO_MX, "d.example",
     "d.example MX 10 one.example; d.example MX 20 here.example; one.example A fails; "
     "one.example AAAA fails",
     "waits: the address of d.example was not found"},
    {"we are the best MX, another one cannot be found out", TO_MX, "d.example",
     "d.example MX 10 one.example; d.example MX 10 here.example; one.example A fails; "
     "one.example AAAA fails",
     "fails: 5.4.6"},

    {"an MX in a private network", TO_MX, "d.example",
     "d.example MX 10 one.example; one.example A 10.1.2.3",
     "fails: 5.4.4 d.example leads to 10.1.2.3, which is private (private_targets = no): "
     "it is not followed"},
    {"it may be followed", TO_MX, "d.example",
     "d.example MX 10 one.example; one.example A 10.1.2.3", "10.1.2.3:25", .private_targets = true},
    {"other private networks", TO_MX, "d.example",
     "d.example A 172.31.0.1; d.example A 192.168.0.1", "fails: 5.4.4"},
    {"a carrier's network", TO_MX, "d.example", "d.example A 100.64.0.1", "fails: 5.4.4"},
    {"a private network of IPv6", TO_MX, "d.example", "d.example AAAA fd00::1", "fails: 5.4.4"},
    {"an MX that is everybody's own host", TO_MX, "d.example",
     "d.example MX 10 localhost.example; localhost.example A 127.0.0.1",
     "fails: 5.4.4 d.example leads to 127.0.0.1, which is loopback"},
    {"loopback of IPv6", TO_MX, "d.example", "d.example AAAA ::1", "fails: 5.4.4"},
    {"link-local addresses", TO_MX, "d.example", "d.example A 169.254.1.1; d.example AAAA fe80::1",
     "fails: 5.4.4 d.example leads to"},
    {"the address of no host", TO_MX, "d.example",
     "d.example A 0.0.0.0; d.example AAAA ::", "fails: 5.4.4", .private_targets = true},
    {"multicast and broadcast", TO_MX, "d.example",
     "d.example A 224.0.0.1; d.example A 255.255.255.255; d.example AAAA ff02::1", "fails: 5.4.4",
     .private_targets = true},
    {"private addresses among others are passed over", TO_MX, "d.example",
     "d.example A 192.168.0.1; d.example A 192.0.2.3; d.example A 127.0.0.1", "192.0.2.3:25"},
    {"a private address, and one that cannot be found out", TO_MX, "d.example",
     "d.example A 192.168.0.1; d.example AAAA fails", "waits: the address of d.example"},
    {"a literal in a private network", TO_MX, "[10.0.0.1]", "", "fails: 5.4.4"},

    {"an address literal", TO_MX, "[192.0.2.7]", "", "192.0.2.7:25"},
    {"an address literal of IPv6", TO_MX, "[IPv6:2001:db8::7]", "", "[2001:db8::7]:25"},
    {"an address literal that is none", TO_MX, "[192.0.2.777]", "", "fails: 5.1.2"},
    {"no domain name at all", TO_MX, "a..b", "", "fails: 5.1.2"},
};

static enum dns_type type_of(struct str name)
{
    static const struct {
        const char *name;
        enum dns_type type;
    } types[] = {
        {"A", DNS_A}, {"AAAA", DNS_AAAA}, {"CNAME", DNS_CNAME}, {"MX", DNS_MX}, {"TXT", DNS_TXT}};
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
    struct net_address own;
    scene->options.resolver = resolver;
    scene->options.private_targets = row->private_targets;
    scene->options.own_addresses = &own;
    scene->options.own_address_count = row->own != NULL;
    CHECK(!row->own || net_address_parse(str_of(row->own), 0, &own) == OK);
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

/* ---- sets ---- */

/* The set of d.example. */
static struct str set_of(struct scene *scene, const char *records, struct arena *arena)
{
    struct resolver *resolver = resolver_of(records);
    scene->options.resolver = resolver;
    struct route_way way = {.via = ROUTE_MX};
    struct targets targets = {.set = STR_EMPTY};
    struct queue_outcome problem;
    CHECK(targets_find(&scene->options, &way, STR("d.example"), arena, &targets, &problem));
    resolver_free(resolver);
    return targets.set;
}

TEST_SCENE(the_same_hosts_in_the_same_order_are_one_set)
{
#define ADDRESSES "; one.example A 192.0.2.1; two.example A 192.0.2.2; d.example A 192.0.2.3"
    static const struct {
        const char *sentence, *a, *b;
        bool same;
    } sets[] = {
        {"whatever the preferences are",
         "d.example MX 10 one.example; d.example MX 20 two.example" ADDRESSES,
         "d.example MX 5 one.example; d.example MX 6 two.example" ADDRESSES, true},
        {"whatever comes first in the answer",
         "d.example MX 10 one.example; d.example MX 10 two.example" ADDRESSES,
         "d.example MX 10 TWO.example; d.example MX 10 one.example" ADDRESSES, true},
        {"an implicit MX and one that says the same", "d.example A 192.0.2.3",
         "d.example MX 10 d.example" ADDRESSES, true},
        {"another order", "d.example MX 10 one.example; d.example MX 20 two.example" ADDRESSES,
         "d.example MX 20 one.example; d.example MX 10 two.example" ADDRESSES, false},
        {"an order, and none", "d.example MX 10 one.example; d.example MX 20 two.example" ADDRESSES,
         "d.example MX 10 one.example; d.example MX 10 two.example" ADDRESSES, false},
        {"one more", "d.example MX 10 one.example" ADDRESSES,
         "d.example MX 10 one.example; d.example MX 20 two.example" ADDRESSES, false},
        {"a name that looks like two",
         "d.example MX 10 one.example,two.example; "
         "one.example,two.example A 192.0.2.1" ADDRESSES,
         "d.example MX 10 one.example; d.example MX 10 two.example" ADDRESSES, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
        struct arena arena = arena_make();
        struct str a = set_of(scene, sets[i].a, &arena), b = set_of(scene, sets[i].b, &arena);
        CHECK_ROW(sets[i].sentence, a.len && b.len && str_eq(a, b) == sets[i].same);
        arena_reset(&arena);
    }
}

TEST_SCENE(a_set_too_long_to_be_named_is_of_its_domain_alone)
{
    struct arena arena = arena_make();
    struct resolver *resolver = resolver_scripted_new();
    for (int i = 0; i < 32; i++) {
        char mx[100];
        snprintf(mx, sizeof mx, "%d a-rather-long-name-for-a-host-%d.hosts.example", i, i);
        resolver_script(resolver, "d.example", DNS_MX, mx);
    }
    resolver_script(resolver, "a-rather-long-name-for-a-host-0.hosts.example", DNS_A, "192.0.2.1");
    scene->options.resolver = resolver;
    struct route_way way = {.via = ROUTE_MX};
    struct targets targets;
    struct queue_outcome problem;
    REQUIRE(targets_find(&scene->options, &way, STR("d.example"), &arena, &targets, &problem));
    CHECK_STR(targets.set, STR("d.example")); /* a set of hosts begins with a line end */
    resolver_free(resolver);
    arena_reset(&arena);
}

/* ---- several addresses ---- */

/* Delivers one message to relay.example; returns how long that took. */
static uint64_t deliver_to_relay(struct scene *scene, const char *records)
{
    struct resolver *resolver = resolver_of(records);
    scene->options.resolver = resolver;
    scene->slot.way.host = STR("relay.example");
    scene_add(scene, 1);
    uint64_t begun_ms = loop_now_ms();
    scene_deliver(scene);
    resolver_free(resolver);
    return loop_now_ms() - begun_ms;
}

TEST_SCENE(the_next_address_is_tried_when_one_does_not_answer)
{
    deliver_to_relay(scene, "relay.example A 127.0.0.2; relay.example A 127.0.0.1; "
                            "relay.example AAAA 2001:db8::1");
    CHECK_INT(scene->peer.copies[0], 1);
}

/* Whether the story of that message tells of a connection to 127.0.0.2. */
static bool tried_the_dead_one(struct scene *scene, size_t message)
{
    struct arena arena = arena_make();
    struct trace_event *events = NULL;
    size_t count = 0;
    CHECK(trace_read(scene->trace, scene->slot.messages[message].id, &arena, &events, &count) ==
          OK);
    struct str story = trace_print(&arena, events, count, &(struct trace_view){.is_full = true});
    bool tried = str_search(story, STR("connecting to relay.example (127.0.0.2:2526)")) != SIZE_MAX;
    arena_reset(&arena);
    return tried;
}

TEST_SCENE(an_address_that_did_not_answer_is_tried_last_for_a_while)
{
    static struct dead_addresses dead;
    struct net_address refuses;
    REQUIRE(net_address_parse(STR("127.0.0.2:2526"), 0, &refuses) == OK);
    scene->options.dead = &dead;
    const char *records = "relay.example A 127.0.0.2; relay.example A 127.0.0.1";
    deliver_to_relay(scene, records);
    CHECK(dead_addresses_has(&dead, &refuses, loop_now_ms()));
    deliver_to_relay(scene, records);
    CHECK(tried_the_dead_one(scene, 0));
    CHECK(!tried_the_dead_one(scene, 1));
    CHECK_INT(fiber_sleep_until(loop_now_ms() + DEAD_ADDRESS_MS), OK);
    deliver_to_relay(scene, records);
    CHECK(tried_the_dead_one(scene, 2));
}

TEST_SCENE(an_address_that_does_not_greet_is_dead_until_it_does)
{
    static struct dead_addresses dead;
    struct net_address address;
    REQUIRE(net_address_parse(STR("127.0.0.1:2526"), 0, &address) == OK);
    scene->options.dead = &dead;
    static const struct {
        const char *sentence, *script;
        bool is_dead;
    } steps[] = {
        {"closed at once", "CONNECT=!close", true},
        {"refused by a server", "CONNECT=554 go away", false},
        {"silent", "CONNECT=!silent", true},
        {"a server again", "", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        scene->peer.script = steps[i].script;
        scene->slot.blocked = false;
        deliver_to_relay(scene, "relay.example A 127.0.0.1");
        CHECK_ROW(steps[i].sentence,
                  dead_addresses_has(&dead, &address, loop_now_ms()) == steps[i].is_dead);
    }
}

static enum err silent_connect(struct network *network, const struct net_address *to,
                               const struct net_address *source, uint64_t deadline_ms,
                               struct stream **out_stream)
{
    UNUSED(network);
    UNUSED(to);
    UNUSED(source);
    UNUSED(out_stream);
    enum err err = fiber_sleep_until(deadline_ms);
    return err ? err : ERR_TIMEOUT;
}

TEST_SCENE(an_attempt_does_not_wait_for_many_silent_addresses)
{
    static const struct network_methods methods = {silent_connect};
    struct network silent = {&methods};
    scene->options.network = &silent;
    uint64_t took_ms =
        deliver_to_relay(scene, "relay.example A 192.0.2.1; relay.example A 192.0.2.2; "
                                "relay.example A 192.0.2.3; relay.example A 192.0.2.4; "
                                "relay.example A 192.0.2.5; relay.example A 192.0.2.6; "
                                "relay.example A 192.0.2.7; relay.example A 192.0.2.8");
    CHECK_INT(took_ms, scene->options.timeouts.connects);
    CHECK(scene->options.timeouts.connect < took_ms);
    CHECK_INT(scene->slot.messages[0].recipients[0].kind, QUEUE_DEFERRED);
    CHECK_INT(scene->slot.messages[0].recipients[0].reason, SPOOL_REASON_CONNECTION);
}

/* ---- what becomes of the mail ---- */

TEST_SCENE(a_domain_that_does_not_exist_fails_at_once)
{
    struct resolver *resolver = resolver_scripted_new();
    scene->options.resolver = resolver;
    scene->slot.way.via = ROUTE_MX;
    scene->slot.domain = STR("nowhere.example");
    scene_add(scene, 1);
    scene_add(scene, 1);
    scene_deliver(scene);
    for (size_t i = 0; i < 2; i++) { /* nobody waits until the first of them has failed */
        CHECK_INT(scene->slot.messages[i].recipients[0].kind, QUEUE_FAILED);
        CHECK_INT(scene->slot.messages[i].recipients[0].reason, SPOOL_REASON_DNS);
    }
    CHECK(!scene->slot.blocked);
    resolver_free(resolver);
}

TEST_SCENE(a_domain_that_cannot_be_found_out_waits_alone)
{
    struct resolver *resolver = resolver_of("nowhere.example MX fails");
    scene->options.resolver = resolver;
    scene->slot.way.via = ROUTE_MX;
    scene->slot.domain = STR("nowhere.example");
    scene_add(scene, 1);
    scene_deliver(scene);
    CHECK_STR(str_of(scene->slot.sets), STR("[]"));
    CHECK_INT(scene->slot.messages[0].recipients[0].kind, QUEUE_DEFERRED);
    CHECK(scene->slot.blocked);
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
    RUN(the_same_hosts_in_the_same_order_are_one_set);
    RUN(a_set_too_long_to_be_named_is_of_its_domain_alone);
    RUN(the_next_address_is_tried_when_one_does_not_answer);
    RUN(an_address_that_did_not_answer_is_tried_last_for_a_while);
    RUN(an_address_that_does_not_greet_is_dead_until_it_does);
    RUN(an_attempt_does_not_wait_for_many_silent_addresses);
    RUN(a_domain_that_does_not_exist_fails_at_once);
    RUN(a_domain_that_cannot_be_found_out_waits_alone);
    RUN(without_a_resolver_a_name_waits);
    return test_summary();
}
