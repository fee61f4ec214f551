"""What scripts rely on: exit status, output, files, and a launcher that starts at once."""
import json
import os
import shutil
import statistics
import subprocess
import time
import unittest

import tensor_file
from service import BIN, ROOT, Sandbox, Service

from jobs import picture_job, small_upscaler

DEMO_MODEL = ROOT / "tools/demo_model/demo.safetensors"
DONE, FAILED, USAGE, NO_SERVICE = 0, 1, 2, 3
COMMANDS = ("run", "txt2img", "up", "down", "status", "devices", "catalog", "submit", "wait",
            "cancel", "jobs", "upscale", "unload", "worker")


class Launcher(unittest.TestCase):
    def test_help_returns_within_50_ms(self):
        def seconds():
            began = time.perf_counter()
            subprocess.run([str(BIN / "tandem"), "--help"], check=True, stdout=subprocess.DEVNULL)
            return time.perf_counter() - began
        self.assertLess(statistics.median(seconds() for _ in range(20)), 0.050)

    def test_help_names_every_command(self):
        text = subprocess.run([str(BIN / "tandem"), "--help"], check=True, capture_output=True,
                              text=True).stdout
        for command in COMMANDS:
            self.assertRegex(text, rf"\b{command}\b")

    def test_launcher_links_no_torch(self):
        libraries = subprocess.run(["ldd", str(BIN / "tandem")], check=True, capture_output=True,
                                   text=True).stdout
        self.assertNotRegex(libraries, r"lib(torch|c10|cuda|nv)")  # not the addresses

    def test_coordinator_links_no_cuda_back_end(self):
        libraries = subprocess.run(["ldd", str(BIN / "tandem-coordinator")], check=True,
                                   capture_output=True, text=True).stdout
        self.assertNotRegex(libraries, "libtorch_cuda|libcublas|libcudnn")


class WithoutService(unittest.TestCase):
    def setUp(self):
        self.sandbox = Sandbox().__enter__()
        self.addCleanup(self.sandbox.__exit__)

    def status(self, *arguments):
        process = self.sandbox.tandem(*arguments)
        if process.returncode:
            self.assertRegex(process.stderr, r"\S")
        return process.returncode

    def test_usage(self):
        self.assertEqual(self.status("dance"), USAGE)
        self.assertEqual(self.status("run"), USAGE)
        self.assertEqual(self.status("up", "--devices", "tpu:1"), USAGE)
        self.assertEqual(self.status("up", "--threads", "none"), USAGE)

    def test_no_service(self):
        for command in (["status"], ["devices"], ["catalog"], ["jobs"], ["down"], ["cancel", "1"],
                        ["wait", "1"]):
            with self.subTest(command):
                self.assertEqual(self.status(*command), NO_SERVICE)
        job = self.sandbox.folder / "job.json"
        job.write_text(json.dumps(picture_job(output={"latent": "out.safetensors"})))
        nowhere = self.sandbox.folder / "nowhere.sock"
        self.assertEqual(self.status("run", job, "--socket", nowhere), NO_SERVICE)
        self.assertEqual(self.status("submit", job, "--socket", nowhere), NO_SERVICE)

    def test_files_that_are_not_there_or_no_job(self):
        self.assertIn(self.status("run", self.sandbox.folder / "no.json"), (FAILED, USAGE))
        bad = self.sandbox.folder / "bad.json"
        bad.write_text('{"version": 1, "model": }')
        process = self.sandbox.tandem("run", bad)
        self.assertIn(process.returncode, (FAILED, USAGE))
        self.assertIn("bad.json", process.stderr)


