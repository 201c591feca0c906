# SPDX-License-Identifier: Apache-2.0
"""Debian's source packages, without a change to the machine.

apt runs with a state folder and a list of sources of its own: Debian's entries among the machine's, with
deb-src for deb. Signatures are looked at as ever, by the machine's keyrings. What is there is not
downloaded again.
"""

import os
import re
import shutil
import subprocess
import time

from laboratory.debian import Lock, Problem

CACHE = os.environ.get("SCONCE_LIBRARIES_CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "sconce-libraries"
)
LISTS_SECONDS = 24 * 3600
APT_CONF = os.path.join(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "laboratory", "apt.conf"
)


class Unavailable(Problem):
    """There is no source to be had here and now; the text says why."""


def debian_entries():
    """[deb-src line]: what the machine's apt has of Debian, asked of itself."""
    done = subprocess.run(
        ["apt-get", "indextargets", "--format",
         "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = []
    for line in done.stdout.splitlines():
        words = line.split()
        if len(words) == 3 and re.search(r"/debian(-security)?/?$", words[0]):
            entry = "deb-src%s %s %s %s" % (keyring(), words[0], words[1], words[2])
            if entry not in lines:
                lines.append(entry)
    if not lines:
        raise Unavailable("apt of this machine names no archive of Debian")
    return lines


def keyring():
    path = "/usr/share/keyrings/debian-archive-keyring.gpg"
    return " [signed-by=%s]" % path if os.path.exists(path) else ""


class Sources:
    """Source packages of the machine's release."""

    def __init__(self):
        for program in ("apt-get", "apt-cache", "dpkg-source"):
            if not shutil.which(program):
                raise Unavailable("there is no %s; this takes Debian's source packages" % program)
        self.state = os.path.join(CACHE, "apt")
        self.files = os.path.join(CACHE, "files")
        self.stamp = os.path.join(self.state, "updated")
        for folder in (self.files, self.state + "/lists/partial", self.state + "/archives/partial"):
            os.makedirs(folder, exist_ok=True)
        with open(self.state + "/status", "a", encoding="utf-8"):
            pass
        self.lists = os.path.join(self.state, "src.list")

    def apt(self, program, *arguments):
        """(exit status, what it says, its errors)."""
        options = {
            "APT::Sandbox::User": "",
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
            "Dir::Etc::sourcelist": self.lists,
            "Dir::Etc::sourceparts": "-",
            "Dir::State": self.state,
            "Dir::State::lists": self.state + "/lists",
            "Dir::State::status": self.state + "/status",
            "Dir::Cache": self.state,
        }
        command = [program, "-q", "-c", APT_CONF]
        for key, value in options.items():
            command += ["-o", "%s=%s" % (key, value)]
        done = subprocess.run(
            command + list(arguments), cwd=self.files, env={**os.environ, "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr.strip()

    def renew(self):
        """New lists when there are none or old ones."""
        try:
            if time.time() - os.stat(self.stamp).st_mtime < LISTS_SECONDS:
                return
        except FileNotFoundError:
            pass
        with open(self.lists, "w", encoding="utf-8") as file:
            file.write("\n".join(debian_entries()) + "\n")
        status, _, errors = self.apt("apt-get", "update")
        if status == 0 and not re.search(r"^[WE]: Failed to fetch", errors, re.M):
            with open(self.stamp, "w", encoding="utf-8"):
                pass
        elif not os.path.exists(self.stamp):
            raise Unavailable("cannot read Debian's list of sources:\n" + errors)

    def versions(self, package):
        """Newest first: a server may lack the newest, and a fix of security is seldom of matter here."""
        _, said, _ = self.apt("apt-cache", "madison", package)
        found = [line.split("|")[1].strip() for line in said.splitlines() if line.count("|") == 2]
        ordered = []
        for version in found:
            place = 0
            while place < len(ordered) and not newer(version, ordered[place]):
                place += 1
            if version not in ordered:
                ordered.insert(place, version)
        return ordered

    def fetch(self, package):
        """(path of the .dsc, version), downloaded if need be."""
        with Lock(os.path.join(CACHE, "lock"), CACHE):
            self.renew()
            errors = "the lists name no such package"
            for version in self.versions(package):
                # The name has no epoch.
                name = "%s_%s.dsc" % (package, version.split(":")[-1])
                path = os.path.join(self.files, name)
                status, _, errors = self.apt(
                    "apt-get", "source", "--download-only", "%s=%s" % (package, version)
                )
                if status == 0 and os.path.exists(path):
                    return path, version
            raise Unavailable("no source of %s: %s" % (package, errors.splitlines()[-1]))


def newer(one, other):
    return subprocess.run(["dpkg", "--compare-versions", one, "gt", other], check=False).returncode == 0


def unpack(dsc, folder):
    """The source as its authors wrote it, without Debian's patches, as FOLDER, from nothing."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    done = subprocess.run(
        ["dpkg-source", "--no-copy", "--no-check", "--skip-patches", "-x", dsc, folder],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise Problem("cannot unpack %s: %s" % (dsc, done.stderr.strip()))
