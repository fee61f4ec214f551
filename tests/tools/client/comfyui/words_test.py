"""How the nodes put a run of ComfyUI in Tandem's words, and what they fall back for."""
import sys
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace

import numpy
import tensor_file

ROOT = Path(__file__).resolve().parents[4]
sys.path.insert(0, str(ROOT / "tools/client"))

from comfyui import (checkpoint, conds, fallback, hooks, job_words, nodes, patches,  # noqa: E402
                     sampling_words)


class Tensor:
    """As much of a torch tensor as the words need."""

    def __init__(self, name, shape=(1, 7, 8)):
        self.name, self.shape = name, shape

    def float(self):
        return f"{self.name} as float32"


def network_input(name):
    return SimpleNamespace(cond=Tensor(name))


def cond(text="a", **keys):
    return {"model_conds": {"c_crossattn": network_input(text)}, "uuid": object(), **keys}


def hook(kind="weight", **keys):
    values = {"hook_ref": object(), "hook_type": SimpleNamespace(value=kind), "strength": 1.0,
              "_strength_model": 0.5, "need_weight_init": True, "weights": {"w": 1}, **keys}
    return SimpleNamespace(**values)


def group(*members):
    return SimpleNamespace(hooks=list(members))


class Conds(unittest.TestCase):
    def test_a_cond_is_sent_once(self):
        cache, a, b = conds.CondCache({}), cond("a"), cond("b")
        self.assertEqual(cache.lists_of([[a, b], [b]])[0], [["c0", "c1"], ["c1"]])
        copied = {**a, "uuid": object(), "model_conds": dict(a["model_conds"])}
        ids, new, dropped = cache.lists_of([[copied]])
        self.assertEqual((ids, new, dropped), ([["c0"]], {}, []))

    def test_what_makes_a_cond_another_one(self):
        a, mask = cond("a"), Tensor("m")
        for keys in ({"strength": 0.5}, {"area": (8, 8, 0, 0)}, {"mask": mask},
                     {"mask": mask, "mask_strength": 0.5}, {"default": True},
                     {"hooks": group(hook())}):
            changed = {**a, **keys}
            self.assertNotEqual(conds.key_of(a)[0], conds.key_of(changed)[0], keys)
            self.assertEqual(conds.key_of(changed)[0], conds.key_of(dict(changed))[0], keys)

    def test_the_tensors_of_an_area_of_the_other_list_are_that_lists(self):
        made = {**cond("negative"), "cross_attn": Tensor("positive"), "area": (8, 16, 0, 4)}
        self.assertEqual(conds.spec_of(made, {}), {
            "model_conds": {"c_crossattn": "negative as float32"},
            "area": {"height": 8, "width": 16, "y": 0, "x": 4}})

    def test_all_that_a_cond_says(self):
        h = hook()
        said = cond("a", mask=Tensor("m"), mask_strength=0.25, strength=0.5, default=True,
                    hooks=group(h))
        self.assertEqual(conds.spec_of(said, {id(h.hook_ref): "h0"}), {
            "model_conds": {"c_crossattn": "a as float32"}, "mask": "m as float32",
            "mask_strength": 0.25, "strength": 0.5, "default": True, "hooks": ["h0"]})

    def test_the_range_is_comfyuis_comparison(self):
        said = cond(timestep_start=10.0, timestep_end=1.0)
        self.assertEqual([conds.is_active(said, [s]) for s in (11, 10.0, 5, 1.0, 0.5)],
                         [False, True, True, True, False])

    def test_one_sigma_or_one_per_item(self):
        self.assertEqual(conds.sigma_of(numpy.array([2.5, 2.5])), 2.5)
        self.assertEqual(conds.sigma_of(numpy.array([2.5, 1.0])), [2.5, 1.0])

    def test_the_oldest_go_but_never_those_in_use(self):
        cache = conds.CondCache({}, most=2)
        kept = [cond(str(n)) for n in range(4)]
        cache.lists_of([kept[:2]])
        self.assertEqual(cache.lists_of([[kept[2]]])[2], ["c0"])
        self.assertEqual(cache.lists_of([kept])[2], [])

    def test_what_an_evaluator_cannot_do_of_a_cond(self):
        for said, what in ((cond(control=1), "control"), (cond(gligen=1), "gligen"),
                           ({"model_conds": {}}, "c_crossattn"),
                           (cond(area=(1,) * 6), "3 dimensions"),
                           (cond(default=True, area=(8, 8, 0, 0)), "default cond")):
            self.assertIn(what, conds.unsupported(said))
        other = cond()
        other["model_conds"]["attention_mask"] = network_input("m")
        self.assertIn("attention_mask", conds.unsupported(other))
        self.assertIsNone(conds.unsupported(cond()))


