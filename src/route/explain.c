#include "route/explain.h"

static struct str domain_of(struct str address)
{
    return str_from(address, str_find_last(address, '@') + 1);
}

static struct str local_of(struct str address)
{
    return str_first(address, str_find_last(address, '@'));
}

/* ---- steps ---- */

static struct str print_mailbox(struct arena *arena, const struct route_step *step)
{
    static const char *const words[] = {
        [ROUTE_BY_NAME] = "is a user of",
        [ROUTE_BY_BASE] = "is the subaddress of a user of",
        [ROUTE_BY_ANY] = "is a user, as every name is, of",
        [ROUTE_BY_POSTMASTER] = "is always there, at",
        [ROUTE_BY_CATCH_ALL] = "",
    };
    return arena_printf(arena, "%.*s %s %.*s", STR_FMT(local_of(step->address)), words[step->rule],
                        STR_FMT(domain_of(step->address)));
}

static struct str print_alias(struct arena *arena, const struct route_step *step)
{
    static const char *const words[] = {
        [ROUTE_BY_NAME] = "is an alias of",
        [ROUTE_BY_BASE] = "is the subaddress of an alias of",
        [ROUTE_BY_CATCH_ALL] = "is no user and no other alias, so it goes to the catch-all of",
        [ROUTE_BY_POSTMASTER] = "",
    };
    struct str line = arena_printf(arena, "%.*s %s %.*s%s", STR_FMT(local_of(step->address)),
                                   words[step->rule], STR_FMT(domain_of(step->address)),
                                   step->rule == ROUTE_BY_CATCH_ALL ? "," : " for");
    for (size_t i = 0; i < step->target_count; i++)
        line = arena_printf(arena, "%.*s%s %.*s", STR_FMT(line), i ? "," : "",
                            STR_FMT(step->targets[i]));
    return line;
}

struct str route_step_print(struct arena *arena, const struct route_step *step)
{
    struct str local = local_of(step->address), domain = domain_of(step->address);
    switch (step->meaning) {
    case ROUTE_MEANS_FOREIGN:
        return arena_printf(arena, "%.*s is not a domain of this server", STR_FMT(domain));
    case ROUTE_MEANS_NOBODY:
        return arena_printf(arena, "%.*s is no user and no alias of %.*s", STR_FMT(local),
                            STR_FMT(domain));
    case ROUTE_MEANS_MAILBOX:
        return print_mailbox(arena, step);
    case ROUTE_MEANS_ALIAS:
        return print_alias(arena, step);
    case ROUTE_MEANS_SENDER:
        return arena_printf(arena, "is the sender that forwarded mail of %.*s left with",
                            STR_FMT(step->targets[0]));
    case ROUTE_MEANS_FORGED:
        return STR("looks like the sender of forwarded mail, but was not written by this server");
    case ROUTE_MEANS_EXPIRED:
        return STR("was the sender of mail forwarded long ago, and is good no more");
    }
    return STR_EMPTY;
}

struct str route_answer_print(enum route_answer answer)
{
    switch (answer) {
    case ROUTE_LOCAL:
        return STR("taken from everybody");
    case ROUTE_FOREIGN:
        return STR("taken only from who is logged in, on this host, or in relay.from");
    case ROUTE_NO_SUCH_USER:
        return STR("refused: 550 5.1.1 no such user here");
    case ROUTE_LOOP:
        return STR("refused: 554 5.4.6 the aliases lead to nobody but themselves, or to too many");
    case ROUTE_FORGED:
        return STR("refused: 550 5.1.1 this server never wrote such a sender");
    case ROUTE_EXPIRED:
        return STR("refused: 550 5.1.1 this sender of forwarded mail has expired");
    }
    return STR_EMPTY;
}

/* ---- ways ---- */

static const struct {
    const char *name;
    const char *words;
} vias[] = {
    [ROUTE_MAILDIR] = {"maildir", "a Maildir"},
    [ROUTE_SMTP] = {"smtp", "SMTP to"},
    [ROUTE_LMTP] = {"lmtp", "LMTP to"},
    [ROUTE_MX] = {"mx", "SMTP to the MX hosts of its domain"},
    [ROUTE_HOLD] = {"hold", "nowhere: it stays in the queue"},
};

static const struct {
    const char *name;
    const char *words;
} policies[] = {
    [ROUTE_TLS_NONE] = {"none", "in clear"},
    [ROUTE_TLS_MAY] = {"may", "encrypted where it is offered, whoever answers; else in clear"},
    [ROUTE_TLS_REQUIRE] = {"require", "encrypted or not at all, whoever answers"},
    [ROUTE_TLS_VERIFY] = {"verify", "encrypted, and only with a certificate for the host's name"},
};

struct str route_way_print(struct arena *arena, const struct route_way *way)
{
    bool has_host = way->via == ROUTE_SMTP || way->via == ROUTE_LMTP;
    if (!has_host)
        return str_of(vias[way->via].words);
    struct str port = way->port ? arena_printf(arena, ":%u", way->port) : STR_EMPTY;
    struct str login = way->auth_user.len
                           ? arena_printf(arena, ", logged in as %.*s", STR_FMT(way->auth_user))
                           : STR_EMPTY;
    return arena_printf(arena, "%s %.*s%.*s%.*s", vias[way->via].words, STR_FMT(way->host),
                        STR_FMT(port), STR_FMT(login));
}

struct str route_tls_print(enum route_tls tls) { return str_of(policies[tls].words); }

struct str route_ask_print(const struct route_way *way)
{
    if (way->via == ROUTE_LMTP)
        return STR("that server is asked first: who is not there is refused, and everybody has to "
                   "come again while it cannot be reached");
    return STR("that server is asked first: who is not there is refused; everybody is taken while "
               "it cannot be reached");
}

const char *route_via_name(enum route_via via) { return vias[via].name; }

const char *route_tls_name(enum route_tls tls) { return policies[tls].name; }
