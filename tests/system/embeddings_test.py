"""`embedding:NAME` in texts: files of the embeddings folders, and tensors of the message."""
import unittest

import numpy as np
import tensor_file
from service import Service

from evaluator_client import Evaluator
from host_client import same_bits
from jobs import MODEL, picture_job
from service_case import ServiceCase

VECTORS = np.random.default_rng(7).standard_normal((3, 32)).astype(np.float32)
SHAPE = (1, 4, 16, 16)

CONFIG = """
devices: cpu:1
models:
  embeddings: [FOLDER/embeddings]
extra_model_paths: extra.yaml
"""


class Configured(Service):
    """A service with embeddings folders; the file names them as ComfyUI does, too."""

    def __init__(self):
        super().__init__(devices=None, threads=1)
        (self.folder / "config/tandem").mkdir()
        self.config = self.folder / "config/tandem/config.yaml"
        self.config.write_text(CONFIG.replace("FOLDER", str(self.folder)))
        (self.folder / "config/tandem/extra.yaml").write_text(
            f"comfyui:\n    base_path: {self.folder}/comfy\n    embeddings: models/embeddings/\n")
        for name in ("embeddings/style", "embeddings/sub/deep", "comfy/models/embeddings/comfys"):
            path = self.folder / f"{name}.safetensors"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(tensor_file.pack({"emb_params": VECTORS}))
        (self.folder / "embeddings/old.pt").write_bytes(b"PK\3\4 and what torch.save writes")
        (self.folder / "secret.safetensors").write_bytes(tensor_file.pack({"emb_params": VECTORS}))


def text_job(text, embeddings=None, **keys):
    job = picture_job(**{"output": {"cond": True}, **keys})
    job["positive"][0]["text"] = text
    if embeddings:
        job["model"] = {**job["model"], "embeddings": embeddings}
    return job


class FromTheFolders(ServiceCase):
    @classmethod
    def setUpClass(cls):
        cls.service = cls.enterClassContext(Configured())
        cls.file = str(cls.service.folder / "embeddings/style.safetensors")

    def warnings_of(self, client, job):
        number = client.submit(job)
        client.result(number)
        return {e["code"]: e["message"] for e in client.events_of(number, "warning")}

    def test_a_word_has_the_bits_of_a_named_file(self):
        client = self.client()
        named = client.run(text_job("a (embedding:style:1.2), cat", {"style": self.file}))
        for name in ("style", "style.safetensors", "deep", "sub/deep", "comfys"):
            with self.subTest(name):
                job = text_job(f"a (embedding:{name}:1.2), cat")
                self.assertTrue(same_bits(client.run(job), named))
                self.assertEqual(self.warnings_of(client, job), {})
        self.assertFalse(same_bits(client.run(text_job("a cat")), named))

    def test_what_the_job_names_goes_first(self):
        client = self.client()
        other = self.service.folder / "other.safetensors"
        other.write_bytes(tensor_file.pack({"emb_params": VECTORS * 2}))
        both = text_job("embedding:style embedding:deep", {"style": str(other)})
        folders = text_job("embedding:style embedding:deep")
        self.assertFalse(same_bits(client.run(both), client.run(folders)))
        self.assertEqual(self.warnings_of(client, both), {})

    def test_a_missing_one_is_dropped_with_a_warning(self):
        client = self.client()
        for name in ("none", "../secret", str(self.service.folder / "secret")):
            with self.subTest(name):
                missing = text_job(f"embedding:{name} a cat")
                self.assertTrue(same_bits(client.run(missing), client.run(text_job("a cat"))))
                message = self.warnings_of(client, missing)["missing_embedding"]
                self.assertIn("positive[0]", message)
                self.assertNotIn(name, message)

    def test_a_pickle_is_refused_with_the_command_that_converts_it(self):
        error = self.refused("bad_checkpoint", self.client().submit, text_job("embedding:old"))
        self.assertIn("tools/convert", error["hint"])

    def test_evaluators(self):
        client = self.client()
        conds = {"word": {"text": "embedding:style a cat"}, "plain": {"text": "a cat"}}
        named = Evaluator(client, SHAPE, conds=conds,
                          model={"file": MODEL, "embeddings": {"style": self.file}})
        evaluator = Evaluator(client, SHAPE, conds=conds, model={"file": MODEL})
        self.assertNotIn("warnings", evaluator.reply)
        x = np.random.default_rng(1).standard_normal(SHAPE).astype(np.float32)
        lists = [["word"], ["plain"]]
        expected = [p.tobytes() for p in named(x, 3.0, lists)]
        self.assertEqual([p.tobytes() for p in evaluator(x, 3.0, lists)], expected)
        self.assertNotEqual(*expected)
        added = evaluator.add({"later": {"text": "embedding:deep a cat"},
                               "gone": {"text": "embedding:none a cat"}})
        (warning,) = added["warnings"]
        self.assertEqual(warning["code"], "missing_embedding")
        self.assertIn("conds.gone", warning["message"])
        found, gone = evaluator(x, 3.0, [["later"], ["gone"]])
        self.assertEqual([found.tobytes(), gone.tobytes()], expected)


