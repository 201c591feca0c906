# SPDX-License-Identifier: Apache-2.0
"""The file system that a lab's virtual machine starts with: an installed tree, the libraries that
it needs, busybox, and init.sh. A cpio archive of format newc, unpacked by the kernel."""

import os
import stat
import subprocess

from laboratory.debian import MACHINES, Problem, triplet

LINK_MODE = stat.S_IFLNK | 0o777
HERE = os.path.dirname(os.path.abspath(__file__))


class Initramfs:
    """Files by their path in the virtual machine, all of them root's."""

    def __init__(self):
        self.entries = {}  # path without the first / -> (mode, content)

    def add(self, path, content, mode=0o644):
        if isinstance(content, str):
            content = content.encode()
        self.put(path, stat.S_IFREG | mode, content)

    def add_file(self, path, source):
        with open(source, "rb") as file:
            self.add(path, file.read(), stat.S_IMODE(os.stat(source).st_mode) & ~0o022)

    def add_tree(self, path, source):
        """A folder, or a file, with links as they are."""
        if os.path.islink(source):
            self.put(path, LINK_MODE, os.readlink(source).encode())
        elif os.path.isdir(source):
            for name in sorted(os.listdir(source)):
                self.add_tree_entry(path, source, name)
        else:
            self.add_file(path, source)

    def add_tree_entry(self, path, source, name):
        waiting = [(os.path.join(path, name), os.path.join(source, name))]
        while waiting:
            inside, outside = waiting.pop()
            if os.path.isdir(outside) and not os.path.islink(outside):
                waiting += [
                    (os.path.join(inside, child), os.path.join(outside, child))
                    for child in sorted(os.listdir(outside))
                ]
            elif os.path.islink(outside):
                self.put(inside, LINK_MODE, os.readlink(outside).encode())
            else:
                self.add_file(inside, outside)

    def put(self, path, mode, content):
        path = path.strip("/")
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

    def programs(self):
        """Paths of what wants libraries."""
        return [
            path for path, (mode, content) in self.entries.items()
            if stat.S_ISREG(mode) and content[:4] == b"\x7fELF"
        ]  # fmt: skip


def newc(number, name, mode, content):
    fields = [number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0]
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
    return head + b"\0" * (-len(head) % 4) + content + b"\0" * (-len(content) % 4)


def add_libraries(initramfs, arch, roots, tree):
    """What the programs of TREE name as needed, and what those need; from folders of the first of
    ROOTS that has it. Libraries of the tree itself come from there."""
    folders = ["/lib/" + triplet(arch), "/usr/lib/" + triplet(arch), "/usr/lib", "/lib"]
    waiting = [os.path.join(tree, path) for path in initramfs.programs()]
    done = set()
    while waiting:
        program = waiting.pop()
        for name in needed(program, arch):
            if name in done:
                continue
            done.add(name)
            source = find(name, [tree, *roots], folders)
            if not source:
                raise Problem("%s needs %s, which is in none of: %s"
                              % (program, name, " ".join([tree, *roots])))  # fmt: skip
            if not source.startswith(tree + "/"):
                inside = name if name.startswith("/") else os.path.join("/usr/lib", name)
                initramfs.add_file(inside, os.path.realpath(source))
            waiting.append(source)


def find(name, roots, folders):
    for root in roots:
        for path in [name] if name.startswith("/") else [f + "/" + name for f in folders]:
            if os.path.exists(root.rstrip("/") + path):
                return root.rstrip("/") + path
    return None


def needed(program, arch):
    """Sonames, and the path of the loader. Nothing for a file of another architecture: guests."""
    done = subprocess.run(
        ["readelf", "-W", "-h", "-l", "-d", program], env={**os.environ, "LC_ALL": "C"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    words = {"x86_64": "X86-64", "aarch64": "AArch64"}
    names = []
    for line in done.stdout.splitlines():
        if "Machine:" in line and words[MACHINES[arch]] not in line:
            return []
        if "(NEEDED)" in line or "Requesting program interpreter" in line:
            names.append(line.partition("[")[2].rstrip("]").rpartition(": ")[2])
    return names
