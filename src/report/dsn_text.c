/* The part for people: what happened to whom, why in plain words, what exactly was said, and what
 * can be done. */
#include "mail/header.h"
#include "report/advice.h"
#include "report/dsn_parts.h"

#define QUOTE_MAX_BYTES 200 /* of a field of the original */

/* ---- one recipient ---- */

/* "5 days", "4 hours": one unit is enough. */
static struct str duration_text(int64_t us, struct arena *arena)
{
    static const struct {
        int64_t seconds;
        const char *one, *many;
    } units[] = {
        {86400, "day", "days"},
        {3600, "hour", "hours"},
        {60, "minute", "minutes"},
        {1, "second", "seconds"},
    };
    int64_t seconds = us / 1000000 > 0 ? us / 1000000 : 1;
    size_t i = 0;
    while (seconds < units[i].seconds)
        i++;
    long long count = (long long)(seconds / units[i].seconds);
    return arena_printf(arena, "%lld %s", count, count == 1 ? units[i].one : units[i].many);
}

/* What the sender wrote, where it is not the address that was tried. */
static struct str written_address(const struct dsn_recipient *recipient)
{
    struct str type, address;
    if (!str_cut(recipient->original, ';', &type, &address))
        return STR_EMPTY;
    address = str_trim(address);
    return str_eq_nocase(address, recipient->address) ? STR_EMPTY : address;
}

static void add_address(struct lines *lines, struct str address)
{
    struct str text = lines_cut(dsn_address(lines, address), LINES_MAX_BYTES);
    lines_add(lines, lines_clean(lines, text));
}

static void print_address(struct lines *lines, const struct dsn_recipient *recipient)
{
    struct str written = written_address(recipient);
    lines_add(lines, STR("\r\n    <"));
    add_address(lines, recipient->address);
    lines_add(lines, STR(">\r\n"));
    if (!written.len)
        return;
    lines_add(lines, STR("    (you wrote to <"));
    add_address(lines, written);
    lines_add(lines, STR(">)\r\n"));
}

static void print_said(struct lines *lines, const struct dsn_recipient *recipient)
{
    bool is_remote = dsn_words_are_remote(recipient->words);
    if (!recipient->words.len)
        return;
    if (!is_remote)
        lines_text(lines, 8, STR("What went wrong:"));
    else if (recipient->remote.len)
        lines_text(lines, 8,
                   arena_printf(lines->arena, "The server %.*s said:", STR_FMT(recipient->remote)));
    else
        lines_text(lines, 8, STR("The next server said:"));
    lines_text(lines, 12, recipient->words);
}

/* Where neither a code nor a server says anything, our own words are all there is. */
static bool is_explained(const struct dsn_recipient *recipient)
{
    return recipient->status.subject || dsn_words_are_remote(recipient->words);
}

static void print_why(struct lines *lines, const struct dsn *dsn,
                      const struct dsn_recipient *recipient)
{
    const struct advice *advice = advice_for(recipient->status);
    if (recipient->gave_up)
        lines_text(
            lines, 8,
            arena_printf(lines->arena, "It was tried for %.*s, in vain.",
                         STR_FMT(duration_text(dsn->wall_us - dsn->arrived_us, lines->arena))));
    if (is_explained(recipient))
        lines_text(lines, 8, str_of(advice->meaning));
    print_said(lines, recipient);
    if (is_explained(recipient) && recipient->action == DSN_FAILED && advice->to_do[0])
        lines_text(lines, 8, str_of(advice->to_do));
}

static void print_recipient(struct lines *lines, const struct dsn *dsn,
                            const struct dsn_recipient *recipient)
{
    bool is_bad = recipient->action == DSN_FAILED || recipient->action == DSN_DELAYED;
    print_address(lines, recipient);
    if (is_bad)
        print_why(lines, dsn, recipient);
    else
        print_said(lines, recipient);
}

/* ---- all of one action ---- */

