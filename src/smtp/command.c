#include "smtp/command.h"

#include "mail/text.h"

struct command_parser {
    struct arena *arena;
    bool utf8;
    struct smtp_command command;
    struct smtp_fault fault;
};

/* ---- What is wrong --------------------------------------------------------------------------- */

static enum err refuse(struct command_parser *parser, int code, struct mail_status status,
                       const char *text)
{
    parser->fault = (struct smtp_fault){code, status, text, STR_EMPTY};
    return ERR_SYNTAX;
}

static enum err refuse_line(struct command_parser *parser, const char *text)
{
    return refuse(parser, 500, MAIL_STATUS(5, 5, 2), text);
}

static enum err refuse_argument(struct command_parser *parser, const char *text)
{
    return refuse(parser, 501, MAIL_STATUS(5, 5, 4), text);
}

/* ---- Words ----------------------------------------------------------------------------------- */

static struct str skip_spaces(struct str s)
{
    while (s.len && s.at[0] == ' ')
        s = str_from(s, 1);
    return s;
}

static struct str trim_end(struct str s)
{
    while (s.len && char_is_wsp(s.at[s.len - 1]))
        s.len--;
    return s;
}

/* Cuts at the first space; what follows begins with no space. */
static struct str take_word(struct str *rest)
{
    struct str word = *rest, behind = STR_EMPTY;
    str_cut(*rest, ' ', &word, &behind);
    *rest = skip_spaces(behind);
    return word;
}

static bool is_printable_word(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] <= ' ' || s.at[i] >= 0x7f)
            return false;
    return s.len > 0;
}

/* ---- Parameters of MAIL and RCPT ---------------------------------------------------------------
 */

struct parameter {
    const char *keyword;
    bool has_value;
    bool (*parse)(struct command_parser *parser, struct str value);
};

static bool parse_size(struct command_parser *parser, struct str value)
{
    struct smtp_mail *mail = &parser->command.mail;
    for (size_t i = 0; i < value.len; i++)
        if (!char_is_digit(value.at[i]))
            return false;
    if (value.len == 0 || value.len > 20) /* RFC 1870 section 4: 1*20DIGIT */
        return false;
    mail->has_size = true;
    if (!str_to_u64(value, UINT64_MAX, &mail->size))
        mail->size = UINT64_MAX;
    return true;
}

/* The index of `value` in a list of names, or -1. */
static int index_of(struct str value, const char *const *names, int count)
{
    for (int i = 0; i < count; i++)
        if (str_eq_nocase(value, str_of(names[i])))
            return i;
    return -1;
}

static bool parse_body(struct command_parser *parser, struct str value)
{
    static const char *const names[] = {"7BIT", "8BITMIME", "BINARYMIME"};
    int i = index_of(value, names, ARRAY_LEN(names));
    parser->command.mail.body = (enum smtp_body)(i + 1);
    return i >= 0;
}

static bool parse_smtputf8(struct command_parser *parser, struct str value)
{
    UNUSED(value);
    return parser->command.mail.smtputf8 = true;
}

static bool parse_requiretls(struct command_parser *parser, struct str value)
{
    UNUSED(value);
    return parser->command.mail.requiretls = true;
}

static bool parse_mail_auth(struct command_parser *parser, struct str value)
{
    struct smtp_mail *mail = &parser->command.mail;
    struct mail_address address;
    struct str decoded;
    if (smtp_xtext_decode(parser->arena, value, &decoded))
        return false;
    mail->has_auth = true;
    mail->auth = str_eq(decoded, STR("<>")) ? STR_EMPTY : decoded;
    return mail->auth.len == 0 ? decoded.len > 0
                               : mail_address_parse(parser->arena, decoded, 0, &address) == OK;
}

static bool parse_ret(struct command_parser *parser, struct str value)
{
    static const char *const names[] = {"FULL", "HDRS"};
    int i = index_of(value, names, ARRAY_LEN(names));
    parser->command.mail.ret = (enum smtp_ret)(i + 1);
    return i >= 0;
}

