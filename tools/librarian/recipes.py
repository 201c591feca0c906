# SPDX-License-Identifier: Apache-2.0
"""Which libraries are tried, how each is built by its own build system, and which of its programs run.

Build commands run in the unpacked source under `sh -e`, with CC and CXX set to the guests' compilers.
What a program is expected to be refused for is said in words: a program that is refused without being
named here, or one that is named and runs, is a difference that the tool reports.
"""

from dataclasses import dataclass, field


@dataclass
class Program:
    """One program of a library, and one way to start it."""

    path: str
    args: tuple = ()
    stdin: str = ""  # a file of the source, for standard input; "" for none
    text: str = ""  # or these words
    refused: str = ""  # why it cannot run in a sandbox
    differs: str = ""  # why its output is not the same twice, natively either
    shown: str = ""  # how the table calls it, when not by its name
    folder: str = "."  # where it is started, below the source
    status: int = 0  # what it ends with natively; else there is nothing to compare

    def name(self):
        name = self.shown or self.path.rsplit("/", 1)[-1]
        words = (name, *self.args) if not self.shown else (name,)
        source = self.stdin.rsplit("/", 1)[-1]
        return " ".join(words) + (" < " + source if source else "")


@dataclass
class Library:
    """One source package."""

    name: str
    package: str
    build: str
    programs: list = field(default_factory=list)
    needs: tuple = ()  # programs of the build machine


FILES = "writes and reads files of its own"
OPENS = "reads a file by its name"
CMAKE = "cmake -S %s -B sconce-build -DCMAKE_BUILD_TYPE=Release %s\ncmake --build sconce-build -j$JOBS\n"


def several(where, names, **options):
    return [Program("%s/%s" % (where, name), **options) for name in names.split()]


LUA = """
local words = {}
for i = 1, 2000 do words[i] = string.format("%05d", (i * 7919) % 2003) end
table.sort(words)
print(words[1], words[#words], #table.concat(words, " "))
print(string.rep("ab", 3), ("x=1, y=2"):gsub("%w+=(%d)", "<%1>"), 2^53, 7 // 2, math.pi)
print(pcall(error, {1}), select("#", table.unpack({}, 1, 3)), utf8.char(228, 8364))
local co = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end)
print(co(), co(), co())
"""
JS = """
var primes = [];
for (var n = 2; primes.length < 300; n++)
    if (primes.every(function (p) { return n % p; }))
        primes.push(n);
print(primes.slice(-3).join(" "), JSON.stringify({a: [1, 2.5, "x"], b: null}));
print("The rain in Spain".replace(/ai(.)/g, "<$1>"), (0.1 + 0.2).toFixed(10), parseInt("ff", 16));
try { undefined_function(); } catch (e) { print(e); }
"""
YAML = "a: &x [1, 'two', \"\\u263a\"]\n? complex\n: *x\n---\n- |\n  text\n  more\n- !!int 7\n"

