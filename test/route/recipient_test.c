#include "route/route.h"
#include "test.h"

static const struct str users[] = {
    {"alice", 5}, {"bob", 3}, {"carol+work", 10}, {"carol", 5}, {"self", 4}, {"dana x", 6},
};

static const struct {
    const char *name, *targets[4];
} aliases[] = {
    {"info", {"alice"}},
    {"team", {"alice", "bob"}},
    {"everyone", {"team", "info", "carol"}},
    {"bob+list", {"alice"}},
    {"away", {"alice@elsewhere.test"}},
    {"both", {"bob", "alice@elsewhere.test", "alice@ELSEWHERE.test"}},
    {"self", {"self", "bob"}},
    {"ring1", {"ring2"}},
    {"ring2", {"ring1"}},
    {"me", {"me"}},
    {"ring3", {"ring3", "ring1", "alice"}},
    {"lost", {"nobody"}},
    {"half", {"nobody", "alice"}},
    {"other", {"any@any.example"}},
};

static struct route_table *make_table(void)
{
    struct route_table *table = route_table_new();
    struct route_domain_options home = {.name = STR("home.example"),
                                        .user_names = users,
                                        .user_count = ARRAY_LEN(users),
                                        .separator = '+'};
    struct route_domain_options any = {.name = STR("any.example"), .users = ROUTE_USERS_ANY};
    struct route_domain_options post = {.name = STR("post.example"), .separator = '-'};
    CHECK_INT(route_table_add_domain(table, &home), OK);
    CHECK_INT(route_table_add_domain(table, &any), OK);
    CHECK_INT(route_table_add_domain(table, &post), OK);
    for (size_t i = 0; i < ARRAY_LEN(aliases); i++) {
        struct str targets[4];
        size_t count = 0;
        while (count < 4 && aliases[i].targets[count]) {
            targets[count] = str_of(aliases[i].targets[count]);
            count++;
        }
        CHECK_INT(route_table_add_alias(table, STR("home.example"), str_of(aliases[i].name),
                                        targets, count),
                  OK);
    }
    struct str alice = STR("alice@home.example");
    CHECK_INT(route_table_add_alias(table, STR("post.example"), STR("postmaster"), &alice, 1), OK);
    return table;
}

/* The answer as one line of text: the addresses, or a word. */
static struct str ask(const struct route_table *table, struct arena *arena, const char *text)
{
    struct mail_address address = {.local = str_of(text), .domain = STR_EMPTY};
    if (strchr(text, '@'))
        CHECK_INT(mail_address_parse(arena, str_of(text), MAIL_ADDRESS_UTF8, &address), OK);
    struct route_targets targets;
    switch (route_recipient(table, &address, arena, &targets)) {
    case ROUTE_FOREIGN:
        return STR("foreign");
    case ROUTE_NO_SUCH_USER:
        return STR("no such user");
    case ROUTE_LOOP:
        return STR("loop");
    case ROUTE_LOCAL:
        break;
    }
    struct str line = STR_EMPTY;
    for (size_t i = 0; i < targets.count; i++)
        line = arena_printf(arena, "%.*s%s%.*s", STR_FMT(line), i ? " " : "",
                            STR_FMT(targets.addresses[i]));
    return line;
}

