#include "verify/arc.h"

#include "base/encode.h"
#include "mail/lexer.h"
#include "verify/header_digest.h"

#define FIELD_MAX 65536

enum part { RESULTS, MESSAGE_SIGNATURE, SEAL, PARTS };

static const char *const part_names[PARTS] = {
    [RESULTS] = "ARC-Authentication-Results",
    [MESSAGE_SIGNATURE] = "ARC-Message-Signature",
    [SEAL] = "ARC-Seal",
};

enum seal_status { CV_MISSING, CV_NONE, CV_PASS, CV_FAIL };

/* The fields of one instance. */
struct set {
    const struct mail_field *parts[PARTS];
    struct dkim_candidate message_signature;
    struct dkim_signature seal;
    struct dkim_verdict seal_verdict;
    enum seal_status status;
    struct str results; /* of ARC-Authentication-Results: what stands behind the instance */
};

struct arc_validator {
    struct verify_observer observer;
    struct verify_message *message;
    struct set *sets; /* ARC_SETS_MAX of them; NULL until there is one, since most mail has none */
    unsigned highest;
    bool has_fields;
    const char *fault; /* in the structure of the chain; the first one found */
};

struct str arc_result_text(enum arc_result result)
{
    static const char *const texts[] = {
        [ARC_NONE] = "none", [ARC_PASS] = "pass", [ARC_FAIL] = "fail"};
    return str_of(texts[result]);
}

/* ---- reading the sets ---- */

static void note_fault(struct arc_validator *validator, const char *fault)
{
    if (!validator->fault)
        validator->fault = fault;
}

/* 1 to 50, or 0. */
static unsigned read_position(struct str digits)
{
    uint64_t position;
    if (digits.len > 2 || !str_to_u64(digits, ARC_SETS_MAX, &position))
        return 0;
    return (unsigned)position;
}

/* "i=N;" and what follows it, with comments and folds between (section 4.1.1). */
static unsigned read_results_instance(struct str value, struct str *out_rest)
{
    struct mail_lexer lexer = mail_lexer_make(value);
    struct mail_token token;
    char text[8];
    size_t len = 0;
    for (;;) {
        if (mail_lexer_next(&lexer, &token) || token.kind == MAIL_TOKEN_END)
            return 0;
        if (mail_token_is(&token, ';'))
            break;
        if (token.kind != MAIL_TOKEN_ATOM || token.raw.len > sizeof text - len)
            return 0;
        memcpy(text + len, token.raw.at, token.raw.len);
        len += token.raw.len;
    }
    struct str instance = str_make(text, len);
    if (!str_starts(instance, STR("i=")))
        return 0;
    *out_rest = lexer.rest;
    return read_position(str_from(instance, 2));
}

static unsigned read_tags_instance(const struct tag_list *tags)
{
    const struct tag *instance = tag_list_find(tags, STR("i"));
    return instance ? read_position(instance->value) : 0;
}

static enum seal_status read_status(const struct tag_list *tags)
{
    static const struct {
        const char *text;
        enum seal_status status;
    } known[] = {{"none", CV_NONE}, {"pass", CV_PASS}, {"fail", CV_FAIL}};
    const struct tag *tag = tag_list_find(tags, STR("cv"));
    for (size_t i = 0; tag && i < ARRAY_LEN(known); i++)
        if (str_eq(tag->value, str_of(known[i].text)))
            return known[i].status;
    return CV_MISSING;
}

/* The set that the field belongs to, with the field in it; NULL: it belongs to none. */
static struct set *place_field(struct arc_validator *validator, enum part part, unsigned instance,
                               const struct mail_field *field)
{
    if (instance == 0) {
        note_fault(validator, "a field has no instance from 1 to 50");
        return NULL;
    }
    if (!validator->sets)
        validator->sets = ARENA_ARRAY(&validator->message->arena, struct set, ARC_SETS_MAX);
    struct set *set = &validator->sets[instance - 1];
    validator->highest = instance > validator->highest ? instance : validator->highest;
    if (set->parts[part]) {
        note_fault(validator, "an instance has two fields of a kind");
        return NULL;
    }
    set->parts[part] = field;
    return set;
}

