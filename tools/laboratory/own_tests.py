# SPDX-License-Identifier: Apache-2.0
"""The backends' own tests, in a lab: which a build folder has, how a machine runs them, and what
they came to."""

import json
import os
import re
import shlex
import subprocess
from fnmatch import fnmatch

from laboratory.debian import MACHINES, Debian, Problem, unpack
from laboratory.matrix import OWN_TESTS, TESTS_ENVIRONMENT, test_may_skip, tests_known
from laboratory.result import Rows

STATUSES = "tests"  # a line a test, in /lab/out
SKIPPED = 77  # as meson has it
TAIL_LINES = 12
# meson's limits are for a processor, and not for one that is emulated.
SLOWER = 4

# What tests start that no build makes, with its libraries.
TOOL = "usr/bin/strace"
PACKAGES = ["strace", "libunwind8", "liblzma5"]
# The program itself, and not what starts it under qemu-user.
ENVIRONMENT = {"SCONCE_TEST_PROGRAM": "/usr/bin/sconce"}
# What a lab runs without --tests, with what QEMU cannot do taken into account.
CHECK = "sconce-plugin-check"
# cmocka's words for a part of a test that was not run, and for one that failed. Its exit status is
# how many failed.
PART_SKIPPED = re.compile(r"^\[  SKIPPED \] (\w+)$", re.MULTILINE)
PART_FAILED = re.compile(r"^\[  FAILED  \] (\w+)$", re.MULTILINE)

JOB = """\
cd %(build)s || exit
run() {
    number=$1 name=$2 begun=$(date +%%s)
    shift 2
    sh -c "$1" </dev/null >"/lab/out/$number.test" 2>&1
    echo "$number $?" >>/lab/out/%(statuses)s
    echo "$name $(($(date +%%s) - begun)) s"
}
%(tests)s
exit 0
"""


class OwnTest:
    """One test: .name, .backend, .double (what plays the device, "" for none); and what runs it."""

    def __init__(self, entry, backend, files, environment):
        """@entry: meson's. @files: paths of what the build makes, by target. @environment: what the
        lab adds."""
        if entry["protocol"] != "exitcode" or entry["workdir"] or entry["timeout"] <= 0:
            raise Problem("a lab does not know how to run the test %s: it has a protocol or a"
                          " folder of its own, or no limit" % entry["name"])  # fmt: skip
        self.name = entry["name"]
        self.backend = backend
        self.double = double_of(entry)
        self.seconds = entry["timeout"] * SLOWER
        self.files = [path for target in entry["depends"] for path in files.get(target, [])]
        self.command = list(entry["cmd"])
        self.variables = {**entry["env"], **ENVIRONMENT, **environment}

    def script(self):
        exports = ["export %s=%s;" % (name, shlex.quote(value))
                   for name, value in sorted(self.variables.items())]  # fmt: skip
        return " ".join(exports + ["exec timeout -s KILL %d" % self.seconds]
                        + [shlex.quote(word) for word in self.command])  # fmt: skip


