"""Writes tokenizer_cases.json and prompt_cases.json: texts with what the reference makes of them.

    python make_tokenizer_cases.py --vocabulary bpe_simple_vocab_16e6.txt.gz --comfyui COMFYUI [--count N] [--seed S] [--out DIR]

Needs transformers 4.57 without ftfy and a checkout of ComfyUI. tokenizer_cases.json holds [text, ids] as the slow
CLIPTokenizer gives them; prompt_cases.json holds [prompt, padded with end?, chunks], a chunk being [ids, weights], as
ComfyUI's SDTokenizer gives them. Random texts take only code points that Python's Unicode has assigned, so that a newer
Unicode gives the same ids.
"""
import argparse
import gzip
import importlib.util
import json
import logging
import random
import sys
import tempfile
import types
import unicodedata
from pathlib import Path
from unittest.mock import MagicMock

TEXTS = [
    "", " ", "\n", "a photo of a cat", "A PHOTO of a Cat, 4K!!", "it's they're I've we'd don't 'quoted' 'S 'LL",
    "'\u017f '\u017ft o'\u017f", "a &amp; b &lt;tag&gt;", "12345 1.5e-3 v2.0 a1b2", "\u00bd \u2167 \u0663 \u4e00\u4e8c",
    "\u00e9 vs e\u0301, \ufb01ne \u212b", "\u0130stanbul I\u0307", "\u039f\u0394\u039f\u03a3 \u03a3 \u03a3a a\u03a3'\u03a3 a\u03a3. a.\u03a3",
    "\U0001f469\u200d\U0001f467 \u2764\ufe0f", "\u732b\u306e\u5199\u771f \ud55c\uad6d\uc5b4 \u041f\u0440\u0438\u0432\u0435\u0442",
    "a\u2028b\u2029c\u0085d\x1ce\x0bf\u3000g\u200bh\ufeffi\ufffdj\x00k", "a <|startoftext|> b <|endoftext|> c",
    "<|STARTOFTEXT|> !<|EndOfText|> <|\u017ftartoftext|>", "<|endoftext|><|endoftext|>", "<|<|endoftext|>|>", "\uffff \u0378 \ue000",
    "!'s ''s --'re", "a'b'c'd'll", "antidisestablishmentarianismfloccinaucinihilipilification", "a\u0345b .\u0345\u0345! \u0345", "a" * 300, "ab" * 200, "!" * 200,
]
PROMPTS = [
    "", "a (red) circle, (blue:1.4) square", "(:1.3) () a (( )) b", "smile \\(happy\\), (bracket \\) inside:1.3)",
    "a ((very) (bright:1.3)) (light (and (dark:0.7)):1.2)", "a (red circle, (blue", "a red) circle", "a) (b) ((c)",
    "ratio 3:4, (time 10:30), (weight:abc), (x:1.2 )", "a (red:-0.5) (b:1_0) (c:1__0) (d:.5) (e:5.) (f:+1e-1) (g:0x1) (h:1e)",
    "(a:\uff11.\u0665) (b:\u30001\u3000) (c:\x1c1) (d:\u00a01\x1c)", "embedding:style a cat embedding:b\nembedding:c (d embedding:e:1.2)",
    " ".join(["cat"] * 75), " ".join(["cat"] * 76), " ".join(["cat"] * 70) + " (a b c d e f g:1.2) h",
    " ".join(["cat"] * 70) + " (a b c d e f g h:1.2) i", "(a b c d e f g:1.1)" * 40, "a" * 400, "BREAK [a] {b|c} \\\\(d\\\\)",
]
ALPHABETS = [
    "abcdefgh ABC 0123 ,.!?'\"-()", "'sStTrReEvVmMlLdD\u017f\u212a ", "\u03a3\u03c3\u03c2a.'\u02b0\u0301\u00adA \u00aa\u24d0\u2160",
    "<|startofex>ndSTARTOFEX ", "a\u0301\u0323\u0307e\u1ea1\u0344\u1100\u1161\u11a8\uac00 ", "\u4e00\u3042\u30a2\uf900\U00020000\U0002f800 a1",
    " \t\n\r\x0b\x0c\x1c\x1f\x85\xa0\u1680\u2000\u200b\u2028\u2029\u202f\u205f\u3000\ufeffab",
]
PROMPT_ALPHABET = ["(", ")", "(", ")", "\\(", "\\)", "\\", ":", ":1.2", ":-.5", ":1e1", ":a", " ", "cat", "red blue", ",", "embedding:x", " embedding:y",
                   "\nembedding:", "a b c d e f g h", "\u732b", "BREAK", "1.1)", "((", "))"]


