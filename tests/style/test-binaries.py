#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the built files show to the dynamic linker.

    test-binaries.py plugin FILE           one exported symbol; needs libc alone
    test-binaries.py library FILE ROOT     exports what the public headers declare and
                                           core/libsconce.map lists, and nothing else

Both kinds print nothing and end no process: they must not even import what does.
"""

import glob
import os
import re
import subprocess
import sys

from tree import finish, read

NM = os.environ.get("NM", "nm")
READELF = os.environ.get("READELF", "readelf")

# A library that can print or end the process takes that decision from the program it is in.
NOT_IMPORTED = re.compile(
    r"^(__)?(v?f?printf|v?dprintf|puts|fputs|fputc|putchar|perror|psignal|fwrite"
    r"|exit|_exit|_Exit|quick_exit|abort|assert_fail|assert_perror_fail|errx?|warnx?"
    r"|stdout|stderr|syslog|signal|system|popen)(_chk)?$"
)
# Signals belong to the program and, for one of them, to the core.
NOT_IMPORTED_BY_PLUGIN = re.compile(r"^(sigaction|sigprocmask|pthread_sigmask|atexit|getenv)$")
PLUGIN_NEEDS = re.compile(r"^(libc\.so\.\d+|ld-linux[\w-]*\.so\.\d+)$")


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def symbols(path, *options):
    """Names from nm's last column, without the version behind @."""
    lines = run(NM, "-D", *options, path).splitlines()
    return [line.split()[-1].partition("@")[0] for line in lines if line.split()]


def exported(path):
    """Defined dynamic symbols; symbol versions (absolute, type A) are not functions."""
    lines = run(NM, "-D", "--defined-only", path).splitlines()
    return sorted(line.split()[-1].partition("@")[0] for line in lines if " A " not in line)


def needed(path):
    return re.findall(r"\(NEEDED\).*\[(.*)\]", run(READELF, "-dW", path))


def imports_problems(path):
    return [
        "%s imports %s: a library neither prints nor ends the process" % (path, name)
        for name in symbols(path, "--undefined-only")
        if NOT_IMPORTED.match(name)
    ]


def check_plugin(path):
    problems = imports_problems(path)
    problems += [
        "%s imports %s: what a plugin must leave to its host" % (path, name)
        for name in symbols(path, "--undefined-only")
        if NOT_IMPORTED_BY_PLUGIN.match(name)
    ]
    names = exported(path)
    if names != ["sconce_plugin_entry_v1"]:
        problems.append("%s exports %s, not its entry alone" % (path, names))
    for library in needed(path):
        if not PLUGIN_NEEDS.match(library):
            problems.append("%s needs %s; a backend needs libc alone" % (path, library))
    flags = run(READELF, "-dW", path)
    if "NODELETE" not in flags:
        problems.append("%s may be unmapped while its code is in use: no NODELETE" % path)
    if "TEXTREL" in flags:
        problems.append("%s has text relocations" % path)
    return problems


def declared(root):
    """Functions that the public headers mark with SCONCE_API."""
    names = set()
    for header in glob.glob(os.path.join(root, "include", "sconce", "*.h")):
        text = re.sub(r"/\*.*?\*/", " ", read("", header), flags=re.DOTALL)
        names.update(re.findall(r"^SCONCE_API\b[^;(]*?\b(sconce_\w+)\s*\(", text, re.MULTILINE))
    return names


def listed(root):
    """Names after "global:" in the symbol file."""
    text = re.sub(r"/\*.*?\*/", " ", read(root, "core/libsconce.map"), flags=re.DOTALL)
    names = set()
    for section in re.findall(r"global:(.*?)(?:local:|\})", text, re.DOTALL):
        names.update(re.findall(r"[\w*?]+", section))
    return names


def check_library(path, root):
    problems = imports_problems(path)
    have, headers, file = set(exported(path)), declared(root), listed(root)
    pairs = [
        (have - headers, "exported, but no public header declares it"),
        (headers - have, "declared in a public header, but not exported"),
        (file - have, "listed in core/libsconce.map, but not exported"),
        (have - file, "exported, but not listed in core/libsconce.map"),
    ]
    for names, what in pairs:
        problems += ["%s: %s" % (name, what) for name in sorted(names)]
    return problems


def main():
    kind, path = sys.argv[1:3]
    if kind == "plugin":
        finish(os.path.basename(path), len(exported(path)), check_plugin(path))
    finish(os.path.basename(path), len(exported(path)), check_library(path, sys.argv[3]))


if __name__ == "__main__":
    main()
