#include "verify/dkim_signature.h"

#include "base/encode.h"
#include "verify/body_digest.h"
#include "verify/domain.h"

#define LENGTH_DIGITS 76
#define TIME_DIGITS   12 /* beyond that a time is "infinite" (section 3.5) */

struct reading {
    struct arena *arena;
    struct dkim_signature *out;
};

static struct dkim_verdict malformed(const char *reason)
{
    return dkim_verdict(DKIM_NEUTRAL, reason);
}

/* ---- domains ---- */

static bool label_is_valid(struct str label)
{
    if (label.len == 0 || label.at[0] == '-' || label.at[label.len - 1] == '-')
        return false;
    for (size_t i = 0; i < label.len; i++)
        if (!char_is_alnum(label.at[i]) && label.at[i] != '-' && label.at[i] != '_')
            return false;
    return true;
}

bool dkim_name_is_valid(struct str name, size_t labels_min)
{
    if (!domain_is_name(name) || domain_label_count(name) < labels_min)
        return false;
    for (bool has_more = true; has_more;) {
        struct str label = name;
        has_more = str_cut(name, '.', &label, &name);
        if (!label_is_valid(label))
            return false;
    }
    return true;
}

/* U-labels become A-labels (RFC 8616 section 5). */
static bool read_name(struct arena *arena, struct str text, size_t labels_min, struct str *out_name)
{
    struct str name = text;
    if (str_has_8bit(text) && domain_to_ascii(arena, text, &name))
        return false;
    if (!dkim_name_is_valid(name, labels_min))
        return false;
    *out_name = name;
    return true;
}

/* ---- the tags, each with its own grammar ---- */

static struct dkim_verdict read_version(struct reading *reading, const struct tag *tag)
{
    UNUSED(reading);
    if (!str_eq(tag->value, STR("1")))
        return malformed("the version is not 1");
    return dkim_good();
}

static struct dkim_verdict read_algorithm(struct reading *reading, const struct tag *tag)
{
    static const enum dkim_algorithm known[] = {DKIM_RSA_SHA256, DKIM_ED25519_SHA256};
    for (size_t i = 0; i < tag->value.len; i++)
        if (!char_is_alnum(tag->value.at[i]) && tag->value.at[i] != '-')
            return malformed("the algorithm is malformed");
    reading->out->algorithm_text = tag->value;
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (str_eq(tag->value, dkim_algorithm_text(known[i]))) {
            reading->out->algorithm = known[i];
            return dkim_good();
        }
    if (str_eq(tag->value, STR("rsa-sha1")))
        return dkim_verdict(DKIM_PERMERROR, "rsa-sha1 proves nothing any more (RFC 8301)");
    return malformed("the algorithm is not known");
}

static struct dkim_verdict read_domain(struct reading *reading, const struct tag *tag)
{
    if (!read_name(reading->arena, tag->value, 2, &reading->out->domain))
        return malformed("the domain in d= is malformed");
    return dkim_good();
}

static struct dkim_verdict read_selector(struct reading *reading, const struct tag *tag)
{
    if (!read_name(reading->arena, tag->value, 1, &reading->out->selector))
        return malformed("the selector is malformed");
    return dkim_good();
}

static struct dkim_verdict read_signature(struct reading *reading, const struct tag *tag)
{
    struct dkim_signature *out = reading->out;
    out->signature_raw = tag->raw;
    out->signature_text = tag_value_strip(reading->arena, tag->value);
    if (base64_decode(reading->arena, out->signature_text, &out->signature) ||
        out->signature.len == 0)
        return malformed("the signature is not base64");
    return dkim_good();
}

static struct dkim_verdict read_body_hash(struct reading *reading, const struct tag *tag)
{
    struct str text = tag_value_strip(reading->arena, tag->value);
    if (base64_decode(reading->arena, text, &reading->out->body_hash) ||
        reading->out->body_hash.len == 0)
        return malformed("the body hash is not base64");
    return dkim_good();
}

static bool read_canonicalization_name(struct str name, enum canonicalization *out_kind)
{
    static const enum canonicalization kinds[] = {CANONICAL_SIMPLE, CANONICAL_RELAXED};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (str_eq(name, canonicalization_text(kinds[i]))) {
            *out_kind = kinds[i];
            return true;
        }
    return false;
}

