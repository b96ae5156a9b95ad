# SPDX-License-Identifier: Apache-2.0
"""The lint tests find what they are there to find, and nothing else."""

import shutil
import tempfile
import unittest
from pathlib import Path

import banned
import layers
import log_documented
import options_documented
import portable
import sizes
import sources
import tree


class Sources(unittest.TestCase):
    def test_code_only_keeps_lines(self):
        text = 'a(); // b()\n/* c()\n d() */ e("f() \\" // g()");\nh(\'"\'); i();\n'
        code = sources.code_only(text)
        self.assertEqual(code.count("\n"), text.count("\n"))
        for name in "aehi":
            self.assertIn(name + "(", code)
        for name in "bcdfg":
            self.assertNotIn(name + "(", code)


class LogDocumented(unittest.TestCase):
    PAGE = "## LOG\n\n### Events\n\n**it began** info\n: `why`.\n\n### Keys\n\n" + "".join(
        f"**{key}** text\n: x.\n\n" for key in ("time", "level", "message", "repeated", "why")) + \
        "## NEXT\n"
    CODE = 'log_start(&line, LOG_INFO,\n    "it " "began");\nlog_str(&line, "why", why("a, b", 1));\n'

    def found(self, code, page=PAGE):
        return list(log_documented.check([(Path("app/a.c"), code)], page))

    def test_page_and_source_agree(self):
        self.assertEqual(self.found(self.CODE), [])
        self.assertEqual(self.found(self.CODE + 'log_debug("%d others", n);'), [])
        self.assertEqual(self.found(self.CODE + 'log_start(&line, LOG_TRACE, "x %s", x);'), [])

    def test_what_is_missing_is_found(self):
        for code in ('log_uint(&line, "count", 1);', 'log_warn("it ended");', 'log_err(&line, err);',
                     'log_facts(LOG_WARN, "it began", "count", x, NULL);',
                     'log_info("it began %s", when);', 'log_start(&line, LOG_WARN, "%s", text);',
                     'log_tls(&line, "tls", tls);', 'log_start(&line, LOG_INFO, "%s", a ? "b" : "it began");'):
            self.assertGreaterEqual(len(self.found(self.CODE + code)), 1, code)

    def test_what_is_too_much_is_found(self):
        self.assertEqual(len(self.found("")), 2)  # the event and its key
        twice = self.PAGE.replace("**why**", "**why** text\n: y.\n\n**why**")
        self.assertEqual(len(self.found(self.CODE, twice)), 2)


class Layers(unittest.TestCase):
    def count(self, path, include):
        return len(list(layers.check(Path(path), f"#include <stdio.h>\n#include \"{include}\"\n")))

    def test_down_is_allowed(self):
        for path, include in (
            ("base/err.c", "base/err.h"),
            ("resolver/a.c", "base/err.h"),
            ("proxy/conn.c", "control/control.h"),
            ("app/main.c", "strings/strings.h"),
            ("app/main.c", "proxy/proxy.h"),
        ):
            self.assertEqual(self.count(path, include), 0, path)

    def test_up_and_across_is_not(self):
        for path, include in (
            ("base/err.c", "proxy/conn.h"),
            ("resolver/a.c", "control/control.h"),
            ("control/a.c", "resolver/resolver.h"),
            ("proxy/conn.c", "app/settings.h"),
            ("proxy/conn.c", "strings/strings.h"),
            ("emulator/a.c", "control/model.h"),
            ("app/main.c", "emulator/a.h"),
            ("base/err.c", "err.h"),
            ("base/err.c", "../proxy/conn.h"),
        ):
            self.assertEqual(self.count(path, include), 1, path)

    def test_every_folder_has_its_row(self):
        self.assertEqual(set(layers.MAY_INCLUDE), set(sources.FOLDERS))


class Banned(unittest.TestCase):
    def count(self, text, path="proxy/conn.c"):
        return len(list(banned.check(Path(path), text)))

    def test_calls_are_found(self):
        for call in ("strcpy(a, b);", "x = atoi (text);", "n = strtol(a, b, 10);", "fork();",
                     "signal(SIGPIPE, SIG_IGN);", "puts(strerror(errno));", "usleep(1);"):
            self.assertEqual(self.count(call), 1, call)

    def test_others_are_not(self):
        for text in ("localtime_r(&t, &tm);", "strerror_r(1, b, 2);", "// sleep(1)",
                     '"system(x)"', "on_signal(1);", "strtok_r(a, b, c);", "row->system(1);",
                     "int rand;", "timer_sleep(1);"):
            self.assertEqual(self.count(text), 0, text)

    def test_the_home_of_numbers(self):
        self.assertEqual(self.count("strtoull(a, b, 10);", "base/cursor.c"), 0)
        self.assertEqual(self.count("strtoull(a, b, 10);", "base/options.c"), 1)


