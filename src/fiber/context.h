/* A place where execution can be left and taken up again: a stack and the registers saved on it.
 * Our own assembly on x86-64 and aarch64 (no system call, about 15 ns); swapcontext elsewhere and
 * with -Dcontext=ucontext. Tells AddressSanitizer, ThreadSanitizer and Valgrind about every stack
 * and switch. Used by the loop and nobody else. */
#ifndef FIBER_CONTEXT_H
#define FIBER_CONTEXT_H

#include "base/defs.h"

#ifdef FIBER_CONTEXT_UCONTEXT
#include <ucontext.h>
#endif

struct context {
#ifdef FIBER_CONTEXT_UCONTEXT
    ucontext_t saved;
#else
    void *stack_pointer;
#endif
    char *stack; /* lowest address, NULL for a thread's own */
    size_t stack_size;
    void *asan_fake_stack;
    void *tsan_fiber;
    unsigned valgrind_id;
};

/* Turns the present thread into a context that can be switched away from and back to. */
void context_init_thread(struct context *context);
/* The first switch to it calls `entry`, which never returns: it switches away with
 * context_switch_last. */
void context_init(struct context *context, char *stack, size_t stack_size, void (*entry)(void));
void context_done(struct context *context);
/* Saves the present as `from` and continues at `to`. */
void context_switch(struct context *from, struct context *to);
/* The same when `from` will never be continued. */
void context_switch_last(struct context *from, struct context *to);
/* To be called first thing in an entry function; `from`: whence it was switched to. */
void context_arrived(struct context *self, struct context *from);

#endif
