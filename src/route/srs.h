/* Envelope senders of mail that is passed on to the outside (the Sender Rewriting Scheme): with the
 * sender's own domain the next host would see a stranger speak for it, and SPF would fail. So it is
 * sent as an address of ours that says whose it is, and what comes back to that goes to the sender:
 *
 *     joe@away.example             SRS0=HHHHHH=TT=away.example=joe@ours.example
 *     SRS0=…@first.example         SRS1=HHHHHHTT=first.example==…@ours.example
 *     SRS1=…=first.example==…@any  the same: however long the chain, reports go to its first host
 *
 * H is a code made with a key of this server, T the day; both of A-Z 2-7.
 *
 * 1. What srs_rewrite made is what srs_reverse gives back, for SRS_VALID_DAYS; also after a server
 * on the way changed the case of it, which then is that of the result.
 * 2. Nothing else is ever given back: the code stands for every byte, the day and our domain.
 *
 * Pure: time and key are parameters. */
#ifndef ROUTE_SRS_H
#define ROUTE_SRS_H

#include "mail/address.h"

#define SRS_KEY_BYTES  32
#define SRS_VALID_DAYS 21 /* longer than anybody tries to deliver a report */

struct srs_key {
    unsigned char bytes[SRS_KEY_BYTES];
};

/* `sender` as an address of `domain`, one of ours. False when there is no such address: it would
 * be longer than a local part may be, or the sender is an address literal. In `arena`. */
bool srs_rewrite(const struct srs_key *key, int64_t wall_us, const struct mail_address *sender,
                 struct str domain, struct arena *arena, struct mail_address *out_address);

enum srs_answer {
    SRS_NONE, /* it does not look like one of ours */
    SRS_OURS, /* *out_sender, in `arena`, is whose it is */
    SRS_FORGED,
    SRS_EXPIRED,
};
enum srs_answer srs_reverse(const struct srs_key *key, int64_t wall_us,
                            const struct mail_address *address, struct arena *arena,
                            struct mail_address *out_sender);

#endif
