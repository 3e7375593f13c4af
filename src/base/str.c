#include "base/str.h"

#include "base/random.h"

#include <pthread.h>

bool str_eq_nocase(struct str a, struct str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (char_lower(a.at[i]) != char_lower(b.at[i]))
            return false;
    return true;
}

int str_cmp(struct str a, struct str b)
{
    size_t common = min_size(a.len, b.len);
    int order = common ? memcmp(a.at, b.at, common) : 0;
    if (order)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

bool str_starts(struct str s, struct str prefix)
{
    return s.len >= prefix.len && str_eq(str_first(s, prefix.len), prefix);
}

bool str_starts_nocase(struct str s, struct str prefix)
{
    return s.len >= prefix.len && str_eq_nocase(str_first(s, prefix.len), prefix);
}

bool str_ends(struct str s, struct str suffix)
{
    return s.len >= suffix.len && str_eq(str_from(s, s.len - suffix.len), suffix);
}

bool str_ends_nocase(struct str s, struct str suffix)
{
    return s.len >= suffix.len && str_eq_nocase(str_from(s, s.len - suffix.len), suffix);
}

size_t str_find(struct str s, char c)
{
    const char *found = s.len ? memchr(s.at, c, s.len) : NULL;
    return found ? (size_t)(found - s.at) : SIZE_MAX;
}

size_t str_find_last(struct str s, char c)
{
    const char *found = s.len ? memrchr(s.at, c, s.len) : NULL;
    return found ? (size_t)(found - s.at) : SIZE_MAX;
}

size_t str_search(struct str s, struct str needle)
{
    if (needle.len == 0)
        return 0;
    const char *found = s.len ? memmem(s.at, s.len, needle.at, needle.len) : NULL;
    return found ? (size_t)(found - s.at) : SIZE_MAX;
}

struct str str_from(struct str s, size_t from)
{
    from = min_size(from, s.len);
    return (struct str){s.at + from, s.len - from};
}

struct str str_first(struct str s, size_t len) { return (struct str){s.at, min_size(len, s.len)}; }

bool str_cut(struct str s, char c, struct str *out_head, struct str *out_tail)
{
    size_t at = str_find(s, c);
    if (at == SIZE_MAX)
        return false;
    *out_head = str_first(s, at);
    *out_tail = str_from(s, at + 1);
    return true;
}

static bool is_space(char c) { return char_is_wsp(c) || c == '\r' || c == '\n'; }

struct str str_trim(struct str s)
{
    while (s.len && is_space(s.at[0]))
        s = str_from(s, 1);
    while (s.len && is_space(s.at[s.len - 1]))
        s.len--;
    return s;
}

bool str_to_u64(struct str s, uint64_t max, uint64_t *out_value)
{
    uint64_t value = 0;
    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (!char_is_digit(s.at[i]))
            return false;
        uint64_t digit = (uint64_t)(s.at[i] - '0');
        if (digit > max || value > (max - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out_value = value;
    return true;
}

/* Length of the well-formed sequence at the start of `s`, or 0. RFC 3629 section 4. */
static size_t utf8_sequence(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.at;
    size_t len = p[0] < 0x80   ? 1
                 : p[0] < 0xc2 ? 0
                 : p[0] < 0xe0 ? 2
                 : p[0] < 0xf0 ? 3
                 : p[0] < 0xf5 ? 4
                               : 0;
    if (len == 0 || len > s.len)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
    bool surrogate = p[0] == 0xed && p[1] >= 0xa0;
    bool beyond = p[0] == 0xf4 && p[1] >= 0x90;
    return overlong || surrogate || beyond ? 0 : len;
}

bool str_is_utf8(struct str s)
{
    while (s.len) {
        size_t len = utf8_sequence(s);
        if (len == 0)
            return false;
        s = str_from(s, len);
    }
    return true;
}

bool str_has_8bit(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (char_is_8bit(s.at[i]))
            return true;
    return false;
}

static uint64_t hash_seed;

static void seed_hash(void) { random_bytes(&hash_seed, sizeof hash_seed); }

/* Multiply-and-fold over eight bytes at a time. Not cryptographic; the seed is what keeps a
 * peer from preparing names that collide. */
static uint64_t fold(uint64_t a, uint64_t b)
{
    __uint128_t product = (__uint128_t)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t str_hash(struct str s)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, seed_hash);
    uint64_t hash = hash_seed ^ (s.len * 0x9e3779b97f4a7c15u);
    while (s.len >= 8) {
        uint64_t word;
        memcpy(&word, s.at, 8);
        hash = fold(hash ^ word, 0xd6e8feb86659fd93u);
        s = str_from(s, 8);
    }
    uint64_t rest = 0;
    if (s.len)
        memcpy(&rest, s.at, s.len);
    hash = fold(hash ^ rest, 0xa0761d6478bd642fu);
    return hash ^ (hash >> 32);
}
