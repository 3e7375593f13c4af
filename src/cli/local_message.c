#include "cli/local_message.h"

#include "cli/compose.h"
#include "mail/address_list.h"
#include "mail/header.h"

/* ---- reading ---- */

/* What stands before the line of one dot; all of it when there is none. */
static struct str before_dot(struct str text)
{
    struct str rest = text, line;
    while (rest.len) {
        const char *start = rest.at;
        if (!str_cut(rest, '\n', &line, &rest)) {
            line = rest;
            rest = STR_EMPTY;
        }
        if (str_eq(line, STR(".")) || str_eq(line, STR(".\r")))
            return str_first(text, (size_t)(start - text.at));
    }
    return text;
}

/* Whether `line`, with all that follows it, begins with a header field. */
static bool is_field(struct str line)
{
    size_t colon = str_find(line, ':');
    if (colon == 0 || colon == SIZE_MAX)
        return false;
    struct str name = str_first(line, colon);
    return str_find(name, ' ') == SIZE_MAX && str_find(name, '\n') == SIZE_MAX;
}

/* Takes off "From alice Mon Jan…" where a header follows: else it is text. */
static struct str without_mbox_line(struct str text)
{
    struct str line, rest;
    bool is_mbox =
        str_starts(text, STR("From ")) && str_cut(text, '\n', &line, &rest) && is_field(rest);
    return is_mbox && !str_starts(str_trim(str_from(line, 5)), STR(":")) ? rest : text;
}

enum err local_message_read(struct buf *out, struct str text, bool ignores_dots)
{
    if (!ignores_dots)
        text = before_dot(text);
    return compose_canonical(out, without_mbox_line(text));
}

/* ---- recipients ---- */

static void add_all(struct local_recipients *recipients, const struct mail_address_list *list,
                    struct arena *arena)
{
    size_t count = recipients->count + list->count;
    struct mail_address *all = ARENA_ARRAY(arena, struct mail_address, count);
    for (size_t i = 0; i < count; i++)
        all[i] = i < recipients->count ? recipients->at[i] : list->items[i - recipients->count];
    *recipients = (struct local_recipients){all, count};
}

/* Mail goes to nobody who is not surely meant. */
static enum err add_list(struct local_recipients *recipients, const struct mail_address_list *list,
                         struct arena *arena)
{
    if (list->is_ambiguous)
        return ERR_SYNTAX;
    if (recipients->count + list->count > LOCAL_RECIPIENTS_MAX)
        return ERR_LIMIT;
    add_all(recipients, list, arena);
    return OK;
}

enum err local_recipients_add(struct local_recipients *recipients, struct str word, struct str home,
                              struct arena *arena)
{
    struct mail_address_list list;
    struct str completed;
    enum err err =
        mail_address_list_complete(arena, word, LOCAL_RECIPIENTS_MAX, home, &list, &completed);
    if (!err && list.count == 0)
        err = ERR_SYNTAX;
    return err ? err : add_list(recipients, &list, arena);
}

/* ---- the fields that matter ---- */

enum place { ANYWHERE, RESENT };

static const struct rule {
    struct str name;
    enum place place;
    bool has_addresses;
    bool has_recipients;
    bool is_secret; /* to be taken out with -t */
} rules[] = {
    {{"From", 4}, ANYWHERE, true, false, false},
    {{"Sender", 6}, ANYWHERE, true, false, false},
    {{"Reply-To", 8}, ANYWHERE, true, false, false},
    {{"To", 2}, ANYWHERE, true, true, false},
    {{"Cc", 2}, ANYWHERE, true, true, false},
    {{"Bcc", 3}, ANYWHERE, true, true, true},
    {{"Resent-Date", 11}, RESENT, false, false, false},
    {{"Resent-From", 11}, RESENT, true, false, false},
    {{"Resent-Sender", 13}, RESENT, true, false, false},
    {{"Resent-Message-ID", 17}, RESENT, false, false, false},
    {{"Resent-To", 9}, RESENT, true, true, false},
    {{"Resent-Cc", 9}, RESENT, true, true, false},
    {{"Resent-Bcc", 10}, RESENT, true, true, true},
};

static const struct rule *find_rule(const struct mail_field *field)
{
    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        if (mail_field_is(field, rules[i].name))
            return &rules[i];
    return NULL;
}

struct making {
    struct buf *out;
    struct arena *arena;
    const struct local_message_options *options;
    struct local_recipients recipients;
    struct str faulty_field;
    bool is_resent;              /* its recipients are those of the latest resending alone */
    bool is_past_resending;      /* what follows was resent earlier */
    bool seen[ARRAY_LEN(rules)]; /* in the latest resending */
    bool has_from;
};

