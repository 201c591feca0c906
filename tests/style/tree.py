# SPDX-License-Identifier: Apache-2.0
"""Which files are the project's own, and how the style tests report what they find."""

import os
import sys

CODE = (".c", ".h", ".S", ".lds", ".py", ".map", ".syms")
C_CODE = (".c", ".h")


def walk(root, folders=("",)):
    """Paths from @root of every file below @folders, build trees and hidden folders left out."""
    for top in folders:
        for folder, subfolders, files in os.walk(os.path.join(root, top)):
            subfolders[:] = sorted(
                d
                for d in subfolders
                if d == ".ci" or not d.startswith((".", "build", "__pycache__"))
            )
            for name in sorted(files):
                yield os.path.relpath(os.path.join(folder, name), root)


def read(root, path):
    """The text of a file; None when it is no text."""
    with open(os.path.join(root, path), "rb") as file:
        data = file.read()
    if b"\0" in data:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def is_code(path, text):
    """Is this something that people write code in (rather than prose, data or configuration)?"""
    name = os.path.basename(path)
    return path.endswith(CODE) or name.startswith("meson") or text.startswith("#!")


def finish(what, checked, problems):
    """Print the problems; a test that looked at nothing has failed, too."""
    for problem in problems:
        print(problem)
    print("%s: %d checked, %d problems" % (what, checked, len(problems)))
    sys.exit(1 if problems or not checked else 0)
