"""The project's own source files, and how the checks report what they find."""
import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CODE_FOLDERS = ("protocol", "ipc", "models", "plugin", "coordinator", "device_worker", "tools", "tests")
CPP = (".cpp", ".hpp")


def tracked(root=ROOT):
    """Paths of all files that git tracks or would add, relative to root."""
    out = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        check=True, capture_output=True).stdout
    paths = sorted({Path(name.decode()) for name in out.split(b"\0") if name})
    return [path for path in paths if (root / path).is_file()]


def cpp_files(root=ROOT):
    return [p for p in tracked(root) if p.suffix in CPP and p.parts[0] in CODE_FOLDERS]


def parser(doc):
    return argparse.ArgumentParser(description=doc.splitlines()[0])


def report(name, findings):
    """Prints the findings and ends the process: 0 if there are none, else 1."""
    for finding in findings:
        print(finding)
    print(f"{name}: {len(findings)} findings" if findings else f"{name}: nothing found")
    sys.exit(bool(findings))
