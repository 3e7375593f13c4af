#include "server/config_schema.h"

#include "server/config_take.h"

/* The record that a group of rules fills, for AT. */
#define TOP      struct config
#define LISTENER struct config_listener
#define DOMAIN   struct config_domain
#define DKIM     struct config_dkim
#define ROUTE    struct config_route
#define ALSO     struct config_also

#define AT(record, field) .at = offsetof(record, field)
#define LIST(record, items, count) \
    .at = offsetof(record, items), .count_at = offsetof(record, count)
#define RECORDS(record, items, count, of)                                      \
    .repeats = true, .record_size = sizeof(of), .node_at = offsetof(of, node), \
    .records_at = offsetof(record, items), .record_count_at = offsetof(record, count)
#define RULES(table) .rules = table, .rule_count = ARRAY_LEN(table)

static const struct config_rule top_rules[] = {
    {.name = "hostname",
     .take = config_take_host,
     AT(TOP, hostname),
     .is_required = true,
     .example = "\"mx.example.org\"",
     .help = "this host's name, in greetings and Received fields"},
    {.name = "state",
     .take = config_take_path,
     AT(TOP, state),
     .initial = "/var/lib/postrider",
     .example = "\"/var/lib/postrider\"",
     .help = "the directory of spool, traces and control socket"},
    {.name = "user",
     .take = config_take_text,
     AT(TOP, user),
     .initial = "postrider",
     .example = "\"postrider\"",
     .help = "whom the engine becomes when started as root"},
    {.name = "received",
     .take = config_take_flag,
     AT(TOP, received_full),
     .initial = "private",
     .choices = "private|full",
     .example = "full",
     .help = "whether Received fields of submitted mail tell the client's address and account"},
};

/* ---- listener ---- */

static_assert(RECEIVE_TLS_NONE == 0 && RECEIVE_TLS_STARTTLS == 1 && RECEIVE_TLS_IMPLICIT == 2,
              "as the choices of tls");

static const struct config_rule listener_rules[] = {
    {.name = "bind",
     .take = config_take_binds,
     LIST(LISTENER, binds, bind_count),
     .is_required = true,
     .example = "{\"0.0.0.0:25\", \"[::]:25\"}",
     .help = "the addresses it listens on"},
    {.name = "service",
     .take = config_take_choice,
     AT(LISTENER, service),
     .is_required = true,
     .choices = "mx|submission|http",
     .example = "mx",
     .help = "what is spoken there"},
    {.name = "tls",
     .take = config_take_choice,
     AT(LISTENER, tls),
     .choices = "none|starttls|implicit",
     .example = "starttls",
     .help =
         "how connections are encrypted; the default is starttls with a tls section, else none"},
    {.name = "auth",
     .take = config_take_flag,
     AT(LISTENER, auth_in_clear),
     .initial = "tls",
     .choices = "tls|always",
     .example = "tls",
     .help = "whether logins are taken on encrypted connections only"},
    {.name = "proxy",
     .take = config_take_ranges,
     LIST(LISTENER, proxy, proxy_count),
     .example = "{\"192.0.2.10\"}",
     .help = "load balancers, which begin each connection with a PROXY header"},
    {.name = "xclient",
     .take = config_take_ranges,
     LIST(LISTENER, xclient, xclient_count),
     .example = "{\"192.0.2.11\"}",
     .help = "proxies that may tell with XCLIENT for whom they speak"},
    {.name = "token_file",
     .take = config_take_path,
     AT(LISTENER, token_file),
     .example = "\"/etc/postrider/token\"",
     .help = "the secret of service = http"},
};

/* ---- tls, accounts, relay ---- */

static_assert(TLS_MINIMUM_1_2 == 0 && TLS_MINIMUM_1_3 == 1, "as the choices of minimum");
static_assert(RECEIVE_SENDERS_LOCAL == 0 && RECEIVE_SENDERS_OWN == 1 && RECEIVE_SENDERS_ANY == 2,
              "as the choices of senders");

static const struct config_rule tls_rules[] = {
    {.name = "certificate",
     .take = config_take_path,
     AT(TOP, tls.first.certificate_file),
     .is_required = true,
     .example = "\"/etc/postrider/fullchain.pem\"",
     .help = "the certificate with its chain, PEM"},
    {.name = "key",
     .take = config_take_path,
     AT(TOP, tls.first.key_file),
     .is_required = true,
     .example = "\"/etc/postrider/privkey.pem\"",
     .help = "its private key, PEM, mode 0600"},
    {.name = "minimum",
     .take = config_take_choice,
     AT(TOP, tls.minimum),
     .initial = "1.2",
     .choices = "1.2|1.3",
     .example = "\"1.2\"",
     .help = "the oldest version of TLS that is spoken"},
};

static const struct config_rule also_rules[] = {
    {.name = "certificate",
     .take = config_take_path,
     AT(ALSO, certificate.certificate_file),
     .is_required = true,
     .example = "\"/etc/postrider/example.net/fullchain.pem\"",
     .help = "the certificate with its chain, PEM"},
    {.name = "key",
     .take = config_take_path,
     AT(ALSO, certificate.key_file),
     .is_required = true,
     .example = "\"/etc/postrider/example.net/privkey.pem\"",
     .help = "its private key, PEM, mode 0600"},
};

