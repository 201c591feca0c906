# SPDX-License-Identifier: Apache-2.0
"""One run of QEMU, emulating a machine whose kernel has KVM."""

import os
import select
import shutil
import subprocess
import sys
import time

from laboratory.debian import Problem
from laboratory.result import read_disk

DISK_BYTES = 64 << 20
MEMORY_MIB = 2048
CONSOLE_LINES = 40

QEMU = {"arm64": "qemu-system-aarch64", "amd64": "qemu-system-x86_64"}
CONSOLE = {"arm64": "ttyAMA0", "amd64": "ttyS0"}


class Machine:
    """What is emulated."""

    def __init__(self, arch, cpu, cpus=1, gic=0):
        self.arch = arch
        self.cpu = cpu
        self.cpus = cpus
        self.gic = gic

    def __str__(self):
        gic = " GICv%d" % self.gic if self.gic else ""
        return "%s%s, %d CPU%s" % (self.cpu, gic, self.cpus, "s" if self.cpus > 1 else "")

    def command(self, kernel, initramfs, disk):
        """No semihosting: what a guest of the guest does must not reach the machine here."""
        board = {
            "arm64": "virt,virtualization=on,gic-version=%d" % self.gic,
            "amd64": "q35",
        }
        return [
            QEMU[self.arch], "-accel", "tcg", "-machine", board[self.arch], "-cpu", self.cpu,
            "-smp", str(self.cpus), "-m", str(MEMORY_MIB), "-nodefaults", "-no-user-config",
            "-display", "none", "-nic", "none", "-no-reboot", "-kernel", kernel.image,
            "-initrd", initramfs,
            "-append", "console=%s quiet panic=-1 rdinit=/init" % CONSOLE[self.arch],
            "-drive", "file=%s,format=raw,if=none,id=result,cache=unsafe" % disk,
            "-device", "virtio-blk-pci,drive=result",
        ]  # fmt: skip


class Failure(Problem):
    """A run without a result; .console is where its console's log is."""

    def __init__(self, text, console):
        super().__init__(text)
        self.console = console

    def tail(self):
        with open(self.console, encoding="utf-8", errors="replace") as file:
            return file.read().replace("\r", "").splitlines()[-CONSOLE_LINES:]


def run(machine, kernel, initramfs, folder, timeout, loud):
    """Boot, wait, read the disk: {name: text}. Raises Failure, and tries nothing twice."""
    disk = os.path.join(folder, "result.img")
    console = os.path.join(folder, "console.log")
    command = machine.command(kernel, initramfs, disk) + ["-serial", "stdio"]
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    need_qemu(machine)
    start_anew(folder, disk)
    status = boot(command, console, timeout, loud)
    if status is None:
        raise Failure("not done after %d seconds, and ended" % timeout, console)
    if status != 0:
        raise Failure("QEMU ended with status %d" % status, console)
    try:
        return read_disk(disk)
    except Problem as problem:
        raise Failure(str(problem), console) from problem


def interact(machine, kernel, initramfs, folder):
    """A person at the console. Returns QEMU's exit status."""
    disk = os.path.join(folder, "result.img")
    command = machine.command(kernel, initramfs, disk) + ["-serial", "mon:stdio"]
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    need_qemu(machine)
    start_anew(folder, disk)
    return subprocess.run(command, check=False).returncode


def start_anew(folder, disk):
    """Nothing of an earlier run is there to be taken for this one's."""
    shutil.rmtree(folder, ignore_errors=True)
    os.mkdir(folder)
    with open(disk, "wb") as file:
        file.truncate(DISK_BYTES)


def need_qemu(machine):
    program = QEMU[machine.arch]
    if not shutil.which(program):
        raise Problem("there is no %s: tools/install-deps check installs it" % program)


def boot(command, console, timeout, loud):
    """QEMU's exit status, None when it had to be killed."""
    deadline = time.monotonic() + timeout
    with open(console, "wb") as log, subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as qemu:
        try:
            while True:
                left = deadline - time.monotonic()
                if left <= 0 or not select.select([qemu.stdout], [], [], left)[0]:
                    return None
                text = os.read(qemu.stdout.fileno(), 65536)
                if not text:
                    return qemu.wait(max(left, 1))
                log.write(text)
                log.flush()
                if loud:
                    sys.stdout.buffer.write(text.replace(b"\r", b""))
                    sys.stdout.flush()
        except subprocess.TimeoutExpired:
            return None
        finally:
            qemu.kill()