class FromTheMessage(ServiceCase):
    """On a service without embeddings folders."""

    GIVEN = {"style": {"tensors": "style."}}
    TENSORS = {"style.emb_params": VECTORS, "another": VECTORS}

    @classmethod
    def setUpClass(cls):
        cls.service = cls.enterClassContext(Service("cpu:2", threads=1))
        cls.file = str(cls.service.folder / "style.safetensors")
        (cls.service.folder / "style.safetensors").write_bytes(
            tensor_file.pack({"emb_params": VECTORS}))

    def test_tensors_have_the_bits_of_a_file(self):
        client = self.client()
        text = "a (embedding:style:1.2), cat"
        for output in ({"cond": True}, {"latent": True}):
            with self.subTest(output):
                expected = client.run(text_job(text, {"style": self.file}, output=output))
                got = client.run(text_job(text, self.GIVEN, output=output), self.TENSORS)
                self.assertTrue(same_bits(got, expected))

    def test_a_width_that_the_encoder_lacks_is_told(self):
        client = self.client()
        wide = {"style.emb_params": np.zeros((1, 7), np.float32)}
        number = client.submit(text_job("embedding:style a cat", self.GIVEN), wide)
        self.assertTrue(same_bits(client.result(number)[1], client.run(text_job("a cat"))))
        (warning,) = client.events_of(number, "warning")
        self.assertEqual(warning["code"], "embedding_width")

    def test_what_is_not_there_is_named(self):
        client = self.client()
        job = text_job("embedding:style", {"style": {"tensors": "none."}})
        for tensors in (None, self.TENSORS):
            error = self.refused("missing_tensor", client.submit, job, tensors)
            self.assertEqual(error["path"], "model.embeddings.style")
        cube = {"style.emb_params": np.zeros((1, 2, 32), np.float32)}
        self.refused("bad_shape", client.run, text_job("embedding:style", self.GIVEN), cube)

    def test_without_folders_the_word_is_text(self):
        client = self.client()
        for name in ("style", "none"):
            self.assertFalse(same_bits(client.run(text_job(f"embedding:{name} a cat")),
                                       client.run(text_job("a cat"))))

    def test_evaluators(self):
        client = self.client()
        conds = {"word": {"text": "embedding:style a cat"}}
        x = np.random.default_rng(1).standard_normal(SHAPE).astype(np.float32)
        named = Evaluator(client, SHAPE, conds=conds,
                          model={"file": MODEL, "embeddings": {"style": self.file}})
        (expected,) = named(x, 3.0, [["word"]])
        given = Evaluator(client, SHAPE, self.TENSORS, conds=conds,
                          model={"file": MODEL, "embeddings": self.GIVEN})
        self.assertEqual(given(x, 3.0, [["word"]])[0].tobytes(), expected.tobytes())
        given.add({"later": {"text": "embedding:style a cat"}})
        self.assertEqual(given(x, 3.0, [["later"]])[0].tobytes(), expected.tobytes())


if __name__ == "__main__":
    unittest.main()
