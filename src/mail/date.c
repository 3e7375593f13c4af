#include "mail/date.h"

#include "mail/lexer.h"

#define SECONDS_PER_DAY 86400

static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char weekdays[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

static bool is_leap(int64_t year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

static int days_in_month(int64_t year, int month)
{
    static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month] + (month == 1 && is_leap(year));
}

/* Days from 1 January 1970 to 1 January of a year since 1600. */
static int64_t days_before_year(int64_t year)
{
    int64_t y = year - 1;
    return (y * 365 + y / 4 - y / 100 + y / 400) - 719162;
}

/* ---- Printing ------------------------------------------------------------------------------- */

struct day {
    int64_t year;
    int month; /* 0 to 11 */
    int day;   /* 1 to 31 */
};

static struct day day_of(int64_t days)
{
    struct day d = {.year = 1970 + days / 366};
    if (days < 0)
        d.year = 1970 + days / 365 - 1;
    while (days_before_year(d.year + 1) <= days)
        d.year++;
    int64_t left = days - days_before_year(d.year);
    while (left >= days_in_month(d.year, d.month))
        left -= days_in_month(d.year, d.month++);
    d.day = (int)left + 1;
    return d;
}

enum err mail_date_print(struct buf *buf, int64_t wall_us)
{
    int64_t first = days_before_year(1900) * SECONDS_PER_DAY;
    int64_t last = days_before_year(10000) * SECONDS_PER_DAY - 1;
    int64_t seconds = wall_us / 1000000 - (wall_us % 1000000 < 0);
    seconds = seconds < first ? first : seconds > last ? last : seconds;
    int64_t days = (seconds - first) / SECONDS_PER_DAY + days_before_year(1900);
    int in_day = (int)(seconds - days * SECONDS_PER_DAY);
    struct day d = day_of(days);
    /* 1 January 1900 was a Monday. */
    int weekday = (int)((days - days_before_year(1900) + 1) % 7);
    return buf_printf(buf, "%s, %02d %s %04d %02d:%02d:%02d +0000", weekdays[weekday], d.day,
                      months[d.month], (int)d.year, in_day / 3600, in_day / 60 % 60, in_day % 60);
}

/* ---- Parsing -------------------------------------------------------------------------------- */

struct date_parser {
    struct mail_lexer lexer;
    struct mail_token token;
    bool is_bad; /* the lexer failed: everything fails from here on */
};

static void advance(struct date_parser *parser)
{
    if (parser->is_bad || mail_lexer_next(&parser->lexer, &parser->token))
        parser->is_bad = true;
}

static bool take_special(struct date_parser *parser, char c)
{
    if (parser->is_bad || !mail_token_is(&parser->token, c))
        return false;
    advance(parser);
    return true;
}

static bool take_number(struct date_parser *parser, size_t max_digits, int max, int *out_number)
{
    uint64_t value;
    if (parser->is_bad || parser->token.kind != MAIL_TOKEN_ATOM ||
        parser->token.raw.len > max_digits || !str_to_u64(parser->token.raw, (uint64_t)max, &value))
        return false;
    *out_number = (int)value;
    advance(parser);
    return true;
}

static void skip_weekday(struct date_parser *parser)
{
    if (!parser->is_bad && parser->token.kind == MAIL_TOKEN_ATOM &&
        char_is_alpha(parser->token.raw.at[0])) {
        advance(parser);
        take_special(parser, ',');
    }
}

/* "Nov", and the "November" of some programs. */
static bool take_month(struct date_parser *parser, int *out_month)
{
    if (parser->is_bad || parser->token.kind != MAIL_TOKEN_ATOM)
        return false;
    for (int i = 0; i < 12; i++) {
        if (str_starts_nocase(parser->token.raw, str_of(months[i]))) {
            *out_month = i;
            advance(parser);
            return true;
        }
    }
    return false;
}

/* Two and three digits as RFC 5322 section 4.3 reads them. */
static bool take_year(struct date_parser *parser, int *out_year)
{
    size_t digits = parser->token.raw.len;
    int year;
    if (!take_number(parser, 4, 9999, &year) || digits < 2)
        return false;
    if (digits == 2)
        year += year < 50 ? 2000 : 1900;
    else if (digits == 3)
        year += 1900;
    *out_year = year;
    return year >= 1900;
}

/* Seconds since midnight. */
static bool take_time(struct date_parser *parser, int64_t *out_seconds)
{
    int hour, minute, second = 0, fraction;
    if (!take_number(parser, 2, 23, &hour) || !take_special(parser, ':') ||
        !take_number(parser, 2, 59, &minute))
        return false;
    if (take_special(parser, ':') && !take_number(parser, 2, 60, &second))
        return false;
    if (take_special(parser, '.') && !take_number(parser, 9, 999999999, &fraction))
        return false;
    *out_seconds = hour * 3600 + minute * 60 + (second == 60 ? 59 : second);
    return true;
}

/* Hours of the zones that RFC 5322 section 4.3 names. The military letters were defined the wrong
 * way round once and mean nothing; unknown names mean nothing either. */
static int64_t named_zone_seconds(struct str name)
{
    static const struct {
        const char *name;
        int hours;
    } zones[] = {{"EST", -5}, {"EDT", -4}, {"CST", -6}, {"CDT", -5},
                 {"MST", -7}, {"MDT", -6}, {"PST", -8}, {"PDT", -7}};
    for (size_t i = 0; i < ARRAY_LEN(zones); i++)
        if (str_eq_nocase(name, str_of(zones[i].name)))
            return zones[i].hours * 3600;
    return 0;
}

/* Seconds east of UTC. No zone at all is UTC. */
static bool take_zone(struct date_parser *parser, int64_t *out_seconds)
{
    *out_seconds = 0;
    if (parser->is_bad || parser->token.kind == MAIL_TOKEN_END)
        return !parser->is_bad;
    struct str zone = parser->token.raw;
    if (parser->token.kind != MAIL_TOKEN_ATOM)
        return false;
    if (zone.at[0] == '+' || zone.at[0] == '-') {
        uint64_t number;
        if (zone.len != 5 || !str_to_u64(str_from(zone, 1), 9999, &number) || number % 100 > 59)
            return false;
        int64_t east = (int64_t)(number / 100 * 3600 + number % 100 * 60);
        *out_seconds = zone.at[0] == '-' ? -east : east;
    } else if (char_is_alpha(zone.at[0])) {
        *out_seconds = named_zone_seconds(zone);
    } else {
        return false;
    }
    advance(parser);
    return true;
}

enum err mail_date_parse(struct str value, int64_t *out_wall_us)
{
    struct date_parser parser = {.lexer = mail_lexer_make(value)};
    int day, month, year;
    int64_t time, zone;
    advance(&parser);
    skip_weekday(&parser);
    if (!take_number(&parser, 2, 31, &day) || !take_month(&parser, &month) ||
        !take_year(&parser, &year) || !take_time(&parser, &time) || !take_zone(&parser, &zone))
        return ERR_SYNTAX;
    if (parser.is_bad || parser.token.kind != MAIL_TOKEN_END || day < 1 ||
        day > days_in_month(year, month))
        return ERR_SYNTAX;
    int64_t days = days_before_year(year) + day - 1;
    for (int i = 0; i < month; i++)
        days += days_in_month(year, i);
    *out_wall_us = (days * SECONDS_PER_DAY + time - zone) * 1000000;
    return OK;
}
