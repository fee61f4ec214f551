#!/usr/bin/env python3
"""Runs golden cases against one service and compares what they write with the reference's results.

    tools/golden/run.py [--root CASES] [--only TEXT,TEXT] [--socket PATH] [--devices LIST] [--threads N]
                        [--jobs N] [--dtype TYPE] [--floor N] [--batching exact] [--bits FILE]

The reference's numbers are a CPU's in float32. On a GPU or in another type (--dtype) they are met
within a wider tolerance: --floor is the least that a model's results are given. --bits writes what every case's results
hash to, or compares with the file where it is there: the same job on other workers (--threads 1). What this version does not
cover yet (coverage.py) must be refused with the right error code. Exit status 0 when every case passes.
"""
import argparse
import collections
import concurrent.futures
import contextlib
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "harness"))

import cases  # noqa: E402
import compare  # noqa: E402
import coverage  # noqa: E402
import tensor_file  # noqa: E402
from service import ROOT, Sandbox, Service  # noqa: E402


def error_code(process):
    """The code of the error that `tandem run --json` ended with, or None."""
    for line in reversed(process.stdout.splitlines()):
        with contextlib.suppress(ValueError, AttributeError):
            code = json.loads(line).get("error", {}).get("code")
            if code:
                return code
    with contextlib.suppress(ValueError, AttributeError):
        return json.loads(process.stdout).get("error", {}).get("code")
    return None


def last_words(process):
    lines = (process.stderr.strip() or process.stdout.strip()).splitlines()
    return f"exit {process.returncode}: {' / '.join(lines[-2:])[:300]}"


def read_outputs(job):
    """({tensor name: array}, {key: JSON}); a file that is not there is an error."""
    tensors, values = {}, {}
    for path in map(Path, job["output"].values()):
        if path.suffix == ".json":
            values.update(json.loads(path.read_text()))
        else:
            tensors.update(tensor_file.load(path))
    return tensors, values


def digest(tensors, values):
    total = hashlib.sha256(json.dumps(values, sort_keys=True).encode())
    for name in sorted(tensors):
        total.update(name.encode() + tensors[name].tobytes())
    return total.hexdigest()


class Bits:
    """What results hash to, of this run and of an earlier one."""

    def __init__(self, file):
        self.file, self.now = file, {}
        self.before = json.loads(file.read_text()) if file and file.exists() else None

    def differs(self, case, tensors, values):
        self.now[case] = digest(tensors, values)
        return self.before is not None and self.before.get(case, self.now[case]) != self.now[case]

    def save(self):
        if self.file and self.before is None:
            self.file.write_text(json.dumps(self.now, indent=1))


def judge_result(folder, job, process, floor, bits):
    if process.returncode:
        return False, last_words(process)
    try:
        got, got_json = read_outputs(job)
    except FileNotFoundError as error:
        return False, f"did not write {Path(error.filename).name}"
    if bits.differs(f"{folder.parent.name}/{folder.name}", got, got_json):
        return False, f"other bits than in {bits.file}"

    def read(name, reader, default):
        return reader(folder / name) if (folder / name).exists() else default

    def read_json(path):
        return json.loads(path.read_text())

    return compare.compare_all(got, got_json, read("expected.safetensors", tensor_file.load, {}),
                               read("expected.json", read_json, {}),
                               {**read("check.json", read_json, {}), "floor": floor})


def judge_refusal(process, missing):
    names = ", ".join(name for name, _ in missing)
    codes = {code for _, code in missing}
    if process.returncode == 0:
        return False, f"ran although coverage.py says that this is not covered: {names}"
    code = error_code(process)
    if process.returncode != 1 or code not in codes:
        return False, f"refused with {code}, expected {codes} ({names}); {last_words(process)}"
    return True, f"refused ({code}): {names}"


