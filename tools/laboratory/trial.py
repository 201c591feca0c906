# SPDX-License-Identifier: Apache-2.0
"""One emulated machine that runs one job, and what is to be told of it."""

import os
import re
import shlex
import time

from laboratory.debian import Problem
from laboratory.machine import Failure, run
from laboratory.matrix import judge
from laboratory.result import Rows

# An emulated processor is slow, and slower where others are at work: limits that are there to be
# hit leave room for what comes before.
SLOW = "--deadline=1000 --timeout=240"

# What a kernel says of itself when it is not well; a guest has done it to its host.
UNWELL = re.compile(r"WARNING: |BUG: |Oops|soft lockup|rcu.*stall|Call [Tt]race:")

# Of one backend. The console shows how far it has come.
CHECK = """\
env %(environment)s sconce-plugin-check %(slow)s %(more)s %(words)s 2>&1 |
    tee /lab/out/%(slug)s.log
echo $? >/lab/out/%(slug)s.status
"""


def check_job(subjects, more):
    """The script that runs sconce-plugin-check on each; @more: options of the user's."""
    # The status is the program's, not tee's.
    return "set -o pipefail\n" + "".join(CHECK % {
        "slug": subject.slug, "slow": SLOW, "more": more,
        "environment": " ".join("%s=%s" % (name, shlex.quote(value))
                                for name, value in subject.environment.items()),
        "words": shlex.join(subject.options + [subject.backend]),
    } for subject in subjects)  # fmt: skip


# sconce-plugin-check(1), EXIT STATUS.
EXIT_FAILED = 1
EXIT_UNUSABLE = 77


class Trial:
    """A run, and its verdict: .all_problems() is empty when it is a success."""

    def __init__(self, kernel, machine):
        self.kernel = kernel
        self.machine = machine
        self.files = {}
        self.problems = []  # of the run as a whole
        self.console = []  # the end of the console's log, when there is no result
        self.seconds = 0.0
        self.tests = False  # it ran the backends' own
        self.backends = []  # (Rows, problems, known) each

    def run(self, initramfs, folder, timeout, loud):
        start = time.monotonic()
        try:
            self.files = run(self.machine, self.kernel, initramfs, folder, timeout, loud)
        except Failure as failure:
            self.console = failure.tail()
            self.problems.append("%s; its console: %s" % (failure, failure.console))
        self.seconds = time.monotonic() - start
        for name, text in self.files.items():
            path = os.path.join(folder, os.path.basename(name))
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)

    @property
    def status(self):
        return int(self.files["status"])

    def judge(self, subjects, whole):
        """@whole: all rows ran, so that what is listed as failing must have failed."""
        if not self.files:
            return
        for subject in subjects:
            rows, problems = self.rows_of(subject)
            known = []
            if not problems:
                problems, known = judge(self.machine.arch, rows, whole)
                problems += status_problems(rows, self.files.get(subject.slug + ".status", ""))
            self.backends.append((rows, problems, known))
        if whole:
            self.compare_rows()
        self.judge_machine()

    def judge_tests(self, tests):
        """@tests: OwnTests, which ran in the place of sconce-plugin-check."""
        if self.files:
            self.tests = True
            for group in tests.groups():
                self.backends.append(tests.outcome(*group, self.files))
            self.judge_machine()

    def judge_machine(self):
        """The job as a whole, and the kernel below it."""
        if self.status != 0:
            self.problems.append("the job ended with status %d" % self.status)
        self.problems += ["the kernel says: " + line.strip() for line in
                          self.files.get("dmesg", "").splitlines() if UNWELL.search(line)]  # fmt: skip

    def all_problems(self):
        return self.problems + ["%s: %s" % (rows.name, problem)
                                for rows, problems, _ in self.backends for problem in problems]  # fmt: skip

    def rows_of(self, subject):
        said = self.files.get(subject.slug + ".log", "")
        try:
            return Rows(subject.backend, said, subject.double), []
        except Problem as problem:
            last = said.strip().splitlines()[-1:]
            return Rows.none(subject.backend, subject.double), [
                str(problem) + "".join("; its last line: " + line for line in last)
            ]

    def compare_rows(self):
        """The list is one for all backends: a row that one lacks has been lost."""
        every = {row for rows, _, _ in self.backends for row in rows.outcome}
        for rows, problems, _ in self.backends:
            lost = sorted(every - set(rows.outcome))
            if lost and not problems:
                problems.append("these rows are not in its list: %s" % " ".join(lost))

    def mode(self):
        """How KVM runs guests there, by the kernel's own word."""
        log = self.files.get("dmesg", "")
        if "VHE mode initialized" in log:
            return "VHE"
        if "Hyp mode initialized" in log:
            return "no VHE"
        if "Nested Paging enabled" in log:
            return "SVM, NPT"
        return "SVM" if "SVM" in log else "?"


def status_problems(rows, status):
    """sconce-plugin-check ends as its rows say: a crash behind the last line is one, too."""
    expected = EXIT_UNUSABLE if rows.unusable else EXIT_FAILED if rows.count("FAIL") else 0
    if status.strip() == str(expected):
        return []
    return ["sconce-plugin-check ended with status %s, and not with %d"
            % (status.strip() or "unknown", expected)]  # fmt: skip


HEAD = "%-22s %-24s %-9s %-34s %6s %6s %6s %7s %6s" % (
    "kernel", "machine", "KVM", "backend", "passed", "failed", "known", "skipped", "s")  # fmt: skip


def table(trials):
    """Lines: what ran where, and what came of it."""
    lines = [HEAD]
    for trial in trials:
        where = "%-22s %-24s %-9s" % (trial.kernel.release, trial.machine, trial.mode())
        if trial.problems:
            lines.append("%s FAILED: %s" % (where, "; ".join(trial.problems)))
        for rows, problems, known in trial.backends:
            known_rows = {entry.row for entry in known}
            name = rows.name + (", tests" if trial.tests else "")
            lines.append("%s %-34s %6d %6d %6d %7d %6.0f%s" % (
                where, name, rows.count("ok"), len(problems), len(known_rows),
                rows.count("skip"), trial.seconds, "  FAILED" if problems else ""))  # fmt: skip
    return lines


def report(trials):
    """The same for programs: a list of what ran where."""
    entries = []
    for trial in trials:
        where = {
            "kernel": trial.kernel.release,
            "version": trial.kernel.version,
            "machine": str(trial.machine),
            "mode": trial.mode(),
            "tests": trial.tests,
            "seconds": round(trial.seconds),
        }
        if trial.problems:
            entries.append({**where, "backend": "", "double": "", "passed": 0, "skipped": 0,
                            "known": [], "problems": trial.problems})  # fmt: skip
        for rows, problems, known in trial.backends:
            entries.append({
                **where, "backend": rows.backend, "double": rows.double, "passed": rows.count("ok"),
                "skipped": rows.count("skip"), "problems": problems,
                "known": ["%s: %s" % (entry.row, entry.reason) for entry in known],
                "rows": rows.outcome,
            })  # fmt: skip
    return entries
