#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `meson install` puts down is what users need.

    test-install.py SCENARIO BUILD SOURCE

Each scenario installs into a folder of its own (DESTDIR) and is then a user: it knows the installed
tree, pkg-config, a compiler and the examples' sources, which it copies out of the source tree first.
"""

import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile


class Problem(Exception):
    pass


def run(command, env=None, cwd=None, expect=0):
    """Returns what it said on both streams; a Problem unless its exit code is @expect."""
    done = subprocess.run(
        command, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    print("$ %s\n%s" % (" ".join(command), done.stdout), end="")
    if done.returncode != expect:
        raise Problem("exit code %d, not %d: %s" % (done.returncode, expect, " ".join(command)))
    return done.stdout


class Installed:
    """An installed tree, and an empty folder to work in."""

    def __init__(self, build, source, folder, tags=None):
        self.build = build
        self.source = source
        self.dest = os.path.join(folder, "dest")
        self.work = os.path.join(folder, "work")
        os.mkdir(self.work)
        options = json.loads(
            subprocess.run(
                ["meson", "introspect", build, "--buildoptions"],
                capture_output=True, text=True, check=True,
            ).stdout
        )  # fmt: skip
        self.options = {option["name"]: option["value"] for option in options}
        # Those that were chosen and could be built.
        self.built = [
            name
            for name in self.options["plugins"]
            if os.path.exists(os.path.join(build, "plugins", "sconce-backend-%s.so" % name))
        ]
        command = ["meson", "install", "-C", build, "--no-rebuild", "--destdir", self.dest]
        if tags:
            command += ["--tags", tags]
        run(command + ["--quiet"])

    def path(self, kind, *more):
        """In the installed tree: kind is one of meson's (bindir, libdir, includedir, sysconfdir)."""
        return self.dest + os.path.join(self.options["prefix"], self.options[kind], *more)

    @property
    def plugins(self):
        given = self.options["plugindir"]
        return self.dest + given if given else self.path("libdir", "sconce", "plugins")

    def files(self):
        return sorted(
            os.path.relpath(os.path.join(folder, name), self.dest)
            for folder, _, names in os.walk(self.dest)
            for name in names
        )

    def environment(self):
        env = {key: value for key, value in os.environ.items() if not key.startswith("SCONCE_")}
        env["PATH"] = self.path("bindir") + ":" + env["PATH"]
        env["LD_LIBRARY_PATH"] = self.path("libdir")
        env["PKG_CONFIG_PATH"] = self.path("libdir", "pkgconfig")
        env["PKG_CONFIG_SYSROOT_DIR"] = self.dest
        env["SCONCE_CHECK_DIR"] = self.path("libdir", "sconce", "check")
        return env

    def config(self, *lines):
        """A configuration for a tree that is not where it was made to be; returns its path."""
        path = os.path.join(self.work, "sconce.ini")
        with open(path, "w", encoding="utf-8") as file:
            file.write("[runtime]\nplugin_dir = %s\n" % self.plugins)
            file.write("backends_dir_etc = %s\n" % self.path("sysconfdir", "sconce", "backends.d"))
            # A temporary folder is below one that everybody may write.
            file.write("allow_untrusted_plugins = yes\n" + "".join(l + "\n" for l in lines))
        return path

    def pkg_config(self, *arguments):
        return run(["pkg-config"] + list(arguments), env=self.environment()).split()

    def copy(self, *path):
        """A folder of the sources, copied to the work folder."""
        to = os.path.join(self.work, path[-1])
        shutil.copytree(os.path.join(self.source, *path), to)
        return to

    def backends(self):
        """What sconce backends --probe tells of each."""
        done = subprocess.run(
            ["sconce", "backends", "--probe", "--format=json", "--config=" + self.config()],
            env=self.environment(), capture_output=True, text=True, check=True,
        )  # fmt: skip
        return json.loads(done.stdout)

    def runs_guests(self, isolation):
        """Can a guest run here behind a wall of that kind: vm, process?"""
        return any(b["isolation"] == isolation and b["usable"] for b in self.backends())


# ---- Scenarios --------------------------------------------------------------------------------


def compiler():
    return os.environ.get("CC", "cc").split()


