/* The files of a trace's directory, one at a time: NNNNNNNN.trace with its records, and beside it,
 * once it is sealed, NNNNNNNN.index. */
#ifndef TRACE_FILE_H
#define TRACE_FILE_H

#include "base/disk.h"
#include "trace/index.h"

struct trace_folder {
    struct disk *disk;
    char *path;
};

/* Numbers of the .trace files there are, ascending; the caller frees them (mem_free). */
MUST_CHECK enum err trace_folder_list(const struct trace_folder *folder, uint64_t **out_numbers,
                                      size_t *out_count);
/* Both files; harmless when they are not there. */
void trace_file_remove(const struct trace_folder *folder, uint64_t number);
MUST_CHECK enum err trace_file_open(const struct trace_folder *folder, uint64_t number,
                                    unsigned flags, struct disk_file **out_file);
MUST_CHECK enum err trace_file_write(struct disk_file *file, uint64_t offset, struct str records);

/* Adds every whole record of `bytes`, which stand at `base` in the file, to the index; what lies
 * between records is skipped. The summary's file_bytes is then the end of the last one. */
void trace_file_index(struct str bytes, uint64_t base, struct trace_index *index);
/* Makes the index of a file by reading all of it. */
MUST_CHECK enum err trace_file_scan(const struct trace_folder *folder, uint64_t number,
                                    struct trace_index *out_index);

/* An index that cannot be written is not missed: the file is scanned instead. */
void trace_file_write_index(const struct trace_folder *folder, uint64_t number,
                            const struct trace_index *index);
/* ERR_NOT_FOUND, ERR_CORRUPT: the file was not sealed. */
MUST_CHECK enum err trace_file_read_summary(const struct trace_folder *folder, uint64_t number,
                                            struct trace_summary *out_summary, size_t *out_entries);
/* From the index beside it, else from the file itself. */
MUST_CHECK enum err trace_file_load_index(const struct trace_folder *folder, uint64_t number,
                                          struct trace_index *out_index);

#endif
