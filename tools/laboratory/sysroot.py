# SPDX-License-Identifier: Apache-2.0
"""A folder with another architecture's libraries, and meson's cross files for it."""

import os
import re
import shutil
import subprocess

from laboratory.debian import MACHINES, Debian, Problem, triplet, unpack

# What Sconce, its tests and the examples are compiled with and linked to, and what a program needs to
# start.
# libgcc is the compiler's own and has its version in its name.
PACKAGES = [
    "libc6", "libc6-dev", "linux-libc-dev", "libgcc-s1",
    "libelf1", "libelf-dev", "zlib1g", "zlib1g-dev", "libinih1", "libinih-dev",
    "libcmocka0", "libcmocka-dev",
    "libzstd1", "libzstd-dev", "libjansson4", "libjansson-dev",
    "libnettle8", "libhogweed6", "nettle-dev", "libgmp10", "libgmp-dev",
    # Static libraries, for guests of the tests and the examples.
    "musl-dev", "liblua5.4-dev", "libsqlite3-dev", "libexpat1-dev",
]  # fmt: skip

CROSS_FILE = """\
# Made by tools/sysroot.
[binaries]
c = [%(c)s]
ar = '%(triplet)s-ar'
strip = '%(triplet)s-strip'
pkgconfig = 'pkg-config'
exe_wrapper = '%(folder)s/run'

[properties]
sys_root = '%(root)s'
pkg_config_libdir = ['%(root)s/usr/lib/%(triplet)s/pkgconfig', '%(root)s/usr/share/pkgconfig']
needs_exe_wrapper = true
script_wrapper = '%(folder)s/run'

[host_machine]
system = 'linux'
cpu_family = '%(machine)s'
cpu = '%(machine)s'
endian = 'little'
"""

# Debian's gcc looks into /usr/TRIPLET before it looks into any sysroot. Options, and no part of the
# command: that makes guests, too, and they have headers of their own. "=" is the sysroot; meson
# would take a path that the compiler knows by itself for one too many.
GCC_OPTIONS = """\

[built-in options]
c_args = ['-isystem', '=/usr/include/%(triplet)s', '-isystem', '=/usr/include']
c_link_args = ['-B%(root)s/usr/lib/%(triplet)s', '-L%(root)s/usr/lib/%(triplet)s']
"""

# With -L, QEMU would look for every absolute path in the sysroot first, "/" among them; so the
# loader is told where libraries are. The C library hears what sconce-plugin-check would tell it by
# starting itself anew: under QEMU, that starts QEMU.
RUNNER = """\
#!/bin/sh
# Made by tools/sysroot: runs a program of %(machine)s.
export GLIBC_TUNABLES="${GLIBC_TUNABLES-glibc.malloc.tcache_count=0}"
export SCONCE_TEST_EMULATOR=qemu-user
libraries='%(root)s/lib/%(triplet)s:%(root)s/usr/lib/%(triplet)s'
exec qemu-%(machine)s -L / '%(root)s/lib/ld-linux-%(machine)s.so.1' \\
    --library-path "${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$libraries" "$@"
"""


def make(arch, folder):
    """Fill FOLDER: root/, gcc.ini, clang.ini and run. Quick when it is as it should be."""
    gcc = triplet(arch) + "-gcc"
    if not shutil.which(gcc):
        raise Problem("there is no %s: tools/install-deps check installs it" % gcc)
    version = subprocess.run(
        [gcc, "-dumpversion"], capture_output=True, text=True, check=True
    ).stdout.strip()
    folder = os.path.abspath(folder)
    root = os.path.join(folder, "root")
    if re.search(r"['\s\\]", folder):
        raise Problem("no compiler's option can name this folder: %s" % folder)
    debs = Debian(arch).fetch(*PACKAGES, "libgcc-%s-dev" % version)
    if unpack(debs, root):
        make_relative(root)

    words = {"machine": MACHINES[arch], "triplet": triplet(arch), "root": root, "folder": folder}
    sysroot = "--sysroot=" + root
    compilers = {
        "gcc": [gcc, sysroot],
        "clang": ["clang", "--target=" + triplet(arch), sysroot],
    }
    for name, command in compilers.items():
        quoted = ", ".join("'%s'" % word for word in command)
        text = CROSS_FILE + (GCC_OPTIONS if name == "gcc" else "")
        write(os.path.join(folder, name + ".ini"), text % {**words, "c": quoted})
    write(os.path.join(folder, "run"), RUNNER % words)
    os.chmod(os.path.join(folder, "run"), 0o755)
    return folder


def write(path, text):
    """Leave alone what is right: meson configures anew when a cross file changes."""
    try:
        with open(path, encoding="utf-8") as file:
            if file.read() == text:
                return
    except FileNotFoundError:
        pass
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def make_relative(root):
    """Absolute links lead into the sysroot, not out of it."""
    for folder, subfolders, names in os.walk(root):
        for path in (os.path.join(folder, name) for name in subfolders + names):
            if os.path.islink(path) and os.readlink(path).startswith("/"):
                target = os.path.relpath(root + os.readlink(path), folder)
                os.remove(path)
                os.symlink(target, path)
