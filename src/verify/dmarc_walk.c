#include "verify/dmarc_walk.h"

#include "verify/domain.h"

/* Above a name of eight labels or more the walk goes on with the last seven. */
#define LABELS_AFTER_FIRST 7

/* The one DMARC record among the answer's; several are as good as none. */
static bool select_record(const struct dns_answer *answer, struct arena *arena,
                          struct dmarc_record *out_record)
{
    size_t count = 0;
    for (size_t i = 0; i < answer->count; i++) {
        struct str txt;
        struct dmarc_record record;
        if (!dns_txt_parse(answer->records[i].data, arena, &txt) &&
            dmarc_record_parse(txt, &record)) {
            *out_record = record;
            count++;
        }
    }
    return count == 1;
}

/* The top-level domain is asked last. Where a record was found below it, its own matters only if it
 * is a public suffix and the record lies below the name it registers; not for that shall mail wait
 * when its servers do not answer. */
static bool is_needless(const struct dmarc_walk *walk)
{
    return walk->labels_left == 0 && walk->count > 0;
}

/* Looks for a record at the next name, which is then the one above. */
static MAY_YIELD void take_step(struct dmarc_walk *walk)
{
    struct str domain = domain_last_labels(walk->domain, walk->labels_left);
    struct str name = arena_printf(walk->arena, "_dmarc.%.*s", STR_FMT(domain));
    struct dns_answer answer;
    struct dmarc_record record;
    walk->labels_left = min_size(walk->labels_left - 1, LABELS_AFTER_FIRST);
    enum err err = dns_ask(walk->resolver, name, DNS_TXT, walk->deadline_ms, walk->arena, &answer);
    if (err == ERR_SYNTAX)
        return; /* too long a name for the DNS: there is no record */
    if (err || answer.result == DNS_FAILED) {
        walk->is_incomplete = !is_needless(walk);
        return;
    }
    if (domain.len == walk->domain.len)
        walk->name_exists = answer.result != DNS_NO_NAME; /* RFC 8020: with what is below it */
    if (select_record(&answer, walk->arena, &record))
        walk->steps[walk->count++] = (struct dmarc_step){domain, record};
}

static bool is_at_end(const struct dmarc_walk *walk)
{
    return walk->labels_left == 0 || walk->is_incomplete ||
           (walk->count > 0 && walk->steps[walk->count - 1].record.psd != DMARC_PSD_UNKNOWN);
}

void dmarc_walk_begin(struct resolver *resolver, struct str domain, uint64_t deadline_ms,
                      struct arena *arena, struct dmarc_walk *out_walk)
{
    *out_walk = (struct dmarc_walk){
        .resolver = resolver,
        .deadline_ms = deadline_ms,
        .arena = arena,
        .domain = domain,
        .labels_left = domain_label_count(domain),
    };
    if (out_walk->labels_left > 0)
        take_step(out_walk);
}

void dmarc_walk_finish(struct dmarc_walk *walk)
{
    while (!is_at_end(walk))
        take_step(walk);
}

struct str dmarc_walk_organization(const struct dmarc_walk *walk)
{
    for (size_t i = 0; i < walk->count; i++) {
        const struct dmarc_step *step = &walk->steps[i];
        bool is_start = step->domain.len == walk->domain.len;
        if (step->record.psd == DMARC_PSD_NO)
            return step->domain;
        if (step->record.psd == DMARC_PSD_YES && !is_start)
            return domain_last_labels(walk->domain, domain_label_count(step->domain) + 1);
    }
    return walk->count > 0 ? walk->steps[walk->count - 1].domain : walk->domain;
}

static const struct dmarc_step *find_step(const struct dmarc_walk *walk, struct str domain)
{
    for (size_t i = 0; i < walk->count; i++)
        if (walk->steps[i].domain.len == domain.len)
            return &walk->steps[i];
    return NULL;
}

const struct dmarc_step *dmarc_walk_policy(const struct dmarc_walk *walk)
{
    const struct dmarc_step *step = find_step(walk, walk->domain);
    if (!step)
        step = find_step(walk, dmarc_walk_organization(walk));
    if (!step && walk->count > 0 && walk->steps[walk->count - 1].record.psd == DMARC_PSD_YES)
        step = &walk->steps[walk->count - 1];
    return step;
}
