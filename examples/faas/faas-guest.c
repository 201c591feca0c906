/* SPDX-License-Identifier: Apache-2.0 */
/* The function as a guest: handle(string, bytes) -> bytes. What is done once is done before the
 * snapshot that each request begins as. */
#include <sconce/guest.h>

#include "savings.h"

#define BAD_REQUEST 400

int main(void)
{
    savings_start();
    return 0;
}

SCONCE_EXPORT(sconce_bytes, handle, (const char *path, sconce_bytes body))
{
    sconce_bytes answer = {NULL, 0};
    char *text = sconce_alloc(SAVINGS_TEXT_BYTES);

    if (!text)
        sconce_abort("the heap cannot hold an answer");
    if (savings(path, body.data, body.length, text, &answer.length))
        sconce_fail(BAD_REQUEST, "%.*s", (int)answer.length, text);
    answer.data = text;
    return answer;
}
