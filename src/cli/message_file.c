#include "cli/message_file.h"

#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define PIECE_BYTES 32768

bool message_file_open(const char *command, const char *path, bool again,
                       struct message_file *out_file)
{
    struct message_file file = {0};
    bool is_input = strcmp(path, "-") == 0;
    file.file = is_input ? stdin : fopen(path, "re");
    if (!file.file) {
        fprintf(stderr, "postrider %s: %s: %s\n", command, path, strerror(errno));
        return false;
    }
    if (again && (is_input || lseek(fileno(file.file), 0, SEEK_CUR) < 0)) {
        file.kept = tmpfile();
        if (!file.kept) {
            fprintf(stderr, "postrider %s: no temporary file: %s\n", command, strerror(errno));
            message_file_close(&file);
            return false;
        }
    }
    *out_file = file;
    return true;
}

void message_file_close(struct message_file *file)
{
    if (file->file != stdin)
        fclose(file->file);
    if (file->kept)
        fclose(file->kept);
}

/* ---- reading ---- */

/* Line ends on their way to CRLF. Too large for a fiber's stack. */
struct converter {
    char last; /* the byte before this piece; 0: none */
    char in[PIECE_BYTES];
    char out[2 * PIECE_BYTES];
};

static struct str convert(struct converter *converter, struct str in)
{
    size_t len = 0;
    while (in.len) {
        size_t lf = str_find(in, '\n');
        struct str line = str_first(in, lf);
        memcpy(converter->out + len, line.at, line.len);
        len += line.len;
        in = str_from(in, line.len);
        if (line.len)
            converter->last = line.at[line.len - 1];
        if (lf == SIZE_MAX)
            break;
        if (converter->last != '\r')
            converter->out[len++] = '\r';
        converter->out[len++] = converter->last = '\n';
        in = str_from(in, 1);
    }
    return str_make(converter->out, len);
}

static void look_at_first_line(struct message_file *file, struct str piece)
{
    size_t lf = str_find(piece, '\n');
    file->has_lf_lines = lf != SIZE_MAX && (lf == 0 || piece.at[lf - 1] != '\r');
}

static enum err read_pieces(struct message_file *file, struct converter *converter,
                            void (*each)(void *context, struct str bytes), void *context)
{
    size_t len;
    for (bool is_first = true; (len = fread(converter->in, 1, PIECE_BYTES, file->file));
         is_first = false) {
        struct str piece = str_make(converter->in, len);
        if (is_first)
            look_at_first_line(file, piece);
        if (file->kept && fwrite(piece.at, 1, piece.len, file->kept) != piece.len)
            return ERR_FULL;
        each(context, convert(converter, piece));
    }
    return ferror(file->file) ? ERR_IO : OK;
}

enum err message_file_read(struct message_file *file, void (*each)(void *context, struct str bytes),
                           void *context)
{
    struct converter *converter = NEW(struct converter);
    enum err err = read_pieces(file, converter, each, context);
    mem_free(converter);
    return err;
}

enum err message_file_copy(struct message_file *file, FILE *to)
{
    FILE *from = file->kept ? file->kept : file->file;
    char piece[4096];
    size_t len;
    rewind(from);
    while ((len = fread(piece, 1, sizeof piece, from)))
        if (fwrite(piece, 1, len, to) != len)
            return ERR_IO;
    return ferror(from) || fflush(to) ? ERR_IO : OK;
}