static const struct config_rule accounts_rules[] = {
    {.name = "file",
     .take = config_take_path,
     AT(TOP, accounts.file),
     .is_required = true,
     .example = "\"/etc/postrider/accounts\"",
     .help = "who may log in; kept with postrider account"},
    {.name = "senders",
     .take = config_take_choice,
     AT(TOP, accounts.senders),
     .initial = "local",
     .choices = "local|own|any",
     .example = "local",
     .help = "as whom an account may send"},
};

static const struct config_rule relay_rules[] = {
    {.name = "from",
     .take = config_take_ranges,
     LIST(TOP, relay_from, relay_from_count),
     .example = "{\"192.0.2.0/28\"}",
     .help = "clients that may send anywhere through mx without a login"},
};

/* ---- domain ---- */

static const struct config_rule domain_rules[] = {
    {.name = "deliver",
     .take = config_take_deliver,
     .is_required = true,
     .example = "\"maildir:/var/mail/%{domain}/%{user}\"",
     .help = "where its mail goes"},
    {.name = "users",
     .take = config_take_users,
     .is_required = true,
     .example = "{\"alice\", \"bob\"}",
     .help = "whose mail is taken"},
    {.name = "aliases",
     .take = config_take_path,
     AT(DOMAIN, aliases_file),
     .example = "\"/etc/postrider/aliases\"",
     .help = "further names and whom they lead to"},
    {.name = "separator",
     .take = config_take_separator,
     .initial = "+",
     .example = "\"+\"",
     .help = "what separates a user from the detail of a subaddress"},
    {.name = "dmarc",
     .take = config_take_choice,
     AT(DOMAIN, dmarc),
     .initial = "quarantine",
     .choices = "enforce|quarantine|mark|off",
     .example = "quarantine",
     .help = "what is done about others' published policies"},
};

static const struct config_rule dkim_rules[] = {
    {.name = "key",
     .take = config_take_path,
     AT(DKIM, key_file),
     .is_required = true,
     .example = "\"/etc/postrider/dkim/s2026.key\"",
     .help = "the private key that signs, PKCS#8 PEM, mode 0600"},
};

/* ---- route ---- */

static_assert(ROUTE_TLS_NONE == 0 && ROUTE_TLS_MAY == 1 && ROUTE_TLS_REQUIRE == 2 &&
                  ROUTE_TLS_VERIFY == 3,
              "as the choices of tls");

static const struct config_rule route_rules[] = {
    {.name = "via",
     .take = config_take_via,
     .is_required = true,
     .example = "\"smtp:HOST:PORT\"",
     .help = "how mail to these domains leaves"},
    {.name = "tls",
     .take = config_take_choice,
     AT(ROUTE, way.tls),
     .initial = "may",
     .choices = "none|may|require|verify",
     .example = "may",
     .help = "how the connection is encrypted"},
    {.name = "certificate",
     .take = config_take_path,
     AT(ROUTE, client.certificate_file),
     .example = "\"/etc/postrider/client.pem\"",
     .help = "the certificate that we show there, with its chain, PEM"},
    {.name = "key",
     .take = config_take_path,
     AT(ROUTE, client.key_file),
     .example = "\"/etc/postrider/client.key\"",
     .help = "its private key, PEM, mode 0600"},
};

static const struct config_rule auth_rules[] = {
    {.name = "user",
     .take = config_take_text,
     AT(ROUTE, way.auth_user),
     .is_required = true,
     .example = "\"relay-user\"",
     .help = "the name to log in with"},
    {.name = "password_file",
     .take = config_take_path,
     AT(ROUTE, password_file),
     .is_required = true,
     .example = "\"/etc/postrider/relay-password\"",
     .help = "the file whose first line is the password, mode 0600"},
};

/* ---- resolver, retry, limits, trace ---- */

static_assert(DNS_SECURITY_AUTO == 0 && DNS_SECURITY_YES == 1 && DNS_SECURITY_NO == 2,
              "as the choices of dnssec");

static const struct config_rule resolver_rules[] = {
    {.name = "servers",
     .take = config_take_resolvers,
     LIST(TOP, resolver.servers, resolver.server_count),
     .example = "{\"127.0.0.1:5300\"}",
     .help = "the DNS servers to ask; the default is the system's"},
    {.name = "dnssec",
     .take = config_take_choice,
     AT(TOP, resolver.dnssec),
     .initial = "auto",
     .choices = "auto|yes|no",
     .example = "auto",
     .help = "whether answers are validated"},
    {.name = "private_targets",
     .take = config_take_flag,
     AT(TOP, resolver.private_targets),
     .initial = "no",
     .choices = "no|yes",
     .example = "no",
     .help = "whether mail by MX may go to private and loopback addresses"},
};

#define RETRY(key, field, initially, what)                                            \
    {                                                                                 \
        .name = key, .take = config_take_duration, AT(TOP, retry.field), .min = "1s", \
        .max = "30d", .initial = initially, .example = initially, .help = what        \
    }

