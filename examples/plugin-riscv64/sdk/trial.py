#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does start.S keep its promises? Runs a guest's code on an emulated hart.

    trial.py GUEST.ELF              guest.c's guest, at fixed addresses (sconce-cc -no-pie)

There is no riscv64 backend that runs code. So qemu-riscv64 executes the guest, stopped at each
doorbell by its debugger's port, and this program is host and hardware: it gives the guest a boot
page and buffers, answers its frames, and loses every register that READY may lose.
"""

import os
import socket
import struct
import subprocess
import sys
import tempfile
import time

ECALL = bytes.fromhex("73000000")
DOORBELL_A7 = 0x5C0E
READY, HOST_CALL = 1, 2  # SCONCE_DOORBELL_*
FRAME_READY, FRAME_CALL, FRAME_RETURN, FRAME_HOST_CALL, FRAME_HOST_RETURN = 1, 2, 3, 5, 6
FRAME = struct.Struct("<IIIiQQQQQQ")
SLOT = struct.Struct("<IIQ")
BUFFER_BYTES = 0x10000

# Numbers of the debugger's protocol: x0 to x31, pc, f0 to f31.
SP, TP, A0, A7, PC, F0 = 2, 4, 10, 17, 32, 33
LOST = [n for n in range(1, 65) if n not in (SP, TP, PC)]


class Hart:
    """A guest under qemu-riscv64, driven through its debugger's port."""

    def __init__(self, path, folder):
        port = os.path.join(folder, "port")
        self.qemu = subprocess.Popen(["qemu-riscv64", "-g", port, path])
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        while True:  # until it listens
            try:
                self.socket.connect(port)
                break
            except OSError:
                if self.qemu.poll() is not None:
                    sys.exit("trial: qemu-riscv64 ended before it listened")
                time.sleep(0.01)
        self.input = self.socket.makefile("rb")
        self.ask("qXfer:features:read:target.xml:0,fff")  # or it answers no single register

    def ask(self, request):
        data = request.encode()
        self.socket.sendall(b"$%s#%02x" % (data, sum(data) % 256))
        while (byte := self.input.read(1)) != b"$":
            if not byte:
                sys.exit("trial: qemu-riscv64 has ended")
        answer = b"".join(iter(lambda: self.input.read(1), b"#"))
        self.input.read(2)
        self.socket.sendall(b"+")
        return answer.decode("latin-1")

    def register(self, number):
        return int.from_bytes(bytes.fromhex(self.ask("p%x" % number)), "little")

    def set_register(self, number, value):
        assert self.ask("P%x=%s" % (number, value.to_bytes(8, "little").hex())) == "OK", number

    def read(self, address, count):
        return bytes.fromhex(self.ask("m%x,%x" % (address, count)))

    def write(self, address, data):
        assert self.ask("M%x,%x:%s" % (address, len(data), data.hex())) == "OK"

    def run_to(self, address):
        stop = self.ask("c")
        assert stop.startswith("T05") and self.register(PC) == address, stop

    def end(self):
        self.qemu.kill()
        self.qemu.wait()


class Host:
    """What the core and a backend do for a guest."""

    def __init__(self, hart, elf):
        self.hart = hart
        self.doorbell = elf.doorbell()
        self.exports = elf.exports()
        hart.ask("Z0,%x,4" % self.doorbell)
        # The stack that qemu made has room for all that a guest is given.
        self.boot = hart.register(SP) - 0x200000 & ~0xFFFF
        self.inbox, self.outbox, heap = (self.boot + n * BUFFER_BYTES for n in (1, 2, 3))
        hart.write(
            self.boot,
            struct.pack(
                "<QIIQQQQQQQQQQQQ", 0x544F4F42434E5353, 1, 224, 0, 0, 0, 0, self.inbox, BUFFER_BYTES,
                self.outbox, BUFFER_BYTES, heap, 0x40000, self.boot, BUFFER_BYTES,
            ) + bytes(range(32)) + bytes(80),
        )  # fmt: skip
        hart.set_register(SP, self.boot - 8)  # start.S aligns it
        hart.set_register(A0, self.boot)

    def lose_registers(self):
        for number in LOST:
            self.hart.set_register(number, 0xDEAD000000000000 + number)

    def wait(self, doorbell, kind):
        """Runs to the next doorbell, which must be that one; returns the frame and its slots."""
        self.hart.run_to(self.doorbell)
        assert self.hart.register(A7) == DOORBELL_A7
        assert self.hart.register(A0) == doorbell, self.hart.register(A0)
        frame = FRAME.unpack(self.hart.read(self.outbox, FRAME.size))
        assert frame[0] == kind, frame
        data = self.hart.read(self.outbox + FRAME.size, SLOT.size * frame[2])
        return frame, list(SLOT.iter_unpack(data))

    def go_on(self):
        self.hart.set_register(PC, self.doorbell + len(ECALL))

    def send(self, kind, index, *slots, at=0, text=b""):
        head = FRAME.pack(kind, index, len(slots), 0, FRAME.size + len(slots) * SLOT.size + len(text),
                          0, 0, 0, 0, 0)  # fmt: skip
        self.hart.write(self.inbox + at, head + b"".join(SLOT.pack(*s) for s in slots) + text)

    def add(self, a, b):
        """Calls add(a, b) of a guest that waits at READY."""
        index = self.exports.index("add")
        self.send(FRAME_CALL, index, (ord("i"), 0, a), (ord("i"), 0, b))
        _, slots = self.wait(READY, FRAME_RETURN)
        assert slots == [(ord("i"), 0, (a + b) & 0xFFFFFFFF)], slots


