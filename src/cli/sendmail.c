/* `sendmail`, `mailq` and `newaliases`: what programs of this host use to send mail. Exits with the
 * numbers of <sysexits.h>, since programs look at them. */
#include "cli/bridge.h"
#include "cli/cli.h"
#include "cli/envelope_options.h"
#include "cli/local_message.h"
#include "cli/mailq.h"
#include "cli/running.h"
#include "cli/sendmail_options.h"
#include "cli/submit.h"
#include "smtp/xtext.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#define MESSAGE_MAX_BYTES ((size_t)1024 * 1024 * 1024)
#define ADDRESS_MAX_BYTES 1000 /* longer ones than mail knows; the server says so */

static const char help[] =
    "usage: sendmail [options] RECIPIENT…     sends the message on standard input\n"
    "       sendmail -t [options]             the same, to those named in its header\n"
    "       sendmail -bs                      speaks SMTP on standard input and output\n"
    "       sendmail -bp, mailq               prints the queue\n"
    "       sendmail -q                       has what waits in the queue tried now\n"
    "       newaliases                        does nothing: see below\n"
    "\n"
    "  -f ADDR, -r ADDR   the sender; \"<>\" for none (default: the caller at this host's domain)\n"
    "  -F NAME            the name in a From that has to be made\n"
    "  -t                 recipients from To, Cc and Bcc, besides those on the line; Bcc is taken "
    "out\n"
    "  -i, -oi            a line of one dot does not end the message\n"
    "  -N never|success,failure,delay   which reports the sender wants\n"
    "  -R full|hdrs       how much of the message a report holds\n"
    "  -V ID              an id that reports repeat\n"
    "  -v                 shows the conversation with the server\n"
    "  -C FILE, --dir DIR which server (default: that of " CLI_DEFAULT_CONFIG ")\n"
    "  -bm, -B, -o…, -e…, -d…, -O, -h, -G, -m, -n, -s, -A, -L, -U, -X, -p are taken and change "
    "nothing\n"
    "\n"
    "Exit status: 0 taken for all; 75 for nobody, try again later; 67 a recipient is unknown; 65 "
    "the\n"
    "message or an address cannot be read; 69, 77 refused; 64 usage. Who is refused is named; the\n"
    "others get the message.\n"
    "Aliases are read with the configuration: after a change, send the server a SIGHUP.\n"
    "\n"
    "example: echo \"The disk is full\" | sendmail -f monitor@example.org admin@example.org\n";

struct sendmail {
    struct sendmail_options options;
    struct arena arena;
    struct buf text;    /* as it was read, with CRLF */
    struct buf message; /* as it is sent */
};

/* ---- what is read ---- */

static bool read_input(struct buf *out)
{
    ssize_t got = 1;
    while (got > 0 || (got < 0 && errno == EINTR)) {
        if (buf_reserve(out, 65536) != OK) {
            errno = EFBIG;
            return false;
        }
        got = read(STDIN_FILENO, out->at + out->len, 65536);
        if (got > 0)
            out->len += (size_t)got;
    }
    return got == 0;
}

static int read_message(struct sendmail *sendmail)
{
    struct buf raw = buf_make(MESSAGE_MAX_BYTES);
    int status = EX_OK;
    if (!read_input(&raw)) {
        perror("sendmail: standard input");
        status = EX_IOERR;
    } else if (local_message_read(&sendmail->text, buf_str(&raw), sendmail->options.ignores_dots) !=
               OK) {
        fputs("sendmail: the message is too large\n", stderr);
        status = EX_DATAERR;
    }
    buf_free(&raw);
    return status;
}

/* ---- addresses ---- */

static struct mail_address caller(struct sendmail *sendmail, struct str home)
{
    const struct passwd *entry = getpwuid(getuid());
    struct str user = entry && *entry->pw_name
                          ? arena_copy(&sendmail->arena, str_of(entry->pw_name))
                          : arena_printf(&sendmail->arena, "uid%u", (unsigned)getuid());
    return (struct mail_address){.local = user, .domain = home};
}

static int complain_address(const char *what)
{
    fprintf(stderr, "sendmail: \"%s\" is not an address\n", what);
    return EX_DATAERR;
}

