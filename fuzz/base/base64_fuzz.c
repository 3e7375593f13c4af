/* Laws: encoding then decoding is identity; what decodes is canonical, so encoding the result
 * gives the text back. */
#include "base/encode.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool law)
{
    if (!law)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_make();
    struct str input = str_make((const char *)data, size);
    struct str decoded;

    enum err err = base64_decode(&arena, base64_encode(&arena, input), &decoded);
    require(err == OK && str_eq(decoded, input));
    if (base64_decode(&arena, input, &decoded) == OK)
        require(str_eq(base64_encode(&arena, decoded), input));

    err = hex_decode(&arena, hex_encode(&arena, input), &decoded);
    require(err == OK && str_eq(decoded, input));
    if (hex_decode(&arena, input, &decoded) == OK)
        require(str_eq_nocase(hex_encode(&arena, decoded), input));

    arena_reset(&arena);
    return 0;
}
