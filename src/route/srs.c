#include "route/srs.h"

#include "mail/idna.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#define TAG_LEN   6 /* 30 bits: a guess is right once in 10^9 times */
#define DAY_LEN   2
#define DAYS      1024 /* that DAY_LEN digits tell apart */
#define DAY_US    ((int64_t)86400 * 1000000)
#define TAG_BYTES 32 /* of SHA-256 */

/* What both kinds are made of. */
struct srs {
    char kind;       /* '0', '1' */
    struct str host; /* SRS0: the sender's domain; SRS1: the first forwarder */
    struct str rest; /* SRS0: the sender's local part; SRS1: of the first SRS0, behind those four */
    int64_t day;     /* since 1970 */
    struct str domain;
};

/* ---- digits ---- */

static char digit_of(uint32_t value) { return "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[value & 31]; }

static int value_of(char c)
{
    c = char_upper(c);
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    return c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}

struct tag {
    char at[TAG_LEN];
};

/* Whatever changes the meaning is in the text, and only that: case does not. */
static struct tag tag_of(const struct srs_key *key, const struct srs *srs, struct arena *arena)
{
    struct str text =
        arena_printf(arena, "SRS%c%c%" PRId64 "%c%.*s%c%.*s%c%.*s", srs->kind, 0, srs->day, 0,
                     STR_FMT(srs->domain), 0, STR_FMT(srs->host), 0, STR_FMT(srs->rest));
    text = mail_domain_lower(arena, text);
    unsigned char mac[TAG_BYTES];
    size_t len = 0;
    bool is_made = EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key->bytes, sizeof key->bytes,
                             (const unsigned char *)text.at, text.len, mac, sizeof mac, &len);
    assert(is_made && len == sizeof mac);
    uint32_t bits =
        (uint32_t)mac[0] << 24 | (uint32_t)mac[1] << 16 | (uint32_t)mac[2] << 8 | mac[3];
    struct tag tag;
    for (size_t i = 0; i < TAG_LEN; i++)
        tag.at[i] = digit_of(bits >> (27 - 5 * i));
    return tag;
}

/* ---- foreign addresses of the kind: `-` and `+` may stand for the first `=` ---- */

static bool is_separator(char c) { return c == '=' || c == '+' || c == '-'; }

static bool is_kind(struct str local, struct str name)
{
    return str_starts_nocase(local, name) && local.len > name.len + 1 &&
           is_separator(local.at[name.len]);
}

/* Leaves out what the last forwarder added, which is his alone. */
static bool read_srs1(struct str local, struct srs *srs)
{
    struct str code, host, rest;
    if (!is_kind(local, STR("SRS1")) || !str_cut(str_from(local, 5), '=', &code, &rest) ||
        !str_cut(rest, '=', &host, &rest))
        return false;
    if (!mail_domain_is_valid(host, MAIL_ADDRESS_UNDERSCORE) || rest.len < 2 ||
        !is_separator(rest.at[0]))
        return false;
    srs->kind = '1';
    srs->host = host;
    srs->rest = rest;
    return true;
}

static struct srs read_sender(const struct mail_address *sender)
{
    struct srs srs = {.kind = '0', .host = sender->domain, .rest = sender->local};
    if (is_kind(sender->local, STR("SRS0"))) {
        srs.kind = '1';
        srs.rest = str_from(sender->local, 4);
    } else {
        read_srs1(sender->local, &srs);
    }
    return srs;
}

/* ---- writing ---- */

static struct str print_local(const struct srs_key *key, const struct srs *srs, struct arena *arena)
{
    struct tag tag = tag_of(key, srs, arena);
    uint32_t day = (uint32_t)(srs->day % DAYS);
    bool is_first = srs->kind == '0';
    return arena_printf(arena, "SRS%c=%.*s%s%c%c=%.*s=%.*s", srs->kind, TAG_LEN, tag.at,
                        is_first ? "=" : "", digit_of(day >> 5), digit_of(day), STR_FMT(srs->host),
                        STR_FMT(srs->rest));
}

bool srs_rewrite(const struct srs_key *key, int64_t wall_us, const struct mail_address *sender,
                 struct str domain, struct arena *arena, struct mail_address *out_address)
{
    if (sender->is_literal)
        return false;
    struct mail_address plain = mail_address_with_a_labels(arena, sender);
    struct srs srs = read_sender(&plain);
    srs.day = wall_us / DAY_US;
    srs.domain = domain;
    struct mail_address address = {.local = print_local(key, &srs, arena),
                                   .domain = mail_domain_lower(arena, domain)};
    struct mail_address parsed;
    if (mail_address_parse(arena, mail_address_text(arena, &address), MAIL_ADDRESS_UTF8, &parsed))
        return false; /* too long */
    *out_address = parsed;
    return true;
}

/* ---- reading ours ---- */

/* The day within the last DAYS that the two digits mean; tomorrow's too, since clocks are set. */
static bool read_day(struct str digits, int64_t today, int64_t *out_day)
{
    int high = value_of(digits.at[0]), low = value_of(digits.at[1]);
    if (high < 0 || low < 0)
        return false;
    int64_t age = (today + 1 - (high * 32 + low)) % DAYS;
    *out_day = today + 1 - (age < 0 ? age + DAYS : age);
    return true;
}

/* The parts of a local part that begins as ours do; *out_tag is what stands for its code. */
static bool read_ours(struct str local, int64_t today, struct srs *srs, struct str *out_tag)
{
    struct str code, day, rest;
    srs->kind = local.at[3];
    bool is_first = srs->kind == '0';
    if (!str_cut(str_from(local, 5), '=', &code, &rest) || code.len < TAG_LEN)
        return false;
    day = str_from(code, TAG_LEN);
    if (is_first && (day.len || !str_cut(rest, '=', &day, &rest)))
        return false;
    if (day.len != DAY_LEN || !read_day(day, today, &srs->day))
        return false;
    *out_tag = str_first(code, TAG_LEN);
    return str_cut(rest, '=', &srs->host, &srs->rest) && srs->host.len && srs->rest.len;
}

static bool is_right(struct tag tag, struct str given)
{
    struct tag upper;
    for (size_t i = 0; i < TAG_LEN; i++)
        upper.at[i] = char_upper(given.at[i]);
    return CRYPTO_memcmp(tag.at, upper.at, TAG_LEN) == 0;
}

static bool is_ours(struct str local)
{
    return str_starts_nocase(local, STR("SRS0=")) || str_starts_nocase(local, STR("SRS1="));
}

enum srs_answer srs_reverse(const struct srs_key *key, int64_t wall_us,
                            const struct mail_address *address, struct arena *arena,
                            struct mail_address *out_sender)
{
    struct srs srs = {.domain = address->domain};
    struct str tag;
    int64_t today = wall_us / DAY_US;
    if (!is_ours(address->local))
        return SRS_NONE;
    if (!read_ours(address->local, today, &srs, &tag) || !is_right(tag_of(key, &srs, arena), tag))
        return SRS_FORGED;
    if (today - srs.day > SRS_VALID_DAYS)
        return SRS_EXPIRED;
    struct mail_address sender = {.local = srs.rest, .domain = srs.host};
    if (srs.kind == '1')
        sender.local = arena_printf(arena, "SRS0%.*s", STR_FMT(srs.rest));
    *out_sender = mail_address_copy(arena, &sender);
    return SRS_OURS;
}
