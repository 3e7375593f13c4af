/* A message on its way past those who verify and sign it: its header is kept, within bounds; of
 * its body nothing is kept but hashes. Fed once, in pieces cut anywhere, with CRLF line ends, it
 * serves any number of observers: verifiers, signers, validators.
 *
 *     struct verify_message *message = verify_message_new();
 *     struct dkim_verifier *dkim = dkim_verifier_new(message);
 *     verify_message_add(message, bytes); … verify_message_end(message);
 *     dkim_verifier_finish(dkim, …);
 *     verify_message_free(message);
 *
 * The observers live in the message's arena and end with it. */
#ifndef VERIFY_MESSAGE_H
#define VERIFY_MESSAGE_H

#include "base/buf.h"
#include "verify/body_digest.h"
#include "verify/field_index.h"

#define VERIFY_HEADER_MAX_BYTES (2u << 20)
#define VERIFY_FIELDS_MAX       20000

struct verify_message;

struct verify_observer {
    /* The header is known, nothing of the body was seen: the time for body_digests_want. */
    void (*header_known)(struct verify_observer *observer, struct verify_message *message);
    struct verify_observer *next;
};

struct verify_message {
    struct arena arena;
    struct buf header;
    struct mail_header_reader reader;
    struct field_index fields; /* once the header is known */
    struct body_digests body;
    struct verify_observer *observers;
    bool is_header_known;
    bool
        is_header_too_large; /* `fields` are those of the part within bounds; the rest is unknown */
    bool has_ended;
};

struct verify_message *verify_message_new(void);
/* Takes NULL. */
void verify_message_free(struct verify_message *message);

/* Before anything is added. */
void verify_message_observe(struct verify_message *message, struct verify_observer *observer);
void verify_message_add(struct verify_message *message, struct str bytes);
/* Nothing follows. */
void verify_message_end(struct verify_message *message);

#endif
