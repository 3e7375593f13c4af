/* A message on its way out with a field of ours on top. */
#ifndef DELIVER_PREFIXED_CONTENT_H
#define DELIVER_PREFIXED_CONTENT_H

#include "deliver/content.h"

struct prefixed_content {
    struct str prefix; /* whole fields with their CRLF, or empty */
    struct content_source message;
};

/* `content` outlives it. */
struct content_source content_of_prefixed(struct prefixed_content *content);

#endif
