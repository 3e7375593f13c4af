/* What our domains want of mail from strangers. Made once, then only read, by all sessions. */
#ifndef RECEIVE_DOMAINS_H
#define RECEIVE_DOMAINS_H

#include "base/str.h"

/* What is done about others' published policies (docs: `dmarc`). */
enum receive_dmarc {
    RECEIVE_DMARC_ENFORCE,    /* what fails is refused where its policy says so */
    RECEIVE_DMARC_QUARANTINE, /* what fails goes into Junk */
    RECEIVE_DMARC_MARK,       /* it is only told in Authentication-Results */
    RECEIVE_DMARC_OFF,        /* nothing is looked up */
};

struct receive_domains;

struct receive_domains *receive_domains_new(void);
/* Takes NULL. */
void receive_domains_free(struct receive_domains *domains);
void receive_domains_add(struct receive_domains *domains, struct str name,
                         enum receive_dmarc dmarc);
/* The name in any case. RECEIVE_DMARC_QUARANTINE for one that is not there. */
enum receive_dmarc receive_domains_dmarc(const struct receive_domains *domains, struct str name);

#endif
