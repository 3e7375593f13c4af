#include "base/buf.h"
#include "base/mem.h"
#include "net/stream_internal.h"
#include "net/tls_internal.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdlib.h>

#define HOST_MAX 255

struct tls {
    struct stream *stream;
    SSL *ssl;                 /* NULL when simulated */
    enum err transport_error; /* what the transport said last beneath OpenSSL */
    bool is_established;
    struct tls_info info;
    struct buf early; /* of the handshake: what had been received when it began */
    size_t early_used;
};

const struct tls_info *tls_describe(const struct tls *tls) { return &tls->info; }

/* ---- OpenSSL's view of the transport ----
 * Nothing in here waits, so that no fiber switches while OpenSSL is on the stack: its queue of
 * errors belongs to the thread, which is to say to all fibers. */
static int bio_failed(BIO *bio, struct tls *tls, enum err err, int retry_flag)
{
    tls->transport_error = err == ERR_BUSY ? OK : err;
    if (err == ERR_BUSY)
        BIO_set_flags(bio, retry_flag | BIO_FLAGS_SHOULD_RETRY);
    return err == ERR_CLOSED ? 0 : -1;
}

static int read_early(struct tls *tls, char *out, size_t size)
{
    struct str rest = str_first(str_from(buf_str(&tls->early), tls->early_used), size);
    memcpy(out, rest.at, rest.len);
    tls->early_used += rest.len;
    if (tls->early_used == tls->early.len)
        buf_free(&tls->early);
    return (int)rest.len;
}

static int bio_read(BIO *bio, char *out, int size)
{
    struct tls *tls = BIO_get_data(bio);
    size_t len = 0;
    BIO_clear_retry_flags(bio);
    if (tls->early.len)
        return read_early(tls, out, (size_t)size);
    enum err err = tls->stream->transport->read(tls->stream, out, (size_t)size, &len);
    return err ? bio_failed(bio, tls, err, BIO_FLAGS_READ) : (int)len;
}

static int bio_write(BIO *bio, const char *bytes, int size)
{
    struct tls *tls = BIO_get_data(bio);
    size_t len = 0;
    BIO_clear_retry_flags(bio);
    struct str piece = str_make(bytes, (size_t)size);
    enum err err = tls->stream->transport->write(tls->stream, piece, &len);
    return err ? bio_failed(bio, tls, err, BIO_FLAGS_WRITE) : (int)len;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    UNUSED(number), UNUSED(pointer);
    const struct tls *tls = BIO_get_data(bio);
    switch (command) {
    case BIO_CTRL_EOF:
        return tls->transport_error == ERR_CLOSED;
    case BIO_CTRL_FLUSH:
        return 1;
    default:
        return 0;
    }
}

/* A constant in all but name: OpenSSL lets nobody build one at compile time. */
static BIO_METHOD *bio_method;

static void make_bio_method(void)
{
    bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream");
    if (!bio_method || !BIO_meth_set_read(bio_method, bio_read) ||
        !BIO_meth_set_write(bio_method, bio_write) || !BIO_meth_set_ctrl(bio_method, bio_control))
        abort();
}

static BIO *bio_new(struct tls *tls)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_bio_method);
    BIO *bio = BIO_new(bio_method);
    if (!bio)
        abort();
    BIO_set_data(bio, tls);
    BIO_set_init(bio, 1);
    return bio;
}

/* ---- calls into OpenSSL ---- */

/* Why the peer is not whom we asked for, else what went wrong first. Text of OpenSSL's tables. */
static const char *problem_of(const SSL *ssl)
{
    unsigned long code = ERR_peek_error();
    long verdict = SSL_get_verify_result(ssl);
    if (ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED && verdict != X509_V_OK)
        return X509_verify_cert_error_string(verdict);
    return ERR_reason_error_string(code);
}

