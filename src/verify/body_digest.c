#include "verify/body_digest.h"

/* Hashing fails only when memory runs out, which ends the process anyway. */
static void must(int ok) { assert(ok == 1); }

void body_digests_init(struct body_digests *digests)
{
    for (size_t i = 0; i < ARRAY_LEN(digests->streams); i++) {
        struct body_stream *stream = &digests->streams[i];
        stream->kind = (enum canonicalization)i;
        stream->hash = NULL;
        stream->length = 0;
        stream->count = stream->reached = 0;
    }
}

void body_digests_done(struct body_digests *digests)
{
    for (size_t i = 0; i < ARRAY_LEN(digests->streams); i++) {
        EVP_MD_CTX_free(digests->streams[i].hash);
        digests->streams[i].hash = NULL;
    }
}

/* ---- hashing ---- */

static void take_copy(const EVP_MD_CTX *hash, uint8_t out[DIGEST_LEN])
{
    EVP_MD_CTX *copy = EVP_MD_CTX_new();
    assert(copy);
    must(EVP_MD_CTX_copy_ex(copy, hash));
    must(EVP_DigestFinal_ex(copy, out, NULL));
    EVP_MD_CTX_free(copy);
}

static void update(struct body_stream *stream, struct str bytes)
{
    must(EVP_DigestUpdate(stream->hash, bytes.at, bytes.len));
    stream->length += bytes.len;
}

/* The sink of the canonical form: hashes up to each length asked for, and on. */
static void put(void *context, struct str bytes)
{
    struct body_stream *stream = context;
    while (stream->reached < stream->count) {
        struct body_digest *stop = stream->stops[stream->reached];
        if (stop->length - stream->length > bytes.len)
            break;
        struct str before = str_first(bytes, (size_t)(stop->length - stream->length));
        bytes = str_from(bytes, before.len);
        update(stream, before);
        take_copy(stream->hash, stop->bytes);
        stream->reached++;
    }
    update(stream, bytes);
}

static void stream_begin(struct body_stream *stream)
{
    stream->hash = EVP_MD_CTX_new();
    assert(stream->hash);
    must(EVP_DigestInit_ex(stream->hash, EVP_sha256(), NULL));
    stream->canonical = canonical_body_make(stream->kind);
    canonical_sink_init(&stream->sink, put, stream);
}

/* ---- asking ---- */

/* Where the length stands or would stand among the stops. */
static size_t stop_place(const struct body_stream *stream, uint64_t length)
{
    size_t place = 0;
    while (place < stream->count && stream->stops[place]->length < length)
        place++;
    return place;
}

const struct body_digest *body_digests_want(struct body_digests *digests,
                                            enum canonicalization kind, uint64_t length,
                                            struct arena *arena)
{
    struct body_stream *stream = &digests->streams[kind];
    if (!stream->hash)
        stream_begin(stream);
    size_t place = stop_place(stream, length);
    if (place < stream->count && stream->stops[place]->length == length)
        return stream->stops[place];
    if (stream->count == BODY_LENGTHS_MAX)
        return NULL;
    struct body_digest *digest = ARENA_NEW(arena, struct body_digest);
    digest->length = length;
    for (size_t i = stream->count; i > place; i--)
        stream->stops[i] = stream->stops[i - 1];
    stream->stops[place] = digest;
    stream->count++;
    return digest;
}

/* ---- the body ---- */

void body_digests_add(struct body_digests *digests, struct str bytes)
{
    for (size_t i = 0; i < ARRAY_LEN(digests->streams); i++) {
        struct body_stream *stream = &digests->streams[i];
        if (stream->hash)
            canonical_body_add(&stream->canonical, bytes, &stream->sink);
    }
}

/* Only now it is known how long the body is. */
static void stream_end(struct body_stream *stream)
{
    canonical_body_end(&stream->canonical, &stream->sink);
    put(stream, STR_EMPTY); /* a length of 0 in a body of none */
    for (size_t i = 0; i < stream->count; i++) {
        struct body_digest *stop = stream->stops[i];
        bool is_length = stop->length != BODY_LENGTH_WHOLE;
        if (i >= stream->reached)
            take_copy(stream->hash, stop->bytes);
        stop->is_partial = is_length && stop->length < stream->length;
        stop->is_too_short = is_length && stop->length > stream->length;
    }
}

void body_digests_end(struct body_digests *digests)
{
    for (size_t i = 0; i < ARRAY_LEN(digests->streams); i++)
        if (digests->streams[i].hash)
            stream_end(&digests->streams[i]);
}
