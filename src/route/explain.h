/* Why an address ends where it does: the same walk that decides, writing down its steps; and words
 * for them. For people who ask, not for mail. */
#ifndef ROUTE_EXPLAIN_H
#define ROUTE_EXPLAIN_H

#include "route/route.h"

/* What an address that was looked at means here. */
enum route_meaning {
    ROUTE_MEANS_FOREIGN, /* its domain is not ours */
    ROUTE_MEANS_NOBODY,
    ROUTE_MEANS_MAILBOX,
    ROUTE_MEANS_ALIAS,
    ROUTE_MEANS_SENDER, /* whose forwarded mail was given this sender here */
    ROUTE_MEANS_FORGED, /* like that, but it was not */
    ROUTE_MEANS_EXPIRED,
};

/* By what it was found, if it is a mailbox or an alias. */
enum route_rule {
    ROUTE_BY_NAME,       /* its local part is listed */
    ROUTE_BY_BASE,       /* what stands before the separator is */
    ROUTE_BY_ANY,        /* users = "*" */
    ROUTE_BY_CATCH_ALL,  /* no other rule fits, and the domain has an alias for that */
    ROUTE_BY_POSTMASTER, /* always there */
};

struct route_step {
    struct str address; /* looked at */
    enum route_meaning meaning;
    enum route_rule rule;
    struct str *targets; /* ALIAS, SENDER: where it leads */
    size_t target_count;
};

struct route_steps {
    struct route_step *at;
    size_t count;
};

/* As route_recipient, with all its steps, whatever the answer; all in `arena`. */
enum route_answer route_recipient_explain(const struct route_table *table,
                                          const struct mail_address *address, int64_t wall_us,
                                          struct arena *arena, struct route_targets *out_targets,
                                          struct route_steps *out_steps);
/* As route_way_of; *out_section, in `arena`, is where it is written: "domain example.org",
 * "route *.example.net", or empty for the built-in way. */
const struct route_way *route_way_explain(const struct route_table *table, struct str address,
                                          struct arena *arena, struct str *out_section);

/* Words, in `arena`, one line each. */
struct str route_step_print(struct arena *arena, const struct route_step *step);
struct str route_answer_print(enum route_answer answer);
/* "SMTP to mail.example.net:25"; how it is encrypted; static or in `arena`. */
struct str route_way_print(struct arena *arena, const struct route_way *way);
struct str route_tls_print(enum route_tls tls);
/* What is done before mail is taken for an address that has to be asked about on `way`. */
struct str route_ask_print(const struct route_way *way);

/* "mx", "require": as the configuration writes them. */
const char *route_via_name(enum route_via via);
const char *route_tls_name(enum route_tls tls);

#endif