/* What became of a call that returned `result`; ERR_BUSY: wait for *out_side and call again. */
static enum err result_of(struct tls *tls, int result, enum watch_side *out_side)
{
    switch (SSL_get_error(tls->ssl, result)) {
    case SSL_ERROR_NONE:
        return OK;
    case SSL_ERROR_WANT_READ:
        *out_side = WATCH_READ;
        return ERR_BUSY;
    case SSL_ERROR_WANT_WRITE:
        *out_side = WATCH_WRITE;
        return ERR_BUSY;
    case SSL_ERROR_ZERO_RETURN:
        return ERR_CLOSED;
    default:
        tls->is_established = false; /* nothing may be sent any more, not even a farewell */
        tls->info.problem = problem_of(tls->ssl);
        if (tls->transport_error)
            /* An end without close_notify may be an attacker's. */
            return tls->transport_error == ERR_CLOSED ? ERR_RESET : tls->transport_error;
        return ERR_TLS;
    }
}

enum err tls_read(struct tls *tls, char *out, size_t size, size_t *out_len,
                  enum watch_side *out_side)
{
    *out_side = WATCH_READ;
    if (!tls->ssl)
        return tls->stream->transport->read(tls->stream, out, size, out_len);
    ERR_clear_error();
    return result_of(tls, SSL_read_ex(tls->ssl, out, size, out_len), out_side);
}

enum err tls_write(struct tls *tls, struct str bytes, size_t *out_len, enum watch_side *out_side)
{
    *out_side = WATCH_WRITE;
    if (!tls->ssl)
        return tls->stream->transport->write(tls->stream, bytes, out_len);
    ERR_clear_error();
    return result_of(tls, SSL_write_ex(tls->ssl, bytes.at, bytes.len, out_len), out_side);
}

void tls_end(struct tls *tls, bool politely)
{
    ERR_clear_error();
    if (tls->ssl && tls->is_established && politely)
        SSL_shutdown(tls->ssl); /* once: the peer's own farewell is not waited for */
    SSL_free(tls->ssl);
    ERR_clear_error();
    buf_free(&tls->early);
    mem_free(tls);
}

/* ---- handshake ---- */
static void describe_session(struct tls *tls)
{
    tls->info.version = SSL_get_version(tls->ssl);
    tls->info.cipher = SSL_get_cipher_name(tls->ssl);
    tls->info.bits = SSL_get_cipher_bits(tls->ssl, NULL);
}

static void describe_peer(struct tls *tls, struct str host)
{
    long verdict = SSL_get_verify_result(tls->ssl);
    if (!SSL_get0_peer_certificate(tls->ssl))
        tls->info.problem = "the server has no certificate";
    else if (verdict != X509_V_OK)
        tls->info.problem = X509_verify_cert_error_string(verdict);
    else if (host.len == 0)
        tls->info.problem = "there is no name to compare with";
    else
        tls->info.verified = true;
}

static enum err shake_hands(struct tls *tls, uint64_t deadline_ms)
{
    struct stream *stream = tls->stream;
    for (;;) {
        enum watch_side side = WATCH_READ;
        ERR_clear_error();
        enum err err = result_of(tls, SSL_do_handshake(tls->ssl), &side);
        if (err == OK) {
            tls->is_established = true;
            return OK;
        }
        if (err == ERR_BUSY)
            err = stream->transport->wait(stream, side, deadline_ms, false);
        if (err)
            return err;
    }
}

/* Whatever was received in clear is forgotten, since it may be an attacker's (RFC 3207 section
 * 4.2); whatever was gathered in clear goes out in clear. */
static enum err begin(struct stream *stream, uint64_t deadline_ms)
{
    assert(!stream->tls);
    stream_consume(stream, stream_input(stream).len);
    return stream_flush(stream, deadline_ms);
}

static struct tls *tls_new(struct stream *stream, struct tls_context *context)
{
    struct tls *tls = NEW(struct tls);
    tls->stream = stream;
    tls->early = buf_make(INPUT_MAX_BYTES);
    if (context->role != TLS_SIMULATED) {
        tls->ssl = tls_context_begin(context);
        BIO *bio = bio_new(tls);
        SSL_set_bio(tls->ssl, bio, bio);
    }
    return tls;
}

/* After a failed handshake the stream is good for nothing but closing and, through stream_tls, for
 * saying what went wrong. */