/* -f: an address, with or without a name; empty or <> is nobody. */
static int find_sender(struct sendmail *sendmail, struct str home, struct mail_address *out_sender)
{
    const char *given = sendmail->options.sender;
    struct local_recipients senders = {0};
    *out_sender = caller(sendmail, home);
    if (!given)
        return EX_OK;
    struct str text = str_trim(str_of(given));
    if (!text.len || str_eq(text, STR("<>"))) {
        *out_sender = (struct mail_address){.local = STR_EMPTY, .domain = STR_EMPTY};
        return EX_OK;
    }
    if (local_recipients_add(&senders, text, home, &sendmail->arena) != OK || senders.count != 1)
        return complain_address(given);
    *out_sender = senders.at[0];
    return EX_OK;
}

static int find_recipients(struct sendmail *sendmail, struct str home,
                           struct local_recipients *recipients)
{
    const struct sendmail_options *options = &sendmail->options;
    for (size_t i = 0; i < options->word_count; i++)
        if (local_recipients_add(recipients, str_of(options->words[i]), home, &sendmail->arena) !=
            OK)
            return complain_address(options->words[i]);
    if (recipients->count)
        return EX_OK;
    fprintf(stderr, "sendmail: %s\n",
            options->takes_header ? "the header names no recipients"
                                  : "no recipients (name them, or -t for those of the header)");
    return EX_USAGE;
}

static int print_addresses(struct sendmail *sendmail, const struct mail_address *sender,
                           const struct local_recipients *recipients, struct submit_letter *letter)
{
    struct arena *arena = &sendmail->arena;
    struct str *texts = ARENA_ARRAY(arena, struct str, recipients->count);
    for (size_t i = 0; i < recipients->count; i++) {
        texts[i] = mail_address_text(arena, &recipients->at[i]);
        if (texts[i].len > ADDRESS_MAX_BYTES)
            return complain_address(arena_copy(arena, str_first(texts[i], 80)).at);
    }
    letter->sender = sender->local.len ? mail_address_text(arena, sender) : STR_EMPTY;
    letter->recipients = texts;
    letter->recipient_count = recipients->count;
    return letter->sender.len > ADDRESS_MAX_BYTES ? complain_address("the sender") : EX_OK;
}

/* ---- the letter ---- */

static int make_message(struct sendmail *sendmail, struct str home,
                        const struct mail_address *sender, struct local_recipients *out_recipients)
{
    const struct sendmail_options *options = &sendmail->options;
    struct local_message_options how = {
        .home = home,
        .from = sender->local.len ? *sender : caller(sendmail, home),
        .full_name = str_of(options->full_name ? options->full_name : ""),
        .takes_recipients = options->takes_header,
    };
    struct str field = STR_EMPTY;
    enum err err = local_message_make(&sendmail->message, buf_str(&sendmail->text), &how,
                                      &sendmail->arena, out_recipients, &field);
    if (!err)
        return EX_OK;
    if (err == ERR_SYNTAX)
        fprintf(stderr, "sendmail: the recipients cannot be read in: %.*s\n",
                STR_FMT(str_trim(field)));
    else
        fputs("sendmail: the message is too large, or has too many recipients\n", stderr);
    return EX_DATAERR;
}

static int find_envelope_id(struct sendmail *sendmail, struct str *out_id)
{
    const char *id = sendmail->options.envelope_id;
    struct buf text = buf_make(SMTP_ENVID_MAX_BYTES);
    enum err err = id ? smtp_xtext_encode(&text, str_of(id)) : OK;
    *out_id = arena_copy(&sendmail->arena, buf_str(&text));
    buf_free(&text);
    if (err)
        fputs("sendmail: the id of -V is too long\n", stderr);
    return err ? EX_USAGE : EX_OK;
}

