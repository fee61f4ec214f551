"""The Python client against a real service: pictures, progress, errors, cancel, re-attach, deaths."""
import json
import os
import signal
import subprocess
import sys
import unittest

import numpy
from service import BIN, ROOT, Service, wait_until

from jobs import MODEL, long_job, picture_job

PACKAGE = ROOT / "tools/client/python"
sys.path.insert(0, str(PACKAGE))
os.environ["TANDEM_PROGRAM"] = str(BIN / "tandem")

import tandem  # noqa: E402

INTERRUPTED = """
import sys, tandem
client = tandem.Client(sys.argv[1])
job = client.submit({job})
print(job.id, flush=True)
job.result()
"""


class PythonClient(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = cls.enterClassContext(Service("cpu:2", threads=1))

    def setUp(self):
        self.client = self.enterContext(tandem.Client(self.service.socket))

    def environment(self):
        path = os.pathsep.join([str(PACKAGE), os.environ.get("PYTHONPATH", "")])
        return {**self.service.env, "PYTHONPATH": path, "TANDEM_SOCKET": str(self.service.socket),
                "PYTHONDONTWRITEBYTECODE": "1"}

    def test_a_picture_of_a_prompt(self):
        image = self.client.txt2img("a red circle", model=MODEL, width=64, height=64, steps=2,
                                    seed=1).image
        self.assertEqual((image.dtype, image.shape), (numpy.uint8, (1, 64, 64, 3)))
        try:
            import PIL.Image  # noqa: F401
        except ImportError:
            return
        picture, = tandem.as_pictures(image)
        self.assertEqual(numpy.asarray(picture).tobytes(), image[0].tobytes())

    def test_floats_become_the_picture_that_the_service_makes(self):
        options = {"model": MODEL, "width": 64, "height": 64, "steps": 2, "seed": 1}
        floats = self.client.txt2img("x", image_dtype="float32", **options)
        whole = self.client.txt2img("x", **options).image
        self.assertEqual(floats.image.dtype, numpy.float32)
        difference = (floats.image * 255).astype(numpy.uint8).astype(int) - whole
        self.assertLessEqual(abs(difference).max(), 1)

    def test_events_in_their_order(self):
        events = list(self.client.submit(picture_job(steps=3)).events())
        self.assertEqual([e.seq for e in events], list(range(1, len(events) + 1)))
        steps = [(e.step, e.total) for e in events if isinstance(e, tandem.StepEvent)]
        self.assertEqual(steps, [(1, 3), (2, 3), (3, 3)])
        self.assertEqual(events[-1].phase, "done")

    def test_results_may_be_written_to(self):
        latent = self.client.run(picture_job(steps=1)).latent
        latent[:] = 0
        self.assertEqual(float(abs(latent).max()), 0)

    def test_arrays_in_a_job(self):
        mask = numpy.zeros((1, 16, 16), numpy.float32)
        mask[:, :, :8] = 1
        job = picture_job(steps=2, positive=[{"text": "a", "mask": mask}, {"text": "b"}])
        plain = self.client.run(picture_job(steps=2)).latent
        self.assertNotEqual(self.client.run(job).latent.tobytes(), plain.tobytes())

    def test_errors_are_typed(self):
        with self.assertRaises(tandem.UnknownKey) as caught:
            self.client.submit(picture_job(sampler={"nam": "euler"}))
        self.assertEqual(caught.exception.path, "sampler.nam")
        job = picture_job()
        job["model"]["file"] = "/nowhere.safetensors"
        with self.assertRaises(tandem.MissingFile) as caught:
            self.client.submit(job)
        self.assertIn("/nowhere.safetensors", str(caught.exception))

    def test_an_interrupt_cancels(self):
        job = self.client.submit(long_job())

        def stop_when_it_samples():
            if job.last_seq > 5:
                raise KeyboardInterrupt

        with self.assertRaises(KeyboardInterrupt):
            job.result(interrupt=stop_when_it_samples)
        with self.assertRaises(tandem.Cancelled):
            self.client.watch(job.id).result()

    def test_control_c_cancels(self):
        program = INTERRUPTED.replace("{job}", repr(long_job()))
        child = subprocess.Popen([sys.executable, "-c", program, self.service.socket],
                                 env=self.environment(), stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
        with child:
            job = self.client.watch(child.stdout.readline().strip())
            next(e for e in job.events() if isinstance(e, tandem.StepEvent))
            child.send_signal(signal.SIGINT)
            with self.assertRaises(tandem.Cancelled):
                job.result()
            self.assertIn("KeyboardInterrupt", child.communicate(timeout=30)[1])

    def test_another_client_attaches_after_an_event(self):
        job = self.client.submit(picture_job(steps=3))
        job.result()
        with tandem.Client(self.service.socket) as other:
            again = list(other.watch(job.id, after=2).events())
            self.assertEqual(again[0].seq, 3)
            self.assertEqual(other.watch(job.id).result().latent.shape, (1, 4, 16, 16))

    def test_what_the_service_says_of_itself(self):
        self.assertIn("euler", [s["name"] for s in self.client.catalog()["samplers"]])
        self.assertEqual([d["type"] for d in self.client.devices()], ["cpu"])
        self.client.run(picture_job(steps=1))
        self.assertTrue(self.client.devices()[0]["models"])
        self.client.unload()
        self.assertFalse(self.client.devices()[0]["models"])
        self.assertGreater(self.client.free("cpu", 1), 0)
        self.client.budget("cpu", 1 << 30)
        self.assertEqual(self.client.devices()[0]["budget"], 1 << 30)
        self.client.budget("cpu", None)

    def test_the_script_makes_its_pictures(self):
        script = PACKAGE / "examples/pictures.py"
        folder = self.service.folder / "pictures"
        run = subprocess.run([sys.executable, script, "a red circle", "--steps", "2", "--count", "2",
                              "--folder", folder], env=self.environment(), capture_output=True,
                             text=True, timeout=120)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(len(list(folder.iterdir())), 2)

    def test_the_notebook_runs(self):
        cells = json.loads((PACKAGE / "examples/tandem.ipynb").read_text())["cells"]
        code = "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
        run = subprocess.run([sys.executable, "-c", code], env=self.environment(),
                             capture_output=True, text=True, timeout=120)
        self.assertEqual(run.returncode, 0, run.stderr)

    def test_a_killed_service_gets_the_job_once_more(self):
        expected = self.client.run(picture_job(steps=60)).latent
        steps = []

        def kill_once(event):
            if isinstance(event, tandem.StepEvent):
                steps.append(event.step)
                if len(steps) == 2:
                    os.kill(self.service.pids_of("tandem-coordinator")[0], signal.SIGKILL)

        latent = self.client.run(picture_job(steps=60), progress=kill_once).latent
        self.assertEqual(latent.tobytes(), expected.tobytes())
        self.assertEqual(steps.count(1), 2)


class Starting(unittest.TestCase):
    def test_a_service_is_started_found_and_ended(self):
        with Service("cpu:1") as sandbox:  # only for its folder and its clean-up
            socket = sandbox.folder / "own.sock"
            environment, os.environ["XDG_STATE_HOME"] = os.environ.get("XDG_STATE_HOME"), \
                sandbox.env["XDG_STATE_HOME"]
            try:
                with tandem.start("cpu:1", socket=socket) as service:
                    self.assertTrue(service.was_started)
                    self.assertFalse(tandem.start(socket=socket).was_started)
                    with tandem.connect(socket) as client:
                        client.ping()
                with self.assertRaises(tandem.NoService):
                    tandem.Client(socket)
                wait_until(lambda: not socket.exists(), 20, "the socket goes")
            finally:
                del os.environ["XDG_STATE_HOME"]
                if environment is not None:
                    os.environ["XDG_STATE_HOME"] = environment

    def test_what_tandem_up_says_is_told(self):
        with self.assertRaises(tandem.NoService) as caught:
            tandem.start("quantum:2", socket="/tmp/tandem-python-none.sock")
        self.assertIn("quantum", str(caught.exception))


if __name__ == "__main__":
    unittest.main()
