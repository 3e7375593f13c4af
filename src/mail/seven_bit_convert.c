#include "mail/seven_bit.h"

static void put(struct seven_bit_converter *converter, struct str text)
{
    if (!converter->err)
        converter->err = buf_add(converter->out, text);
}

static enum seven_bit_action action_for(const struct seven_bit_converter *converter,
                                        const struct mime_part *part)
{
    if (part->number == MIME_NO_PART || converter->plan->answer != SEVEN_BIT_POSSIBLE)
        return SEVEN_BIT_KEEP;
    return (enum seven_bit_action)converter->plan->actions[part->number];
}

static bool is_encoding(enum seven_bit_action action) { return action >= SEVEN_BIT_QUOTE; }

/* ---- the header ---- */
static void put_encoding(struct seven_bit_converter *converter, enum seven_bit_action action)
{
    static const struct str lines[] = {
        [SEVEN_BIT_RELABEL] = {"Content-Transfer-Encoding: 7bit\r\n", 33},
        [SEVEN_BIT_QUOTE] = {"Content-Transfer-Encoding: quoted-printable\r\n", 45},
        [SEVEN_BIT_QUOTE_UTF8] = {"Content-Transfer-Encoding: quoted-printable\r\n", 45},
        [SEVEN_BIT_BASE64] = {"Content-Transfer-Encoding: base64\r\n", 35},
    };
    put(converter, lines[action]);
}

/* A part that holds encoded ones and says 7bit was wrong, and is right now. */
static void take_encoding(struct seven_bit_converter *converter, const struct mime_event *event)
{
    enum seven_bit_action action = action_for(converter, event->part);
    bool stays = action == SEVEN_BIT_KEEP ||
                 (action == SEVEN_BIT_RELABEL && event->part->encoding == MIME_7BIT);
    if (stays)
        put(converter, event->bytes);
    else
        put_encoding(converter, action);
}

static void add_missing_fields(struct seven_bit_converter *converter, const struct mime_part *part)
{
    enum seven_bit_action action = action_for(converter, part);
    if (action == SEVEN_BIT_KEEP)
        return;
    if (part->is_message && !part->has_version)
        put(converter, STR("MIME-Version: 1.0\r\n"));
    if (!is_encoding(action))
        return;
    if (!part->has_type && action == SEVEN_BIT_QUOTE_UTF8)
        put(converter, STR("Content-Type: text/plain; charset=utf-8\r\n"));
    else if (!part->has_type)
        put(converter, STR("Content-Type: text/plain; charset=unknown-8bit\r\n"));
    if (!part->has_encoding)
        put_encoding(converter, action);
}

/* ---- the body ---- */
static void take_body(struct seven_bit_converter *converter, const struct mime_event *event)
{
    enum seven_bit_action action = action_for(converter, event->part);
    if (!is_encoding(action)) {
        put(converter, event->bytes);
        return;
    }
    if (!converter->is_encoding)
        converter->encoder = transfer_encoder_make(
            action == SEVEN_BIT_BASE64 ? TRANSFER_BASE64 : TRANSFER_QUOTED_PRINTABLE,
            converter->out);
    converter->is_encoding = true;
    if (!converter->err)
        converter->err = transfer_encode(&converter->encoder, event->bytes);
}

static void end_body(struct seven_bit_converter *converter)
{
    if (converter->is_encoding && !converter->err)
        converter->err = transfer_encode_end(&converter->encoder);
    converter->is_encoding = false;
}

/* ---- all of it ---- */
static void take(void *context, const struct mime_event *event)
{
    struct seven_bit_converter *converter = context;
    if (event->kind == MIME_EVENT_BODY) {
        take_body(converter, event);
        return;
    }
    end_body(converter);
    if (event->kind == MIME_EVENT_ENCODING) {
        take_encoding(converter, event);
        return;
    }
    if (event->kind == MIME_EVENT_HEADER_END)
        add_missing_fields(converter, event->part);
    put(converter, event->bytes);
}

void seven_bit_convert_begin(struct seven_bit_converter *converter,
                             const struct seven_bit_plan *plan, struct buf *out)
{
    assert(plan->answer <= SEVEN_BIT_POSSIBLE);
    converter->plan = plan;
    converter->out = out;
    converter->err = OK;
    converter->is_encoding = false;
    mime_reader_begin(&converter->reader, take, converter);
}

enum err seven_bit_convert(struct seven_bit_converter *converter, struct str bytes)
{
    mime_reader_add(&converter->reader, bytes);
    return converter->err;
}

/* Base64 that no delimiter follows needs the end of its last line. */
enum err seven_bit_convert_end(struct seven_bit_converter *converter)
{
    mime_reader_end(&converter->reader);
    bool is_base64 = converter->is_encoding && converter->encoder.encoding == TRANSFER_BASE64;
    end_body(converter);
    if (is_base64)
        put(converter, STR("\r\n"));
    return converter->err;
}
