#include "mail/seven_bit.h"

static void give_up(struct seven_bit_planner *planner, enum seven_bit_answer why)
{
    if (planner->plan->answer <= SEVEN_BIT_POSSIBLE)
        planner->plan->answer = why;
}

/* The first reason is told; what a header is written in is known at the end only. */
static bool is_in_header(enum mime_event_kind kind) { return kind <= MIME_EVENT_HEADER_END; }

/* Why the body of a part cannot be encoded; SEVEN_BIT_POSSIBLE: it can. */
static enum seven_bit_answer judge_body(const struct mime_part *part)
{
    static const enum seven_bit_answer answers[] = {
        [MIME_TEXT] = SEVEN_BIT_POSSIBLE,     [MIME_DATA] = SEVEN_BIT_POSSIBLE,
        [MIME_MULTIPART] = SEVEN_BIT_OUTSIDE, [MIME_MESSAGE] = SEVEN_BIT_OUTSIDE,
        [MIME_SEALED] = SEVEN_BIT_SEALED,     [MIME_UNENCODABLE] = SEVEN_BIT_UNENCODABLE,
        [MIME_UNKNOWN] = SEVEN_BIT_UNCLEAR,
    };
    enum seven_bit_answer answer = answers[part->kind];
    bool is_encoded = !mime_encoding_is_identity(part->encoding);
    return answer == SEVEN_BIT_POSSIBLE && is_encoded ? SEVEN_BIT_ENCODED : answer;
}

/* The containers of a part that is encoded. */
static void relabel_above(struct seven_bit_planner *planner, const struct mime_part *part)
{
    uint8_t *actions = planner->plan->actions;
    for (size_t number = part->parent; number != MIME_NO_PART; number = planner->parents[number])
        actions[number] = SEVEN_BIT_RELABEL;
}

static void plan_body(struct seven_bit_planner *planner, const struct mime_part *part)
{
    enum seven_bit_answer answer = judge_body(part);
    if (answer != SEVEN_BIT_POSSIBLE) {
        give_up(planner, answer);
        return;
    }
    if (planner->plan->answer == SEVEN_BIT_ALREADY)
        planner->plan->answer = SEVEN_BIT_POSSIBLE;
    planner->plan->actions[part->number] =
        part->kind == MIME_TEXT ? SEVEN_BIT_QUOTE_UTF8 : SEVEN_BIT_BASE64;
    relabel_above(planner, part);
}

/* Text is thought to be UTF-8 until its end proves otherwise. */
static void end_body(struct seven_bit_planner *planner)
{
    const struct mime_part *part = &planner->reader.part;
    if (part->number == MIME_NO_PART)
        return;
    uint8_t *action = &planner->plan->actions[part->number];
    if (*action == SEVEN_BIT_QUOTE_UTF8 && !mail_utf8_holds(&planner->body))
        *action = SEVEN_BIT_QUOTE;
}

static void see_body(struct seven_bit_planner *planner, const struct mime_event *event)
{
    mail_utf8_add(&planner->body, event->bytes);
    if (str_has_8bit(event->bytes))
        plan_body(planner, event->part);
}

static void see_header(struct seven_bit_planner *planner, const struct mime_event *event)
{
    mail_utf8_add(&planner->header, event->bytes);
    if (str_has_8bit(event->bytes))
        give_up(planner, SEVEN_BIT_HEADER);
    if (event->kind != MIME_EVENT_HEADER_END)
        return;
    const struct mime_part *part = event->part;
    planner->body = mail_utf8_make();
    planner->is_signed |= part->number == 0 && part->is_signed;
    if (part->number != MIME_NO_PART)
        planner->parents[part->number] = (uint16_t)part->parent;
}

static void see(void *context, const struct mime_event *event)
{
    struct seven_bit_planner *planner = context;
    if (is_in_header(event->kind))
        see_header(planner, event);
    else if (event->kind == MIME_EVENT_BODY)
        see_body(planner, event);
    else if (str_has_8bit(event->bytes))
        give_up(planner, SEVEN_BIT_OUTSIDE);
    if (event->kind == MIME_EVENT_FRAME)
        end_body(planner);
}

void seven_bit_plan_begin(struct seven_bit_planner *planner, struct seven_bit_plan *plan)
{
    *plan = (struct seven_bit_plan){.answer = SEVEN_BIT_ALREADY};
    planner->plan = plan;
    planner->is_signed = false;
    planner->header = planner->body = mail_utf8_make();
    mime_reader_begin(&planner->reader, see, planner);
}

void seven_bit_plan_add(struct seven_bit_planner *planner, struct str bytes)
{
    mime_reader_add(&planner->reader, bytes);
}

void seven_bit_plan_end(struct seven_bit_planner *planner)
{
    struct seven_bit_plan *plan = planner->plan;
    mime_reader_end(&planner->reader);
    end_body(planner);
    if (plan->answer == SEVEN_BIT_HEADER && mail_utf8_holds(&planner->header))
        plan->answer = SEVEN_BIT_UTF8_HEADER;
    if (plan->answer == SEVEN_BIT_POSSIBLE && planner->is_signed)
        plan->answer = SEVEN_BIT_SIGNED;
    if (plan->answer == SEVEN_BIT_POSSIBLE && planner->reader.is_doubtful)
        plan->answer = SEVEN_BIT_UNCLEAR;
}
