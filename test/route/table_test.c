#include "route/route.h"
#include "test.h"

static struct route_way smtp_way(const char *name)
{
    return (struct route_way){.via = ROUTE_SMTP,
                              .name = str_of(name),
                              .host = STR("192.0.2.1"),
                              .port = 25,
                              .auth_user = STR_EMPTY,
                              .auth_password = STR_EMPTY,
                              .maildir = STR_EMPTY};
}

static void add_domain(struct route_table *table, const char *name)
{
    struct route_domain_options options = {.name = str_of(name), .way = smtp_way(name)};
    CHECK_INT(route_table_add_domain(table, &options), OK);
}

static void add_route(struct route_table *table, const char *pattern)
{
    struct route_way way = smtp_way(pattern);
    CHECK_INT(route_table_add_route(table, str_of(pattern), &way), OK);
}

TEST(the_most_specific_way_is_taken)
{
    struct route_table *table = route_table_new();
    add_domain(table, "home.example");
    add_route(table, "home.example");
    add_route(table, "*");
    add_route(table, "*.example");
    add_route(table, "*.deep.example");
    add_route(table, "exact.deep.example");

    static const struct {
        const char *about, *address, *way;
    } rows[] = {
        {"a domain section goes before a route", "a@home.example", "home.example"},
        {"in any case", "a@HOME.Example", "home.example"},
        {"the exact name goes before a suffix", "a@exact.deep.example", "exact.deep.example"},
        {"the longest suffix wins", "a@other.deep.example", "*.deep.example"},
        {"over several labels", "a@x.y.z.deep.example", "*.deep.example"},
        {"a suffix is not the name itself", "a@deep.example", "*.example"},
        {"a suffix ends at a dot", "a@notdeep.example", "*.example"},
        {"the top name itself is not below itself", "a@example", "*"},
        {"the star takes the rest", "a@elsewhere.test", "*"},
        {"only the last @ counts", "\"x@home.example\"@elsewhere.test", "*"},
        {"a literal has no suffixes", "a@[192.0.2.9]", "*"},
        {"an address without domain", "postmaster", "*"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct route_way *way = route_way_of(table, str_of(rows[i].address));
        CHECK_ROW(rows[i].about, str_eq(way->name, str_of(rows[i].way)));
    }
    route_table_free(table);
}

TEST(without_any_route_mail_goes_by_mx)
{
    struct route_table *table = route_table_new();
    const struct route_way *way = route_way_of(table, STR("a@example.net"));
    CHECK_INT(way->via, ROUTE_MX);
    CHECK_INT(way->tls, ROUTE_TLS_MAY);
    CHECK_STR(way->name, STR("mx"));
    route_table_free(table);
}

TEST(what_is_there_is_not_replaced)
{
    struct route_table *table = route_table_new();
    add_domain(table, "a.example");
    struct route_domain_options again = {.name = STR("A.example"), .way = smtp_way("x")};
    CHECK_INT(route_table_add_domain(table, &again), ERR_EXISTS);

    static const char *const patterns[] = {"*", "*.a.example", "b.example"};
    for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
        struct route_way way = smtp_way("x");
        add_route(table, patterns[i]);
        CHECK_INT(route_table_add_route(table, str_of(patterns[i]), &way), ERR_EXISTS);
    }

    struct str target = STR("a");
    CHECK_INT(route_table_add_alias(table, STR("a.example"), STR("info"), &target, 1), OK);
    CHECK_INT(route_table_add_alias(table, STR("a.example"), STR("INFO"), &target, 1), ERR_EXISTS);
    CHECK_INT(route_table_add_alias(table, STR("b.example"), STR("x"), &target, 1), ERR_NOT_FOUND);
    route_table_free(table);
}

TEST(senseless_patterns_are_refused)
{
    struct route_table *table = route_table_new();
    static const char *const patterns[] = {"",           "*.", "**", "a..b", "*.*.example",
                                           "-a.example", "a b"};
    for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
        struct route_way way = smtp_way("x");
        CHECK_ROW(patterns[i],
                  route_table_add_route(table, str_of(patterns[i]), &way) == ERR_SYNTAX);
    }
    route_table_free(table);
}

TEST(local_domains_are_known_in_any_case)
{
    struct route_table *table = route_table_new();
    add_domain(table, "Home.Example");
    CHECK(route_is_local_domain(table, STR("home.example")));
    CHECK(route_is_local_domain(table, STR("HOME.EXAMPLE")));
    CHECK(!route_is_local_domain(table, STR("sub.home.example")));
    CHECK(!route_is_local_domain(table, STR("")));
    static char long_name[10000];
    CHECK(!route_is_local_domain(table, str_make(long_name, sizeof long_name)));
    route_table_free(table);
}

int main(void)
{
    RUN(the_most_specific_way_is_taken);
    RUN(without_any_route_mail_goes_by_mx);
    RUN(what_is_there_is_not_replaced);
    RUN(senseless_patterns_are_refused);
    RUN(local_domains_are_known_in_any_case);
    return test_summary();
}