TEST(addresses_lead_where_the_configuration_says)
{
    static const struct {
        const char *about, *address, *answer;
    } rows[] = {
        {"a user", "alice@home.example", "alice@home.example"},
        {"a user in another case keeps his spelling", "Alice@HOME.example", "Alice@home.example"},
        {"an unknown user", "nobody@home.example", "no such user"},
        {"a domain that is not ours", "alice@elsewhere.test", "foreign"},
        {"a literal is not ours", "alice@[192.0.2.1]", "foreign"},
        {"a domain below ours is not ours", "alice@sub.home.example", "foreign"},
        {"a subaddress goes to its user", "alice+x@home.example", "alice+x@home.example"},
        {"a subaddress of nobody", "nobody+x@home.example", "no such user"},
        {"a listed name with a separator", "carol+work@home.example", "carol+work@home.example"},
        {"a separator in front separates nothing", "+alice@home.example", "no such user"},
        {"another domain has another separator", "postmaster-x@post.example", "alice@home.example"},
        {"a quoted name", "\"dana x\"@home.example", "\"dana x\"@home.example"},
        {"percent is only a byte", "alice%elsewhere.test@home.example", "no such user"},
        {"a quoted @ is only a byte", "\"alice@elsewhere.test\"@home.example", "no such user"},
        {"any user", "What.Ever+x@any.example", "What.Ever+x@any.example"},
        {"an alias", "info@home.example", "alice@home.example"},
        {"an alias in another case", "INFO@home.example", "alice@home.example"},
        {"a subaddress of an alias", "info+x@home.example", "alice@home.example"},
        {"a subaddress that is an alias itself", "bob+list@home.example", "alice@home.example"},
        {"nested aliases, each address once", "everyone@home.example",
         "carol@home.example alice@home.example bob@home.example"},
        {"an alias to a foreign address", "away@home.example", "alice@elsewhere.test"},
        {"foreign domains are the same in any case", "both@home.example",
         "bob@home.example alice@elsewhere.test"},
        {"an alias into another local domain", "other@home.example", "any@any.example"},
        {"an alias that names itself keeps the mailbox", "self@home.example",
         "self@home.example bob@home.example"},
        {"a ring", "ring1@home.example", "loop"},
        {"an alias of itself without a mailbox", "me@home.example", "loop"},
        {"a ring with a way out", "ring3@home.example", "alice@home.example"},
        {"an alias to nobody", "lost@home.example", "no such user"},
        {"an alias to nobody and somebody", "half@home.example", "alice@home.example"},
        {"postmaster is always there", "PostMaster@home.example", "PostMaster@home.example"},
        {"postmaster with a detail", "postmaster+x@home.example", "postmaster+x@home.example"},
        {"postmaster where it is an alias", "postmaster@post.example", "alice@home.example"},
        {"postmaster without a domain", "Postmaster", "Postmaster@home.example"},
    };
    struct route_table *table = make_table();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena arena = arena_make();
        struct str answer = ask(table, &arena, rows[i].address);
        CHECK_STR(answer, str_of(rows[i].answer));
        CHECK_ROW(rows[i].about, str_eq(answer, str_of(rows[i].answer)));
        arena_reset(&arena);
    }
    route_table_free(table);
}

TEST(without_a_domain_there_is_no_postmaster)
{
    struct route_table *table = route_table_new();
    struct arena arena = arena_make();
    CHECK_STR(ask(table, &arena, "postmaster"), STR("no such user"));
    arena_reset(&arena);
    route_table_free(table);
}

/* Adds an alias "list" with `count` foreign addresses. */
static void add_list(struct route_table *table, struct arena *arena, size_t count)
{
    struct str *targets = ARENA_ARRAY(arena, struct str, count);
    for (size_t i = 0; i < count; i++)
        targets[i] = arena_printf(arena, "user%zu@elsewhere.test", i);
    CHECK_INT(route_table_add_alias(table, STR("any.example"), STR("list"), targets, count), OK);
}

TEST(a_list_of_a_thousand_is_the_largest)
{
    for (size_t count = 1000; count <= 1001; count++) {
        struct route_table *table = make_table();
        struct arena arena = arena_make();
        add_list(table, &arena, count);
        struct mail_address list = {.local = STR("list"), .domain = STR("any.example")};
        struct route_targets targets = {0};
        enum route_answer answer = route_recipient(table, &list, &arena, &targets);
        CHECK_INT(answer, count == 1000 ? ROUTE_LOCAL : ROUTE_LOOP);
        CHECK_INT(targets.count, count == 1000 ? 1000 : 0);
        arena_reset(&arena);
        route_table_free(table);
    }
}