static void read_results(struct arc_validator *validator, const struct mail_field *field)
{
    struct str rest = STR_EMPTY;
    unsigned instance = read_results_instance(field->value, &rest);
    struct set *set = place_field(validator, RESULTS, instance, field);
    if (set)
        set->results = rest;
}

static void read_signature(struct arc_validator *validator, enum part part,
                           const struct mail_field *field)
{
    struct tag_list tags;
    if (tag_list_parse(field->value, &tags)) {
        note_fault(validator, "a field is no list of tags");
        return;
    }
    struct set *set = place_field(validator, part, read_tags_instance(&tags), field);
    if (!set)
        return;
    if (part == MESSAGE_SIGNATURE) {
        dkim_candidate_begin(&set->message_signature, validator->message, field, &tags,
                             SIGNATURE_ARC_MESSAGE);
        return;
    }
    set->status = read_status(&tags);
    set->seal_verdict =
        dkim_signature_read(&validator->message->arena, &tags, SIGNATURE_ARC_SEAL, &set->seal);
}

static void header_known(struct verify_observer *observer, struct verify_message *message)
{
    struct arc_validator *validator = CONTAINER_OF(observer, struct arc_validator, observer);
    for (size_t i = 0; i < message->fields.count; i++) {
        const struct mail_field *field = &message->fields.fields[i].field;
        for (enum part part = 0; part < PARTS; part++) {
            if (!mail_field_is(field, str_of(part_names[part])))
                continue;
            validator->has_fields = true;
            if (part == RESULTS)
                read_results(validator, field);
            else
                read_signature(validator, part, field);
        }
    }
    if (message->is_header_too_large)
        note_fault(validator, "the header is larger than we keep");
}

struct arc_validator *arc_validator_new(struct verify_message *message)
{
    struct arc_validator *validator = ARENA_NEW(&message->arena, struct arc_validator);
    validator->message = message;
    validator->observer.header_known = header_known;
    verify_message_observe(message, &validator->observer);
    return validator;
}

/* ---- judging the chain: section 5.2 ---- */

/* Steps 2 and 3. NULL: the structure is right. */
static const char *find_fault(const struct arc_validator *validator)
{
    if (validator->highest && validator->sets[validator->highest - 1].status == CV_FAIL)
        return "the last seal says that the chain had failed";
    if (validator->fault)
        return validator->fault;
    for (unsigned i = 0; i < validator->highest; i++) {
        const struct set *set = &validator->sets[i];
        for (enum part part = 0; part < PARTS; part++)
            if (!set->parts[part])
                return "an instance or one of its fields is missing";
        if (set->status != (i == 0 ? CV_NONE : CV_PASS))
            return "a seal's cv= is not what its place wants";
    }
    return NULL;
}

/* The hash over the sets up to `instance`, in their order (section 5.1.1). */
static void hash_seal(const struct set *sets, unsigned instance, uint8_t out[DIGEST_LEN])
{
    struct header_digest digest;
    header_digest_begin(&digest, CANONICAL_RELAXED);
    for (unsigned i = 0; i < instance; i++)
        for (enum part part = 0; part < PARTS; part++)
            if (i + 1 < instance || part != SEAL)
                header_digest_add(&digest, sets[i].parts[part]->raw);
    const struct set *last = &sets[instance - 1];
    header_digest_end(&digest, last->parts[SEAL]->raw, last->seal.signature_raw, out);
}

MAY_YIELD static enum err prove_seal(struct arc_validator *validator, unsigned instance,
                                     struct dkim_keys *keys, struct dkim_verdict *out_verdict)
{
    const struct set *set = &validator->sets[instance - 1];
    struct dkim_proof proof = {.verdict = set->seal_verdict};
    if (dkim_is_good(proof.verdict)) {
        uint8_t digest[DIGEST_LEN];
        hash_seal(validator->sets, instance, digest);
        enum err err = dkim_keys_prove(keys, &set->seal, digest, dkim_good(), &proof);
        if (err)
            return err;
    }
    *out_verdict = proof.verdict;
    return OK;
}

MAY_YIELD static enum err prove_message(struct arc_validator *validator, unsigned instance,
                                        struct dkim_keys *keys, int64_t now_s,
                                        struct dkim_verdict *out_verdict)
{
    struct dkim_proof proof;
    enum err err = dkim_candidate_finish(&validator->sets[instance - 1].message_signature,
                                         validator->message, keys, now_s, &proof);
    if (err)
        return err;
    *out_verdict = proof.verdict;
    return OK;
}

