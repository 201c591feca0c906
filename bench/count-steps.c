/* SPDX-License-Identifier: Apache-2.0 */
#include "count-steps.h"

#include <signal.h>
#include <stddef.h>

#if !defined(__x86_64__)
#error "written for x86_64"
#endif

/*
 * count_steps_call(fn, ctx) - with TF (SDM vol 3A 2.3) from the call on: its change takes effect
 * behind the next instruction. The stack stays aligned as a call wants it.
 */
__asm__(".pushsection .text\n"
        ".hidden count_steps_call\n"
        ".global count_steps_call\n"
        ".type count_steps_call, @function\n"
        "count_steps_call:\n"
        "    sub $8, %rsp\n"
        "    mov %rdi, %rax\n"
        "    mov %rsi, %rdi\n"
        "    pushfq\n"
        "    orq $0x100, (%rsp)\n"
        "    popfq\n"
        "    call *%rax\n"
        "    pushfq\n"
        "    andq $~0x100, (%rsp)\n"
        "    popfq\n"
        "    add $8, %rsp\n"
        "    ret\n"
        ".size count_steps_call, . - count_steps_call\n"
        ".popsection\n");
int count_steps_call(int (*fn)(void *ctx), void *ctx);

/* pushfq, andq, popfq behind the call. */
#define OWN_STEPS 3u

static volatile uint64_t total;

static void on_trap(int signal)
{
    (void)signal;
    total++;
}

uint64_t count_steps(int (*fn)(void *ctx), void *ctx, int *ret_result)
{
    struct sigaction action = {.sa_handler = on_trap}, before;

    sigemptyset(&action.sa_mask);
    sigaction(SIGTRAP, &action, &before);
    total = 0;
    *ret_result = count_steps_call(fn, ctx);
    sigaction(SIGTRAP, &before, NULL);
    return total - OWN_STEPS;
}
