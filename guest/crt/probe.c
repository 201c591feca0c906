/* SPDX-License-Identifier: Apache-2.0 */
/* Linked while the build is configured, to see whether a compiler makes programs; never run. */
void _start(void);
void _start(void)
{
}
