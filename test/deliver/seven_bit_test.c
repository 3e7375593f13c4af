/* 8-bit content, and next hosts that do not offer 8BITMIME. */
#include "mail/seven_bit.h"
#include "scene.h"

#define TOP  "From: a\r\nMIME-Version: 1.0\r\n"
#define TEXT "Content-Type: text/plain; charset=utf-8\r\n"
#define CTE  "Content-Transfer-Encoding: "
#define QP   CTE "quoted-printable\r\n"

#define ORIGINAL  TOP TEXT CTE "8bit\r\n\r\n.\xc3\xbc\r\n"
#define CONVERTED TOP TEXT QP "\r\n.=C3=BC\r\n"

#define NESTED_TOP                                                               \
    TOP "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: " \
        "multipart/alternative; boundary=i\r\n\r\n--i\r\n" TEXT
#define NESTED_END \
    "\r\n--i--\r\n--b\r\nContent-Type: image/png\r\n" CTE "base64\r\n\r\n//4=\r\n--b--\r\n"
#define NESTED           NESTED_TOP "\r\n\xc3\xbc\r\n" NESTED_END
#define NESTED_CONVERTED NESTED_TOP QP "\r\n=C3=BC\r\n" NESTED_END

static const struct row {
    const char *sentence;
    const char *extensions;
    const char *content;
    const char *want;  /* what arrives; NULL: nothing, it is refused for good */
    const char *words; /* in the story */
    bool is_lmtp, is_utf8;
} rows[] = {
    {"8BITMIME takes the original, and is told", "PIPELINING 8BITMIME SIZE", ORIGINAL, ORIGINAL,
     "SIZE=109 BODY=8BITMIME\n", false, false},
    {"without it the content is converted", "PIPELINING SIZE", ORIGINAL, CONVERTED,
     "converted to 7 bit for 127.0.0.1:2526, which lacks 8BITMIME", false, false},
    {"the size of the converted content is said, and no BODY", "PIPELINING SIZE", ORIGINAL,
     CONVERTED, "MAIL FROM:<me@here.example> SIZE=125\n", false, false},
    {"it is converted by BDAT as well", "CHUNKING", ORIGINAL, CONVERTED, "BDAT 125 LAST", false,
     false},
    {"it is converted by LMTP as well", "", ORIGINAL, CONVERTED, "converted to 7 bit", true, false},
    {"parts within parts are converted, what is encoded already is not", "PIPELINING", NESTED,
     NESTED_CONVERTED, "converted to 7 bit", false, false},
    {"content that only might have been 8-bit is sent as it is", "SIZE", TOP "\r\nplain\r\n",
     TOP "\r\nplain\r\n", "SIZE=37\n", false, false},
    {"a server's limit is for what is sent", "SIZE,120", ORIGINAL, NULL,
     "5.3.4 the message has 125 bytes", false, false},
    {"what DKIM signs is not touched", "", "DKIM-Signature: v=1\r\n" ORIGINAL, NULL,
     "5.6.3 the message needs 8BITMIME, which 127.0.0.1:2526 does not offer, and its "
     "signature (DKIM or ARC) would break",
     false, false},
    {"signed content that is 7-bit is sent as it is", "",
     "DKIM-Signature: v=1\r\n" TOP "\r\nplain\r\n", "DKIM-Signature: v=1\r\n" TOP "\r\nplain\r\n",
     "delivered", false, false},
    {"nor are parts that are signed", "",
     TOP "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\n\xfc\r\n--b--\r\n", NULL,
     "5.6.3 the message needs 8BITMIME", false, false},
    {"UTF-8 in the header needs SMTPUTF8", "", "Subject: \xc3\xbc\r\n" TOP "\r\nplain\r\n", NULL,
     "5.6.7 the message needs 8BITMIME and SMTPUTF8", false, false},
    {"other 8-bit in the header is nothing anybody knows", "", "Subject: \xfc\r\n\r\nplain\r\n",
     NULL, "5.6.3 the message needs 8BITMIME", false, false},
    {"an address that needs SMTPUTF8 is the first reason", "", ORIGINAL, NULL,
     "5.6.7 the message needs SMTPUTF8, which", false, true},
    {"a header that needs SMTPUTF8 and gets it needs 8BITMIME too", "SMTPUTF8",
     "Subject: \xc3\xbc\r\n" TOP "\r\nplain\r\n", NULL, "5.6.7", false, true},
};

