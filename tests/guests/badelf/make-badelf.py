#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Malformed guests, each made from a good one by one change.

make-badelf.py --list                  the names, one a line
make-badelf.py BASE.elf FOLDER         writes FOLDER/NAME.elf and FOLDER/expected.txt

expected.txt has a line for each, with tabs between: NAME, WHEN, a part of the message that refuses
it. WHEN is "always"; "load" for what only a load for a backend finds out (inspecting does not know
the architecture); "never" for a file that is odd but right.
"""
import struct
import sys

EHDR = struct.Struct('<16sHHIQQQIHHHHHH')
PHDR = struct.Struct('<IIQQQQQQ')
SHDR = struct.Struct('<IIQQQQIIQQ')
RELA = struct.Struct('<QQq')
DYN = struct.Struct('<qQ')
FUNCTION = struct.Struct('<IIQQ24s')
NOTE = struct.Struct('<IIII')  # abi, reloc, reserved

EHDR_FIELDS = ('ident type machine version entry phoff shoff flags ehsize phentsize phnum '
               'shentsize shnum shstrndx').split()
PHDR_FIELDS = 'type flags offset vaddr paddr filesz memsz align'.split()
SHDR_FIELDS = 'name type flags addr offset size link info addralign entsize'.split()

PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_NOTE, PT_GNU_STACK = 1, 2, 3, 4, 0x6474e551
PF_X, PF_W, PF_R = 1, 2, 4
DT_NEEDED, DT_RELA, DT_RELASZ, DT_RELAENT, DT_TEXTREL, DT_RELSZ, DT_FLAGS_1 = (
    1, 7, 8, 9, 22, 18, 0x6ffffffb)
EM_AARCH64 = 183


class Guest:
    """A copy of the good file, with its headers as dictionaries that save() writes back."""

    def __init__(self, data):
        self.data = bytearray(data)
        self.ehdr = dict(zip(EHDR_FIELDS, EHDR.unpack_from(data)))
        e = self.ehdr
        self.phdrs = [dict(zip(PHDR_FIELDS, PHDR.unpack_from(data, e['phoff'] + i * PHDR.size)))
                      for i in range(e['phnum'])]
        self.shdrs = [dict(zip(SHDR_FIELDS, SHDR.unpack_from(data, e['shoff'] + i * SHDR.size)))
                      for i in range(e['shnum'])]

    def save(self):
        e = self.ehdr
        EHDR.pack_into(self.data, 0, *(e[f] for f in EHDR_FIELDS))
        for i, p in enumerate(self.phdrs):
            PHDR.pack_into(self.data, 64 + i * PHDR.size, *(p[f] for f in PHDR_FIELDS))
        for i, s in enumerate(self.shdrs):
            SHDR.pack_into(self.data, self.first_shoff() + i * SHDR.size,
                           *(s[f] for f in SHDR_FIELDS))
        return bytes(self.data)

    def first_shoff(self):
        return EHDR.unpack_from(GOOD)[6]

    def loads(self):
        return [p for p in self.phdrs if p['type'] == PT_LOAD]

    def load(self, flags):
        return next(p for p in self.loads() if p['flags'] == flags)

    def phdr(self, kind):
        return next(p for p in self.phdrs if p['type'] == kind)

    def spare_phdr(self):
        """A header that nobody needs, to be made into something else."""
        return self.phdrs[-2]

    def section(self, name):
        names = self.shdrs[self.ehdr['shstrndx']]
        for s in self.shdrs:
            at = names['offset'] + s['name']
            if self.data[at:self.data.index(0, at)].decode() == name:
                return s
        raise KeyError(name)

    def offset(self, address):
        for p in self.loads():
            if p['vaddr'] <= address < p['vaddr'] + p['filesz']:
                return address - p['vaddr'] + p['offset']
        raise ValueError(hex(address))

    def relocation_of(self, address):
        """Where in the file the relocation of the word at @address is."""
        table = self.section('.rela.dyn')
        for at in range(table['offset'], table['offset'] + table['size'], RELA.size):
            if RELA.unpack_from(self.data, at)[0] == address:
                return at
        raise KeyError(hex(address))

    def patch_relocation(self, at, offset=None, info=None, addend=None):
        old = RELA.unpack_from(self.data, at)
        new = [n if n is not None else o for n, o in zip((offset, info, addend), old)]
        RELA.pack_into(self.data, at, *new)

    def first_relocation(self):
        return self.section('.rela.dyn')['offset']

    def function(self, section, i):
        """File offset and address of an entry of a table."""
        s = self.section(section)
        return s['offset'] + i * FUNCTION.size, s['addr'] + i * FUNCTION.size

    def patch_function(self, section, i, **fields):
        at, _ = self.function(section, i)
        values = dict(zip(('bytes', 'flags', 'name', 'entry', 'signature'),
                          FUNCTION.unpack_from(self.data, at)))
        values.update(fields)
        FUNCTION.pack_into(self.data, at, *values.values())

    def point_name(self, section, i, address):
        _, entry = self.function(section, i)
        self.patch_relocation(self.relocation_of(entry + 8), addend=address)

    def point_entry(self, i, address):
        _, entry = self.function('sconce_exports', i)
        self.patch_relocation(self.relocation_of(entry + 16), addend=address)

    def name_offset(self, section, i):
        _, entry = self.function(section, i)
        return self.offset(RELA.unpack_from(self.data, self.relocation_of(entry + 8))[2])

    def note_offset(self):
        return self.section('.note.sconce.guest')['offset'] + 20

    def patch_note(self, **fields):
        values = dict(zip(('abi', 'reloc', 'reserved0', 'reserved1'),
                          NOTE.unpack_from(self.data, self.note_offset())))
        values.update(fields)
        NOTE.pack_into(self.data, self.note_offset(), *values.values())

    def dynamic(self, tag):
        p = self.phdr(PT_DYNAMIC)
        for at in range(p['offset'], p['offset'] + p['filesz'], DYN.size):
            if DYN.unpack_from(self.data, at)[0] == tag:
                return at
        raise KeyError(tag)

    def patch_dynamic(self, tag, new_tag=None, value=None):
        at = self.dynamic(tag)
        old_tag, old_value = DYN.unpack_from(self.data, at)
        DYN.pack_into(self.data, at, old_tag if new_tag is None else new_tag,
                      old_value if value is None else value)


GOOD = b''
MAKERS = []  # (name, when, message, function)


def bad(message, name=None, when='always'):
    """Register what makes one file; it returns bytes, or anything else for the guest itself."""
    def register(function):
        MAKERS.append((name or function.__name__.replace('_', '-'), when, message, function))
        return function
    return register


def odd(name):
    return bad('', name, 'never')


# ---- The file as a whole ------------------------------------------------------------------------

@odd('good')
def good(g):
    pass


@bad('not an ELF file')
def empty_file(g):
    return b''


@bad('not an ELF file')
def text_file(g):
    return b'This is not a program, however executable its mode may be.\n' * 20


@bad('not an ELF file')
def wrong_magic(g):
    g.ehdr['ident'] = b'\x7fELG' + g.ehdr['ident'][4:]


for size in (1, 4, 16, 40, 63):
    bad('truncated', f'truncated-at-{size}')(lambda g, size=size: bytes(g.data[:size]))


@bad('truncated: program headers')
def truncated_behind_header(g):
    return bytes(g.data[:64])


@bad('truncated: program headers')
def truncated_in_program_headers(g):
    return bytes(g.data[:64 + PHDR.size * 2 + 9])


@bad('truncated')
def truncated_in_first_segment(g):
    return bytes(g.data[:g.loads()[0]['filesz'] - 1])


@bad('truncated')
def truncated_in_last_segment(g):
    last = g.loads()[-1]
    return bytes(g.data[:last['offset'] + last['filesz'] - 1])


@bad('truncated: section headers')
def truncated_in_section_headers(g):
    return bytes(g.data[:-1])


@bad('truncated: section headers')
def truncated_behind_segments(g):
    last = g.loads()[-1]
    return bytes(g.data[:last['offset'] + last['filesz']])


def with_ident(g, at, value):
    ident = bytearray(g.ehdr['ident'])
    ident[at] = value
    g.ehdr['ident'] = bytes(ident)


bad('32-bit', 'class-32')(lambda g: with_ident(g, 4, 1))
bad('class 7', 'class-unknown')(lambda g: with_ident(g, 4, 7))
bad('big-endian', 'big-endian')(lambda g: with_ident(g, 5, 2))
bad('version 9', 'elf-version')(lambda g: with_ident(g, 6, 9))
bad('not linked', 'type-object')(lambda g: g.ehdr.update(type=1))
bad('core dump', 'type-core')(lambda g: g.ehdr.update(type=4))
bad('type 99', 'type-unknown')(lambda g: g.ehdr.update(type=99))
# A right file for another machine: what is missing is a backend for that.
bad('runs aarch64 guests', 'machine-aarch64', 'load')(lambda g: g.ehdr.update(machine=EM_AARCH64))
bad('no program headers', 'no-program-headers')(lambda g: g.ehdr.update(phnum=0))
bad('program headers have', 'program-header-size')(lambda g: g.ehdr.update(phentsize=32))
bad('program headers', 'program-headers-many')(lambda g: g.ehdr.update(phnum=0xffff))
bad('program headers', 'program-headers-far')(lambda g: g.ehdr.update(phoff=2**64 - 64))
bad('section headers have', 'section-header-size')(lambda g: g.ehdr.update(shentsize=16))
bad('section headers', 'section-headers-far')(lambda g: g.ehdr.update(shoff=2**64 - 64))
bad('section', 'section-names-far')(lambda g: g.ehdr.update(shstrndx=0xfff0))
bad('entry point', 'entry-zero')(lambda g: g.ehdr.update(entry=0))
bad('entry point', 'entry-in-data')(lambda g: g.ehdr.update(entry=g.load(PF_R | PF_W)['vaddr']))
bad('entry point', 'entry-far')(lambda g: g.ehdr.update(entry=2**63))

# ---- Segments -----------------------------------------------------------------------------------

bad('overlap', 'segments-overlap')(
    lambda g: g.loads()[1].update(vaddr=g.loads()[0]['vaddr'], offset=0))
bad('overlap', 'segments-share-granule')(
    lambda g: g.loads()[3].update(vaddr=g.loads()[2]['vaddr'] + 0x8000,
                                  offset=g.loads()[2]['offset'] + 0x8000))
bad('both writable and executable', 'segment-write-execute')(
    lambda g: g.load(PF_R | PF_X).update(flags=PF_R | PF_W | PF_X))
bad('both writable and executable', 'data-executable')(
    lambda g: g.load(PF_R | PF_W).update(flags=PF_R | PF_W | PF_X))
bad('cannot be read', 'segment-without-rights')(lambda g: g.loads()[2].update(flags=0))
bad('program interpreter', 'interpreter')(
    lambda g: g.spare_phdr().update(type=PT_INTERP, offset=64, filesz=8, memsz=8))
bad('executable stack', 'stack-executable')(
    lambda g: g.phdr(PT_GNU_STACK).update(flags=PF_R | PF_W | PF_X))
bad('is empty', 'segment-empty')(lambda g: g.loads()[2].update(filesz=0, memsz=0))
bad('only', 'segment-file-larger')(lambda g: g.loads()[2].update(memsz=16))
bad('segments take', 'segment-huge')(lambda g: g.loads()[3].update(memsz=1 << 34))
bad('reaches above', 'segment-above-range')(lambda g: g.loads()[3].update(memsz=1 << 36))
bad('wraps around', 'segment-wraps')(lambda g: g.loads()[3].update(memsz=2**64 - 4096))
bad('wraps around', 'segment-address-wraps')(
    lambda g: g.loads()[3].update(vaddr=2**64 - 0x10000 + g.loads()[3]['vaddr'] % 0x10000,
                                  memsz=0x20000))
bad('truncated', 'segment-offset-far')(
    lambda g: g.loads()[3].update(offset=2**63 + g.loads()[3]['offset']))
bad('truncated', 'segment-offset-wraps')(
    lambda g: g.loads()[3].update(offset=2**64 - 0x10000 + g.loads()[3]['vaddr'] % 0x10000))
bad('no power of two', 'alignment-odd')(lambda g: g.loads()[1].update(align=0x30000))
bad('differ', 'alignment-offset')(lambda g: g.loads()[1].update(vaddr=0x10010))
bad('guests need 65536', 'alignment-small')(lambda g: [p.update(align=0x1000) for p in g.loads()])


@bad('no loadable segment')
def no_segment(g):
    for p in g.loads():
        p['type'] = 0


@bad('loadable segments')
def segments_many(g):
    headers, at = [g.phdr(PT_NOTE)], 0x3000
    headers += [dict(g.loads()[0], vaddr=0x100000 + i * 0x10000, offset=0, filesz=16, memsz=16)
                for i in range(40)]
    for i, p in enumerate(headers):
        PHDR.pack_into(g.data, at + i * PHDR.size, *(p[f] for f in PHDR_FIELDS))
    g.phdrs = []
    g.ehdr.update(phoff=at, phnum=len(headers))


# ---- Relocations --------------------------------------------------------------------------------

bad('outside its segments', 'relocation-below')(
    lambda g: g.patch_relocation(g.first_relocation(), offset=2**64 - 8))
bad('outside its segments', 'relocation-behind')(
    lambda g: g.patch_relocation(g.first_relocation(), offset=1 << 40))
bad('outside its segments', 'relocation-across-end')(
    lambda g: g.patch_relocation(g.first_relocation(),
                                 offset=g.loads()[3]['vaddr'] + g.loads()[3]['memsz'] - 4))
bad('not writable', 'relocation-in-code')(
    lambda g: g.patch_relocation(g.first_relocation(), offset=g.load(PF_R | PF_X)['vaddr']))
bad('has type', 'relocation-symbol')(
    lambda g: g.patch_relocation(g.first_relocation(), info=1 << 32 | 1))
bad('has type', 'relocation-global', 'load')(
    lambda g: g.patch_relocation(g.first_relocation(), info=6))
bad('has type', 'relocation-ifunc', 'load')(
    lambda g: g.patch_relocation(g.first_relocation(), info=37))
bad('DT_TEXTREL', 'dt-textrel')(lambda g: g.patch_dynamic(DT_FLAGS_1, DT_TEXTREL, 0))
bad('DT_NEEDED', 'dt-needed')(lambda g: g.patch_dynamic(DT_FLAGS_1, DT_NEEDED, 1))
bad('kind REL', 'dt-rel')(lambda g: g.patch_dynamic(DT_FLAGS_1, DT_RELSZ, 16))
bad('outside', 'rela-far')(lambda g: g.patch_dynamic(DT_RELA, value=1 << 40))
bad('outside', 'rela-huge')(lambda g: g.patch_dynamic(DT_RELASZ, value=24 << 40))
bad('within an entry', 'rela-torn')(lambda g: g.patch_dynamic(DT_RELASZ, value=25))
bad('entries have', 'rela-entry-size')(lambda g: g.patch_dynamic(DT_RELAENT, value=8))
bad('dynamic section', 'dynamic-far')(lambda g: g.phdr(PT_DYNAMIC).update(vaddr=1 << 40))

# ---- The note -----------------------------------------------------------------------------------

bad('guest ABI 3', 'note-abi-newer')(lambda g: g.patch_note(abi=3))
bad('guest ABI 0', 'note-abi-older')(lambda g: g.patch_note(abi=0))
bad('guest ABI 4294967295', 'note-abi-most')(lambda g: g.patch_note(abi=0xffffffff))
bad('relocation 7', 'note-reloc-unknown')(lambda g: g.patch_note(reloc=7))
bad('relocation 0', 'note-reloc-none')(lambda g: g.patch_note(reloc=0))
bad('reserved field', 'note-reserved')(lambda g: g.patch_note(reserved1=1))


@bad('no guest note')
def note_missing(g):
    g.phdr(PT_NOTE)['type'] = 0


@bad('no guest note')
def note_other_owner(g):
    g.data[g.note_offset() - 8:g.note_offset()] = b'STRANGE\0'


@bad('backend plugin', when='load')
def note_of_a_plugin(g):
    struct.pack_into('<I', g.data, g.note_offset() - 12, 1)


@bad('8 bytes, not 16')
def note_short(g):
    struct.pack_into('<I', g.data, g.note_offset() - 16, 8)
    # What is left is a note of somebody else's, without a name.
    struct.pack_into('<III', g.data, g.note_offset() + 8, 0, 0, 0)


@bad('malformed')
def note_torn(g):
    struct.pack_into('<I', g.data, g.note_offset() - 16, 0xfffffff0)


@bad('truncated: notes')
def note_far(g):
    g.phdr(PT_NOTE).update(offset=1 << 40, filesz=64)


# ---- The tables ---------------------------------------------------------------------------------

for kind, section in (('export', 'sconce_exports'), ('import', 'sconce_imports')):
    bad('lies outside', f'{kind}-name-outside')(
        lambda g, s=section: g.point_name(s, 0, 0x7fff0000))
    bad('lies outside', f'{kind}-name-below')(
        lambda g, s=section: g.point_name(s, 0, -0x10000))
    bad('malformed signature', f'{kind}-signature-letter')(
        lambda g, s=section: g.patch_function(s, 0, signature=b'iq'))
    bad('malformed signature', f'{kind}-signature-none-parameter')(
        lambda g, s=section: g.patch_function(s, 0, signature=b'in'))
    bad('malformed signature', f'{kind}-signature-empty')(
        lambda g, s=section: g.patch_function(s, 0, signature=b''))
    bad('malformed signature', f'{kind}-signature-long')(
        lambda g, s=section: g.patch_function(s, 0, signature=b'i' * 18))
    bad('malformed signature', f'{kind}-signature-endless')(
        lambda g, s=section: g.patch_function(s, 0, signature=b'i' * 24))
    bad('malformed signature', f'{kind}-signature-tail')(
        lambda g, s=section: g.patch_function(s, 0, signature=b'ii\0x'))
    bad('it has 40 bytes', f'{kind}-entry-size')(
        lambda g, s=section: g.patch_function(s, 0, bytes=40))
    bad('flags 0x1', f'{kind}-flags')(lambda g, s=section: g.patch_function(s, 0, flags=1))
    bad('within an entry', f'{kind}-table-torn')(
        lambda g, s=section: g.section(s).update(size=g.section(s)['size'] - 1))
    bad('lies outside', f'{kind}-table-far')(
        lambda g, s=section: g.section(s).update(addr=1 << 40))
    bad(f'{kind}s', f'{kind}-table-huge')(
        lambda g, s=section: g.section(s).update(size=48 << 30))
    bad('not loaded', f'{kind}-table-not-loaded')(lambda g, s=section: g.section(s).update(flags=0))

bad('empty', 'export-name-empty')(
    lambda g: g.data.__setitem__(g.name_offset('sconce_exports', 0), 0))
bad('not UTF-8', 'export-name-not-utf8')(
    lambda g: g.data.__setitem__(g.name_offset('sconce_exports', 0), 0xff))
bad('control characters', 'export-name-control')(
    lambda g: g.data.__setitem__(g.name_offset('sconce_exports', 0), 0x1b))
bad('exports "', 'export-twice')(
    lambda g: g.point_name('sconce_exports', 1, RELA.unpack_from(
        g.data, g.relocation_of(g.function('sconce_exports', 0)[1] + 8))[2]))
bad('does not lie in an executable', 'thunk-in-data')(
    lambda g: g.point_entry(0, g.load(PF_R | PF_W)['vaddr']))
bad('does not lie in an executable', 'thunk-in-constants')(
    lambda g: g.point_entry(0, g.loads()[2]['vaddr']))
bad('does not lie in an executable', 'thunk-outside')(lambda g: g.point_entry(0, 1 << 40))


@bad('longer than 255')
def export_name_long(g):
    code = g.load(PF_R | PF_X)
    at = code['offset'] + 0x20
    g.data[at:at + 400] = b'n' * 400
    g.point_name('sconce_exports', 0, code['vaddr'] + 0x20)


@bad('does not end')
def export_name_endless(g):
    data = g.loads()[2]
    end = data['offset'] + data['filesz']
    g.data[end - 20:end] = b'n' * 20
    g.point_name('sconce_exports', 0, data['vaddr'] + data['filesz'] - 20)


@bad('twice', 'export-section-twice')
def export_section_twice(g):
    g.section('sconce_imports')['name'] = g.section('sconce_exports')['name']


def main(arguments):
    global GOOD
    if arguments == ['--list']:
        for name, _, _, _ in MAKERS:
            print(name)
        return
    base, folder = arguments
    with open(base, 'rb') as f:
        GOOD = f.read()
    with open(f'{folder}/expected.txt', 'w', encoding='utf-8') as expected:
        for name, when, message, function in MAKERS:
            guest = Guest(GOOD)
            data = function(guest)
            if not isinstance(data, bytes):
                data = guest.save()
            with open(f'{folder}/{name}.elf', 'wb') as f:
                f.write(data)
            expected.write(f'{name}\t{when}\t{message}\n')


if __name__ == '__main__':
    main(sys.argv[1:])
