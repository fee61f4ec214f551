"""The golden runner itself: what it lets pass and what not, and the budget of the selection."""
import sys
import types
import unittest
from pathlib import Path

import numpy as np
import tensor_file
from service import ROOT

sys.path[:0] = [str(ROOT / folder) for folder in ("tools/golden", "tools/gpu", "tests/system")]

import cases  # noqa: E402
import compare  # noqa: E402
import coverage  # noqa: E402
import golden_part  # noqa: E402
import run  # noqa: E402
import select_cases  # noqa: E402

HERE = Path(__file__).resolve().parent


def tensor(*values):
    return np.array(values, np.float32)


class Compare(unittest.TestCase):
    def passes(self, got, want, name="samples", tolerance=1e-3):
        return compare.compare_tensor(name, got, want, tolerance)[0]

    def test_distance_is_measured_by_the_deviation(self):
        want = tensor(-100, 100)
        self.assertTrue(self.passes(want + 0.09, want))
        self.assertFalse(self.passes(want + 0.11, want))

    def test_shape_and_not_finite(self):
        self.assertFalse(self.passes(tensor(1, 2), tensor(1, 2, 3)))
        self.assertFalse(self.passes(tensor(1, np.nan), tensor(1, 2)))
        self.assertFalse(self.passes(tensor(1, np.inf), tensor(1, 2)))

    def test_sigmas_are_compared_relatively_and_zero_exactly(self):
        want = tensor(14, 0.03, 0)
        self.assertTrue(self.passes(want * np.float32(1 + 5e-6), want, "sigmas", 1e-5))
        self.assertFalse(self.passes(want + tensor(0, 1e-6, 0), want, "sigmas", 1e-5))
        self.assertFalse(self.passes(want + tensor(0, 0, 1e-30), want, "sigmas", 1e-5))

    def test_json(self):
        self.assertTrue(compare.same_json({"a": [[1, 1.0]]}, {"a": [[1, 1.0000001]]}))
        for got in ({"a": [[2, 1.0]]}, {"a": [[1, 1.1]]}, {"a": [[1]]}, {"b": [[1, 1.0]]}, None):
            self.assertFalse(compare.same_json(got, {"a": [[1, 1.0]]}), got)

    def test_missing_and_empty(self):
        self.assertFalse(compare.compare_all({}, {}, {"samples": tensor(1)}, {}, {})[0])
        self.assertFalse(compare.compare_all({"samples": tensor(1)}, {}, {}, {}, {})[0])
        self.assertTrue(compare.compare_all({"noise": tensor(1, 2)}, {},
                                            {"noise": tensor(1, 2), "debug.x0": tensor(3)}, {},
                                            {})[0])


class GpuPart(unittest.TestCase):
    def test_what_the_runner_said_is_read_case_by_case(self):
        words = [compare.compare_tensor(name, tensor(-1, 1 + off), tensor(-1, 1), 1e-2)
                 for name, off in (("samples", 0.25), ("positive.0.cond", 0))]
        lines = [f"{'pass' if good else 'FAIL'} conds/one: {said}" for good, said in words]
        report = golden_part.summary_of("\n".join([
            lines[0] + ", " + words[1][1], lines[1].replace("one", "two"),
            "pass flux/one: refused (unknown_family): flux", "FAIL conds/three: exit 1: no words"]), 1)
        self.assertEqual(report["cases"], {
            "conds/one": {"passed": False, "off": {"samples": 0.25, "positive.0.cond": 0}},
            "conds/two": {"passed": True, "off": {"positive.0.cond": 0}}})
        self.assertEqual(report["largest"], {"samples": 0.25, "positive.0.cond": 0})
        self.assertEqual((report["passed"], report["failed"], report["refused"]), (2, 2, 1))


class TensorFile(unittest.TestCase):
    def test_round_trip(self):
        tensors = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.zeros(0, np.int64),
                   "c": np.array(1.5, np.float16), "d": np.array([True, False])}
        back = tensor_file.unpack(tensor_file.pack(tensors))
        for name, value in tensors.items():
            np.testing.assert_array_equal(back[name], value)
            self.assertEqual(back[name].dtype, value.dtype)

    def test_bfloat16(self):
        entry = {"dtype": "BF16", "shape": [2]}
        np.testing.assert_array_equal(tensor_file.array(entry, b"\x80\x3f\x00\xc0"), [1.0, -2.0])


class Refusals(unittest.TestCase):
    @staticmethod
    def ended(status, out):
        return types.SimpleNamespace(returncode=status, stdout=out, stderr="words")

    def test_only_the_right_refusal_passes(self):
        missing = [("hooks", "unsupported")]
        right = '{"error": {"code": "unsupported"}}\n'
        self.assertTrue(run.judge_refusal(self.ended(1, right), missing)[0])
        for status, out in ((0, right), (2, right), (1, ""), (1, '{"error": {"code": "internal"}}'),
                            (-11, right)):
            self.assertFalse(run.judge_refusal(self.ended(status, out), missing)[0], (status, out))

    def test_rows_tell_what_a_job_needs(self):
        job = {"output": {"latent": "x"}, "sampler": {"name": "euler"}}
        self.assertEqual(coverage.missing(job), [])
        for key, value, name in (("forward", {"x": "x"}, "the bare model"),
                                 ("positive", [{"reference_latents": ["r"]}], "reference latents")):
            self.assertEqual([n for n, _ in coverage.missing({**job, key: value})], [name])


class Selection(unittest.TestCase):
    def test_within_the_budget(self):
        size = sum(p.stat().st_size for p in HERE.rglob("*") if p.is_file())
        self.assertLessEqual(size, select_cases.BUDGET)

    def test_every_file_that_a_case_names_is_there(self):
        folders = cases.folders(HERE / "cases")
        self.assertGreater(len(folders), 100)
        for folder in folders:
            for file in cases.files_of(cases.read_job(folder)):
                self.assertTrue(file.exists(), f"{folder.name}: {file}")


if __name__ == "__main__":
    unittest.main()
