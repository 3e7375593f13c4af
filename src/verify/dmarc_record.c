#include "verify/dmarc_record.h"

/* ---- Tags ---------------------------------------------------------------------------------- */

/* Takes the next "name = value" off a list. False at its end; a name is empty where there is no
 * such pair. */
static bool next_tag(struct str *list, struct str *out_name, struct str *out_value)
{
    struct str tag = *list;
    if (list->len == 0)
        return false;
    if (!str_cut(*list, ';', &tag, list))
        *list = STR_EMPTY;
    *out_name = *out_value = STR_EMPTY;
    if (str_cut(tag, '=', out_name, out_value)) {
        *out_name = str_trim(*out_name);
        *out_value = str_trim(*out_value);
    }
    return true;
}

static bool is_version(struct str name, struct str value)
{
    return str_eq_nocase(name, STR("v")) && str_eq(value, STR("DMARC1"));
}

/* dmarc-value: printable, or a blank. */
static bool is_printable(struct str value)
{
    for (size_t i = 0; i < value.len; i++)
        if (char_is_control(value.at[i]) || char_is_8bit(value.at[i]))
            return false;
    return value.len > 0;
}

/* ---- Values -------------------------------------------------------------------------------- */

static const char *const policy_names[] = {
    [DMARC_POLICY_NONE] = "none",
    [DMARC_POLICY_QUARANTINE] = "quarantine",
    [DMARC_POLICY_REJECT] = "reject",
};

struct str dmarc_policy_text(enum dmarc_policy policy)
{
    assert(policy >= DMARC_POLICY_NONE);
    return str_of(policy_names[policy]);
}

static enum dmarc_policy read_policy(struct str value)
{
    for (enum dmarc_policy i = DMARC_POLICY_NONE; i <= DMARC_POLICY_REJECT; i++)
        if (str_eq_nocase(value, str_of(policy_names[i])))
            return i;
    return DMARC_POLICY_INVALID;
}

static enum dmarc_psd read_psd(struct str value)
{
    return str_eq_nocase(value, STR("y"))   ? DMARC_PSD_YES
           : str_eq_nocase(value, STR("n")) ? DMARC_PSD_NO
                                            : DMARC_PSD_UNKNOWN;
}

enum tag { P, SP, NP, PSD, T, ADKIM, ASPF, RUA, RUF, FO, TAGS };
static const char *const tag_names[TAGS] = {
    [P] = "p",         [SP] = "sp",     [NP] = "np",   [PSD] = "psd", [T] = "t",
    [ADKIM] = "adkim", [ASPF] = "aspf", [RUA] = "rua", [RUF] = "ruf", [FO] = "fo",
};

static void set_tag(struct dmarc_record *record, enum tag tag, struct str value)
{
    switch (tag) {
    case P:
        record->policy = read_policy(value);
        break;
    case SP:
        record->subdomain_policy = read_policy(value);
        break;
    case NP:
        record->nonexistent_policy = read_policy(value);
        break;
    case PSD:
        record->psd = read_psd(value);
        break;
    case T:
        record->is_testing = str_eq_nocase(value, STR("y"));
        break;
    case ADKIM:
        record->is_strict_dkim = str_eq_nocase(value, STR("s"));
        break;
    case ASPF:
        record->is_strict_spf = str_eq_nocase(value, STR("s"));
        break;
    case RUA:
        record->rua = value;
        break;
    case RUF:
        record->ruf = value;
        break;
    case FO:
        record->fo = value;
        break;
    case TAGS:
        break;
    }
}

static enum tag find_tag(struct str name)
{
    enum tag tag = 0;
    while (tag < TAGS && !str_eq_nocase(name, str_of(tag_names[tag])))
        tag++;
    return tag;
}

bool dmarc_record_parse(struct str txt, struct dmarc_record *out_record)
{
    struct dmarc_record record = {.rua = STR_EMPTY, .ruf = STR_EMPTY, .fo = STR("0")};
    bool seen[TAGS + 1] = {false};
    struct str name, value;
    bool starts_blank = txt.len > 0 && !char_is_alpha(txt.at[0]);
    if (starts_blank || !next_tag(&txt, &name, &value) || !is_version(name, value))
        return false;
    while (next_tag(&txt, &name, &value)) {
        enum tag tag = find_tag(name);
        /* A policy that cannot be read is told from one that is not there. */
        if (seen[tag] || (!is_printable(value) && tag > NP))
            continue;
        seen[tag] = true;
        set_tag(&record, tag, value);
    }
    *out_record = record;
    return true;
}

/* ---- Addresses of reports ------------------------------------------------------------------ */

/* scheme ":" and something of the bytes that RFC 3986 allows in a URI. */
static bool is_uri(struct str uri)
{
    size_t colon = str_find(uri, ':');
    if (colon == SIZE_MAX || colon == 0 || colon + 1 == uri.len || !char_is_alpha(uri.at[0]))
        return false;
    for (size_t i = 0; i < uri.len; i++) {
        char c = uri.at[i];
        const char *others = i < colon ? "+-." : "-._~:/?#[]@$&'()*+;=%";
        if (!char_is_alnum(c) && !(c && strchr(others, c)))
            return false;
    }
    return true;
}

bool dmarc_record_next_uri(struct str *list, struct str *out_uri)
{
    while (list->len) {
        struct str uri = *list, size;
        if (!str_cut(*list, ',', &uri, list))
            *list = STR_EMPTY;
        str_cut(uri, '!', &uri, &size);
        uri = str_trim(uri);
        if (is_uri(uri)) {
            *out_uri = uri;
            return true;
        }
    }
    return false;
}

/* ---- Policies ------------------------------------------------------------------------------ */

static bool has_invalid_policy(const struct dmarc_record *record)
{
    return record->policy == DMARC_POLICY_INVALID ||
           record->subdomain_policy == DMARC_POLICY_INVALID ||
           record->nonexistent_policy == DMARC_POLICY_INVALID;
}

bool dmarc_record_is_usable(const struct dmarc_record *record)
{
    struct str list = record->rua, uri;
    return !has_invalid_policy(record) || dmarc_record_next_uri(&list, &uri);
}

enum dmarc_policy dmarc_record_policy(const struct dmarc_record *record, bool is_subdomain,
                                      bool is_nonexistent)
{
    enum dmarc_policy policy = record->policy;
    if (!policy || has_invalid_policy(record))
        return DMARC_POLICY_NONE;
    if (is_subdomain && record->subdomain_policy)
        policy = record->subdomain_policy;
    if (is_subdomain && is_nonexistent && record->nonexistent_policy)
        policy = record->nonexistent_policy;
    return policy;
}
