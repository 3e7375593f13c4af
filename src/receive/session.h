/* One session: what it remembers, and how it speaks. Internal to receive/.
 *
 * A command's function answers and returns OK; any other value ends the session, and session.c
 * says the last words. Replies are gathered and go out when the client has to be waited for.
 *
 * What an idle connection holds: this struct in its fiber's frame, the client's address and HELO,
 * and the beginning of its transcript. All else lives as long as a command or a transaction. */
#ifndef RECEIVE_SESSION_H
#define RECEIVE_SESSION_H

#include "receive/gate.h"
#include "smtp/command.h"
#include "trace/transcript.h"

/* A reply. Static, so that a rule can name it. Status of class 0: none is sent. */
struct answer {
    int code;
    struct mail_status status;
    const char *text;
};

extern const struct answer answer_ok;
extern const struct answer answer_client_full;

/* From MAIL to the end of its content. */
struct transaction {
    struct arena arena; /* all that the envelope points to */
    bool is_open;
    struct spool_envelope envelope;
    uint32_t recipients_room; /* of envelope.recipients */
    uint32_t accepted;        /* RCPT commands; each may have led to several recipients */
    struct mail_address first_recipient; /* as the client wrote it */
    struct incoming *incoming;           /* the content, from DATA or the first BDAT on */
};

enum session_greeting { SESSION_UNGREETED, SESSION_HELO, SESSION_EHLO };

struct session {
    const struct receive_service *service;
    struct receive_gate *gate;
    struct gate_key key;       /* as whose it entered */
    struct resolver *resolver; /* NULL: there is none */
    struct stream *stream;

    uint64_t ends_at_ms;  /* whatever happens */
    uint64_t deadline_ms; /* of the waits of the present command */

    struct buf client;  /* the address as text */
    struct buf speaker; /* the address of who connected and may say XCLIENT; empty: may not */
    struct buf helo;
    struct buf reply;   /* the one being made */
    struct arena arena; /* of the present command */
    struct transcript transcript;
    struct transaction transaction;

    const struct account *account; /* logged in as, or NULL */
    struct account local_user;     /* that of RECEIVE_LOCAL; its name is in local_name */
    char local_name[sizeof "uid 4294967295"];
    enum session_greeting greeting;
    bool is_relay_client;   /* its address is in relay_from */
    uint32_t errors;        /* refusals; what succeeds pays for them */
    uint32_t idle_commands; /* since the last message: commands that lead nowhere */
    uint32_t failed_logins;
    uint32_t transactions;
};

/* ---- speaking (talk.c) ---- */

/* The waits that follow end in `timeout_ms`, and when the session does. */
void session_set_deadline(struct session *session, uint64_t timeout_ms);

MUST_CHECK MAY_YIELD enum err session_answer(struct session *session, const struct answer *answer);
MUST_CHECK MAY_YIELD enum err session_answer_text(struct session *session, int code,
                                                  struct mail_status status, struct str text);
MUST_CHECK MAY_YIELD enum err session_answer_fault(struct session *session,
                                                   const struct smtp_fault *fault);
/* As session_answer, and leaves a line in the log: who wanted to send what to whom. */
MUST_CHECK MAY_YIELD enum err session_refuse(struct session *session, const struct answer *answer,
                                             struct str sender, struct str recipient);
/* Sends a complete reply that was printed to session->reply. */
MUST_CHECK MAY_YIELD enum err session_send_reply(struct session *session);
MUST_CHECK MAY_YIELD enum err session_flush(struct session *session);

/* Takes the next line, in memory of session->arena. ERR_LIMIT: it was too long and is gone; the
 * conversation may go on. *out_crlf: it ended as it must. */
MUST_CHECK MAY_YIELD enum err session_read_line(struct session *session, struct str *out_line,
                                                bool *out_crlf);
/* After a line that was refused: ERR_CLOSED when what follows must not be taken for commands. */
MUST_CHECK enum err session_go_on_after(struct str line);
/* Sends what is gathered and waits for more input than there is. */
MUST_CHECK MAY_YIELD enum err session_fill(struct session *session, uint64_t deadline_ms);
/* Sends what is gathered, and for a moment drops what still comes: a connection that is closed over
 * unread input is reset, and the client might never see why. */
MAY_YIELD void session_linger(struct session *session);
/* Nothing that was said so far belongs to the stories of what follows. */
void session_begin_transcript(struct session *session);
/* A line of the transcript; secrets do not come here. */
void session_note(struct session *session, enum transcript_voice voice, struct str line);

/* Notes which encryption is on. */
void session_note_tls(struct session *session);

/* ---- the transaction (mail.c) ---- */

/* Forgets it, draft and all, but not the transcript. Harmless when there is none. */
MAY_YIELD void transaction_reset(struct session *session);

/* ---- the commands ---- */

typedef enum err session_command(struct session *session, const struct smtp_command *command);
/* greeting.c */
session_command session_ehlo;
session_command session_helo;
session_command session_starttls;
/* front.c */
session_command session_xclient;
/* auth.c */
session_command session_auth;
/* mail.c */
session_command session_mail;
session_command session_rcpt;
session_command session_rset;
/* incoming.c */
session_command session_data;
session_command session_bdat;

/* ---- shared by the commands ---- */

static inline bool session_is_encrypted(const struct session *session)
{
    return stream_tls(session->stream) != NULL;
}

/* Whether a login would be taken now. */
bool session_offers_auth(const struct session *session);

/* Takes its client to be the stream's peer, as it is now: for texts and for the right to relay. */
void session_know_client(struct session *session);
/* The 220 that opens a conversation, or opens it anew. */
MUST_CHECK MAY_YIELD enum err session_say_banner(struct session *session);
/* Of what was said so far nothing is believed any longer: name, login, transaction. */
MAY_YIELD void session_forget(struct session *session);

#endif
