"""The parts of one job's model on devices of different kinds."""
import unittest

from service import Service

from host_client import Client, same_bits
from jobs import MODEL, picture_job


def job_on(**devices):
    job = picture_job(steps=2, model={"file": MODEL, **devices})
    job["output"] = {"cond": True, "latent": True, "image": True}
    return job


class Placement(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = cls.enterClassContext(Service("sim:2,cpu:1"))

    def setUp(self):
        self.client = Client(self.service.socket)
        self.addCleanup(self.client.close)

    def run_on(self, **devices):
        """(tensors, kinds of the workers of the steps, codes of the warnings)"""
        number = self.client.submit(job_on(**devices))
        tensors = self.client.result(number)[1]
        steps = self.client.events_of(number, "step")
        warnings = self.client.events_of(number, "warning")
        return tensors, {w.split("#")[0] for s in steps for w in s["units"]}, [w["code"] for w in warnings]

    def test_each_part_runs_where_the_job_says(self):
        on_sim = self.run_on()
        on_cpu = self.run_on(device="cpu", text_device="cpu", vae_device="cpu")
        self.assertEqual((on_sim[1], on_cpu[1]), ({"sim"}, {"cpu"}))
        conds = [k for k in on_cpu[0] if k.endswith(".cond")]

        text_on_cpu, kinds, _ = self.run_on(text_device="cpu")
        self.assertEqual(kinds, {"sim"})
        self.assertEqual(len(conds), 2)
        for name in conds:
            self.assertTrue((text_on_cpu[name] == on_cpu[0][name]).all(), name)
            self.assertFalse((text_on_cpu[name] == on_sim[0][name]).all(), name)

        _, kinds, _ = self.run_on(device="cpu")
        self.assertEqual(kinds, {"cpu"})

        vae_on_cpu = self.run_on(vae_device="cpu")[0]
        self.assertTrue((vae_on_cpu["samples"] == on_sim[0]["samples"]).all())
        self.assertFalse((vae_on_cpu["image"] == on_sim[0]["image"]).all())

    def test_default_is_the_default_again(self):
        first = self.run_on()[0]
        self.run_on(device="cpu", text_device="cpu", vae_device="cpu")
        self.assertTrue(same_bits(self.run_on(device="default", text_device="default",
                                              vae_device="default")[0], first))

    def test_unknown_gpu_is_told_once_for_each_part(self):
        first = self.run_on()[0]
        tensors, _, warnings = self.run_on(device="gpu:7", vae_device="gpu:8")
        self.assertEqual(warnings, ["unknown_device", "unknown_device"])
        self.assertTrue(same_bits(tensors, first))


if __name__ == "__main__":
    unittest.main()
