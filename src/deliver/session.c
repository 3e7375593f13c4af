/* The steps of a client's session before and after its transactions. */
#include "deliver/client.h"
#include "fiber/loop.h"

#include <stdio.h>
#include <string.h>

/* ---- greeting ---- */

/* The answer must be of one class: a 354 to EHLO is no answer to it. */
static enum err hear_class(struct smtp_client *client, int class, uint32_t timeout_ms)
{
    enum err err = smtp_client_hear(client, timeout_ms);
    if (!err && client->reply.code / 100 != class)
        err = smtp_client_fail(client, ERR_SYNTAX);
    return err;
}

static enum err ask(struct smtp_client *client, struct str line, int class)
{
    enum err err = smtp_client_say(client, line);
    return err ? err : hear_class(client, class, client->options.timeouts.command);
}

static enum err ask_hello(struct smtp_client *client, const char *verb)
{
    char line[512];
    int len = snprintf(line, sizeof line, "%s %.*s", verb, STR_FMT(client->options.hostname));
    assert(len > 0 && (size_t)len < sizeof line);
    return ask(client, str_make(line, (size_t)len), 2);
}

static enum err say_hello(struct smtp_client *client)
{
    client->extensions = (struct smtp_extensions){0};
    enum err err = ask_hello(client, client->options.is_lmtp ? "LHLO" : "EHLO");
    if (!err) {
        client->extensions = smtp_extensions_parse(&client->reply);
        return OK;
    }
    bool is_old =
        err == ERR_REFUSED && !client->is_over && smtp_code_is_permanent(client->reply.code);
    if (!is_old || client->options.is_lmtp)
        return err;
    return ask_hello(client, "HELO"); /* RFC 5321 section 3.2 */
}

enum err smtp_client_greet(struct smtp_client *client)
{
    client->stage = SMTP_CLIENT_GREETING;
    enum err err = hear_class(client, 2, client->options.timeouts.banner);
    return err ? err : say_hello(client);
}

/* ---- TLS ---- */

/* RFC 3207 section 4.2: an attacker may have put replies behind the 220, for us to take as if they
 * had come through TLS. stream_tls_connect drops them; the story should have them. */
static void note_injected(struct smtp_client *client)
{
    size_t len = stream_input(client->stream).len;
    if (len)
        transcript_printf(client->transcript, loop_now_ms(), TRANSCRIPT_NOTE,
                          "%zu bytes behind the answer to STARTTLS dropped: somebody may have "
                          "injected them",
                          len);
}

static void note_tls(struct smtp_client *client)
{
    const struct tls_info *info = stream_tls(client->stream);
    if (info->verified)
        transcript_printf(client->transcript, loop_now_ms(), TRANSCRIPT_NOTE,
                          "%s %s, certificate verified", info->version, info->cipher);
    else
        transcript_printf(client->transcript, loop_now_ms(), TRANSCRIPT_NOTE,
                          "%s %s, certificate not verified: %s", info->version, info->cipher,
                          info->problem ? info->problem : "nobody asked");
}

enum err smtp_client_begin_tls(struct smtp_client *client, struct tls_context *context,
                               struct str host, bool verify)
{
    client->stage = SMTP_CLIENT_STARTTLS;
    uint64_t deadline_ms = loop_now_ms() + client->options.timeouts.command;
    enum err err = stream_tls_connect(client->stream, context, host, verify, deadline_ms);
    const struct tls_info *info = stream_tls(client->stream);
    if (!err && verify && !info->verified)
        err = ERR_TLS;
    if (!err) {
        note_tls(client);
        return OK;
    }
    transcript_printf(client->transcript, loop_now_ms(), TRANSCRIPT_NOTE, "TLS failed: %s",
                      info && info->problem ? info->problem : err_text(err));
    return smtp_client_fail(client, err == ERR_CANCELLED ? err : ERR_TLS);
}

enum err smtp_client_start_tls(struct smtp_client *client, struct tls_context *context,
                               struct str host, bool verify)
{
    client->stage = SMTP_CLIENT_STARTTLS;
    if (!client->extensions.starttls || !context)
        return ERR_UNSUPPORTED;
    enum err err = ask(client, STR("STARTTLS"), 2);
    if (err)
        return err;
    note_injected(client);
    err = smtp_client_begin_tls(client, context, host, verify);
    return err ? err : say_hello(client);
}

/* ---- login ---- */

/* Sends a line of which `secret` must not be seen, nor the server's echo of it. */
static enum err ask_secretly(struct smtp_client *client, struct str line, struct str secret,
                             const char *shown, int class)
{
    client->secret = secret;
    transcript_line(client->transcript, loop_now_ms(), TRANSCRIPT_CLIENT, str_of(shown));
    return ask(client, line, class);
}

static enum err login_plain(struct smtp_client *client, struct str user, struct str password,
                            struct arena *secrets)
{
    struct smtp_credentials credentials = {
        .authzid = STR_EMPTY, .authcid = user, .password = password};
    struct str response;
    enum err err = smtp_sasl_plain_encode(secrets, &credentials, &response);
    if (err)
        return ERR_UNSUPPORTED;
    struct str line = arena_printf(secrets, "AUTH PLAIN %.*s", STR_FMT(response));
    err = ask_secretly(client, line, response, "AUTH PLAIN <redacted>", 2);
    client->secret = STR_EMPTY;
    explicit_bzero((char *)line.at, line.len);
    explicit_bzero((char *)response.at, response.len);
    return err;
}

static enum err login_login(struct smtp_client *client, struct str user, struct str password,
                            struct arena *secrets)
{
    enum err err = ask(client, STR("AUTH LOGIN"), 3);
    struct str name = smtp_sasl_encode(secrets, user);
    if (!err)
        err = ask_secretly(client, name, name, "<redacted>", 3);
    struct str word = smtp_sasl_encode(secrets, password);
    if (!err)
        err = ask_secretly(client, word, word, "<redacted>", 2);
    client->secret = STR_EMPTY;
    explicit_bzero((char *)word.at, word.len);
    return err;
}

enum err smtp_client_login(struct smtp_client *client, struct str user, struct str password)
{
    client->stage = SMTP_CLIENT_LOGIN;
    if (user.len > SMTP_SASL_FIELD_MAX_BYTES || password.len > SMTP_SASL_FIELD_MAX_BYTES ||
        user.len == 0 || password.len == 0)
        return ERR_UNSUPPORTED;
    struct arena secrets = arena_make();
    enum err err = ERR_UNSUPPORTED;
    if (client->extensions.auth & SMTP_AUTH_PLAIN)
        err = login_plain(client, user, password, &secrets);
    else if (client->extensions.auth & SMTP_AUTH_LOGIN)
        err = login_login(client, user, password, &secrets);
    arena_reset(&secrets);
    return err;
}

/* ---- the end ---- */
void smtp_client_quit(struct smtp_client *client)
{
    if (client->is_over)
        return;
    enum err err = smtp_client_say(client, STR("QUIT"));
    if (!err)
        err = smtp_client_hear(client, client->options.timeouts.quit);
    UNUSED(err); /* all is said and done */
    client->is_over = true;
}