static const struct {
    const char *one, *many;
} openings[] = {
    [DSN_FAILED] = {"Your message could not be delivered to the following address. It will not be "
                    "tried again.",
                    "Your message could not be delivered to the following addresses. It will not "
                    "be tried again."},
    [DSN_DELAYED] = {"Your message has not been delivered yet to the following address. This is a "
                     "warning only: you need not send it again.",
                     "Your message has not been delivered yet to the following addresses. This is "
                     "a warning only: you need not send it again."},
    [DSN_RELAYED] = {"Your message for the following address was passed on to a server that does "
                     "not report on delivery. You will hear no more of it.",
                     "Your message for the following addresses was passed on to a server that "
                     "does not report on delivery. You will hear no more of it."},
    [DSN_DELIVERED] = {"Your message was delivered to the following address.",
                       "Your message was delivered to the following addresses."},
    [DSN_EXPANDED] = {"Your message for the following address was passed on to several "
                      "recipients.",
                      "Your message for the following addresses was passed on to several "
                      "recipients."},
};
static_assert(ARRAY_LEN(openings) == DSN_ACTIONS, "every action is told");

static void print_retries(struct lines *lines, const struct dsn *dsn)
{
    int64_t until_s = 0;
    for (size_t i = 0; i < dsn->count; i++)
        if (dsn->recipients[i].action == DSN_DELAYED &&
            dsn->recipients[i].retries_until_s > until_s)
            until_s = dsn->recipients[i].retries_until_s;
    int64_t left_us = until_s * 1000000 - dsn->wall_us;
    if (left_us > 0)
        lines_printf(lines, "\r\nIt will be tried for another %.*s.\r\n",
                     STR_FMT(duration_text(left_us, lines->arena)));
}

static void print_action(struct lines *lines, const struct dsn *dsn, enum dsn_action action)
{
    size_t count = 0;
    for (size_t i = 0; i < dsn->count; i++)
        count += dsn->recipients[i].action == action;
    if (!count)
        return;
    lines_add(lines, STR("\r\n"));
    lines_text(lines, 0, str_of(count == 1 ? openings[action].one : openings[action].many));
    for (size_t i = 0; i < dsn->count; i++)
        if (dsn->recipients[i].action == action)
            print_recipient(lines, dsn, &dsn->recipients[i]);
    if (action == DSN_DELAYED)
        print_retries(lines, dsn);
}

/* ---- which message it was ---- */

static void quote_field(struct lines *lines, const struct dsn *dsn, const char *name)
{
    struct mail_field field;
    if (!mail_header_find(dsn->original, str_of(name), &field))
        return;
    struct str value = mail_field_unfold(lines->arena, field.value);
    const char *cut = value.len > QUOTE_MAX_BYTES ? "..." : "";
    value = lines_clean(lines, lines_cut(value, QUOTE_MAX_BYTES));
    lines_text(lines, 4, arena_printf(lines->arena, "%s: %.*s%s", name, STR_FMT(value), cut));
}

static void print_original(struct lines *lines, const struct dsn *dsn)
{
    lines_add(lines, STR("\r\nThe message was:\r\n\r\n"));
    quote_field(lines, dsn, "Subject");
    quote_field(lines, dsn, "To");
    quote_field(lines, dsn, "Date");
    quote_field(lines, dsn, "Message-ID");
    lines_add(lines, STR("\r\n"));
    lines_text(lines, 0,
               arena_printf(lines->arena,
                            "What follows is the same for programs, then what you sent. If you "
                            "have questions, write to <%.*s> and name %.*s.",
                            STR_FMT(dsn->postmaster), STR_FMT(dsn->original_id)));
}

void dsn_print_text(struct lines *lines, const struct dsn *dsn)
{
    lines_text(lines, 0,
               arena_printf(lines->arena, "This is the mail server %.*s.", STR_FMT(dsn->hostname)));
    for (unsigned action = 0; action < DSN_ACTIONS; action++)
        print_action(lines, dsn, (enum dsn_action)action);
    print_original(lines, dsn);
}
