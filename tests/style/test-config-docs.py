#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is written about the configuration is what the program does.

    test-config-docs.py SCONCE SCONCE_INI ROOT

The installed sconce.ini passes the program's own check, as it is and with every key uncommented, and
shows the real defaults; sconce.ini.5 has every key, with its default.
"""

import glob
import json
import os
import re
import subprocess
import sys
import tempfile

from tree import finish

KEY = re.compile(r"^#(\w+) = (.*)$", re.MULTILINE)


def sconce(program, *arguments):
    # Neither the machine's configuration nor the caller's environment counts here.
    env = {key: value for key, value in os.environ.items() if not key.startswith("SCONCE_")}
    done = subprocess.run(
        (program, "config") + arguments, capture_output=True, text=True, check=False, env=env
    )
    return done.returncode, done.stdout, done.stderr


def settings(program, path):
    """{key: value} that is in effect with the configuration file @path."""
    code, out, error = sconce(program, "--config=" + path, "--format=json")
    if code != 0:
        raise SystemExit("sconce config --config=%s: exit %d\n%s" % (path, code, error))
    return {setting["key"]: setting["value"] for setting in json.loads(out)}


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def check_ini(program, path, folder, problems):
    """Returns the defaults."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    defaults = settings(program, write(folder, "empty.ini", ""))

    # The example of a backend's section has no key of ours.
    uncommented = KEY.sub(r"\1 = \2", text.partition("#[backend.NAME]")[0])
    for name, content in (("as-shipped.ini", text), ("uncommented.ini", uncommented)):
        trial = write(folder, name, content)
        code, _, error = sconce(program, "--check=" + trial)
        if code != 0:
            problems.append("sconce.ini, %s: exit %d: %s" % (name, code, error))
    for key, value in settings(program, os.path.join(folder, "uncommented.ini")).items():
        if value != defaults.get(key):
            problems.append("sconce.ini: %s is %s there, %s really" % (key, value, defaults.get(key)))

    shown = {name for name, _ in KEY.findall(uncommented)} | set(
        re.findall(r"^(\w+) =", uncommented, re.MULTILINE)
    )
    problems += ["sconce.ini: has no %s" % key for key in defaults if key.split(".")[1] not in shown]
    return defaults


def check_page(defaults, root, problems):
    pages = glob.glob(os.path.join(root, "docs", "**", "sconce.ini.5.scd"), recursive=True)
    if not pages:
        problems.append("docs: there is no sconce.ini.5.scd")
        return
    with open(pages[0], encoding="utf-8") as file:
        # scdoc wants underscores escaped, or inside bold.
        page = file.read().replace("\\_", "_")
    for key, value in defaults.items():
        name = key.split(".")[1]
        if not re.search(r"\*%s\*" % re.escape(name), page):
            problems.append("sconce.ini.5: does not tell of %s" % key)
        # Folders differ from build to build.
        elif not value.startswith("/") and value and value not in page:
            problems.append("sconce.ini.5: does not have the default of %s, %s" % (key, value))


def main():
    program, ini, root = sys.argv[1:4]
    problems = []
    with tempfile.TemporaryDirectory() as folder:
        defaults = check_ini(program, ini, folder, problems)
    check_page(defaults, root, problems)
    finish("settings", len(defaults), problems)


if __name__ == "__main__":
    main()
