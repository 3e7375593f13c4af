/* The configuration: a file of titled sections and `key = value` (docs/configuration.md) made into
 * plain structs, with every default filled in and every file that it names read.
 *
 * Reading never stops at a mistake: all of them are in `problems`, each with file and line. A
 * configuration with errors (error_count > 0) is not to be served from; what could be read is in it
 * all the same. Everything lives in the arena that was given. Strings are followed by a NUL, which
 * is not counted. */
#ifndef SERVER_CONFIG_H
#define SERVER_CONFIG_H

#include "dns/resolver.h"
#include "net/tls.h"
#include "receive/receive.h"
#include "route/route.h"

#include <sys/types.h>

struct config_node;

/* ---- what is wrong with it ---- */

enum config_severity { CONFIG_ERROR, CONFIG_WARNING };

struct config_problem {
    enum config_severity severity;
    struct str file;
    uint32_t line;   /* counts from 1; 0: the file as a whole */
    struct str text; /* "what is wrong (what to do)" */
    struct str printed;
};

/* "FILE:LINE: what is wrong (what to do)", "FILE:LINE: warning: …". No control bytes. */
static inline struct str config_problem_print(const struct config_problem *problem)
{
    return problem->printed;
}

/* ---- sections that may be there more than once ---- */

/* A certificate with its chain, and its private key. */
struct config_certificate {
    struct str certificate_file;
    struct str key_file;
    struct str certificate_pem; /* empty: there is none */
    struct str key_pem;
};

enum config_service { CONFIG_SERVICE_MX, CONFIG_SERVICE_SUBMISSION, CONFIG_SERVICE_HTTP };

struct config_listener {
    const struct config_node *node; /* where it is written */
    struct str name;
    struct net_address *binds;
    size_t bind_count;
    enum config_service service;
    enum receive_tls tls;
    bool auth_in_clear;
    struct net_range *proxy; /* who begins with a PROXY header */
    size_t proxy_count;
    struct net_range *xclient; /* who may say XCLIENT */
    size_t xclient_count;
    struct str token_file; /* of service = http */
};

struct config_alias {
    uint32_t line; /* in the alias file */
    struct str name;
    bool is_catch_all;
    struct str *targets;
    size_t target_count;
};

struct config_dkim {
    const struct config_node *node;
    struct str selector;
    struct str key_file;
    struct str key_pem;
};

struct config_domain {
    const struct config_node *node;
    struct str name; /* lower case */
    struct route_way way;
    enum route_users users;
    struct str *user_names;
    size_t user_count;
    struct str users_file; /* of users = "file:…" */
    char separator;        /* 0: none */
    struct str aliases_file;
    struct config_alias *aliases;
    size_t alias_count;
    struct config_dkim *dkims;
    size_t dkim_count;
    enum receive_dmarc dmarc;
};

struct config_route {
    const struct config_node *node;
    struct str pattern; /* lower case: "example.net", "*.example.net", "*" */
    struct route_way way;
    struct str password_file;
    struct config_certificate client; /* what we show there */
};

struct config_also {
    const struct config_node *node;
    struct str name; /* for messages */
    struct config_certificate certificate;
};

/* ---- sections that are there once ---- */

struct config_tls {
    struct config_certificate first; /* none: no tls section */
    struct config_also *also;
    size_t also_count;
    enum tls_minimum minimum;
};

struct config_accounts {
    struct str file;
    struct str text; /* of the file; at is NULL without an accounts section */
    enum receive_senders senders;
};

struct config_resolver {
    struct net_address *servers; /* none: the system's */
    size_t server_count;
    enum dns_security dnssec;
    bool private_targets;
};

struct config_retry {
    uint32_t first_s, max_s, warn_s, expire_s;
};

struct config_limits {
    uint64_t message_size_bytes;
    uint32_t recipients;
    uint32_t connections;
    uint32_t connections_per_ip;
    uint32_t connections_per_destination;
    uint32_t messages_per_session;
    uint32_t command_timeout_s;
};

struct config_trace {
    uint32_t keep_s;
    uint64_t max_size_bytes;
};

struct config {
    const struct config_node *node;
    struct str hostname; /* lower case */
    struct str state;
    struct str user;
    bool received_full;
    struct config_listener *listeners;
    size_t listener_count;
    struct config_tls tls;
    struct config_accounts accounts;
    struct config_domain *domains;
    size_t domain_count;
    struct net_range *relay_from;
    size_t relay_from_count;
    struct config_route *routes;
    size_t route_count;
    struct config_resolver resolver;
    struct config_retry retry;
    struct config_limits limits;
    struct config_trace trace;

    struct config_problem *problems; /* the main file's first, by line */
    size_t problem_count;
    size_t error_count; /* of them */
};

/* ---- reading ---- */

/* How the files that a configuration names are read: the machine's, or a test's. */
struct config_reader {
    /* The whole file, in `arena`, and its mode. ERR_NOT_FOUND, ERR_DENIED, ERR_LIMIT (larger than
     * 16 MiB), ERR_UNSUPPORTED (no regular file), ERR_IO. */
    enum err (*read)(const struct config_reader *reader, struct str path, struct arena *arena,
                     struct str *out_text, mode_t *out_mode);
    void *context;
};
const struct config_reader *config_reader_system(void);

/* Reads a configuration from text; `file` is its name in problems. *out_config is written in any
 * case. ERR_SYNTAX: it has errors. */
MUST_CHECK enum err config_parse(struct str text, const char *file,
                                 const struct config_reader *reader, struct arena *arena,
                                 struct config **out_config);
/* The same for a file; one that cannot be read is an error among `problems`. */
MUST_CHECK enum err config_load(const char *path, struct arena *arena, struct config **out_config);

/* All certificates with keys that it names, in an order that depends on it alone. */
struct config_certificates {
    struct config_certificate **at;
    size_t count;
};
struct config_certificates config_certificates(struct config *config, struct arena *arena);
/* Reads their files once more, into `arena`, and tries them. OK: *out_changed, whether anything is
 * new; only then is it in `config`. ERR_SYNTAX: `config` is as it was, and *out_problem is the
 * first thing that is not as it must be. `file` as in config_parse. */
MUST_CHECK enum err config_reread_certificates(struct config *config, const char *file,
                                               const struct config_reader *reader,
                                               struct arena *arena, bool *out_changed,
                                               struct str *out_problem);

/* The table that `config` describes. ERR_EXISTS, ERR_SYNTAX: only of one with errors. */
MUST_CHECK enum err config_build_routes(const struct config *config,
                                        struct route_table **out_table);

#endif