def everything(tree):
    """Every file that users and packagers count on is there, and no other kind of file."""
    wanted = [
        ("bindir", "sconce"),
        ("bindir", "sconce-plugin-check"),
        ("libdir", "libsconce.so"),
        ("libdir", "libsconce.so.0"),
        ("libdir", "pkgconfig", "sconce.pc"),
        ("libdir", "pkgconfig", "sconce-plugin.pc"),
        ("includedir", "sconce", "sconce.h"),
        ("includedir", "sconce", "error.h"),
        ("includedir", "sconce-plugin", "sconce-plugin.h"),
        ("includedir", "sconce-plugin", "sconce-guest-abi.h"),
        ("sysconfdir", "sconce", "sconce.ini"),
    ]
    missing = [path for path in wanted if not os.path.exists(tree.path(*path))]
    for name in tree.built:
        if not os.path.exists(os.path.join(tree.plugins, "sconce-backend-%s.so" % name)):
            missing.append(("plugins", name))
    if missing:
        raise Problem("not installed: %s" % missing)
    strange = [path for path in tree.files() if re.search(r"(^|/)test|cmocka|\.(o|c|py|in)$", path)]
    strange = [path for path in strange if not path.endswith(("crt.o", "crt-libc.o"))]
    if strange:
        raise Problem("installed, and should not be: %s" % strange)


def program(tree):
    """The installed program runs, and shows what it was built with."""
    env = tree.environment()
    run(["sconce", "--version"], env=env)
    listed = run(["sconce", "backends", "-q", "--config=" + tree.config()], env=env).split()
    if sorted(listed) != sorted(tree.built):
        raise Problem("lists %s, installed are %s" % (listed, tree.built))


def hello(tree):
    """The example: a guest by the installed sconce-cc, a host by pkg-config, and they meet."""
    folder = tree.copy("examples", "hello")
    env = tree.environment()
    run(["sconce-cc", "-O2", "-Wall", "-Werror", "hello-guest.c", "-o", "hello.elf"], env, folder)
    flags = tree.pkg_config("--cflags", "--libs", "sconce")
    run(compiler() + ["-Wall", "-Werror", "hello.c", "-o", "hello"] + flags, env, folder)

    env["SCONCE_CONFIG"] = tree.config()
    if tree.runs_guests("vm"):
        greet(env, folder)
    else:
        said = run(["./hello", "hello.elf", "Ada", "fr"], env, folder, expect=1)
        if "backend" not in said or "hint: " not in said:
            raise Problem("refused without saying why: %r" % said)
    if tree.runs_guests("process"):
        env["SCONCE_CONFIG"] = tree.config("backend = process-x86_64", "isolation = any")
        greet(env, folder)


def greet(env, folder):
    said = run(["./hello", "hello.elf", "Ada", "fr"], env, folder)
    if said != "Bonjour, Ada!\n":
        raise Problem("the guest said %r" % said)


def backends(tree):
    """Each backend is found where it was installed, with its wall, and auto knows it."""
    walls = {"kvm": "vm", "mshv": "vm", "process": "process", "stub": "none"}
    told = {backend["name"]: backend for backend in tree.backends()}
    for name in tree.built:
        mechanism = name.partition("-")[0]
        if told[name]["isolation"] != walls[mechanism]:
            raise Problem("%s has isolation %s" % (name, told[name]["isolation"]))
        if os.path.dirname(told[name]["path"]) != os.path.realpath(tree.plugins):
            raise Problem("%s was found at %s" % (name, told[name]["path"]))
        files = glob.glob(os.path.join(tree.plugins, "..", "backends.d", "??-%s.ini" % name))
        if mechanism == "stub":
            if files:
                raise Problem("auto would try the stub: %s" % files)
            continue
        with open(files[0], encoding="utf-8") as file:
            if "package = sconce-backend-%s\n" % mechanism not in file.read():
                raise Problem("%s names another package" % files[0])
    order = sorted(glob.glob(os.path.join(tree.plugins, "..", "backends.d", "*.ini")))
    order = [os.path.basename(path)[len("NN-"):-len(".ini")] for path in order]
    if list(told)[:len(order)] != order:
        raise Problem("auto tries them as %s, not as %s" % (list(told), order))