class Adapter:
    def __init__(self, name, *weights):
        self.name, self.weights = name, weights


def entry(patch, strength=1.0, strength_model=1.0, offset=None, function=None):
    return (strength, patch, strength_model, offset, function)


class Patches(unittest.TestCase):
    def said(self, *entries):
        return patches.patches_of({"diffusion_model.k.weight": list(entries)})

    def refused(self, what, *entries):
        with self.assertRaisesRegex(patches.CannotSay, what):
            self.said(*entries)

    def test_adapters_part_by_part(self):
        lora = Adapter("lora", "up", "down", 8.0, None, None, None)
        self.assertEqual(self.said(entry(lora, 0.5)), [{
            "key": "diffusion_model.k.weight", "strength": 0.5, "kind": "lora", "alpha": 8.0,
            "tensors": {"up": "up", "down": "down"}}])
        dora = Adapter("lora", "up", "down", None, "mid", "scale", None)
        self.assertEqual(self.said(entry(dora))[0]["tensors"], {
            "up": "up", "down": "down", "mid": "mid", "dora_scale": "scale"})
        loha = Adapter("loha", "a", "b", None, "c", "d", "t1", "t2", None)
        self.assertEqual(self.said(entry(loha))[0]["tensors"], {
            "w1_a": "a", "w1_b": "b", "w2_a": "c", "w2_b": "d", "t1": "t1", "t2": "t2"})
        lokr = Adapter("lokr", "w1", None, 2.0, None, None, "a", "b", None, None)
        self.assertEqual(self.said(entry(lokr))[0]["tensors"], {"w1": "w1", "w2_a": "a", "w2_b": "b"})

    def test_differences_and_whole_weights(self):
        said = self.said(entry(("diff", ("d",))), entry(("t",)), entry(("set", ("s",)), 0.0))
        self.assertEqual([(p["kind"], p["tensors"]) for p in said], [
            ("diff", {"diff": "d"}), ("diff", {"diff": "t"}), ("set", {"set": "s"})])

    def test_a_strength_of_zero_changes_nothing(self):
        self.assertEqual(self.said(entry(("t",), 0.0)), [])

    def test_what_cannot_be_said(self):
        self.refused("enlarges", entry(Adapter("lora", "up", "down", 8.0, None, None, [1, 2])))
        self.refused("'oft'", entry(Adapter("oft", "blocks")))
        self.refused("scales", entry(("t",), 0.5, 0.5))
        self.refused("part of a weight", entry(("t",), offset=(0, 0, 1)))
        self.refused("part of a weight", entry(("t",), function=len))
        self.refused("another model", entry(["w", "p"]))
        self.refused("model_as_lora", entry(("model_as_lora", ("t",))))
        self.refused("enlarges a weight", entry(("diff", ("d", {"pad_weight": True}))))


