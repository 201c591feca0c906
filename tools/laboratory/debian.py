# SPDX-License-Identifier: Apache-2.0
"""Debian packages of any architecture, without a change to the machine.

apt runs with a state folder of its own in the cache, and an architecture of its own; it reads the
machine's sources and keyrings, so packages are signed by whom the machine trusts, and are of the
machine's release. Packages are kept by version: what is there is not downloaded again, but its
checksum is looked at.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import time

CACHE = os.environ.get("SCONCE_LAB_CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "sconce-lab"
)
# Lists of packages older than this are renewed before they are believed.
LISTS_SECONDS = 24 * 3600
# Debian's name of an architecture -> what everybody else calls it.
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}


class Problem(Exception):
    """What was tried and why it failed, for whoever started the tool."""


def triplet(arch):
    return MACHINES[arch] + "-linux-gnu"


class Debian:
    """Packages of one architecture."""

    def __init__(self, arch):
        if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
            raise Problem("this needs Debian's apt-get and dpkg-deb, for Debian's packages")
        self.arch = arch
        self.state = os.path.join(CACHE, arch)
        self.debs = os.path.join(CACHE, "debs")
        self.stamp = os.path.join(self.state, "updated")
        for folder in (self.debs, self.state + "/lists/partial", self.state + "/archives/partial"):
            os.makedirs(folder, exist_ok=True)
        with open(self.state + "/status", "a", encoding="utf-8"):
            pass  # no package is installed as far as this apt knows

    def apt(self, program, *arguments, folder=None):
        """Run it in FOLDER; what it says."""
        options = {
            "APT::Architecture": self.arch,
            "APT::Architectures::": self.arch,
            "APT::Sandbox::User": "",
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
            "Dir::State": self.state,
            "Dir::State::status": self.state + "/status",
            "Dir::Cache": self.state,
            "Dir::Cache::pkgcache": "pkgcache.bin",
            "Dir::Cache::srcpkgcache": "srcpkgcache.bin",
        }
        command = [program, "-q"]
        for key, value in options.items():
            command += ["-o", "%s=%s" % (key, value)]
        done = subprocess.run(
            command + list(arguments), cwd=folder or self.state,
            env={**os.environ, "LC_ALL": "C.UTF-8"}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise Problem(
                "%s %s for %s failed:\n%s"
                % (program, " ".join(arguments), self.arch, done.stderr.strip())
            )
        return done.stdout

    def update(self):
        self.apt("apt-get", "update")
        with open(self.stamp, "w", encoding="utf-8"):
            pass

    def renew(self):
        """New lists when there are none or old ones. Old ones will do where there is no network:
        what they name may be in the cache."""
        try:
            age = time.time() - os.stat(self.stamp).st_mtime
        except FileNotFoundError:
            self.update()
            return
        if age > LISTS_SECONDS:
            try:
                self.update()
            except Problem as problem:
                print("note: going on with old package lists: %s" % problem, flush=True)

    def depends(self, package):
        """The packages that one depends on; where there is a choice, the first."""
        with self.locked():
            self.renew()
            said = self.apt("apt-cache", "depends", package)
        words = [line.split() for line in said.splitlines()]
        return [word[1] for word in words if word[:1] == ["Depends:"]]

    def fetch(self, *packages):
        """Paths of the packages' files, downloaded if need be."""
        with self.locked():
            self.renew()
            try:
                return self.download(packages)
            except Problem:
                # What the lists name may be gone from the server, replaced by a newer version.
                self.update()
                return self.download(packages)

    def download(self, packages):
        wanted = self.wanted(packages)
        missing = [file for file in wanted if not is_whole(*file)]
        if missing:
            names = [os.path.basename(path).partition("_")[0] for path, _ in missing]
            print("downloading %s for %s" % (" ".join(names), self.arch), flush=True)
            self.apt("apt-get", "download", *names, folder=self.debs)
        for file in missing:
            if not is_whole(*file):
                raise Problem("%s is not what its signed list says" % file[0])
        return [path for path, _ in wanted]

    def wanted(self, packages):
        """[(path in the cache, SHA-256)]: what apt would download now."""
        # It is silent about files that are in its folder already: not among them.
        said = self.apt("apt-get", "--print-uris", "download", *packages)
        files = []
        for line in said.splitlines():
            if line.startswith("'"):
                _, name, _, digest = line.split()
                kind, _, digest = digest.partition(":")
                if kind != "SHA256":
                    raise Problem("the list of packages has no SHA256 of %s" % name)
                files.append((os.path.join(self.debs, name), digest))
        if len(files) != len(packages):
            raise Problem("apt names %d files for %s" % (len(files), " ".join(packages)))
        return files

    def locked(self):
        return Lock(os.path.join(CACHE, "lock"), CACHE)


class Lock:
    """One user of something at a time; others wait, and say so."""

    def __init__(self, path, what):
        self.what = what
        self.file = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)

    def __enter__(self):
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("waiting for %s, which another process uses" % self.what, flush=True)
            fcntl.flock(self.file, fcntl.LOCK_EX)
        return self

    def __exit__(self, *_):
        os.close(self.file)


def is_whole(path, digest):
    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest() == digest
    except FileNotFoundError:
        return False


def unpack(debs, folder):
    """What the packages hold, as FOLDER, from nothing when it held others. Returns whether it was
    unpacked anew."""
    stamp = os.path.join(folder, ".packages")
    wanted = "".join(os.path.basename(deb) + "\n" for deb in debs)
    try:
        with open(stamp, encoding="utf-8") as file:
            if file.read() == wanted:
                return False
    except FileNotFoundError:
        pass
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    for deb in debs:
        done = subprocess.run(
            ["dpkg-deb", "-x", deb, folder], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise Problem("cannot unpack %s: %s" % (deb, done.stderr.strip()))
    with open(stamp, "w", encoding="utf-8") as file:
        file.write(wanted)
    return True