def plugin(tree):
    """The smallest plugin builds with pkg-config alone, keeps the contract, answers a typed call."""
    need_programs("make")
    folder = tree.copy("examples", "plugin-minimal")
    env = tree.environment()
    run(["make", "sconce-backend-minimal.so", "answer.elf"], env, folder)
    run(["make", "check"], env, folder)
    said = run(["make", "-s", "demo"], env, folder)
    if "backend minimal " not in said or said.splitlines()[-1] != "42":
        raise Problem("the plugin answered %r" % said)


# Who may speak of riscv64: the names of ELF machines, for people.
NAMES_OF_MACHINES = {"cli/cmd-inspect.c"}


def architecture(tree):
    """An architecture that Sconce does not know comes as a package: plugin, guest SDK, guest."""
    unaware(tree, r"riscv")
    folder, env = riscv64_sdk(tree)
    env["SCONCE_CONFIG"] = tree.config()
    run(["make", "guest.elf"], env, folder)
    says(["sconce", "inspect", "guest.elf"], env, folder,
         "guest for riscv64", "add(i32, i32) -> i32", "greet() -> string", "visitor() -> string")
    call = ["sconce", "call", "-v", "--host=visitor=Ada", "guest.elf"]
    says(call + ["add", "1", "2"], env, folder, "backend", "hint: ", expect=4)

    run(["make", "CFLAGS=-O2 -Werror"], env, folder)
    says(["make", "check"], env, folder, ", 0 failed, ")
    run(["make", "install"], env, folder)
    if "stub-riscv64" not in [backend["name"] for backend in tree.backends()]:
        raise Problem("it was dropped in, and sconce backends does not list it")
    env["SCONCE_CONFIG"] = tree.config("isolation = any")
    says(call + ["add", "1", "2"], env, folder, "backend stub-riscv64 ", "\n42\n")

    def scripted(name):
        return call + ["--set=backend.stub-riscv64.script=" + os.path.join(folder, name)]

    says(scripted("answer.traps") + ["add", "1", "2"], env, folder, "traps 1,", "\n42\n")
    says(scripted("fault.traps") + ["add", "1", "2"], env, folder,
         "load page fault, scause 13", "0x10", expect=5)
    with open(os.path.join(folder, "greet.traps"), "w", encoding="utf-8") as file:
        file.write("ready\nreturn string Hello, Ada!\n")
    says(scripted("greet.traps") + ["greet"], env, folder, "\nHello, Ada!\n")


def architecture_guest(tree):
    """That architecture's guest SDK works: a guest runs on an emulated hart."""
    need_programs("qemu-riscv64")
    folder, env = riscv64_sdk(tree)
    run(["make", "trial"], env, folder)


def riscv64_sdk(tree):
    """Adds it to the installed one; returns the example's folder, and the environment for it."""
    need_programs("make", "riscv64-linux-gnu-gcc|clang", "riscv64-linux-gnu-gcc|ld.lld")
    folder = tree.copy("examples", "plugin-riscv64")
    env = tree.environment()
    run(["make", "sdk", "GUEST_LIB=" + os.path.join(tree.source, "guest", "lib")], env, folder)
    return folder, env


def unaware(tree, pattern):
    """No file of the core and of what is around it speaks of @pattern."""
    for top in ("core", "config", "include", "plugin-api", "cli"):
        for path in glob.glob(os.path.join(tree.source, top, "**", "*.[chi]*"), recursive=True):
            with open(path, encoding="utf-8") as file:
                aware = re.search(pattern, file.read(), re.IGNORECASE)
            if aware and os.path.relpath(path, tree.source) not in NAMES_OF_MACHINES:
                raise Problem("%s knows %s" % (path, aware[0]))


def says(command, env, folder, *texts, expect=0):
    said = run(command, env, folder, expect)
    for text in texts:
        if text not in said:
            raise Problem("%s does not say %r" % (" ".join(command), text))


def need_programs(*wanted):
    """Each is a program, or several of which one will do."""
    for names in wanted:
        if not any(shutil.which(name) for name in names.split("|")):
            print("no " + names.replace("|", ", no "))
            sys.exit(77)


