# SPDX-License-Identifier: Apache-2.0
"""Which backends were really exercised: the table that tools/check closes with.

A backend that this machine can run and that no test ran is a failure, whatever the program under
test says of it. One that needs no privilege must also have run where there was none: stage bare.
"""

import fcntl
import json
import os
import platform
import re
import subprocess

# How sconce-plugin-check closes, and what it says of a backend that cannot run here.
CLOSING = re.compile(r"^([a-z0-9_-]+): (\d+) passed, (\d+) failed, (\d+) skipped$", re.MULTILINE)
UNUSABLE = re.compile(r"^([a-z0-9_-]+) cannot be used on this machine: (.*)$", re.MULTILINE)
KVM_GET_API_VERSION = 0xAE00

# The stages that run every test of every backend, with the rights of whoever runs tools/check.
TABLE = ("gcc", "clang", "sanitize")


# Mechanisms that any user may have: no device, no right.
FOR_EVERYBODY = ("stub", "process")


def mechanism_of(backend):
    return backend.partition("-")[0]


def machine_runs(backend):
    """Can this machine run it? Asked of the machine, not of the program under test."""
    mechanism, _, arch = backend.partition("-")
    if mechanism == "stub":
        return True
    if arch != platform.machine():
        return False
    asked = {"kvm": has_kvm, "mshv": has_mshv, "process": has_locked_processes}
    return asked.get(mechanism, lambda: False)()


def has_kvm():
    try:
        device = os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return fcntl.ioctl(device, KVM_GET_API_VERSION) == 12
    except OSError:
        return False
    finally:
        os.close(device)


def has_mshv():
    """The device is there for the root partition of Hyper-V alone."""
    try:
        os.close(os.open("/dev/mshv", os.O_RDWR | os.O_CLOEXEC))
    except OSError:
        return False
    return True


def has_locked_processes():
    """Linux 5.10 and seccomp user notification."""
    system = os.uname()
    version = re.match(r"(\d+)\.(\d+)", system.release)
    if system.sysname != "Linux" or not version or tuple(map(int, version.groups())) < (5, 10):
        return False
    return "user_notif" in words_of("/proc/sys/kernel/seccomp/actions_avail")


