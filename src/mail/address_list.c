#include "mail/address_list.h"

#include "mail/lexer.h"
#include "mail/text.h"

struct list_parser {
    struct arena *arena;
    struct mail_lexer lexer;
    struct mail_token token; /* the one to look at */
    struct mail_address_list list;
    size_t cap;
    size_t max;
    bool is_in_group;
    struct str home;  /* the domain of addresses that have none */
    struct buf *copy; /* the value up to `copied`, with that domain put in; NULL: they are none */
    const char *copied;
};

static enum err advance(struct list_parser *parser)
{
    return mail_lexer_next(&parser->lexer, &parser->token);
}

static bool is_word(const struct mail_token *token)
{
    return token->kind == MAIL_TOKEN_ATOM || token->kind == MAIL_TOKEN_QUOTED;
}

static bool is_at_dot(const struct list_parser *parser)
{
    return mail_token_is(&parser->token, '.');
}

/* Ends an entry of the list: nothing left, `,` or the `;` of a group. */
static bool is_at_end_of_entry(const struct list_parser *parser)
{
    return parser->token.kind == MAIL_TOKEN_END || mail_token_is(&parser->token, ',') ||
           mail_token_is(&parser->token, ';');
}

static enum err add_address(struct list_parser *parser, struct mail_address address)
{
    struct mail_address_list *list = &parser->list;
    if (list->count == parser->max)
        return ERR_LIMIT;
    if (list->count == parser->cap) {
        parser->cap = parser->cap ? parser->cap * 2 : 4;
        struct mail_address *more = ARENA_ARRAY(parser->arena, struct mail_address, parser->cap);
        if (list->count)
            memcpy(more, list->items, list->count * sizeof *more);
        list->items = more;
    }
    list->items[list->count++] = address;
    return OK;
}

/* The meaning of `span`, which is whole tokens: their texts without what separates them. */
static struct str span_text(struct arena *arena, struct str span)
{
    char *text = arena_alloc(arena, span.len);
    size_t len = 0;
    struct mail_lexer lexer = mail_lexer_make(span);
    struct mail_token token;
    while (mail_lexer_next(&lexer, &token) == OK && token.kind != MAIL_TOKEN_END) {
        struct str part = mail_token_text(arena, &token);
        if (part.len)
            memcpy(text + len, part.at, part.len);
        len += part.len;
    }
    return str_make(text, len);
}

static struct str span_to(const char *start, const struct mail_token *last)
{
    return str_make(start, (size_t)(last->raw.at + last->raw.len - start));
}

/* Words and dots up to something else: a local part, or the labels of a domain. Dots in a row or at
 * an end are taken, since such local parts exist; in a domain they fail later. */
static enum err parse_dotted(struct list_parser *parser, struct str *out_text, const char **out_end)
{
    struct mail_token last = parser->token;
    const char *start = last.raw.at;
    if (!is_word(&last) && !is_at_dot(parser))
        return ERR_SYNTAX;
    for (;;) {
        bool was_word = is_word(&last);
        enum err err = advance(parser);
        if (err)
            return err;
        bool continues = is_at_dot(parser) || (is_word(&parser->token) && !was_word);
        if (!continues)
            break;
        parser->list.is_ambiguous |= parser->token.is_separated;
        last = parser->token;
    }
    *out_text = span_text(parser->arena, span_to(start, &last));
    *out_end = last.raw.at + last.raw.len;
    return OK;
}

/* Behind the `@`. */
static enum err parse_domain(struct list_parser *parser, struct mail_address *address)
{
    parser->list.is_ambiguous |= parser->token.is_separated;
    if (parser->token.kind == MAIL_TOKEN_LITERAL) {
        address->is_literal = true;
        address->domain = arena_copy(parser->arena, parser->token.raw);
        return mail_domain_is_literal(address->domain) ? advance(parser) : ERR_SYNTAX;
    }
    if (parser->token.kind != MAIL_TOKEN_ATOM)
        return ERR_SYNTAX;
    const char *end;
    enum err err = parse_dotted(parser, &address->domain, &end);
    if (err)
        return err;
    bool is_valid =
        mail_domain_is_valid(address->domain, MAIL_ADDRESS_UTF8 | MAIL_ADDRESS_UNDERSCORE);
    return is_valid ? OK : ERR_SYNTAX;
}

/* Behind a local part that stands alone. */
static enum err complete(struct list_parser *parser, struct mail_address *address, const char *end)
{
    address->domain = parser->home;
    struct str before = str_make(parser->copied, (size_t)(end - parser->copied));
    parser->copied = end;
    enum err err = buf_add(parser->copy, before);
    if (!err)
        err = buf_add_char(parser->copy, '@');
    if (!err)
        err = buf_add(parser->copy, parser->home);
    return err ? err : add_address(parser, *address);
}

static enum err parse_addr_spec(struct list_parser *parser)
{
    struct mail_address address = {0};
    const char *end;
    enum err err = parse_dotted(parser, &address.local, &end);
    if (err)
        return err;
    if (address.local.len == 0 || !mail_text_is_clean(address.local))
        return ERR_SYNTAX;
    if (!mail_token_is(&parser->token, '@'))
        return parser->copy ? complete(parser, &address, end) : ERR_SYNTAX;
    parser->list.is_ambiguous |= parser->token.is_separated;
    err = advance(parser);
    if (!err)
        err = parse_domain(parser, &address);
    if (err)
        return err;
    return add_address(parser, address);
}