class Sizes(unittest.TestCase):
    def test_files(self):
        self.assertEqual(list(sizes.check_file(Path("a.c"), "x\n" * 500)), [])
        self.assertEqual(len(list(sizes.check_file(Path("a.c"), "x\n" * 501))), 1)

    def test_functions(self):
        ctags = shutil.which("ctags-universal")
        if not ctags:
            self.skipTest("ctags-universal is not installed")
        with tempfile.NamedTemporaryFile("w", suffix=".c") as file:
            body = "    x++;\n"
            file.write("static int fits(int x)\n{\n" + body * 67 + "}\n")
            file.write("int too_long(int x)\n{\n" + body * 68 + "}\n")
            file.flush()
            found = sizes.functions(ctags, [file.name])
        self.assertEqual([function["name"] for function in found], ["fits", "too_long"])
        self.assertEqual([len(list(sizes.check_function(one))) for one in found], [0, 1])


class OptionsDocumented(unittest.TestCase):
    ROWS = ('    { "hold-timeout", OPTION_MS, AT(hold_ms), "4s" },\n'
            '    { .name = "tls-ca", .type = OPTION_TEXT },\n'
            '    { "not-a-row", 3 },\n')

    def check(self, pages, sample):
        return list(options_documented.check(options_documented.rows(self.ROWS), pages, sample))

    def test_all_is_said(self):
        self.assertEqual(self.check("--hold-timeout, `tls-ca`", "hold-timeout = 4s\n# tls-ca =\n"), [])

    def test_what_is_missing_is_found(self):
        found = self.check("hold-timeout-max tls-ca", "tls-ca = x\nold = y\n")
        self.assertEqual(len(found), 3)

    def test_no_rows_is_a_finding(self):
        self.assertEqual(len(list(options_documented.check([], "", ""))), 1)


class Portable(unittest.TestCase):
    def count(self, text, path="proxy/conn.c"):
        return len(list(portable.check(Path(path), text)))

    def test_what_only_one_system_has_is_found(self):
        for text in ("fd = accept4(a, b, c, 0);", "x = splice (a, b);", "int fd = eventfd(0, 0);",
                     "#include <linux/tcp.h>", "#  include <sys/timerfd.h>", "f(TCP_INFO);",
                     "socket(a, SOCK_STREAM | SOCK_CLOEXEC, 0);", "#ifdef __linux__",
                     "#if defined(__APPLE__)", "struct ucred creds;", "prctl(PR_X);",
                     "for (p = environ; *p; p++)", "x(SPLICE_F_MOVE);", 'fopen(path, "re")',
                     'os_fopen("/proc/self/cgroup", "r")', "send(a, b, c, MSG_NOSIGNAL);"):
            self.assertEqual(self.count(text), 1, text)

    def test_what_all_have_is_not(self):
        for text in ("os_accept(a, b, c);", "options.splice && x", "// splice(2)", '"splice("',
                     "row->splice(a);", "#include <sys/socket.h>", 'fopen(path, "r")',
                     '"django-environ"', "os_environment()", "SO_KEEPALIVE", "my_timegm(x);"):
            self.assertEqual(self.count(text), 0, text)

    def test_where_it_is_allowed(self):
        self.assertEqual(self.count("f(MSG_NOSIGNAL);", "base/os.h"), 0)
        self.assertEqual(self.count('x("/proc/self/fd");', "tests/loop/test_ec2.c"), 0)
        for path, checked in (("base/linux/os.c", False), ("base/portable/os.c", False),
                              ("bench/delay.c", False), ("base/net.c", True),
                              ("emulator/dns.c", True), ("tests/loop/test_net.c", True)):
            self.assertEqual(portable.is_checked(Path(path)), checked, path)

    def test_a_file_without_a_twin_is_found(self):
        twins = [Path("base/linux/a.c"), Path("base/portable/a.c")]
        self.assertEqual(list(portable.twins(twins)), [])
        self.assertEqual(len(list(portable.twins([*twins, Path("base/portable/b.c")]))), 1)


class Tree(unittest.TestCase):
    def count(self, text, path="README.md"):
        return len(list(tree.check(Path(path), text)))

    def test_findings(self):
        for text in ("cd /" + "work/main\n", "see /" + "home/anna/x\n", "x \n", "x\r\n", "x",
                     "https://pypi" + ".org/simple\n", "<" * 7 + " HEAD\n"):
            self.assertEqual(self.count(text), 1, text)
        self.assertEqual(self.count("int x;\n", "base/x.c"), 1)

    def test_clean(self):
        for text in ("", "ok\n", "homework/main\n", "${dir}/root/x\n", "a == b\n"):
            self.assertEqual(self.count(text), 0, text)
        self.assertEqual(self.count(tree.LICENCE + "int x;\n", "base/x.c"), 0)


if __name__ == "__main__":
    unittest.main()
