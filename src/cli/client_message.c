#include "cli/client_message.h"

#include "fiber/loop.h"
#include "smtp/data.h"

static enum err write_piece(struct smtp_client *client, struct str piece)
{
    uint64_t deadline_ms = loop_now_ms() + client->options.timeouts.data_block;
    return stream_write(client->stream, piece, deadline_ms);
}

enum err client_write_message(struct smtp_client *client, struct str message)
{
    struct smtp_data_writer writer = smtp_data_writer_make();
    struct str rest = message, run;
    enum err err = OK;
    while (rest.len && !err) {
        size_t used;
        err = smtp_data_write(&writer, rest, &used, &run);
        if (!err)
            err = write_piece(client, run);
        rest = str_from(rest, used);
    }
    if (!err)
        err = smtp_data_write_end(&writer, &run);
    transcript_printf(client->transcript, loop_now_ms(), TRANSCRIPT_CLIENT,
                      "(%zu bytes of message)", message.len);
    transcript_line(client->transcript, loop_now_ms(), TRANSCRIPT_CLIENT, STR("."));
    return err ? err : write_piece(client, run);
}
