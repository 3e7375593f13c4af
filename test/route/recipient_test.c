#include "mail/idna.h"
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
    {"detail", {"alice+info"}},
    {"quo ted", {"\"Dana X\"", "\"quo ted\"@any.example"}},
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
    switch (route_recipient(table, &address, 0, arena, &targets)) {
    case ROUTE_FOREIGN:
        return STR("foreign");
    case ROUTE_NO_SUCH_USER:
        return STR("no such user");
    case ROUTE_LOOP:
        return STR("loop");
    case ROUTE_FORGED:
        return STR("forged");
    case ROUTE_EXPIRED:
        return STR("expired");
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
        {"an alias to a subaddress", "detail@home.example", "alice+info@home.example"},
        {"a quoted alias to quoted names", "\"Quo Ted\"@home.example",
         "\"Dana X\"@home.example \"quo ted\"@any.example"},
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

TEST(a_catch_all_takes_what_nobody_else_takes)
{
    static const struct {
        const char *about, *address, *answer;
    } rows[] = {
        {"a name of nobody", "nobody@home.example", "dave@elsewhere.test alice+rest@home.example"},
        {"its subaddress", "nobody+x@home.example", "dave@elsewhere.test alice+rest@home.example"},
        {"a user", "bob@home.example", "bob@home.example"},
        {"the subaddress of a user", "bob+x@home.example", "bob+x@home.example"},
        {"an alias", "info@home.example", "alice@home.example"},
        {"the subaddress of an alias", "info+x@home.example", "alice@home.example"},
        {"an alias to nobody", "lost@home.example", "dave@elsewhere.test alice+rest@home.example"},
        {"a postmaster that is not listed", "postmaster@home.example",
         "dave@elsewhere.test alice+rest@home.example"},
        {"another domain has none", "nobody@post.example", "no such user"},
        {"a catch-all that only leads to itself", "x@ring.example", "loop"},
        {"a name that is a star", "*@home.example", "dave@elsewhere.test alice+rest@home.example"},
    };
    static const struct str targets[] = {{"dave@elsewhere.test", 19}, {"alice+rest", 10}};
    static const struct str itself[] = {{"nobody", 6}};
    struct route_table *table = make_table();
    struct route_domain_options ring = {.name = STR("ring.example")};
    CHECK_INT(route_table_add_domain(table, &ring), OK);
    CHECK_INT(route_table_set_catch_all(table, STR("home.example"), targets, 2), OK);
    CHECK_INT(route_table_set_catch_all(table, STR("ring.example"), itself, 1), OK);
    CHECK_INT(route_table_set_catch_all(table, STR("home.example"), targets, 2), ERR_EXISTS);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena arena = arena_make();
        struct str answer = ask(table, &arena, rows[i].address);
        CHECK_STR(answer, str_of(rows[i].answer));
        CHECK_ROW(rows[i].about, str_eq(answer, str_of(rows[i].answer)));
        arena_reset(&arena);
    }
    route_table_free(table);
}

#define BUECHER "b\xc3\xbc\x63her.example"

TEST(a_domain_is_the_same_with_u_labels_and_a_labels)
{
    static const char *const names[] = {BUECHER, "B\xc3\x9c\x43HER.example",
                                        "xn--bcher-kva.example", "XN--Bcher-KVA.Example"};
    static const struct str readers[] = {{"alice", 5}, {"j\xc3\xbcrgen", 7}};
    static const struct str away[] = {{"x@" BUECHER, 17}};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct route_table *table = route_table_new();
        struct arena arena = arena_make();
        struct route_domain_options domain = {
            .name = str_of(names[i]), .user_names = readers, .user_count = 2};
        struct route_domain_options home = {.name = STR("home.example")};
        CHECK_INT(route_table_add_domain(table, &domain), OK);
        CHECK_INT(route_table_add_domain(table, &domain), ERR_EXISTS);
        CHECK_INT(route_table_add_domain(table, &home), OK);
        CHECK_INT(route_table_add_alias(table, home.name, STR("away"), away, 1), OK);
        for (size_t j = 0; j < ARRAY_LEN(names); j++) {
            struct str address = arena_printf(&arena, "alice@%s", names[j]);
            CHECK_STR(ask(table, &arena, address.at), STR("alice@xn--bcher-kva.example"));
        }
        CHECK_STR(ask(table, &arena, "j\xc3\xbcrgen@" BUECHER),
                  STR("j\xc3\xbcrgen@xn--bcher-kva.example"));
        CHECK_STR(ask(table, &arena, "away@home.example"), STR("no such user"));
        arena_reset(&arena);
        route_table_free(table);
    }
}

/* ---- senders of forwarded mail ---- */

static const struct srs_key srs_key = {{1, 2, 3}};

/* The sender that joe@away.example gets in `domain`. */
static struct str srs_of(struct arena *arena, struct str domain)
{
    struct mail_address joe = {STR("joe"), STR("away.example"), false}, ours;
    CHECK(srs_rewrite(&srs_key, 0, &joe, domain, arena, &ours));
    return arena_copy(arena, mail_address_text(arena, &ours));
}