class OwnTests:
    """Those of a build folder whose names are like one of PATTERNS; .left_out are names of the
    backends' tests that a lab does not run, whatever the patterns."""

    def __init__(self, arch, build, patterns):
        self.arch = arch
        self.build = build
        self.tests = []
        self.left_out = []
        targets = introspect(build, "--targets")
        programs = {path for target in targets if target["type"] == "executable"
                    for path in target["filename"]}  # fmt: skip
        files = {target["id"]: target["filename"] for target in targets}
        for entry in introspect(build, "--tests"):
            backend = backend_of(entry, arch)
            program = os.path.join(build, entry["cmd"][0])
            if not backend:
                continue
            # Scripts want more than busybox.
            is_program = program in programs and os.path.basename(program) != CHECK
            if not is_program or no_device(entry, backend):
                self.left_out.append(entry["name"])
            elif any(fnmatch(entry["name"], pattern) for pattern in patterns):
                self.tests.append(OwnTest(entry, backend, files, TESTS_ENVIRONMENT.get(arch, {})))
        for pattern in patterns:
            if not any(fnmatch(test.name, pattern) for test in self.tests):
                raise Problem("no test of a backend for %s in %s is called %s"
                              % (arch, build, pattern))  # fmt: skip

    def add_to(self, initramfs, folder):
        """All that they need goes to where the build has it; the tool comes from FOLDER, which is a
        root for its libraries and returned."""
        for path in sorted({path for test in self.tests for path in test.files}):
            if not os.path.exists(path):
                raise Problem("%s is not built" % path)
            initramfs.add_file(path[1:], path)
        unpack(Debian(self.arch).fetch(*PACKAGES), folder)
        initramfs.add_file(TOOL, os.path.join(folder, TOOL))
        return folder

    def job(self):
        lines = ["run %d %s %s" % (number, shlex.quote(test.name), shlex.quote(test.script()))
                 for number, test in enumerate(self.tests)]  # fmt: skip
        return JOB % {"build": shlex.quote(self.build), "statuses": STATUSES,
                      "tests": "\n".join(lines)}  # fmt: skip

    def seconds(self):
        """That they may take together, and the machine's own."""
        return 120 + sum(test.seconds for test in self.tests)

    def groups(self):
        """(backend, double) each."""
        return sorted({(test.backend, test.double) for test in self.tests})

    def outcome(self, backend, double, files):
        """Rows, one a test; problems; and what is known that showed. @files: what the machine wrote to
        its disk."""
        statuses = dict(line.partition(" ")[::2] for line in files.get(STATUSES, "").splitlines())
        rows = Rows.none(backend, double)
        problems, shown = [], []
        for number, test in enumerate(self.tests):
            if (test.backend, test.double) == (backend, double):
                said = files.get("%d.test" % number, "")
                known = tests_known(self.arch, test.name)
                problem = problem_of(test, known, statuses.get(str(number), "unknown"), said)
                row = "%d %s" % (number, test.name)
                rows.outcome[row], rows.text[row] = "FAIL" if problem or known else "ok", problem
                problems += [problem] if problem else []
                shown += [] if problem else known
        return rows, problems, shown


def problem_of(test, known, status, said):
    """Why it is no success, with the end of what it said; "" when it is one. @known: parts that must
    fail."""
    left_out = {part for part in PART_SKIPPED.findall(said) if not test_may_skip(test.name, part)}
    failed = set(PART_FAILED.findall(said))
    expected = {entry.words for entry in known}
    if status == str(SKIPPED):
        problem = "was skipped"
    elif status != str(len(expected)) or known and failed != expected:
        problem = "ended with status " + status
        if known:
            problem += "; listed as failing: %s; failed: %s" % (
                " ".join(sorted(expected)), " ".join(sorted(failed)) or "none")
    elif left_out:
        problem = "left out " + " ".join(sorted(left_out))
    else:
        return ""
    tail = "".join("\n    | " + line for line in said.splitlines()[-TAIL_LINES:])
    return "%s %s%s" % (test.name, problem, tail)


def introspect(build, what):
    done = subprocess.run(
        ["meson", "introspect", build, what], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise Problem("meson does not know %s as a build folder: %s" % (build, done.stderr.strip()))
    return json.loads(done.stdout)


def suites_of(entry):
    return {suite.rpartition(":")[2] for suite in entry["suite"]}


def backend_of(entry, arch):
    """Whose own it is, by its suites; "" when it is no backend's of those that run there."""
    for mechanism, names in OWN_TESTS[arch].items():
        backend = mechanism + "-" + MACHINES[arch]
        if suites_of(entry) & {mechanism, backend} and any(
            fnmatch(entry["name"], name) for name in names
        ):
            return backend
    return ""


def double_of(entry):
    """As which driver the double plays /dev/mshv: tests/mshv-double/README.md."""
    preloaded = "LD_PRELOAD" in entry["env"] and "mshv" in suites_of(entry)
    return entry["env"].get("MSHV_DOUBLE_DRIVER", "6.15") if preloaded else ""


def no_device(entry, backend):
    """Is it for a device that no lab has, and without what plays it?"""
    return backend.startswith("mshv-") and not double_of(entry)
