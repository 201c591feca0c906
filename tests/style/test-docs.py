#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the documents point at is there: links, and files and folders named in `code`.

    test-docs.py ROOT
"""

import os
import re
import sys

from tree import finish, read, walk

LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)[^)]*\)")
# A path of the tree: known first folder, a slash, no placeholder in capitals, star or blank.
CODE_PATH = re.compile(r"`([a-z][\w.-]*/[\w./-]*)`")
# Named as what is to come.
PLANNED = {"plugin-api/frozen/"}
CODE_BLOCK = re.compile(r"^```.*?^```|^    .*?$", re.DOTALL | re.MULTILINE)


def named_paths(root, path, text):
    """(as written, where that would be)"""
    text = CODE_BLOCK.sub("", text)
    for target in LINK.findall(text):
        if "://" not in target:
            yield target, os.path.join(os.path.dirname(path), target)
    for target in CODE_PATH.findall(text):
        first = target.split("/")[0]
        placeholder = re.search(r"[A-Z]{3}", target)
        if os.path.isdir(os.path.join(root, first)) and not placeholder:
            yield target, target


def main():
    root = sys.argv[1]
    problems = []
    checked = 0
    for path in walk(root):
        if not path.endswith(".md"):
            continue
        for written, target in named_paths(root, path, read(root, path) or ""):
            checked += 1
            # Build trees are made, not kept.
            if target in PLANNED or target.startswith("build"):
                continue
            if not os.path.exists(os.path.join(root, target)):
                problems.append("%s: names %s, which is not there" % (path, written))
    finish("names", checked, problems)


if __name__ == "__main__":
    main()
