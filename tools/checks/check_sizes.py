"""Files and functions that grew too long.

A long function is cut where a name for the part is found. What is long for a reason (a table, a
switch over a variant, one network's forward) stands in ALLOWED with that reason.
"""
import re

import source_files

USUAL_FILE, LONGEST_FILE = 320, 400
USUAL_FUNCTION, LONGEST_FUNCTION = 60, 80

# "path" or "path:function" -> why it may be longer
ALLOWED = {}

NOT_FUNCTIONS = re.compile(
    r"^(namespace|class|struct|enum|union|extern|if|for|while|switch|catch|do|else|try|return)\b")
BLANKED = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<d>[^(\s]{0,16})\(.*?\)(?P=d)"|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'", re.S)


def blank(text):
    """The text without comments, literals and preprocessor lines; line numbers stay."""
    text = BLANKED.sub(lambda m: "\n" * m.group().count("\n"), text)
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: "\n" * m.group().count("\n"), text,
                  flags=re.M)


def name_of(head):
    before = head.split("(")[0].split()
    return before[-1].lstrip("*&") if before else "?"


def functions(text):
    """[(name, first line, number of lines)] of the outermost function bodies."""
    found, line, head, open_function = [], 1, "", None
    for position, c in enumerate(text := blank(text)):
        line += c == "\n"
        if open_function:
            depth = open_function[2] + (c == "{") - (c == "}")
            open_function = (*open_function[:2], depth)
            if depth == 0:
                found.append((*open_function[:2], line - open_function[1] + 1))
                open_function, head = None, ""
        elif c == "{":
            words = " ".join(head.split())
            is_body = "(" in words and not NOT_FUNCTIONS.match(words) and not words.endswith("=")
            open_function = (name_of(words), line, 1) if is_body else None
            head = ""
        else:
            head = "" if c in ";}" else head + c
    return found


def sizes(path, text):
    """[(key, first line, lines, usual, longest)] of a file and of its functions."""
    whole = (str(path), 1, text.count("\n"), USUAL_FILE, LONGEST_FILE)
    return [whole] + [(f"{path}:{name}", first, lines, USUAL_FUNCTION, LONGEST_FUNCTION)
                      for name, first, lines in functions(text)]


def findings_in(path, text, every=False):
    found = []
    for key, first, lines, usual, longest in sizes(path, text):
        limit = usual if every else longest
        if lines > limit and (every or key not in ALLOWED):
            found.append(f"{path}:{first}: {key} has {lines} lines, more than {limit}")
    return found


def stale(root):
    """Rows of ALLOWED that nothing needs any more."""
    needed = set()
    for path in source_files.cpp_files(root):
        for key, _, lines, _, longest in sizes(path, (root / path).read_text()):
            if lines > longest:
                needed.add(key)
    return [f"tools/checks/check_sizes.py: ALLOWED no longer needs {k}" for k in ALLOWED
            if k not in needed]


def findings(root=source_files.ROOT, every=False):
    found = [f for p in source_files.cpp_files(root)
             for f in findings_in(p, (root / p).read_text(), every)]
    return found if every else found + stale(root)


if __name__ == "__main__":
    arguments = source_files.parser(__doc__)
    arguments.add_argument("--list", action="store_true", help="all above the usual size")
    source_files.report("sizes", findings(every=arguments.parse_args().list))
