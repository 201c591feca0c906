/* SPDX-License-Identifier: Apache-2.0 */
/* A program of the host, which is no guest. */
int main(void)
{
    return 0;
}
