/* What an address means here, and where a recipient's mail goes. Built once from the configuration,
 * read-only afterwards, shared by all threads.
 *
 * Acceptance is not routing: route_recipient says whether an address is ours; route_way_of says how
 * accepted mail leaves. A route never grants acceptance. */
#ifndef ROUTE_ROUTE_H
#define ROUTE_ROUTE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/map.h"
#include "mail/address.h"
#include "route/srs.h"

struct tls_context;

enum route_via { ROUTE_MAILDIR, ROUTE_SMTP, ROUTE_LMTP, ROUTE_MX, ROUTE_HOLD };
enum route_tls { ROUTE_TLS_NONE, ROUTE_TLS_MAY, ROUTE_TLS_REQUIRE, ROUTE_TLS_VERIFY };

/* One way out. Lives as long as the table. */
struct route_way {
    enum route_via via;
    struct str name; /* for people: "smtp:127.0.0.1:2526", "maildir", "mx" */
    struct str host; /* SMTP, LMTP: name, IP, or "unix:/path" */
    uint16_t port;
    enum route_tls tls;
    struct str auth_user; /* empty: no login */
    struct str auth_password;
    struct str certificate;          /* the file of the one that we show there; empty: none */
    struct tls_context *tls_context; /* which shows it; NULL: the one of all ways. Borrowed */
    struct str maildir;              /* MAILDIR: the path with %{user} and %{domain} */
    char separator;                  /* of subaddresses in %{user}; 0: none */
    const struct map *listed; /* MAILDIR: users in lower case; `a+b` among them is no subaddress.
                                 Set by the table; may be NULL */
};

enum route_users { ROUTE_USERS_LISTED, ROUTE_USERS_ANY };

/* A `domain` section, as the configuration gives it. Copied. */
struct route_domain_options {
    struct str name; /* in any of its forms */
    struct route_way way;
    enum route_users users;
    const struct str *user_names;
    size_t user_count;
    char separator; /* '+' by default; 0: none */
};

/* Made by the server from the configuration, before threads start. */
struct route_table *route_table_new(void);
void route_table_free(struct route_table *table);
/* ERR_EXISTS when the domain is there already. */
MUST_CHECK enum err route_table_add_domain(struct route_table *table,
                                           const struct route_domain_options *options);
/* `name: target, …` of a domain. ERR_SYNTAX for a pipe, file or include; ERR_EXISTS. */
MUST_CHECK enum err route_table_add_alias(struct route_table *table, struct str domain,
                                          struct str name, const struct str *targets, size_t count);
/* Where mail for names goes that are no user's and no alias's. The rest as above. */
MUST_CHECK enum err route_table_set_catch_all(struct route_table *table, struct str domain,
                                              const struct str *targets, size_t count);
/* With which senders of forwarded mail are rewritten, and found again. Copied. Without it they are
 * not, and such addresses mean nothing. */
void route_table_set_srs_key(struct route_table *table, const struct srs_key *key);
/* `pattern`: "example.net", "*.example.net" or "*". */
MUST_CHECK enum err route_table_add_route(struct route_table *table, struct str pattern,
                                          const struct route_way *way);

/* That of <postmaster> without a domain: the first one. Empty when there is none. */
struct str route_home_domain(const struct route_table *table);
bool route_is_local_domain(const struct route_table *table, struct str domain);

enum route_answer {
    ROUTE_LOCAL,        /* ours; the final addresses are in `out` */
    ROUTE_FOREIGN,      /* not ours: only for clients that may relay */
    ROUTE_NO_SUCH_USER, /* 550 5.1.1 */
    ROUTE_LOOP,         /* aliases that lead to themselves alone, or too many: 5.4.6, a log line */
    ROUTE_FORGED,       /* like a sender that we rewrote, but it is none: 550 5.1.1 */
    ROUTE_EXPIRED,      /* one that was given too long ago: 550 5.1.1 */
};
/* The final addresses behind one recipient: itself, or what its aliases lead to, each once, at most
 * 1,000, in canonical form with the domain in lower case. Foreign addresses may be among them.
 * Subaddresses keep their detail. An alias that names itself among its targets means the mailbox of
 * that name. `<postmaster>` without a domain is given as an address with the host's first domain.
 * A literal is nobody's here. A sender of ours for forwarded mail (route/srs.h) means whose it is,
 * at the time `wall_us`. All domains are given with A-labels. */
struct route_targets {
    struct str *addresses;
    size_t count;
};
enum route_answer route_recipient(const struct route_table *table,
                                  const struct mail_address *address, int64_t wall_us,
                                  struct arena *arena, struct route_targets *out_targets);

/* The sender with which a message leaves that came from `sender` to `by`, an alias of ours that
 * leads outside: as it is when it is null or ours; else an address in the domain of `by` that leads
 * back to it, or, where that would be too long, the postmaster of that domain. In `arena`. */
struct str route_forward_sender(const struct route_table *table, struct str sender, struct str by,
                                int64_t wall_us, struct arena *arena);

/* The way on which lies the server that alone knows whether a local recipient is there: that of a
 * domain which takes every name, by LMTP or SMTP. NULL: there is nobody to ask, or, as with
 * postmaster, nothing. */
const struct route_way *route_way_to_ask(const struct route_table *table, struct str address);

/* Never NULL: where no section and no route fits, it is the built-in "mx" way. */
const struct route_way *route_way_of(const struct route_table *table, struct str address);

/* The directory of a local recipient's mailbox: every byte outside A-Z a-z 0-9 . _ + = - is
 * written %XX, as is a leading dot: nothing a sender writes can leave the mailbox tree. Lower case;
 * the subaddress is cut off. */
MUST_CHECK enum err route_maildir_path(const struct route_way *way, struct str address,
                                       struct arena *arena, struct str *out_path);

#endif
