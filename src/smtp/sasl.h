/* The SASL mechanisms PLAIN (RFC 4616) and LOGIN, as AUTH carries them (RFC 4954): both sides.
 * Everything returned lives in the arena given, which holds secrets from then on: the caller wipes
 * it. */
#ifndef SMTP_SASL_H
#define SMTP_SASL_H

#include "base/arena.h"
#include "base/err.h"

/* The challenges of LOGIN, in base64: "Username:" and "Password:". */
#define SMTP_SASL_LOGIN_USERNAME STR("VXNlcm5hbWU6")
#define SMTP_SASL_LOGIN_PASSWORD STR("UGFzc3dvcmQ6")

#define SMTP_SASL_FIELD_MAX_BYTES 1024 /* RFC 4616 section 2: 255 characters of up to 4 bytes */

struct smtp_credentials {
    struct str authzid; /* as whom to act; empty: as authcid */
    struct str authcid; /* whose password it is; not empty */
    struct str password;
};

/* A client's response, a line without CRLF: base64, or "=" for the empty one (only as an initial
 * response, but harmless elsewhere). ERR_CANCELLED for "*", by which the client gives up;
 * ERR_SYNTAX for what is no base64. */
MUST_CHECK enum err smtp_sasl_decode(struct arena *arena, struct str line, struct str *out_bytes);
/* The other way round: base64, or "=" for nothing. */
struct str smtp_sasl_encode(struct arena *arena, struct str bytes);

/* A decoded PLAIN message: authzid NUL authcid NUL password. The credentials borrow from it.
 * ERR_SYNTAX: not exactly two NULs, no authcid, no password, not UTF-8, control characters in an
 * identity. ERR_LIMIT: a part over SMTP_SASL_FIELD_MAX_BYTES. */
MUST_CHECK enum err smtp_sasl_plain_decode(struct str message,
                                           struct smtp_credentials *out_credentials);
/* The PLAIN message, in base64, for `AUTH PLAIN …`. ERR_SYNTAX when a part holds a NUL. */
MUST_CHECK enum err smtp_sasl_plain_encode(struct arena *arena,
                                           const struct smtp_credentials *credentials,
                                           struct str *out_line);

/* One decoded response of LOGIN: the user's name (or the password, which may hold anything but
 * NUL). ERR_SYNTAX, ERR_LIMIT as above. */
MUST_CHECK enum err smtp_sasl_login_check(struct str response, bool is_password);

#endif