class Hooks(unittest.TestCase):
    def test_a_group_each_with_its_own_tensors(self):
        a, b = hook(weights={"x.up": 1}), hook(weights={"y.up": 2}, _strength_model=2)
        found = hooks.hooks_of([cond(hooks=group(a, b)), cond(), cond(hooks=group(b))])
        self.assertEqual(found, [a, b])
        groups, tensors = hooks.groups_of(found)
        self.assertEqual(groups["h1"], [{"type": "weight", "file": {"tensors": "h1."},
                                         "strength_model": 2.0}])
        self.assertEqual(tensors, {"h0.x.up": 1, "h1.y.up": 2})

    def test_strengths_are_the_keyframes_of_now(self):
        a = hook(strength=0.25)
        self.assertEqual(hooks.strengths_of([cond(hooks=group(a))], hooks.ids_of([a])), {"h0": 0.25})

    def test_other_hooks_fall_back(self):
        self.assertIn("add_models", hooks.unsupported(hook("add_models")))
        self.assertIn("LoRA's file", hooks.unsupported(hook(need_weight_init=False)))


class Fallback(unittest.TestCase):
    def patcher(self, **keys):
        return SimpleNamespace(**{"object_patches": {}, "weight_wrapper_patches": {},
                                  "additional_models": {}, "injections": {}, **keys})

    def test_a_usual_run_is_tandems(self):
        options = {"transformer_options": {
            "wrappers": {"calc_cond_batch": {"other": [len], "tandem": [len]},
                         "predict_noise": {None: [len]}, "apply_model": {None: []}},
            "callbacks": {"on_cleanup": {None: [len]}}, "patches": {}, "sample_sigmas": Tensor("s")},
            "sampler_cfg_function": len, "context_handler": object()}
        patcher = self.patcher(object_patches={"model_sampling": 1}, injections={"a": []})
        self.assertIsNone(fallback.of_run(patcher, {"positive": [cond(hooks=group(hook()))]}, options))

    def test_everything_that_is_not(self):
        def options(**keys):
            return {"transformer_options": keys}
        for what, got in {
            "model_function_wrapper": fallback.of_options({"model_function_wrapper": len}),
            "attn2_patch": fallback.of_options(options(patches={"attn2_patch": [len]})),
            "attn1": fallback.of_options(options(patches_replace={"attn1": {("input", 1): len}})),
            "apply_model": fallback.of_options(options(wrappers={"apply_model": {1: [len]}})),
            "diffusion_model": fallback.of_options(options(wrappers={"diffusion_model": {1: [len]}})),
            "behind": fallback.of_options(options(
                wrappers={"calc_cond_batch": {"tandem": [len], "later": [len]}})),
            "on_apply_hooks": fallback.of_options(options(callbacks={"on_apply_hooks": {1: [len]}})),
            "rope_options": fallback.of_options(options(rope_options={"scale_x": 2})),
            "manual_cast_dtype": fallback.of_patcher(
                self.patcher(object_patches={"manual_cast_dtype": 1})),
            "weight wrapper": fallback.of_patcher(self.patcher(weight_wrapper_patches={"w": [len]})),
            "additional models": fallback.of_patcher(self.patcher(additional_models={"a": [1]})),
            "injection": fallback.of_patcher(self.patcher(injections={"a": [1]})),
            "'control' of a negative": fallback.of_conds({"negative": [cond(control=1)]}),
            "transformer_options'": fallback.of_conds(
                {"positive": [cond(hooks=group(hook("transformer_options")))]}),
        }.items():
            self.assertIn(what, got or "")

    def test_of_one_call(self):
        shape, options, known = (1, 4, 8, 8), {"transformer_options": {}}, hook()
        ids = hooks.ids_of([known])
        self.assertIsNone(fallback.of_call([[cond(hooks=group(known))], None], shape, options, ids))
        self.assertIn("control", fallback.of_call([[cond(control=1)]], shape, options, ids))
        self.assertIn("hook", fallback.of_call([[cond(hooks=group(hook()))]], shape, options, ids))
        self.assertIn("5 dimensions", fallback.of_call([], (1,) * 5, options, ids))


class EPS:
    pass


