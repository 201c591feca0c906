#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tools/lab takes nothing for a success that is none: no result, a part of one, a damaged one, one
that came too late; rows that failed, did not run, or should have failed.

    test-lab.py ROOT
"""

import hashlib
import io
import lzma
import os
import subprocess
import sys
import tarfile
import tempfile
import unittest
import unittest.mock

ROOT = sys.argv.pop(1)
sys.path.insert(0, os.path.join(ROOT, "tools"))
# pylint: disable=wrong-import-position
from laboratory import machine, matrix, own_tests, result, trial
from laboratory.debian import Problem
from laboratory.initramfs import Initramfs
from laboratory.kernel import Kernel


def tar_of(files):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo("./" + name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return stream.getvalue()


def disk_of(content, length=None, digest=None):
    header = "SCONCE-LAB-RESULT 1 %d %s\n" % (
        len(content) if length is None else length,
        digest or hashlib.sha256(content).hexdigest(),
    )
    return header.encode().ljust(result.HEADER_BYTES, b"\0") + content


GOOD = tar_of({"status": "0\n", "log": "hello\n"})


class Disk(unittest.TestCase):
    def read(self, content):
        with tempfile.NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            return result.read_disk(file.name)

    def refuse(self, content, text):
        with self.assertRaisesRegex(Problem, text):
            self.read(content)

    def test_whole_result_is_read(self):
        files = self.read(disk_of(GOOD) + bytes(4096))
        self.assertEqual(files, {"status": "0\n", "log": "hello\n"})

    def test_empty_disk_is_no_result(self):
        self.refuse(bytes(1 << 20), "wrote no result")

    def test_disk_of_no_bytes_is_no_result(self):
        self.refuse(b"", "wrote no result")

    def test_content_without_header_is_no_result(self):
        self.refuse(bytes(512) + GOOD, "wrote no result")

    def test_result_cut_off_is_none(self):
        self.refuse(disk_of(GOOD)[:-1], "cut off")

    def test_result_damaged_is_none(self):
        self.refuse(disk_of(GOOD)[:-1] + b"x", "damaged")

    def test_result_without_status_is_none(self):
        self.refuse(disk_of(tar_of({"log": "x"})), "no exit status")

    def test_result_that_is_no_tar_is_none(self):
        self.refuse(disk_of(b"x" * 10240), "no tar file")


class Qemu(unittest.TestCase):
    """A script in QEMU's place; it gets the disk's path by the option -drive."""

    DISK = """
