/* One event as bytes of a trace file, and back. Pure.
 *
 *     offset  size
 *          0     4  magic: begins with a byte that no text holds, so that a scan which resumes
 *                   behind damage cannot be led to bytes that a peer chose
 *          4     4  CRC-32C of everything behind this field
 *          8     4  length of the whole record in bytes
 *         12     4  length of the text; what remains is the transcript
 *         16     8  id
 *         24     8  wall time in microseconds
 *         32     1  kind
 *         33     -  text, transcript
 *
 * Numbers are little-endian. Law: decode(encode(event)) is the event, and only what encode writes
 * decodes. */
#ifndef TRACE_RECORD_H
#define TRACE_RECORD_H

#include "trace/trace.h"

#define TRACE_RECORD_HEADER_BYTES 33
/* Text and transcript are cut so that a record is never longer. */
#define TRACE_RECORD_MAX_BYTES (128 * 1024)

/* What `trace_record_write` will write for it. */
size_t trace_record_size(const struct trace_event *event);
/* Writes the record but for its checksum, which trace_record_seal adds: writing is done by whoever
 * has an event, under a lock; the checksum by the thread that writes files. */
void trace_record_write(const struct trace_event *event, char *out);
void trace_record_seal(char *record);
/* The length of a record that trace_record_write wrote. */
size_t trace_record_len(const char *record);

/* Reads the record at the start of `in`; text and transcript borrow from it.
 * ERR_MORE: `in` ends within it. ERR_CORRUPT: it is none. */
MUST_CHECK enum err trace_record_read(struct str in, struct trace_event *out_event,
                                      size_t *out_len);
/* The first offset from `from` on at which a record may begin; in.len when there is none. */
size_t trace_record_find(struct str in, size_t from);

#endif
