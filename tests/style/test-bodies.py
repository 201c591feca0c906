#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No function of more than eight lines stands in two backends.

    test-bodies.py ROOT

What backends of one mechanism share is in plugins/shared/MECHANISM/, what those of one architecture
share in arch/ARCH/. Compared are the words of a body, without comments and layout, and with each
backend's own name and its architecture's taken out of the identifiers: a copy in which they were
replaced is a copy.
"""

import os
import re
import sys

from tree import finish, read, walk

FEW_LINES = 8

# As they stand in identifiers, where not the whole name does.
SHORT = {"x86_64": "x86", "aarch64": "a64"}

NOISE = re.compile(
    r"""/\*.*?\*/ | //[^\n]* | (?P<text>"(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*')""",
    re.DOTALL | re.VERBOSE,
)
WORD = re.compile(r"""\w+|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|[^\w\s]""")
# In the project's layout a function's braces are alone in their lines, in the first column.
FUNCTION = re.compile(r"^(?P<head>\w[^;{}]*?\b(?P<name>\w+)\((?:[^;{}]*)\)[^;{}()]*)\n\{\n(?P<body>.*?)^\}$",
                      re.DOTALL | re.MULTILINE)  # fmt: skip


def blank(match):
    """Comments go, their line breaks and all strings stay."""
    return match["text"] or "\n" * match[0].count("\n")


def names_of(backend):
    """What of an identifier tells which backend it is of: whole words between underscores."""
    mechanism, _, arch = backend.partition("-")
    names = [mechanism, arch, SHORT.get(arch, "")]
    return re.compile(r"(?<![a-zA-Z0-9])(%s)(?![a-zA-Z0-9])" % "|".join(re.escape(n) for n in names if n),
                      re.IGNORECASE)  # fmt: skip


def words(body, names):
    return tuple(
        word if word[0] in "\"'" else names.sub("*", word) for word in WORD.findall(body)
    )


def functions(text):
    """(name, line, lines of the body, body) of each function of a C file."""
    text = NOISE.sub(blank, text)
    for match in FUNCTION.finditer(text):
        lines = sum(1 for line in match["body"].splitlines() if line.strip())
        yield match["name"], text.count("\n", 0, match.start("body")), lines, match["body"]


def backend_of(path):
    """The backend whose folder a C file is in; None for what is shared or tests."""
    parts = path.split(os.sep)
    if len(parts) != 3 or parts[1] == "shared" or not path.endswith((".c", ".h")):
        return None
    return parts[1]


def main():
    root = sys.argv[1]
    seen = {}  # words: (backend, where)
    problems = []
    checked = 0
    for path in walk(root, ("plugins",)):
        backend = backend_of(path)
        if not backend:
            continue
        names = names_of(backend)
        for name, line, lines, body in functions(read(root, path) or ""):
            checked += 1
            if lines <= FEW_LINES:
                continue
            where = "%s:%d: %s()" % (path, line, name)
            other, first = seen.setdefault(words(body, names), (backend, where))
            if other != backend:
                problems.append("%s has the %d lines of %s" % (where, lines, first))
    finish("functions", checked, problems)


if __name__ == "__main__":
    main()