def tokenizer_folder(vocabulary, folder):
    """Writes vocab.json and merges.txt as OpenAI's list of merges means them."""
    merges = gzip.open(vocabulary, "rt", encoding="utf-8").read().strip().split("\n")[1:49152 - 256 - 2 + 1]
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in printable]
    pieces = [chr(b) for b in printable] + [chr(256 + i) for i in range(len(others))]
    pieces += [p + "</w>" for p in pieces] + ["".join(m.split()) for m in merges] + ["<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({p: i for i, p in enumerate(pieces)}), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n", encoding="utf-8")
    return str(folder)


def load_comfyui_tokenizer(comfyui):
    """ComfyUI's SDTokenizer, without what it does not need: torch and the models."""
    for name in ("torch", "comfy.ops", "comfy.clip_model", "comfy.model_management"):
        sys.modules[name] = MagicMock()
    sys.modules["torch"].nn.Module = type("Module", (), {})
    package = sys.modules["comfy"] = types.ModuleType("comfy")
    package.__path__ = []
    for name in ("ops", "clip_model", "model_management"):
        setattr(package, name, sys.modules[f"comfy.{name}"])
    spec = importlib.util.spec_from_file_location("comfy.sd1_clip", Path(comfyui) / "comfy" / "sd1_clip.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.SDTokenizer


def random_texts(rng, count):
    assigned = [chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) not in ("Cn", "Cs", "Co")]
    low = [c for c in assigned if ord(c) < 0x3000]
    for _ in range(count):
        pool = rng.choice([*ALPHABETS, low, assigned])
        yield "".join(rng.choice(pool) for _ in range(rng.randint(1, 40)))


def random_prompts(rng, count):
    for _ in range(count):
        yield "".join(rng.choice(PROMPT_ALPHABET) for _ in range(rng.choice([6, 12, 60, 150])))


def chunks(tokenizer, prompt):
    return [[[t for t, _ in chunk], [w for _, w in chunk]] for chunk in tokenizer.tokenize_with_weights(prompt)]


def write(path, cases):
    path.write_text("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]\n", encoding="utf-8")


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--vocabulary", required=True)
    ap.add_argument("--comfyui", required=True)
    ap.add_argument("--count", type=int, default=300)
    ap.add_argument("--prompt-count", type=int, default=40)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--out", type=Path, default=Path(__file__).parent)
    args = ap.parse_args()
    logging.disable(logging.WARNING)
    rng = random.Random(args.seed)
    with tempfile.TemporaryDirectory() as folder:
        path = tokenizer_folder(args.vocabulary, Path(folder))
        from transformers import CLIPTokenizer
        clip = CLIPTokenizer.from_pretrained(path)
        if clip.fix_text is not None:
            sys.exit("ftfy is installed: the reference runs without it")
        texts = [*TEXTS, *random_texts(rng, args.count)]
        write(args.out / "tokenizer_cases.json", [[t, clip(t)["input_ids"][1:-1]] for t in texts])
        sd_tokenizer = load_comfyui_tokenizer(args.comfyui)
        by_end = {end: sd_tokenizer(path, pad_with_end=end) for end in (True, False)}
        prompts = [*PROMPTS, *random_prompts(rng, args.prompt_count)]
        write(args.out / "prompt_cases.json", [[p, i % 2 == 0, chunks(by_end[i % 2 == 0], p)] for i, p in enumerate(prompts)])


if __name__ == "__main__":
    main()