static void play_row(struct scene *scene)
{
    const struct row *row = scene->row;
    struct spool_envelope envelope = {
        .sender = STR("me@here.example"), .body_8bit = true, .smtputf8 = row->is_utf8};
    scene->peer.extensions = row->extensions;
    scene->peer.is_lmtp = row->is_lmtp;
    if (row->is_lmtp)
        scene->slot.way.via = ROUTE_LMTP;
    if (row->want)
        scene->peer.message = str_of(row->want);
    scene_add_envelope(scene, envelope, 1, str_of(row->content));
    scene_deliver(scene);
    const struct fake_recipient *recipient = &scene->slot.messages[0].recipients[0];
    CHECK_ROW(row->sentence, recipient->kind == (row->want ? QUEUE_DELIVERED : QUEUE_FAILED));
    CHECK_ROW(row->sentence, scene->peer.copies[0] == (row->want ? 1 : 0));
    CHECK_ROW(row->sentence, scene->peer.wrong_contents == 0);
    CHECK_ROW(row->sentence, story_has(scene, row->words));
}

static void run_row(const void *row) { scene_play(play_row, row); }

static void add(struct scene *scene, size_t recipients, struct str content)
{
    struct spool_envelope envelope = {.sender = STR("me@here.example"), .body_8bit = true};
    scene_add_envelope(scene, envelope, recipients, content);
}

TEST_SCENE(recipients_that_were_too_many_get_the_same_in_a_second_round)
{
    scene->peer.script = "RCPT2=452 4.5.3 enough";
    scene->peer.message = STR(CONVERTED);
    add(scene, 3, STR(ORIGINAL));
    scene_deliver(scene);
    CHECK_INT(scene->peer.copies[0] + scene->peer.copies[1] + scene->peer.copies[2], 3);
    CHECK_INT(scene->peer.wrong_contents, 0);
    CHECK_INT(scene->peer.connections, 1);
}

TEST_SCENE(a_connection_that_died_is_replaced_and_the_content_sent_from_its_beginning)
{
    scene->peer.message = STR(CONVERTED);
    scene->peer.script = "MAIL2=!close";
    add(scene, 1, STR(ORIGINAL));
    add(scene, 1, STR(ORIGINAL));
    scene_deliver(scene);
    CHECK_INT(scene->peer.copies[0], 2);
    CHECK_INT(scene->peer.wrong_contents, 0);
    CHECK_INT(scene->peer.connections, 2);
}

/* ---- large ones ---- */

/* Text of `lines` lines, each of which grows. */
static struct str make_large(struct arena *arena, const char *header, const char *line,
                             size_t lines)
{
    size_t header_len = strlen(header), line_len = strlen(line);
    char *text = arena_alloc(arena, header_len + lines * line_len);
    memcpy(text, header, header_len);
    for (size_t i = 0; i < lines; i++)
        memcpy(text + header_len + i * line_len, line, line_len);
    return str_make(text, header_len + lines * line_len);
}

TEST_SCENE(a_large_message_is_converted_whole_by_data_and_by_bdat)
{
    struct arena arena = arena_make();
    size_t lines = 200000;
    struct str original = make_large(&arena, TOP TEXT CTE "8bit\r\n\r\n", ".\xc3\xbc \r\n", lines);
    scene->peer.message = make_large(&arena, TOP TEXT QP "\r\n", ".=C3=BC=20\r\n", lines);
    add(scene, 1, original);
    scene_deliver(scene);
    scene->peer.extensions = "PIPELINING CHUNKING";
    add(scene, 1, original);
    scene_deliver(scene);
    CHECK_INT(scene->peer.copies[0], 2);
    CHECK_INT(scene->peer.wrong_contents, 0);
    arena_reset(&arena);
}

/* ---- the spool ---- */
TEST_SCENE(damaged_content_is_held_before_a_word_is_said)
{
    struct arena arena = arena_make();
    struct str original = make_large(&arena, TOP "\r\n", "\xc3\xbc\r\n", 30000);
    add(scene, 1, original);
    struct disk_file *file;
    char path[100];
    struct spool_id_text id = spool_id_print(scene->slot.messages[0].id);
    snprintf(path, sizeof path, "/spool/content/%02x/%s",
             (unsigned)(scene->slot.messages[0].id >> 8) & 0xff, id.at);
    REQUIRE(disk_open(scene->disk, path, DISK_WRITE, 0, &file) == OK);
    struct iovec wrong = {(char[]){"x"}, 1};
    CHECK(disk_write(file, 70000, &wrong, 1) == OK);
    disk_close(file);
    scene_deliver(scene);
    CHECK_INT(scene->slot.messages[0].recipients[0].kind, QUEUE_HELD);
    CHECK_INT(peer_heard(&scene->peer, "MAIL"), 0);
    arena_reset(&arena);
}

int main(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        test_run_row(rows[i].sentence, run_row, &rows[i]);
    RUN(recipients_that_were_too_many_get_the_same_in_a_second_round);
    RUN(a_connection_that_died_is_replaced_and_the_content_sent_from_its_beginning);
    RUN(a_large_message_is_converted_whole_by_data_and_by_bdat);
    RUN(damaged_content_is_held_before_a_word_is_said);
    return test_summary();
}
