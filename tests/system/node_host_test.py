"""docs/examples/host.mjs, a host in another language: a job, its progress, its errors."""
import json
import shutil
import subprocess
import unittest

from service import ROOT

from jobs import picture_job
from service_case import ServiceCase

NODE = shutil.which("node")


@unittest.skipUnless(NODE, "there is no node here")
class NodeHost(ServiceCase):
    def run_host(self, job):
        file = self.service.folder / "tmp/job.json"
        file.write_text(json.dumps(job))
        return subprocess.run([NODE, str(ROOT / "docs/examples/host.mjs"), str(file),
                               str(self.service.socket)], capture_output=True, text=True, timeout=60)

    def test_a_job_and_its_progress(self):
        ran = self.run_host(picture_job(steps=5, output={"latent": True, "tokens": True}))
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertEqual([line for line in ran.stderr.splitlines() if line.startswith("step")],
                         [f"step {n}/5" for n in range(1, 6)])
        self.assertEqual(ran.stderr.splitlines()[-1], "done")
        result = json.loads(ran.stdout)
        self.assertEqual(result["state"], "done")
        self.assertEqual(result["outputs"]["latent"], ["samples"])
        self.assertEqual(len(result["outputs"]["tokens"]["tokens"]["positive"][0]["l"][0]), 77)
        # What it could not take waits for a host that can.
        self.assertEqual(self.client().result(result["job"])[1].keys(), {"samples"})

    def test_an_error_is_told_and_the_connection_ends(self):
        ran = self.run_host(picture_job(steps=-1))
        self.assertEqual(ran.returncode, 1)
        self.assertIn("[out_of_range]", ran.stderr)
        self.assertIn("sampler.steps", ran.stderr)


if __name__ == "__main__":
    unittest.main()
