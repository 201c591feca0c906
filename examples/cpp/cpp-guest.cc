// SPDX-License-Identifier: Apache-2.0
/*
 * C++ in a sandbox, with the compiler's own library: exceptions, iostream, containers, <regex>.
 * count_words(string) -> string; the others show what becomes of exceptions.
 */
#include <iomanip>
#include <iostream>
#include <map>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>

#include <sconce/guest.h>

namespace
{
/* The constructors of objects like this one have run before the first call. */
const std::regex word("[[:alpha:]]+");

/* Its destructor runs, whichever way the function is left. */
struct said {
    const char *what;
    ~said()
    {
        std::cout << what << '\n';
    }
};

int to_number(const std::string &text)
{
    const said leave{"leaving to_number"};

    return std::stoi(text); /* throws */
}

sconce_str copy(const std::string &text)
{
    return sconce_format("%s", text.c_str());
}
} // namespace

SCONCE_EXPORT(sconce_str, count_words, (const char *given))
{
    const std::string text(given);
    std::map<std::string, int> counts;
    std::ostringstream out;

    for (std::sregex_iterator at(text.begin(), text.end(), word), end; at != end; ++at)
        counts[at->str()]++;
    for (const auto &entry : counts)
        out << std::setw(12) << std::left << entry.first << ' ' << entry.second << '\n';
    std::cout << counts.size() << " different words\n";
    return copy(out.str());
}

/* Thrown and caught inside: to the host it is a call that failed, and the next one is served. */
SCONCE_EXPORT(int, number, (const char *text))
{
    try {
        return to_number(text);
    } catch (const std::logic_error &e) {
        sconce_fail(1, "no number: %s", e.what());
        return 0;
    }
}

/* Thrown, and caught by nobody: the end of this guest. */
SCONCE_EXPORT(int, number_or_die, (const char *text))
{
    return to_number(text);
}
