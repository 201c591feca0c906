#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The zygote as assembly, one .byte line for each 16 bytes: embed.py IN OUT.

IN is an ELF file of 64 bits, little-endian, as zygote.ld makes it: what is not in its .text is of no
use there. (Not every linker writes a flat file itself: GNU ld does not for aarch64.)
"""

import struct
import sys


def text_of(data):
    if data[:6] != b"\x7fELF\x02\x01":
        sys.exit("%s: no ELF file of 64 bits" % sys.argv[1])
    (table,) = struct.unpack_from("<Q", data, 40)
    size, count, names = struct.unpack_from("<HHH", data, 58)
    # name, type, flags, address, offset, bytes: Elf64_Shdr
    sections = [struct.unpack_from("<IIQQQQ", data, table + i * size) for i in range(count)]
    names_at = sections[names][4]
    for name, _, _, address, offset, length in sections:
        if data[names_at + name :].startswith(b".text\0"):
            if address != 0:
                sys.exit("%s: .text begins at %#x" % (sys.argv[1], address))
            return data[offset : offset + length]
    sys.exit("%s: there is no .text" % sys.argv[1])


with open(sys.argv[1], "rb") as file:
    text = text_of(file.read())
if not text or len(text) % 4096:
    sys.exit("%s: %d bytes are no whole pages" % (sys.argv[1], len(text)))
with open(sys.argv[2], "w", encoding="ascii") as file:
    for at in range(0, len(text), 16):
        file.write(".byte " + ",".join(map(str, text[at : at + 16])) + "\n")
