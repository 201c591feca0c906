# SPDX-License-Identifier: Apache-2.0
"""The file system that a lab's virtual machine starts with: an installed tree, the libraries that
it needs, busybox, and init.sh. A cpio archive of format newc, which the kernel unpacks."""

import os
import stat
import subprocess
import tempfile

from laboratory.debian import MACHINES, Problem, triplet

HERE = os.path.dirname(os.path.abspath(__file__))
# As readelf names them.
ELF_MACHINES = {"x86_64": "X86-64", "aarch64": "AArch64"}
# What a library opens when it is used: pthread_cancel(3) unwinds.
OPENS = {"usr/lib/libc.so.6": ["libgcc_s.so.1"]}


class Initramfs:
    """Files by their path in the virtual machine, without the first slash; all of them root's."""

    def __init__(self):
        self.entries = {}  # path -> (mode, content)

    def add(self, path, content, mode=0o644):
        if isinstance(content, str):
            content = content.encode()
        self.put(path, stat.S_IFREG | mode, content)

    def add_file(self, path, source, mode=0):
        mode = mode or (0o755 if os.stat(source).st_mode & 0o100 else 0o644)
        with open(source, "rb") as file:
            self.add(path, file.read(), mode)

    def add_tree(self, path, source):
        """A file, or a folder and all below it; links as they are."""
        waiting = [(path, source)]
        while waiting:
            inside, outside = waiting.pop()
            if os.path.islink(outside):
                self.put(inside, stat.S_IFLNK | 0o777, os.readlink(outside).encode())
            elif os.path.isdir(outside):
                for name in os.listdir(outside):
                    waiting.append((os.path.join(inside, name), os.path.join(outside, name)))
            else:
                self.add_file(inside, outside)

    def put(self, path, mode, content):
        folder = os.path.dirname(path)
        while folder and folder not in self.entries:
            self.entries[folder] = (stat.S_IFDIR | 0o755, b"")
            folder = os.path.dirname(folder)
        self.entries[path] = (mode, content)

    def write(self, path):
        """kernel: Documentation/driver-api/early-userspace/buffer-format.rst"""
        with open(path, "wb") as file:
            # A folder sorts before what is in it.
            for number, (name, (mode, content)) in enumerate(sorted(self.entries.items()), 1):
                file.write(newc(number, name, mode, content))
            file.write(newc(0, "TRAILER!!!", 0, b""))


def newc(number, name, mode, content):
    fields = [number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name.encode()) + 1, 0]
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
    return head + b"\0" * (-len(head) % 4) + content + b"\0" * (-len(content) % 4)


def add_libraries(initramfs, arch, roots):
    """What the programs in it name as needed, what that needs in turn, and the loader: from the
    first of ROOTS that has it, unless it is there already."""
    folders = ["lib/" + triplet(arch), "usr/lib/" + triplet(arch), "usr/lib", "lib", "lib64"]
    waiting = [path for path in initramfs.entries if is_program(initramfs, path)]
    while waiting:
        program = waiting.pop()
        for name in needed(initramfs.entries[program][1], arch) + OPENS.get(program, []):
            is_path = name.startswith("/")
            inside = name[1:] if is_path else "usr/lib/" + name
            if inside in initramfs.entries:
                continue
            wanted = [inside] if is_path else [folder + "/" + name for folder in folders]
            found = [os.path.join(root, path) for root in roots for path in wanted]
            found = [path for path in found if os.path.exists(path)]
            if not found:
                raise Problem("/%s needs %s, and no root has it: %s"
                              % (program, name, " ".join(roots)))  # fmt: skip
            initramfs.add_file(inside, os.path.realpath(found[0]))
            waiting.append(inside)


def is_program(initramfs, path):
    mode, content = initramfs.entries[path]
    return stat.S_ISREG(mode) and content[:4] == b"\x7fELF"


def needed(program, arch):
    """Names of libraries, and the path of the loader. Nothing of another architecture's file: that
    is a guest, or data."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(program)
        file.flush()
        done = subprocess.run(
            ["readelf", "-W", "-h", "-l", "-d", file.name], env={**os.environ, "LC_ALL": "C"},
            capture_output=True, text=True, errors="replace", check=False,
        )  # fmt: skip
    names = []
    for line in done.stdout.splitlines():
        if "Machine:" in line and ELF_MACHINES[MACHINES[arch]] not in line:
            return []
        if "(NEEDED)" in line or "Requesting program interpreter" in line:
            names.append(line.rpartition("[")[2].rstrip("]").rpartition(": ")[2])
    return names
