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
        Machine("arm64", "cortex-a76", gic=3),
        Machine("arm64", "neoverse-n1", gic=3),
    ],
    "amd64": [
        Machine("amd64", "max,smap=off", cpus=2),
        Machine("amd64", "max,smap=off,fsgsbase=off"),  # process-x86_64 has another stub there
    ],
}
MORE_SERIES = ["6.12"]

MECHANISMS = ["kvm", "process"]

# What sconce-plugin-check is told of a backend: sconce-backend-kvm(7) has the reason.
OPTIONS = {"kvm-x86_64": "--set=backend.kvm-x86_64.tss=available"}

# Which of each mechanism's own tests run in a lab. The others on x86_64 want of the processor what QEMU
# does otherwise; docs/testing.md has more.
OWN_TESTS = {
    "arm64": {"kvm": ["*"], "process": ["*"]},
    "amd64": {"mshv": ["*"], "kvm": ["kvm-x86_64", "ordinary-*"], "process": ["ordinary-*"]},
}

# What plays a device that no machine of these has, and how: tests/mshv-double/README.md. It is told of
# the TSS what kvm-x86_64 is.
DOUBLE = "/lab/libmshv-double.so"
MSHV_DOUBLE = {"LD_PRELOAD": DOUBLE, "MSHV_DOUBLE_TSS": "available"}
DOUBLED = {
    "amd64": [
        ("mshv-x86_64", driver, {**MSHV_DOUBLE, "MSHV_DOUBLE_DRIVER": driver})
        for driver in ("6.15", "newer")
    ],
}
# For the backends' own tests, which say by themselves what is played.
TESTS_ENVIRONMENT = {
    "amd64": {
        "MSHV_DOUBLE_TSS": "available",
        "SCONCE_TEST_SET": "backend.kvm-x86_64.tss=available",
    }
}


class Subject:
    """What sconce-plugin-check is run on once; .slug is for names of files."""

    def __init__(self, backend, double="", environment=None):
        """@double: what plays its device, and as what; "" for a device that is one."""
        self.backend = backend
        self.double = double
        self.slug = "%s-%s" % (backend, double) if double else backend
        self.environment = environment or {}
        self.options = [OPTIONS[backend]] if backend in OPTIONS else []


# Rows that a real backend may skip; all others must run.
MAY_SKIP = [
    ("*", "probe.refusal", "the machine can be used"),
    ("process", "scrub.debug", "a process has no debug registers"),
    ("process", "dirty.contract", "it does not tell what is written"),
    ("mshv", "dirty.contract", "it does not tell what is written, so far"),
    ("*", "exitless.*", "a process has no vCPU; of few processors, emulated at that, none is spare"),
]

# The same for parts of the backends' own tests.
TESTS_MAY_SKIP = [
    ("obstacles-process-*", "test_obstacles_executable_memfds_forbidden",
     "kernels before 6.3 forbid none"),
    ("process-aarch64-inherited", "test_host_that_signs_pointers_does_not_give_its_keys_to_guests",
     "processors before ARMv8.3 have no keys; -cpu max has"),
    ("mshv-double-pinning", "test_shared_pages_of_a_file_on_disk_cannot_be_pinned",
     "a lab has no file system on a disk"),
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


# The same for parts of the backends' own tests: by the test's name, and the part's.
TESTS_KNOWN = [
    Known("amd64", "mshv", "mshv-double-debug", "test_breakpoint_register_stops_at_its_address",
          "QEMU's breakpoint registers stop no guest"),
    Known("amd64", "mshv", "mshv-double-debug", "test_int3_is_reported_at_itself",
          "QEMU does not leave the guest for INT3"),
    Known("amd64", "mshv", "mshv-x86_64-faults-double-*", "wild_stack",
          "QEMU has #GP in the place of #SS"),
    Known("amd64", "mshv", "mshv-x86_64-faults-double-*", "unaligned",
          "QEMU does not check alignment"),
    Known("amd64", "mshv", "mshv-x86_64-faults-double-*", "simd", "QEMU has no SSE exceptions"),
]  # fmt: skip


def subjects(arch, names=None):
    """Of the backends that are named; of all that a lab of @arch can run."""
    found = [Subject(mechanism + "-" + MACHINES[arch]) for mechanism in MECHANISMS]
    found += [Subject(*doubled) for doubled in DOUBLED.get(arch, [])]
    found.append(Subject("stub"))
    if names is None:
        return found
    known = {subject.backend for subject in found}
    return [Subject(name) for name in names if name not in known] + [
        subject for subject in found if subject.backend in names
    ]


def concerns(pattern, backend):
    return pattern in ("*", backend, backend.partition("-")[0])


def known_of(arch, backend):
    return [known for known in KNOWN if known.arch == arch and concerns(known.backend, backend)]


def may_skip(backend, row):
    return backend == "stub" or any(
        concerns(pattern, backend) and fnmatch(row, name) for pattern, name, _ in MAY_SKIP
    )


def test_may_skip(test, part):
    return any(fnmatch(test, pattern) and part == name for pattern, name, _ in TESTS_MAY_SKIP)


def tests_known(arch, test):
    return [known for known in TESTS_KNOWN if known.arch == arch and fnmatch(test, known.row)]


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
