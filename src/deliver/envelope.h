/* MAIL and RCPT lines, with the parameters that the server offered and the message needs. */
#ifndef DELIVER_ENVELOPE_H
#define DELIVER_ENVELOPE_H

#include "deliver/transaction.h"
#include "smtp/extensions.h"

/* Why this server cannot be given the message at all: too large for it (5.3.4), SMTPUTF8 (5.6.7) or
 * REQUIRETLS (5.7.30) needed and not offered. False when it can. `peer`: for people. */
bool envelope_is_impossible(const struct transaction *transaction, uint64_t size_bytes,
                            const struct smtp_extensions *extensions, bool is_tls_verified,
                            struct str peer, struct arena *arena,
                            struct queue_outcome *out_outcome);

/* Without CRLF, in memory of the arena. Domains have A-labels, whatever the server offers. An
 * address that could break out of the line (what lies on disk is checked as well) is ERR_SYNTAX. */
MUST_CHECK enum err envelope_print_mail(const struct transaction *transaction, uint64_t size_bytes,
                                        const struct smtp_extensions *extensions,
                                        struct arena *arena, struct str *out_line);
MUST_CHECK enum err envelope_print_rcpt(const struct transaction *transaction,
                                        const struct spool_recipient *recipient,
                                        const struct smtp_extensions *extensions,
                                        struct arena *arena, struct str *out_line);

#endif
