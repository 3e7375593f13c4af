/* A message as a program of this host hands it to sendmail, made into one that can go out: pure.
 *
 * - Line ends become CRLF. Unless it shall not, a line of one dot ends the message.
 * - A line that is no field ends the header; where there is no header at all, the text is the body.
 * - In fields of addresses, one without a domain gets this host's: `root` becomes root@HOME.
 * - A missing From is made. Date and Message-ID the server adds.
 * - With -t the recipients are those of To, Cc and Bcc; of a resent message, those of the latest
 *   Resent-To, -Cc and -Bcc alone (RFC 5322 section 3.6.6). Bcc and Resent-Bcc are taken out. */
#ifndef CLI_LOCAL_MESSAGE_H
#define CLI_LOCAL_MESSAGE_H

#include "base/arena.h"
#include "base/buf.h"
#include "mail/address.h"

#define LOCAL_RECIPIENTS_MAX ((size_t)100000)

/* The text with CRLF line ends, an mbox's "From " line taken off. ERR_LIMIT as buf_add. */
MUST_CHECK enum err local_message_read(struct buf *out, struct str text, bool ignores_dots);

struct local_message_options {
    struct str home;          /* the domain of addresses that have none */
    struct mail_address from; /* for a missing From */
    struct str full_name;     /* with it; may be empty */
    bool takes_recipients;    /* -t */
};

struct local_recipients {
    struct mail_address *at;
    size_t count;
};

/* Adds the message of `text`, which local_message_read made; the recipients, with -t, in `arena`.
 * ERR_SYNTAX: a field that names recipients cannot be read without doubt; it is *out_field, which
 * borrows from `text`. ERR_LIMIT as buf_add. */
MUST_CHECK enum err local_message_make(struct buf *out, struct str text,
                                       const struct local_message_options *options,
                                       struct arena *arena, struct local_recipients *out_recipients,
                                       struct str *out_field);

/* What a word of the command line names: one address or several. ERR_SYNTAX. */
MUST_CHECK enum err local_recipients_add(struct local_recipients *recipients, struct str word,
                                         struct str home, struct arena *arena);

#endif
