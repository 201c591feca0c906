# SPDX-License-Identifier: Apache-2.0
"""Which backends were really exercised: the table that tools/check closes with.

A backend that this machine can run and that no test ran is a failure, whatever the program under
test says of it.
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


def machine_runs(backend):
    """Can this machine run it? Asked of the machine, not of the program under test."""
    mechanism, _, arch = backend.partition("-")
    if mechanism == "stub":
        return True
    if mechanism != "kvm" or arch != platform.machine():
        return False
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


class Backend:
    """Rows of sconce-plugin-check, and tests of the backend's own suites, over all stages."""

    def __init__(self, name):
        self.name = name
        self.passed = self.failed = self.skipped = 0
        self.reason = ""
        self.skipped_tests = []

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
        own = {self.name, self.name.partition("-")[0]} & set(suites)
        if own and test["result"] == "SKIP":
            self.skipped_tests.append(test["name"].partition(" / ")[2])
        if own and not rows:
            self.passed += test["result"] == "OK"
            self.skipped += test["result"] == "SKIP"
            self.failed += test["result"] not in ("OK", "SKIP")

    def verdict(self):
        """(text, problem): a backend that could run here and did not is a failure."""
        runs = machine_runs(self.name)
        if runs and not self.passed:
            return "NOT EXERCISED, though this machine can run it", True
        if runs and self.skipped_tests:
            tests = " ".join(sorted(set(self.skipped_tests)))
            return "skipped %s, though this machine can run it" % tests, True
        if runs and self.reason:
            return "said to be unusable (%s), though this machine can run it" % self.reason, True
        if not runs and not self.passed:
            return "SKIPPED: " + (self.reason or "this machine cannot run it"), False
        return "exercised", False


def built_backends(folder):
    done = subprocess.run(
        ["meson", "introspect", folder, "--buildoptions"], capture_output=True, text=True, check=True
    )
    return next(o["value"] for o in json.loads(done.stdout) if o["name"] == "plugins")


def tell_backends(stages):
    """The table. Returns how many backends should have been exercised and were not."""
    tested = [stage for stage in stages if stage.tests and stage.name in ("gcc", "clang", "sanitize")]
    if not tested:
        return 0
    problems = 0
    print("\n%-14s %7s %7s %8s" % ("backend", "passed", "failed", "skipped"))
    for name in built_backends(tested[0].folder):
        backend = Backend(name)
        for stage in tested:
            for test in stage.tests:
                backend.add(test)
        text, problem = backend.verdict()
        problems += problem
        print("%-14s %7d %7d %8d  %s%s" % (name, backend.passed, backend.failed, backend.skipped,
                                          "FAILED: " if problem else "", text))  # fmt: skip
    print("(rows of sconce-plugin-check and tests of the backend's own, in: %s)\n"
          % ", ".join(stage.name for stage in tested))  # fmt: skip
    return problems
