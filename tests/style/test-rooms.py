#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What may not stand in a folder, whatever it includes.

    test-rooms.py ROOT

The core knows no backend and no architecture, in code or comment. arch/ is compiled and tested on
every host, so it asks nothing about the host and allocates nothing. Nobody takes memory from the
stack by a number that may come from a guest.
"""

import re
import sys

from tree import finish, read, walk

COMMENT_OR_STRING = re.compile(
    r"""/\*.*?\*/ | //[^\n]* | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'""", re.DOTALL | re.VERBOSE
)

# folders | comments and strings too? | what is looked for | why it is out of place
RULES = [
    (
        ("core", "config", "pool"),
        True,
        r"\b(kvm|x86|x86[_-]64|amd64|aarch64|arm64|mshv|whp|hvf|unicorn|qemu"
        r"|EM_(X86_64|386|AARCH64|ARM|RISCV))\b",
        "the core names no backend and no architecture",
    ),
    (
        ("arch",),
        False,
        r"^\s*#\s*(?:if|ifdef|ifndef|elif)\b.*\b(__x86_64__|__i386__|__amd64__|__aarch64__|__arm__"
        r"|__linux__|__APPLE__|_WIN32|__BYTE_ORDER__)\b",
        "arch/ is the same on every host",
    ),
    (
        ("arch",),
        False,
        r"(?<![\w.>])(malloc|calloc|realloc|free|mmap|getenv|syscall|errno)\b",
        "arch/ works on values and on bytes that it is given",
    ),
    (
        ("common", "config", "core", "pool", "arch", "plugins", "cli", "guest", "examples",
         "bench", "tests"),
        False,
        r"(?<![\w.>])(alloca|__builtin_alloca|strdupa|strndupa)\s*\(",
        "no memory from the stack by a computed size",
    ),
]


def blank(match):
    """The same number of lines without the text."""
    return " " + "\n" * match[0].count("\n")


def main():
    root = sys.argv[1]
    problems = []
    checked = 0
    for folders, everything, pattern, why in RULES:
        pattern = re.compile(pattern, re.IGNORECASE | re.MULTILINE)
        for path in walk(root, folders):
            if not path.endswith((".c", ".h", ".S")):
                continue
            if "/tests/" in path and "tests" not in folders:
                continue
            text = read(root, path) or ""
            if not everything:
                text = COMMENT_OR_STRING.sub(blank, text)
            checked += 1
            for match in pattern.finditer(text):
                line = text.count("\n", 0, match.start(1)) + 1
                problems.append("%s:%d: '%s': %s" % (path, line, match[1], why))
    finish("files and rules", checked, problems)


if __name__ == "__main__":
    main()
