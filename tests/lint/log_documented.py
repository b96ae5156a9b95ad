# SPDX-License-Identifier: Apache-2.0
"""Every event (message) at info and above and every key of the log is in tidblink(1), LOG, and the page
names none that does not exist. A message is a constant: what varies goes into a key."""

import re

import sources

PAGE = "doc/tidblink.1.md"
# Where a message is, and where the level, in the arguments of what writes one.
WRITERS = {"log_start": (2, 1), "log_facts": (1, 0), "conn_log": (2, 1), "write_count": (1, 0),
           "log_item": (1, None), "log_count": (0, None),
           "log_error": (0, None), "log_warn": (0, None), "log_info": (0, None)}
KEYS_OF = {"log_str", "log_uint"}  # and each static function log_THING(line, key, ...)
OWN_KEYS = {"time", "level", "message", "repeated"}  # that log.c puts in by itself
ERR_KEYS = {"error", "reason"}  # of log_err
_CALL = r"\b(log_[a-z]+|conn_log|write_count)\s*\("
_TEXT = re.compile(r'"((?:\\.|[^"\\\n])*)"')


def arguments(text, at):
    """The arguments of the call whose parenthesis was opened before `at`."""
    depth, begin, found = 0, at, []
    while at < len(text):
        char = text[at]
        if char == '"':
            at = _TEXT.match(text, at).end()
            continue
        if char in "([{":
            depth += 1
        elif char in ")]}":
            if depth == 0:
                return [*found, text[begin:at].strip()]
            depth -= 1
        elif char == "," and depth == 0:
            found.append(text[begin:at].strip())
            begin = at + 1
        at += 1
    return found


def literals(argument, text):
    """The texts that an argument can be: adjacent literals are one, an array's name stands for all
    of its elements."""
    array = re.match(r"(\w+)\[", argument)
    if array:
        rows = re.search(rf"\b{array.group(1)}\[[^\]]*\]\s*=\s*\{{(.*?)\}};", text, re.DOTALL)
        return _TEXT.findall(rows.group(1)) if rows else []
    joined = re.sub(r'"\s*\n?\s*"', "", argument)
    return _TEXT.findall(joined)


def is_declaration(call):
    return not call or re.match(r"(struct|enum|const|void)\b", call[0])


def events(path, text):
    """(line, message) of everything at info and above; the message is None if it is no constant."""
    for number, match in sources.matches(_CALL, text):
        call = arguments(text, match.end())
        if match.group(1) not in WRITERS or is_declaration(call):
            continue
        message_at, level_at = WRITERS[match.group(1)]
        if level_at is not None and re.fullmatch(r"LOG_(DEBUG|TRACE)", call[level_at]):
            continue
        if "message" in call[message_at:message_at + 2]:
            continue  # what its own callers say
        found = [message for argument in call[message_at:message_at + 2 if
                                              call[message_at] == '"%s"' else message_at + 1]
                 for message in literals(argument, text) if message != "%s"]
        yield from ((number, message) for message in found or [None])


def keys(text):
    """(line, key)."""
    for number, match in sources.matches(_CALL, text):
        name, call = match.group(1), arguments(text, match.end())
        if is_declaration(call) or len(call) < 2:
            continue
        if name == "log_err":
            yield from ((number, key) for key in sorted(ERR_KEYS))
        elif name == "log_count":
            yield from ((number, key) for key in literals(call[1], text))
        elif name == "log_facts":
            yield from ((number, key) for argument in call[2:-1:2]
                        for key in literals(argument, text))
        elif name in KEYS_OF or (name not in WRITERS and call[0].endswith("line")):
            yield from ((number, key) for key in literals(call[1], text))


def section(page):
    match = re.search(r"^## LOG\n(.*?)(?=^## )", page, re.MULTILINE | re.DOTALL)
    return match.group(1) if match else ""


def documented(text, head):
    """The terms of one part of the section."""
    match = re.search(rf"^### {head}\n(.*?)(?=^### |\Z)", text, re.MULTILINE | re.DOTALL)
    terms = re.findall(r"^\*\*(.+?)\*\*(?: \w|,)", match.group(1) if match else "", re.MULTILINE)
    return [term for term in terms if term]


def compare(found, told, what):
    for place, name in found:
        if name is None:
            yield f"{place}: a message that is no constant: put what varies into a key"
        elif "%" in name:
            yield f"{place}: \"{name}\" varies: put what varies into a key"
        elif name not in told:
            yield f"{place}: {what} \"{name}\" is not in {PAGE}, LOG"
    names = {name for _, name in found}
    for name in told:
        if name not in names:
            yield f"{PAGE}: LOG: no source has the {what} \"{name}\""
        if told.count(name) > 1:
            yield f"{PAGE}: LOG: the {what} \"{name}\" stands there twice"


def check(files, page):
    found_events, found_keys = [], [("base/log.c", key) for key in sorted(OWN_KEYS)]
    for path, text in files:
        found_events += [(f"{path}:{line}", name) for line, name in events(path, text)]
        found_keys += [(f"{path}:{line}", name) for line, name in keys(text)]
    log = section(page)
    yield from compare(found_events, documented(log, "Events"), "event")
    yield from compare(found_keys, documented(log, "Keys"), "key")


def main():
    files = [(path, sources.read(path)) for path in sources.c_files()
             if path.suffix == ".c" and path.parts[0] in sources.FOLDERS
             and path.parts[0] != "emulator"]
    sources.report(check(files, sources.read(PAGE)))


if __name__ == "__main__":
    main()