for word in "$@"; do
    case $word in file=*) disk=${word#file=} disk=${disk%%,*} ;; esac
done
"""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()  # pylint: disable=consider-using-with
        self.program = os.path.join(self.folder.name, "qemu")
        self.good = os.path.join(self.folder.name, "good")
        with open(self.good, "wb") as file:
            file.write(disk_of(GOOD))
        self.saved = dict(machine.QEMU)
        machine.QEMU["amd64"] = self.program

    def tearDown(self):
        machine.QEMU.update(self.saved)
        self.folder.cleanup()

    def run_machine(self, script, timeout=60):
        with open(self.program, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n" + self.DISK + "good=%s\n" % self.good + script)
        os.chmod(self.program, 0o755)
        kernel = type("Kernel", (), {"image": "/kernel"})
        run_folder = os.path.join(self.folder.name, "amd64", "run")
        one = machine.Machine("amd64", "max")
        return machine.run(one, kernel, "/i", run_folder, timeout, False)

    def fail(self, script, text, timeout=60):  # pylint: disable=arguments-differ
        with self.assertRaisesRegex(machine.Failure, text) as caught:
            self.run_machine(script, timeout)
        return caught.exception.tail()

    def test_result_on_the_disk_is_read(self):
        files = self.run_machine('cat "$good" >"$disk"; echo booted\n')
        self.assertEqual(files["log"], "hello\n")

    def test_panic_is_a_failure_that_shows_the_console(self):
        console = self.fail("echo Kernel panic; exit 0\n", "wrote no result")
        self.assertEqual(console, ["Kernel panic"])

    def test_result_on_the_console_is_not_believed(self):
        self.fail('cat "$good"\n', "wrote no result")

    def test_status_of_qemu_is_a_failure_whatever_is_on_the_disk(self):
        self.fail('cat "$good" >"$disk"; exit 3\n', "status 3")

    def test_result_of_the_run_before_is_not_believed(self):
        self.run_machine('cat "$good" >"$disk"\n')
        self.fail("exit 0\n", "wrote no result")

    def test_run_without_an_end_is_ended(self):
        console = self.fail('cat "$good" >"$disk"; echo begun; exec sleep 1000\n', "not done", 2)
        self.assertEqual(console, ["begun"])

    def test_command_has_no_semihosting(self):
        for one in sum([*matrix.MATRIX.values(), *matrix.MORE.values()], []):
            kernel = type("Kernel", (), {"image": "/kernel"})
            self.assertNotIn("semihosting", " ".join(one.command(kernel, "/i", "/d")))


ROWS = """\
ok    file.note            one ELF note
skip  probe.refusal        an unusable machine (it can be used here)
FAIL  fault.instruction    traps are named
      %s

%s: 1 passed, 1 failed, 1 skipped
"""
FLOAT = "float_divide_by_zero(0x0) ended with success"
ICEBP = "icebp(0x0) is a illegal instruction fault: the guest faulted, pc 0x4 (#UD)"


class Verdict(unittest.TestCase):
    def judge(self, text, backend="kvm-x86_64", whole=True):
        problems, known = matrix.judge("amd64", result.Rows(backend, text), whole)
        return problems, [entry.reason for entry in known]

    def test_what_qemu_cannot_do_is_known(self):
        problems, known = self.judge(ROWS % (FLOAT + "; " + ICEBP, "kvm-x86_64"))
        self.assertEqual(problems, [])
        self.assertEqual(len(known), 2)

    def test_what_else_fails_in_the_same_row_is_a_problem(self):
        problems, _ = self.judge(ROWS % (FLOAT + "; ud2(0x0) ended with success; " + ICEBP,
                                         "kvm-x86_64"))  # fmt: skip
        self.assertEqual(problems, ["fault.instruction: ud2(0x0) ended with success"])

    def test_what_is_listed_and_passes_is_a_problem(self):
        problems, _ = self.judge(ROWS % (FLOAT, "kvm-x86_64"))
        self.assertEqual(len(problems), 1)
        self.assertIn("did not show", problems[0])

    def test_what_is_listed_and_did_not_run_is_a_problem(self):
        text = "ok    file.note  x\n\nkvm-x86_64: 1 passed, 0 failed, 0 skipped\n"
        self.assertEqual(len(self.judge(text)[0]), 2)
        self.assertEqual(self.judge(text, whole=False)[0], [])

    def test_row_that_may_not_be_skipped_is_a_problem(self):
        text = "skip  types.echo  every type (no)\n\nkvm-x86_64: 0 passed, 0 failed, 1 skipped\n"
        problems, _ = self.judge(text, whole=False)
        self.assertEqual(problems, ["types.echo was skipped: every type (no)"])

    def test_backend_that_cannot_be_used_is_a_problem(self):
        text = ("skip  types.echo  every type (no)\n\n"
                "kvm-x86_64 cannot be used on this machine: no /dev/kvm\n\n"
                "kvm-x86_64: 0 passed, 0 failed, 1 skipped\n")  # fmt: skip
        self.assertEqual(self.judge(text, whole=False)[0], ["it cannot be used: no /dev/kvm"])

    def test_rows_without_their_last_line_are_refused(self):
        closing = "\nstub: 2 passed, 0 failed, 0 skipped\n"
        for text in ("", "ok    file.note  x\n", "ok    a  b\n" + closing):
            with self.assertRaisesRegex(Problem, "did not come to the end"):
                result.Rows("stub", text)

    def test_row_that_dies_in_mid_line_is_refused(self):
        with self.assertRaises(Problem):
            result.Rows("stub", "ok    a  b\nok    c\nstub: 2 passed, 0 failed, 0 skipped\n")


class Trials(unittest.TestCase):
    def trial(self, files, backends=("stub",)):
        kernel = type("Kernel", (), {"release": "6.1.0", "version": "6.1.1-1"})
        one = trial.Trial(kernel, machine.Machine("arm64", "cortex-a72", gic=2))
        one.files = files
        one.judge([matrix.Subject(name) for name in backends], True)
        return one

    STUB = "ok    a  b\n\nstub: 1 passed, 0 failed, 0 skipped\n"

    def test_status_and_rows_agree(self):
        one = self.trial({"status": "0\n", "stub.log": self.STUB, "stub.status": "0\n"})
        self.assertEqual(one.all_problems(), [])

    def test_status_that_rows_do_not_explain_is_a_problem(self):
        for status in ("1\n", "139\n", ""):
            one = self.trial({"status": "0\n", "stub.log": self.STUB, "stub.status": status})
            self.assertEqual(len(one.all_problems()), 1)
            self.assertIn("and not with 0", one.all_problems()[0])
        one = self.trial({"status": "1\n", "stub.log": self.STUB, "stub.status": "0\n"})
        self.assertEqual(one.all_problems(), ["the job ended with status 1"])

    def test_kernel_that_is_not_well_is_a_problem(self):
        one = self.trial({"status": "0\n", "stub.log": self.STUB, "stub.status": "0\n",
                          "dmesg": "[ 1.0] WARNING: CPU: 0 at kvm/arm.c:1\n"})  # fmt: skip
        self.assertIn("WARNING", one.all_problems()[0])

    def test_row_that_one_backend_lacks_is_a_problem(self):
        more = "ok    a  b\nok    c  d\n\n%s: 2 passed, 0 failed, 0 skipped\n"
        one = self.trial({"status": "0\n", "stub.log": self.STUB, "stub.status": "0\n",
                          "other.log": more % "other", "other.status": "0\n"},
                         ["stub", "other"])  # fmt: skip
        self.assertIn("stub: these rows are not in its list: c", one.all_problems())

    def test_backend_that_died_has_a_line(self):
        one = self.trial({"status": "0\n", "stub.log": "ok    a  b\n", "stub.status": "139\n"})
        self.assertIn("FAILED", trial.table([one])[1])
        self.assertEqual(trial.report([one])[0]["backend"], "stub")

    def test_backend_without_a_log_is_a_problem(self):
        self.assertEqual(len(self.trial({"status": "0\n"}).all_problems()), 1)

    def test_double_is_called_one_wherever_it_is_told(self):
        text = self.STUB.replace("stub", "mshv-x86_64")
        subjects = [one for one in matrix.subjects("amd64") if one.double]
        self.assertEqual([one.double for one in subjects], ["6.15", "newer"])
        files = {"status": "0\n"}
        for one in subjects:
            files.update({one.slug + ".log": text, one.slug + ".status": "0\n"})
        kernel = type("Kernel", (), {"release": "6.1.0", "version": "6.1.1-1"})
        one = trial.Trial(kernel, machine.Machine("amd64", "max"))
        one.files = files
        one.judge(subjects, False)
        self.assertEqual(one.all_problems(), [])
        for subject, line, entry in zip(subjects, trial.table([one])[1:], trial.report([one])):
            self.assertIn("mshv-x86_64 (double, %s)" % subject.double, line)
            self.assertEqual(entry["double"], subject.double)

    def test_job_preloads_the_double_and_nothing_else(self):
        lines = [line for line in trial.check_job(matrix.subjects("amd64"), "--x").splitlines()
                 if "sconce-plugin-check" in line]  # fmt: skip
        self.assertEqual(len(lines), len(matrix.subjects("amd64")))
        for line in lines:
            self.assertEqual("LD_PRELOAD=" in line, "mshv-x86_64" in line)
            self.assertIn(" --x ", line)

    def test_backends_that_are_named_are_what_runs(self):
        named = matrix.subjects("amd64", ["mshv-x86_64", "nobody"])
        self.assertEqual([one.slug for one in named],
                         ["nobody", "mshv-x86_64-6.15", "mshv-x86_64-newer"])  # fmt: skip

    def test_table_tells_how_kvm_works(self):
        one = self.trial({"status": "0\n", "stub.log": self.STUB, "stub.status": "0\n",
                          "dmesg": "kvm [1]: Hyp mode initialized successfully\n"})  # fmt: skip
        self.assertIn("no VHE", trial.table([one])[1])
        self.assertEqual(trial.report([one])[0]["mode"], "no VHE")

    def test_run_without_result_has_a_line(self):
        one = self.trial({})
        one.problems = ["not done"]
        self.assertIn("FAILED: not done", trial.table([one])[1])
        self.assertEqual(trial.report([one])[0]["problems"], ["not done"])


class OwnTests(unittest.TestCase):
    """A build folder with three tests: two of a backend, one of them a script, and one of nobody."""

    COMMON = {"timeout": 30, "env": {}, "depends": [], "protocol": "exitcode", "workdir": None}
    TARGETS = [
        {"id": "k", "type": "executable", "filename": ["/b/test-kicks"]},
        {"id": "l", "type": "shared module", "filename": ["/b/plugin.so"]},
        {"id": "u", "type": "executable", "filename": ["/b/test-unit"]},
    ]
    TESTS = [
        {**COMMON, "name": "ki cks", "suite": ["sconce:kvm"], "cmd": ["/b/test-kicks", "a b"],
         "env": {"X": "y z", "SCONCE_TEST_PROGRAM": "/b/sconce"}, "depends": ["k", "l"]},
        {**COMMON, "name": "script", "suite": ["sconce:kvm-aarch64"], "cmd": ["/s/test.sh"]},
        {**COMMON, "name": "unit", "suite": ["sconce:unit"], "cmd": ["/b/test-unit"],
         "depends": ["u"]},
    ]  # fmt: skip

    def setUp(self):
        self.saved = own_tests.introspect
        self.entries = self.TESTS
        own_tests.introspect = lambda _, what: self.entries if what == "--tests" else self.TARGETS
        self.tests = own_tests.OwnTests("arm64", "/b", ["*"])

    def tearDown(self):
        own_tests.introspect = self.saved

    def outcome(self, files, tests=None):
        rows, problems, _ = (tests or self.tests).outcome("kvm-aarch64", "", files)
        return list(rows.outcome.values()), problems

    def test_programs_of_backends_are_chosen_and_scripts_are_told(self):
        self.assertEqual([test.name for test in self.tests.tests], ["ki cks"])
        self.assertEqual(self.tests.tests[0].files, ["/b/test-kicks", "/b/plugin.so"])
        self.assertEqual(self.tests.groups(), [("kvm-aarch64", "")])
        self.assertEqual(self.tests.left_out, ["script"])

    def test_each_name_must_fit(self):
        with self.assertRaisesRegex(Problem, "is called process-"):
            own_tests.OwnTests("arm64", "/b", ["ki*", "process-*"])

    def test_test_that_a_lab_cannot_run_is_refused(self):
        for what in ({"protocol": "tap"}, {"workdir": "/w"}, {"timeout": 0}):
            self.entries = [{**self.TESTS[0], **what}]
            with self.assertRaisesRegex(Problem, "does not know how to run the test ki cks"):
                own_tests.OwnTests("arm64", "/b", ["*"])

    def test_folder_that_is_no_build_is_refused(self):
        own_tests.introspect = self.saved
        with tempfile.TemporaryDirectory() as folder:
            with self.assertRaisesRegex(Problem, "as a build folder"):
                own_tests.OwnTests("arm64", folder, ["*"])

    def test_what_is_not_built_is_a_problem(self):
        with self.assertRaisesRegex(Problem, "/b/plugin.so is not built"):
            self.tests.add_to(Initramfs(), "/nonexistent")

    def test_job_runs_what_is_named_with_its_words_and_environment(self):
        with tempfile.TemporaryDirectory() as folder:
            program = os.path.join(folder, "a=b 'c")
            with open(program, "w", encoding="utf-8") as file:
                file.write('#!/bin/sh\necho "$X, $SCONCE_TEST_PROGRAM, $1"; exit 5\n')
            os.chmod(program, 0o755)
            self.tests.build = folder
            self.tests.tests[0].command[0] = program
            os.mkdir(os.path.join(folder, "out"))
            job = self.tests.job().replace("/lab/out", folder + "/out")
            subprocess.run(["sh", "-c", job], check=True, stdout=subprocess.DEVNULL)
            with open(folder + "/out/tests", encoding="utf-8") as file:
                self.assertEqual(file.read(), "0 5\n")
            with open(folder + "/out/0.test", encoding="utf-8") as file:
                self.assertEqual(file.read(), "y z, /usr/bin/sconce, a b\n")

    def test_success_is_what_the_disk_says(self):
        self.assertEqual(self.outcome({"tests": "0 0\n"}), (["ok"], []))

    def test_all_else_is_a_problem_with_its_last_words(self):
        for status in ("1", "77", "137"):
            outcome, problems = self.outcome({"tests": "0 " + status + "\n", "0.test": "why\n"})
            self.assertEqual(outcome, ["FAIL"])
            self.assertEqual(len(problems), 1)
            self.assertIn("| why", problems[0])

    def test_test_that_did_not_come_to_its_end_is_a_problem(self):
        outcome, problems = self.outcome({})
        self.assertEqual(outcome, ["FAIL"])
        self.assertIn("ki cks ended with status unknown", problems[0])

    def test_part_that_was_left_out_is_a_problem_unless_it_is_on_the_list(self):
        said = "[  SKIPPED ] test_%s\n"
        _, problems = self.outcome({"tests": "0 0\n", "0.test": said % "a"})
        self.assertIn("ki cks left out test_a", problems[0])
        self.entries = [{**self.TESTS[0], "name": "obstacles-process-aarch64"}]
        tests = own_tests.OwnTests("arm64", "/b", ["*"])
        self.assertEqual(self.outcome({"tests": "0 0\n", "0.test":
                         said % "obstacles_executable_memfds_forbidden"}, tests)[1], [])  # fmt: skip

    def test_part_that_qemu_fails_must_fail_alone(self):
        known = matrix.Known("arm64", "kvm", "ki c*", "test_a", "QEMU has no a")
        failed = "[  FAILED  ] test_a\n"
        cases = [
            ("1", failed, []),
            ("1", failed + failed, []),  # told once more at the end
            ("0", "", ["listed as failing: test_a; failed: none"]),
            ("1", "[  FAILED  ] test_b\n", ["failed: test_b"]),
            ("2", failed + "[  FAILED  ] test_b\n", ["ended with status 2"]),
            ("139", failed, ["ended with status 139"]),
            ("77", "", ["was skipped"]),
            ("1", failed + "[  SKIPPED ] test_c\n", ["left out test_c"]),
        ]
        for status, said, expected in cases:
            with unittest.mock.patch.object(matrix, "TESTS_KNOWN", [known]):
                rows, problems, shown = self.tests.outcome(
                    "kvm-aarch64", "", {"tests": "0 %s\n" % status, "0.test": said}
                )
            self.assertEqual(list(rows.outcome.values()), ["FAIL"])
            self.assertEqual(shown, [] if expected else [known])
            self.assertEqual([text for text, problem in zip(expected, problems) if text in problem],
                             expected)  # fmt: skip
            self.assertEqual(len(problems), len(expected))

    def test_tests_over_a_double_run_and_are_told_by_its_driver(self):
        entry = {**self.TESTS[0], "suite": ["sconce:mshv"]}
        preloaded = {"LD_PRELOAD": "/b/double.so"}
        self.entries = [
            {**entry, "name": "old", "env": preloaded},
            {**entry, "name": "new", "env": {**preloaded, "MSHV_DOUBLE_DRIVER": "newer"}},
            {**entry, "name": "device"},
        ]
        tests = own_tests.OwnTests("amd64", "/b", ["*"])
        self.assertEqual(tests.groups(), [("mshv-x86_64", "6.15"), ("mshv-x86_64", "newer")])
        self.assertEqual(tests.left_out, ["device"])
        self.assertIn("export MSHV_DOUBLE_TSS=available;", tests.tests[0].script())
        rows, problems, _ = tests.outcome("mshv-x86_64", "newer", {"tests": "0 1\n1 0\n"})
        self.assertEqual((list(rows.outcome), problems), (["1 new"], []))
        self.assertEqual(rows.name, "mshv-x86_64 (double, newer)")

    def test_two_of_one_name_are_two(self):
        self.entries = [self.TESTS[0], self.TESTS[0]]
        tests = own_tests.OwnTests("arm64", "/b", ["*"])
        self.assertEqual(self.outcome({"tests": "0 1\n1 0\n"}, tests)[0], ["FAIL", "ok"])

    def test_verdict_has_the_kernels_word_too(self):
        kernel = type("Kernel", (), {"release": "6.1.0", "version": "6.1.1-1"})
        one = trial.Trial(kernel, machine.Machine("arm64", "cortex-a72", gic=2))
        one.files = {"status": "0\n", "tests": "0 0\n", "dmesg": "BUG: x\n"}
        one.judge_tests(self.tests)
        self.assertEqual(one.all_problems(), ["the kernel says: BUG: x"])
        self.assertIn("kvm-aarch64, tests", trial.table([one])[2])


class Modules(unittest.TestCase):
    def modules(self, files):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "lib/modules/6/kernel/drivers")
            os.makedirs(path)
            for name, depends in files.items():
                module = b"\x7fELF\0license=GPL\0depends=%s\0name=x\0" % depends.encode()
                compress = lzma.compress if name.endswith(".xz") else bytes
                with open(os.path.join(path, name), "wb") as file:
                    file.write(compress(module))
            one = Kernel.__new__(Kernel)
            one.arch, one.folder = "arm64", folder
            return [name for name, _ in one.modules()]

    def test_what_one_needs_comes_before(self):
        self.assertEqual(
            self.modules({
                "virtio_blk.ko": "virtio,virtio-ring", "virtio.ko": "virtio-ring",
                "virtio-ring.ko": "", "other.ko": "",
            }),
            ["virtio_ring.ko", "virtio.ko", "virtio_blk.ko"],
        )  # fmt: skip

    def test_compressed_ones_are_unpacked_and_built_in_ones_left_out(self):
        self.assertEqual(self.modules({"virtio_blk.ko.xz": "built_in"}), ["virtio_blk.ko"])


class Archive(unittest.TestCase):
    def test_folders_come_before_what_is_in_them(self):
        initramfs = Initramfs()
        initramfs.add("b/c/d", "text")
        initramfs.add("a", b"")
        with tempfile.NamedTemporaryFile() as file:
            initramfs.write(file.name)
            content = file.read()
        places = [content.index(b"%s\0" % name) for name in (b"a", b"b", b"b/c", b"b/c/d")]
        self.assertEqual(places, sorted(places))
        self.assertEqual(content[:6], b"070701")
        self.assertIn(b"TRAILER!!!", content)
        self.assertEqual(len(content) % 4, 0)


if __name__ == "__main__":
    unittest.main()
