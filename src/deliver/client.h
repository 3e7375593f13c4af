/* The client's side of one SMTP or LMTP conversation over a stream: greeting, TLS, login, single
 * commands and their replies; the transaction is transaction.h. Knows no queue's jobs and no
 * routes, so that `postrider send` speaks with it too.
 *
 * What the server says is hostile: replies are bounded by smtp_reply_parse, and everything that
 * was received in clear is forgotten when TLS begins (RFC 3207 section 4.2). Everything said is
 * written into the transcript; logins as `<redacted>`, also where the server repeats them.
 *
 * The functions that talk return
 *   OK               the server answered as was hoped; client->reply has it
 *   ERR_REFUSED      it answered 4xx or 5xx; client->reply has it
 *   ERR_UNSUPPORTED  it does not offer that; nothing was sent
 *   ERR_TLS          the handshake failed, or the certificate is not the one that was asked for
 *   ERR_SYNTAX, ERR_LIMIT  it answered what is no SMTP
 *   or the stream's error. smtp_client_problem puts all of them into words. After everything but
 * OK, ERR_REFUSED and ERR_UNSUPPORTED, and after a 421, client->is_over: close it. */
#ifndef DELIVER_CLIENT_H
#define DELIVER_CLIENT_H

#include "deliver/timeouts.h"
#include "net/stream.h"
#include "queue/queue.h"
#include "smtp/extensions.h"
#include "smtp/sasl.h"
#include "trace/transcript.h"

/* What the conversation is at: decides what a failure means, and is told to people. */
enum smtp_client_stage {
    SMTP_CLIENT_CONNECT,
    SMTP_CLIENT_GREETING, /* the banner, EHLO */
    SMTP_CLIENT_STARTTLS, /* to the end of the second EHLO */
    SMTP_CLIENT_LOGIN,
    SMTP_CLIENT_ENVELOPE,
    SMTP_CLIENT_CONTENT,
    SMTP_CLIENT_ANSWER, /* all is sent, the answer is not there yet */
};

struct smtp_client_options {
    struct str hostname; /* whom we say we are; outlives the client */
    struct str peer;     /* who the server is, for people; outlives the client */
    bool is_lmtp;        /* RFC 2033: LHLO, and a reply for each recipient behind the content */
    struct deliver_timeouts timeouts;
};

struct smtp_client {
    struct smtp_client_options options;
    struct stream *stream;         /* owned; NULL before and after */
    struct transcript *transcript; /* borrowed */
    struct smtp_extensions extensions;
    struct smtp_reply reply; /* the last one; valid until the next */
    enum smtp_client_stage stage;
    bool is_over;
    bool has_failed;       /* is over without a word: end the stream without one, too */
    bool needs_reset;      /* a transaction was begun and not completed */
    size_t recipients_max; /* how many the server took before it said "too many"; 0: unknown */
    struct buf reply_text; /* private: reply.raw */
    struct str secret;     /* private: must not be shown */
};

/* Takes over the stream. */
void smtp_client_init(struct smtp_client *client, struct stream *stream,
                      const struct smtp_client_options *options, struct transcript *transcript);
/* Closes the stream: in order, or with a reset if the conversation failed, so that nothing
 * half-sent follows. Harmless when it is closed already. */
void smtp_client_close(struct smtp_client *client);

/* Waits for the banner, says EHLO (HELO where that is refused) or LHLO. */
MUST_CHECK MAY_YIELD enum err smtp_client_greet(struct smtp_client *client);
/* STARTTLS and EHLO again; the extensions are those offered inside TLS. `host`, `verify` as
 * stream_tls_connect. */
MUST_CHECK MAY_YIELD enum err smtp_client_start_tls(struct smtp_client *client,
                                                    struct tls_context *context, struct str host,
                                                    bool verify);
/* TLS from the first byte, before the greeting. */
MUST_CHECK MAY_YIELD enum err smtp_client_begin_tls(struct smtp_client *client,
                                                    struct tls_context *context, struct str host,
                                                    bool verify);
/* AUTH PLAIN, else LOGIN. That the stream is safe for it is the caller's to know. */
MUST_CHECK MAY_YIELD enum err smtp_client_login(struct smtp_client *client, struct str user,
                                                struct str password);
/* Says goodbye and waits a moment for the answer, whatever it is. Close it then. */
MAY_YIELD void smtp_client_quit(struct smtp_client *client);

/* True when a kept connection is of use: the server neither closed it nor said anything (which
 * could only be a farewell). Does not wait. */
MAY_YIELD bool smtp_client_is_alive(struct smtp_client *client);

/* Gathers a command, without its CRLF. */
MUST_CHECK MAY_YIELD enum err smtp_client_say(struct smtp_client *client, struct str line);
/* Sends what is gathered, waits for one reply. 2xx and 3xx are OK. */
MUST_CHECK MAY_YIELD enum err smtp_client_hear(struct smtp_client *client, uint32_t timeout_ms);
/* The same without sending: after a write failed there may be a last word. */
MUST_CHECK MAY_YIELD enum err smtp_client_hear_last(struct smtp_client *client,
                                                    uint32_t timeout_ms);
/* The conversation cannot go on. Returns err. */
enum err smtp_client_fail(struct smtp_client *client, enum err err);

/* What `err` of one of the functions above means for the mail. Never QUEUE_DELIVERED; QUEUE_FAILED
 * only for a 5xx. The words live in `arena`. */
struct queue_outcome smtp_client_problem(const struct smtp_client *client, enum err err,
                                         struct arena *arena);
/* The same of the last reply: 2xx is QUEUE_DELIVERED. */
struct queue_outcome smtp_client_outcome(const struct smtp_client *client, struct arena *arena);

#endif
