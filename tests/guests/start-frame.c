/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rings a doorbell by hand during start-up, with a frame that does not belong there. Built several
 * times with other numbers: making a sandbox is GUEST_PROTOCOL each time.
 */
#include <string.h>

#include <sconce/guest.h>

int main(void);
int main(void)
{
    struct sconce_frame *frame = (struct sconce_frame *)sconce_boot()->out_addr;

    memset(frame, 0, sizeof *frame);
    frame->kind = START_KIND;
    frame->used_bytes = sizeof *frame;
    sconce_doorbell(START_DOORBELL);
    return 0;
}
