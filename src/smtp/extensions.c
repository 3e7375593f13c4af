#include "smtp/extensions.h"

#include "mail/address.h"
#include "smtp/xclient.h"

/* In the order in which the server announces them. */
static const struct {
    const char *keyword;
    size_t offset;          /* of the bool in struct smtp_extensions */
    const char *parameters; /* that follow the keyword */
} flags[] = {
    {"PIPELINING", offsetof(struct smtp_extensions, pipelining), ""},
    {"8BITMIME", offsetof(struct smtp_extensions, eight_bit_mime), ""},
    {"BINARYMIME", offsetof(struct smtp_extensions, binary_mime), ""},
    {"SMTPUTF8", offsetof(struct smtp_extensions, smtputf8), ""},
    {"CHUNKING", offsetof(struct smtp_extensions, chunking), ""},
    {"STARTTLS", offsetof(struct smtp_extensions, starttls), ""},
    {"DSN", offsetof(struct smtp_extensions, dsn), ""},
    {"ENHANCEDSTATUSCODES", offsetof(struct smtp_extensions, enhanced_status_codes), ""},
    {"REQUIRETLS", offsetof(struct smtp_extensions, requiretls), ""},
    {"XCLIENT", offsetof(struct smtp_extensions, xclient), " " SMTP_XCLIENT_ATTRIBUTES},
};

static const struct {
    const char *name;
    enum smtp_auth_mechanism mechanism;
} mechanisms[] = {
    {"PLAIN", SMTP_AUTH_PLAIN},
    {"LOGIN", SMTP_AUTH_LOGIN},
    {"CRAM-MD5", SMTP_AUTH_CRAM_MD5},
    {"SCRAM-SHA-1", SMTP_AUTH_SCRAM_SHA_1},
    {"SCRAM-SHA-256", SMTP_AUTH_SCRAM_SHA_256},
    {"SCRAM-SHA-256-PLUS", SMTP_AUTH_SCRAM_SHA_256_PLUS},
    {"XOAUTH2", SMTP_AUTH_XOAUTH2},
    {"OAUTHBEARER", SMTP_AUTH_OAUTHBEARER},
    {"EXTERNAL", SMTP_AUTH_EXTERNAL},
};

static const struct {
    const char *name;
    size_t offset; /* of the uint64_t in struct smtp_extensions */
} limits[] = {
    {"RCPTMAX", offsetof(struct smtp_extensions, rcpt_max)},
    {"MAILMAX", offsetof(struct smtp_extensions, mail_max)},
    {"RCPTDOMAINMAX", offsetof(struct smtp_extensions, rcpt_domain_max)},
};

static bool *flag_of(struct smtp_extensions *extensions, size_t i)
{
    return (bool *)((char *)extensions + flags[i].offset);
}

static uint64_t *limit_of(struct smtp_extensions *extensions, size_t i)
{
    return (uint64_t *)(void *)((char *)extensions + limits[i].offset);
}

unsigned smtp_auth_mechanism_parse(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(mechanisms); i++)
        if (str_eq_nocase(name, str_of(mechanisms[i].name)))
            return mechanisms[i].mechanism;
    return 0;
}

const char *smtp_auth_mechanism_name(enum smtp_auth_mechanism mechanism)
{
    size_t i = 0;
    while (mechanisms[i].mechanism != mechanism) {
        i++;
        assert(i < ARRAY_LEN(mechanisms));
    }
    return mechanisms[i].name;
}

/* ---- Parsing -------------------------------------------------------------------------------- */

/* The next word between blanks; false when there is none. */
static bool take_word(struct str *rest, struct str *out_word)
{
    *rest = str_trim(*rest);
    size_t end = 0;
    while (end < rest->len && !char_is_wsp(rest->at[end]))
        end++;
    *out_word = str_first(*rest, end);
    *rest = str_from(*rest, end);
    return end > 0;
}

static void parse_auth(struct smtp_extensions *extensions, struct str rest)
{
    struct str word;
    extensions->has_auth = true;
    while (take_word(&rest, &word))
        extensions->auth |= smtp_auth_mechanism_parse(word);
}

static void parse_size(struct smtp_extensions *extensions, struct str rest)
{
    struct str word;
    extensions->has_size = true;
    if (take_word(&rest, &word) && !str_to_u64(word, UINT64_MAX, &extensions->size))
        extensions->size = 0;
}