static struct dkim_verdict read_canonicalization(struct reading *reading, const struct tag *tag)
{
    struct str header = tag->value, body = STR("simple");
    str_cut(tag->value, '/', &header, &body);
    if (!read_canonicalization_name(header, &reading->out->header_canonicalization) ||
        !read_canonicalization_name(body, &reading->out->body_canonicalization))
        return malformed("the canonicalization is not known");
    return dkim_good();
}

/* An empty one is harmless: it names no field. */
static bool is_field_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.at[i] <= ' ' || name.at[i] >= 0x7f)
            return false;
    return true;
}

static struct dkim_verdict read_signed_names(struct reading *reading, const struct tag *tag)
{
    struct tag_items items = tag_items_make(tag->value);
    struct str name;
    bool has_from = false;
    while (tag_items_next(&items, &name)) {
        if (!is_field_name(name))
            return malformed("the list of signed fields is malformed");
        has_from = has_from || str_eq_nocase(name, STR("from"));
    }
    reading->out->signed_names = tag->value;
    if (!has_from)
        return dkim_verdict(DKIM_PERMERROR, "the From field is not signed");
    return dkim_good();
}

/* The domain is what stands behind the last "@": a local part may be quoted and hold others. */
static struct dkim_verdict read_identity(struct reading *reading, const struct tag *tag)
{
    struct dkim_signature *out = reading->out;
    struct str identity;
    if (tag_value_unquote(reading->arena, tag->value, &identity))
        identity = tag_value_strip(reading->arena, tag->value);
    size_t at = str_find_last(identity, '@');
    if (at == SIZE_MAX ||
        !read_name(reading->arena, str_from(identity, at + 1), 2, &out->identity_domain))
        return malformed("the identity in i= is malformed");
    out->identity = identity;
    return dkim_good();
}

/* Digits alone; a number too large for us is as large as can be. */
static bool read_number(struct str digits, size_t digits_max, uint64_t *out_number)
{
    for (size_t i = 0; i < digits.len; i++)
        if (!char_is_digit(digits.at[i]))
            return false;
    if (digits.len == 0 || digits.len > digits_max)
        return false;
    if (!str_to_u64(digits, UINT64_MAX, out_number))
        *out_number = UINT64_MAX;
    return true;
}

static struct dkim_verdict read_body_length(struct reading *reading, const struct tag *tag)
{
    uint64_t length;
    if (!read_number(tag->value, LENGTH_DIGITS, &length))
        return malformed("the body length is no number");
    reading->out->body_length = length == BODY_LENGTH_WHOLE ? length - 1 : length;
    reading->out->has_body_length = true;
    return dkim_good();
}

static bool read_time(struct str digits, uint64_t *out_time_s)
{
    if (!read_number(digits, SIZE_MAX, out_time_s))
        return false;
    if (digits.len > TIME_DIGITS)
        *out_time_s = UINT64_MAX;
    return true;
}

static struct dkim_verdict read_signing_time(struct reading *reading, const struct tag *tag)
{
    if (!read_time(tag->value, &reading->out->time_s))
        return malformed("the time in t= is no number");
    reading->out->has_time = true;
    return dkim_good();
}

static struct dkim_verdict read_expiration(struct reading *reading, const struct tag *tag)
{
    if (!read_time(tag->value, &reading->out->expires_s))
        return malformed("the time in x= is no number");
    return dkim_good();
}

static struct dkim_verdict read_query_methods(struct reading *reading, const struct tag *tag)
{
    UNUSED(reading);
    if (!tag_items_have(tag->value, STR("dns/txt")))
        return malformed("the query method is not known");
    return dkim_good();
}

/* Seals sign message signatures, never the other way round (RFC 8617 section 4.1.2). */
static struct dkim_verdict read_message_names(struct reading *reading, const struct tag *tag)
{
    struct tag_items items = tag_items_make(tag->value);
    struct str name;
    while (tag_items_next(&items, &name))
        if (str_eq_nocase(name, STR("arc-seal")))
            return malformed("a seal is among the signed fields");
    return read_signed_names(reading, tag);
}

