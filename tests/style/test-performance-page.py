#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tools/performance-page merges runs, tells ratios and never times, and wants a cause for each miss.

    test-performance-page.py ROOT
"""

import json
import os
import subprocess
import sys
import tempfile

from tree import finish

TOOL = os.path.join(sys.argv[1], "tools", "performance-page")
MACHINE = {"system": "Linux", "kernel": "6.1.0-x", "architecture": "x86_64", "processor": "Any",
           "compiler": "12.2.0", "processors": 2, "memory_mib": 4096, "virtual": False}  # fmt: skip
NOTE = "[kvm-* call.null]\nmissed = an ioctl more.\n"


def side(median):
    return {"p10": median, "median": median, "p99": median, "exits": 1, "ioctls": 1, "syscalls": 2,
            "instructions": None}  # fmt: skip


def row(ratio, low, high, verdict, metric="call.null"):
    return {"metric": metric, "backend": "kvm-x86_64", "unit": "us", "operation": "a call",
            "against": "a round trip", "axis": None, "at": None, "floor": side(12345.678),
            "ours": side(12345.678 * ratio), "bare": side(6172.839), "ratio": ratio, "low": low,
            "high": high, "target": 1.10, "verdict": verdict}  # fmt: skip


def run(notes, *rows):
    """Exit status, the page, standard error; a run for each of @rows."""
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for i, one in enumerate(rows):
            paths.append(os.path.join(folder, "%d.json" % i))
            with open(paths[-1], "w", encoding="utf-8") as file:
                json.dump({"version": "0.1.0", "machine": MACHINE, "rows": [one] if one else []}, file)
        with open(os.path.join(folder, "notes.ini"), "w", encoding="utf-8") as file:
            file.write(notes)
        done = subprocess.run(
            [TOOL, "--notes=" + os.path.join(folder, "notes.ini"), "--to=" + folder] + paths,
            capture_output=True, text=True, check=False)  # fmt: skip
        page = os.path.join(folder, "performance.md")
        text = open(page, encoding="utf-8").read() if os.path.exists(page) else ""
        return done.returncode, text, done.stderr


PROBLEMS = []


def expect(what, true):
    if not true:
        PROBLEMS.append("tools/performance-page: " + what)


def main():
    met = row(1.05, 1.04, 1.06, "met")
    status, page, _ = run("", met, row(1.07, 1.06, 1.09, "met"), row(1.01, 1.0, 1.02, "met"))
    expect("three runs are not merged", status == 0 and "| 1.05 | 1.00 to 1.09 | 1.10 | met |" in page)
    expect("a time is told", "12345" not in page and "6172" not in page)
    expect("counts are not told", "| `call.null` | 1 | 1 | 1 | 1 | 2 | 2 | - | - |" in page)

    _, page, _ = run("", met, row(1.2, 1.19, 1.21, "missed"))
    expect("runs that do not agree are not open", "| 1.10 | open |" in page)

    missed = row(1.2, 1.19, 1.21, "missed")
    status, page, said = run("", missed)
    expect("a miss without a cause passes", status == 1 and "kvm-x86_64 call.null" in said)
    expect("a miss without a cause is not told as one", "not been measured" in page)
    status, page, _ = run(NOTE, missed)
    expect("a miss's cause is not told", status == 0 and "- `call.null`: an ioctl more." in page)
    status, _, said = run(NOTE.replace("ioctl", "ioctl of 3 us"), missed)
    expect("a time in a note passes", status == 1 and "3 us" in said)
    _, page, _ = run("[* call.*]\nfloor = with slots.\n", met)
    expect("a floor's note has no ratio to the bare one", "with slots. That is 2.00 times" in page)

    expect("a run without rows is no error", run("", None)[0] == 2)
    finish("performance-page", 10, PROBLEMS)


main()
