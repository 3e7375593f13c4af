/* One connection for the domains whose MX are the same, and what happens when they are not any
 * more. */
#include "net/network_internal.h"
#include "scene.h"

/* ---- a network where port 25 is the peer's ---- */

static struct counted {
    struct network network; /* first */
    struct network *memory;
    struct net_address peer;
    unsigned connections;
} network;

static enum err count_and_connect(struct network *self, const struct net_address *to,
                                  const struct net_address *source, uint64_t deadline_ms,
                                  struct stream **out_stream)
{
    UNUSED(self);
    UNUSED(to);
    network.connections++;
    return network_connect(network.memory, &network.peer, source, deadline_ms, out_stream);
}

static void count_connections(struct scene *scene)
{
    static const struct network_methods methods = {count_and_connect};
    network = (struct counted){.network = {&methods}, .memory = scene->network};
    CHECK(net_address_parse(STR("127.0.0.1:2526"), 0, &network.peer) == OK);
    scene->options.network = &network.network;
}

/* ---- domains ---- */

static struct resolver *resolver;

static void script(void)
{
    static const char *const domains[] = {"one.example", "two.example", "three.example"};
    resolver = resolver_scripted_new();
    for (size_t i = 0; i < ARRAY_LEN(domains); i++)
        resolver_script(resolver, domains[i], DNS_MX, "10 mx.example");
    resolver_script(resolver, "mx.example", DNS_A, "192.0.2.1");
    resolver_script(resolver, "other.example", DNS_A, "192.0.2.2");
}

static void change_hosts(const char *domain)
{
    resolver_script_forget(resolver, domain, DNS_MX);
    resolver_script(resolver, domain, DNS_MX, "10 other.example");
}

/* TEST_SCENE with these domains and this network. */
#define TEST_SETS(name)                           \
    static void test_sets_##name(struct scene *); \
    TEST_SCENE(name)                              \
    {                                             \
        script();                                 \
        count_connections(scene);                 \
        scene->options.resolver = resolver;       \
        scene->slot.way.via = ROUTE_MX;           \
        test_sets_##name(scene);                  \
        resolver_free(resolver);                  \
    }                                             \
    static void test_sets_##name(struct scene *scene)

static void add_for(struct scene *scene, const char *domain, bool is_settled)
{
    scene_add(scene, 1);
    struct fake_message *message = &scene->slot.messages[scene->slot.count - 1];
    message->domain = domain;
    message->is_settled = is_settled;
}

static bool is_delivered(const struct scene *scene, size_t message)
{
    const struct fake_recipient *recipient = &scene->slot.messages[message].recipients[0];
    return recipient->finished == 1 && recipient->kind == QUEUE_DELIVERED;
}

TEST_SETS(domains_of_one_set_go_over_one_connection)
{
    add_for(scene, "one.example", false);
    add_for(scene, "two.example", false);
    add_for(scene, "three.example", false);
    scene_deliver(scene);
    CHECK_INT(network.connections, 1);
    for (size_t i = 0; i < 3; i++)
        CHECK(is_delivered(scene, i));
    CHECK_STR(str_of(scene->slot.sets), STR("[\n mx.example][\n mx.example][\n mx.example]"));
}

TEST_SETS(a_domain_that_is_known_to_be_of_the_set_is_not_asked_for)
{
    add_for(scene, "one.example", false);
    add_for(scene, "unheard-of.example", true);
    scene_deliver(scene);
    CHECK_INT(network.connections, 1);
    CHECK(is_delivered(scene, 0) && is_delivered(scene, 1));
    CHECK_STR(str_of(scene->slot.sets), STR("[\n mx.example]"));
}

TEST_SETS(without_a_connection_the_hosts_are_asked_for_in_any_case)
{
    add_for(scene, "one.example", true);
    scene_deliver(scene);
    CHECK(is_delivered(scene, 0));
    CHECK_STR(str_of(scene->slot.sets), STR("[\n mx.example]"));
}

TEST_SETS(a_domain_whose_hosts_changed_gets_another_connection)
{
    change_hosts("two.example");
    add_for(scene, "one.example", false);
    add_for(scene, "two.example", false);
    scene_deliver(scene);
    CHECK_INT(network.connections, 2);
    CHECK(is_delivered(scene, 0) && is_delivered(scene, 1));
    CHECK_STR(str_of(scene->slot.messages[1].recipients[0].remote), STR("other.example"));
    CHECK_STR(str_of(scene->slot.sets), STR("[\n mx.example][\n other.example]"));
}

TEST_SETS(without_a_place_the_job_goes_back_before_any_connection)
{
    scene->slot.has_no_place = true;
    add_for(scene, "one.example", false);
    scene_deliver(scene);
    CHECK_INT(network.connections, 0);
    CHECK_INT(scene->slot.returned, 1);
    CHECK_INT(scene->slot.messages[0].recipients[0].finished, 0);
}

static void lose_place(struct queue_slot *slot)
{
    slot->has_no_place = true;
    slot->messages[1].recipients[0].is_ready = true;
    slot->messages[2].recipients[0].is_ready = true;
}

TEST_SETS(who_sends_a_job_back_keeps_the_connection_for_the_next)
{
    change_hosts("two.example");
    add_for(scene, "one.example", false);
    add_for(scene, "two.example", false);
    add_for(scene, "three.example", false);
    scene->slot.messages[1].recipients[0].is_ready = false;
    scene->slot.messages[2].recipients[0].is_ready = false;
    scene->slot.on_wait = lose_place;
    scene_deliver(scene);
    CHECK_INT(network.connections, 1);
    CHECK_INT(scene->slot.returned, 1);
    CHECK(is_delivered(scene, 0) && !is_delivered(scene, 1) && is_delivered(scene, 2));
}

TEST_SETS(a_domain_that_is_gone_fails_and_the_others_go_on)
{
    add_for(scene, "one.example", false);
    add_for(scene, "nowhere.example", false);
    add_for(scene, "three.example", false);
    scene_deliver(scene);
    CHECK(is_delivered(scene, 0) && is_delivered(scene, 2));
    CHECK_INT(scene->slot.messages[1].recipients[0].kind, QUEUE_FAILED);
    CHECK(!scene->slot.blocked);
    CHECK_STR(str_of(scene->slot.sets), STR("[\n mx.example][][\n mx.example]"));
}

int main(void)
{
    RUN(domains_of_one_set_go_over_one_connection);
    RUN(a_domain_that_is_known_to_be_of_the_set_is_not_asked_for);
    RUN(without_a_connection_the_hosts_are_asked_for_in_any_case);
    RUN(a_domain_whose_hosts_changed_gets_another_connection);
    RUN(without_a_place_the_job_goes_back_before_any_connection);
    RUN(who_sends_a_job_back_keeps_the_connection_for_the_next);
    RUN(a_domain_that_is_gone_fails_and_the_others_go_on);
    return test_summary();
}
