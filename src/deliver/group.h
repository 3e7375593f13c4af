/* The recipients of a job that one transaction can serve. Most jobs are one group; it is several
 * where recipients came by different aliases, so that the message leaves with different senders and
 * fields on top, or where only some have an address that needs SMTPUTF8. */
#ifndef DELIVER_GROUP_H
#define DELIVER_GROUP_H

#include "deliver/job.h"

/* The next group becomes job->group. False: every recipient was in one. */
bool job_next_group(struct job *job);
/* What became of the group: one outcome for each of job->group.recipients. */
void job_decide_group(struct job *job, const struct queue_outcome *outcomes);
/* Whether something became of any recipient before this group: then the job cannot be given back.
 */
bool job_has_begun(const struct job *job);

#endif
