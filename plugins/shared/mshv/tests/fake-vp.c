/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/shared/mshv/tests/fake-vp.h"

#include <string.h>

#define MOST 256u

unsigned gets, sets;

static struct {
    uint32_t name;
    bool taken;
    struct mshv_value value;
} registers[MOST];

struct mshv_value *hv_reg(uint32_t name)
{
    for (size_t i = 0; i < MOST; i++)
        if (!registers[i].taken || registers[i].name == name) {
            registers[i].name = name;
            registers[i].taken = true;
            return &registers[i].value;
        }
    fail();
    return NULL;
}

void fake_vp_repetition(uint16_t code, const void *head, const void *in, void *out)
{
    struct mshv_register to;
    uint32_t name;

    (void)head;
    if (code == MSHV_HVCALL_GET_VP_REGISTERS) {
        memcpy(&name, in, sizeof name);
        memcpy(out, hv_reg(name), sizeof(struct mshv_value));
        gets++;
    } else if (code == MSHV_HVCALL_SET_VP_REGISTERS) {
        memcpy(&to, in, sizeof to);
        *hv_reg(to.name) = to.value;
        sets++;
    }
}

int fake_vp_start_over(void **state)
{
    fake_start_over(state);
    fake.repetition = fake_vp_repetition;
    memset(registers, 0, sizeof registers);
    gets = sets = 0;
    return 0;
}
