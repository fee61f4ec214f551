"""The golden cases on the device, in each type."""
import collections
import os
import re
import subprocess
import sys
from pathlib import Path

from common import one_worker
from service import ROOT

SHARE_OF_CASES = 0.6  # of a golden part's time, for each of its two trees at the most

Golden = collections.namedtuple("Golden", "dtype floor only")
GOLDENS = {
    "golden_fp32": Golden("fp32", 5e-3, ""),
    "golden_fp16": Golden("fp16", 5e-2, "conds/,hooks/,samplers/,vae/,whole/"),
    "golden_bf16": Golden("bf16", 1e-1, "conds/,hooks/,samplers/,vae/,whole/"),
}


def run_cases(args, chosen, root, only):
    command = [sys.executable, str(ROOT / "tools/golden/run.py"), "--root", str(root),
               "--devices", one_worker(args), "--dtype", chosen.dtype, "--floor", str(chosen.floor),
               "--only", only, "--jobs", "8"]
    with open(Path(args.work, f"{args.run}.txt"), "w+") as output:
        runner = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            runner.wait(args.limit * SHARE_OF_CASES)
        except subprocess.TimeoutExpired:
            runner.terminate()
            runner.wait()
        output.seek(0)
        text = output.read()
    print(text, flush=True)
    return summary_of(text, runner.returncode)


def summary_of(text, status):
    """What the runner's lines say; also of a run that was not done in time."""
    failures = re.findall(r"^FAIL (.*)", text, re.M)
    report = {"passed": len(re.findall(r"^pass ", text, re.M)), "failed": len(failures),
              "refused": len(re.findall(r": refused \(", text)),
              "units": dict(re.findall(r"^units: (\S+) (\d+) on", text, re.M)),
              "failures": failures[:20], "largest": largest_differences(text),
              "cases": distances(text)}
    if not re.search(r"^\d+ passed, \d+ failed", text, re.M):
        report["cut_short"] = f"exit {status}: {text.strip().splitlines()[-1:]}"
    return report


def distances(text):
    """{GROUP/NAME: {"passed": whether it did, "off": {tensor: how far it is off}}}; refused ones are left out."""
    told = {}
    for verdict, name, words in re.findall(r"^(pass|FAIL) ([\w/]+): (.*)", text, re.M):
        off = {tensor: float(value) for tensor, value in re.findall(r"(\S+) (\S+) \(<=", words)}
        if off:
            told[name] = {"passed": verdict == "pass", "off": off}
    return told


def largest_differences(text):
    """{tensor: the greatest difference that a case had}"""
    largest = {}
    for case in distances(text).values():
        for tensor, value in case["off"].items():
            largest[tensor] = max(largest.get(tensor, 0.0), value)
    return largest


def golden(args):
    chosen = GOLDENS[args.run]
    report = run_cases(args, chosen, ROOT / "tests/golden/cases", chosen.only)
    extra = Path(os.environ.get("TANDEM_EXTRA_CASES", "/nowhere")) / "cases"
    if extra.is_dir():
        report["sdxl"] = run_cases(args, chosen, extra, chosen.only)
    for part in (report, report.get("sdxl", report)):
        if part["failed"] or not any(int(n) for n in part["units"].values()):
            report["error"] = part.get("cut_short", f"{part['failed']} cases failed")
    return report
