"""What is installed stands by itself: the programs run, other projects build against it."""
import json
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import numpy as np
import tensor_file
from service import BIN, ROOT, Sandbox

BUILD = BIN.parent


def checked(*command, **options):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=300,
                          check=False, **options)
    if done.returncode != 0:
        raise AssertionError(f"{command}:\n{done.stdout}\n{done.stderr}")
    return done.stdout


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="tandem-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.prefix = cls.folder / "prefix"
        # CI installs an optimised build: stripping the debug information keeps the copy small.
        checked("cmake", "--install", BUILD, "--prefix", cls.prefix, "--strip")

    def build(self, source):
        """The folder of the project's own build, found through the installed package alone."""
        copy, build = self.folder / source.name, self.folder / f"build-{source.name}"
        shutil.copytree(source, copy)
        checked("cmake", "-S", copy, "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}",
                f"-DCMAKE_CXX_COMPILER_LAUNCHER={shutil.which('ccache') or ''}")
        checked("cmake", "--build", build)
        return build

    def test_example_plugin_is_built_outside_and_runs(self):
        plugin = self.build(ROOT / "plugin/example") / "example.so"
        job = {"version": 1, "output": {"plugin": "out.safetensors"},
               "plugin": {"name": "example", "kind": "sharpen", "tensors": ["in"]}}
        (self.folder / "job.json").write_text(json.dumps(job))
        flat = np.full((1, 8, 8, 3), 0.25, np.float32)
        (self.folder / "in.safetensors").write_bytes(tensor_file.pack({"in": flat}))
        with Sandbox() as box:
            checked(self.prefix / "bin/tandem", "run", self.folder / "job.json", "--tensors",
                    self.folder / "in.safetensors", "--devices", "cpu:1", "--plugin", plugin,
                    env=box.env)
        output = tensor_file.load(self.folder / "out.safetensors")["plugin.image"]
        np.testing.assert_allclose(output, flat, atol=1e-6)

    def test_client_library_is_linked_outside(self):
        build = self.build(ROOT / "tests/system/client_project")
        printed = checked(build / "ask", "/nowhere/tandem.sock")
        self.assertIn("not_found", printed)

    def test_programs_find_what_lies_beside_them(self):
        self.assertTrue((self.prefix / "share/tandem/demo.safetensors").is_file())
        for program in ("tandem", "tandem-coordinator", "tandem-worker"):
            checked(self.prefix / "bin" / program, "--help", env={"PATH": os.environ["PATH"]})


if __name__ == "__main__":
    unittest.main()