class V_PREDICTION(EPS):  # noqa: N801  (ComfyUI's names)
    pass


class EDM(V_PREDICTION):
    pass


class ModelSamplingDiscrete:
    zsnr = False


class Sampling(unittest.TestCase):
    def test_the_kinds(self):
        def said(*bases, **keys):
            return sampling_words.sampling_of(type("Patched", bases, keys)())
        self.assertEqual(said(ModelSamplingDiscrete, EPS), {"parameterization": "eps"})
        self.assertEqual(said(ModelSamplingDiscrete, V_PREDICTION, zsnr=True),
                         {"parameterization": "v_prediction", "zsnr": True})
        self.assertIsNone(said(ModelSamplingDiscrete, EDM))
        self.assertIsNone(said(EPS))

    def test_another_table_is_seen(self):
        self.assertTrue(sampling_words.same_table([0.1, 1.0], [0.1, 1.0000001]))
        self.assertFalse(sampling_words.same_table([0.1, 1.0], [0.1, 1.001]))
        self.assertFalse(sampling_words.same_table([0.1], [0.1, 1.0]))


class Checkpoint(unittest.TestCase):
    def setUp(self):
        self.weights = {f"diffusion_model.{n}": numpy.full((3, n + 1), n, numpy.float16)
                        for n in range(20)}
        self.file = self.enterContext(tempfile.NamedTemporaryFile(suffix=".safetensors"))
        self.file.write(tensor_file.pack({f"model.{k}": v for k, v in self.weights.items()}))
        self.file.flush()

    def difference(self, **changed):
        weights = {**self.weights, **changed}

        def weight_of(key):
            weight = weights[key]
            return weight.shape, lambda values: (
                weight.ravel()[:values.size], values.astype(weight.dtype))
        return checkpoint.difference(self.file.name, weight_of, weights)

    def test_the_same_in_another_type_is_the_same(self):
        self.assertIsNone(self.difference())
        self.weights = {k: v.astype(numpy.float32) for k, v in self.weights.items()}
        self.assertIsNone(self.difference())

    def test_another_checkpoint_is_seen(self):
        last = f"diffusion_model.{9}"
        self.assertIn("other values", self.difference(**{last: self.weights[last] + 1}))
        self.assertIn("the shape", self.difference(**{last: self.weights[last][:2]}))
        self.assertIn("none of", checkpoint.difference(self.file.name, None, ["diffusion_model.z"]))


class Jobs(unittest.TestCase):
    def test_a_conditioning_becomes_an_entry(self):
        said = {"pooled_output": Tensor("p"), "area": ("percentage", 0.5, 0.25, 0.0, 0.5),
                "strength": 0.5, "start_percent": 0.2, "uuid": object(), "control": None}
        self.assertEqual(job_words.cond_of(Tensor("c"), said), {
            "cond": "c as float32", "pooled": "p as float32", "strength": 0.5, "start_percent": 0.2,
            "area_percent": {"height": 0.5, "width": 0.25, "y": 0.0, "x": 0.5}})

    def test_what_a_job_cannot_say_is_named(self):
        with self.assertRaisesRegex(job_words.CannotSay, "control"):
            job_words.cond_of(Tensor("c"), {"control": 1})

    def test_speeds_and_tiles(self):
        self.assertEqual(nodes.speeds_of("gpu:0=1, gpu:1#0 = 0.5,"), {"gpu:0": 1.0, "gpu:1#0": 0.5})
        with self.assertRaisesRegex(ValueError, "half"):
            nodes.speeds_of("gpu:0=half")
        self.assertEqual(nodes.tiling_of(512, 64), {"tile_x": 64, "tile_y": 64, "overlap": 8})
        self.assertEqual(nodes.tiling_of(128, 64), {"tile_x": 16, "tile_y": 16, "overlap": 4})
        self.assertIsNone(nodes.tiling_of(0, 64))


if __name__ == "__main__":
    unittest.main()
