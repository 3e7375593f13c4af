/* A resolver that does not wait long for servers that are silent: whoever asks has a long deadline,
 * for slow servers, and would spend all of it on dead ones, in each conversation again. */
#include "base/mem.h"
#include "dns/resolver_internal.h"
#include "fiber/loop.h"

#define SILENCE_MS      3000  /* a question that fails after so long had no answer */
#define SILENCES_MIN    3     /* so many, */
#define SILENT_AFTER_MS 20000 /* and nothing else for so long: the servers are silent */
#define IMPATIENCE_MS   1000  /* what a question then gets; */
#define PATIENCE_MS     5000  /* one of them this, to find out whether they only became slow, */
#define PATIENT_EVERY   30000 /* so often */

struct impatient {
    struct resolver resolver; /* first */
    struct resolver *inner;
    uint64_t silent_from_ms; /* unless something is answered before */
    uint64_t patient_ms;     /* when the next question gets more time */
    unsigned silences;       /* since the last answer */
};

static bool are_silent(const struct impatient *self, uint64_t now_ms)
{
    return self->silences >= SILENCES_MIN && now_ms >= self->silent_from_ms;
}

static uint64_t deadline_for(struct impatient *self, uint64_t now_ms, uint64_t deadline_ms)
{
    uint64_t within_ms = IMPATIENCE_MS;
    if (!are_silent(self, now_ms))
        return deadline_ms;
    if (now_ms >= self->patient_ms) {
        self->patient_ms = now_ms + PATIENT_EVERY;
        within_ms = PATIENCE_MS;
    }
    return deadline_ms < now_ms + within_ms ? deadline_ms : now_ms + within_ms;
}

static void learn(struct impatient *self, const struct dns_answer *answer, uint64_t began_ms)
{
    uint64_t now_ms = loop_now_ms();
    if (answer->result != DNS_FAILED) {
        self->silent_from_ms = now_ms + SILENT_AFTER_MS;
        self->silences = 0;
    } else if (now_ms - began_ms >= SILENCE_MS && self->silences < SILENCES_MIN) {
        self->silences++;
        self->patient_ms = now_ms + PATIENT_EVERY;
    }
}

static enum err impatient_ask(struct resolver *resolver, const struct dns_name *name,
                              enum dns_type type, uint64_t deadline_ms, struct arena *arena,
                              struct dns_answer *out_answer)
{
    struct impatient *self = (struct impatient *)resolver;
    uint64_t began_ms = loop_now_ms();
    deadline_ms = deadline_for(self, began_ms, deadline_ms);
    enum err err =
        self->inner->methods->ask(self->inner, name, type, deadline_ms, arena, out_answer);
    if (!err)
        learn(self, out_answer, began_ms);
    return err;
}

static void impatient_free(struct resolver *resolver)
{
    struct impatient *self = (struct impatient *)resolver;
    resolver_free(self->inner);
    mem_free(self);
}

static const struct resolver_methods methods = {impatient_ask, impatient_free};

struct resolver *resolver_impatient(struct resolver *first, bool are_silent)
{
    struct impatient *self = NEW(struct impatient);
    self->resolver.methods = &methods;
    self->inner = first;
    self->silent_from_ms = self->patient_ms = loop_now_ms() + SILENT_AFTER_MS;
    if (are_silent) {
        self->silent_from_ms = loop_now_ms();
        self->silences = SILENCES_MIN;
    }
    return &self->resolver;
}
