/* How much of each event is told. Pure. */
#ifndef TRACE_VIEW_H
#define TRACE_VIEW_H

#include "trace/trace.h"

enum trace_detail {
    TRACE_ELSEWHERE, /* it is not of the recipient that was asked for: not a word */
    TRACE_LEFT_OUT,  /* counted */
    TRACE_BRIEF,     /* a line */
    TRACE_WHOLE,
};

/* Of many events of one kind that ended alike, those at both ends of the row are told whole, some
 * next to them briefly, and the others are left out. out_details: `count` of them. */
void trace_view_choose(const struct trace_event *events, size_t count,
                       const struct trace_view *view, enum trace_detail *out_details);

/* Of one kind, and ended alike. */
bool trace_is_of_one_row(const struct trace_event *one, const struct trace_event *other);

/* Whether the text names this address, in angle brackets. */
bool trace_names(struct str text, struct str address);

#endif
