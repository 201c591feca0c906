#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every file: licence line, length, white space, and no path of somebody's machine.

    test-files.py ROOT
"""

import os
import re
import sys

from tree import is_code, read, walk, finish

SPDX = "SPDX-License-Identifier: Apache-2.0"
SOFT_LINES = 400  # reported: is it still one idea?
HARD_LINES = 800

# Absolute paths that can only mean the machine of whoever wrote them; ada lives in examples.
MACHINE_PATH = re.compile(r"(?<![\w.$}/-])/(?:work|root|farm|mnt|Users|home/(?!ada\b)\w+)/[\w.]")
BAD_SPACE = re.compile(r"[ \t]+$", re.MULTILINE)


def check(path, text):
    problems = []
    lines = text.count("\n")
    if is_code(path, text):
        if SPDX not in "\n".join(text.split("\n")[:3]):
            problems.append("%s:1: no line '%s' at the top" % (path, SPDX))
        if lines > HARD_LINES:
            problems.append("%s: %d lines; the limit is %d" % (path, lines, HARD_LINES))
        elif lines > SOFT_LINES:
            print("note: %s: %d lines; more than %d" % (path, lines, SOFT_LINES))
        if "\t" in text and not path.endswith(".S"):
            problems.append("%s: has tabs" % path)
    if text and not text.endswith("\n"):
        problems.append("%s: no newline at the end" % path)
    for match in BAD_SPACE.finditer(text):
        problems.append(
            "%s:%d: space at the end of the line" % (path, text.count("\n", 0, match.start()) + 1)
        )
    if "\r" in text:
        problems.append("%s: carriage return" % path)
    for number, line in enumerate(text.split("\n"), 1):
        match = MACHINE_PATH.search(line)
        if match:
            problems.append("%s:%d: a path of one machine: %s" % (path, number, line.strip()))
    return problems


def main():
    root = sys.argv[1]
    problems = []
    checked = 0
    for path in walk(root):
        text = read(root, path)
        # Test data is what it is; fuzz corpora above all.
        if text is None or "/data/" in path or "/corpus/" in path or "corpora" in path:
            continue
        if os.path.basename(path) == "LICENSE":
            continue
        checked += 1
        problems += check(path, text)
    finish("files", checked, problems)


if __name__ == "__main__":
    main()
