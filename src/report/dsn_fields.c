/* The part for programs: RFC 3464 section 2; addresses by RFC 6533 section 3. */
#include "report/dsn_parts.h"

#include "smtp/xtext.h"

bool dsn_words_are_remote(struct str words)
{
    return words.len >= 3 && words.at[0] >= '2' && words.at[0] <= '5' &&
           char_is_digit(words.at[1]) && char_is_digit(words.at[2]) &&
           (words.len == 3 || words.at[3] == ' ');
}

/* ---- addresses ---- */

static bool is_utf8_address(struct str address)
{
    return str_has_8bit(address) && str_is_utf8(address);
}

struct str dsn_address(const struct lines *lines, struct str address)
{
    bool is_encoded = is_utf8_address(address) && !lines->utf8;
    return is_encoded ? smtp_utf8_address_encode(lines->arena, address) : address;
}

/* "rfc822;a@b", or of type utf-8: as it is where that is allowed, else in ASCII. */
static void print_address(struct lines *lines, const char *name, struct str address)
{
    const char *type = is_utf8_address(address) ? "utf-8" : "rfc822";
    struct str text = dsn_address(lines, address);
    lines_plain_field(lines, name, arena_printf(lines->arena, "%s;%.*s", type, STR_FMT(text)));
}

/* As the sender gave it, type and all. */
static void print_original(struct lines *lines, struct str original)
{
    struct str type, address;
    if (!str_cut(original, ';', &type, &address))
        return;
    if (str_has_8bit(address) && str_is_utf8(address))
        print_address(lines, "Original-Recipient", address);
    else
        lines_plain_field(lines, "Original-Recipient", original);
}

/* ---- what happened ---- */

static const char *const action_names[] = {
    [DSN_FAILED] = "failed",       [DSN_DELAYED] = "delayed",   [DSN_RELAYED] = "relayed",
    [DSN_DELIVERED] = "delivered", [DSN_EXPANDED] = "expanded",
};
static_assert(ARRAY_LEN(action_names) == DSN_ACTIONS, "every action has a name");

/* The name of a host, or an IP address in brackets. */
static void print_remote(struct lines *lines, struct str remote)
{
    bool is_ip = str_find(remote, ':') != SIZE_MAX;
    bool has_letter = false;
    for (size_t i = 0; i < remote.len; i++)
        has_letter |= char_is_alpha(remote.at[i]);
    is_ip |= !has_letter;
    if (remote.len)
        lines_plain_field(
            lines, "Remote-MTA",
            arena_printf(lines->arena, is_ip ? "dns; [%.*s]" : "dns; %.*s", STR_FMT(remote)));
}

/* A reply of a server, or what this one found: then it is no SMTP. */
static void print_diagnostic(struct lines *lines, struct str words)
{
    const char *type = dsn_words_are_remote(words) ? "smtp" : "x-postrider";
    if (words.len)
        lines_field(
            lines, "Diagnostic-Code",
            arena_printf(lines->arena, "%s; %.*s", type, STR_FMT(lines_clean(lines, words))));
}

static void print_recipient(struct lines *lines, const struct dsn *dsn,
                            const struct dsn_recipient *recipient)
{
    struct mail_status status = recipient->status;
    lines_add(lines, STR("\r\n"));
    print_original(lines, recipient->original);
    print_address(lines, "Final-Recipient", recipient->address);
    lines_printf(lines, "Action: %s\r\n", action_names[recipient->action]);
    lines_printf(lines, "Status: %u.%u.%u\r\n", status.class, status.subject, status.detail);
    print_remote(lines, recipient->remote);
    print_diagnostic(lines, recipient->words);
    lines_date_field(lines, "Last-Attempt-Date", recipient->attempted_us);
    lines_plain_field(lines, "Final-Log-ID", dsn->original_id);
    if (recipient->action == DSN_DELAYED)
        lines_date_field(lines, "Will-Retry-Until", recipient->retries_until_s * 1000000);
}

void dsn_print_fields(struct lines *lines, const struct dsn *dsn)
{
    lines_plain_field(lines, "Original-Envelope-Id", dsn->envelope_id);
    lines_plain_field(lines, "Reporting-MTA",
                      arena_printf(lines->arena, "dns; %.*s", STR_FMT(dsn->hostname)));
    lines_date_field(lines, "Arrival-Date", dsn->arrived_us);
    for (size_t i = 0; i < dsn->count; i++)
        print_recipient(lines, dsn, &dsn->recipients[i]);
}
