/* The commands of an SMTP or LMTP client, one line each: RFC 5321 section 4.1, with 1870 (SIZE),
 * 1891/3461 (DSN), 2033 (LMTP), 3030 (BDAT), 3207 (STARTTLS), 4954 (AUTH), 6152 (8BITMIME),
 * 6531 (SMTPUTF8) and 8689 (REQUIRETLS).
 *
 * Pure: whether a command is in order now, whether its extension was offered, is the session's to
 * say. A line that is refused comes with the reply that it earns. */
#ifndef SMTP_COMMAND_H
#define SMTP_COMMAND_H

#include "mail/address.h"
#include "smtp/fault.h"
#include "smtp/xtext.h"

/* Without CRLF. More than RFC 5321 section 4.5.3.1.4 asks for: parameters have grown. */
#define SMTP_LINE_MAX_BYTES 4096
/* AUTH and its continuation lines: RFC 4954 section 4. */
#define SMTP_AUTH_LINE_MAX_BYTES 12288

enum smtp_verb {
    SMTP_VERB_UNKNOWN,
    SMTP_VERB_EHLO,
    SMTP_VERB_HELO,
    SMTP_VERB_LHLO,
    SMTP_VERB_MAIL,
    SMTP_VERB_RCPT,
    SMTP_VERB_DATA,
    SMTP_VERB_BDAT,
    SMTP_VERB_RSET,
    SMTP_VERB_NOOP,
    SMTP_VERB_VRFY,
    SMTP_VERB_EXPN,
    SMTP_VERB_HELP,
    SMTP_VERB_QUIT,
    SMTP_VERB_STARTTLS,
    SMTP_VERB_AUTH,
    SMTP_VERB_XCLIENT,
    SMTP_VERB_HTTP, /* GET, POST, CONNECT…: a browser was talked into it; close at once */
};

enum smtp_body { SMTP_BODY_UNSAID, SMTP_BODY_7BIT, SMTP_BODY_8BITMIME, SMTP_BODY_BINARYMIME };
enum smtp_ret { SMTP_RET_UNSAID, SMTP_RET_FULL, SMTP_RET_HDRS };

/* NOTIFY=, RFC 3461 section 4.1; 0 when it was not given. */
enum smtp_notify {
    SMTP_NOTIFY_NEVER = 1,
    SMTP_NOTIFY_SUCCESS = 2,
    SMTP_NOTIFY_FAILURE = 4,
    SMTP_NOTIFY_DELAY = 8,
};

struct smtp_mail {
    struct mail_path path;
    bool has_size;
    uint64_t size; /* bytes; 20 digits that do not fit are UINT64_MAX */
    enum smtp_body body;
    bool smtputf8;
    bool requiretls;
    bool has_auth;
    struct str auth; /* AUTH=, decoded; empty for <> */
    enum smtp_ret ret;
    bool has_envid;
    struct str envid; /* decoded, printable */
};

struct smtp_rcpt {
    struct mail_path path;
    unsigned notify; /* of enum smtp_notify */
    struct smtp_orcpt orcpt;
};

struct smtp_command {
    enum smtp_verb verb;
    /* EHLO, HELO, LHLO: the name; VRFY, EXPN: the string, not empty; NOOP, HELP: the string, may be
     * empty; XCLIENT: the attributes as written, not empty. Printable, or UTF-8 when allowed. */
    struct str argument;
    bool is_name_valid; /* EHLO…: a domain or an address literal. Not a reason to refuse. */
    struct smtp_mail mail;
    struct smtp_rcpt rcpt;
    struct {
        uint64_t size;
        bool is_last;
    } bdat;
    struct {
        struct str mechanism; /* as written */
        bool has_initial;
        struct str initial; /* base64 as written; "=" for the empty response */
    } auth;
};

/* Parses a line without its CRLF. `utf8`: the transaction has SMTPUTF8, so RCPT may hold UTF-8
 * (MAIL, VRFY and EXPN say it for themselves).
 * OK: the command borrows from `line` or lives in `arena`. ERR_SYNTAX: `fault` is the reply.
 * Tolerated: blanks before the end of the line, and one or more behind `FROM:` and `TO:`.
 * After a BDAT that does not parse nobody knows where the next command begins: close. */
MUST_CHECK enum err smtp_command_parse(struct arena *arena, struct str line, bool utf8,
                                       struct smtp_command *out_command, struct smtp_fault *fault);

/* The verb of a line, whatever follows it. */
enum smtp_verb smtp_command_verb(struct str line);
/* "EHLO"; "?" for SMTP_VERB_UNKNOWN, "HTTP" for SMTP_VERB_HTTP. */
const char *smtp_verb_name(enum smtp_verb verb);

#endif
