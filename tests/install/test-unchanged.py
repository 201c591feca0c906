#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An architecture more changes nothing of the others.

    test-unchanged.py BUILD SOURCE

The library and this machine's backends are built twice, with and without the backends of other
architectures, and are the same to the byte. Both times in the same folder, from nothing, with the
same options: then no path and no build id has a reason to differ, debugging information included.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile

# All that neither the library nor a backend is made of; nor does it hang on how hard a compiler tries.
NOT_NEEDED = ["-Dtests=false", "-Dguest=disabled", "-Dman=disabled", "-Dexamples=false",
              "-Doptimization=0"]  # fmt: skip


def meson(*arguments):
    done = subprocess.run(
        ("meson",) + arguments, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        print(done.stdout + done.stderr)
        sys.exit("test-unchanged: exit code %d from: meson %s"
                 % (done.returncode, " ".join(arguments)))  # fmt: skip
    return done.stdout


def introspect(build, what):
    return json.loads(meson("introspect", build, "--" + what))


def products(build):
    """Paths, from the build folder, of the library and of every backend that it builds."""
    return sorted(
        os.path.relpath(path, build)
        for target in introspect(build, "targets")
        if target["name"] == "sconce" or target["name"].startswith("sconce-backend-")
        for path in target["filename"]
        if target["type"] in ("shared library", "shared module")
        and not path.startswith(os.path.join(build, "tests"))
    )


def build_with(plugins, source, build, wanted=None):
    """The bytes of each product; of those in @wanted when it is given."""
    meson("setup", build, source, "-Dplugins=" + ",".join(plugins), *NOT_NEEDED)
    paths = products(build) if wanted is None else wanted
    subprocess.run(["ninja", "-C", build, "--quiet"] + paths, check=True)
    contents = {}
    for path in paths:
        with open(os.path.join(build, path), "rb") as file:
            contents[path] = file.read()
    shutil.rmtree(build)
    return contents


def main():
    build, source = sys.argv[1:3]
    options = introspect(build, "buildoptions")
    choices = next(option["choices"] for option in options if option["name"] == "plugins")
    # Those that are for any machine, and those for this one.
    own = [name for name in choices if name.partition("-")[2] in ("", platform.machine())]
    if own == choices:
        print("there is no backend for another architecture")
        sys.exit(77)

    with tempfile.TemporaryDirectory() as folder:
        work = os.path.join(folder, "build")
        alone = build_with(own, source, work)
        together = build_with(choices, source, work, list(alone))
    print("with and without %s:" % ", ".join(name for name in choices if name not in own))
    for path, content in alone.items():
        same = content == together[path]
        print("%s, %d bytes: %s" % (path, len(content), "the same" if same else "DIFFERS"))
    sys.exit(0 if alone == together and len(alone) > 1 else 1)


if __name__ == "__main__":
    main()
