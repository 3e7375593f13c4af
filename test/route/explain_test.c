#include "route/explain.h"
#include "test.h"

static struct route_table *make_table(void)
{
    static const struct str users[] = {{"alice", 5}, {"bob", 3}};
    static const struct str staff[] = {{"alice", 5}, {"Ada@Elsewhere.test", 18}};
    static const struct str ring[] = {{"ring", 4}};
    struct route_table *table = route_table_new();
    struct route_way maildir = {.via = ROUTE_MAILDIR, .maildir = STR("/mail/%{user}")};
    struct route_domain_options home = {.name = STR("home.example"),
                                        .way = maildir,
                                        .user_names = users,
                                        .user_count = ARRAY_LEN(users),
                                        .separator = '+'};
    struct route_domain_options any = {
        .name = STR("any.example"), .way = maildir, .users = ROUTE_USERS_ANY};
    struct route_way relay = {
        .via = ROUTE_SMTP, .host = STR("mail.example"), .port = 587, .tls = ROUTE_TLS_VERIFY};
    struct route_way hold = {.via = ROUTE_HOLD};
    struct route_way lmtp = {.via = ROUTE_LMTP, .host = STR("unix:/run/lmtp")};
    CHECK_INT(route_table_add_domain(table, &home), OK);
    CHECK_INT(route_table_add_domain(table, &any), OK);
    CHECK_INT(route_table_add_alias(table, home.name, STR("staff"), staff, ARRAY_LEN(staff)), OK);
    CHECK_INT(route_table_add_alias(table, home.name, STR("ring"), ring, ARRAY_LEN(ring)), OK);
    static const struct str rest[] = {{"bob@home.example", 16}, {"far@elsewhere.test", 18}};
    struct route_domain_options open = {.name = STR("open.example")};
    struct srs_key srs_key = {{1, 2, 3}};
    CHECK_INT(route_table_add_domain(table, &open), OK);
    CHECK_INT(route_table_set_catch_all(table, open.name, rest, ARRAY_LEN(rest)), OK);
    route_table_set_srs_key(table, &srs_key);
    CHECK_INT(route_table_add_route(table, STR("partner.test"), &relay), OK);
    CHECK_INT(route_table_add_route(table, STR("*.slow.test"), &hold), OK);
    CHECK_INT(route_table_add_route(table, STR("lists.test"), &lmtp), OK);
    return table;
}

/* The words of all steps, a line each, and the answer. */
static struct str walk(const struct route_table *table, struct arena *arena, const char *text)
{
    struct mail_address address;
    CHECK_INT(mail_address_parse(arena, str_of(text), 0, &address), OK);
    struct route_targets targets, plain;
    struct route_steps steps;
    enum route_answer answer = route_recipient_explain(table, &address, 0, arena, &targets, &steps);
    CHECK_INT(answer, route_recipient(table, &address, 0, arena, &plain));
    struct str story = STR_EMPTY;
    for (size_t i = 0; i < steps.count; i++)
        story = arena_printf(arena, "%.*s%.*s\n", STR_FMT(story),
                             STR_FMT(route_step_print(arena, &steps.at[i])));
    if (answer == ROUTE_LOCAL)
        for (size_t i = 0; i < targets.count; i++)
            CHECK_STR(targets.addresses[i], plain.addresses[i]);
    return story;
}

TEST(each_step_is_told)
{
    static const struct {
        const char *address, *story;
    } rows[] = {
        {"Alice@Home.example", "Alice is a user of home.example\n"},
        {"bob+x@home.example", "bob+x is the subaddress of a user of home.example\n"},
        {"who@any.example", "who is a user, as every name is, of any.example\n"},
        {"postmaster@home.example", "postmaster is always there, at home.example\n"},
        {"nobody@home.example", "nobody is no user and no alias of home.example\n"},
        {"who@open.example",
         "who is no user and no other alias, so it goes to the catch-all of open.example, "
         "bob@home.example, far@elsewhere.test\n"
         "bob is a user of home.example\n"
         "elsewhere.test is not a domain of this server\n"},
        {"SRS0=AAAAAA=AA=away.test=joe@home.example",
         "looks like the sender of forwarded mail, but was not written by this server\n"},
        {"x@partner.test", "partner.test is not a domain of this server\n"},
        {"x@[192.0.2.1]", "[192.0.2.1] is not a domain of this server\n"},
        {"ring@home.example", "ring is an alias of home.example for ring@home.example\n"},
        {"staff+x@home.example",
         "staff+x is the subaddress of an alias of home.example for alice@home.example, "
         "Ada@Elsewhere.test\n"
         "alice is a user of home.example\n"
         "elsewhere.test is not a domain of this server\n"},
    };
    struct arena arena = arena_make();
    struct route_table *table = make_table();
    struct str srs =
        route_forward_sender(table, STR("joe@away.test"), STR("x@home.example"), 0, &arena);
    CHECK_STR(walk(table, &arena, arena_copy(&arena, srs).at),
              STR("is the sender that forwarded mail of joe@away.test left with\n"
                  "away.test is not a domain of this server\n"));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        CHECK_STR(walk(table, &arena, rows[i].address), str_of(rows[i].story));
    route_table_free(table);
    arena_reset(&arena);
}

TEST(the_section_that_decides_is_told)
{
    static const struct {
        const char *address, *section, *words, *via, *tls;
    } rows[] = {
        {"alice@HOME.example", "domain home.example", "a Maildir", "maildir", "none"},
        {"x@partner.test", "route partner.test", "SMTP to mail.example:587", "smtp", "verify"},
        {"x@lists.test", "route lists.test", "LMTP to unix:/run/lmtp", "lmtp", "none"},
        {"x@a.b.slow.test", "route *.slow.test", "nowhere: it stays in the queue", "hold", "none"},
        {"x@slow.test", "", "SMTP to the MX hosts of its domain", "mx", "may"},
        {"nothing", "", "SMTP to the MX hosts of its domain", "mx", "may"},
    };
    struct arena arena = arena_make();
    struct route_table *table = make_table();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str section, address = str_of(rows[i].address);
        const struct route_way *way = route_way_explain(table, address, &arena, &section);
        CHECK_ROW(rows[i].address, way == route_way_of(table, address));
        CHECK_STR(section, str_of(rows[i].section));
        CHECK_STR(route_way_print(&arena, way), str_of(rows[i].words));
        CHECK_STR(str_of(route_via_name(way->via)), str_of(rows[i].via));
        CHECK_STR(str_of(route_tls_name(way->tls)), str_of(rows[i].tls));
    }
    struct route_way star = {.via = ROUTE_HOLD};
    CHECK_INT(route_table_add_route(table, STR("*"), &star), OK);
    struct str section;
    CHECK_INT(route_way_explain(table, STR("x@y.test"), &arena, &section)->via, ROUTE_HOLD);
    CHECK_STR(section, STR("route *"));
    route_table_free(table);
    arena_reset(&arena);
}

int main(void)
{
    RUN(each_step_is_told);
    RUN(the_section_that_decides_is_told);
    return test_summary();
}
