/* What a right configuration becomes. */
#include "config_fixture.h"

static struct arena fixture_arena;

/* As in the description of the interface. */
static const char interface_example[] =
    "hostname  = \"mx.example.org\"\n"
    "state     = \"/var/lib/postrider\"            # spool, secrets, reports, control socket\n"
    "user      = \"postrider\"                     # whom the engine becomes when started as root\n"
    "\n"
    "listener mx          { bind = {\"0.0.0.0:25\", \"[::]:25\"}    service = mx }\n"
    "listener submission  { bind = {\"0.0.0.0:587\", \"[::]:587\"}  service = submission  tls = "
    "starttls }\n"
    "listener submissions { bind = {\"0.0.0.0:465\", \"[::]:465\"}  service = submission  tls = "
    "implicit }\n"
    "\n"
    "tls { certificate = \"/etc/postrider/fullchain.pem\"  key = \"/etc/postrider/privkey.pem\"  "
    "minimum = \"1.2\" }\n"
    "\n"
    "accounts { file = \"/etc/postrider/accounts\"  senders = local }\n"
    "\n"
    "domain example.org {\n"
    "    deliver = \"maildir:/var/mail/%{domain}/%{user}\"   # or \"lmtp:unix:/run/dovecot/lmtp\"\n"
    "    users   = {\"alice\", \"bob\"}                         # required: a list, \"file:PATH\", "
    "or "
    "\"*\"\n"
    "    aliases = \"/etc/postrider/aliases\"\n"
    "    dkim s2026 { key = \"/etc/postrider/dkim/s2026.key\" }\n"
    "    dmarc   = quarantine\n"
    "}\n"
    "\n"
    "relay { from = {\"192.0.2.0/28\"} }                      # who may relay on mx\n"
    "\n"
    "route \"example.net\" { via = \"smtp:127.0.0.1:2526\"  tls = may }   # a smarthost\n"
    "route \"*\"           { via = \"mx\" }                     # MX look-up\n"
    "\n"
    "resolver { servers = {\"127.0.0.1:5300\"}  dnssec = auto }\n"
    "retry    { first = 1m  max = 4h  warn = 4h  expire = 5d }\n"
    "limits   { message_size = 50M  recipients = 1000  connections = 20000  connections_per_ip = "
    "100  command_timeout = 5m }\n"
    "trace    { keep = 14d  max_size = 2G }\n";

static void check_listeners(struct arena *arena, const struct config *config)
{
    static const struct {
        const char *name, *first, *second;
        enum config_service service;
        enum receive_tls tls;
    } rows[] = {
        {"mx", "0.0.0.0:25", "[::]:25", CONFIG_SERVICE_MX, RECEIVE_TLS_STARTTLS},
        {"submission", "0.0.0.0:587", "[::]:587", CONFIG_SERVICE_SUBMISSION, RECEIVE_TLS_STARTTLS},
        {"submissions", "0.0.0.0:465", "[::]:465", CONFIG_SERVICE_SUBMISSION, RECEIVE_TLS_IMPLICIT},
    };
    REQUIRE(config->listener_count == ARRAY_LEN(rows));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct config_listener *listener = &config->listeners[i];
        CHECK_STR(listener->name, str_of(rows[i].name));
        REQUIRE(listener->bind_count == 2);
        CHECK_STR(net_address_print(arena, &listener->binds[0]), str_of(rows[i].first));
        CHECK_STR(net_address_print(arena, &listener->binds[1]), str_of(rows[i].second));
        CHECK_INT(listener->service, rows[i].service);
        CHECK_INT(listener->tls, rows[i].tls);
        CHECK(!listener->auth_in_clear);
    }
}

