#include "report/due.h"
#include "test.h"

/* ---- what is told ---- */

static const struct action_row {
    const char *sentence;
    struct queue_outcome outcome;
    bool is_told;
    enum dsn_action action;
} action_rows[] = {
    {"refused", {.kind = QUEUE_FAILED, .status.state = SPOOL_BOUNCED}, true, DSN_FAILED},
    {"expired", {.kind = QUEUE_DEFERRED, .status.state = SPOOL_BOUNCED}, true, DSN_FAILED},
    {"expired and never warned",
     {.kind = QUEUE_DEFERRED, .status = {.state = SPOOL_BOUNCED, .warned = true}, .warns = true},
     true,
     DSN_FAILED},
    {"deferred", {.kind = QUEUE_DEFERRED}, false, 0},
    {"deferred for long", {.kind = QUEUE_DEFERRED, .warns = true}, true, DSN_DELAYED},
    {"deferred for long, and told before",
     {.kind = QUEUE_DEFERRED, .status.warned = true},
     false,
     0},
    {"held", {.kind = QUEUE_HELD, .status.held = true}, false, 0},
    {"delivered, nobody asked", {.status.state = SPOOL_DELIVERED}, false, 0},
    {"delivered",
     {.status.state = SPOOL_DELIVERED, .receipt = QUEUE_RECEIPT_DELIVERED},
     true,
     DSN_DELIVERED},
    {"relayed",
     {.status.state = SPOOL_DELIVERED, .receipt = QUEUE_RECEIPT_RELAYED},
     true,
     DSN_RELAYED},
    {"dropped by hand", {.status.state = SPOOL_DROPPED}, false, 0},
};

TEST(an_outcome_is_told_or_not)
{
    for (size_t i = 0; i < ARRAY_LEN(action_rows); i++) {
        const struct action_row *row = &action_rows[i];
        enum dsn_action action = DSN_ACTIONS;
        CHECK_ROW(row->sentence, due_action(&row->outcome, &action) == row->is_told);
        CHECK_ROW(row->sentence, !row->is_told || action == row->action);
    }
}

