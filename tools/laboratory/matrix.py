# SPDX-License-Identifier: Apache-2.0
"""Which machines a lab emulates, what its backends are told there, and what QEMU cannot do."""

import re
from collections import namedtuple
from fnmatch import fnmatch

from laboratory.debian import MACHINES
from laboratory.machine import Machine

# The processors' generations differ in how KVM runs: ARMv8.0 has no VHE, later ones do.
MATRIX = {
    "arm64": [
        Machine("arm64", "cortex-a72", gic=2),
        Machine("arm64", "cortex-a76", gic=3),
        Machine("arm64", "cortex-a76", gic=3, cpus=2),
    ],
    # With SMAP, QEMU 7.2 reads a program's stack with the kernel's rights when it executes IRET:
    # that is a kernel oops, whoever does it.
    "amd64": [Machine("amd64", "max,smap=off")],
}
# With --all, and then on each of these series of kernels, too.
MORE = {
    "arm64": [
        Machine("arm64", "cortex-a57", gic=2),
        Machine("arm64", "neoverse-n1", gic=3),
    ],
    "amd64": [Machine("amd64", "max,smap=off", cpus=2)],
}
MORE_SERIES = ["6.12"]

MECHANISMS = ["kvm", "process"]

# What sconce-plugin-check is told of a backend: sconce-backend-kvm(7) has the reason.
OPTIONS = {"kvm-x86_64": "--set=backend.kvm-x86_64.tss=available"}

# Rows that a real backend may skip; all others must run.
MAY_SKIP = [
    ("*", "probe.refusal", "the machine can be used"),
    ("process", "scrub.debug", "a process has no debug registers"),
]

# The same for parts of the backends' own tests.
TESTS_MAY_SKIP = [
    ("obstacles-process-*", "test_obstacles_executable_memfds_forbidden",
     "kernels before 6.3 forbid none"),
    ("process-aarch64-inherited", "test_host_that_signs_pointers_does_not_give_its_keys_to_guests",
     "processors before ARMv8.3 have no keys; -cpu max has"),
]  # fmt: skip

# What QEMU cannot do: these must fail, in these words, and are no failures. One that passes is.
Known = namedtuple("Known", "arch backend row words reason")
KNOWN = [
    Known("amd64", "*", "fault.instruction", r"float_divide_by_zero\(0x0\) ended with success",
          "QEMU has no SSE exceptions"),
    Known("amd64", "*", "fault.instruction", r"icebp\(0x0\) is a illegal instruction fault: .*",
          "QEMU takes ICEBP for an undefined instruction"),
    Known("arm64", "*", "fault.instruction", r"misaligned_stack\(0x0\) ended with success",
          "QEMU does not check the stack pointer's alignment"),
    # KVM opens PMUSERENR_EL0 and relies on MDCR_EL2.TPM, which QEMU 7.2 looks at too late.
    Known("arm64", "kvm", "fault.privilege", r"read_cycles\(0x0\) ended with success",
          "QEMU lets EL0 read cycles although KVM has that trapped"),
    Known("arm64", "kvm", "fault.privilege", r"read_event_counter\(0x0\) ended with success",
          "QEMU lets EL0 read event counters although KVM has that trapped"),
]  # fmt: skip


def backends(arch):
    return [mechanism + "-" + MACHINES[arch] for mechanism in MECHANISMS] + ["stub"]


def concerns(pattern, backend):
    return pattern in ("*", backend, backend.partition("-")[0])


def known_of(arch, backend):
    return [known for known in KNOWN if known.arch == arch and concerns(known.backend, backend)]


def may_skip(backend, row):
    return backend == "stub" or any(
        concerns(pattern, backend) and row == name for pattern, name, _ in MAY_SKIP
    )


def test_may_skip(test, part):
    return any(fnmatch(test, pattern) and part == name for pattern, name, _ in TESTS_MAY_SKIP)


def judge(arch, rows, whole=True):
    """(problems, known): texts of what is wrong with what one backend's rows came to, and the
    entries of KNOWN that showed. @whole: all rows ran."""
    problems = []
    shown = set()
    expected = known_of(arch, rows.backend) if rows.backend != "stub" else []
    if rows.unusable:
        problems.append("it cannot be used: " + rows.unusable)
    for row, outcome in rows.outcome.items():
        if outcome == "skip" and not rows.unusable and not may_skip(rows.backend, row):
            problems.append("%s was skipped: %s" % (row, rows.text[row]))
        if outcome != "FAIL":
            continue
        # A row of many calls tells of each that went wrong.
        for part in rows.text[row].split("; "):
            known = {k for k in expected if k.row == row and re.fullmatch(k.words, part)}
            shown |= known
            if not known:
                problems.append("%s: %s" % (row, part))
    for known in expected:
        if known not in shown and (whole or known.row in rows.outcome):
            problems.append(
                "%s: listed as what QEMU cannot do, and did not show: %s" % (known.row, known.words)
            )
    return problems, sorted(shown)
