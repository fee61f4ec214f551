"""Plug-ins in a real service: their units, their hooks, what is refused, what an abort costs."""
import json
import re
import shutil
import tempfile
import unittest
from pathlib import Path

import numpy as np
import tensor_file
from service import BIN, Sandbox, Service, wait_until

from host_client import Client, Refused, same_bits
from jobs import picture_job
from service_case import ServiceCase

BUILD = BIN.parent
EXAMPLE = BUILD / "plugin/example/example.so"
TEST = BUILD / "tests/plugins/all_points.so"
OTHER_VERSION = BUILD / "tests/plugins/other_version.so"


def plugin_job(kind, tensors=(), name="test", **options):
    return {"version": 1, "output": {"plugin": True},
            "plugin": {"name": name, "kind": kind, "options": options, "tensors": list(tensors)}}


def hooked_job(*hooks, **keys):
    """The positive cond alone carries the hooks."""
    return picture_job(steps=2, size=64, hooks={"h": [dict(zip(("type", "plugin", "options"), hook))
                                                      for hook in hooks]},
                       positive=[{"text": "a red circle", "hooks": "h"}], **keys)


def sharpened(pictures, amount):
    """The example's unsharp mask, in NumPy."""
    edges = np.pad(pictures, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    height, width = pictures.shape[1:3]
    mean = sum(edges[:, y:y + height, x:x + width] for y in range(3) for x in range(3)) / 9
    return np.clip(pictures + amount * (pictures - mean), 0, 1)


class PluginCase(ServiceCase):
    @classmethod
    def setUpClass(cls):
        options = ("--plugin", EXAMPLE, "--plugin", TEST)
        cls.service = cls.enterClassContext(Service("cpu:2", threads=1, arguments=options))


class Units(PluginCase):
    def test_example_sharpens_pictures(self):
        pictures = np.random.default_rng(1).random((3, 24, 16, 3), np.float32)
        job = plugin_job("sharpen", ["in"], name="example", amount=0.5)
        output = self.client().run(job, {"in": pictures})["plugin.image"]
        np.testing.assert_allclose(output, sharpened(pictures, 0.5), atol=1e-6)

    def test_units_are_merged_in_their_order(self):
        random = np.random.default_rng(2)
        # Some travel in the message, some in shared memory.
        given = {f"t{i}": random.random(10 + 700 * i, np.float32) for i in range(8)}
        output = self.client().run(plugin_job("double", given), given)
        self.assertEqual(len(output), 16)
        for name, value in given.items():
            np.testing.assert_array_equal(output[f"plugin.{name}.doubled"], value * 2)
            self.assertEqual(output[f"plugin.{name}.sum"].shape, ())
            self.assertAlmostEqual(float(output[f"plugin.{name}.sum"]),
                                   float(value.astype(np.float64).sum()), places=9)

    def test_what_is_not_there_is_refused_by_name(self):
        client = self.client()
        tensor = {"a": np.zeros(4, np.float64)}
        for job, code, word in [
                (plugin_job("double", name="nobody"), "unsupported", "'nobody'"),
                (plugin_job("triple"), "unsupported", "'triple'"),
                (plugin_job("double", ["a", "b"]), "missing_tensor", "'b'"),
                (plugin_job("double", ["a"]), "bad_request", "not float32"),
                (plugin_job("sharpen", ["a"], name="example", amonut=1), "bad_request", "'amonut'"),
                ({"version": 1, "output": {"plugin": True}}, "bad_request", "plugin")]:
            error = self.refused(code, client.submit, job, tensor)
            self.assertIn(word, error["message"])

    def test_failures_of_a_unit_fail_its_job(self):
        for kind, code, word in [("fail", "internal", "it fails as asked"),
                                 ("nan", "not_finite", "plug-in")]:
            with self.subTest(kind):
                error = self.refused(code, self.client().run, plugin_job(kind))
                self.assertIn(word, error["message"])

    def test_an_abort_fails_its_own_job_alone(self):
        client = self.client(timeout=120)
        before = client.submit(picture_job(steps=30))
        doomed = client.submit(plugin_job("abort"))
        after = client.submit(picture_job(steps=30))
        with self.assertRaises(Refused) as caught:
            client.result(doomed)
        self.assertEqual(caught.exception.code, "worker_lost")
        self.assertEqual(caught.exception.error["message"].count("ends its process"), 2)
        self.assertTrue(same_bits(client.result(before)[1], client.result(after)[1]))
        events = client.events_of(doomed, "worker")
        self.assertEqual([e["what"] for e in events if e["what"] in ("lost", "rerun")],
                         ["lost", "rerun", "lost"])


class Hooks(PluginCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        client = Client(cls.service.socket)
        cls.plain = client.run(picture_job(steps=2, size=64))["samples"]
        client.close()

    def run_hooked(self, *hooks, **keys):
        return self.client().run(hooked_job(*hooks, **keys))["samples"]

    def test_a_wrapper_that_changes_nothing_changes_no_bit(self):
        wrapped = self.run_hooked(("wrapper", "test"), ("callback", "example"))
        self.assertEqual(wrapped.tobytes(), self.plain.tobytes())

    def test_every_point_has_its_effect(self):
        added = self.run_hooked(("wrapper", "test", {"add": 0.5}))
        self.assertGreater(np.abs(added - self.plain).max(), 0.1)
        for hooks in [
                (("additional_model", "test", {"value": 0.5}), ("wrapper", "test")),
                (("transformer_options", "test", {"scale": 1}), ("wrapper", "test", {"add": 0.5}))]:
            self.assertEqual(self.run_hooked(*hooks).tobytes(), added.tobytes())
        injected = self.run_hooked(("injection", "test"), ("wrapper", "test", {"add": 0.5}))
        self.assertEqual(injected.tobytes(), self.plain.tobytes())
        patched = self.run_hooked(("object_patch", "test"))
        self.assertGreater(np.abs(patched - self.plain).max(), 0.1)

    def test_example_clamps(self):
        job = hooked_job(("wrapper", "example", {"limit": 0.01}),
                         sampler={"steps": 2, "cfg": 1.0})
        samples = self.client().run(job)["samples"]
        # A last step to sigma 0 ends at the prediction; SD's latents are scaled by 0.18215.
        self.assertLessEqual(np.abs(samples).max(), 0.01 / 0.18215 * 1.001)

    def test_conds_of_other_hooks_share_no_pass(self):
        def conds_of_passes(**hooks):
            job = picture_job(steps=1, size=64, workers={"batching": "auto", "max": 1},
                              hooks={"a": [{"type": "callback", "plugin": "test"}],
                                     "b": [{"type": "wrapper", "plugin": "test"},
                                           {"type": "callback", "plugin": "test"}]},
                              positive=[{"text": "a", "hooks": hooks["positive"]}],
                              negative=[{"text": "b", "hooks": hooks["negative"]}])
            log = self.service.folder / "state/service.log"
            before = len(log.read_text())
            self.client().run(job)
            conds = re.compile(r"test: (\d) conds at")
            # A worker's lines reach the log by another way than its results.
            wait_until(lambda: sum(map(int, conds.findall(log.read_text()[before:]))) >= 2, 10,
                       "both conds were computed")
            return conds.findall(log.read_text()[before:])
        self.assertEqual(conds_of_passes(positive="a", negative="a"), ["2"])
        self.assertEqual(conds_of_passes(positive="a", negative="b"), ["1", "1"])

    def test_what_no_plugin_fills_is_refused_by_name(self):
        client = self.client()
        for hook, code, words in [
                (("injection", "example"), "unsupported", ("hooks.h[0]", "'injection'")),
                (("wrapper", "nobody"), "unsupported", ("hooks.h[0]", "'nobody'")),
                (("wrapper", "test", {"sub": 1}), "bad_request", ("hooks.h[0].options", "'sub'")),
                (("wrapper", "example", {"limit": "x"}), "bad_request", ("'limit'", "number"))]:
            error = self.refused(code, client.submit, hooked_job(hook))
            for word in words:
                self.assertIn(word, error["message"])

    def test_an_abort_in_a_hook_fails_its_own_job_alone(self):
        client = self.client(timeout=120)
        doomed = client.submit(hooked_job(("callback", "test", {"abort": True})))
        after = client.submit(picture_job(steps=2, size=64))
        error = self.refused("worker_lost", client.result, doomed)
        self.assertIn("ends its process", error["message"])
        self.assertEqual(client.result(after)[1]["samples"].tobytes(), self.plain.tobytes())

    def test_catalog_lists_points_and_kinds(self):
        catalog = self.client().request("catalog")
        example, test = catalog["plugins"]
        self.assertEqual((example["name"], example["file"]), ("example", str(EXAMPLE)))
        self.assertEqual(example["hook_points"], ["wrapper", "callback"])
        self.assertEqual(test["unit_kinds"], ["double", "abort", "fail", "nan"])
        self.assertIn("object_patch", catalog["hook_types"])
        lines = self.service.tandem("catalog", "--socket", self.service.socket).stdout
        self.assertIn("plugin example: hook points wrapper, callback; unit kinds sharpen", lines)


class CommandLine(unittest.TestCase):
    def setUp(self):
        self.box = Sandbox()
        self.addCleanup(self.box.__exit__)
        self.folder = Path(tempfile.mkdtemp(prefix="tandem-test-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def test_run_with_a_plugin(self):
        job = plugin_job("sharpen", ["in"], name="example")
        job["output"] = {"plugin": "out.safetensors"}
        (self.folder / "job.json").write_text(json.dumps(job))
        pictures = np.random.default_rng(3).random((2, 8, 8, 3), np.float32)
        (self.folder / "in.safetensors").write_bytes(tensor_file.pack({"in": pictures}))
        done = self.box.tandem("run", "--plugin", EXAMPLE, self.folder / "job.json", "--tensors",
                               self.folder / "in.safetensors", "--devices", "cpu:1")
        self.assertEqual(done.returncode, 0, done.stderr)
        output = tensor_file.load(self.folder / "out.safetensors")["plugin.image"]
        np.testing.assert_allclose(output, sharpened(pictures, 1.0), atol=1e-6)

    def test_a_plugin_that_cannot_be_loaded_says_why(self):
        text = self.folder / "text.so"
        text.write_text("no library" * 100)
        for file, words in [(OTHER_VERSION, ("version 4000", "other_version.so")),
                            (text, ("text.so", "invalid ELF header")),
                            (self.folder / "none.so", ("none.so",))]:
            up = self.box.tandem("up", "--foreground", "--devices", "cpu:1", "--plugin", file)
            self.assertNotEqual(up.returncode, 0)
            for word in words:
                self.assertIn(word, up.stdout + up.stderr)


if __name__ == "__main__":
    unittest.main()
