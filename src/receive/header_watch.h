/* The header of a message as it passes: what the server has to know of it. Internal to receive/.
 *
 * Law: any split of the content gives the same facts. The header's bytes are kept, up to
 * HEADER_MAX_BYTES; a longer one is not looked through and the message is to be refused, so that
 * nothing hides behind what was seen. */
#ifndef RECEIVE_HEADER_WATCH_H
#define RECEIVE_HEADER_WATCH_H

#include "base/buf.h"
#include "mail/header.h"

#define HEADER_MAX_BYTES ((size_t)256 * 1024)

#define HEADER_FROM_MAX 2 /* a second one is already one too many */

struct header_watch {
    struct buf bytes;
    struct mail_header_reader reader;
    bool is_done;
    bool begins_folded; /* the first line begins with a blank: it would continue what we put on top
                         */
    bool has_date;
    bool has_message_id;
    bool has_results; /* Authentication-Results: somebody's, perhaps in our name */
    uint32_t received_count;
    size_t from_count;
    struct {
        size_t at; /* in `bytes`, of the value */
        size_t len;
    } from[HEADER_FROM_MAX];
};

void header_watch_init(struct header_watch *watch);
void header_watch_done(struct header_watch *watch);
/* The next bytes of the content. ERR_LIMIT: the header is too long. */
MUST_CHECK enum err header_watch_add(struct header_watch *watch, struct str bytes);
/* Nothing follows: a message may end within its header. */
void header_watch_end(struct header_watch *watch);
/* The values of the first `max` fields of that name, borrowed; their count. */
size_t header_watch_values(const struct header_watch *watch, struct str name,
                           struct str *out_values, size_t max);
/* Whether a byte above 127 stands in the header. */
bool header_watch_has_8bit(const struct header_watch *watch);
/* The value of From field number `i`, borrowed. */
struct str header_watch_from(const struct header_watch *watch, size_t i);

#endif
