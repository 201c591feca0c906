/* SPDX-License-Identifier: Apache-2.0 */
/* <sconce/guest.h>'s registers of this architecture are the file that sconce-regs-ARCH.h has, and
 * its kinds of faults are those of <sconce/error.h>. */
#include <stddef.h>

#include <sconce/error.h>
/* Which defines the kinds once more: they must be the same to the letter. */
#include "guest/include/sconce/guest.h"

#include "sconce-regs-aarch64.h"
#include "sconce-regs-x86_64.h"

#define SAME(member, file, theirs)                                                                 \
    _Static_assert(offsetof(struct sconce_guest_regs, member) == offsetof(struct file, theirs),    \
                   #member " is elsewhere")

#if defined(__x86_64__)
_Static_assert(sizeof(struct sconce_guest_regs) == sizeof(struct sconce_x86_standard), "size");
SAME(rax, sconce_x86_standard, rax);
SAME(rbx, sconce_x86_standard, rbx);
SAME(rcx, sconce_x86_standard, rcx);
SAME(rdx, sconce_x86_standard, rdx);
SAME(rsi, sconce_x86_standard, rsi);
SAME(rdi, sconce_x86_standard, rdi);
SAME(rbp, sconce_x86_standard, rbp);
SAME(rsp, sconce_x86_standard, rsp);
SAME(r8, sconce_x86_standard, r8);
SAME(r15, sconce_x86_standard, r15);
SAME(rip, sconce_x86_standard, rip);
SAME(rflags, sconce_x86_standard, rflags);
#elif defined(__aarch64__)
_Static_assert(sizeof(struct sconce_guest_regs) == sizeof(struct sconce_a64_standard), "size");
SAME(x, sconce_a64_standard, x);
SAME(sp, sconce_a64_standard, sp);
SAME(pc, sconce_a64_standard, pc);
SAME(pstate, sconce_a64_standard, pstate);
#endif

int main(void)
{
    return 0; /* all is said above */
}