def words_of(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return set(file.read().split())
    except OSError:
        return set()


class Trial:
    """What the tests of one stage say of one backend: rows of sconce-plugin-check, and tests of the
    backend's own suites, which have its name or its mechanism's."""

    def __init__(self, name, stage):
        self.name = name
        self.stage = stage.name
        self.passed = self.failed = self.skipped = 0
        self.reason = ""
        self.skipped_tests = set()
        for test in stage.heard:
            self.add(test)

    def add(self, test):
        said = test["stdout"]
        rows = [match for match in CLOSING.findall(said) if match[0] == self.name]
        reasons = [reason for name, reason in UNUSABLE.findall(said) if name == self.name]
        if reasons:
            self.reason = reasons[-1]
        for _, passed, failed, skipped in rows:
            self.passed += int(passed)
            self.failed += int(failed)
            self.skipped += int(skipped)
        suites = test["name"].partition(":")[2].partition(" / ")[0].split("+")
        own = {self.name, mechanism_of(self.name)} & set(suites)
        # Suite root: what only root can look at, and so nothing that nobody would miss.
        excused = "root" in suites and (self.stage == "bare" or os.geteuid() != 0)
        if own and test["result"] == "SKIP" and not excused:
            self.skipped_tests.add(test["name"].partition(" / ")[2])
        if own and not rows:
            self.passed += test["result"] == "OK"
            self.skipped += test["result"] == "SKIP"
            self.failed += test["result"] not in ("OK", "SKIP")

    def problem(self):
        """Why it is none, on a machine that can run the backend; "" when it is one."""
        if not self.passed:
            return "NOT EXERCISED in %s, though this machine can run it" % self.stage
        if self.skipped_tests:
            tests = " ".join(sorted(self.skipped_tests))
            return "skipped %s in %s, though this machine can run it" % (tests, self.stage)
        if self.reason:
            return "said to be unusable (%s) in %s, though this machine can run it" % (
                self.reason, self.stage)  # fmt: skip
        return ""


def verdict(name, trials, runs):
    """(text, problem): a backend that could run here and did not is a failure."""
    problems = [trial.problem() for trial in trials] if runs else []
    if any(problems):
        return "; ".join(filter(None, problems)), True
    if not runs:
        # What passed needs no such machine: units, and rows about the file.
        reasons = [trial.reason for trial in trials if trial.reason]
        return "SKIPPED: " + (reasons[-1] if reasons else "this machine cannot run it"), False
    bare = mechanism_of(name) in FOR_EVERYBODY and any(trial.stage == "bare" for trial in trials)
    return "exercised, also as nobody" if bare else "exercised", False


def trials_of(name, stages):
    """In every stage with a whole list of tests; without privileges, where it needs none."""
    return [
        Trial(name, stage)
        for stage in stages
        if stage.heard
        and (stage.name in TABLE or stage.name == "bare" and mechanism_of(name) in FOR_EVERYBODY)
    ]


def built_backends(folder):
    done = subprocess.run(
        ["meson", "introspect", folder, "--buildoptions"], capture_output=True, text=True, check=True
    )
    return next(o["value"] for o in json.loads(done.stdout) if o["name"] == "plugins")


def lab_verdict(entry):
    """(text, problem) of a backend on one of the lab's machines. Its failures are the stage's."""
    if entry["problems"]:
        return "FAILED, see the stage", False
    if not entry["passed"]:
        return "NOT EXERCISED, though the lab is there for it", True
    known = "; known, " + "; ".join(entry["known"]) if entry["known"] else ""
    return ("by its own tests" if entry["tests"] else "exercised") + known, False


def elsewhere(name, text, in_lab):
    """What there is in the place of a run on this machine. A double is called one, and never stands
    for the device."""
    doubled = [bool(entry["double"]) for entry in in_lab if entry["backend"] == name]
    if not doubled:
        return text
    if all(doubled):
        return text + "; exercised over a double of its device in a lab, see below"
    return "cannot run here; exercised in a lab, see below"


def lab_name(entry):
    double = " (double, %s)" % entry["double"] if entry["double"] else ""
    return (entry["backend"] or "none") + double


def tell_labs(stages):
    """What ran on emulated machines, and how KVM works there. Returns how many should have and did
    not."""
    entries = [entry for stage in stages for entry in stage.lab]
    if not entries:
        return 0
    problems = 0
    print("%-27s %-46s %6s %7s" % ("backend, in a lab", "machine", "passed", "skipped"))
    for entry in entries:
        text, problem = lab_verdict(entry)
        problems += problem
        machine = "%(machine)s, %(mode)s, %(kernel)s" % entry
        print("%-27s %-46s %6d %7d  %s%s" % (
            lab_name(entry), machine.replace("-cloud", ""), entry["passed"],
            entry["skipped"], "FAILED: " if problem else "", text))  # fmt: skip
    print("(rows of sconce-plugin-check, which build-check/rows.txt has one by one, and the backends'"
          " own tests; under QEMU's emulation)\n")  # fmt: skip
    return problems


def row_table(entries):
    """One table for all: a row of sconce-plugin-check a line, a backend on a machine a column."""
    entries = [entry for entry in entries if entry.get("rows")]
    rows = list(dict.fromkeys(row for entry in entries for row in entry["rows"]))
    for number, entry in enumerate(entries):
        yield "%2d  %s on %s, %s, %s" % (number, lab_name(entry), entry["machine"], entry["mode"],
                                       entry["kernel"])  # fmt: skip
    yield ""
    yield "%-22s" % "row" + "".join("%6d" % number for number in range(len(entries)))
    for row in rows:
        known = [any(text.startswith(row + ":") for text in entry["known"]) for entry in entries]
        words = ["known" if is_known and entry["rows"].get(row) == "FAIL" else
                 entry["rows"].get(row, "-") for entry, is_known in zip(entries, known)]  # fmt: skip
        yield "%-22s" % row + "".join("%6s" % word for word in words)


def tell_backends(stages):
    """The table. Returns how many backends should have been exercised and were not."""
    tested = [stage for stage in stages if stage.heard and stage.name in TABLE + ("bare",)]
    if not tested:
        return 0
    in_lab = [entry for stage in stages for entry in stage.lab if entry["passed"]]
    problems = 0
    print("\n%-15s %7s %7s %8s" % ("backend", "passed", "failed", "skipped"))
    for name in built_backends(tested[0].folder):
        trials = trials_of(name, tested)
        if not trials:
            continue
        text, problem = verdict(name, trials, machine_runs(name))
        if text.startswith("SKIPPED"):
            text = elsewhere(name, text, in_lab)
        problems += problem
        print("%-15s %7d %7d %8d  %s%s" % (
            name, sum(t.passed for t in trials), sum(t.failed for t in trials),
            sum(t.skipped for t in trials), "FAILED: " if problem else "", text))  # fmt: skip
    print("(rows of sconce-plugin-check and tests of the backend's own, in: %s)\n"
          % ", ".join(stage.name for stage in tested))  # fmt: skip
    return problems
