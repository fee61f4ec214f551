"""Starting a service through `tandem up`, and where its programs are."""
from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from . import _frames
from .errors import MissingFile, NoService

PROGRAM, DEMO = "tandem", "demo.safetensors"
STARTED, RUNNING = 0, 4  # exit statuses of `tandem up`
UP_SECONDS, DOWN_SECONDS = 120.0, 60.0


def find_program() -> str:
    """`tandem`: $TANDEM_PROGRAM, the one built in this tree, or the first on $PATH."""
    built = Path(__file__).resolve().parents[4] / "build/bin" / PROGRAM \
        if len(Path(__file__).resolve().parents) > 4 else None
    for candidate in (os.environ.get("TANDEM_PROGRAM"), built, shutil.which(PROGRAM)):
        if candidate and os.access(candidate, os.X_OK):
            return str(candidate)
    raise NoService("The program tandem was not found.", fault="service",
                    hint="Build it (cmake --build --preset release), or name it: TANDEM_PROGRAM.")


def demo_model() -> str:
    """The demo model: in $TANDEM_DATA_DIR, else in share/tandem beside the program's folder."""
    folder = os.environ.get("TANDEM_DATA_DIR")
    data = Path(folder) if folder else Path(find_program()).resolve().parents[1] / "share/tandem"
    if not (data / DEMO).is_file():
        raise MissingFile(f"The demo model is not at {data / DEMO}.", path=str(data / DEMO),
                          hint="Give a checkpoint as model=..., or its folder: TANDEM_DATA_DIR.")
    return str(data / DEMO)


class Service:
    """A running service. As a context manager it is ended at the end if it was started here."""

    def __init__(self, socket: str, program: str, was_started: bool) -> None:
        self.socket = socket
        self.was_started = was_started
        self._program = program

    def __enter__(self) -> Service:
        return self

    def __exit__(self, *_: object) -> None:
        if self.was_started:
            self.stop()

    def stop(self) -> None:
        """Ends it, whoever started it; no error where none runs."""
        subprocess.run([self._program, "down", "--socket", self.socket], capture_output=True,
                       timeout=DOWN_SECONDS, check=False)


def start(devices: str | None = None, *, socket: str | os.PathLike[str] | None = None,
          threads: int | None = None, arguments: Sequence[str] = (),
          program: str | os.PathLike[str] | None = None) -> Service:
    """`tandem up` in the background, until it accepts; one that runs there is left alone.

    `devices` as in "cpu:2" or "gpu:0,gpu:1"; `arguments` are further ones of `tandem up`. Its
    launcher starts the service again when it dies. Raises NoService with the program's words.
    """
    path = os.path.abspath(os.fspath(socket) if socket else _frames.default_socket())
    tandem = os.fspath(program) if program else find_program()
    command = [tandem, "up", "--socket", path]
    if devices:
        command += ["--devices", devices]
    if threads:
        command += ["--threads", str(threads)]
    run = subprocess.run([*command, *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                         text=True, timeout=UP_SECONDS, check=False)
    if run.returncode not in (STARTED, RUNNING):
        words = run.stderr.strip() or f"exit status {run.returncode}"
        raise NoService(f"tandem up failed: {words}", path=path, fault="service")
    return Service(path, tandem, run.returncode == STARTED)
