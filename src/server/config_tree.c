#include "server/config_tree.h"

#include "server/config_lexer.h"

/* Three would do; beyond this it is no configuration. */
#define DEPTH_MAX 8

struct parser {
    struct config_lexer lexer;
    struct arena *arena;
    struct config_problems *problems;
    unsigned depth;
};

/* ---- Tokens --------------------------------------------------------------------------------- */

static struct config_token peek(const struct parser *parser, unsigned ahead)
{
    struct config_lexer lexer = parser->lexer;
    struct config_token token = config_lexer_next(&lexer);
    while (ahead--)
        token = config_lexer_next(&lexer);
    return token;
}

/* A mistake within a token is told when it is taken, once. */
static struct config_token take(struct parser *parser)
{
    struct config_token token = config_lexer_next(&parser->lexer);
    if (token.problem)
        config_error(parser->problems, token.line, "%s", token.problem);
    return token;
}

static bool is_scalar(const struct config_token *token)
{
    return token->kind == CONFIG_TOKEN_WORD || token->kind == CONFIG_TOKEN_STRING;
}

/* Whether an item begins `ahead` tokens from here. */
static bool is_item(const struct parser *parser, unsigned ahead)
{
    struct config_token first = peek(parser, ahead), second = peek(parser, ahead + 1);
    if (first.kind != CONFIG_TOKEN_WORD)
        return false;
    return second.kind == CONFIG_TOKEN_EQUALS || second.kind == CONFIG_TOKEN_OPEN ||
           (is_scalar(&second) && peek(parser, ahead + 2).kind == CONFIG_TOKEN_OPEN);
}

/* Takes all up to the "}" that closes what is open now. */
static void skip_block(struct parser *parser)
{
    for (size_t open = 1; open > 0;) {
        struct config_token token = config_lexer_next(&parser->lexer);
        if (token.kind == CONFIG_TOKEN_END)
            return;
        open += token.kind == CONFIG_TOKEN_OPEN;
        open -= token.kind == CONFIG_TOKEN_CLOSE;
    }
}

static void skip_to_item(struct parser *parser)
{
    for (;;) {
        enum config_token_kind kind = peek(parser, 0).kind;
        if (kind == CONFIG_TOKEN_END || kind == CONFIG_TOKEN_CLOSE || is_item(parser, 0))
            return;
        config_lexer_next(&parser->lexer);
        if (kind == CONFIG_TOKEN_OPEN)
            skip_block(parser);
    }
}

/* ---- Values --------------------------------------------------------------------------------- */

static void add_value(struct parser *parser, struct config_node *key, size_t *cap)
{
    struct config_token token = take(parser);
    if (key->value_count == *cap) {
        *cap = *cap ? *cap * 2 : 4;
        struct config_value *values = ARENA_ARRAY(parser->arena, struct config_value, *cap);
        if (key->value_count)
            memcpy(values, key->values, key->value_count * sizeof *values);
        key->values = values;
    }
    key->is_broken |= token.problem != NULL;
    key->values[key->value_count++] = (struct config_value){
        .text = config_token_value(parser->arena, &token), .line = token.line};
}

/* What should not stand in a list. True when the list ends with it. */
static bool list_ends_wrongly(struct parser *parser, struct config_node *key)
{
    struct config_token token = peek(parser, 0);
    bool is_key = is_item(parser, 0) && peek(parser, 1).kind == CONFIG_TOKEN_EQUALS;
    if (token.kind == CONFIG_TOKEN_END || (is_key && key->value_count > 0)) {
        config_error(parser->problems, key->line,
                     "the list of '%.*s' is not closed (write a } at its end)", STR_FMT(key->name));
        key->is_broken = true;
        return true;
    }
    if (is_key) {
        config_error(parser->problems, key->line,
                     "'%.*s = {' begins a list (write a section without the '=')",
                     STR_FMT(key->name));
        key->is_broken = true;
        skip_block(parser);
        return true;
    }
    return false;
}

static void skip_odd_token(struct parser *parser, struct config_node *key)
{
    struct config_token token = take(parser);
    config_error(parser->problems, token.line,
                 "'%.*s' in the list of '%.*s' (write values with a comma between them)",
                 STR_FMT(token.raw), STR_FMT(key->name));
    key->is_broken = true;
    if (token.kind == CONFIG_TOKEN_OPEN)
        skip_block(parser);
}

static void parse_list(struct parser *parser, struct config_node *key)
{
    size_t cap = 0;
    bool wants_comma = false;
    key->is_list = true;
    take(parser);
    while (!list_ends_wrongly(parser, key)) {
        struct config_token token = peek(parser, 0);
        if (token.kind == CONFIG_TOKEN_CLOSE) {
            take(parser);
            return;
        }
        if (token.kind == CONFIG_TOKEN_COMMA && wants_comma) {
            take(parser);
            wants_comma = false;
        } else if (is_scalar(&token)) {
            if (wants_comma)
                config_error(parser->problems, token.line, "a comma is missing before %.*s",
                             STR_FMT(token.raw));
            add_value(parser, key, &cap);
            wants_comma = true;
        } else {
            skip_odd_token(parser, key);
        }
    }
}