/* obs-route, RFC 5322 section 4.4: `@a,@b:`. */
static enum err skip_route(struct list_parser *parser)
{
    parser->list.is_ambiguous = true;
    while (!mail_token_is(&parser->token, ':')) {
        bool belongs = mail_token_is(&parser->token, '@') || mail_token_is(&parser->token, ',') ||
                       is_at_dot(parser) || parser->token.kind == MAIL_TOKEN_ATOM ||
                       parser->token.kind == MAIL_TOKEN_LITERAL;
        enum err err = belongs ? advance(parser) : ERR_SYNTAX;
        if (err)
            return err;
    }
    return advance(parser);
}

/* From `<` to what follows `>`. */
static enum err parse_angle(struct list_parser *parser)
{
    enum err err = advance(parser);
    if (!err && mail_token_is(&parser->token, '@'))
        err = skip_route(parser);
    if (!err)
        err = parse_addr_spec(parser);
    if (err)
        return err;
    return mail_token_is(&parser->token, '>') ? advance(parser) : ERR_SYNTAX;
}

/* Passes the words of a display name, a group's name or a bare address, to what stands behind. */
static enum err skip_words(struct list_parser *parser, bool *out_has_at)
{
    *out_has_at = false;
    while (is_word(&parser->token) || is_at_dot(parser) || mail_token_is(&parser->token, '@') ||
           parser->token.kind == MAIL_TOKEN_LITERAL) {
        *out_has_at |= mail_token_is(&parser->token, '@');
        enum err err = advance(parser);
        if (err)
            return err;
    }
    return OK;
}

/* An address from `start` that must end at `end`, a point already reached once. */
static enum err parse_bare(struct list_parser *parser, struct list_parser start, const char *end)
{
    start.list = parser->list;
    start.cap = parser->cap;
    enum err err = parse_addr_spec(&start);
    if (err)
        return err;
    if (start.token.raw.at != end)
        return ERR_SYNTAX;
    *parser = start;
    return OK;
}

/* An address stands where the name should be: harmless if it is the same as the one behind it. */
static void judge_name(struct mail_address_list *list)
{
    assert(list->count >= 2);
    if (mail_address_eq(&list->items[list->count - 2], &list->items[list->count - 1]))
        list->count--;
    else
        list->is_ambiguous = true;
}

/* One entry: an address, a name with an address, the head of a group, or nothing at all (obsolete
 * lists have empty entries). Leaves the parser behind it. */
static enum err parse_entry(struct list_parser *parser)
{
    struct list_parser start = *parser;
    bool has_at;
    enum err err = skip_words(parser, &has_at);
    if (err)
        return err;
    bool has_words = parser->token.raw.at != start.token.raw.at;
    if (mail_token_is(&parser->token, ':') && has_words && !has_at && !parser->is_in_group) {
        parser->is_in_group = true;
        return advance(parser);
    }
    bool has_angle = mail_token_is(&parser->token, '<');
    if (has_at || (has_words && !has_angle))
        err = parse_bare(parser, start, parser->token.raw.at);
    if (!err && has_angle)
        err = parse_angle(parser);
    if (!err && has_angle && has_at)
        judge_name(&parser->list);
    if (err)
        return err;
    return is_at_end_of_entry(parser) ? OK : ERR_SYNTAX;
}

/* Passes `,`, or `;` where a group is open. */
static enum err parse_separator(struct list_parser *parser)
{
    if (mail_token_is(&parser->token, ';')) {
        if (!parser->is_in_group)
            return ERR_SYNTAX;
        parser->is_in_group = false;
        enum err err = advance(parser);
        if (err || is_at_end_of_entry(parser))
            return err;
        return ERR_SYNTAX;
    }
    return mail_token_is(&parser->token, ',') ? advance(parser) : OK;
}

static enum err parse_list(struct list_parser *parser)
{
    enum err err = advance(parser);
    while (!err && parser->token.kind != MAIL_TOKEN_END) {
        err = parse_entry(parser);
        if (!err)
            err = parse_separator(parser);
    }
    return !err && parser->is_in_group ? ERR_SYNTAX : err;
}

enum err mail_address_list_parse(struct arena *arena, struct str value, size_t max,
                                 struct mail_address_list *out_list)
{
    struct list_parser parser = {.arena = arena, .lexer = mail_lexer_make(value), .max = max};
    enum err err = parse_list(&parser);
    if (!err)
        *out_list = parser.list;
    return err;
}

enum err mail_address_list_complete(struct arena *arena, struct str value, size_t max,
                                    struct str home, struct mail_address_list *out_list,
                                    struct str *out_value)
{
    struct buf copy = buf_make(SIZE_MAX / 2);
    struct list_parser parser = {.arena = arena,
                                 .lexer = mail_lexer_make(value),
                                 .max = max,
                                 .home = home,
                                 .copy = &copy,
                                 .copied = value.at};
    enum err err = parse_list(&parser);
    if (!err)
        err = buf_add(&copy, str_from(value, (size_t)(parser.copied - value.at)));
    if (!err) {
        *out_list = parser.list;
        *out_value = arena_copy(arena, buf_str(&copy));
    }
    buf_free(&copy);
    return err;
}
