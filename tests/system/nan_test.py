"""What is not finite in half precision: a failed job, or the bits of float32 and a warning."""
import tempfile
import unittest

import numpy
import tensor_file
from service import Service

from animation import animation_job, write_checkpoint
from host_client import Client, Refused, same_bits


def write_overflowing(path):
    """A checkpoint whose first convolution gives numbers past 65504, which the norms take back."""
    write_checkpoint(path)
    tensors = tensor_file.load(path)
    for part in ("weight", "bias"):
        name = f"model.diffusion_model.input_blocks.0.0.{part}"
        tensors[name] = tensors[name] * numpy.float32(1e5)
    metadata = tensor_file.metadata(path)
    with open(path, "wb") as file:
        file.write(tensor_file.pack(tensors, metadata))
    return path


class NotFinite(unittest.TestCase):
    def job(self, model, on_nan, dtype):
        job, tensors = animation_job(model, None, frames=1)
        job["model"]["dtype"] = dtype
        job["workers"]["on_nan"] = on_nan
        return job, tensors

    def test_fails_or_is_computed_in_fp32(self):
        with tempfile.TemporaryDirectory() as folder, Service("cpu:2", threads=1) as service:
            model = write_overflowing(f"{folder}/model.safetensors")
            client = Client(service.socket)
            with self.assertRaises(Refused) as failure:
                client.run(*self.job(model, "fail", "fp16"))
            self.assertEqual(failure.exception.code, "not_finite")
            expected = client.run(*self.job(model, "fail", "fp32"))
            number = client.submit(*self.job(model, "fp32", "fp16"))
            self.assertTrue(same_bits(client.result(number)[1], expected))
            warnings = [e["code"] for e in client.events_of(number, "warning")]
            self.assertEqual(warnings, ["computed_in_fp32"] * 6, "each of two conds in three steps")
            number = client.submit(*self.job(model, "fp32", "fp32"))
            self.assertTrue(same_bits(client.result(number)[1], expected))
            self.assertEqual(client.events_of(number, "warning"), [])
            client.close()


if __name__ == "__main__":
    unittest.main()