static int make_letter(void *context, struct str home, struct submit_letter *out_letter)
{
    struct sendmail *sendmail = context;
    const struct sendmail_options *options = &sendmail->options;
    struct submit_letter letter = {
        .notify = options->notify,
        .returns = options->returns,
    };
    struct mail_address sender;
    struct local_recipients recipients = {0};
    int status = find_envelope_id(sendmail, &letter.envelope_id);
    if (!status)
        status = find_sender(sendmail, home, &sender);
    if (!status)
        status = make_message(sendmail, home, &sender, &recipients);
    if (!status)
        status = find_recipients(sendmail, home, &recipients);
    if (!status)
        status = print_addresses(sendmail, &sender, &recipients, &letter);
    letter.message = buf_str(&sendmail->message);
    if (!status)
        *out_letter = letter;
    return status;
}

/* ---- the modes ---- */

static int deliver(struct sendmail *sendmail)
{
    const struct sendmail_options *options = &sendmail->options;
    if (!options->takes_header && !options->word_count) {
        struct local_recipients none = {0};
        return find_recipients(sendmail, STR_EMPTY, &none);
    }
    int status = read_message(sendmail);
    if (status)
        return status;
    struct submit_options how = {
        .hostname = envelope_hostname(&sendmail->arena),
        .is_verbose = options->is_verbose,
        .make = make_letter,
        .context = sendmail,
    };
    if (!running_find_submit("sendmail", options->config_file, options->directory, &sendmail->arena,
                             &how.socket_path))
        return EX_CONFIG;
    return submit(&how);
}

/* Whoever speaks SMTP hears in SMTP that there is nobody. */
static int converse(struct sendmail *sendmail)
{
    struct str path;
    int status;
    if (!running_find_submit("sendmail", sendmail->options.config_file, sendmail->options.directory,
                             &sendmail->arena, &path))
        return EX_CONFIG;
    int fd = running_connect("sendmail", path, &status);
    if (fd >= 0)
        return bridge_run(fd) ? EX_OK : EX_TEMPFAIL;
    fputs("421 4.3.2 the mail server cannot be reached\r\n", stdout);
    return status == CLI_TRY_LATER ? EX_TEMPFAIL : EX_NOPERM;
}

static int list_queue(struct sendmail *sendmail)
{
    struct str state;
    if (!running_find("mailq", sendmail->options.config_file, sendmail->options.directory,
                      &sendmail->arena, &state))
        return EX_CONFIG;
    return mailq_print(state);
}

static int run_queue(struct sendmail *sendmail)
{
    struct str state;
    int status;
    if (!running_find("sendmail", sendmail->options.config_file, sendmail->options.directory,
                      &sendmail->arena, &state))
        return EX_CONFIG;
    const char *id = sendmail->options.queue_id;
    json_t *request =
        json_pack("{s:s, s:s}", "command", "queue.retry", id ? "id" : "state", id ? id : "waiting");
    json_t *answer = running_ask("sendmail", state, request, &status);
    json_decref(answer);
    return status == CLI_FAILED ? EX_UNAVAILABLE : status;
}

static int explain_aliases(struct sendmail *sendmail)
{
    UNUSED(sendmail);
    puts("newaliases: nothing to do; postrider reads its alias files with its configuration: "
         "send it a SIGHUP after a change");
    return EX_OK;
}

static int print_help(struct sendmail *sendmail)
{
    UNUSED(sendmail);
    fputs(help, stdout);
    return EX_OK;
}

static int (*const modes[])(struct sendmail *sendmail) = {
    [SENDMAIL_DELIVER] = deliver,         [SENDMAIL_SMTP] = converse,
    [SENDMAIL_LIST] = list_queue,         [SENDMAIL_RUN_QUEUE] = run_queue,
    [SENDMAIL_ALIASES] = explain_aliases, [SENDMAIL_HELP] = print_help,
};

int cli_sendmail(int argc, char **argv)
{
    struct sendmail sendmail = {
        .arena = arena_make(),
        .text = buf_make(MESSAGE_MAX_BYTES),
        .message = buf_make(MESSAGE_MAX_BYTES),
    };
    int status = EX_USAGE;
    if (!sendmail_options_read(argv[0], argc, argv, &sendmail.options))
        fputs("(see sendmail --help)\n", stderr);
    else
        status = modes[sendmail.options.mode](&sendmail);
    buf_free(&sendmail.text);
    buf_free(&sendmail.message);
    arena_reset(&sendmail.arena);
    return status;
}
