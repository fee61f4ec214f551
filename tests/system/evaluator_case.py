"""What the tests of evaluators share: small conds, and a case with a service."""
import numpy as np

from evaluator_client import Evaluator
from jobs import GOLDEN, MODEL, picture_job
from service_case import ServiceCase

LORA = str(GOLDEN / "loras/sd1_lora_a.safetensors")
SCALE = np.float32(0.18215)
SHAPE = (1, 4, 16, 16)
PLAIN = {"model": {"file": MODEL}, "workers": {"batching": "exact"}}
TEXTS = {"p": {"text": "a red circle"}, "n": {"text": "blue"}}
# float32 sums of a few steps in another order of operations
CLOSE = 1e-5


def job_and_noise(client, tensors=None, **keys):
    """(the job's latent, the x that its sampler begins with, its sigmas)"""
    job = picture_job(**{"steps": 6, "output": {"latent": True, "sigmas": True, "noise": True},
                         **keys})
    result = client.run(job, tensors)
    sigmas = result["sigmas"]
    start = np.sqrt(sigmas[0] * sigmas[0] + np.float32(1))
    return result["samples"], result["noise"] * start, sigmas


class EvaluatorCase(ServiceCase):
    def evaluator(self, client, shape=SHAPE, **keys):
        return Evaluator(client, shape, **{**PLAIN, **keys})