TEST(only_what_was_asked_for_is_told)
{
    static const struct {
        const char *sentence;
        uint8_t notify;
        bool failed, delayed, delivered;
    } rows[] = {
        {"nothing was said", 0, true, true, false},
        {"NEVER", SPOOL_NOTIFY_NEVER, false, false, false},
        {"SUCCESS", SPOOL_NOTIFY_SUCCESS, false, false, true},
        {"FAILURE", SPOOL_NOTIFY_FAILURE, true, false, false},
        {"DELAY", SPOOL_NOTIFY_DELAY, false, true, false},
        {"all", SPOOL_NOTIFY_SUCCESS | SPOOL_NOTIFY_FAILURE | SPOOL_NOTIFY_DELAY, true, true, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint8_t notify = rows[i].notify;
        CHECK_ROW(rows[i].sentence, due_is_wanted(notify, DSN_FAILED) == rows[i].failed);
        CHECK_ROW(rows[i].sentence, due_is_wanted(notify, DSN_DELAYED) == rows[i].delayed);
        CHECK_ROW(rows[i].sentence, due_is_wanted(notify, DSN_DELIVERED) == rows[i].delivered);
        CHECK_ROW(rows[i].sentence, due_is_wanted(notify, DSN_RELAYED) == rows[i].delivered);
    }
}

/* ---- in which codes ---- */

static const struct status_row {
    const char *sentence;
    enum dsn_action action;
    enum queue_outcome_kind kind;
    enum spool_reason reason;
    struct str words;
    struct mail_status status;
} status_rows[] = {
    {"the remote's own status",
     DSN_FAILED,
     QUEUE_FAILED,
     SPOOL_REASON_REPLY,
     STR("550 5.1.1 who?"),
     {5, 1, 1}},
    {"a remote without one",
     DSN_FAILED,
     QUEUE_FAILED,
     SPOOL_REASON_REPLY,
     STR("550 who?"),
     {5, 0, 0}},
    {"a remote without a word",
     DSN_FAILED,
     QUEUE_FAILED,
     SPOOL_REASON_REPLY,
     STR("550"),
     {5, 0, 0}},
    {"a status of another class than its code",
     DSN_FAILED,
     QUEUE_FAILED,
     SPOOL_REASON_REPLY,
     STR("550 4.1.1 hm"),
     {5, 0, 0}},
    {"found out by ourselves",
     DSN_FAILED,
     QUEUE_FAILED,
     SPOOL_REASON_DNS,
     STR("5.1.10 takes no mail"),
     {5, 1, 10}},
    {"found out, without a code",
     DSN_FAILED,
     QUEUE_FAILED,
     SPOOL_REASON_DNS,
     STR("no host"),
     {5, 4, 3}},
    {"expired with a reply",
     DSN_FAILED,
     QUEUE_DEFERRED,
     SPOOL_REASON_REPLY,
     STR("452 4.2.2 mailbox full"),
     {4, 2, 2}},
    {"expired with a reply without a status",
     DSN_FAILED,
     QUEUE_DEFERRED,
     SPOOL_REASON_REPLY,
     STR("450 later"),
     {4, 0, 0}},
    {"expired without a connection",
     DSN_FAILED,
     QUEUE_DEFERRED,
     SPOOL_REASON_CONNECTION,
     STR("connection refused"),
     {4, 4, 7}},
    {"expired, the greeting refused for good",
     DSN_FAILED,
     QUEUE_DEFERRED,
     SPOOL_REASON_REPLY,
     STR("554 5.7.1 blocked"),
     {5, 7, 1}},
    {"returned by hand",
     DSN_FAILED,
     QUEUE_FAILED,
     SPOOL_REASON_ADMIN,
     STR("5.0.0 by hand"),
     {5, 0, 0}},
    {"delayed by a reply",
     DSN_DELAYED,
     QUEUE_DEFERRED,
     SPOOL_REASON_REPLY,
     STR("450 4.2.0 greylisted"),
     {4, 2, 0}},
    {"delayed by a refusal in the greeting",
     DSN_DELAYED,
     QUEUE_DEFERRED,
     SPOOL_REASON_REPLY,
     STR("554 5.7.1 blocked"),
     {4, 0, 0}},
    {"delayed, no connection",
     DSN_DELAYED,
     QUEUE_DEFERRED,
     SPOOL_REASON_CONNECTION,
     STR("lost"),
     {4, 4, 1}},
    {"delayed, no answer of DNS",
     DSN_DELAYED,
     QUEUE_DEFERRED,
     SPOOL_REASON_DNS,
     STR("no answer"),
     {4, 4, 3}},
    {"delayed, TLS", DSN_DELAYED, QUEUE_DEFERRED, SPOOL_REASON_TLS, STR("TLS failed"), {4, 7, 5}},
    {"delayed, and nobody knows why",
     DSN_DELAYED,
     QUEUE_DEFERRED,
     SPOOL_REASON_NONE,
     STR(""),
     {4, 0, 0}},
    {"relayed",
     DSN_RELAYED,
     QUEUE_DELIVERED,
     SPOOL_REASON_NONE,
     STR("250 2.6.0 queued"),
     {2, 6, 0}},
    {"relayed without a status",
     DSN_RELAYED,
     QUEUE_DELIVERED,
     SPOOL_REASON_NONE,
     STR("250 ok"),
     {2, 0, 0}},
    {"delivered here",
     DSN_DELIVERED,
     QUEUE_DELIVERED,
     SPOOL_REASON_NONE,
     STR("into /var/mail/x"),
     {2, 0, 0}},
};

TEST(the_status_fits_what_happened)
{
    for (size_t i = 0; i < ARRAY_LEN(status_rows); i++) {
        const struct status_row *row = &status_rows[i];
        struct queue_outcome outcome = {
            .kind = row->kind, .reason = row->reason, .words = row->words};
        if (row->action == DSN_FAILED)
            outcome.status.state = SPOOL_BOUNCED;
        struct mail_status status = due_status(&outcome, row->action);
        CHECK_ROW(row->sentence, mail_status_eq(status, row->status));
    }
}

TEST(what_is_ours_alone_is_not_told)
{
    struct queue_outcome outcome = {.kind = QUEUE_DEFERRED,
                                    .reason = SPOOL_REASON_LOCAL,
                                    .words = STR("cannot write /home/bob/mail/tmp/x: disk full")};
    CHECK_STR(due_words(&outcome, DSN_FAILED), STR("a problem of this mail server itself"));
    outcome = (struct queue_outcome){.words = STR("into /home/bob/mail")};
    CHECK_STR(due_words(&outcome, DSN_DELIVERED), STR(""));
    outcome.words = STR("250 2.0.0 saved");
    CHECK_STR(due_words(&outcome, DSN_DELIVERED), outcome.words);
}

int main(void)
{
    RUN(an_outcome_is_told_or_not);
    RUN(only_what_was_asked_for_is_told);
    RUN(the_status_fits_what_happened);
    RUN(what_is_ours_alone_is_not_told);
    return test_summary();
}
