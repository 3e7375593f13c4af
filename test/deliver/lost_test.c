/* The connection is lost at every byte: nobody is lost, and nobody gets two copies but in the one
 * window, between the end of the content and its answer. */
#include "scene.h"

struct row {
    const char *sentence;
    const char *extensions;
    bool is_lmtp;
    bool is_silent; /* instead of a reset */
    const char *script;
    /* for the present run: */
    uint64_t at;
    bool broke; /* the connection did break before the end */
};

static const struct row rows[] = {
    {"one by one", "", false, false, "", 0, false},
    {"pipelined", "PIPELINING", false, false, "", 0, false},
    {"by BDAT", "PIPELINING CHUNKING SIZE", false, false, "", 0, false},
    {"within TLS", "PIPELINING STARTTLS", false, false, "", 0, false},
    {"by LMTP", "PIPELINING", true, false, "", 0, false},
    {"in two rounds", "PIPELINING", false, false, "RCPT3=452 4.5.3 enough", 0, false},
    {"one refused", "PIPELINING", false, false, "RCPT2=550 5.1.1 who", 0, false},
    {"in silence", "PIPELINING", false, true, "", 0, false},
    {"in silence, by BDAT", "CHUNKING", false, true, "", 0, false},
};

static bool is_doubtful(const struct fake_recipient *recipient)
{
    return strstr(recipient->words, "may have arrived");
}

static void check_recipient(const struct row *row, const struct fake_recipient *recipient,
                            unsigned copies)
{
    CHECK_ROW(row->sentence, recipient->finished == 1);
    switch (recipient->kind) {
    case QUEUE_DELIVERED:
        CHECK_ROW(row->sentence, copies == 1);
        break;
    case QUEUE_DEFERRED:
        CHECK_ROW(row->sentence, copies == 0 || is_doubtful(recipient));
        CHECK_ROW(row->sentence, recipient->reason == SPOOL_REASON_CONNECTION ||
                                     recipient->reason == SPOOL_REASON_TLS);
        break;
    default:
        CHECK_ROW(row->sentence, recipient->kind == QUEUE_FAILED && copies == 0);
        CHECK_ROW(row->sentence, strstr(recipient->words, "550 5.1.1"));
    }
}

/* What was deferred is tried once more, over a connection that holds. */
static void try_again(struct scene *scene, const struct row *row)
{
    struct fake_message *message = &scene->slot.messages[0];
    unsigned before[3];
    memcpy(before, scene->peer.copies, sizeof before);
    bool doubtful[3];
    for (size_t i = 0; i < 3; i++) {
        struct fake_recipient *recipient = &message->recipients[i];
        doubtful[i] = recipient->kind == QUEUE_DEFERRED && is_doubtful(recipient);
        recipient->is_ready = recipient->kind == QUEUE_DEFERRED;
    }
    scene->slot.blocked = false;
    network_memory_set_faults(scene->network, network_faults_none());
    scene->peer.script = "";
    scene_deliver(scene);
    for (size_t i = 0; i < 3; i++) {
        unsigned copies = scene->peer.copies[i];
        bool is_refused = message->recipients[i].kind == QUEUE_FAILED;
        CHECK_ROW(row->sentence, is_refused ? copies == 0 : copies >= 1);
        CHECK_ROW(row->sentence, copies <= (doubtful[i] ? 2 : 1));
        CHECK_ROW(row->sentence, message->recipients[i].kind != QUEUE_DEFERRED);
        CHECK_ROW(row->sentence, copies >= before[i]);
    }
}

static void play_break(struct scene *scene)
{
    struct row *row = (struct row *)(uintptr_t)scene->row;
    scene->peer.extensions = row->extensions;
    scene->peer.is_lmtp = row->is_lmtp;
    scene->peer.script = row->script;
    scene->slot.way.via = row->is_lmtp ? ROUTE_LMTP : ROUTE_SMTP;
    if (strstr(row->extensions, "STARTTLS"))
        scene->slot.way.tls = ROUTE_TLS_REQUIRE;
    network_memory_set_faults(scene->network,
                              (struct network_faults){.break_after_bytes = row->at,
                                                      .break_is_silent = row->is_silent,
                                                      .piece_max_bytes = 7});
    scene_add(scene, 3);
    scene_deliver(scene);
    CHECK_ROW(row->sentence, scene->peer.wrong_contents == 0);
    bool all_done = true;
    for (size_t i = 0; i < 3; i++) {
        const struct fake_recipient *recipient = &scene->slot.messages[0].recipients[i];
        check_recipient(row, recipient, scene->peer.copies[i]);
        all_done &= recipient->kind != QUEUE_DEFERRED;
    }
    try_again(scene, row);
    row->broke = !all_done;
}

TEST(a_connection_lost_at_any_byte_loses_nobody)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct row row = rows[i];
        row.broke = true;
        for (row.at = 0; row.at < 2000 && row.broke && !test_failed_checks; row.at++)
            scene_play(play_break, &row);
        if (test_failed_checks)
            printf("# at byte %llu\n", (unsigned long long)row.at - 1);
        CHECK_ROW(row.sentence, row.at > 200 && !row.broke);
    }
}

int main(void)
{
    RUN(a_connection_lost_at_any_byte_loses_nobody);
    return test_summary();
}