static void check_domain(const struct config *config)
{
    REQUIRE(config->domain_count == 1);
    const struct config_domain *domain = &config->domains[0];
    CHECK_STR(domain->name, STR("example.org"));
    CHECK_INT(domain->way.via, ROUTE_MAILDIR);
    CHECK_STR(domain->way.maildir, STR("/var/mail/%{domain}/%{user}"));
    CHECK_INT(domain->users, ROUTE_USERS_LISTED);
    REQUIRE(domain->user_count == 2);
    CHECK_STR(domain->user_names[1], STR("bob"));
    CHECK_INT(domain->separator, '+');
    CHECK_INT(domain->dmarc, RECEIVE_DMARC_QUARANTINE);
    REQUIRE(domain->dkim_count == 1);
    CHECK_STR(domain->dkims[0].selector, STR("s2026"));
    CHECK_STR(domain->dkims[0].key_pem, str_of(fixture_dkim_key));
    REQUIRE(domain->alias_count == 2);
    CHECK_STR(domain->aliases[0].name, STR("info"));
    CHECK_INT(domain->aliases[0].target_count, 2);
    CHECK_INT(domain->aliases[1].line, 2);
}

TEST(the_example_of_the_interface_is_read_as_written)
{
    struct arena arena = arena_make();
    struct config *config = fixture_parse(&arena, str_of(interface_example));
    CHECK_STR(fixture_problems(&arena, config), STR(""));
    CHECK_STR(config->hostname, STR("mx.example.org"));
    CHECK_STR(config->state, STR("/var/lib/postrider"));
    CHECK_STR(config->user, STR("postrider"));
    check_listeners(&arena, config);
    CHECK_STR(config->tls.first.certificate_pem, fixture_certificate);
    CHECK_STR(config->tls.first.key_pem, fixture_key);
    CHECK_INT(config->tls.minimum, TLS_MINIMUM_1_2);
    CHECK_STR(config->accounts.text, STR("alice:$6$salt$hash\n"));
    CHECK_INT(config->accounts.senders, RECEIVE_SENDERS_LOCAL);
    check_domain(config);
    CHECK_INT(config->relay_from_count, 1);
    REQUIRE(config->route_count == 2);
    CHECK_STR(config->routes[0].way.name, STR("smtp:127.0.0.1:2526"));
    CHECK_STR(config->routes[0].way.host, STR("127.0.0.1"));
    CHECK_INT(config->routes[0].way.port, 2526);
    CHECK_INT(config->routes[0].way.tls, ROUTE_TLS_MAY);
    CHECK_INT(config->routes[1].way.via, ROUTE_MX);
    REQUIRE(config->resolver.server_count == 1);
    CHECK_INT(net_address_port(&config->resolver.servers[0]), 5300);
    CHECK_INT(config->resolver.dnssec, DNS_SECURITY_AUTO);
    arena_reset(&arena);
}

TEST(what_is_not_written_has_its_default)
{
    struct arena arena = arena_make();
    struct config *config = fixture_parse(
        &arena,
        STR("hostname = mx.example.org listener mx { bind = {\"[::1]:25\"} service = mx }"));
    CHECK_STR(fixture_problems(&arena, config), STR(""));
    CHECK_STR(config->state, STR("/var/lib/postrider"));
    CHECK_STR(config->user, STR("postrider"));
    CHECK(config->state.at[config->state.len] == '\0');
    CHECK(!config->received_full);
    CHECK_INT(config->listeners[0].tls, RECEIVE_TLS_NONE);
    CHECK(config->accounts.text.at == NULL);
    CHECK_INT(config->tls.first.certificate_pem.len, 0);
    CHECK_INT(config->resolver.dnssec, DNS_SECURITY_AUTO);
    CHECK_INT(config->resolver.server_count, 0);
    CHECK(!config->resolver.private_targets);
    CHECK_INT(config->retry.first_s, 60);
    CHECK_INT(config->retry.max_s, 4 * 3600);
    CHECK_INT(config->retry.warn_s, 4 * 3600);
    CHECK_INT(config->retry.expire_s, 5 * 86400);
    CHECK_INT(config->limits.message_size_bytes, 50 << 20);
    CHECK_INT(config->limits.recipients, 1000);
    CHECK_INT(config->limits.connections, 20000);
    CHECK_INT(config->limits.connections_per_ip, 100);
    CHECK_INT(config->limits.connections_per_destination, 20);
    CHECK_INT(config->limits.messages_per_session, 1000);
    CHECK_INT(config->limits.command_timeout_s, 300);
    CHECK_INT(config->trace.keep_s, 14 * 86400);
    CHECK_INT(config->trace.max_size_bytes, 2LL << 30);
    arena_reset(&arena);
}

