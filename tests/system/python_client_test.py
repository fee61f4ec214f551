"""The Python client and a real service: pictures, progress, errors, cancel, re-attach, deaths."""
import json
import os
import signal
import subprocess
import sys
import unittest

import numpy
from service import BIN, ROOT, Service, wait_until

from host_client import distance
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
        self.assertIn("cuda", [a["type"] for a in self.client.accelerators()["types"]])
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

    def evaluator(self, shape=(1, 4, 16, 16), conds=None, **keys):
        conds = conds or {"a": {"text": "a red circle"}, "b": {"text": "blue"}}
        return self.client.evaluator({"file": MODEL, "device": "cpu"}, shape, conds, **keys)

    def euler(self, evaluator, job, at_step=lambda step: None):
        """The job's latent by a loop of this test's own."""
        plan = self.client.run({**job, "output": {"sigmas": True, "noise": True}})
        sigmas = plan["sigmas"]
        x = plan["noise"] * numpy.float32(numpy.sqrt(1 + float(sigmas[0]) ** 2))
        for step, (sigma, after) in enumerate(zip(sigmas[:-1], sigmas[1:])):
            at_step(step)
            cond, uncond = evaluator.evaluate(x, sigma, [["a"], ["b"]])
            denoised = uncond + (cond - uncond) * numpy.float32(job["sampler"]["cfg"])
            x = x + (x - denoised) / sigma * (after - sigma)
        return x / numpy.float32(evaluator.info["latent_format"]["scale"])

    def test_a_loop_of_ones_own_makes_the_jobs_latent(self):
        job = picture_job(steps=4)
        with self.evaluator() as evaluator:
            self.assertLess(distance(self.euler(evaluator, job), self.client.run(job).latent), 1e-4)

    def test_context_windows_that_go_by_the_steps(self):
        context = {"length": 8, "overlap": 2, "schedule": "standard_uniform", "dim": 2}
        job = picture_job(steps=4, context=context,
                          output={"latent": True, "sigmas": True, "noise": True})
        expected = self.client.run(job)
        with self.evaluator(context=context, sigmas=expected["sigmas"]) as evaluator:
            self.assertLess(distance(self.euler(evaluator, job), expected.latent), 1e-4)

    def test_an_evaluator_outlives_a_killed_service(self):
        def kill(step):
            if step == 2:
                os.kill(self.service.pids_of("tandem-coordinator")[0], signal.SIGKILL)
        job = picture_job(steps=4)
        with self.evaluator() as evaluator:
            expected = self.euler(evaluator, job)
            evaluator.add_conds({"c": {"text": "added"}})
            self.assertEqual(self.euler(evaluator, job, kill).tobytes(), expected.tobytes())
            evaluator.evaluate(expected, 1.0, [["c"]])

    def test_an_interrupted_evaluate_leaves_a_working_evaluator(self):
        class Stop(Exception):
            pass

        def stop():
            raise Stop

        shape = (4, 4, 64, 64)
        x = numpy.ones(shape, numpy.float32)
        with self.evaluator(shape) as evaluator:
            with self.assertRaises(Stop):
                evaluator.evaluate(x, 1.0, [["a"] * 40], interrupt=stop)
            first = evaluator.evaluate(x, 1.0, [["a"]])[0]
            self.assertEqual(evaluator.evaluate(x, 1.0, [["a"]])[0].tobytes(), first.tobytes())

    def test_conds_and_patches_as_arrays(self):
        random = numpy.random.default_rng(3)
        x = random.standard_normal((1, 4, 16, 16), numpy.float32)
        key = "diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight"
        change = {"key": key, "kind": "diff", "tensors": {
            "diff": random.standard_normal((32, 32)).astype(numpy.float16)}}
        context = random.standard_normal((1, 77, 32), numpy.float32)
        conds = {"a": {"model_conds": {"c_crossattn": context}, "strength": 0.5}}
        out = []
        for patches in ([], [change], [{**change, "strength": 0.0}]):
            with self.evaluator(x.shape, conds, patches=patches) as evaluator:
                out.append(evaluator.evaluate(x, 2.0, [["a"]])[0])
        self.assertGreater(distance(out[1], out[0]), 1e-3)
        self.assertEqual(out[2].tobytes(), out[0].tobytes())

    def test_the_samplers_example_makes_its_picture(self):
        self.evaluator().close()
        picture = self.service.folder / "own.png"
        run = subprocess.run([sys.executable, PACKAGE / "examples/own_sampler.py", "a red circle",
                              "--steps", "3", "--side", "128", "--out", picture],
                             env=self.environment(), capture_output=True, text=True, timeout=120)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertTrue(picture.is_file())

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
