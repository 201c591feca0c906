# SPDX-License-Identifier: Apache-2.0
"""Building Sconce for a lab: an installed tree, and what it starts with."""

import os
import shutil
import subprocess

from laboratory import sysroot
from laboratory.debian import MACHINES, Debian, Problem, unpack
from laboratory.initramfs import HERE, Initramfs, add_libraries
from laboratory.matrix import DOUBLE, DOUBLED
from laboratory.own_tests import OwnTests

PREFIX = "/usr"
CHECK_DIRECTORY = PREFIX + "/lib/sconce/check"
ROOT = os.path.dirname(os.path.dirname(HERE))
OUT = os.path.join(ROOT, "build-lab")
LINES = 40


def quietly(*command):
    """A step of building; what it says only when it fails."""
    done = subprocess.run(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
    )  # fmt: skip
    if done.returncode != 0:
        said = "\n".join(done.stdout.splitlines()[-LINES:])
        raise Problem("this failed: %s\n%s" % (" ".join(command), said))


def is_native(arch):
    return os.uname().machine == MACHINES[arch]


class Tree:
    """An installed tree of one architecture: .path; and .roots, where other libraries are."""

    def __init__(self, arch, build="", tree="", tests=None):
        """@build: a build folder with prefix /usr; without one there is one of the lab's own.
        @tree: installed already; then nothing is built. @tests: patterns of the names of those
        that are wanted, None when none are."""
        self.arch = arch
        self.tests = None
        self.folder = os.path.join(OUT, arch)
        self.roots = ["/"]
        self.built = ""
        cross = ""
        if not is_native(arch):
            cross = sysroot.make(arch, os.path.join(self.folder, "sysroot"))
            self.roots = [os.path.join(cross, "root")]
        if tree:
            self.path = os.path.abspath(tree)
            return
        build = os.path.abspath(build) if build else self.build(cross, tests)
        self.built = build
        if tests:
            self.tests = OwnTests(arch, build, tests)
        self.path = os.path.join(self.folder, "tree")
        shutil.rmtree(self.path, ignore_errors=True)
        quietly("meson", "install", "-C", build, "--no-rebuild", "--destdir", self.path)
        if not os.path.exists(self.path + CHECK_DIRECTORY):
            raise Problem("%s has no guests, or was not configured with -Dprefix=%s -Dlibdir=lib"
                          % (build, PREFIX))  # fmt: skip

    def build(self, cross, tests):
        # A double is built with the tests.
        tests = tests or self.arch in DOUBLED and not cross
        folder = os.path.join(self.folder, "build-tests" if tests else "build")
        if not os.path.exists(os.path.join(folder, "build.ninja")):
            options = ["-Dprefix=" + PREFIX, "-Dlibdir=lib", "-Dman=disabled",
                       "-Dtests=" + ("true" if tests else "false")]  # fmt: skip
            if cross:
                options += ["--cross-file", os.path.join(cross, "gcc.ini")]
            print("building Sconce for %s" % self.arch, flush=True)
            quietly("meson", "setup", folder, *options)
        quietly("ninja", "-C", folder)
        return folder

    def has_backend(self, name):
        return os.path.exists(
            "%s%s/lib/sconce/plugins/sconce-backend-%s.so" % (self.path, PREFIX, name)
        )

    def double(self):
        """The library that plays a device that no lab has; "" when it is not built."""
        path = os.path.join(self.built, "tests", "mshv-double", "libmshv-double.so")
        return path if self.built and os.path.exists(path) else ""

    def examples(self):
        """Guests to try; they are not installed."""
        names = ("hello", "sha256", "zlib", "lua", "sqlite", "parser", "cpp")
        paths = [os.path.join(self.built, "examples", n, n + ".elf") for n in names]
        return [path for path in paths if self.built and os.path.exists(path)]

    def initramfs(self, kernel, extra):
        """All that a machine starts with, but what it is to do. @extra: files and folders that are
        to be there as /add/NAME."""
        initramfs = Initramfs()
        initramfs.add_tree("", self.path)
        for path in extra:
            path = os.path.abspath(path)
            if not os.path.exists(path):
                raise Problem("there is no %s" % path)
            initramfs.add_tree("add/" + os.path.basename(path), path)
        if self.double():
            initramfs.add_file(DOUBLE[1:], self.double())
        roots = self.roots
        if self.tests:
            roots = roots + [self.tests.add_to(initramfs, os.path.join(self.folder, "tools"))]
        add_libraries(initramfs, self.arch, roots)
        (deb,) = Debian(self.arch).fetch("busybox-static")
        busybox = os.path.join(self.folder, "busybox")
        unpack([deb], busybox)
        initramfs.add_file("bin/busybox", busybox + "/bin/busybox")
        initramfs.add_file("init", os.path.join(HERE, "init.sh"), 0o755)
        modules = kernel.modules()
        for name, content in modules:
            initramfs.add("lab/" + name, content)
        initramfs.add("lab/modules", "".join("/lab/%s\n" % name for name, _ in modules))
        return initramfs
