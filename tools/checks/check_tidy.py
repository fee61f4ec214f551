"""Findings of clang-tidy: by default on the files that changed, with --all on every file."""
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys

import source_files

# A build folder of its own, configured but never built: GCC's precompiled header and ccache's
# flags mean nothing to clang.
BUILD = source_files.ROOT / "build-tidy"
# Of changed files so many are looked at that a run stays within minutes; one that includes torch
# takes about five times as long as another.
BUDGET, TORCH_COST = 60, 5
DIAGNOSTIC = re.compile(r"^(/\S+?):(\d+):(\d+): (?:warning|error): (.*)$", re.M)


def git(*arguments):
    run = subprocess.run(["git", *arguments], cwd=source_files.ROOT, capture_output=True, text=True)
    return run.stdout.split() if run.returncode == 0 else None


def changed_files():
    """Paths that differ from the base: origin/main, or the commit before this one."""
    head = git("rev-parse", "HEAD")
    for base in (os.environ.get("TANDEM_TIDY_BASE"), "origin/main", "HEAD~1"):
        commit = base and git("rev-parse", "--verify", "--quiet", base)
        if commit and (commit != head or git("status", "--porcelain")):
            names = git("diff", "--name-only", "--diff-filter=d", base)
            return names + git("ls-files", "--others", "--exclude-standard")
    return None


def configure():
    command = ["cmake", "--preset", "release", "-B", str(BUILD), "-DCMAKE_CXX_COMPILER_LAUNCHER=",
               "-DCCACHE_PROGRAM=CCACHE_PROGRAM-NOTFOUND", "-DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON"]
    run = subprocess.run(command, cwd=source_files.ROOT, capture_output=True, text=True)
    if run.returncode:
        sys.exit(run.stdout + run.stderr)


def compiled_files():
    """{path: cost} of all files that the build compiles, the cheap ones first."""
    entries = json.loads((BUILD / "compile_commands.json").read_text())
    costs = {os.path.relpath(e["file"], source_files.ROOT):
             TORCH_COST if "torch/include" in e["command"] else 1
             for e in entries if not e["file"].startswith(str(BUILD))}
    return dict(sorted(costs.items(), key=lambda item: (item[1], item[0])))


def within_budget(costs):
    """The first files whose costs together are within the budget."""
    files, spent = [], 0
    for path, cost in costs.items():
        spent += cost
        if spent <= BUDGET:
            files.append(path)
    return files


def tidy(path):
    command = [shutil.which("clang-tidy-14") or "clang-tidy", "--quiet", "-p", str(BUILD),
               "--extra-arg=-Wno-unknown-warning-option", path]  # of GCC's
    run = subprocess.run(command, cwd=source_files.ROOT, capture_output=True, text=True)
    found = [f"{os.path.relpath(m[1], source_files.ROOT)}:{m[2]}: {m[4]}"
             for m in DIAGNOSTIC.finditer(run.stdout)]
    if run.returncode and not found:
        found = [f"{path}: clang-tidy failed: {(run.stderr.strip() or run.stdout)[-300:]}"]
    return found


def chosen(everything, costs):
    if everything:
        return list(costs)
    changed = changed_files()  # without an earlier commit every file counts as changed
    changed_costs = {path: cost for path, cost in costs.items()
                     if changed is None or path in changed}
    files = within_budget(changed_costs)
    if len(files) < len(changed_costs):
        print(f"tidy: {len(changed_costs)} files changed, {len(files)} are looked at (see --all)")
    return files


def main():
    arguments = source_files.parser(__doc__)
    arguments.add_argument("--all", action="store_true", help="every file")
    arguments.add_argument("files", nargs="*", help="just these, relative to the root")
    args = arguments.parse_args()
    configure()
    files = args.files or chosen(args.all, compiled_files())
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = sorted({f for part in pool.map(tidy, files) for f in part})
    print(f"tidy: {len(files)} files looked at")
    source_files.report("tidy", found)


if __name__ == "__main__":
    main()
