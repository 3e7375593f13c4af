/* Laws: what decodes, encodes to the same bytes; every entry of a decoded index whose order holds
 * is found. */
#include "base/mem.h"
#include "trace/index.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool law)
{
    if (!law)
        abort();
}

static void check_decoded(struct str input)
{
    struct trace_index index;
    if (trace_index_decode(input, &index) != OK)
        return;
    char *again = mem_alloc(input.len);
    trace_index_encode(&index, again);
    require(memcmp(again + 64, input.at + 64, input.len - 64) == 0);
    mem_free(again);
    trace_index_done(&index);
}

/* An index made of the input itself. */
static void check_made(struct str input)
{
    struct trace_index index, got;
    trace_index_init(&index);
    for (size_t i = 0; i + 2 <= input.len; i += 2)
        trace_index_add(&index, (unsigned char)input.at[i], input.at[i + 1], (uint32_t)i);
    trace_index_sort(&index);
    size_t len = TRACE_INDEX_HEADER_BYTES + index.count * TRACE_INDEX_ENTRY_BYTES;
    char *bytes = mem_alloc(len);
    trace_index_encode(&index, bytes);
    require(trace_index_decode(str_make(bytes, len), &got) == OK);
    for (size_t i = 0; i + 2 <= input.len; i += 2) {
        spool_id id = (unsigned char)input.at[i];
        size_t at = trace_index_find(&got, id);
        require(at < got.count && got.entries[at].id == id);
        require(at == 0 || got.entries[at - 1].id < id);
    }
    mem_free(bytes);
    trace_index_done(&got);
    trace_index_done(&index);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = str_make((const char *)data, size);
    check_decoded(input);
    check_made(input);
    return 0;
}
