#include "deliver/prefixed_content.h"

static enum err read_prefixed(void *context, uint64_t offset, void *out, size_t len,
                              size_t *out_len)
{
    const struct prefixed_content *content = context;
    const struct content_source *message = &content->message;
    if (offset >= content->prefix.len)
        return message->read(message->context, offset - content->prefix.len, out, len, out_len);
    struct str piece = str_first(str_from(content->prefix, (size_t)offset), len);
    memcpy(out, piece.at, piece.len);
    *out_len = piece.len;
    return OK;
}

struct content_source content_of_prefixed(struct prefixed_content *content)
{
    uint64_t size_bytes = content->prefix.len + content->message.size_bytes;
    return (struct content_source){read_prefixed, content, size_bytes};
}