def cxx(tree):
    """A C++ program uses the library."""
    cxx_compiler = shutil.which("g++") or shutil.which("clang++")
    if not cxx_compiler:
        print("no C++ compiler")
        sys.exit(77)
    with open(os.path.join(tree.work, "use.cc"), "w", encoding="utf-8") as file:
        file.write(
            "#include <sconce/sconce.h>\n#include <cstdio>\n"
            "int main() {\n"
            "    sconce_error err{};\n    sconce_runtime *runtime = nullptr;\n"
            "    std::puts(sconce_version());\n"
            "    int code = sconce_runtime_new(nullptr, &runtime, &err);\n"
            "    sconce_runtime_free(runtime);\n    return code != 0;\n}\n"
        )
    env = tree.environment()
    env["SCONCE_CONFIG"] = tree.config()
    flags = tree.pkg_config("--cflags", "--libs", "sconce")
    run([cxx_compiler, "-std=c++17", "-Wall", "-Werror", "use.cc", "-o", "use"] + flags, env,
        tree.work)  # fmt: skip
    run(["./use"], env, tree.work)


def no_backend(tree):
    """A core whose backends are not installed says so, and what to do."""
    for path in glob.glob(os.path.join(tree.plugins, "*.so")):
        os.remove(path)
    folder = tree.copy("examples", "hello")
    env = tree.environment()
    run(["sconce-cc", "hello-guest.c", "-o", "hello.elf"], env, folder)
    said = run(
        ["sconce", "call", "--config=" + tree.config(), "hello.elf", "greet", "Ada"],
        env, folder, expect=4,
    )  # fmt: skip
    if "hint: " not in said:
        raise Problem("refused without a hint: %r" % said)


def tags(tree):
    """One install tag a backend: that backend's files and nothing else."""
    for name in tree.built:
        with tempfile.TemporaryDirectory() as folder:
            one = Installed(tree.build, tree.source, folder, tags="backend-" + name)
            files = one.files()
        unknown = [
            path
            for path in files
            if not re.search(r"(^|/)(sconce-backend-%s\.so|\d\d-%s\.ini)$" % (name, name), path)
        ]
        if unknown or not any(path.endswith(".so") for path in files):
            raise Problem("tag backend-%s installs %s" % (name, files))


def readme(tree):
    """The programs in README.md do what it says, as they stand there."""
    with open(os.path.join(tree.source, "README.md"), encoding="utf-8") as file:
        programs = re.findall(r"^```c\n(.*?)^```", file.read(), re.DOTALL | re.MULTILINE)
    guests = [text for text in programs if "<sconce/guest.h>" in text]
    hosts = [text for text in programs if "<sconce/sconce.h>" in text]
    if len(guests) != 1 or len(hosts) != 2:
        raise Problem("README.md has %d hosts and %d guests" % (len(hosts), len(guests)))
    # The second is an example, which has its own tests.
    with open(os.path.join(tree.source, "examples/parser/parser.c"), encoding="utf-8") as file:
        if file.read().partition("\n")[2] != hosts[1]:
            raise Problem("README.md and examples/parser/parser.c are not the same program")
    for name, text in (("guest.c", guests[0]), ("host.c", hosts[0])):
        with open(os.path.join(tree.work, name), "w", encoding="utf-8") as file:
            file.write(text)
    env = tree.environment()
    warnings = ["-Wall", "-Wextra", "-Werror"]
    flags = tree.pkg_config("--cflags", "--libs", "sconce")
    run(["sconce-cc", "--libc=system"] + warnings + ["guest.c", "-o", "hello.elf", "-lm"], env,
        tree.work)  # fmt: skip
    run(compiler() + warnings + ["host.c", "-o", "host"] + flags, env, tree.work)

    env["SCONCE_CONFIG"] = tree.config()
    if tree.runs_guests("vm") and run(["./host"], env, tree.work) != "Hello, Ada!\n":
        raise Problem("the README's program says something else")


SCENARIOS = {
    "everything": everything,
    "program": program,
    "backends": backends,
    "hello": hello,
    "plugin": plugin,
    "architecture": architecture,
    "architecture-guest": architecture_guest,
    "cxx": cxx,
    "no-backend": no_backend,
    "tags": tags,
    "readme": readme,
}


def main():
    scenario, build, source = sys.argv[1:4]
    with tempfile.TemporaryDirectory() as folder:
        try:
            SCENARIOS[scenario](Installed(build, source, folder))
        except Problem as problem:
            print("test-install: " + str(problem))
            sys.exit(1)


if __name__ == "__main__":
    main()
