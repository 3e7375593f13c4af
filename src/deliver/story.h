/* What became of an attempt, in plain words. */
#ifndef DELIVER_STORY_H
#define DELIVER_STORY_H

#include "deliver/job.h"

/* One line on the attempt, one for each recipient. After queue_job_finish, which knows what comes
 * next. */
struct str story_tell(const struct job *job, struct str where, struct arena *arena);

#endif
