#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The style tests refuse what they are there to refuse: each is shown a tree with one fault.

    test-the-tests.py CC
"""

import os
import subprocess
import sys
import tempfile

from tree import finish

HERE = os.path.dirname(os.path.abspath(__file__))
INCLUDES = os.path.join(HERE, "..", "..", "tools", "check-includes")
SPDX = "/* SPDX-License-Identifier: Apache-2.0 */\n"



def function(lines, word="value"):
    """A C function with a body of so many lines."""
    return "int f(int a)\n{\n" + "    %s(a); /* b */\n" % word * lines + "}\n"


PAIR = "### `m-x` beside `m-y`\n\n| file | |\n|---|---|\n"

# test | what the tree has: {path: text} | what must be said ("": the tree is in order)
CASES = [
    ("includes", {"core/a.c": '#include "core/b.h"\n#include <libelf.h>\n', "core/b.h": ""}, ""),
    ("includes", {"core/a.c": '#include "arch/x/b.h"\n', "arch/x/b.h": ""}, "core/a.c:1: "),
    ("includes", {"core/a.c": "\n# include <linux/kvm.h>\n"}, "core/a.c:2: "),
    ("includes", {"bench/a.c": '#include "floor/b.h"\n', "bench/floor/b.h": ""}, ""),
    ("includes", {"bench/floor/a.c": '#include "bench/b.h"\n', "bench/b.h": ""}, "floor/a.c:1: "),
    ("includes", {"arch/x/a.c": "#include <stdlib.h>\n"}, "arch/x/a.c:1: "),
    ("includes", {"arch/x/a.c": '#include "arch/y/b.h"\n', "arch/y/b.h": ""}, "arch/x/a.c:1: "),
    ("includes", {"plugins/m-x/a.c": '#include "arch/x/b.h"\n', "arch/x/b.h": ""}, ""),
    ("includes", {"plugins/m-x/a.c": '#include "arch/y/b.h"\n', "arch/y/b.h": ""}, "m-x/a.c:1: "),
    ("includes", {"plugins/m-x/a.c": '#include "plugins/shared/m/b.h"\n',
                  "plugins/shared/m/b.h": ""}, ""),
    ("includes", {"plugins/m-x/a.c": '#include "plugins/shared/n/b.h"\n',
                  "plugins/shared/n/b.h": ""}, "m-x/a.c:1: "),
    ("includes", {"plugins/m-x/a.c": '#include "core/b.h"\n', "core/b.h": ""}, "m-x/a.c:1: "),
    ("includes", {"plugin-api/a.h": "#include <stdio.h>\n"}, "plugin-api/a.h:1: "),
    ("includes", {"cli/a.c": '#include "core/b.h"\n', "core/b.h": ""}, "cli/a.c:1: "),
    ("includes", {"core/a.c": '#include "tests/b.h"\n', "tests/b.h": ""}, "core/a.c:1: "),
    ("includes", {"plugins/m-x/tests/a.c": '#include "plugins/shared/tests/b.h"\n',
                  "plugins/shared/tests/b.h": "#include <cmocka.h>\n"}, ""),
    ("includes", {"plugins/m-x/a.c": '#include "plugins/shared/tests/b.h"\n',
                  "plugins/shared/tests/b.h": ""}, "m-x/a.c:1: "),
    ("includes", {"core/a.c": '#include "core/gone.h"\n'}, "no file of the project"),
    ("includes", {"elsewhere/a.c": ""}, "no line of tools/check-includes"),
    ("includes", {}, "0 files"),
    ("files", {"core/a.c": SPDX + "x\n" * 799}, ""),
    ("files", {"core/a.c": SPDX + "x\n" * 800}, "801 lines"),
    ("files", {"core/a.c": "int a;\n"}, "SPDX"),
    ("files", {"core/a.c": SPDX + "\tint a;\n"}, "tabs"),
    ("files", {"core/a.c": SPDX + "int a; \n"}, "core/a.c:2: space"),
    ("files", {"core/a.c": SPDX + "int a;"}, "no newline"),
    ("files", {"README.md": "see /ho" + "me/bob/sconce\n"}, "one machine"),
    ("docs", {"a.md": "see [b](docs/b.md) and `docs/b.md`\n", "docs/b.md": ""}, ""),
    ("docs", {"a.md": "see [b](docs/b.md)\n"}, "a.md: names docs/b.md"),
    ("docs", {"docs/a.md": "see `core/b.c`\n", "core/c.c": ""}, "docs/a.md: names core/b.c"),
    ("rooms", {"core/a.c": "/* as on KVM */\n"}, "core/a.c:1: 'KVM'"),
    ("rooms", {"core/a.c": "int kvm_count;\n"}, ""),
    ("rooms", {"arch/x/a.c": "\n#ifdef __x86_64__\n#endif\n"}, "arch/x/a.c:2: '__x86_64__'"),
    ("rooms", {"arch/x/a.c": "/* no malloc */\n"}, ""),
    ("rooms", {"arch/x/a.c": "void *p = malloc(1);\n"}, "'malloc'"),
    ("rooms", {"common/a.c": "char *p = alloca(n);\n"}, "'alloca'"),
    ("headers", {"common/a.h": "#ifndef A\n#define A\nstruct a { int b; };\n#endif\n"}, ""),
    ("headers", {"common/a.h": "struct a { int b; };\n"}, "redefinition"),
    ("headers", {"common/a.h": "extern size_t a;\n"}, "size_t"),
    ("headers", {"common/a.h": "#ifndef A\n#define A\n#endif\n",
                 "plugins/m-none/a.h": "extern size_t a;\n"}, ""),
    ("headers", {"plugin-api/a.h": "#ifndef A\n#define A\nstruct a { char b; long c; };\n"
                 "extern char use[sizeof(struct a)];\n#endif\n"}, "padding"),
    ("bodies", {"plugins/m-x/a.c": function(9), "plugins/m-y/a.c": function(9, "other")}, ""),
    ("bodies", {"plugins/m-x/a.c": function(8), "plugins/m-y/a.c": function(8)}, ""),
    ("bodies", {"plugins/m-x/a.c": function(9), "plugins/m-y/a.c": function(9)},
     "plugins/m-y/a.c:2: f() has the 9 lines of plugins/m-x/a.c:2: f()"),
    ("bodies", {"plugins/kvm-x86_64/a.c": function(9, "kvm_x86_do"),
                "plugins/kvm-aarch64/a.c": function(9, "kvm_a64_do")}, "has the 9 lines"),
    ("bodies", {"plugins/m-x/a.c": function(9), "plugins/shared/a.c": function(9),
                "plugins/m-y/tests/a.c": function(9)}, ""),
    ("porting", {"docs/porting.md": PAIR + "| `a.c`, `NAME.h` | |\n| `b.c` | |\n| `tests/` | |\n",
                 "plugins/m-x/a.c": "", "plugins/m-y/b.c": "", "plugins/m-y/m-y.h": "",
                 "plugins/m-y/tests/c.c": ""}, ""),
    ("porting", {"docs/porting.md": PAIR + "| `a.c` | |\n", "plugins/m-x/a.c": "",
                 "plugins/m-y/b.c": ""}, "b.c is not explained"),
    ("porting", {"docs/porting.md": PAIR + "| `a.c`, `b.c` | |\n", "plugins/m-x/a.c": ""},
     "b.c is in neither"),
    ("porting", {"docs/porting.md": "", "plugins/m-x/a.c": ""}, "0 checked"),
    ("bodies", {"plugins/m-x/a.c": function(9) + "/*\n" + function(9, "m_x") + "*/\n"}, ""),
]  # fmt: skip


def command(test, root, compiler):
    if test == "includes":
        return [sys.executable, "-B", INCLUDES, root]
    arguments = [root, compiler] if test == "headers" else [root]
    return [sys.executable, "-B", os.path.join(HERE, "test-%s.py" % test)] + arguments


def verdict(test, files, expected, compiler):
    """None when the test said what it should of a tree that holds @files."""
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            full = os.path.join(root, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w", encoding="utf-8") as file:
                file.write(text)
        done = subprocess.run(
            command(test, root, compiler), capture_output=True, text=True, check=False
        )
    said = done.stdout + done.stderr
    if (done.returncode != 0) == bool(expected) and expected in said:
        return None
    return "%s: %s: expected '%s', exit %d:\n%s" % (test, files, expected, done.returncode, said)


def main():
    verdicts = [verdict(*case, sys.argv[1]) for case in CASES]
    finish("cases", len(verdicts), [text for text in verdicts if text])


if __name__ == "__main__":
    main()
