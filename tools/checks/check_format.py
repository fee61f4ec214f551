"""Files that clang-format 14 would change; --fix changes them."""
import re
import shutil
import subprocess

import source_files

DIAGNOSTIC = re.compile(r"^(\S+?):\d+:\d+: error: ", re.M)


def clang_format():
    # The version decides the outcome, so the one that tools/setup brings is asked by name.
    return shutil.which("clang-format-14") or "clang-format"


def would_change(paths, root):
    """Those of the files that are not as clang-format leaves them."""
    run = subprocess.run([clang_format(), "--dry-run", "-Werror", *map(str, paths)], cwd=root,
                         capture_output=True, text=True)
    changed = sorted(set(DIAGNOSTIC.findall(run.stderr)))
    if run.returncode and not changed:
        raise RuntimeError(run.stderr)
    return changed


def findings(root=source_files.ROOT, fix=False):
    paths = source_files.cpp_files(root)
    if not paths:
        return []
    if fix:
        subprocess.run([clang_format(), "-i", *map(str, paths)], cwd=root, check=True)
    return [f"{p}: clang-format would change this file (tools/checks/check_format.py --fix)"
            for p in would_change(paths, root)]


if __name__ == "__main__":
    arguments = source_files.parser(__doc__)
    arguments.add_argument("--fix", action="store_true", help="change them")
    source_files.report("format", findings(fix=arguments.parse_args().fix))
