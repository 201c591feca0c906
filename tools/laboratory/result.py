# SPDX-License-Identifier: Apache-2.0
"""What a lab's virtual machine wrote to its disk, and what sconce-plugin-check said in it.

The disk holds a header of one sector, then a tar file. The header is written last and tells length
and checksum: what is missing, cut off or damaged is no result.
"""

import hashlib
import io
import re
import tarfile

from laboratory.debian import Problem

HEADER_BYTES = 512
HEADER = re.compile(rb"SCONCE-LAB-RESULT 1 (\d{1,12}) ([0-9a-f]{64})\n\0*")
# A line a row, then the closing line: what came before it was the whole list.
ROW = re.compile(r"^(ok|FAIL|skip) +(\S+) +(.*)$")
CLOSING = re.compile(r"^(\S+): (\d+) passed, (\d+) failed, (\d+) skipped$", re.MULTILINE)
UNUSABLE = re.compile(r"^\S+ cannot be used on this machine: (.*)$", re.MULTILINE)


def read_disk(path):
    """{name: text} of the files in it; raises Problem."""
    with open(path, "rb") as file:
        header = HEADER.fullmatch(file.read(HEADER_BYTES))
        if not header:
            raise Problem("the virtual machine wrote no result")
        length = int(header[1])
        content = file.read(length)
    if len(content) != length:
        raise Problem("the result is cut off: %d of %d bytes" % (len(content), length))
    if hashlib.sha256(content).hexdigest().encode() != header[2]:
        raise Problem("the result is damaged: its checksum is not the header's")
    return read_tar(content)


def read_tar(content):
    files = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
            for member in archive:
                if member.isfile():
                    name = member.name[2:] if member.name.startswith("./") else member.name
                    data = archive.extractfile(member).read()
                    files[name] = data.decode("utf-8", "replace")
    except tarfile.TarError as error:
        raise Problem("the result is no tar file: %s" % error) from error
    if not files.get("status", "").strip().isdigit():
        raise Problem("the result has no exit status: the job did not come to its end")
    return files


class Rows:
    """What sconce-plugin-check said of one backend, or of one over the double of its device."""

    def __init__(self, backend, text, double=""):
        """@double: what the double played; "" when there was none."""
        self.backend, self.double = backend, double
        self.outcome = {}  # row -> ok, FAIL, skip
        self.text = {}  # row -> what it said
        last = ""
        told_of = set()  # rows whose failure is told below them, where the title was
        for line in text.splitlines():
            row = ROW.match(line)
            if row:
                last = row[2]
                self.outcome[last] = row[1]
                self.text[last] = row[3]
            elif line.startswith("      ") and self.outcome.get(last) == "FAIL":
                told = self.text[last] + "; " if last in told_of else ""
                self.text[last] = told + line.strip()
                told_of.add(last)
        closing = [match for match in CLOSING.findall(text) if match[0] == backend]
        unusable = UNUSABLE.search(text)
        self.unusable = unusable[1] if unusable else ""
        counted = [self.count(word) for word in ("ok", "FAIL", "skip")]
        if not closing or [int(word) for word in closing[-1][1:]] != counted:
            raise Problem("sconce-plugin-check did not come to the end of its rows on " + backend)

    @classmethod
    def none(cls, backend, double=""):
        """Of one that gave none."""
        rows = cls.__new__(cls)
        rows.backend, rows.double = backend, double
        rows.outcome, rows.text, rows.unusable = {}, {}, ""
        return rows

    @property
    def name(self):
        """For people: whoever reads it is not to take a double for a machine."""
        return "%s (double, %s)" % (self.backend, self.double) if self.double else self.backend

    def count(self, outcome):
        return sum(1 for value in self.outcome.values() if value == outcome)
