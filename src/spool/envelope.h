/* What routes a message, apart from its content (RFC 5321 section 2.3.1): made by receive, kept by
 * the spool, used by deliver. And what is known of each recipient's fate. */
#ifndef SPOOL_ENVELOPE_H
#define SPOOL_ENVELOPE_H

#include "base/str.h"

/* Time-ordered, unique for ever: microseconds since 1970 << 8 | node. */
typedef uint64_t spool_id;

#define SPOOL_ID_TEXT_LEN 12
/* 12 characters of 0-9 and upper-case letters without I, L, O, U; sorts like the number. */
struct spool_id_text {
    char at[SPOOL_ID_TEXT_LEN + 1];
};
struct spool_id_text spool_id_print(spool_id id);
/* Either case; false when it is not an id. */
bool spool_id_parse(struct str text, spool_id *out_id);
int64_t spool_id_wall_us(spool_id id);

enum spool_notify { /* RFC 3461 section 4.1, bits; 0: not given */
                    SPOOL_NOTIFY_NEVER = 1,
                    SPOOL_NOTIFY_SUCCESS = 2,
                    SPOOL_NOTIFY_FAILURE = 4,
                    SPOOL_NOTIFY_DELAY = 8,
};

struct spool_recipient {
    struct str address;  /* where it goes: final address, without brackets */
    struct str original; /* ORCPT as given, "rfc822;…", or empty */
    uint8_t notify;
    bool junk;  /* goes into the Junk folder of its mailbox */
    bool loops; /* the message was here for it before: it is not delivered again */
    /* The address of ours that leads outside, "info@example.org", when an alias forwards the
     * message to `address`: its sender is rewritten on the way out. Else empty. */
    struct str forwarded_by;
};

enum spool_return { SPOOL_RETURN_UNSET, SPOOL_RETURN_FULL, SPOOL_RETURN_HEADERS };

struct spool_envelope {
    struct str sender; /* reverse-path without brackets; empty: the null sender */
    struct spool_recipient *recipients;
    uint32_t recipient_count;

    struct str envelope_id; /* ENVID, decoded */
    uint8_t returns;        /* enum spool_return */
    bool smtputf8;    /* the header or sender needs RFC 6531; recipients may, each for itself */
    bool body_8bit;   /* declared or found to hold bytes above 127 */
    bool require_tls; /* RFC 8689 */

    /* Who brought it: for the trace, for policy, never sent on. May be empty. */
    struct str client_address;
    struct str client_helo;
    struct str account;
    struct str service; /* the listener's name, "sandbox-mx"; "internal" for our own mail */
    int64_t received_us;
};

enum spool_state {
    SPOOL_QUEUED,
    /* final: */
    SPOOL_DELIVERED,
    SPOOL_BOUNCED, /* refused for good, or expired */
    SPOOL_DROPPED, /* by an administrator */
};

/* Why a recipient waits: decides its schedule and is shown to people. */
enum spool_reason {
    SPOOL_REASON_NONE,
    SPOOL_REASON_REPLY,      /* the remote answered 4xx */
    SPOOL_REASON_CONNECTION, /* no connection, or lost */
    SPOOL_REASON_DNS,
    SPOOL_REASON_TLS,
    SPOOL_REASON_LOCAL, /* our own disk, limits or configuration */
    SPOOL_REASON_CRASH, /* in flight when the engine crashed twice */
    SPOOL_REASON_ADMIN, /* held by hand */
    SPOOL_REASON_ROUTE, /* a route says "hold" */
};

struct spool_status {
    uint8_t state;  /* enum spool_state */
    uint8_t reason; /* enum spool_reason */
    bool held;
    bool warned; /* the "delayed" DSN was sent */
    uint16_t attempts;
    int64_t due_s; /* wall seconds of the next attempt; 0: at once */
};

static inline bool spool_state_is_final(uint8_t state) { return state != SPOOL_QUEUED; }

#endif
