#include "smtp/redact.h"

#include "mail/text.h"
#include "smtp/command.h"
#include "smtp/extensions.h"

#define REDACTED "<redacted>"

static struct str redact_auth(struct arena *arena, struct str line)
{
    struct str verb, rest = STR_EMPTY, mechanism, secret;
    if (!str_cut(line, ' ', &verb, &rest) || str_trim(rest).len == 0)
        return arena_copy(arena, str_trim(line));
    rest = str_trim(rest);
    bool has_more = str_cut(rest, ' ', &mechanism, &secret);
    if (!has_more)
        mechanism = rest;
    if (!smtp_auth_mechanism_parse(mechanism))
        return arena_printf(arena, "%.*s " REDACTED, STR_FMT(verb));
    return arena_printf(arena, "%.*s %.*s%s", STR_FMT(verb), STR_FMT(mechanism),
                        has_more ? " " REDACTED : "");
}

struct str smtp_command_redact(struct arena *arena, struct str line)
{
    switch (smtp_command_verb(line)) {
    case SMTP_VERB_UNKNOWN:
        return line.len ? STR(REDACTED) : line;
    case SMTP_VERB_AUTH:
        return redact_auth(arena, line);
    case SMTP_VERB_HTTP:
        return STR("HTTP " REDACTED);
    default:
        return mail_text_clean(arena, line);
    }
}