/* A seal with a list of signed fields is no seal (RFC 8617 section 4.1.3). */
static struct dkim_verdict refuse_signed_names(struct reading *reading, const struct tag *tag)
{
    UNUSED(reading);
    UNUSED(tag);
    return malformed("h= is not allowed in a seal");
}

#define DKIM    (unsigned)SIGNATURE_DKIM
#define MESSAGE (unsigned)SIGNATURE_ARC_MESSAGE
#define SEAL    (unsigned)SIGNATURE_ARC_SEAL

/* In the order in which faults are told. */
static const struct {
    const char *name;
    unsigned used_in;
    unsigned required_in;
    struct dkim_verdict (*read)(struct reading *reading, const struct tag *tag);
} readers[] = {
    {"v", DKIM, DKIM, read_version},
    {"a", DKIM | MESSAGE | SEAL, DKIM | MESSAGE | SEAL, read_algorithm},
    {"d", DKIM | MESSAGE | SEAL, DKIM | MESSAGE | SEAL, read_domain},
    {"s", DKIM | MESSAGE | SEAL, DKIM | MESSAGE | SEAL, read_selector},
    {"b", DKIM | MESSAGE | SEAL, DKIM | MESSAGE | SEAL, read_signature},
    {"bh", DKIM | MESSAGE, DKIM | MESSAGE, read_body_hash},
    {"c", DKIM | MESSAGE, 0, read_canonicalization},
    {"h", DKIM, DKIM, read_signed_names},
    {"h", MESSAGE, MESSAGE, read_message_names},
    {"h", SEAL, 0, refuse_signed_names},
    {"i", DKIM, 0, read_identity},
    {"l", DKIM | MESSAGE, 0, read_body_length},
    {"q", DKIM | MESSAGE, 0, read_query_methods},
    {"t", DKIM | MESSAGE | SEAL, 0, read_signing_time},
    {"x", DKIM | MESSAGE, 0, read_expiration},
};

/* What must hold between tags. */
static struct dkim_verdict check_together(const struct dkim_signature *signature)
{
    if (signature->has_time && signature->expires_s <= signature->time_s &&
        signature->expires_s != UINT64_MAX)
        return malformed("it expires before it was made");
    if (!domain_is_within(signature->identity_domain, signature->domain))
        return dkim_verdict(DKIM_PERMERROR, "the identity in i= lies outside the domain in d=");
    return dkim_good();
}

static struct dkim_verdict read_tags(struct reading *reading, const struct tag_list *tags,
                                     unsigned kind)
{
    struct dkim_verdict first = dkim_good();
    for (size_t i = 0; i < ARRAY_LEN(readers); i++) {
        const struct tag *tag = tag_list_find(tags, str_of(readers[i].name));
        struct dkim_verdict verdict = dkim_good();
        if (tag && readers[i].used_in & kind)
            verdict = readers[i].read(reading, tag);
        else if (!tag && readers[i].required_in & kind)
            verdict = dkim_verdict(DKIM_PERMERROR, "a required tag is missing");
        if (dkim_is_good(first))
            first = verdict;
    }
    return first;
}

struct dkim_verdict dkim_signature_read(struct arena *arena, const struct tag_list *tags,
                                        enum signature_kind kind,
                                        struct dkim_signature *out_signature)
{
    *out_signature = (struct dkim_signature){
        .body_length = BODY_LENGTH_WHOLE,
        .expires_s = UINT64_MAX,
    };
    struct reading reading = {arena, out_signature};
    struct dkim_verdict verdict = read_tags(&reading, tags, kind);
    if (out_signature->identity.len == 0 && out_signature->domain.len) {
        out_signature->identity = arena_printf(arena, "@%.*s", STR_FMT(out_signature->domain));
        out_signature->identity_domain = out_signature->domain;
    }
    return dkim_is_good(verdict) ? check_together(out_signature) : verdict;
}

struct dkim_verdict dkim_signature_parse(struct arena *arena, struct str value,
                                         struct dkim_signature *out_signature)
{
    struct tag_list tags;
    if (tag_list_parse(value, &tags)) {
        *out_signature = (struct dkim_signature){0};
        return malformed("it is no list of tags");
    }
    return dkim_signature_read(arena, &tags, SIGNATURE_DKIM, out_signature);
}