/* Each resending puts its fields on top of those before it: a field that comes again, or a
 * Received, begins what was there already. */
static void watch_resending(struct making *making, const struct mail_field *field,
                            const struct rule *rule)
{
    size_t i = rule ? (size_t)(rule - rules) : 0;
    bool is_resent_field = rule && rule->place == RESENT;
    bool has_begun = false;
    for (size_t j = 0; j < ARRAY_LEN(rules); j++)
        has_begun |= making->seen[j];
    if (is_resent_field && !making->seen[i])
        making->seen[i] = true;
    else if (is_resent_field || (has_begun && mail_field_is(field, STR("Received"))))
        making->is_past_resending = true;
}

static bool is_asked_for_recipients(const struct making *making, const struct rule *rule)
{
    if (!making->options->takes_recipients || !rule->has_recipients)
        return false;
    return making->is_resent ? rule->place == RESENT && !making->is_past_resending
                             : rule->place == ANYWHERE;
}

static enum err add_field(struct making *making, const struct mail_field *field,
                          const struct rule *rule)
{
    struct mail_address_list list;
    struct str value = field->value;
    bool wants_recipients = is_asked_for_recipients(making, rule);
    enum err err = mail_address_list_complete(making->arena, field->value, LOCAL_RECIPIENTS_MAX,
                                              making->options->home, &list, &value);
    if (!err && wants_recipients)
        err = add_list(&making->recipients, &list, making->arena);
    if (err && wants_recipients) {
        making->faulty_field = field->raw;
        return err;
    }
    if (making->options->takes_recipients && rule->is_secret)
        return OK;
    if (str_eq(value, field->value))
        return buf_add(making->out, field->raw);
    return buf_printf(making->out, "%.*s:%.*s\r\n", STR_FMT(field->name), STR_FMT(value));
}

static enum err take_field(struct making *making, const struct mail_field *field)
{
    const struct rule *rule = find_rule(field);
    watch_resending(making, field, rule);
    making->has_from |= rule == &rules[0];
    return rule && rule->has_addresses ? add_field(making, field, rule)
                                       : buf_add(making->out, field->raw);
}

/* ---- the message ---- */

static bool has_resent_field(struct str text)
{
    struct mail_header_reader reader = mail_header_reader_make();
    struct mail_field field;
    while (mail_header_next(&reader, text, true, &field) == MAIL_HEADER_FIELD && field.name.len) {
        const struct rule *rule = find_rule(&field);
        if (rule && rule->place == RESENT)
            return true;
    }
    return false;
}

static enum err add_from(struct buf *out, const struct local_message_options *options)
{
    struct arena arena = arena_make();
    struct str address = mail_address_text(&arena, &options->from);
    struct str name = options->full_name;
    enum err err = buf_add(out, STR("From: "));
    if (!err && name.len)
        err = compose_name(out, name);
    if (!err)
        err = buf_printf(out, name.len ? " <%.*s>\r\n" : "%.*s\r\n", STR_FMT(address));
    arena_reset(&arena);
    return err;
}

/* All fields; *out_body is what stands behind them. */
static enum err take_header(struct making *making, struct str text, struct str *out_body)
{
    struct mail_header_reader reader = mail_header_reader_make();
    struct mail_field field;
    enum err err = OK;
    *out_body = text;
    while (!err && mail_header_next(&reader, text, true, &field) == MAIL_HEADER_FIELD &&
           field.name.len) {
        err = take_field(making, &field);
        *out_body = str_from(text, reader.at);
    }
    if (str_starts(*out_body, STR("\r\n")))
        *out_body = str_from(*out_body, 2);
    return err;
}

enum err local_message_make(struct buf *out, struct str text,
                            const struct local_message_options *options, struct arena *arena,
                            struct local_recipients *out_recipients, struct str *out_field)
{
    struct making making = {
        .out = out, .arena = arena, .options = options, .is_resent = has_resent_field(text)};
    struct str body;
    enum err err = take_header(&making, text, &body);
    if (!err && !making.has_from)
        err = add_from(out, options);
    if (!err)
        err = buf_add(out, STR("\r\n"));
    if (!err)
        err = buf_add(out, body);
    if (!err)
        *out_recipients = making.recipients;
    else if (err == ERR_SYNTAX)
        *out_field = making.faulty_field;
    return err;
}
