#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The table that closes tools/check finds a backend that went unexercised.

    test-check-table.py ROOT
"""

import os
import platform
import sys
from types import SimpleNamespace

from tree import finish

sys.path.insert(0, os.path.join(sys.argv[1], "tools"))
from checking import backends  # pylint: disable=wrong-import-position


def test(name, result="OK", stdout=""):
    return {"name": "sconce:" + name, "result": result, "stdout": stdout}


def stage(name, *tests):
    return SimpleNamespace(name=name, heard=list(tests))


ROWS = test("plugin+process-x86_64 / plugin-check",
            stdout="process-x86_64: 90 passed, 0 failed, 2 skipped\n")  # fmt: skip
NO_ROWS = test("plugin+process-x86_64 / plugin-check", "SKIP",
               "process-x86_64 cannot be used on this machine: no\n"
               "process-x86_64: 9 passed, 0 failed, 83 skipped\n")  # fmt: skip
OTHER = test("unit / a")

# backend | stages | can this machine run it? | what must be said | is it a problem?
PROCESS, KVM = "process-x86_64", "kvm-x86_64"
CASES = [
    (PROCESS, [stage("gcc", ROWS)], True, "exercised", False),
    (PROCESS, [stage("gcc", ROWS), stage("bare", ROWS)], True, "as nobody", False),
    (PROCESS, [stage("gcc", ROWS), stage("bare", NO_ROWS)], True, "in bare", True),
    (PROCESS, [stage("gcc", ROWS), stage("bare", OTHER)], True, "NOT EXERCISED in bare", True),
    (PROCESS, [stage("gcc", OTHER)], True, "NOT EXERCISED in gcc", True),
    (PROCESS, [stage("gcc", OTHER)], False, "cannot run it", False),
    (KVM, [stage("gcc", test("kvm-x86_64 / units"))], False, "SKIPPED", False),
    (PROCESS, [stage("gcc", ROWS, test("process / p", "SKIP"))], True, "skipped p", True),
    (PROCESS, [stage("gcc", ROWS, test("e2e+process-x86_64 / q", "SKIP"))], True,
     "skipped q", True),
    (PROCESS, [stage("gcc", test("kvm / k", "SKIP"), ROWS)], True, "exercised", False),
    (PROCESS, [stage("bare", ROWS)], True, "as nobody", False),
    # What only root may look at is looked at by root.
    (PROCESS, [stage("gcc", ROWS), stage("bare", ROWS, test("process+root / t", "SKIP"))], True,
     "as nobody", False),
    (PROCESS, [stage("gcc", ROWS, test("process+root / t", "SKIP"))], True,
     "skipped t" if os.geteuid() == 0 else "exercised", os.geteuid() == 0),
    # A device is not everybody's: its backend is none of bare's business.
    (KVM, [stage("gcc", test("kvm / k")), stage("bare", test("kvm / k", "SKIP"))], True,
     "exercised", False),
    (KVM, [stage("bare", test("kvm / k", "SKIP"))], True, None, None),
    ("stub", [stage("fuzz", ROWS)], True, None, None),
]  # fmt: skip

# release | actions of seccomp | are there locked processes?
MACHINES = [
    ("6.1.0-18-amd64", "kill_process trap user_notif allow", True),
    ("5.10.0", "trap user_notif", True),
    ("5.9.16", "trap user_notif", False),
    ("6.1.0", "trap allow", False),
    ("unheard of", "trap user_notif", False),
]


def check_verdicts(problems):
    for name, stages, runs, said, bad in CASES:
        trials = backends.trials_of(name, stages)
        if said is None:
            if trials:
                problems.append("%s in %s should have no line" % (name, stages[0].name))
            continue
        text, problem = backends.verdict(name, trials, runs)
        if said not in text or problem != bad:
            problems.append("%s: %r, %s; not %r, %s" % (name, text, problem, said, bad))


# passed | problems | what QEMU cannot do | its own tests? | what must be said | a problem of the
# table's?
LAB_CASES = [
    (90, [], [], False, "exercised", False),
    (90, [], ["a row: why"], False, "known, a row: why", False),
    (90, ["a row: no"], [], False, "FAILED", False),
    (0, [], [], False, "NOT EXERCISED", True),
    (9, [], [], True, "by its own tests", False),
    (0, [], [], True, "NOT EXERCISED", True),
]


# What played its device in the lab | what is said of a backend that was skipped here.
ELSEWHERE = [
    ([], "SKIPPED: no device"),
    ([""], "cannot run here; exercised in a lab, see below"),
    (["6.15", "newer"],
     "SKIPPED: no device; exercised over a double of its device in a lab, see below"),
    (["6.15", ""], "cannot run here; exercised in a lab, see below"),
]  # fmt: skip


def check_labs(problems):
    for passed, wrong, known, tests, said, bad in LAB_CASES:
        entry = {"passed": passed, "problems": wrong, "known": known, "tests": tests}
        text, problem = backends.lab_verdict(entry)
        if said not in text or problem != bad:
            problems.append("lab: %r, %s; not %r, %s" % (text, problem, said, bad))


def check_elsewhere(problems):
    """A double does not stand for the device."""
    for doubles, said in ELSEWHERE:
        in_lab = [{"backend": "b", "double": double} for double in doubles]
        text = backends.elsewhere("b", "SKIPPED: no device", in_lab + [{"backend": "c", "double": ""}])
        if text != said:
            problems.append("elsewhere: %r; not %r" % (text, said))
    if backends.lab_name({"backend": "b", "double": "6.15"}) != "b (double, 6.15)":
        problems.append("a lab's double is not told")


def check_rows(problems):
    """A row a line, in the order of the list; what is missing is seen."""
    entry = {"machine": "m", "mode": "", "kernel": "k", "double": "", "known": ["b.row: why"]}
    lines = list(backends.row_table([
        {**entry, "backend": "one", "rows": {"a.row": "ok", "b.row": "FAIL"}},
        {**entry, "backend": "two", "rows": {"b.row": "skip"}, "known": []},
        {"backend": ""},
    ]))  # fmt: skip
    said = [line.split() for line in lines[-2:]]
    if said != [["a.row", "ok", "-"], ["b.row", "known", "skip"]]:
        problems.append("rows: %r" % said)


def check_machines(problems):
    files = {}
    backends.words_of = lambda path: set(files[path].split())
    for release, actions, expected in MACHINES:
        files = {"/proc/sys/kernel/seccomp/actions_avail": actions}
        backends.os = SimpleNamespace(
            uname=lambda r=release: SimpleNamespace(sysname="Linux", release=r, machine="x86_64")
        )
        if backends.has_locked_processes() != expected:
            problems.append("Linux %s, %s: not %s" % (release, actions, expected))
    other = "process-aarch64" if platform.machine() == "x86_64" else "process-x86_64"
    if backends.machine_runs(other):
        problems.append("%s is said to run on %s" % (other, platform.machine()))


def main():
    problems = []
    check_verdicts(problems)
    check_labs(problems)
    check_elsewhere(problems)
    check_rows(problems)
    check_machines(problems)
    finish("cases", len(CASES) + len(LAB_CASES) + len(MACHINES), problems)


if __name__ == "__main__":
    main()