def run_case(folder, sandbox, socket, args, bits):
    """(whether it passes, words, names of what is not covered yet)"""
    job = cases.read_job(folder)
    missing = coverage.missing(job)
    with tempfile.TemporaryDirectory(dir=sandbox.folder) as tmp:
        job = cases.on_default_device(job, args.dtype)
        if args.batching:
            job["workers"] = {**job.get("workers", {}), "batching": args.batching}
        job["output"] = {k: str(Path(tmp, f"{k}-{Path(v).name}")) for k, v in job["output"].items()}
        Path(tmp, "case.json").write_text(json.dumps(job))
        arguments = ["run", f"{tmp}/case.json", "--socket", socket, "--json"]
        if (folder / "tensors.safetensors").exists():
            arguments += ["--tensors", folder / "tensors.safetensors"]
        try:
            process = sandbox.tandem(*arguments, timeout=args.timeout)
        except subprocess.TimeoutExpired:
            return False, f"no answer in {args.timeout} s", []
        if missing:
            return *judge_refusal(process, missing), [name for name, _ in missing]
        return *judge_result(folder, job, process, args.floor, bits), []


def run_all(folders, sandbox, socket, args):
    passed, refused, bits = 0, collections.Counter(), Bits(args.bits)
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        work = pool.map(lambda f: run_case(f, sandbox, socket, args, bits), folders)
        for folder, (ok, words, missing) in zip(folders, work):
            passed += ok
            refused.update(missing)
            print(f"{'pass' if ok else 'FAIL'} {folder.parent.name}/{folder.name}: {words}",
                  flush=True)
    bits.save()
    return passed, refused


def summary(folders, passed, refused, whole_tree):
    """Prints what is not covered yet and the count; the number of failures."""
    failed = len(folders) - passed
    for name, count in refused.most_common():
        print(f"not covered yet: {name} ({count} cases, refused)")
    stale = [name for name, _, _ in coverage.NOT_YET if name not in refused] if whole_tree else []
    for name in stale:
        print(f"FAIL coverage.py: no case needs the row '{name}'")
    print(f"{passed} passed, {failed + len(stale)} failed")
    return failed + len(stale)


def print_workers(sandbox, socket):
    """Who computed how many units, and on what."""
    reply = sandbox.tandem("devices", "--socket", socket, "--json")
    for device in json.loads(reply.stdout)["devices"]:
        for worker in device["workers"]:
            print(f"units: {worker['name']} {worker['units_done']} on {device['name']} "
                  f"({device['description']})")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=ROOT / "tests/golden/cases")
    parser.add_argument("--only", default="", help="only cases whose GROUP/NAME has one of these texts")
    parser.add_argument("--socket", help="a running service instead of one of its own")
    parser.add_argument("--devices", default="cpu:2", help="of its own service")
    parser.add_argument("--threads", type=int, help="of each of its CPU workers")
    parser.add_argument("--batching", choices=("exact", "auto"), help="of every job, instead of its own")
    parser.add_argument("--bits", type=Path, help="written, or compared with")
    parser.add_argument("--jobs", type=int, default=2, help="cases at once")
    parser.add_argument("--dtype", choices=("fp32", "fp16", "bf16"), help="of the models")
    parser.add_argument("--floor", type=float, default=0, help="the least tolerance")
    parser.add_argument("--timeout", type=float, default=120, help="seconds for one case")
    parser.add_argument("--whole-tree", action="store_true",
                        help="every row of coverage.py must be needed by a case")
    args = parser.parse_args()
    folders = cases.folders(args.root, args.only)
    if not folders:
        sys.exit(f"no case below {args.root} has '{args.only}' in its name")
    with Sandbox() if args.socket else Service(args.devices, args.threads) as sandbox:
        socket = args.socket or sandbox.socket
        passed, refused = run_all(folders, sandbox, socket, args)
        print_workers(sandbox, socket)
    sys.exit(bool(summary(folders, passed, refused, args.whole_tree)))


if __name__ == "__main__":
    main()
