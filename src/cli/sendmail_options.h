/* The options of the traditional sendmail, as scripts use them: single letters, some with a value
 * behind or attached, several in one word. Reading stops at the first word that is no option, so
 * that what follows can only be recipients. Pure, but for complaints on standard error. */
#ifndef CLI_SENDMAIL_OPTIONS_H
#define CLI_SENDMAIL_OPTIONS_H

#include "spool/envelope.h"

enum sendmail_mode {
    SENDMAIL_DELIVER,   /* -bm: a message on standard input */
    SENDMAIL_SMTP,      /* -bs: a conversation on standard input and output */
    SENDMAIL_LIST,      /* -bp, mailq */
    SENDMAIL_RUN_QUEUE, /* -q */
    SENDMAIL_ALIASES,   /* -bi, newaliases */
    SENDMAIL_HELP,
};

struct sendmail_options {
    enum sendmail_mode mode;
    const char *sender;    /* -f, -r; NULL: the caller */
    const char *full_name; /* -F, or NULL */
    bool takes_header;     /* -t: the recipients are in the header */
    bool ignores_dots;     /* -i: a line of one dot does not end the message */
    bool is_verbose;
    uint8_t notify; /* -N: of enum spool_notify */
    uint8_t returns;
    const char *envelope_id; /* -V, or NULL */
    const char *queue_id;    /* -qI ID, or NULL: all */
    const char *config_file; /* -C, -c */
    const char *directory;   /* --dir */
    char **words;            /* recipients */
    size_t word_count;
};

/* `name`: that it was called by, "sendmail", "mailq" or "newaliases". Everything borrows from argv,
 * argv[0] being ignored. False: it said what is wrong. */
bool sendmail_options_read(const char *name, int argc, char **argv,
                           struct sendmail_options *out_options);

#endif
