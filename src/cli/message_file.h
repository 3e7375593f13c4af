/* A message given to a command: a file, or "-" for standard input. It is read in pieces, so that a
 * message of any size needs the same memory. LF alone is read as CRLF. */
#ifndef CLI_MESSAGE_FILE_H
#define CLI_MESSAGE_FILE_H

#include "base/err.h"
#include "base/str.h"

#include <stdio.h>

struct message_file {
    FILE *file;
    FILE *kept;        /* what was read from a pipe, when asked for; else NULL */
    bool has_lf_lines; /* its first line ends in LF alone */
};

/* `again`: it will be copied too, so what comes from a pipe must be kept (on disk). Prints why it
 * cannot be opened, and returns false. */
bool message_file_open(const char *command, const char *path, bool again,
                       struct message_file *out_file);
void message_file_close(struct message_file *file);

/* Gives the message to `each`, piece by piece, with CRLF line ends. Errors: ERR_IO, ERR_FULL. */
MUST_CHECK enum err message_file_read(struct message_file *file,
                                      void (*each)(void *context, struct str bytes), void *context);
/* Writes the message as it was, byte for byte, after it was read. */
MUST_CHECK enum err message_file_copy(struct message_file *file, FILE *to);

#endif
