/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main of guests that have none. Alone in its file: sconce-cc asks the linker for main, and what is
 * named before the SDK's library, other libraries among it, comes first.
 */
extern int main(void);

int main(void)
{
    return 0;
}
