/* Laws: what reads, writes back to the same bytes; a record whose checksum is made right reads, or
 * is refused, but is never read beyond its end. */
#include "base/mem.h"
#include "trace/record.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool law)
{
    if (!law)
        abort();
}

static void check(struct str bytes)
{
    struct trace_event event;
    size_t len;
    if (trace_record_read(bytes, &event, &len) != OK)
        return;
    require(len <= bytes.len && trace_record_size(&event) == len);
    char *again = mem_alloc(len);
    trace_record_write(&event, again);
    trace_record_seal(again);
    require(memcmp(again, bytes.at, len) == 0);
    mem_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = str_make((const char *)data, size);
    check(input);
    for (size_t at = trace_record_find(input, 0); at < size; at = trace_record_find(input, at + 1))
        check(str_from(input, at));

    if (size >= TRACE_RECORD_HEADER_BYTES) {
        char *sealed = mem_alloc(size);
        memcpy(sealed, data, size);
        size_t len = trace_record_len(sealed);
        if (len >= TRACE_RECORD_HEADER_BYTES && len <= size)
            trace_record_seal(sealed);
        check(str_make(sealed, size));
        mem_free(sealed);
    }
    return 0;
}
