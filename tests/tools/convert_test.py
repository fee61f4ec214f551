"""tools/convert: what comes out of old PyTorch files, and what is refused.

What needs PyTorch is skipped where it is not a package of this Python.
"""
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy
import tensor_file

CONVERT = Path(__file__).resolve().parents[2] / "tools/convert"
try:
    import torch
except ImportError:
    torch = None
needs_torch = unittest.skipUnless(torch, "PyTorch is not a package of this Python")


class Harmful:
    """A pickle that would make a file where it is opened as pickles usually are."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


class Convert(unittest.TestCase):
    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.source = self.folder / "old.pth"
        self.target = self.folder / "old.safetensors"

    def convert(self, *arguments):
        return subprocess.run([sys.executable, str(CONVERT), str(self.source), *map(str, arguments)],
                              capture_output=True, text=True, timeout=120, check=False)

    def converted(self, value, **options):
        """The tensors and types that came out of the saved value."""
        torch.save(value, self.source, **options)
        process = self.convert("--force")
        self.assertEqual(process.returncode, 0, process.stderr)
        self.assertEqual(process.stdout.strip(), str(self.target))
        data = self.target.read_bytes()
        entries, _ = tensor_file.header(data)
        return tensor_file.unpack(data), {k: v["dtype"] for k, v in entries.items()
                                          if k != "__metadata__"}

    def refused(self, *arguments):
        process = self.convert(*arguments)
        self.assertEqual(process.returncode, 1, process.stderr)
        self.assertNotIn("Traceback", process.stderr)
        left = {path.name for path in self.folder.iterdir()} - {self.source.name}
        self.assertLessEqual(left, {self.target.name}, "nothing unfinished is left")
        return process.stderr

    # ---- without PyTorch ----

    def test_help_says_how_to_get_pytorch(self):
        words = subprocess.run([sys.executable, str(CONVERT), "--help"], capture_output=True,
                               text=True, check=True).stdout
        self.assertIn("pip install torch", words)

    def test_what_needs_no_conversion_is_refused(self):
        self.source.write_bytes(tensor_file.pack({"a": numpy.zeros(2, numpy.float32)}))
        self.assertIn("safetensors file already", self.refused())

    def test_a_file_that_is_there_is_kept(self):
        self.source.write_bytes(b"PK")
        self.target.write_text("mine")
        self.assertIn("--force", self.refused())
        self.assertEqual(self.target.read_text(), "mine")

    def test_a_missing_file_is_told(self):
        self.assertIn("no such file", self.refused())

    @unittest.skipIf(torch, "PyTorch is there")
    def test_without_pytorch_it_says_where_to_read(self):
        self.source.write_bytes(b"PK")
        self.assertIn("tools/convert --help", self.refused())

    # ---- with PyTorch ----

    @needs_torch
    def test_values_and_types_stay(self):
        value = {"f": torch.randn(3, 5), "h": torch.randn(7).half(), "b": torch.randn(2).bfloat16(),
                 "d": torch.randn(1).double(), "i": torch.arange(4), "m": torch.tensor([True]),
                 "scalar": torch.tensor(2.5), "empty": torch.zeros(0, 4)}
        for options in ({}, {"_use_new_zipfile_serialization": False}):
            got, types = self.converted(value, **options)
            self.assertEqual(types, {"f": "F32", "h": "F16", "b": "BF16", "d": "F64", "i": "I64",
                                     "m": "BOOL", "scalar": "F32", "empty": "F32"})
            for name, tensor in value.items():
                expected = tensor.float() if name == "b" else tensor
                numpy.testing.assert_array_equal(got[name], expected.numpy(), name)

    @needs_torch
    def test_wrappers_are_taken_off(self):
        weight, other = torch.randn(2, 2), torch.randn(2, 2)
        for value in ({"state_dict": {"a.weight": weight}, "epoch": 3, "optimizer_states": [{}]},
                      {"params": {"a.weight": other}, "params_ema": {"a.weight": weight}},
                      {"model": {"state_dict": {"a.weight": weight}}},
                      {"anything": {"a.weight": weight}},
                      {"module.a.weight": weight},
                      {"a": {"weight": weight}, "version": "1"}):
            with self.subTest(list(value)):
                got, _ = self.converted(value)
                self.assertEqual(list(got), ["a.weight"])
                numpy.testing.assert_array_equal(got["a.weight"], weight.numpy())

    @needs_torch
    def test_an_embedding_keeps_its_one_tensor(self):
        vectors = torch.randn(4, 768)
        got, _ = self.converted({"string_to_token": {"*": 265}, "name": "style",
                                 "string_to_param": {"*": torch.nn.Parameter(vectors)}})
        self.assertEqual(list(got), ["emb_params"])
        numpy.testing.assert_array_equal(got["emb_params"], vectors.numpy())

    @needs_torch
    def test_shared_and_strided_tensors_are_written_each(self):
        base = torch.arange(12.0).reshape(3, 4)
        got, _ = self.converted({"a": base, "tied": base, "turned": base.t(), "part": base[1:, :2]})
        for name, tensor in (("a", base), ("tied", base), ("turned", base.t()),
                             ("part", base[1:, :2])):
            numpy.testing.assert_array_equal(got[name], tensor.numpy(), name)

    @needs_torch
    def test_code_is_refused_and_not_run(self):
        marker = self.folder / "marker"
        torch.save({"state_dict": {"a": torch.zeros(1)}, "x": Harmful(marker)}, self.source)
        self.assertIn("could be code", self.refused())
        self.assertFalse(marker.exists())

    @needs_torch
    def test_damage_is_told_and_leaves_nothing(self):
        torch.save({"a": torch.randn(4096)}, self.source)
        data = self.source.read_bytes()
        for keep in (0, 10, len(data) // 2, len(data) - 1):
            self.source.write_bytes(data[:keep])
            self.assertIn("convert: ", self.refused())
            self.assertFalse(self.target.exists())

    @needs_torch
    def test_what_holds_no_tensors_is_refused(self):
        for value in ({"a": 1}, [torch.zeros(1)], {"string_to_param": {}}):
            torch.save(value, self.source)
            self.refused()

    @needs_torch
    def test_kinds_without_a_safetensors_type_are_named(self):
        torch.save({"z": torch.zeros(2, dtype=torch.complex64)}, self.source)
        self.assertIn("'z'", self.refused())


if __name__ == "__main__":
    unittest.main()