TEST(everything_else_that_may_be_written)
{
    static const char text[] =
        "hostname = MX.example.org\n"
        "received = full\n"
        "listener a { bind = {\"127.0.0.1:587\",} service = submission tls = none auth = always "
        "proxy = {\"192.0.2.10\", \"10.0.0.0/8\"} xclient = {\"2001:db8::/64\"} }\n"
        "accounts { file = \"/etc/postrider/accounts\" senders = own }\n"
        "domain Sub.Example.ORG {\n"
        "    deliver = \"smtp:[2001:db8::1]:26\"\n"
        "    users = \"file:/f/users-good\"\n"
        "    separator = \"-\"\n"
        "}\n"
        "domain any.example { deliver = hold users = \"*\" separator = \"\" }\n"
        "route \"*.Example.NET\" {\n"
        "    via = \"smtp:relay.example.net\"\n"
        "    auth { user = \"me\" password_file = \"/etc/postrider/relay-password\" }\n"
        "}\n"
        "resolver { servers = {\"192.0.2.53\", \"[2001:db8::53]\"} dnssec = no private_targets = "
        "yes }\n"
        "retry { first = 1s max = 2s warn = 3s expire = 10s }\n";
    struct arena arena = arena_make();
    struct config *config = fixture_parse(&arena, str_of(text));
    CHECK_STR(fixture_problems(&arena, config),
              STR("c:3: warning: 'auth = always' lets clients send passwords in clear\n"));
    CHECK_STR(config->hostname, STR("mx.example.org"));
    CHECK(config->received_full);
    CHECK(config->listeners[0].auth_in_clear);
    CHECK_INT(config->listeners[0].proxy_count, 2);
    CHECK_INT(config->listeners[0].proxy[1].bits, 8);
    CHECK_INT(config->listeners[0].xclient_count, 1);
    CHECK_INT(config->accounts.senders, RECEIVE_SENDERS_OWN);
    REQUIRE(config->domain_count == 2);
    const struct config_domain *sub = &config->domains[0], *any = &config->domains[1];
    CHECK_STR(sub->name, STR("sub.example.org"));
    CHECK_STR(sub->way.host, STR("2001:db8::1"));
    CHECK_STR(sub->way.name, STR("smtp:[2001:db8::1]:26"));
    CHECK_INT(sub->user_count, 2);
    CHECK_INT(sub->separator, '-');
    CHECK_INT(any->users, ROUTE_USERS_ANY);
    CHECK_INT(any->separator, 0);
    CHECK_INT(any->way.via, ROUTE_HOLD);
    const struct config_route *route = &config->routes[0];
    CHECK_STR(route->pattern, STR("*.example.net"));
    CHECK_STR(route->way.auth_user, STR("me"));
    CHECK_STR(route->way.auth_password, STR("secret"));
    CHECK_INT(route->way.tls, ROUTE_TLS_VERIFY);
    CHECK_INT(route->way.port, 25);
    CHECK_INT(net_address_port(&config->resolver.servers[1]), 53);
    CHECK_INT(config->resolver.dnssec, DNS_SECURITY_NO);
    CHECK(config->resolver.private_targets);
    CHECK_INT(config->retry.expire_s, 10);
    arena_reset(&arena);
}

