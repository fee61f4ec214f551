"""Pictures of a prompt, one file each.

    python pictures.py "a red circle left of a blue square" --count 4 --folder out
"""
import argparse
from pathlib import Path

import tandem


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("prompt")
    parser.add_argument("--model", help="a checkpoint; else the demo model")
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path("."))
    args = parser.parse_args()

    args.folder.mkdir(parents=True, exist_ok=True)
    service = tandem.start()  # what runs already is used, and stays
    with tandem.Client(service.socket) as client:
        for seed in range(args.seed, args.seed + args.count):
            result = client.txt2img(args.prompt, model=args.model, steps=args.steps, seed=seed,
                                    progress=True)
            result.pictures()[0].save(args.folder / f"{seed}.png")


if __name__ == "__main__":
    main()
