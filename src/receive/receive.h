/* One SMTP server conversation: ends in committed spool entries, or refusals. */
#ifndef RECEIVE_RECEIVE_H
#define RECEIVE_RECEIVE_H

#include "base/random.h"
#include "dns/resolver.h"
#include "mail/status.h"
#include "net/network.h"
#include "net/tls.h"
#include "receive/accounts.h"
#include "receive/domains.h"
#include "route/route.h"
#include "spool/spool.h"
#include "trace/trace.h"
#include "verify/keyring.h"

enum receive_kind {
    RECEIVE_MX,
    RECEIVE_SUBMISSION,
    /* Programs of this host, through a UNIX socket: the kernel says who they are, "uid 1000", and
     * that is their login. */
    RECEIVE_LOCAL,
};
enum receive_tls { RECEIVE_TLS_NONE, RECEIVE_TLS_STARTTLS, RECEIVE_TLS_IMPLICIT };
enum receive_senders { RECEIVE_SENDERS_LOCAL, RECEIVE_SENDERS_OWN, RECEIVE_SENDERS_ANY };

struct receive_timeouts { /* milliseconds; RFC 5321 section 4.5.3.2 */
    uint32_t command;     /* 5 min; shorter when the server is nearly full */
    uint32_t data_block;  /* 3 min between pieces of content */
    uint32_t transaction; /* the whole content of one message: 1 h */
    uint32_t session;     /* 4 h */
    uint32_t tls;         /* handshake: 1 min */
};
struct receive_timeouts receive_timeouts_default(void);

/* What the server that keeps a recipient's mailbox says of it. */
enum receive_knowledge {
    RECEIVE_IS_THERE,
    RECEIVE_IS_NOT_THERE,
    RECEIVE_NOT_NOW, /* it refuses the recipient for now */
    RECEIVE_UNKNOWN, /* it could not be asked */
};
struct receive_report {
    enum receive_knowledge knowledge;
    struct mail_status status; /* the server's, or none */
    struct str words;          /* for people */
};
/* Asks that server. The report's words live in `arena`. ERR_CANCELLED; what is not known at the
 * deadline is RECEIVE_UNKNOWN. Called on all loops. */
struct receive_verifier {
    MAY_YIELD enum err (*ask)(void *context, const struct route_way *way, struct str address,
                              uint64_t deadline_ms, struct arena *arena,
                              struct receive_report *out_report);
    void *context;
};

/* One listener's service; shared by all its sessions on all loops, read-only. */
struct receive_service {
    enum receive_kind kind;
    enum receive_tls tls;
    struct str name;                 /* the listener's */
    struct str hostname;             /* in banner, EHLO, Received */
    struct str home;                 /* LOCAL: the domain of addresses that have none; announced */
    struct tls_context *tls_context; /* NULL: STARTTLS is not offered */
    bool auth_in_clear;              /* logins without TLS: only when the listener says so */
    bool received_full;              /* on submission: client and account in Received */
    enum receive_senders senders;
    const struct accounts *accounts; /* NULL: no AUTH */
    struct blocking_pool *password_pool;
    const struct route_table *routes;
    const struct receive_domains *domains; /* NULL: all have the default */
    const struct keyring *keyring;         /* NULL: nothing is signed */
    struct blocking_pool *signing_pool;
    struct receive_verifier verifier; /* of route_way_to_ask's recipients; `ask` NULL: taken */
    const struct net_range *relay_from;
    size_t relay_from_count;
    /* Who stands before clients and is believed about them: with a PROXY header, which must come
     * then, or with XCLIENT. They themselves may have any number of connections. */
    const struct net_range *proxy_from;
    size_t proxy_from_count;
    const struct net_range *xclient_from;
    size_t xclient_from_count;
    bool accept_everything; /* the sandbox: any recipient is taken */
    struct spool *spool;
    struct trace *trace;
    uint64_t message_size_max_bytes;
    uint32_t recipients_max;
    uint32_t messages_max; /* per session; 0: 1,000 */
    uint32_t errors_max;   /* refused or senseless commands before 421; 0: 20 */
    struct receive_timeouts timeouts;
};

/* Counts connections: of all, and by client key (net_address_client_key). Shared by all loops. */
struct receive_gate;
struct receive_gate *receive_gate_new(uint32_t connections_max, uint32_t per_client_max);
void receive_gate_free(struct receive_gate *gate);

/* Speaks the whole session and closes the stream. A client over its limit gets `421 4.7.0`.
 * `resolver`: the loop's; NULL: strangers' mail is not judged. While a message is judged the
 * session has a second fiber. */
MAY_YIELD void receive_session(const struct receive_service *service, struct receive_gate *gate,
                               struct resolver *resolver, struct stream *stream);

#endif