/* What stays on this machine is not encrypted unless the route says so. */
TEST(the_tls_of_lmtp_is_what_was_written_or_what_fits)
{
    static const struct {
        const char *body;
        enum route_tls tls;
    } rows[] = {
        {"via = \"lmtp:unix:/l\"", ROUTE_TLS_NONE},
        {"tls = require via = \"lmtp:unix:/l\"", ROUTE_TLS_REQUIRE},
        {"via = \"lmtp:[::1]:24\" tls = may", ROUTE_TLS_MAY},
        {"via = \"lmtp:192.0.2.1:24\"", ROUTE_TLS_MAY},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena arena = arena_make();
        struct str text = arena_printf(&arena,
                                       "hostname = mx.example.org\n"
                                       "listener mx { bind = {\"[::1]:25\"} service = mx }\n"
                                       "route \"*\" { %s }\n",
                                       rows[i].body);
        struct config *config = fixture_parse(&arena, text);
        CHECK_STR(fixture_problems(&arena, config), STR_EMPTY);
        REQUIRE(config->route_count == 1);
        CHECK_INT(config->routes[0].way.via, ROUTE_LMTP);
        CHECK_INT(config->routes[0].way.tls, rows[i].tls);
        arena_reset(&arena);
    }
}

TEST(the_route_table_is_what_was_written)
{
    struct arena arena = arena_make();
    struct config *config = fixture_parse(&arena, str_of(interface_example));
    struct route_table *table = NULL;
    REQUIRE(config_build_routes(config, &table) == OK);
    CHECK(route_is_local_domain(table, STR("Example.org")));
    CHECK_STR(route_way_of(table, STR("a@example.net"))->name, STR("smtp:127.0.0.1:2526"));
    CHECK_STR(route_way_of(table, STR("a@elsewhere.test"))->name, STR("mx"));
    struct mail_address root = {.local = STR("root"), .domain = STR("example.org")};
    struct route_targets targets = {0};
    CHECK_INT(route_recipient(table, &root, 0, &arena, &targets), ROUTE_LOCAL);
    CHECK_INT(targets.count, 2);
    struct str path = STR_EMPTY;
    CHECK_INT(route_maildir_path(route_way_of(table, STR("bob+x@example.org")),
                                 STR("bob+x@example.org"), &arena, &path),
              OK);
    CHECK_STR(path, STR("/var/mail/example.org/bob"));
    route_table_free(table);
    arena_reset(&arena);
}

TEST(a_file_that_is_not_there_is_told)
{
    struct arena arena = arena_make();
    struct config *config = NULL;
    CHECK_INT(config_load("/nonexistent/postrider.conf", &arena, &config), ERR_SYNTAX);
    REQUIRE(config && config->problem_count == 1);
    CHECK_STR(config_problem_print(&config->problems[0]),
              STR("/nonexistent/postrider.conf: cannot be read: not found (name a configuration "
                  "file with -c FILE)"));
    arena_reset(&arena);
}

TEST(the_machines_files_are_read_with_their_mode)
{
    char path[] = "/tmp/postrider-config-test-XXXXXX";
    int fd = mkstemp(path);
    REQUIRE(fd >= 0);
    FILE *file = fdopen(fd, "w");
    fputs("text\n", file);
    fclose(file);
    struct arena arena = arena_make();
    const struct config_reader *reader = config_reader_system();
    struct str text = STR_EMPTY;
    mode_t mode = 0;
    CHECK_INT(reader->read(reader, str_of(path), &arena, &text, &mode), OK);
    CHECK_STR(text, STR("text\n"));
    CHECK_INT(mode & 07777, 0600);
    CHECK_INT(reader->read(reader, STR("/tmp"), &arena, &text, &mode), ERR_UNSUPPORTED);
    CHECK_INT(reader->read(reader, STR("/dev/null"), &arena, &text, &mode), ERR_UNSUPPORTED);
    remove(path);
    CHECK_INT(reader->read(reader, str_of(path), &arena, &text, &mode), ERR_NOT_FOUND);
    arena_reset(&arena);
}

int main(void)
{
    fixture_init(&fixture_arena);
    RUN(the_example_of_the_interface_is_read_as_written);
    RUN(what_is_not_written_has_its_default);
    RUN(everything_else_that_may_be_written);
    RUN(the_tls_of_lmtp_is_what_was_written_or_what_fits);
    RUN(the_route_table_is_what_was_written);
    RUN(a_file_that_is_not_there_is_told);
    RUN(the_machines_files_are_read_with_their_mode);
    arena_reset(&fixture_arena);
    return test_summary();
}
