/* SPDX-License-Identifier: Apache-2.0 */
/* A guest that greets a visitor, in the language that it asks its host for. Ordinary C; what it
 * needs of a C library is in the SDK's small one, too. */
#include <stdio.h>
#include <string.h>

#include <sconce/guest.h>

SCONCE_IMPORT(const char *, visitor_language, (void));

static const struct {
    const char *language, *greeting;
} greetings[] = {{"en", "Hello"}, {"de", "Guten Tag"}, {"fr", "Bonjour"}, {"pl", "Dzień dobry"}};

SCONCE_EXPORT(sconce_str, greet, (const char *name))
{
    const char *language = visitor_language(), *greeting = greetings[0].greeting;

    for (size_t i = 0; i < sizeof greetings / sizeof greetings[0]; i++)
        if (!strcmp(greetings[i].language, language))
            greeting = greetings[i].greeting;
    printf("%s speaks %s\n", name, language);
    return sconce_format("%s, %s!", greeting, name);
}
