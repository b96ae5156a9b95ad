# SPDX-License-Identifier: Apache-2.0
"""Makes the status page a C file: embed.py page.html page.css FILE.js... OUT

The scripts become one, in their order; comments and indentation of style and script are left out.
The policy names style and script by their hashes (CSP 3, section 2.3.1), so that nothing else runs."""
import base64
import hashlib
import re
import sys
from pathlib import Path

POLICY = ("default-src 'none'; script-src '{script}'; style-src '{style}'; connect-src 'self'; "
          "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
          "require-trusted-types-for 'script'; trusted-types 'none'")


def shorten(text, path):
    """Only what stands on lines of its own is left out, so no literal is touched."""
    lines = [line.strip() for line in text.splitlines()]
    for number, line in enumerate(lines, 1):
        if line.count("`") % 2:
            sys.exit(f"{path}:{number}: a template that goes over lines would be changed")
    return "".join(f"{line}\n" for line in lines if line and not line.startswith("//"))


def style_of(path):
    return shorten(re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL), path)


def script_of(paths):
    text = "".join(shorten(path.read_text(), path) for path in paths)
    if "</script" in text.lower() or "<!--" in text:
        sys.exit("the script holds what would end it in HTML")
    return "(() => {\n\"use strict\";\n" + text + "start();\n})();\n"


def hash_of(text):
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def literal(name, text):
    """Octal has three digits at most and none of its own before what follows, so it cannot grow."""
    lines = [f"const char {name}[] ="]
    for line in text.splitlines(keepends=True):
        code = "".join(chr(b) if 32 <= b < 127 and b not in b'"\\?' else f"\\{b:03o}"
                       for b in line.encode())
        lines.append(f'    "{code}"')
    return "\n".join(lines) + ";\n"


def main(page, css, *scripts, out):
    style, script = style_of(Path(css)), script_of([Path(path) for path in scripts])
    html = Path(page).read_text()
    for mark, text in (("<!--style-->", style), ("<!--script-->", script)):
        html = html.replace(mark, text)
    head, foot = html.split("<!--states-->\n")
    policy = POLICY.format(script=hash_of(script), style=hash_of(style))
    Path(out).write_text(
        '// Made by app/page/embed.py.\n#include "app/page_parts.h"\n\n'
        + literal("page_policy", policy) + literal("page_head", head) + literal("page_foot", foot))


if __name__ == "__main__":
    main(*sys.argv[1:-1], out=sys.argv[-1])