static bool parse_envid(struct command_parser *parser, struct str value)
{
    parser->command.mail.has_envid = true;
    return smtp_envid_parse(parser->arena, value, &parser->command.mail.envid) == OK;
}

/* NEVER alone, or any of the others. */
static bool parse_notify(struct command_parser *parser, struct str value)
{
    static const char *const names[] = {"NEVER", "SUCCESS", "FAILURE", "DELAY"};
    struct str word, rest = value;
    unsigned notify = 0;
    bool has_more = true;
    while (has_more) {
        has_more = str_cut(rest, ',', &word, &rest);
        int i = index_of(has_more ? word : rest, names, ARRAY_LEN(names));
        if (i < 0)
            return false;
        notify |= 1u << i;
    }
    parser->command.rcpt.notify = notify;
    return notify == SMTP_NOTIFY_NEVER || !(notify & SMTP_NOTIFY_NEVER);
}

static bool parse_orcpt(struct command_parser *parser, struct str value)
{
    return smtp_orcpt_parse(parser->arena, value, parser->utf8, &parser->command.rcpt.orcpt) == OK;
}

static const struct parameter mail_parameters[] = {
    {"SIZE", true, parse_size},          {"BODY", true, parse_body},
    {"SMTPUTF8", false, parse_smtputf8}, {"REQUIRETLS", false, parse_requiretls},
    {"AUTH", true, parse_mail_auth},     {"RET", true, parse_ret},
    {"ENVID", true, parse_envid},
};
static const struct parameter rcpt_parameters[] = {
    {"NOTIFY", true, parse_notify},
    {"ORCPT", true, parse_orcpt},
};

static bool is_keyword(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!char_is_alnum(s.at[i]) && (s.at[i] != '-' || i == 0))
            return false;
    return s.len > 0;
}

static enum err parse_parameter(struct command_parser *parser, struct str word,
                                const struct parameter *known, size_t count, unsigned *seen)
{
    struct str keyword = word, value = STR_EMPTY;
    bool has_value = str_cut(word, '=', &keyword, &value);
    if (!is_keyword(keyword))
        return refuse_argument(parser, "Bad parameter");
    size_t i = 0;
    while (i < count && !str_eq_nocase(keyword, str_of(known[i].keyword)))
        i++;
    if (i == count) {
        refuse(parser, 555, MAIL_STATUS(5, 5, 4), "Parameter not supported");
    } else if (*seen & 1u << i) {
        refuse_argument(parser, "Parameter given twice");
    } else if (has_value != known[i].has_value || !known[i].parse(parser, value)) {
        refuse_argument(parser, "Bad parameter value");
    } else {
        *seen |= 1u << i;
        return OK;
    }
    parser->fault.subject = keyword;
    return ERR_SYNTAX;
}

/* `rest` is what stands behind the path: nothing, or parameters with a space before each. */
static enum err parse_parameters(struct command_parser *parser, struct str rest,
                                 const struct parameter *known, size_t count)
{
    unsigned seen = 0;
    if (rest.len && rest.at[0] != ' ')
        return refuse_argument(parser, "Unexpected text after the address");
    rest = skip_spaces(rest);
    while (rest.len) {
        enum err err = parse_parameter(parser, take_word(&rest), known, count, &seen);
        if (err)
            return err;
    }
    return OK;
}

/* ---- Commands: each gets what stands behind its verb and the spaces there ----------------------
 */

/* RFC 3463: 5.1.7 for a bad sender's address, 5.1.3 for a recipient's. */
static enum err refuse_path(struct command_parser *parser, enum err err, bool is_sender)
{
    struct mail_status status = is_sender ? MAIL_STATUS(5, 1, 7) : MAIL_STATUS(5, 1, 3);
    if (err == ERR_LIMIT)
        return refuse(parser, 501, status, "Address too long");
    return refuse(parser, 501, status, is_sender ? "Bad sender address" : "Bad recipient address");
}

