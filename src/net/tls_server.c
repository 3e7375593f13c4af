/* Servers' contexts: which certificate is for whom.
 *
 * Each certificate has an SSL_CTX of its own, which takes the place of the first one's when the
 * client has named its host (SNI, RFC 6066 section 3). Settings and keys of tickets are always the
 * first one's. All of it belongs to the first SSL_CTX and is read-only once that is in use, so it
 * lives as long as the last connection that began with it. */
#include "base/map.h"
#include "base/mem.h"
#include "net/tls_internal.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#define NAME_MAX_BYTES 255

struct tls_host {
    SSL_CTX *ssl; /* owned; but that of the first owns all of this */
    size_t name_count;
    struct tls_host *next;
};

struct tls_hosts {
    struct arena arena;
    struct map by_name; /* "mail.example.org", "*.example.org", in lower case */
    struct tls_host first;
};

/* ---- life ---- */

static void hosts_free(void *parent, void *pointer, CRYPTO_EX_DATA *data, int index, long number,
                       void *argument)
{
    UNUSED(parent), UNUSED(data), UNUSED(index), UNUSED(number), UNUSED(argument);
    struct tls_hosts *hosts = pointer;
    if (!hosts)
        return;
    for (const struct tls_host *host = hosts->first.next; host; host = host->next)
        SSL_CTX_free(host->ssl);
    map_done(&hosts->by_name);
    arena_reset(&hosts->arena);
    mem_free(hosts);
}

static int hosts_index;

static void make_hosts_index(void)
{
    hosts_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, hosts_free);
    if (hosts_index < 0)
        abort();
}

static struct tls_hosts *hosts_of(SSL_CTX *ssl) { return SSL_CTX_get_ex_data(ssl, hosts_index); }

/* ---- names ---- */

static struct str lower(struct arena *arena, struct str name)
{
    char *copy = arena_alloc(arena, name.len);
    for (size_t i = 0; i < name.len; i++)
        copy[i] = char_lower(name.at[i]);
    return str_make(copy, name.len);
}

/* A certificate's DNS names, in lower case. The common name is none (RFC 9525 section 2). */
static size_t names_of(X509 *leaf, struct arena *arena, struct str **out_names)
{
    GENERAL_NAMES *found = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    int max = found ? sk_GENERAL_NAME_num(found) : 0;
    struct str *names = ARENA_ARRAY(arena, struct str, (size_t)max);
    size_t count = 0;
    for (int i = 0; i < max; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(found, i);
        if (name->type != GEN_DNS)
            continue;
        const ASN1_STRING *text = name->d.dNSName;
        names[count++] = lower(arena, str_make((const char *)ASN1_STRING_get0_data(text),
                                               (size_t)ASN1_STRING_length(text)));
    }
    GENERAL_NAMES_free(found);
    *out_names = names;
    return count;
}

/* The exact name before the wildcard, which stands for one label (RFC 9525 section 6.3). */
static const struct tls_host *find_host(const struct tls_hosts *hosts, struct str name)
{
    char wildcard[NAME_MAX_BYTES + 1];
    const struct tls_host *host = map_get(&hosts->by_name, name);
    size_t dot = str_find(name, '.');
    if (host || dot == SIZE_MAX)
        return host;
    struct str parent = str_from(name, dot);
    wildcard[0] = '*';
    memcpy(wildcard + 1, parent.at, parent.len);
    return map_get(&hosts->by_name, str_make(wildcard, parent.len + 1));
}

/* ---- during the handshake ---- */

/* Whoever names no host of ours gets the first certificate: clients that do not verify go on. */
static int choose_certificate(SSL *ssl, int *alert, void *argument)
{
    UNUSED(alert);
    char lower_name[NAME_MAX_BYTES];
    const char *text = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    struct str name = str_of(text ? text : "");
    if (name.len == 0 || name.len > sizeof lower_name)
        return SSL_TLSEXT_ERR_NOACK;
    for (size_t i = 0; i < name.len; i++)
        lower_name[i] = char_lower(name.at[i]);
    const struct tls_host *host = find_host(argument, str_make(lower_name, name.len));
    if (!host)
        return SSL_TLSEXT_ERR_NOACK;
    return SSL_set_SSL_CTX(ssl, host->ssl) ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* ---- making ---- */

/* A name that two certificates have stays with the first. */
static void add_names(struct tls_hosts *hosts, struct tls_host *host, const struct str *names)
{
    for (size_t i = 0; i < host->name_count; i++)
        if (!map_get(&hosts->by_name, names[i]))
            map_set(&hosts->by_name, names[i], host);
}

/* Whose tickets they are is asked before the host is known: the same for all. */
static void name_sessions(SSL_CTX *ssl)
{
    static const unsigned char name[] = "postrider";
    SSL_CTX_set_session_id_context(ssl, name, sizeof name - 1);
}

static void begin_hosts(struct tls_context *context)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_hosts_index);
    struct tls_hosts *hosts = NEW(struct tls_hosts);
    struct str *names;
    hosts->first.ssl = context->ssl;
    hosts->first.name_count =
        names_of(SSL_CTX_get0_certificate(context->ssl), &hosts->arena, &names);
    add_names(hosts, &hosts->first, names);
    SSL_CTX_set_ex_data(context->ssl, hosts_index, hosts);
    SSL_CTX_set_tlsext_servername_callback(context->ssl, choose_certificate);
    SSL_CTX_set_tlsext_servername_arg(context->ssl, hosts);
}