static const struct config_rule retry_rules[] = {
    RETRY("first", first_s, "1m", "until the second attempt; then it doubles"),
    RETRY("max", max_s, "4h", "the longest time between two attempts"),
    RETRY("warn", warn_s, "4h", "when the sender is told of the delay"),
    RETRY("expire", expire_s, "5d", "when the mail goes back"),
};

#define COUNT(key, field, initially, from, to, what)                                            \
    {                                                                                           \
        .name = key, .take = config_take_number, AT(TOP, limits.field), .min = from, .max = to, \
        .initial = initially, .example = initially, .help = what                                \
    }

static const struct config_rule limits_rules[] = {
    {.name = "message_size",
     .take = config_take_size,
     AT(TOP, limits.message_size_bytes),
     .min = "1K",
     .max = "2G",
     .initial = "50M",
     .example = "50M",
     .help = "the largest message"},
    COUNT("recipients", recipients, "1000", "1", "100000", "of one message"),
    COUNT("connections", connections, "20000", "1", "100000", "of all clients together"),
    COUNT("connections_per_ip", connections_per_ip, "100", "1", "100000",
          "of one IPv4 address or IPv6 /64"),
    COUNT("connections_per_destination", connections_per_destination, "20", "1", "1000",
          "that are opened to one destination"),
    COUNT("messages_per_session", messages_per_session, "1000", "1", "1000000",
          "of one client's connection"),
    {.name = "command_timeout",
     .take = config_take_duration,
     AT(TOP, limits.command_timeout_s),
     .min = "1s",
     .max = "1h",
     .initial = "5m",
     .example = "5m",
     .help = "how long a client may be silent"},
};

static const struct config_rule trace_rules[] = {
    {.name = "keep",
     .take = config_take_duration,
     AT(TOP, trace.keep_s),
     .min = "1s",
     .max = "3650d",
     .initial = "14d",
     .example = "14d",
     .help = "how long a message's story is kept"},
    {.name = "max_size",
     .take = config_take_size,
     AT(TOP, trace.max_size_bytes),
     .min = "1M",
     .max = "1024G",
     .initial = "2G",
     .example = "2G",
     .help = "of all stories together; the oldest go first"},
};

/* ---- the sections ---- */

const struct config_section_rule config_sections[] = {
    {.name = "", RULES(top_rules), .help = "the server"},
    {.name = "listener",
     .parent = "",
     .title = "mx",
     .take_title = config_take_listener_name,
     RECORDS(TOP, listeners, listener_count, LISTENER),
     RULES(listener_rules),
     .help = "where clients connect"},
    {.name = "tls", .parent = "", RULES(tls_rules), .help = "this server's certificate"},
    {.name = "also",
     .parent = "tls",
     .title = "example.net",
     .take_title = config_take_also_name,
     RECORDS(TOP, tls.also, tls.also_count, ALSO),
     RULES(also_rules),
     .help = "a certificate for further hosts"},
    {.name = "accounts", .parent = "", RULES(accounts_rules), .help = "who may submit mail"},
    {.name = "domain",
     .parent = "",
     .title = "example.org",
     .take_title = config_take_domain_name,
     RECORDS(TOP, domains, domain_count, DOMAIN),
     RULES(domain_rules),
     .help = "a domain whose mail is taken here"},
    {.name = "dkim",
     .parent = "domain",
     .title = "s2026",
     .take_title = config_take_selector,
     RECORDS(DOMAIN, dkims, dkim_count, DKIM),
     RULES(dkim_rules),
     .help = "a key that signs the domain's mail"},
    {.name = "relay", .parent = "", RULES(relay_rules), .help = "who may relay"},
    {.name = "route",
     .parent = "",
     .title = "\"*\"",
     .take_title = config_take_pattern,
     RECORDS(TOP, routes, route_count, ROUTE),
     RULES(route_rules),
     .help = "where mail to other domains goes"},
    {.name = "auth", .parent = "route", RULES(auth_rules), .help = "the login there"},
    {.name = "resolver", .parent = "", RULES(resolver_rules), .help = "whom to ask for names"},
    {.name = "retry", .parent = "", RULES(retry_rules), .help = "when mail is tried again"},
    {.name = "limits", .parent = "", RULES(limits_rules), .help = "what clients may use up"},
    {.name = "trace", .parent = "", RULES(trace_rules), .help = "how long stories are kept"},
};
const size_t config_section_count = ARRAY_LEN(config_sections);

/* ---- look-up ---- */

const struct config_section_rule *config_section_find(const char *parent, struct str name)
{
    for (size_t i = 0; i < config_section_count; i++) {
        const struct config_section_rule *section = &config_sections[i];
        bool same_parent = !parent || !section->parent ? parent == section->parent
                                                       : strcmp(parent, section->parent) == 0;
        if (same_parent && str_eq(name, str_of(section->name)))
            return section;
    }
    return NULL;
}

const struct config_rule *config_rule_find(const struct config_section_rule *section,
                                           struct str name)
{
    for (size_t i = 0; i < section->rule_count; i++)
        if (str_eq(name, str_of(section->rules[i].name)))
            return &section->rules[i];
    return NULL;
}