static void parse_limits(struct smtp_extensions *extensions, struct str rest)
{
    struct str word, name, value;
    while (take_word(&rest, &word))
        for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
            uint64_t limit;
            if (str_cut(word, '=', &name, &value) && str_eq_nocase(name, str_of(limits[i].name)) &&
                str_to_u64(value, 999999, &limit))
                *limit_of(extensions, i) = limit;
        }
}

static void parse_home(struct smtp_extensions *extensions, struct str rest)
{
    struct str word;
    if (take_word(&rest, &word) && mail_domain_is_valid(word, 0))
        extensions->home = word;
}

static void parse_extension(struct smtp_extensions *extensions, struct str line)
{
    struct str keyword, rest = line;
    if (!take_word(&rest, &keyword))
        return;
    for (size_t i = 0; i < ARRAY_LEN(flags); i++)
        if (str_eq_nocase(keyword, str_of(flags[i].keyword)))
            *flag_of(extensions, i) = true;
    if (str_eq_nocase(keyword, STR("SIZE")))
        parse_size(extensions, rest);
    else if (str_eq_nocase(keyword, STR("LIMITS")))
        parse_limits(extensions, rest);
    else if (str_eq_nocase(keyword, STR("XDOMAIN")))
        parse_home(extensions, rest);
    else if (str_eq_nocase(keyword, STR("AUTH")))
        parse_auth(extensions, rest);
    else if (str_starts_nocase(line, STR("AUTH=")))
        parse_auth(extensions, str_from(line, strlen("AUTH=")));
}

struct smtp_extensions smtp_extensions_parse(const struct smtp_reply *reply)
{
    struct smtp_extensions extensions = {.home = STR_EMPTY};
    size_t position = 0;
    struct str text;
    bool is_greeting = true;
    while (smtp_reply_next_text(reply, &position, &text)) {
        if (!is_greeting)
            parse_extension(&extensions, text);
        is_greeting = false;
    }
    return extensions;
}

/* ---- Printing ------------------------------------------------------------------------------- */

/* Words of one line, which is left out when there are none. */
static enum err print_auth(struct buf *text, unsigned auth)
{
    enum err err = auth ? buf_add(text, STR("\nAUTH")) : OK;
    for (size_t i = 0; i < ARRAY_LEN(mechanisms) && !err; i++)
        if (auth & mechanisms[i].mechanism)
            err = buf_printf(text, " %s", mechanisms[i].name);
    return err;
}

static enum err print_limits(struct buf *text, struct smtp_extensions extensions)
{
    enum err err = OK;
    bool is_first = true;
    for (size_t i = 0; i < ARRAY_LEN(limits) && !err; i++) {
        uint64_t limit = *limit_of(&extensions, i);
        if (limit == 0)
            continue;
        err = buf_printf(text, "%s %s=%llu", is_first ? "\nLIMITS" : "", limits[i].name,
                         (unsigned long long)limit);
        is_first = false;
    }
    return err;
}

static enum err print_lines(struct buf *text, struct smtp_extensions extensions,
                            struct str greeting)
{
    enum err err = buf_add(text, greeting);
    for (size_t i = 0; i < ARRAY_LEN(flags) && !err; i++)
        if (*flag_of(&extensions, i))
            err = buf_printf(text, "\n%s%s", flags[i].keyword, flags[i].parameters);
    if (!err && extensions.has_size)
        err = extensions.size ? buf_printf(text, "\nSIZE %llu", (unsigned long long)extensions.size)
                              : buf_add(text, STR("\nSIZE"));
    if (!err && extensions.has_auth)
        err = print_auth(text, extensions.auth);
    if (!err && extensions.home.len)
        err = buf_printf(text, "\nXDOMAIN %.*s", STR_FMT(extensions.home));
    return err ? err : print_limits(text, extensions);
}

enum err smtp_extensions_print(struct buf *buf, const struct smtp_extensions *extensions,
                               struct str greeting)
{
    struct buf text = buf_make(4096);
    enum err err = print_lines(&text, *extensions, greeting);
    if (!err)
        err = smtp_reply_print(buf, 250, MAIL_STATUS_NONE, buf_str(&text));
    buf_free(&text);
    return err;
}
