"""A real service in a folder of its own, for tests: started, found, watched, ended, cleaned up."""
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("TANDEM_BIN_DIR", ROOT / "build/bin"))
MARK = "TANDEM_TEST_MARK"


def wait_until(condition, seconds, what):
    """Returns condition()'s first true value; after `seconds` without one, an error."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(0.005)


def alive(pid):
    """Whether the process exists and has not ended; a zombie has."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def accepts(path):
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.connect(str(path))
        return True
    except OSError:
        return False


class Sandbox:
    """A folder for runtime, state and temporary files, and a mark that its processes inherit."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="tandem-test-"))
        self.mark = uuid.uuid4().hex
        self.socket = self.folder / "run/tandem/tandem.sock"
        self.env = {**os.environ, MARK: self.mark}
        self.env.pop("TANDEM_SOCKET", None)
        for name, sub in (("XDG_RUNTIME_DIR", "run"), ("XDG_STATE_HOME", "state"),
                          ("XDG_CONFIG_HOME", "config"), ("TMPDIR", "tmp")):
            (self.folder / sub).mkdir(mode=0o700)
            self.env[name] = str(self.folder / sub)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        shutil.rmtree(self.folder, ignore_errors=True)

    def processes(self):
        """{pid: command line} of all live processes that carry the mark."""
        found, needle = {}, f"{MARK}={self.mark}".encode()
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and needle in (entry / "environ").read_bytes():
                    if alive(entry.name) and int(entry.name) != os.getpid():
                        command = (entry / "cmdline").read_bytes().replace(b"\0", b" ")
                        found[int(entry.name)] = command.decode(errors="replace").strip()
            except OSError:  # ended meanwhile, or another user's
                continue
        return found

    def pids_of(self, binary):
        return sorted(p for p, command in self.processes().items()
                      if Path(command.split(" ")[0]).name == binary)

    def files(self):
        """What lies in the sandbox apart from the state folder, where the log may stay."""
        return sorted(str(p.relative_to(self.folder)) for p in self.folder.rglob("*")
                      if not p.is_dir() and "state" not in p.relative_to(self.folder).parts[:1])

    def tandem(self, *arguments, timeout=120, **options):
        """Runs `tandem ...` to its end and returns the CompletedProcess."""
        return subprocess.run([str(BIN / "tandem"), *map(str, arguments)], env=self.env,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=timeout, **options)

    def start(self, *arguments, **options):
        """Starts `tandem ...` and returns its Popen."""
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        return subprocess.Popen([str(BIN / "tandem"), *map(str, arguments)], env=self.env,
                                stdin=subprocess.DEVNULL, text=True, **options)


class Service(Sandbox):
    """`tandem up --foreground` in a sandbox; `with Service("cpu:2") as service:`"""

    def __init__(self, devices="cpu:2", threads=None, arguments=()):
        super().__init__()
        self.devices, self.threads, self.launcher = devices, threads, None
        self.arguments = arguments  # more of `tandem up`

    def __enter__(self):
        try:
            self.up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.launcher and self.launcher.poll() is None:
            self.launcher.terminate()
            try:
                self.launcher.wait(20)
            except subprocess.TimeoutExpired:
                pass
        super().__exit__()
        if self.launcher:
            self.launcher.wait()

    def up(self, seconds=60):
        arguments = ["up", "--foreground", "--socket", self.socket]
        if self.devices:  # else the configuration's
            arguments += ["--devices", self.devices]
        if self.threads:
            arguments += ["--threads", self.threads]
        arguments += self.arguments
        with open(self.folder / "state/service.log", "ab") as log:
            self.launcher = self.start(*arguments, stdout=log, stderr=log)
        wait_until(self.is_ready, seconds, "the service accepts connections")

    def is_ready(self):
        if self.launcher.poll() is not None:
            raise RuntimeError(f"tandem up ended with {self.launcher.returncode}:\n{self.log()}")
        return accepts(self.socket)

    def log(self):
        return (self.folder / "state/service.log").read_text(errors="replace")[-4000:]