class WithService(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = cls.enterClassContext(Service("cpu:2"))

    def setUp(self):
        self.folder = self.service.folder / "state" / self.id().rsplit(".", 1)[1]
        self.folder.mkdir()

    def tandem(self, *arguments, expect=DONE, **options):
        process = self.service.tandem(*arguments, "--socket", self.service.socket, **options)
        self.assertEqual(process.returncode, expect, process.stderr)
        return process

    def job_file(self, **keys):
        path = self.folder / "job.json"
        path.write_text(json.dumps(picture_job(**keys)))
        return path

    def test_run_writes_beside_the_job_or_into_out_dir(self):
        job = self.job_file(output={"latent": "latent.safetensors", "image": "image.png"})
        self.tandem("run", job)
        self.tandem("run", job, "--out-dir", self.folder / "out")
        for folder in (self.folder, self.folder / "out"):
            samples = tensor_file.load(folder / "latent.safetensors")["samples"]
            self.assertEqual(samples.shape, (1, 4, 16, 16))
            self.assertEqual((folder / "image.png").read_bytes()[:8], b"\x89PNG\r\n\x1a\n")
        self.assertEqual((self.folder / "latent.safetensors").read_bytes(),
                         (self.folder / "out/latent.safetensors").read_bytes())

    def test_run_again_from_the_picture(self):
        job = self.job_file(output={"image": "image.png"})
        self.tandem("run", job, "--out-dir", self.folder / "a")
        self.tandem("run", self.folder / "a/image.png", "--out-dir", self.folder / "b")
        self.assertEqual((self.folder / "a/image.png").read_bytes(),
                         (self.folder / "b/image.png").read_bytes())

    def test_foreign_picture_is_refused(self):
        from PIL import Image
        foreign = self.folder / "foreign.png"
        Image.new("RGB", (8, 8)).save(foreign)
        process = self.service.tandem("run", foreign, "--socket", self.service.socket)
        self.assertIn(process.returncode, (FAILED, USAGE))
        self.assertIn("foreign.png", process.stderr)

    def test_job_that_fails(self):
        job = self.job_file(output={"latent": "out.safetensors"},
                            model={"file": "nowhere.safetensors"})
        process = self.tandem("run", job, expect=FAILED)
        self.assertIn("nowhere.safetensors", process.stderr)
        self.assertEqual(sorted(os.listdir(self.folder)), ["job.json"])

    def test_refusal_as_json_has_its_code(self):
        job = self.job_file(output={"latent": "out.safetensors"}, workers={"audit": 0.5})
        process = self.tandem("run", job, "--json", expect=FAILED)
        error = json.loads(process.stdout)["error"]
        self.assertEqual(error["code"], "unsupported")
        self.assertEqual(error["path"], "workers.audit")

    def test_submit_wait_and_jobs(self):
        job = self.job_file(output={"latent": "out.safetensors"})
        number = self.tandem("submit", job).stdout.split()[-1]
        self.assertIn(number, self.tandem("jobs").stdout)
        self.tandem("wait", number, "--out-dir", self.folder / "out")
        self.assertTrue((self.folder / "out/out.safetensors").exists())
        self.tandem("wait", "no-such-job", expect=FAILED)

    def test_submit_and_cancel(self):
        job = self.job_file(steps=5000, size=256, output={"latent": "out.safetensors"})
        number = self.tandem("submit", job).stdout.split()[-1]
        self.tandem("cancel", number)
        self.tandem("wait", number, expect=FAILED)
        self.assertFalse((self.folder / "out.safetensors").exists())

    def test_status_devices_and_catalog(self):
        for command in ("status", "devices", "catalog"):
            self.assertTrue(self.tandem(command).stdout.strip())
            json.loads(self.tandem(command, "--json").stdout)
        self.assertIn("cpu#1", self.tandem("devices").stdout)
        self.assertIn("euler_ancestral", self.tandem("catalog").stdout)

    def test_progress_goes_to_standard_error(self):
        process = self.tandem("run", self.job_file(output={"latent": "out.safetensors"}))
        self.assertIn("8", process.stderr)
        self.assertNotIn("8/8", process.stdout)

    @unittest.skipUnless(DEMO_MODEL.exists(), "tools/demo_model/demo.safetensors is not there")
    def test_txt2img(self):
        from PIL import Image
        out = self.folder / "circle.png"
        self.tandem("txt2img", "a red circle", "--steps", "3", "--seed", "1", "-o", out)
        picture = Image.open(out)
        self.assertEqual(picture.size, (256, 256))
        self.assertIn("a red circle", picture.text["parameters"])
        again = self.folder / "again.png"
        self.tandem("run", out, "--out-dir", self.folder / "again")
        produced = next((self.folder / "again").glob("*.png"))
        shutil.copy(produced, again)
        self.assertEqual(Image.open(again).tobytes(), picture.tobytes())

    def test_upscale(self):
        from PIL import Image
        small, model = self.folder / "small.png", small_upscaler(self.folder / "x4.safetensors")
        Image.effect_noise((30, 20), 50).convert("RGBA").save(small)
        process = self.tandem("upscale", small, "--model", model, "-o", self.folder / "large.png")
        self.assertIn("transparency", process.stderr)
        large = Image.open(self.folder / "large.png")
        self.assertEqual((large.mode, large.size), ("RGB", (120, 80)))
        pickle = self.folder / "x4.pth"
        pickle.write_bytes(b"PK\x03\x04\0\0\x08\x08 and so on")
        process = self.tandem("upscale", small, "--model", pickle, "-o", self.folder / "no.png",
                              expect=FAILED)
        self.assertIn(f"tools/convert {pickle}", process.stderr)
        self.assertFalse((self.folder / "no.png").exists())

    def test_two_runs_at_once(self):
        job = self.job_file(output={"latent": "out.safetensors"})
        arguments = ["run", job, "--socket", self.service.socket, "--out-dir"]
        runs = [self.service.start(*arguments, self.folder / name) for name in "ab"]
        for run in runs:
            _, words = run.communicate(timeout=60)
            self.assertEqual(run.returncode, DONE, words)
        self.assertEqual((self.folder / "a/out.safetensors").read_bytes(),
                         (self.folder / "b/out.safetensors").read_bytes())


if __name__ == "__main__":
    unittest.main()
