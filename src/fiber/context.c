#include "fiber/context.h"

#include <stdlib.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define WITH_TSAN 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define WITH_ASAN 1
#endif
#ifdef __SANITIZE_THREAD__
#define WITH_TSAN 1
#endif

#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#endif
#ifdef WITH_TSAN
#include <sanitizer/tsan_interface.h>
#endif
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif

/* ---- the switch itself ---- */

#ifdef FIBER_CONTEXT_UCONTEXT

static void jump(struct context *from, struct context *to)
{
    if (swapcontext(&from->saved, &to->saved) != 0)
        abort();
}

static void prepare(struct context *context, void (*entry)(void))
{
    if (getcontext(&context->saved) != 0)
        abort();
    context->saved.uc_stack.ss_sp = context->stack;
    context->saved.uc_stack.ss_size = context->stack_size;
    context->saved.uc_link = NULL;
    makecontext(&context->saved, entry, 0);
}

#else

/* Saves the registers that the ABI lets a callee keep, exchanges stacks, and returns on the other
 * one. The first return on a new stack goes to its entry function. */
void context_exchange(void **save_stack_pointer, void *load_stack_pointer);

#if defined(__x86_64__)
__asm__(".text\n"
        ".globl context_exchange\n"
        ".type context_exchange, @function\n"
        "context_exchange:\n"
        "    pushq %rbp\n"
        "    pushq %rbx\n"
        "    pushq %r12\n"
        "    pushq %r13\n"
        "    pushq %r14\n"
        "    pushq %r15\n"
        "    subq $8, %rsp\n"
        "    stmxcsr (%rsp)\n"
        "    fnstcw 4(%rsp)\n"
        "    movq %rsp, (%rdi)\n"
        "    movq %rsi, %rsp\n"
        "    ldmxcsr (%rsp)\n"
        "    fldcw 4(%rsp)\n"
        "    addq $8, %rsp\n"
        "    popq %r15\n"
        "    popq %r14\n"
        "    popq %r13\n"
        "    popq %r12\n"
        "    popq %rbx\n"
        "    popq %rbp\n"
        "    ret\n"
        ".size context_exchange, . - context_exchange\n");

static void *initial_stack_pointer(char *top, void (*entry)(void))
{
    /* Floating-point control, six registers, the address that `ret` goes to, and a zero where that
     * function would find its caller: so the stack is aligned as behind a call. */
    void **words = (void **)(void *)(top - 9 * sizeof(void *));
    memset(words, 0, 9 * sizeof(void *));
    __asm__ volatile("stmxcsr (%0)\n    fnstcw 4(%0)" : : "r"(words) : "memory");
    memcpy(&words[7], &entry, sizeof entry);
    return words;
}

#elif defined(__aarch64__)
__asm__(".text\n"
        ".globl context_exchange\n"
        ".type context_exchange, %function\n"
        "context_exchange:\n"
        "    sub sp, sp, #160\n"
        "    stp x19, x20, [sp, #0]\n"
        "    stp x21, x22, [sp, #16]\n"
        "    stp x23, x24, [sp, #32]\n"
        "    stp x25, x26, [sp, #48]\n"
        "    stp x27, x28, [sp, #64]\n"
        "    stp x29, x30, [sp, #80]\n"
        "    stp d8, d9, [sp, #96]\n"
        "    stp d10, d11, [sp, #112]\n"
        "    stp d12, d13, [sp, #128]\n"
        "    stp d14, d15, [sp, #144]\n"
        "    mov x9, sp\n"
        "    str x9, [x0]\n"
        "    mov sp, x1\n"
        "    ldp x19, x20, [sp, #0]\n"
        "    ldp x21, x22, [sp, #16]\n"
        "    ldp x23, x24, [sp, #32]\n"
        "    ldp x25, x26, [sp, #48]\n"
        "    ldp x27, x28, [sp, #64]\n"
        "    ldp x29, x30, [sp, #80]\n"
        "    ldp d8, d9, [sp, #96]\n"
        "    ldp d10, d11, [sp, #112]\n"
        "    ldp d12, d13, [sp, #128]\n"
        "    ldp d14, d15, [sp, #144]\n"
        "    add sp, sp, #160\n"
        "    ret\n"
        ".size context_exchange, . - context_exchange\n");

static void *initial_stack_pointer(char *top, void (*entry)(void))
{
    void **words = (void **)(void *)(top - 160);
    memset(words, 0, 160);
    memcpy(&words[11], &entry, sizeof entry); /* x30, where `ret` goes */
    return words;
}
#else
#error "no context switch for this processor: configure with -Dcontext=ucontext"
#endif

static void jump(struct context *from, struct context *to)
{
    context_exchange(&from->stack_pointer, to->stack_pointer);
}

static void prepare(struct context *context, void (*entry)(void))
{
    char *top = context->stack + context->stack_size;
    top -= (uintptr_t)top % 16;
    context->stack_pointer = initial_stack_pointer(top, entry);
}

#endif

/* ---- what tools want to know ---- */

static void tell_leaving(struct context *from, struct context *to, bool last)
{
    UNUSED(from);
    UNUSED(to);
    UNUSED(last);
#ifdef WITH_ASAN
    __sanitizer_start_switch_fiber(last ? NULL : &from->asan_fake_stack, to->stack, to->stack_size);
#endif
#ifdef WITH_TSAN
    __tsan_switch_to_fiber(to->tsan_fiber, 0);
#endif
}

static void tell_arrived(struct context *self, struct context *from)
{
    UNUSED(self);
    UNUSED(from);
#ifdef WITH_ASAN
    const void *bottom;
    size_t size;
    __sanitizer_finish_switch_fiber(self->asan_fake_stack, &bottom, &size);
    if (!from->stack_size) { /* a thread's own stack tells its place only now */
        from->stack = (char *)(uintptr_t)bottom;
        from->stack_size = size;
    }
#endif
}

void context_init_thread(struct context *context)
{
    memset(context, 0, sizeof *context);
#ifdef WITH_TSAN
    context->tsan_fiber = __tsan_get_current_fiber();
#endif
}

void context_init(struct context *context, char *stack, size_t stack_size, void (*entry)(void))
{
    memset(context, 0, sizeof *context);
    context->stack = stack;
    context->stack_size = stack_size;
#ifdef WITH_ASAN
    __asan_unpoison_memory_region(stack, stack_size); /* of the stack's former life */
    __lsan_register_root_region(stack, stack_size);
#endif
#ifdef WITH_TSAN
    context->tsan_fiber = __tsan_create_fiber(0);
#endif
#ifdef VALGRIND_STACK_REGISTER
    context->valgrind_id = (unsigned)VALGRIND_STACK_REGISTER(stack, stack + stack_size);
#endif
    prepare(context, entry);
}

void context_done(struct context *context)
{
    UNUSED(context);
#ifdef WITH_ASAN
    __lsan_unregister_root_region(context->stack, context->stack_size);
#endif
#ifdef WITH_TSAN
    __tsan_destroy_fiber(context->tsan_fiber);
#endif
#ifdef VALGRIND_STACK_DEREGISTER
    VALGRIND_STACK_DEREGISTER(context->valgrind_id);
#endif
}

void context_switch(struct context *from, struct context *to)
{
    tell_leaving(from, to, false);
    jump(from, to);
    tell_arrived(from, to);
}

void context_switch_last(struct context *from, struct context *to)
{
    tell_leaving(from, to, true);
    jump(from, to);
    abort(); /* a finished context was continued */
}

void context_arrived(struct context *self, struct context *from) { tell_arrived(self, from); }