static void parse_scalar(struct parser *parser, struct config_node *key, uint32_t line)
{
    struct config_token token = peek(parser, 0);
    size_t cap = 0;
    if (!is_scalar(&token) || token.line != line ||
        (is_item(parser, 0) && peek(parser, 1).kind == CONFIG_TOKEN_EQUALS)) {
        config_error(parser->problems, line, "'%.*s =' has no value (write it on the same line)",
                     STR_FMT(key->name));
        key->is_broken = true;
        skip_to_item(parser);
        return;
    }
    add_value(parser, key, &cap);
    if (peek(parser, 0).kind == CONFIG_TOKEN_COMMA) {
        config_error(parser->problems, line,
                     "'%.*s' has several values (write a list in braces: {\"a\", \"b\"})",
                     STR_FMT(key->name));
        key->is_broken = true;
        skip_to_item(parser);
    }
}

/* Sections within sections are read by recursion, which DEPTH_MAX bounds.
 * NOLINTBEGIN(misc-no-recursion) */

/* ---- Items ---------------------------------------------------------------------------------- */

static void parse_items(struct parser *parser, struct config_node *section);

static struct config_node *add_child(struct parser *parser, struct config_node *section,
                                     const struct config_token *name)
{
    struct config_node *child = ARENA_NEW(parser->arena, struct config_node);
    child->name = config_token_value(parser->arena, name);
    child->line = name->line;
    child->title = STR_EMPTY;
    if (section->last_child)
        section->last_child->next = child;
    else
        section->children = child;
    section->last_child = child;
    return child;
}

static void parse_key(struct parser *parser, struct config_node *key)
{
    struct config_token equals = take(parser);
    if (peek(parser, 0).kind == CONFIG_TOKEN_OPEN)
        parse_list(parser, key);
    else
        parse_scalar(parser, key, equals.line);
}

static void parse_section(struct parser *parser, struct config_node *section)
{
    section->is_section = true;
    section->has_title = peek(parser, 0).kind != CONFIG_TOKEN_OPEN;
    if (section->has_title) {
        struct config_token title = take(parser);
        section->title = config_token_value(parser->arena, &title);
    }
    take(parser);
    if (parser->depth == DEPTH_MAX) {
        config_error(parser->problems, section->line, "sections are nested too deeply here");
        skip_block(parser);
        return;
    }
    parser->depth++;
    parse_items(parser, section);
    parser->depth--;
    if (peek(parser, 0).kind == CONFIG_TOKEN_CLOSE)
        take(parser);
    else
        config_error(parser->problems, section->line,
                     "the section '%.*s' is not closed (write a } at its end)",
                     STR_FMT(section->name));
}

static void parse_item(struct parser *parser, struct config_node *section)
{
    if (is_item(parser, 0)) {
        struct config_token name = take(parser);
        struct config_node *child = add_child(parser, section, &name);
        if (peek(parser, 0).kind == CONFIG_TOKEN_EQUALS)
            parse_key(parser, child);
        else
            parse_section(parser, child);
        return;
    }
    struct config_token token = take(parser);
    if (token.kind == CONFIG_TOKEN_STRING && peek(parser, 0).kind == CONFIG_TOKEN_EQUALS)
        config_error(parser->problems, token.line, "the key %.*s is in quotes (write it without)",
                     STR_FMT(token.raw));
    else if (!token.problem)
        config_error(parser->problems, token.line,
                     "'%.*s' begins neither a key nor a section (write key = value, or "
                     "section { … })",
                     STR_FMT(token.raw));
    if (token.kind == CONFIG_TOKEN_OPEN)
        skip_block(parser);
    skip_to_item(parser);
}

static void parse_items(struct parser *parser, struct config_node *section)
{
    for (;;) {
        enum config_token_kind kind = peek(parser, 0).kind;
        if (kind == CONFIG_TOKEN_END || (kind == CONFIG_TOKEN_CLOSE && parser->depth > 0))
            return;
        if (kind == CONFIG_TOKEN_CLOSE)
            config_error(parser->problems, take(parser).line,
                         "a } that closes nothing (delete it)");
        else
            parse_item(parser, section);
    }
}

/* NOLINTEND(misc-no-recursion) */

struct config_node *config_tree_parse(struct str text, struct arena *arena,
                                      struct config_problems *problems)
{
    struct parser parser = {.lexer = config_lexer_make(text), .arena = arena, .problems = problems};
    struct config_node *root = ARENA_NEW(arena, struct config_node);
    *root =
        (struct config_node){.name = STR_EMPTY, .title = STR_EMPTY, .line = 1, .is_section = true};
    parse_items(&parser, root);
    return root;
}

/* ---- Looking -------------------------------------------------------------------------------- */

const struct config_node *config_node_find(const struct config_node *section, const char *name)
{
    for (const struct config_node *node = section->children; node; node = node->next)
        if (str_eq(node->name, str_of(name)))
            return node;
    return NULL;
}

uint32_t config_node_line(const struct config_node *section, const char *key)
{
    const struct config_node *node = config_node_find(section, key);
    return node ? node->line : section->line;
}