TEST(a_sender_of_forwarded_mail_means_whose_it_is)
{
    static const char *const guess = "SRS0=AAAAAA=AA=away.example=joe";
    struct route_table *table = make_table();
    struct arena arena = arena_make();
    struct str ours = srs_of(&arena, STR("home.example"));
    CHECK_STR(ask(table, &arena, ours.at), STR("no such user")); /* without a key */
    route_table_set_srs_key(table, &srs_key);
    CHECK_STR(ask(table, &arena, ours.at), STR("joe@away.example"));
    CHECK_STR(ask(table, &arena, srs_of(&arena, STR("any.example")).at), STR("joe@away.example"));
    CHECK_STR(ask(table, &arena, srs_of(&arena, STR("other.example")).at), STR("foreign"));
    struct str local = str_first(ours, str_find_last(ours, '@'));
    const char *elsewhere = arena_printf(&arena, "%.*s@post.example", STR_FMT(local)).at;
    CHECK_STR(ask(table, &arena, elsewhere), STR("forged"));
    CHECK_STR(ask(table, &arena, arena_printf(&arena, "%s@home.example", guess).at), STR("forged"));
    CHECK_STR(ask(table, &arena, "SRS0=@home.example"), STR("forged"));
    CHECK_STR(ask(table, &arena, "SRS0@home.example"), STR("no such user"));
    arena_reset(&arena);
    route_table_free(table);
}

TEST(a_sender_of_forwarded_mail_expires)
{
    struct route_table *table = make_table();
    struct arena arena = arena_make();
    struct mail_address address;
    struct route_targets targets;
    int64_t later = (int64_t)(SRS_VALID_DAYS + 1) * 86400 * 1000000;
    route_table_set_srs_key(table, &srs_key);
    CHECK_INT(mail_address_parse(&arena, srs_of(&arena, STR("home.example")), 0, &address), OK);
    CHECK_INT(route_recipient(table, &address, later - 1, &arena, &targets), ROUTE_LOCAL);
    CHECK_INT(route_recipient(table, &address, later, &arena, &targets), ROUTE_EXPIRED);
    arena_reset(&arena);
    route_table_free(table);
}

/* "*" takes no forged sender into a mailbox; a next host is asked, for it may write such senders.
 */
TEST(only_who_is_listed_or_known_elsewhere_may_look_like_such_a_sender)
{
    static const struct str listed[] = {{"srs0=x", 6}};
    static const struct str catch_all[] = {{"srs0=x", 6}};
    struct route_way maildir = {.via = ROUTE_MAILDIR}, gateway = {.via = ROUTE_SMTP};
    struct route_domain_options domains[] = {
        {.name = STR("listed.example"), .way = maildir, .user_names = listed, .user_count = 1},
        {.name = STR("any.example"), .way = maildir, .users = ROUTE_USERS_ANY},
        {.name = STR("gateway.example"), .way = gateway, .users = ROUTE_USERS_ANY},
    };
    struct route_table *table = route_table_new();
    struct arena arena = arena_make();
    for (size_t i = 0; i < ARRAY_LEN(domains); i++)
        CHECK_INT(route_table_add_domain(table, &domains[i]), OK);
    CHECK_INT(route_table_set_catch_all(table, STR("listed.example"), catch_all, 1), OK);
    route_table_set_srs_key(table, &srs_key);
    CHECK_STR(ask(table, &arena, "SRS0=x@listed.example"), STR("SRS0=x@listed.example"));
    CHECK_STR(ask(table, &arena, "SRS0=y@listed.example"), STR("forged"));
    CHECK_STR(ask(table, &arena, "SRS0=x@any.example"), STR("forged"));
    CHECK_STR(ask(table, &arena, "SRS0=x@gateway.example"), STR("SRS0=x@gateway.example"));
    arena_reset(&arena);
    route_table_free(table);
}

TEST(mail_leaves_with_a_sender_that_leads_back)
{
    static const struct {
        const char *about, *sender, *left; /* as what it leaves; NULL: as what leads back to it */
    } rows[] = {
        {"a stranger", "joe@away.example", NULL},
        {"one of ours", "alice@home.example", "alice@home.example"},
        {"one of ours in another domain", "x@any.example", "x@any.example"},
        {"nobody", "", ""},
        {"an address literal", "joe@[192.0.2.1]", "postmaster@home.example"},
        {"one that would become too long",
         "bounces-of-a-list-with-a-name-12345-a=home.example@lists.away.example",
         "postmaster@home.example"},
        {"what is no address", "joe", "joe"},
    };
    struct route_table *table = make_table();
    struct arena arena = arena_make();
    route_table_set_srs_key(table, &srs_key);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str left = route_forward_sender(table, str_of(rows[i].sender),
                                               STR("Away@Home.example"), 0, &arena);
        if (!rows[i].left)
            left = ask(table, &arena, arena_copy(&arena, left).at);
        CHECK_STR(left, str_of(rows[i].left ? rows[i].left : rows[i].sender));
    }
    arena_reset(&arena);
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
        enum route_answer answer = route_recipient(table, &list, 0, &arena, &targets);
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
    RUN(a_catch_all_takes_what_nobody_else_takes);
    RUN(a_domain_is_the_same_with_u_labels_and_a_labels);
    RUN(a_sender_of_forwarded_mail_means_whose_it_is);
    RUN(a_sender_of_forwarded_mail_expires);
    RUN(only_who_is_listed_or_known_elsewhere_may_look_like_such_a_sender);
    RUN(mail_leaves_with_a_sender_that_leads_back);
    RUN(without_a_domain_there_is_no_postmaster);
    RUN(a_list_of_a_thousand_is_the_largest);
    RUN(aliases_that_double_at_every_step_end);
    RUN(programs_files_and_includes_are_refused);
    RUN(only_a_server_that_knows_more_than_the_table_is_asked);
    return test_summary();
}
