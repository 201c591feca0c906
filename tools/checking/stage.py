# SPDX-License-Identifier: Apache-2.0
"""One stage of tools/check: a log, a build folder, and what its tests said."""

import json
import os
import shutil
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OUT = os.path.join(ROOT, "build-check")
CORES = os.cpu_count() or 1


class Failed(Exception):
    """A command of the stage said no; its output is in the log."""


class Skipped(Exception):
    """This machine cannot run the stage; the text says why."""


class Stage:
    """One stage while it runs: its log, its build folder, and what its tests said."""

    def __init__(self, name):
        self.name = name
        self.folder = os.path.join(OUT, name)
        self.log_path = os.path.join(OUT, name + ".log")
        self.log = open(self.log_path, "w", encoding="utf-8")  # pylint: disable=consider-using-with
        self.tests = None  # entries of meson's test log, each counted as one
        self.heard = []  # the same, for the table of backends
        self.lab = []  # what tools/lab reports
        self.passed = self.failed = self.skipped = 0
        self.problem = ""
        self.seconds = 0

    def run(self, *command, env=None, stdin=None):
        """Run a command, output to the log; raises Failed."""
        self.log.write("$ %s\n" % " ".join(command))
        self.log.flush()
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, **(env or {})},
            input=stdin,
            stdin=None if stdin is not None else subprocess.DEVNULL,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            check=False,
            text=True,
        )
        if done.returncode != 0:
            raise Failed("exit code %d from: %s" % (done.returncode, " ".join(command[:6])))

    def configure(self, *options, compiler="gcc"):
        """meson setup; from nothing when compiler or options are not those of the last run."""
        stamp = os.path.join(self.folder, "check-options")
        wanted = " ".join((compiler,) + options)
        if os.path.exists(stamp):
            with open(stamp, encoding="utf-8") as file:
                if file.read() == wanted:
                    return
        shutil.rmtree(self.folder, ignore_errors=True)
        self.run("meson", "setup", self.folder, *options, env={"CC": compiler})
        with open(stamp, "w", encoding="utf-8") as file:
            file.write(wanted)

    def build(self):
        self.run("ninja", "-C", self.folder, "-j", str(CORES))

    def build_for(self, suites, folders=()):
        """Only what the tests of these suites want, and what these folders' meson.build make."""
        self.run("ninja", "-C", self.folder, "build.ninja")  # what is looked at below is written anew
        wanted = {"sconce:" + suite for suite in suites}
        needed = {
            target for test in self.introspect("--tests") if wanted & set(test["suite"])
            for target in test["depends"]
        }  # fmt: skip
        paths = [
            os.path.relpath(path, self.folder) for target in self.introspect("--targets")
            if target["id"] in needed for path in target["filename"]
        ]  # fmt: skip
        if not paths:
            raise Failed("no test of suite %s wants anything" % " or ".join(suites))
        for folder in folders:
            paths += self.targets(folder)
        self.run("ninja", "-C", self.folder, "-j", str(CORES), *sorted(set(paths)))

    def introspect(self, what):
        done = subprocess.run(
            ["meson", "introspect", self.folder, what], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise Failed("meson introspect %s of %s: %s" % (what, self.folder, done.stderr.strip()))
        return json.loads(done.stdout)

    def targets(self, folder):
        """Paths, from the build folder, of what a folder's meson.build makes."""
        here = os.path.join(ROOT, folder, "meson.build")
        return [
            os.path.relpath(path, self.folder)
            for target in self.introspect("--targets")
            if target["defined_in"] == here
            for path in target["filename"]
        ]

    def test(self, *options, env=None, logbase="testlog", wrapper=()):
        """meson test; the counts come from its log whether it passed or not."""
        log = os.path.join(self.folder, "meson-logs", logbase + ".json")
        if os.path.exists(log):
            os.remove(log)
        before = self.tests or []
        try:
            self.run(
                *wrapper, "meson", "test", "-C", self.folder, "--no-rebuild", "--print-errorlogs",
                # Two stages share the machine, and a sanitizer is slow.
                "--timeout-multiplier=4", "--logbase", logbase, *options, env=env,
            )  # fmt: skip
        finally:
            if os.path.exists(log):
                with open(log, encoding="utf-8") as file:
                    self.tests = before + [json.loads(line) for line in file]
                self.heard = self.tests

    def run_lab(self, arch, *options):
        """tools/lab; what it reports is counted whether it passed or not."""
        report = os.path.join(OUT, self.name + ".json")
        if os.path.exists(report):
            os.remove(report)
        entries = []
        try:
            self.run(os.path.join(ROOT, "tools", "lab"), arch, "--timeout=1800", "--report", report,
                     *options)  # fmt: skip
        finally:
            if os.path.exists(report):
                with open(report, encoding="utf-8") as file:
                    entries = json.load(file)
            for entry in entries:
                self.passed += entry["passed"]
                self.failed += len(entry["problems"])
                self.skipped += entry["skipped"] + len(entry["known"])
            self.lab += entries

    def reasons(self):
        """Why tests, or parts of them, were skipped, each once."""
        lines = [line for test in self.tests or [] for line in test.get("stdout", "").splitlines()]
        return sorted({line for line in lines if line.startswith("skipped: ")})

    def finish(self, error):
        """Turn how it ended into counts."""
        for result in (test["result"] for test in self.tests or []):
            if result in ("OK", "EXPECTEDFAIL"):
                self.passed += 1
            elif result == "SKIP":
                self.skipped += 1
            else:
                self.failed += 1
        if isinstance(error, Skipped):
            self.skipped += 1
        elif error is not None and not self.failed:
            self.failed = 1  # it did not come as far as a failing test
        elif error is None and not self.tests and not self.passed:
            self.passed = 1
        self.problem = str(error or "")
        self.log.close()
