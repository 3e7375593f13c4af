/* A conversation written down while it happens: who said what, and when, within a bound. Keeps its
 * beginning and its end and says how much was left out between. Secrets become `<redacted>` before
 * they come here: the functions take what may be shown. */
#ifndef TRACE_TRANSCRIPT_H
#define TRACE_TRANSCRIPT_H

#include "base/buf.h"

enum transcript_voice { TRANSCRIPT_CLIENT, TRANSCRIPT_SERVER, TRANSCRIPT_NOTE };

struct transcript {
    struct buf text;
    uint64_t began_ms;
    size_t connection_len; /* what belongs to the connection, before the first transaction */
    size_t left_out;       /* lines, of the part behind the connection's */
    size_t gap_at;         /* where "lines left out" stands in that part; 0: nowhere */
    size_t gap_len;
};

/* `limit_bytes`: 8 KiB, or more; the connection's lines take at most half. No memory is taken
 * before the first line. */
void transcript_init(struct transcript *transcript, size_t limit_bytes, uint64_t now_ms);
void transcript_done(struct transcript *transcript);
/* One line, without its end; control bytes and bytes that are not UTF-8 are escaped; cut at 512
 * bytes. It is written `SECONDS.MS C: line`, with S: for the server and --: for a note. */
void transcript_line(struct transcript *transcript, uint64_t now_ms, enum transcript_voice voice,
                     struct str line);
void transcript_printf(struct transcript *transcript, uint64_t now_ms, enum transcript_voice voice,
                       const char *format, ...) PRINTF_LIKE(4, 5);
/* Everything so far belongs to the connection: it opens the story of each of its transactions. May
 * come again, when the connection went on between two transactions. */
void transcript_connection_ends(struct transcript *transcript);
/* Forgets the last transaction, keeps the connection's lines. */
void transcript_restart(struct transcript *transcript);
/* The same, and gives back the memory beyond them: for idle conversations. */
void transcript_trim(struct transcript *transcript);
struct str transcript_text(const struct transcript *transcript);

#endif
