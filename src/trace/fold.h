/* Fewer words for what repeats itself: a message to hundreds has a story that can still be read.
 * Pure. What is left out is counted in the words that stand for it. */
#ifndef TRACE_FOLD_H
#define TRACE_FOLD_H

#include "base/buf.h"

/* Adds a conversation: of a long row of RCPT commands and answers that are alike, both ends.
 * Returns whether something was left out. */
bool trace_fold_transcript(struct str transcript, struct buf *out);

/* Adds the text of an attempt: neighbours of one fate become one line and the first few names.
 * Returns whether names were left out. */
bool trace_fold_fates(struct str text, struct buf *out);

/* Of a text of such lines (trace.h: TRACE_ATTEMPT): the words on the first recipient, empty when
 * there are none; and the kind of fate, if all have the same one, else empty. */
struct str trace_first_fate(struct str text);
struct str trace_common_fate(struct str text);

/* The next line, without its end; `text` is what follows. */
struct str trace_cut_line(struct str *text);

#endif
