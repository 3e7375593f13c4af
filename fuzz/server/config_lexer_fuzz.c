/* Laws of the words of a configuration: tokens lie in the text in order and advance, lines never go
 * back, a string without a problem is read again as the same value after printing. */
#include "server/config_lexer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_again(struct arena *arena, const struct config_token *token)
{
    struct str value = config_token_value(arena, token);
    struct config_lexer lexer = config_lexer_make(config_string_print(arena, value));
    struct config_token again = config_lexer_next(&lexer);
    assert(again.kind == CONFIG_TOKEN_STRING && !again.problem);
    assert(str_eq(config_token_value(arena, &again), value));
    assert(config_lexer_next(&lexer).kind == CONFIG_TOKEN_END);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_make();
    struct str text = str_make((const char *)data, size);
    struct config_lexer lexer = config_lexer_make(text);
    const char *at = text.at;
    uint32_t line = 1;
    for (;;) {
        struct config_token token = config_lexer_next(&lexer);
        assert(token.raw.at >= at && token.raw.at + token.raw.len <= text.at + text.len);
        assert(token.line >= line);
        if (token.kind == CONFIG_TOKEN_END)
            break;
        assert(token.raw.len > 0);
        at = token.raw.at + token.raw.len;
        line = token.line;
        if (!token.problem && token.kind <= CONFIG_TOKEN_STRING)
            check_again(&arena, &token);
    }
    arena_reset(&arena);
    return 0;
}
