/* Laws: a line is a command, or a fault with a 5xx code and a printable text; what was decoded is
 * clean; what may be kept of it is clean and holds no argument of AUTH. */
#include "smtp/command.h"

#include "mail/text.h"
#include "smtp/redact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_command(const struct smtp_command *command, bool utf8)
{
    assert(command->verb != SMTP_VERB_UNKNOWN);
    assert(command->verb == SMTP_VERB_HTTP || mail_text_is_clean(command->argument));
    if (command->verb == SMTP_VERB_MAIL) {
        const struct smtp_mail *mail = &command->mail;
        assert(mail->smtputf8 || !mail_address_is_utf8(&mail->path.address));
        assert(mail_text_is_clean(mail->envid) && !str_has_8bit(mail->envid));
        assert(mail_text_is_clean(mail->auth));
        assert(!mail->path.is_postmaster);
    } else if (command->verb == SMTP_VERB_RCPT) {
        const struct smtp_rcpt *rcpt = &command->rcpt;
        assert(utf8 || !mail_address_is_utf8(&rcpt->path.address));
        assert(!rcpt->path.is_null);
        assert(mail_text_is_clean(rcpt->orcpt.type) && mail_text_is_clean(rcpt->orcpt.address));
    }
}

static void check_line(struct arena *arena, struct str line, bool utf8)
{
    struct smtp_command command = {0};
    struct smtp_fault fault = {0};
    if (smtp_command_parse(arena, line, utf8, &command, &fault) == OK) {
        assert(command.verb == smtp_command_verb(line));
        check_command(&command, utf8);
    } else {
        assert(fault.code >= 500 && fault.code <= 555 && fault.status.class == 5);
        assert(fault.text[0] != '\0' && mail_text_is_clean(fault.subject));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str line = str_make((const char *)data, size);
    struct arena arena = arena_make();
    check_line(&arena, line, false);
    check_line(&arena, line, true);
    struct str kept = smtp_command_redact(&arena, line);
    assert(mail_text_is_clean(kept));
    if (smtp_command_verb(line) == SMTP_VERB_AUTH)
        assert(kept.len <= strlen("AUTH SCRAM-SHA-256-PLUS <redacted>"));
    arena_reset(&arena);
    return 0;
}
