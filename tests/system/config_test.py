"""The configuration file: devices and budgets, names below model folders, roots; its complaints."""
import os
import shutil
import unittest

from service import Sandbox, Service

from host_client import Client, same_bits
from jobs import MODEL, picture_job
from service_case import ServiceCase


class Configured(Service):
    """A service with this text as its config.yaml; FOLDER in it is the sandbox's folder."""

    def __init__(self, config, **keys):
        super().__init__(devices=None, **keys)
        (self.folder / "config/tandem").mkdir()
        self.config = self.folder / "config/tandem/config.yaml"
        self.config.write_text(config.replace("FOLDER", str(self.folder)))
        for kind in ("checkpoints", "comfy/models/checkpoints", "outside"):
            (self.folder / kind).mkdir(parents=True)
        shutil.copy(MODEL, self.folder / "checkpoints/tiny.safetensors")
        shutil.copy(MODEL, self.folder / "comfy/models/checkpoints/comfys.safetensors")
        shutil.copy(MODEL, self.folder / "outside/secret.safetensors")
        os.symlink(self.folder / "outside/secret.safetensors",
                   self.folder / "checkpoints/link.safetensors")


CONFIG = """
devices: sim:2
budgets: {sim: 3GiB}
roots: [FOLDER/checkpoints, FOLDER/comfy]
models:
  checkpoints: [FOLDER/checkpoints]
extra_model_paths: extra.yaml
"""


def named(name):
    return picture_job(steps=2, model={"file": name})


class FromTheFile(ServiceCase):
    @classmethod
    def setUpClass(cls):
        service = Configured(CONFIG)
        (service.folder / "config/tandem/extra.yaml").write_text(
            f"comfyui:\n    base_path: {service.folder}/comfy\n"
            "    checkpoints: models/checkpoints/\n    controlnet: models/controlnet/\n")
        cls.service = cls.enterClassContext(service)

    def test_devices_and_budgets(self):
        devices = self.client().request("devices")["devices"]
        self.assertEqual([(d["name"], len(d["workers"]), d["budget"]) for d in devices],
                         [("sim", 2, 3 << 30)])

    def test_names_are_looked_up(self):
        client, folder = self.client(), self.service.folder
        by_path = client.run(named(str(folder / "checkpoints/tiny.safetensors")))
        for name in ("tiny.safetensors", "comfys.safetensors"):
            self.assertTrue(same_bits(by_path, client.run(named(name))))
        error = self.refused("missing_file", client.submit, named("none.safetensors"))
        self.assertEqual(error["path"], "model.file")
        self.assertIn(str(folder / "checkpoints"), error["hint"])

    def test_a_path_outside_the_roots_is_refused(self):
        client, folder = self.client(), self.service.folder
        for name in (folder / "outside/secret.safetensors", folder / "outside/none.safetensors",
                     folder / "checkpoints/../outside/secret.safetensors", "link.safetensors",
                     "/etc/passwd", MODEL):
            with self.subTest(name):
                error = self.refused("out_of_range", client.submit, named(str(name)))
                self.assertEqual(error["path"], "model.file")
        self.refused("bad_request", client.submit, named("../outside/secret.safetensors"))

    def test_the_command_line_uses_names_too(self):
        job = self.service.folder / "job.json"
        job.write_text("""{"version": 1, "model": {"file": "tiny.safetensors"},
            "sampler": {"steps": 3}, "output": {"sigmas": "sigmas.safetensors"}}""")
        ran = self.service.tandem("run", job, "--socket", self.service.socket)
        self.assertEqual(ran.returncode, 0, ran.stderr)


class TheCommandLineGoesFirst(unittest.TestCase):
    def test_devices_and_budgets(self):
        with Sandbox() as sandbox:
            other = sandbox.folder / "other.yaml"
            other.write_text("devices: sim:3\nbudgets: 3GiB\n")
            service = Service("sim:1", arguments=["--config", other, "--budget", "5GiB"])
            with service, Client(service.socket) as client:
                (device,) = client.request("devices")["devices"]
                self.assertEqual((len(device["workers"]), device["budget"]), (1, 5 << 30))


class Complaints(unittest.TestCase):
    def test_a_wrong_file_is_named_with_line_and_key_and_nothing_starts(self):
        for text, complaint in (("devices: cpu:1\nroot: /\n", ":2: root: "),
                                ("devices: tpu\n", ":1: devices: "),
                                ("roots: /nowhere/at/all\n", ":1: roots: "),
                                ("a: [\n", ":2: ")):
            with self.subTest(text), Sandbox() as sandbox:
                config = sandbox.folder / "wrong.yaml"
                config.write_text(text)
                ran = sandbox.tandem("up", "--foreground", "--config", config,
                                     "--socket", sandbox.socket)
                self.assertEqual(ran.returncode, 2, ran.stderr)
                self.assertIn(f"{config}{complaint}", ran.stderr)
                self.assertFalse(sandbox.socket.exists())


if __name__ == "__main__":
    unittest.main()
