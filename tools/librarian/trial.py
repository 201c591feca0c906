# SPDX-License-Identifier: Apache-2.0
"""One program, as a program of this machine and in a sandbox, and what is different."""

import os
import re
import subprocess
from dataclasses import dataclass

SECONDS = 300
# A trace's line: name(arguments) = answer.
CALL = re.compile(rb"^([a-z_0-9]+|#\d+)\(.*\) = (-?\d+|\?|0x[0-9a-f]+)", re.M)
ENDED = re.compile(rb"^sconce: .*the guest exited with status (\d+).*\n", re.M)
REMARK = re.compile(rb"^(sconce|hint): .*\n", re.M)


@dataclass
class Outcome:
    """What a program did."""

    status: object  # its exit status, or None when it was ended by a signal or by the sandbox
    output: bytes
    errors: bytes
    said: bytes = b""  # what sconce said of its own


@dataclass
class Result:
    """One line of what the tool found out."""

    library: object
    version: str
    program: object
    calls: int = 0
    verdict: str = ""  # same, refused, different, not tried
    why: str = ""
    expected: bool = True


class Sandbox:
    """sconce run, with the options that were asked for."""

    def __init__(self, command):
        self.command = command
        said = subprocess.run(command + ["--help"], capture_output=True, check=False).stdout
        self.hands_arguments = b"ARG" in said

    def start(self, path, program, stdin, folder, *options):
        command = self.command + list(options) + [path]
        if program.args:
            command += ["--", *program.args]
        return subprocess.run(
            command, cwd=folder, input=stdin, capture_output=True, timeout=SECONDS, check=False
        )

    def run(self, path, program, stdin, folder):
        done = self.start(path, program, stdin, folder, "-q")
        said = b"".join(match.group(0) for match in REMARK.finditer(done.stderr))
        ended = ENDED.search(done.stderr)
        status = done.returncode
        if ended:
            status = int(ended.group(1))
        elif re.search(rb"^sconce: (?!backend )", said, re.M):
            status = None
        return Outcome(status, done.stdout, REMARK.sub(b"", done.stderr), said)

    def calls(self, path, program, stdin, folder):
        """[(name, answer)] of all system calls."""
        done = self.start(path, program, stdin, folder, "-q", "--trace-syscalls")
        return [(name.decode(), answer.decode()) for name, answer in CALL.findall(done.stderr)]


def natively(path, program, stdin, folder):
    done = subprocess.run(
        [path, *program.args], cwd=folder, input=stdin, env={}, capture_output=True,
        timeout=SECONDS, check=False,
    )  # fmt: skip
    return Outcome(done.returncode if done.returncode >= 0 else None, done.stdout, done.stderr)


# Denied to every program with a C library, without a harm.
USUAL = {"set_robust_list", "rseq", "readlink", "readlinkat", "newfstatat", "fstat", "ioctl", "lseek"}
WORDS = {"-38": "not served", "-2": "no such file", "-13": "denied", "-9": "no such descriptor",
         "-22": "invalid", "-12": "no memory"}  # fmt: skip


def denied(calls):
    """The refused calls' names, with what they were told, in order and once."""
    found = []
    for name, answer in calls:
        word = WORDS.get(answer, answer)
        if answer.startswith("-") and name not in USUAL:
            text = "`%s` %s" % (name, word)
            if text not in found:
                found.append(text)
    return found


def first_difference(one, other):
    """The first line of the sandbox's output that the native program did not print."""
    native = one.splitlines()
    for place, line in enumerate(other.splitlines()):
        if place >= len(native) or native[place] != line:
            return line.decode("utf-8", "replace").strip()
    return ""


def cell(text):
    return " ".join(text.split()).replace("|", "\\|")[:90]


def judge(result, native, boxed, calls):
    result.calls = len(calls)
    same = (native.status, native.output, native.errors) == (boxed.status, boxed.output, boxed.errors)
    if same:
        result.verdict = "same"
        result.expected = not result.program.refused
        return
    result.verdict = "refused" if result.program.refused else "different"
    # What is not the same natively either may differ in what it says, not in how it ends.
    result.expected = bool(result.program.refused) or (
        bool(result.program.differs) and native.status == boxed.status
    )
    parts = []
    if result.program.differs:
        result.why = result.program.differs
        if result.expected:
            result.why += "; its status is the same"
            return
        parts.append(result.why)
    if result.program.refused:
        parts.append(result.program.refused)
    names = denied(calls)
    if names:
        parts.append(", ".join(names[:3]))
    words = (first_difference(native.errors, boxed.errors)
             or first_difference(native.output, boxed.output))  # fmt: skip
    if words:
        parts.append('"%s"' % cell(words))
    own = [line for line in boxed.said.decode("utf-8", "replace").splitlines()
           if line.startswith("sconce: ") and "backend " not in line
           and "exited with status" not in line]  # fmt: skip
    if own:
        parts.append(cell(re.sub(r"^sconce: (guest \S+ did not start: )?", "", own[0])))
    if boxed.status != native.status:
        ended = "no status" if boxed.status is None else "status %d" % boxed.status
        parts.append("%s for %s" % (ended, native.status))
    result.why = "; ".join(parts)


def inputs(program, folder):
    if program.stdin:
        with open(os.path.join(folder, program.stdin), "rb") as file:
            return file.read()
    return program.text.encode()


def attempt(library, version, program, folder, sandbox):
    """The result of one program."""
    result = Result(library, version, program)
    path = os.path.join(".", program.path)
    if not os.path.exists(os.path.join(folder, path)):
        result.verdict, result.why, result.expected = "not tried", "it was not built", False
        return result
    if program.args and not sandbox.hands_arguments:
        result.verdict, result.why = "not tried", "this sconce run hands over no arguments"
        return result
    try:
        stdin = inputs(program, folder)
        path = os.path.join(".", os.path.relpath(program.path, program.folder))
        folder = os.path.join(folder, program.folder)
        native = natively(path, program, stdin, folder)
        if native.status != program.status:
            # Two failures may look the same, and say nothing.
            result.verdict, result.expected = "not tried", False
            result.why = "natively it ends with status %s" % native.status
            return result
        boxed = sandbox.run(path, program, stdin, folder)
        judge(result, native, boxed, sandbox.calls(path, program, stdin, folder))
    except subprocess.TimeoutExpired:
        result.verdict, result.why, result.expected = "different", "it did not end", False
    except OSError as error:
        result.verdict, result.why, result.expected = "not tried", str(error), False
    return result
