#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define TEXT_MAX       1000
#define LINE_MAX_BYTES (TEXT_MAX + 100) /* below PIPE_BUF: lines of several threads do not mix */

/* Written by log_init before any thread starts, only read afterwards. */
static enum log_level log_limit = LOG_INFO;
static int log_fd = STDERR_FILENO;

static const char *const level_names[] = {
    [LOG_ERROR] = "error",
    [LOG_WARNING] = "warning",
    [LOG_INFO] = "info",
    [LOG_DEBUG] = "debug",
};

void log_init(enum log_level level, int out_fd)
{
    log_limit = level;
    log_fd = out_fd;
}

bool log_wants(enum log_level level) { return level <= log_limit; }

/* The character at the start of `text` when it may stand in a log line as it is: printable ASCII,
 * or well-formed UTF-8 that is no C1 control (terminals obey those too). Otherwise empty. */
static struct str harmless_character(struct str text)
{
    if (!char_is_8bit(text.at[0]))
        return str_first(text, char_is_control(text.at[0]) ? 0 : 1);
    if (text.len > 1 && text.at[0] == '\xc2' && (unsigned char)text.at[1] < 0xa0)
        return STR_EMPTY;
    for (size_t len = 2; len <= min_size(text.len, 4); len++)
        if (str_is_utf8(str_first(text, len)))
            return str_first(text, len);
    return STR_EMPTY;
}

/* Adds `text` escaped, cut at a whole character, until `line` holds `limit` bytes. */
static void add_escaped(struct buf *line, struct str text, size_t limit)
{
    while (text.len) {
        char escape[5];
        struct str piece = harmless_character(text);
        size_t used = piece.len;
        if (used == 0) {
            snprintf(escape, sizeof escape, "\\x%02x", (unsigned)(unsigned char)text.at[0]);
            piece = str_of(escape);
            used = 1;
        }
        if (line->len + piece.len > limit)
            return;
        buf_add_cut(line, piece);
        text = str_from(text, used);
    }
}

static void add_time(struct buf *line)
{
    struct clock clock = clock_system();
    int64_t now_us = clock_wall_us(&clock);
    time_t now_s = now_us / 1000000;
    struct tm tm;
    gmtime_r(&now_s, &tm);
    char text[40];
    size_t len = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    buf_add_cut(line, str_make(text, len));
    snprintf(text, sizeof text, ".%03dZ", (int)(now_us / 1000 % 1000));
    buf_add_cut(line, str_of(text));
}

void log_event(enum log_level level, const char *area, const char *format, ...)
{
    if (!log_wants(level))
        return;
    char text[TEXT_MAX + 1];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    assert(len >= 0);

    struct buf line = buf_make(LINE_MAX_BYTES);
    add_time(&line);
    buf_add_cut(&line, STR(" "));
    buf_add_cut(&line, str_of(level_names[level]));
    buf_add_cut(&line, STR(" "));
    buf_add_cut(&line, str_of(area));
    buf_add_cut(&line, STR(": "));
    add_escaped(&line, str_make(text, min_size((size_t)len, TEXT_MAX)), line.len + TEXT_MAX);
    buf_add_cut(&line, STR("\n"));
    /* A log that cannot be written is not worth failing for. */
    while (write(log_fd, line.at, line.len) < 0 && errno == EINTR)
        ;
    buf_free(&line);
}