static enum err give_up(struct stream *stream, enum err err)
{
    struct tls_info *info = &stream->tls->info;
    if (!info->problem)
        info->problem = err_text(err);
    stream->read_error = stream->write_error = err;
    return err;
}

/* ---- the simulation's TLS: a marker each way, which can be cut like a real handshake ---- */
static const struct str client_marker = STR("\x16"
                                            "client\n");
static const struct str server_marker = STR("\x16"
                                            "server\n");

static enum err send_marker(struct stream *stream, struct str marker, uint64_t deadline_ms)
{
    enum err err = stream_write(stream, marker, deadline_ms);
    return err ? err : stream_flush(stream, deadline_ms);
}

static enum err expect_marker(struct stream *stream, struct str marker, uint64_t deadline_ms)
{
    while (stream_input(stream).len < marker.len) {
        if (!str_starts(marker, stream_input(stream)))
            return ERR_TLS;
        enum err err = stream_fill(stream, deadline_ms);
        if (err)
            return err;
    }
    if (!str_starts(stream_input(stream), marker))
        return ERR_TLS;
    stream_consume(stream, marker.len);
    return OK;
}

static enum err simulate(struct stream *stream, bool is_server, uint64_t deadline_ms)
{
    enum err err = is_server ? expect_marker(stream, client_marker, deadline_ms)
                             : send_marker(stream, client_marker, deadline_ms);
    if (err)
        return give_up(stream, err);
    err = is_server ? send_marker(stream, server_marker, deadline_ms)
                    : expect_marker(stream, server_marker, deadline_ms);
    if (err)
        return give_up(stream, err);
    stream->tls->info =
        (struct tls_info){.version = "TLSv1.3", .cipher = "simulated", .verified = !is_server};
    return OK;
}

/* ---- both ends ---- */
enum err stream_tls_accept(struct stream *stream, struct tls_context *context, uint64_t deadline_ms)
{
    enum err err = begin(stream, deadline_ms);
    return err ? err : stream_tls_accept_first(stream, context, deadline_ms);
}

/* The simulation's handshake reads from the input buffer by itself. */
enum err stream_tls_accept_first(struct stream *stream, struct tls_context *context,
                                 uint64_t deadline_ms)
{
    assert(context->role != TLS_CLIENT && !stream->tls);
    struct tls *tls = stream->tls = tls_new(stream, context);
    if (!tls->ssl)
        return simulate(stream, true, deadline_ms);
    buf_add_cut(&tls->early, stream_input(stream));
    stream_consume(stream, stream_input(stream).len);
    SSL_set_accept_state(tls->ssl);
    enum err err = shake_hands(tls, deadline_ms);
    if (err)
        return give_up(stream, err);
    describe_session(tls);
    return OK;
}

/* SNI is for names only (RFC 6066 section 3). The common name is not a host name any more
 * (RFC 9525 section 2). */
static bool set_host(SSL *ssl, struct str host)
{
    char terminated[HOST_MAX + 1];
    if (host.len > HOST_MAX || memchr(host.at, '\0', host.len))
        return false;
    memcpy(terminated, host.at, host.len);
    terminated[host.len] = '\0';
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), terminated))
        return true;
    SSL_set_hostflags(ssl,
                      X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    return SSL_set_tlsext_host_name(ssl, terminated) && SSL_set1_host(ssl, terminated);
}

enum err stream_tls_connect(struct stream *stream, struct tls_context *context, struct str host,
                            bool verify, uint64_t deadline_ms)
{
    assert(context->role != TLS_SERVER);
    enum err err = begin(stream, deadline_ms);
    if (err)
        return err;
    struct tls *tls = stream->tls = tls_new(stream, context);
    if (!tls->ssl)
        return simulate(stream, false, deadline_ms);
    if (host.len && !set_host(tls->ssl, host))
        return give_up(stream, ERR_TLS);
    SSL_set_connect_state(tls->ssl);
    SSL_set_verify(tls->ssl, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    err = shake_hands(tls, deadline_ms);
    if (err)
        return give_up(stream, err);
    describe_session(tls);
    describe_peer(tls, host);
    return OK;
}
