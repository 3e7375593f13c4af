/* The files of a trace as a row: appended to, sealed, found again, searched, removed by budget.
 *
 *     (none) ──append──▶ ACTIVE ──large, old or refused──▶ SEALED ──over the budget──▶ removed
 *                          ▲
 *                          └── at open: the newest, if it has no index
 *
 * Not for several threads at once. */
#ifndef TRACE_STORE_H
#define TRACE_STORE_H

#include "base/list.h"
#include "trace/file.h"
#include "trace/trace.h"

struct trace_sealed {
    struct list link;
    uint64_t number;
    uint64_t bytes; /* with the index */
    struct trace_summary summary;
};

struct trace_store {
    struct trace_folder folder;
    uint64_t max_size_bytes;
    int64_t keep_us;
    uint64_t file_bytes; /* at which a file is sealed */
    struct list sealed;  /* oldest first */
    uint64_t sealed_bytes;
    struct disk_file *active; /* NULL: the next append begins one */
    uint64_t number;          /* of the active file, or of the newest that was */
    struct trace_index index; /* of the active file */
};

MUST_CHECK enum err trace_store_open(struct trace_store *store,
                                     const struct trace_options *options);
void trace_store_close(struct trace_store *store);

/* Appends whole records. On an error none of them is in the trace. */
MUST_CHECK enum err trace_store_append(struct trace_store *store, struct str records);
/* Seals what is old, removes what is beyond the budget. */
void trace_store_keep_budget(struct trace_store *store, int64_t now_us);

/* In find.c. The events of `id`, and those of lost events that may concern it, in order of writing;
 * the text is copied into the arena. ERR_NOT_FOUND. */
MUST_CHECK enum err trace_store_find(struct trace_store *store, spool_id id, struct arena *arena,
                                     struct trace_event **out_events, size_t *out_count);

#endif
