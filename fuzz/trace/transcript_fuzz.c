/* Laws: whatever is said, the text keeps within its limit, is clean UTF-8 of whole lines, and a
 * restart brings back what belongs to the connection. The input is a row of commands: a byte that
 * says what to do, and for lines a length. */
#include "mail/text.h"
#include "trace/transcript.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool law)
{
    if (!law)
        abort();
}

static void check(const struct transcript *transcript)
{
    struct str text = transcript_text(transcript), line;
    require(text.len <= transcript->text.limit);
    require(transcript->connection_len <= text.len &&
            transcript->connection_len <= transcript->text.limit / 2);
    while (text.len) {
        struct str rest;
        require(str_cut(text, '\n', &line, &rest));
        require(mail_text_is_clean(line));
        text = rest;
    }
}

static struct str take_line(struct str *input)
{
    size_t len = input->len ? (size_t)(unsigned char)input->at[0] * 3 : 0;
    *input = str_from(*input, 1);
    struct str line = str_first(*input, len);
    *input = str_from(*input, len);
    return line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = str_make((const char *)data, size);
    struct transcript transcript;
    transcript_init(&transcript, 8192, 0);
    for (uint64_t now_ms = 0; input.len; now_ms += 7) {
        unsigned command = (unsigned char)input.at[0];
        input = str_from(input, 1);
        if (command < 240)
            transcript_line(&transcript, now_ms, command % 3, take_line(&input));
        else if (command < 248)
            transcript_connection_ends(&transcript);
        else if (command < 252)
            transcript_restart(&transcript);
        else
            transcript_trim(&transcript);
        if (command >= 248)
            require(transcript_text(&transcript).len == transcript.connection_len);
        check(&transcript);
    }
    transcript_done(&transcript);
    return 0;
}
