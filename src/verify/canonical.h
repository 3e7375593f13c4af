/* The canonical forms that signatures are made over: RFC 6376 section 3.4. Pure.
 *
 * Bodies are streamed, in pieces cut anywhere; the result does not depend on the cuts. Only CRLF
 * is a line end: a CR or LF alone is a byte like others. Whatever needs no change is handed on in
 * runs as long as they come. A canonical form made canonical again is the same. */
#ifndef VERIFY_CANONICAL_H
#define VERIFY_CANONICAL_H

#include "base/str.h"

enum canonicalization { CANONICAL_SIMPLE, CANONICAL_RELAXED };

/* "simple" or "relaxed". */
struct str canonicalization_text(enum canonicalization kind);

/* Where canonical bytes go. Small pieces are gathered, so `put` is called with few and large ones;
 * flush when all were given. */
struct canonical_sink {
    void (*put)(void *context, struct str bytes);
    void *context;
    size_t gathered;
    char gather[1024];
};

void canonical_sink_init(struct canonical_sink *sink, void (*put)(void *context, struct str bytes),
                         void *context);
void canonical_sink_put(struct canonical_sink *sink, struct str bytes);
void canonical_sink_flush(struct canonical_sink *sink);

/* A header field, `raw` as it stands in the message. The last CRLF is added when it is missing. */
void canonical_field(enum canonicalization kind, struct str raw, struct canonical_sink *sink);
/* The same without the last CRLF: the signature's own field (section 3.7). */
void canonical_field_unended(enum canonicalization kind, struct str raw,
                             struct canonical_sink *sink);

struct canonical_body {
    enum canonicalization kind;
    size_t line_ends; /* CRLFs not yet given: they may be the last */
    bool has_blank;   /* relaxed: white space not yet given: it may end a line */
    bool has_cr;      /* a CR not yet given: it may begin a CRLF */
    bool has_content; /* something was given */
};

static inline struct canonical_body canonical_body_make(enum canonicalization kind)
{
    return (struct canonical_body){.kind = kind};
}
void canonical_body_add(struct canonical_body *body, struct str bytes, struct canonical_sink *sink);
/* Gives what is left and flushes. */
void canonical_body_end(struct canonical_body *body, struct canonical_sink *sink);

#endif