/* RFC 6531 section 3.5. */
static enum err refuse_utf8(struct command_parser *parser)
{
    return refuse(parser, 553, MAIL_STATUS(5, 6, 7), "Address needs SMTPUTF8");
}

static enum err parse_mail(struct command_parser *parser, struct str args)
{
    struct smtp_mail *mail = &parser->command.mail;
    size_t used;
    if (!str_starts_nocase(args, STR("FROM:")))
        return refuse_argument(parser, "Syntax: MAIL FROM:<address>");
    args = skip_spaces(str_from(args, strlen("FROM:")));
    enum err err = mail_path_parse(parser->arena, args, MAIL_ADDRESS_UTF8 | MAIL_ADDRESS_NULL,
                                   &mail->path, &used);
    if (err)
        return refuse_path(parser, err, true);
    err =
        parse_parameters(parser, str_from(args, used), mail_parameters, ARRAY_LEN(mail_parameters));
    if (!err && mail_address_is_utf8(&mail->path.address) && !mail->smtputf8)
        return refuse_utf8(parser);
    return err;
}

static enum err parse_rcpt(struct command_parser *parser, struct str args)
{
    struct smtp_rcpt *rcpt = &parser->command.rcpt;
    size_t used;
    if (!str_starts_nocase(args, STR("TO:")))
        return refuse_argument(parser, "Syntax: RCPT TO:<address>");
    args = skip_spaces(str_from(args, strlen("TO:")));
    enum err err = mail_path_parse(parser->arena, args, MAIL_ADDRESS_UTF8 | MAIL_ADDRESS_POSTMASTER,
                                   &rcpt->path, &used);
    if (err)
        return refuse_path(parser, err, false);
    if (mail_address_is_utf8(&rcpt->path.address) && !parser->utf8)
        return refuse_utf8(parser);
    return parse_parameters(parser, str_from(args, used), rcpt_parameters,
                            ARRAY_LEN(rcpt_parameters));
}

static enum err parse_hello(struct command_parser *parser, struct str args)
{
    if (!is_printable_word(args) || args.len > MAIL_DOMAIN_MAX_BYTES)
        return refuse_argument(parser, "Syntax: EHLO hostname");
    parser->command.argument = args;
    parser->command.is_name_valid = mail_domain_is_valid(args, 0) || mail_domain_is_literal(args);
    return OK;
}

static enum err parse_bdat(struct command_parser *parser, struct str args)
{
    struct str size = take_word(&args);
    bool is_last = str_eq_nocase(args, STR("LAST"));
    if (!str_to_u64(size, INT64_MAX, &parser->command.bdat.size) || (args.len && !is_last))
        return refuse_argument(parser, "Syntax: BDAT size [LAST]");
    parser->command.bdat.is_last = is_last;
    return OK;
}

/* RFC 4422 section 3.1: 1 to 20 letters, digits, hyphens and underscores. */
static bool is_mechanism(struct str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!char_is_alnum(name.at[i]) && name.at[i] != '-' && name.at[i] != '_')
            return false;
    return name.len > 0 && name.len <= 20;
}

static enum err parse_auth(struct command_parser *parser, struct str args)
{
    struct str mechanism = take_word(&args);
    if (!is_mechanism(mechanism) || (args.len && !is_printable_word(args)))
        return refuse_argument(parser, "Syntax: AUTH mechanism [initial-response]");
    parser->command.auth.mechanism = mechanism;
    parser->command.auth.has_initial = args.len > 0;
    parser->command.auth.initial = args;
    return OK;
}

static enum err parse_nothing(struct command_parser *parser, struct str args)
{
    return args.len ? refuse_argument(parser, "No argument expected") : OK;
}

static enum err parse_text(struct command_parser *parser, struct str args)
{
    parser->command.argument = args;
    return OK;
}

static enum err parse_required_text(struct command_parser *parser, struct str args)
{
    parser->command.argument = args;
    return args.len ? OK : refuse_argument(parser, "An argument is expected");
}

