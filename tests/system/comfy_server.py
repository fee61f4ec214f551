"""ComfyUI without a browser: a process, its HTTP interface, and workflows as Python calls."""
import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import numpy
import tensor_file
from service import BIN, ROOT, wait_until

CHECKOUT = os.environ.get("TANDEM_COMFYUI", "")
PYTHON = os.environ.get("TANDEM_COMFYUI_PYTHON", sys.executable)
ENDS = ("execution_success", "execution_error", "execution_interrupted")
FOLDERS = ("models/checkpoints", "models/loras", "models/vae", "models/upscale_models", "input",
           "output", "temp", "user", "custom_nodes")


class Failed(Exception):
    """A node's error, as ComfyUI tells it."""


class Graph:
    """A workflow of ComfyUI's HTTP interface; a node's call gives its outputs."""

    def __init__(self):
        self.nodes = {}

    def __getattr__(self, kind):
        return lambda **inputs: self.add(kind, inputs)

    def add(self, kind, inputs):
        name = str(len(self.nodes) + 1)
        self.nodes[name] = {"class_type": kind, "inputs": {
            key: list(value) if isinstance(value, Output) else value
            for key, value in inputs.items()}}
        return Output((name, 0))


class Output(tuple):
    """A node's output; `[1]` of it is the next one."""

    def __getitem__(self, index):
        return Output((tuple.__getitem__(self, 0), index))

    def __iter__(self):
        return iter((tuple.__getitem__(self, 0), tuple.__getitem__(self, 1)))


class Listener:
    """What ComfyUI tells a browser while a workflow runs, over a WebSocket."""

    def __init__(self, address, client):
        host, port = address.split(":")
        self.socket = socket.create_connection((host, int(port)), 60)
        self.socket.sendall(
            f"GET /ws?clientId={client} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGFuZGVtLXRlc3QtMDAwMQ==\r\n\r\n".encode())
        self.file = self.socket.makefile("rb")
        answer = self.file.readline()
        assert b" 101 " in answer, answer
        while self.file.readline().strip():
            pass

    def close(self):
        self.file.close()
        self.socket.close()

    def frame(self):
        """(whether it is text, its bytes)"""
        kind, size = self.file.read(2)
        if size >= 126:
            size = int.from_bytes(self.file.read(2 if size == 126 else 8), "big")
        return kind & 15 == 1, self.file.read(size)

    def until_done(self, prompt):
        """The data of all messages of the run, by their kinds; previews as `preview`."""
        heard = {"progress": [], "preview": []}
        while True:
            is_text, data = self.frame()
            if not is_text:
                heard["preview"].append(data)
                continue
            message = json.loads(data)
            heard.setdefault(message["type"], []).append(message.get("data", {}))
            if message["type"] in ENDS and message["data"].get("prompt_id") == prompt:
                return heard


class ComfyUI:
    """`with ComfyUI(folder, environment) as comfy:`; models are linked into its folder."""

    def __init__(self, folder, environment, custom_nodes):
        self.folder, self.environment = Path(folder), environment
        for name in FOLDERS:
            (self.folder / name).mkdir(parents=True)
        for name, path in custom_nodes.items():
            (self.folder / "custom_nodes" / name).symlink_to(path)

    def link(self, kind, *paths):
        for path in paths:
            (self.folder / "models" / kind / Path(path).name).symlink_to(path)

    def __enter__(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{probe.getsockname()[1]}"
        environment = {**self.environment, "PYTHONDONTWRITEBYTECODE": "1"}
        environment.pop("PYTHONPATH", None)  # of the tests' own Python
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen(
                [PYTHON, "main.py", "--cpu", "--port", self.address.split(":")[1],
                 "--base-directory", self.folder, "--disable-api-nodes", "--disable-metadata",
                 "--cache-none", "--preview-method",
                 "latent2rgb", "--database-url", "sqlite:///:memory:"],
                cwd=CHECKOUT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            wait_until(self.is_ready, 180, "ComfyUI answers")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def is_ready(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"ComfyUI ended:\n{self.log()[-4000:]}")
        try:
            return self.get("/system_stats")
        except (urllib.error.URLError, ConnectionError):
            return None

    def get(self, path):
        with urllib.request.urlopen(f"http://{self.address}{path}", timeout=30) as reply:
            return json.loads(reply.read())

    def post(self, path, body):
        request = urllib.request.Request(f"http://{self.address}{path}", json.dumps(body).encode(),
                                         {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:
                return json.loads(reply.read() or b"{}")
        except urllib.error.HTTPError as error:
            raise Failed(error.read().decode()) from error

    def start(self, graph, client="nobody"):
        """The id of the run, whose progress the client's Listener is told."""
        return self.post("/prompt", {"prompt": graph.nodes, "client_id": client})["prompt_id"]

    def finish(self, prompt, seconds=300):
        """{node: its outputs} when the run has ended. Raises Failed with the node's error."""
        history = wait_until(lambda: self.get(f"/history/{prompt}").get(prompt), seconds, "a run")
        for kind, said in history["status"]["messages"]:
            if kind in ("execution_error", "execution_interrupted"):
                raise Failed(f"{kind}: {said.get('node_type')}: {said.get('exception_type')}: "
                             f"{said.get('exception_message')}")
        return history["outputs"]

    def latents(self, graph):
        """The latents that the graph's SaveLatent nodes wrote, in the nodes' order."""
        return self.latents_of(self.finish(self.start(graph)))

    def latents_of(self, outputs):
        files = [file for _, output in sorted(outputs.items(), key=lambda item: int(item[0]))
                 for file in output.get("latents", ())]
        paths = [self.folder / "output" / file["subfolder"] / file["filename"] for file in files]
        return [tensor_file.load(path)["latent_tensor"] for path in paths]

    def images(self, graph, image):
        """The pictures of an IMAGE, as SaveImage writes them: uint8 arrays."""
        from PIL import Image
        graph.SaveImage(images=image, filename_prefix="x")
        outputs = self.finish(self.start(graph))
        files = [file for output in outputs.values() for file in output.get("images", ())]
        return [numpy.asarray(Image.open(self.folder / "output" / file["subfolder"] /
                                         file["filename"])) for file in files]


def environment_for(service):
    return {**service.env, "TANDEM_SOCKET": str(service.socket),
            "TANDEM_PROGRAM": str(BIN / "tandem"), "HF_HUB_OFFLINE": "1"}


def comfyui_for(service):
    """A ComfyUI in the service's folder with Tandem's nodes and the tests' own."""
    folder = service.folder / "comfyui"
    shutil.rmtree(folder, ignore_errors=True)
    return ComfyUI(folder, environment_for(service), {
        "tandem": ROOT / "tools/client/comfyui", "tests": ROOT / "tests/system/comfy_nodes"})