/* Step 5: down to the first one that fails. */
MAY_YIELD static enum err find_oldest_pass(struct arc_validator *validator, struct dkim_keys *keys,
                                           int64_t now_s, unsigned *out_oldest)
{
    for (unsigned instance = validator->highest - 1; instance; instance--) {
        struct dkim_verdict verdict;
        enum err err = prove_message(validator, instance, keys, now_s, &verdict);
        if (err)
            return err;
        if (!dkim_is_good(verdict)) {
            *out_oldest = instance + 1;
            return OK;
        }
    }
    *out_oldest = 0;
    return OK;
}

/* Steps 4, 6 and 5: the optional one last, when the chain is known to be good. */
MAY_YIELD static enum err prove_chain(struct arc_validator *validator, struct dkim_keys *keys,
                                      int64_t now_s, struct arc_chain *chain)
{
    struct dkim_verdict verdict;
    enum err err = prove_message(validator, validator->highest, keys, now_s, &verdict);
    for (unsigned i = validator->highest; i && !err && dkim_is_good(verdict); i--)
        err = prove_seal(validator, i, keys, &verdict);
    if (err)
        return err;
    if (!dkim_is_good(verdict)) {
        chain->result = ARC_FAIL;
        chain->reason = verdict.reason;
        return OK;
    }
    chain->result = ARC_PASS;
    return find_oldest_pass(validator, keys, now_s, &chain->oldest_pass);
}

static const struct arc_set *describe(struct arc_validator *validator)
{
    struct arc_set *sets =
        ARENA_ARRAY(&validator->message->arena, struct arc_set, validator->highest);
    for (unsigned i = 0; i < validator->highest; i++)
        sets[i] = (struct arc_set){
            .seal_domain = validator->sets[i].seal.domain,
            .seal_selector = validator->sets[i].seal.selector,
            .message_domain = validator->sets[i].message_signature.signature.domain,
            .authentication_results = validator->sets[i].results,
        };
    return sets;
}

enum err arc_validator_finish(struct arc_validator *validator, struct dkim_keys *keys,
                              int64_t now_s, struct arc_chain *out_chain)
{
    assert(validator->message->has_ended);
    struct arc_chain chain = {.reason = "", .instance = validator->highest, .validator = validator};
    if (validator->has_fields) {
        const char *fault = find_fault(validator);
        chain.was_failed =
            validator->highest && validator->sets[validator->highest - 1].status == CV_FAIL;
        enum err err = OK;
        if (fault) {
            chain.result = ARC_FAIL;
            chain.reason = fault;
        } else {
            err = prove_chain(validator, keys, now_s, &chain);
        }
        if (err)
            return err;
    }
    if (chain.result == ARC_PASS)
        chain.sets = describe(validator);
    *out_chain = chain;
    return OK;
}

/* ---- sealing: section 5.1 ---- */

struct arc_sealer {
    struct verify_observer observer;
    struct verify_message *message;
    const struct body_digest *body;
};

static void sealer_header_known(struct verify_observer *observer, struct verify_message *message)
{
    struct arc_sealer *sealer = CONTAINER_OF(observer, struct arc_sealer, observer);
    sealer->body =
        body_digests_want(&message->body, CANONICAL_RELAXED, BODY_LENGTH_WHOLE, &message->arena);
}

struct arc_sealer *arc_sealer_new(struct verify_message *message)
{
    struct arc_sealer *sealer = ARENA_NEW(&message->arena, struct arc_sealer);
    sealer->message = message;
    sealer->observer.header_known = sealer_header_known;
    verify_message_observe(message, &sealer->observer);
    return sealer;
}

/* A set that is being made. */
struct new_set {
    struct arc_sealer *sealer;
    const struct arc_chain *chain;
    const struct dkim_signing_key *key;
    int64_t now_s;
    struct arena *arena;
    unsigned instance;
    struct buf parts[PARTS];
};

static struct field_writer begin_part(struct new_set *set, enum part part)
{
    struct field_writer writer = field_writer_make(&set->parts[part], str_of(part_names[part]));
    field_writer_printf(&writer, "i=%u;", set->instance);
    return writer;
}

