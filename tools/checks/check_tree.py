"""Folders without README, TODOs without a type, sources that no CMakeLists names."""
import re
from pathlib import Path

import source_files

TODO = re.compile(r"(?<!`)\b(TODO|FIXME|XXX)\b(?!\([a-z][a-z0-9_-]*\): )")
# Folders of data, of documents, and folders that mirror another one need no README of their own.
NO_README = ("docs", "tests/golden/", "tests/fuzz/corpus", "tests/protocol", "tests/ipc",
             "tests/models", "tests/plugin", "tests/coordinator", "tests/device_worker", "tests/tools")
TEXT = source_files.CPP + (".py", ".cmake", ".txt", ".md", "")
# The one file that spells out the words it looks for.
NOT_SEARCHED = ("tools/checks/check_tree.py", "tools/checks/test_checks.py")


def needs_readme(folder):
    name = folder.as_posix() + "/"
    return folder != Path(".") and not any(
        name.startswith(n) if n.endswith("/") else name == n + "/" or name.startswith(n + "/")
        for n in NO_README)


def missing_readmes(paths):
    folders = {p.parent for p in paths
               if p.suffix in source_files.CPP or p.name == "CMakeLists.txt"}
    folders = {f for f in folders if f.parts and f.parts[0] in source_files.CODE_FOLDERS}
    # A model family, a sampler: folders of one shape are described once, by the folder they are in.
    has = {p.parent for p in paths if p.name == "README.md"}
    return [f"{f}: has no README.md, nor has the folder above it" for f in sorted(folders)
            if needs_readme(f) and f not in has and f.parent not in has]


def untyped_todos(path, text):
    return [f"{path}:{n}: a TODO needs a type, as in TODO(measure): what"
            for n, line in enumerate(text.splitlines(), 1) if TODO.search(line)]


def unlisted_sources(paths, read):
    """.cpp files that no CMakeLists.txt of their folder or of one above it names."""
    lists = {p.parent: read(p) for p in paths if p.name == "CMakeLists.txt"}
    found = []
    for path in paths:
        if path.suffix != ".cpp" or path.parts[0] not in source_files.CODE_FOLDERS:
            continue
        if not any(names(lists[f], path.relative_to(f)) for f in path.parents if f in lists):
            found.append(f"{path}: no CMakeLists.txt names this source")
    return found


def names(text, path):
    """Whether a list names the path; a loop over names leaves out `_test.cpp` and `fuzz_`."""
    stem = path.stem.removesuffix("_test").removeprefix("fuzz_")
    return any(re.search(rf"(?<![\w/-]){re.escape(name)}(?![\w-])", text)
               for name in (path.as_posix(), path.with_name(stem).as_posix()))


def findings(root=source_files.ROOT):
    paths = source_files.tracked(root)
    found = missing_readmes(paths) + unlisted_sources(paths, lambda p: (root / p).read_text())
    for path in paths:
        if path.suffix in TEXT and str(path) not in NOT_SEARCHED:
            found += untyped_todos(path, (root / path).read_text(errors="replace"))
    return found


if __name__ == "__main__":
    source_files.parser(__doc__).parse_args()
    source_files.report("tree", findings())
