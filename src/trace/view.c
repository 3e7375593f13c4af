#include "trace/view.h"

#include "trace/fold.h"

#define ROWS_MAX  16 /* what ends in yet another way is of the last one */
#define FEW       12 /* are told whole */
#define WHOLE_END 3  /* of more, these at each end are */
#define BRIEF_END 20 /* and these briefly */

struct row {
    enum trace_kind kind;
    struct str fate;
    size_t count, told;
};

struct rows {
    struct row at[ROWS_MAX];
    size_t count;
};

static struct row row_with(const struct trace_event *event)
{
    bool is_attempt = event->kind == TRACE_ATTEMPT;
    return (struct row){
        .kind = event->kind,
        .fate = is_attempt ? trace_common_fate(event->text) : STR_EMPTY,
    };
}

static bool is_alike(const struct row *one, const struct row *other)
{
    return one->kind == other->kind && str_eq(one->fate, other->fate);
}

bool trace_is_of_one_row(const struct trace_event *one, const struct trace_event *other)
{
    struct row row = row_with(one), other_row = row_with(other);
    return is_alike(&row, &other_row);
}

static struct row *row_of(struct rows *rows, const struct trace_event *event)
{
    struct row row = row_with(event);
    for (size_t i = 0; i < rows->count; i++)
        if (is_alike(&rows->at[i], &row))
            return &rows->at[i];
    if (rows->count == ROWS_MAX)
        return &rows->at[ROWS_MAX - 1];
    rows->at[rows->count] = row;
    return &rows->at[rows->count++];
}

static enum trace_detail detail_of(const struct row *row)
{
    size_t from_end = min_size(row->told, row->count - 1 - row->told);
    if (row->count <= FEW || from_end < WHOLE_END)
        return TRACE_WHOLE;
    return from_end < BRIEF_END ? TRACE_BRIEF : TRACE_LEFT_OUT;
}

bool trace_names(struct str text, struct str address)
{
    for (size_t at = 0; at + address.len + 2 <= text.len; at++)
        if (text.at[at] == '<' && text.at[at + 1 + address.len] == '>' &&
            str_starts_nocase(str_from(text, at + 1), address))
            return true;
    return false;
}

static bool is_elsewhere(const struct trace_event *event, const struct trace_view *view)
{
    return view->recipient.len && event->kind == TRACE_ATTEMPT &&
           !trace_names(event->text, view->recipient);
}

void trace_view_choose(const struct trace_event *events, size_t count,
                       const struct trace_view *view, enum trace_detail *out_details)
{
    struct rows rows = {.count = 0};
    for (size_t i = 0; i < count; i++) {
        out_details[i] = is_elsewhere(&events[i], view) ? TRACE_ELSEWHERE : TRACE_WHOLE;
        if (out_details[i] == TRACE_WHOLE)
            row_of(&rows, &events[i])->count++;
    }
    for (size_t i = 0; i < count && !view->is_full; i++) {
        if (out_details[i] == TRACE_ELSEWHERE)
            continue;
        struct row *row = row_of(&rows, &events[i]);
        out_details[i] = detail_of(row);
        row->told++;
    }
}
