# SPDX-License-Identifier: Apache-2.0
"""Debian's cloud kernels, and the modules that a lab loads."""

import glob
import lzma
import os

from laboratory.debian import CACHE, Problem, unpack

# What the disk needs, and what KVM is where it is no part of the kernel.
MODULES = {"arm64": ["virtio_pci", "virtio_blk"], "amd64": ["virtio_pci", "virtio_blk", "kvm_amd"]}


class Kernel:
    """One kernel: .version is what Debian calls the package's, .release what uname says."""

    def __init__(self, debian, series=""):
        """@series: "" for the release's own kernel, "6.12" for a later one."""
        meta = "linux-image-%scloud-%s" % (series and series + "-", debian.arch)
        names = [name for name in debian.depends(meta) if name.startswith("linux-image-")]
        if len(names) != 1:
            raise Problem("%s names no kernel, but: %s" % (meta, " ".join(names) or "nothing"))
        (deb,) = debian.fetch(names[0])
        self.arch = debian.arch
        self.release = names[0][len("linux-image-"):]  # fmt: skip
        self.version = os.path.basename(deb).split("_")[1]
        self.folder = os.path.join(CACHE, "kernels", os.path.basename(deb)[: -len(".deb")])
        with debian.locked():
            unpack([deb], self.folder)
        self.image = os.path.join(self.folder, "boot", "vmlinuz-" + self.release)
        if not os.path.exists(self.image):
            raise Problem("%s has no %s" % (deb, self.image))

    def modules(self):
        """[(file name, bytes)] in the order in which to load them: what one needs comes before."""
        files = {}
        for path in glob.glob(self.folder + "/lib/modules/*/kernel/**/*.ko*", recursive=True):
            files[module_name(path)] = path
        loaded = {}
        # What is no file is a part of the kernel; if it is not, the machine has no disk or no KVM.
        waiting = [name for name in reversed(MODULES[self.arch]) if name in files]
        while waiting:
            name = waiting[-1]
            content = loaded.get(name) or read_module(files[name])
            missing = [need for need in needs(content) if need in files and need not in loaded]
            if missing:
                waiting += missing
            else:
                loaded[waiting.pop()] = content
        return [(name + ".ko", content) for name, content in loaded.items()]


def needs(module):
    """Names of the modules that one depends on, by its own word: the string depends= in .modinfo."""
    start = module.find(b"\0depends=")
    if start < 0:
        return []
    words = module[start + len(b"\0depends=") : module.index(b"\0", start + 1)].decode()
    return [word.replace("-", "_") for word in words.split(",") if word]


def module_name(path):
    return os.path.basename(path).partition(".ko")[0].replace("-", "_")


def read_module(path):
    with lzma.open(path) if path.endswith(".xz") else open(path, "rb") as file:
        return file.read()