LIBRARIES = [
    Library(
        "zlib", "zlib", "./configure --static\nmake -j$JOBS static\nmake infcover LDFLAGS='-L. libz.a'\n",
        [
            Program("infcover"),
            Program("minigzip", stdin="ChangeLog"),
            Program("example", refused=FILES),
        ],
    ),
    Library(
        "bzip2", "bzip2", 'make -j$JOBS CC="$CC" bzip2 bzip2recover\n',
        [
            Program("bzip2", stdin="bzip2.c"),
            Program("bzip2", ("-9",), stdin="sample3.ref"),
            Program("bzip2", ("-d",), stdin="sample1.bz2"),
            Program("bzip2", ("-tv",), stdin="sample2.bz2"),
            Program("bzip2recover", ("sample1.bz2",), refused=OPENS),
        ],
    ),
    Library(
        "expat", "expat", CMAKE % ("expat", "-DEXPAT_SHARED_LIBS=OFF"),
        [
            Program("sconce-build/tests/runtests"),
            Program("sconce-build/tests/runtestspp", shown="runtestspp (C++)"),
            Program("sconce-build/examples/elements", stdin="expat/doc/reference.html"),
            Program("sconce-build/examples/outline", stdin="expat/doc/reference.html"),
            Program("sconce-build/xmlwf/xmlwf", ("expat/doc/reference.html",), refused=OPENS),
        ],
        ("cmake",),
    ),
    Library(
        "jansson", "jansson", CMAKE % (".", "-DJANSSON_BUILD_DOCS=OFF"),
        several(
            "sconce-build/bin",
            "test_array test_chaos test_copy test_dump_callback test_equal test_fixed_size"
            " test_load_callback test_loadb test_memory_funcs test_number test_object test_pack"
            " test_simple test_sprintf test_unpack",
        ) + [
            Program("sconce-build/bin/json_process", ("--env",),
                    stdin="test/suites/valid/complex-array/input"),
            Program("sconce-build/bin/test_load"),
            Program("sconce-build/bin/test_dump", refused=FILES),
        ],
        ("cmake",),
    ),
    Library(
        "cJSON", "cjson",
        CMAKE % (".", "-DBUILD_SHARED_LIBS=OFF -DENABLE_CJSON_UTILS=ON -DENABLE_TARGET_EXPORT=OFF"),
        several(
            "sconce-build/tests",
            "parse_array parse_hex4 parse_number parse_object parse_string parse_value"
            " parse_with_opts print_array print_number print_object print_string print_value"
            " minify_tests misc_tests misc_utils_tests cjson_add compare_tests readme_examples",
        ) + [Program("sconce-build/cJSON_test")] + several(
            "sconce-build/tests", "parse_examples json_patch_tests", folder="sconce-build/tests",
            refused=OPENS),
        ("cmake",),
    ),
    Library(
        "libyaml", "libyaml", CMAKE % (".", "-DBUILD_SHARED_LIBS=OFF"),
        several("sconce-build", "test-version test-reader")
        + several("sconce-build", "run-parser-test-suite example-reformatter example-reformatter-alt"
                  " example-deconstructor example-deconstructor-alt", text=YAML)
        + [Program("sconce-build/" + name, ("examples/array.yaml",), refused=OPENS)
           for name in ("run-parser", "run-scanner")],
        ("cmake",),
    ),
    Library(
        "utf8proc", "utf8proc",
        'make -j$JOBS CC="$CC" test/case test/iterate test/iscase test/misc test/custom test/valid'
        " test/charwidth test/printproperty\n",
        several("test", "case iterate misc custom valid charwidth")
        + [Program("test/printproperty", ("e4", "1f600"))],
    ),
    Library(
        "cmark", "cmark", CMAKE % (".", "-DCMARK_SHARED=OFF"),
        [
            Program("sconce-build/api_test/api_test"),
            Program("sconce-build/src/cmark", stdin="README.md"),
            Program("sconce-build/src/cmark", stdin="changelog.txt"),
            Program("sconce-build/src/cmark", ("-t", "latex"), stdin="test/spec.txt"),
            Program("sconce-build/src/cmark", ("README.md",), refused=OPENS),
        ],
        ("cmake",),
    ),
    Library(
        "Lua", "lua5.4", 'make -C src -j$JOBS generic CC="$CC"\n',
        [
            Program("src/lua", ("-",), text=LUA, shown="lua - < sorting, patterns, coroutines"),
            Program("src/lua", ("-e", "print(#arg, ...)", "-", "a", "b"), text=LUA,
                    shown="lua with arguments"),
            Program("src/lua", ("-",), text="os.exit(3)", shown="lua - < os.exit(3)", status=3),
            Program("src/lua", ("-",), text="print(os.execute('echo a shell'))",
                    shown="lua - < os.execute()", refused="starts a process"),
            Program("src/luac", ("-p", "-"), text=LUA),
        ],
    ),
    Library(
        "MuJS", "mujs", 'make CC="$CC" HAVE_READLINE=no build/release/mujs\n',
        [
            # Scripts on standard input end with 1 when they went well.
            Program("build/release/mujs", ("-s",), text=JS, shown="mujs -s < primes, JSON, regexp",
                    status=1),
            Program("build/release/mujs", text=JS, shown="mujs < primes, JSON, regexp", status=1),
            Program("build/release/mujs", ("jsarray.c",), refused=OPENS, status=1),
        ],
    ),
    Library(
        "Duktape", "duktape", 'make -f Makefile.cmdline CC="$CC"\n',
        [
            Program("duk", ("--run-stdin",), text=JS, shown="duk --run-stdin < primes, JSON, regexp"),
            Program("duk", ("mandel.js",), refused=OPENS),
        ],
    ),
    Library(
        "LZ4", "lz4",
        'make -C lib CC="$CC" liblz4.a\nmake -C programs -j$JOBS CC="$CC" lz4\n'
        'make -C tests CC="$CC" -j$JOBS datagen checkTag decompress-partial decompress-partial-usingDict'
        " freestanding fuzzer frametest\n",
        [
            Program("programs/lz4", stdin="lib/lz4.c"),
            Program("programs/lz4", ("-9", "-c"), stdin="lib/lz4.c"),
            Program("tests/decompress-partial"),
            Program("tests/decompress-partial-usingDict"),
            Program("tests/datagen", ("-g200KB", "-s7")),
            Program("tests/checkTag", ("v1.9.4",)),
            Program("tests/fuzzer", ("-i50", "-s3"), differs="prints addresses of memory, and the time"),
            Program("tests/frametest", ("-i50", "-s3"), differs="shows its progress by the clock"),
        ],
    ),
    Library(
        "xz", "xz-utils",
        "./configure --disable-shared --disable-nls --disable-doc --disable-scripts\n"
        "make -j$JOBS\nmake -C tests check TESTS=\n",
        several(
            "tests", "test_block_header test_filter_flags test_index test_index_hash"
            " test_stream_flags test_vli",
        ) + [
            Program("src/xzdec/xzdec", stdin="tests/files/good-1-block_header-1.xz"),
            Program("src/xzdec/xzdec", stdin="tests/files/bad-1-check-crc32.xz", status=1),
            Program("src/xz/xz", stdin="ChangeLog", refused="makes a pipe, to hear of signals by"),
            Program("tests/test_hardware", refused="asks for the machine's processors and memory"),
        ] + several("tests", "test_bcj_exact_size test_check test_memlimit test_lzip_decoder",
                    folder="tests", refused=OPENS),
    ),
    Library(
        "PCRE2", "pcre2",
        "./configure --disable-shared --enable-jit\nmake -j$JOBS pcre2test pcre2grep pcre2_jit_test\n",
        [
            Program("pcre2test", stdin="testdata/testinput%d" % number) for number in (1, 4, 5, 6, 15)
        ] + [
            Program("pcre2grep", ("-n", r"\bJIT\b"), stdin="README"),
            Program("pcre2_jit_test", refused="compiles to memory that is writable and executable"),
        ],
    ),
]
