/* What reports are made of: who answered, and who tells the sender of a success. RFC 3461 section
 * 5.2. */
#include "scene.h"

static const struct row {
    const char *sentence;
    const char *extensions;
    const char *script;
    bool is_lmtp;
    uint8_t notify;
    enum queue_receipt receipt;
    const char *remote;
} rows[] = {
    {"nobody asked", "PIPELINING", "", false, 0, QUEUE_RECEIPT_NONE, "127.0.0.1"},
    {"a next host that knows DSN reports itself", "PIPELINING DSN", "", false, SPOOL_NOTIFY_SUCCESS,
     QUEUE_RECEIPT_NONE, "127.0.0.1"},
    {"one that does not leaves it to us", "PIPELINING", "", false, SPOOL_NOTIFY_SUCCESS,
     QUEUE_RECEIPT_RELAYED, "127.0.0.1"},
    {"behind LMTP is the mailbox", "PIPELINING", "", true, SPOOL_NOTIFY_SUCCESS,
     QUEUE_RECEIPT_DELIVERED, "127.0.0.1"},
    {"a refusal is no success", "PIPELINING", "RCPT=550 no", false, SPOOL_NOTIFY_SUCCESS,
     QUEUE_RECEIPT_NONE, "127.0.0.1"},
    {"a refusal in the banner has a host too", "PIPELINING", "CONNECT=450 later", false,
     SPOOL_NOTIFY_SUCCESS, QUEUE_RECEIPT_NONE, "127.0.0.1"},
    {"where no word was said there is no host", "PIPELINING", "CONNECT=!close", false,
     SPOOL_NOTIFY_SUCCESS, QUEUE_RECEIPT_NONE, ""},
};

static void play_row(struct scene *scene)
{
    const struct row *row = scene->row;
    struct spool_recipient to = {.address = STR("a@b.example"), .notify = row->notify};
    struct spool_envelope envelope = {
        .sender = STR("me@here.example"), .recipients = &to, .recipient_count = 1};
    scene->peer.script = row->script;
    scene->peer.extensions = row->extensions;
    scene->peer.is_lmtp = row->is_lmtp;
    if (row->is_lmtp)
        scene->slot.way.via = ROUTE_LMTP;
    scene_add_envelope(scene, envelope, 1, scene->peer.message);
    scene_deliver(scene);
    const struct fake_recipient *recipient = &scene->slot.messages[0].recipients[0];
    CHECK_ROW(row->sentence, recipient->finished == 1);
    CHECK_ROW(row->sentence, recipient->receipt == row->receipt);
    CHECK_ROW(row->sentence, strcmp(recipient->remote, row->remote) == 0);
}

TEST(who_reports_a_success_and_who_answered)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        scene_play(play_row, &rows[i]);
}

int main(void)
{
    RUN(who_reports_a_success_and_who_answered);
    return test_summary();
}