enum err tls_server_context_new(struct str certificate_pem, struct str key_pem,
                                enum tls_minimum minimum, struct arena *arena,
                                struct tls_context **out_context, struct str *out_problem)
{
    ERR_clear_error();
    struct tls_context *context = tls_context_new(TLS_SERVER, TLS_server_method());
    const char *what = tls_certificate_use(context->ssl, certificate_pem, key_pem);
    if (what) {
        tls_context_free(context);
        return tls_problem(arena, what, out_problem);
    }
    if (minimum == TLS_MINIMUM_1_3)
        SSL_CTX_set_min_proto_version(context->ssl, TLS1_3_VERSION);
    /* Resumption by tickets alone: no table that peers could fill. */
    SSL_CTX_set_session_cache_mode(context->ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context->ssl, 1);
    name_sessions(context->ssl);
    begin_hosts(context);
    *out_context = context;
    return OK;
}

/* ---- further certificates ---- */

static bool has_key_like(SSL_CTX *ssl, const X509 *leaf)
{
    int kind = EVP_PKEY_get_base_id(X509_get0_pubkey(leaf));
    for (long which = SSL_CERT_SET_FIRST; SSL_CTX_set_current_cert(ssl, which) == 1;
         which = SSL_CERT_SET_NEXT)
        if (EVP_PKEY_get_base_id(X509_get0_pubkey(SSL_CTX_get0_certificate(ssl))) == kind)
            return true;
    return false;
}

/* The host with the same names, whose certificate has a key of another kind: OpenSSL offers each
 * client the one that it can use. NULL: there is none. */
static struct tls_host *find_twin(const struct tls_hosts *hosts, const X509 *leaf,
                                  const struct str *names, size_t count)
{
    struct tls_host *twin = map_get(&hosts->by_name, names[0]);
    if (!twin || twin->name_count != count || has_key_like(twin->ssl, leaf))
        return NULL;
    for (size_t i = 1; i < count; i++)
        if (map_get(&hosts->by_name, names[i]) != twin)
            return NULL;
    return twin;
}

static const char *add_certificate(struct tls_hosts *hosts, SSL_CTX *ssl,
                                   struct str certificate_pem, struct str key_pem)
{
    const char *what = tls_certificate_use(ssl, certificate_pem, key_pem);
    if (what)
        return what;
    X509 *leaf = SSL_CTX_get0_certificate(ssl);
    struct str *names;
    size_t count = names_of(leaf, &hosts->arena, &names);
    if (count == 0)
        return "the certificate names no host (subjectAltName), so that nobody would get it";
    struct tls_host *twin = find_twin(hosts, leaf, names, count);
    if (twin)
        return tls_certificate_use(twin->ssl, certificate_pem, key_pem);
    SSL_CTX_up_ref(ssl);
    name_sessions(ssl);
    struct tls_host *host = ARENA_NEW(&hosts->arena, struct tls_host);
    *host = (struct tls_host){.ssl = ssl, .name_count = count, .next = hosts->first.next};
    hosts->first.next = host;
    add_names(hosts, host, names);
    return NULL;
}

enum err tls_server_context_add(struct tls_context *context, struct str certificate_pem,
                                struct str key_pem, struct arena *arena, struct str *out_problem)
{
    ERR_clear_error();
    struct tls_context *own = tls_context_new(TLS_SERVER, TLS_server_method());
    const char *what = add_certificate(hosts_of(context->ssl), own->ssl, certificate_pem, key_pem);
    tls_context_free(own);
    return what ? tls_problem(arena, what, out_problem) : OK;
}