static void write_signer(const struct new_set *set, struct field_writer *writer)
{
    enum dkim_algorithm algorithm = private_key_algorithm(set->key->key);
    field_writer_printf(writer, "a=%.*s;", STR_FMT(dkim_algorithm_text(algorithm)));
    field_writer_printf(writer, "d=%.*s;", STR_FMT(set->key->domain));
    field_writer_printf(writer, "s=%.*s;", STR_FMT(set->key->selector));
    field_writer_printf(writer, "t=%lld;", (long long)set->now_s);
}

static enum err make_results(struct new_set *set, struct str results)
{
    struct field_writer writer = begin_part(set, RESULTS);
    struct str rest = mail_field_unfold(set->arena, results), word;
    for (bool has_more = true; has_more;) {
        word = rest;
        has_more = str_cut(rest, ' ', &word, &rest);
        if (word.len)
            field_writer_add(&writer, word);
    }
    return field_writer_end(&writer);
}

/* The fields of ARC are sealed, not signed; DKIM's signatures are signed (section 4.1.2). */
static enum err make_message_signature(struct new_set *set)
{
    static const char *const more[] = {"DKIM-Signature", NULL};
    struct str names;
    enum err err = dkim_names_to_sign(set->sealer->message, more, set->arena, &names);
    if (err)
        return err;
    struct field_writer writer = begin_part(set, MESSAGE_SIGNATURE);
    field_writer_add(&writer, STR("c=relaxed/relaxed;"));
    write_signer(set, &writer);
    return dkim_field_sign(&writer, set->sealer->message, names, set->sealer->body, set->key->key,
                           set->arena);
}

/* A chain that failed is not covered: only the set that says so (section 5.1.2). */
static void hash_chain(const struct arc_chain *chain, struct header_digest *digest)
{
    if (chain->result != ARC_PASS)
        return;
    for (unsigned i = 0; i < chain->instance; i++)
        for (enum part part = 0; part < PARTS; part++)
            header_digest_add(digest, chain->validator->sets[i].parts[part]->raw);
}

static enum err make_seal(struct new_set *set)
{
    struct field_writer writer = begin_part(set, SEAL);
    write_signer(set, &writer);
    field_writer_printf(&writer, "cv=%.*s;", STR_FMT(arc_result_text(set->chain->result)));
    field_writer_add_before_text(&writer, STR("b="));
    if (writer.err)
        return writer.err;
    struct header_digest digest;
    uint8_t bytes[DIGEST_LEN];
    struct str field = field_writer_text(&writer);
    header_digest_begin(&digest, CANONICAL_RELAXED);
    hash_chain(set->chain, &digest);
    header_digest_add(&digest, buf_str(&set->parts[RESULTS]));
    header_digest_add(&digest, buf_str(&set->parts[MESSAGE_SIGNATURE]));
    header_digest_end(&digest, field, str_from(field, field.len), bytes);
    struct str signature = private_key_sign(set->arena, set->key->key, bytes);
    field_writer_join_text(&writer, base64_encode(set->arena, signature));
    return field_writer_end(&writer);
}

static enum err make_set(struct new_set *set, struct str results)
{
    enum err err = make_results(set, results);
    if (!err)
        err = make_message_signature(set);
    return err ? err : make_seal(set);
}

enum err arc_seal_finish(struct arc_sealer *sealer, const struct arc_chain *chain,
                         const struct dkim_signing_key *key, struct str results, int64_t now_s,
                         struct arena *arena, struct str *out_fields)
{
    assert(sealer->message->has_ended);
    if (chain->was_failed || chain->instance >= ARC_SETS_MAX)
        return ERR_UNSUPPORTED;
    struct new_set set = {sealer, chain, key, now_s, arena, chain->instance + 1, {{0}}};
    for (enum part part = 0; part < PARTS; part++)
        set.parts[part] = buf_make(FIELD_MAX);
    enum err err = make_set(&set, results);
    if (!err)
        *out_fields = arena_printf(arena, "%.*s%.*s%.*s", STR_FMT(buf_str(&set.parts[SEAL])),
                                   STR_FMT(buf_str(&set.parts[MESSAGE_SIGNATURE])),
                                   STR_FMT(buf_str(&set.parts[RESULTS])));
    for (enum part part = 0; part < PARTS; part++)
        buf_free(&set.parts[part]);
    return err;
}