static const struct verb {
    const char *name;
    enum smtp_verb verb;
    enum err (*parse)(struct command_parser *parser, struct str args);
} verbs[] = {
    {"EHLO", SMTP_VERB_EHLO, parse_hello},
    {"HELO", SMTP_VERB_HELO, parse_hello},
    {"LHLO", SMTP_VERB_LHLO, parse_hello},
    {"MAIL", SMTP_VERB_MAIL, parse_mail},
    {"RCPT", SMTP_VERB_RCPT, parse_rcpt},
    {"DATA", SMTP_VERB_DATA, parse_nothing},
    {"BDAT", SMTP_VERB_BDAT, parse_bdat},
    {"RSET", SMTP_VERB_RSET, parse_nothing},
    {"NOOP", SMTP_VERB_NOOP, parse_text},
    {"VRFY", SMTP_VERB_VRFY, parse_required_text},
    {"EXPN", SMTP_VERB_EXPN, parse_required_text},
    {"HELP", SMTP_VERB_HELP, parse_text},
    {"QUIT", SMTP_VERB_QUIT, parse_nothing},
    {"STARTTLS", SMTP_VERB_STARTTLS, parse_nothing},
    {"AUTH", SMTP_VERB_AUTH, parse_auth},
    {"XCLIENT", SMTP_VERB_XCLIENT, parse_required_text},
    {"GET", SMTP_VERB_HTTP, parse_text},
    {"POST", SMTP_VERB_HTTP, parse_text},
    {"CONNECT", SMTP_VERB_HTTP, parse_text},
    {"PUT", SMTP_VERB_HTTP, parse_text},
    {"HEAD", SMTP_VERB_HTTP, parse_text},
    {"DELETE", SMTP_VERB_HTTP, parse_text},
    {"OPTIONS", SMTP_VERB_HTTP, parse_text},
    {"PATCH", SMTP_VERB_HTTP, parse_text},
    {"TRACE", SMTP_VERB_HTTP, parse_text},
};

/* ---- The line -------------------------------------------------------------------------------- */

static const struct verb *find_verb(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
        if (str_eq_nocase(name, str_of(verbs[i].name)))
            return &verbs[i];
    return NULL;
}

enum smtp_verb smtp_command_verb(struct str line)
{
    struct str rest = trim_end(line);
    const struct verb *verb = find_verb(take_word(&rest));
    return verb ? verb->verb : SMTP_VERB_UNKNOWN;
}

const char *smtp_verb_name(enum smtp_verb verb)
{
    if (verb == SMTP_VERB_HTTP)
        return "HTTP";
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
        if (verbs[i].verb == verb)
            return verbs[i].name;
    return "?";
}

static enum err parse_line(struct command_parser *parser, struct str line)
{
    struct str args = trim_end(line);
    const struct verb *verb = find_verb(take_word(&args));
    if (!verb)
        return refuse_line(parser, "Command not recognised");
    size_t max = verb->verb == SMTP_VERB_AUTH ? SMTP_AUTH_LINE_MAX_BYTES : SMTP_LINE_MAX_BYTES;
    bool is_http = verb->verb == SMTP_VERB_HTTP; /* it is known by its verb, whatever follows */
    if (line.len > max && !is_http)
        return refuse_line(parser, "Line too long");
    /* Paths have faults of their own for such bytes. */
    bool has_path = verb->verb == SMTP_VERB_MAIL || verb->verb == SMTP_VERB_RCPT;
    if (!has_path && !is_http && !mail_text_is_clean(args))
        return refuse_line(parser, "Control characters or bad UTF-8 in the line");
    parser->command.verb = verb->verb;
    return verb->parse(parser, args);
}

enum err smtp_command_parse(struct arena *arena, struct str line, bool utf8,
                            struct smtp_command *out_command, struct smtp_fault *fault)
{
    struct command_parser parser = {.arena = arena, .utf8 = utf8};
    parser.command.argument = STR_EMPTY;
    enum err err = parse_line(&parser, line);
    if (err)
        *fault = parser.fault;
    else
        *out_command = parser.command;
    return err;
}
