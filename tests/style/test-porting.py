#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/porting.md explains two backends side by side, file by file, and leaves none out.

    test-porting.py ROOT

A heading "`A` beside `B`" opens a table whose first column names files. All files of both folders are
there, and no others; what is in a folder of theirs counts as that folder ("tests/").
"""

import os
import re
import sys

from tree import finish, read, walk

PAGE = "docs/porting.md"
SECTION = re.compile(r"^#+ `([\w-]+)` beside `([\w-]+)`$(.*?)(?=^#|\Z)", re.DOTALL | re.MULTILINE)
FIRST_CELL = re.compile(r"^\|([^|]*`[^|]*)\|", re.MULTILINE)
NAME = re.compile(r"`([\w./-]+)`")


def files_of(root, backend):
    """Names in a backend's folder, without the folder."""
    top = "plugins/" + backend
    paths = [os.path.relpath(path, top) for path in walk(root, (top,))]
    return {path if os.sep not in path else path.split(os.sep)[0] + "/" for path in paths}


def own_name(name, backends):
    """NAME.h stands for the header that each backend calls after itself."""
    return "NAME.h" if name in [backend + ".h" for backend in backends] else name


def main():
    root = sys.argv[1]
    problems = []
    checked = 0
    for first, second, text in SECTION.findall(read(root, PAGE) or ""):
        backends = (first, second)
        there = {own_name(n, backends) for b in backends for n in files_of(root, b)}
        named = {name for cell in FIRST_CELL.findall(text) for name in NAME.findall(cell)}
        checked += len(named)
        where = "%s, %s beside %s: " % (PAGE, first, second)
        problems += [where + "%s is not explained" % name for name in sorted(there - named)]
        problems += [where + "%s is in neither" % name for name in sorted(named - there)]
    finish("files explained", checked, problems)


if __name__ == "__main__":
    main()
