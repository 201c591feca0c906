#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a process backend may say stands in its manual page: each text of steps.c that has a hint.

    test-messages.py ROOT
"""

import re
import sys

from tree import finish, read

PAGE = "docs/man/sconce-backend-process.7.scd"
STEPS = "plugins/shared/process/steps.c"
# {STEP, ERROR, "text", hint}, the text perhaps on a line of its own.
OBSTACLE = re.compile(r'\{SCONCE_STEP_\w+, \w+,\s*"([^"]+)",\s*([^}]+?)\s*\}')


def main():
    root = sys.argv[1]
    page = read(root, PAGE)
    obstacles = OBSTACLE.findall(read(root, STEPS))
    problems = [
        "%s does not tell of: %s" % (PAGE, text)
        for text, hint in obstacles
        if hint != "NULL" and "*%s*" % text not in page
    ]
    if not obstacles:
        problems.append("no obstacles are found in %s" % STEPS)
    finish("messages", len(obstacles), problems)


if __name__ == "__main__":
    main()