TEST(aliases_that_double_at_every_step_end)
{
    struct route_table *table = make_table();
    struct arena arena = arena_make();
    for (int i = 0; i < 40; i++) {
        struct str both[] = {arena_printf(&arena, "step%d", i + 1),
                             arena_printf(&arena, "step%d+x", i + 1)};
        struct str name = arena_printf(&arena, "step%d", i);
        CHECK_INT(route_table_add_alias(table, STR("home.example"), name, both, 2), OK);
    }
    CHECK_STR(ask(table, &arena, "step0@home.example"), STR("no such user"));
    arena_reset(&arena);
    route_table_free(table);
}

TEST(programs_files_and_includes_are_refused)
{
    static const char *const targets[] = {"|/bin/sh",
                                          "\"|/bin/sh -c x\"",
                                          "/var/mail/x",
                                          ":include:/etc/list",
                                          ":INCLUDE:/etc/list",
                                          "\":include:/x\"",
                                          "a b",
                                          "a@",
                                          "@b",
                                          "",
                                          "a@b@c"};
    struct route_table *table = make_table();
    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        struct str target = str_of(targets[i]);
        CHECK_ROW(targets[i], route_table_add_alias(table, STR("home.example"), STR("new"), &target,
                                                    1) == ERR_SYNTAX);
    }
    route_table_free(table);
}

/* ---- whom to ask ---- */

TEST(only_a_server_that_knows_more_than_the_table_is_asked)
{
    static const struct str alice[] = {{"alice", 5}};
    static const struct {
        const char *domain;
        enum route_via via;
        enum route_users users;
    } domains[] = {
        {"lmtp.example", ROUTE_LMTP, ROUTE_USERS_ANY},
        {"gate.example", ROUTE_SMTP, ROUTE_USERS_ANY},
        {"box.example", ROUTE_MAILDIR, ROUTE_USERS_ANY},
        {"held.example", ROUTE_HOLD, ROUTE_USERS_ANY},
        {"listed.example", ROUTE_LMTP, ROUTE_USERS_LISTED},
    };
    static const struct {
        const char *address;
        const char *way; /* NULL: nobody is asked */
    } rows[] = {
        {"who@lmtp.example", "lmtp.example"},
        {"Who+x@LMTP.Example", "lmtp.example"},
        {"\"a@b\"@gate.example", "gate.example"},
        {"postmaster@lmtp.example", NULL},
        {"PostMaster+x@gate.example", NULL},
        {"postmasters@gate.example", "gate.example"},
        {"who@box.example", NULL},
        {"who@held.example", NULL},
        {"alice@listed.example", NULL},
        {"who@elsewhere.test", NULL},
        {"who@[192.0.2.1]", NULL},
        {"who", NULL},
        {"", NULL},
    };
    struct route_table *table = route_table_new();
    for (size_t i = 0; i < ARRAY_LEN(domains); i++) {
        struct route_domain_options options = {
            .name = str_of(domains[i].domain),
            .way = {.via = domains[i].via, .name = str_of(domains[i].domain)},
            .users = domains[i].users,
            .user_names = alice,
            .user_count = domains[i].users == ROUTE_USERS_LISTED,
            .separator = '+'};
        CHECK_INT(route_table_add_domain(table, &options), OK);
    }
    CHECK_INT(route_table_add_route(table, STR("*"),
                                    &(struct route_way){.via = ROUTE_LMTP, .name = STR("rest")}),
              OK);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct route_way *way = route_way_to_ask(table, str_of(rows[i].address));
        CHECK_ROW(rows[i].address, (way != NULL) == (rows[i].way != NULL));
        if (way && rows[i].way)
            CHECK_STR(way->name, str_of(rows[i].way));
    }
    route_table_free(table);
}

int main(void)
{
    RUN(addresses_lead_where_the_configuration_says);
    RUN(without_a_domain_there_is_no_postmaster);
    RUN(a_list_of_a_thousand_is_the_largest);
    RUN(aliases_that_double_at_every_step_end);
    RUN(programs_files_and_includes_are_refused);
    RUN(only_a_server_that_knows_more_than_the_table_is_asked);
    return test_summary();
}
