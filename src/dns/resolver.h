/* Questions and answers. A resolver is a parameter, never a global: the system's is libunbound,
 * one context per loop; the simulation's is a script. Names are text in presentation form without
 * a trailing dot; answers are bytes (RFC 1035), hostile until parsed here. */
#ifndef DNS_RESOLVER_H
#define DNS_RESOLVER_H

#include "base/arena.h"
#include "fiber/fiber.h"
#include "net/address.h"

struct resolver;

enum dns_type {
    DNS_A = 1,
    DNS_NS = 2,
    DNS_CNAME = 5,
    DNS_SOA = 6,
    DNS_PTR = 12,
    DNS_MX = 15,
    DNS_TXT = 16,
    DNS_AAAA = 28,
    DNS_DNSKEY = 48,
    DNS_TLSA = 52,
};

enum dns_result {
    DNS_FOUND,
    DNS_NO_NAME, /* NXDOMAIN: the name does not exist */
    DNS_NO_DATA, /* the name exists, this type does not */
    DNS_FAILED,  /* SERVFAIL, refused, timeout, bogus: try later */
};

struct dns_record {
    struct str data; /* RDATA as on the wire, names in it uncompressed */
};

struct dns_answer {
    enum dns_result result;
    bool secure;               /* validated by DNSSEC */
    bool bogus;                /* DNS_FAILED because validation failed */
    struct str problem;        /* for DNS_FAILED: why, in plain words */
    struct str canonical_name; /* the end of the CNAME chain; the name asked where there is none */
    uint32_t ttl_s;
    struct dns_record *records;
    size_t count;
};

/* Asks; the answer lives in `arena`. An answer of DNS_FAILED is OK (a value); errors are
 * ERR_CANCELLED and ERR_SYNTAX (not a domain name). At the deadline the answer is DNS_FAILED
 * "no answer in time". */
MUST_CHECK MAY_YIELD enum err dns_ask(struct resolver *resolver, struct str name,
                                      enum dns_type type, uint64_t deadline_ms, struct arena *arena,
                                      struct dns_answer *out_answer);

/* RDATA of the types that hold more than bytes. ERR_SYNTAX when it is malformed. */
struct dns_mx {
    uint16_t preference;
    struct str host; /* "" for null MX */
};
MUST_CHECK enum err dns_mx_parse(struct str data, struct arena *arena, struct dns_mx *out_mx);
MUST_CHECK enum err dns_name_parse(struct str data, struct arena *arena, struct str *out_name);
MUST_CHECK enum err dns_address_parse(struct str data, enum dns_type type,
                                      struct net_address *out_address);
/* The character-strings of one TXT record, joined without a gap (as RFC 7208 section 3.3 and RFC
 * 6376 section 3.6.2.2 want). */
MUST_CHECK enum err dns_txt_parse(struct str data, struct arena *arena, struct str *out_text);
/* "4.3.2.1.in-addr.arpa" */
struct str dns_reverse_name(struct arena *arena, const struct net_address *address);

/* ---- the system's ---- */
enum dns_security { DNS_SECURITY_AUTO, DNS_SECURITY_YES, DNS_SECURITY_NO };
struct resolver_options {
    struct net_address *servers; /* none: those of /etc/resolv.conf */
    size_t server_count;
    bool validate;            /* as decided by dns_probe for `dnssec = auto` */
    const char *trust_anchor; /* NULL: the root's; else a DS or DNSKEY record, for tests */
};
/* On the current loop, from a fiber; belongs to the loop. Created after any fork. ERR_NOT_FOUND
 * when no server is known; ERR_BUSY when descriptors run out; ERR_UNSUPPORTED: libunbound refuses a
 * setting. */
MUST_CHECK MAY_YIELD enum err resolver_new(const struct resolver_options *options,
                                           struct resolver **out_resolver);
/* From a fiber, since it ends the resolver's own. Nobody is asking any more. Takes NULL. */
MAY_YIELD void resolver_free(struct resolver *resolver);

/* Whether validation works through these servers: asks them for ". DNSKEY" with DO. `out_reason`
 * is static text. */
enum dns_probe_result {
    DNS_PROBE_VALIDATES,
    DNS_PROBE_STRIPPED, /* answers come, without what would prove them */
    DNS_PROBE_SILENT,   /* no answer: nothing is known */
};
MAY_YIELD enum dns_probe_result dns_probe(const struct resolver_options *options,
                                          uint64_t deadline_ms, const char **out_reason);

/* One that asks `first`, and owns it. */
struct resolver *resolver_exchangeable(struct resolver *first);
/* Questions from now on go to `by`, owned as well; those under way end with the old one, which is
 * freed then: waits for them, and cannot be cancelled. */
MAY_YIELD void resolver_exchange(struct resolver *resolver, struct resolver *by);

/* One that asks `first`, and owns it, and learns from its silence: while nothing has been answered
 * for long, a question ends after a second (once in a while after five), whatever its deadline.
 * `are_silent`: a probe has found that out already. */
struct resolver *resolver_impatient(struct resolver *first, bool are_silent);

/* ---- the simulation's ---- */
struct resolver *resolver_scripted_new(void);
/* `data`: presentation text as in "10 mx.example.org" (MX), "192.0.2.1" (A), text (TXT). Text is
 * copied. */
void resolver_script(struct resolver *resolver, const char *name, enum dns_type type,
                     const char *data);
void resolver_script_failure(struct resolver *resolver, const char *name, enum dns_type type);
/* Takes back all that was scripted for the name and type: records and failures. */
void resolver_script_forget(struct resolver *resolver, const char *name, enum dns_type type);
void resolver_script_delay(struct resolver *resolver, uint64_t delay_ms);

#endif