class Elf:
    """What must be known of a guest at fixed addresses."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = file.read()
        self.loads = []  # (executable?, offset, address, length)
        table, self.sections = struct.unpack_from("<QQ", self.data, 32)
        size, count = struct.unpack_from("<HH", self.data, 54)
        for n in range(count):
            kind, flags, offset, address, _, length = struct.unpack_from(
                "<IIQQQQ", self.data, table + n * size
            )
            if kind == 1:  # PT_LOAD
                self.loads.append((flags & 1, offset, address, length))

    def doorbell(self):
        """The address of the one ECALL in a guest."""
        found = []
        for executable, offset, address, length in self.loads:
            code = self.data[offset : offset + length] if executable else b""
            found += [address + at for at in range(0, len(code), 2) if code[at : at + 4] == ECALL]
        assert len(found) == 1, "%d instructions ECALL" % len(found)
        return found[0]

    def exports(self):
        """Names in the order of the table, which is the compiler's: a call's index is among them."""
        size, count, names = struct.unpack_from("<HHH", self.data, 58)
        heads = [struct.unpack_from("<IIQQQQ", self.data, self.sections + n * size)
                 for n in range(count)]  # fmt: skip
        for name, _, _, _, offset, length in heads:
            if self.text(heads[names][4] + name) == "sconce_exports":
                entries = range(offset, offset + length, 48)  # struct sconce_function
                return [self.text(self.offset(*struct.unpack_from("<Q", self.data, at + 8)))
                        for at in entries]  # fmt: skip
        sys.exit("trial: no exports")

    def offset(self, address):
        return next(o + address - a for _, o, a, length in self.loads if 0 <= address - a < length)

    def text(self, offset):
        return self.data[offset : self.data.index(b"\0", offset)].decode()


def trial(host):
    frame, _ = host.wait(READY, FRAME_READY)
    resume_pc, resume_sp, resume_tls = frame[6:9]
    for a, b in ((1, 2), (0x7FFFFFFF, 1), (0xFFFFFFFF, 0xFFFFFFF0)):
        host.lose_registers()
        host.go_on()
        host.add(a, b)

    # greet() asks for visitor(); a host call loses nothing that a callee keeps.
    host.lose_registers()
    host.send(FRAME_CALL, host.exports.index("greet"))
    host.go_on()
    frame, _ = host.wait(HOST_CALL, FRAME_HOST_CALL)
    at = frame[5] + FRAME.size + SLOT.size
    host.send(FRAME_HOST_RETURN, 0, (ord("s"), 3, at), at=frame[5], text=b"Ada\0")
    host.go_on()
    _, slots = host.wait(READY, FRAME_RETURN)
    assert host.hart.read(host.outbox + slots[0][2], slots[0][1]) == b"Hello, Ada!", slots

    # A restore: entered at the place that the guest told, with nothing but PC, SP, TP and A0.
    host.lose_registers()
    for number, value in ((PC, resume_pc), (SP, resume_sp), (TP, resume_tls), (A0, host.boot)):
        host.hart.set_register(number, value)
    host.add(5, 6)


def main():
    path = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        hart = Hart(path, folder)
        try:
            trial(Host(hart, Elf(path)))
        finally:
            hart.end()
    print("calls, a host call and a restore, every register lost between them")


if __name__ == "__main__":
    main()
