#!/usr/bin/env python3
"""Lays captioned pictures out on a sheet: sheet.py OUT.png --title TEXT PICTURE.png=CAPTION ..."""
import argparse
import os
import textwrap
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

COLUMNS, CELL, GAP, CAPTION, TITLE = 3, 256, 16, 44, 48
PAPER, INK = "white", "#202020"


def place(number):
    """The corner of a picture's cell."""
    row, column = divmod(number, COLUMNS)
    return GAP + column * (CELL + GAP), TITLE + row * (CELL + CAPTION + GAP)


def draw_sheet(title, pictures):
    rows = -(-len(pictures) // COLUMNS)
    sheet = Image.new("RGB", (GAP + COLUMNS * (CELL + GAP), TITLE + rows * (CELL + CAPTION + GAP)),
                      PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((GAP, GAP), title, INK, ImageFont.load_default(20))
    for number, (path, caption) in enumerate(pictures):
        x, y = place(number)
        picture = Image.open(path).convert("RGB")
        picture.thumbnail((CELL, CELL))
        sheet.paste(picture, (x, y))
        pen.text((x, y + CELL + 4), textwrap.fill(caption, 38), INK, ImageFont.load_default(13))
    return sheet


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--title", required=True)
    parser.add_argument("pictures", nargs="+", type=lambda text: text.split("=", 1))
    args = parser.parse_args()
    part = args.out.with_suffix(".part")
    draw_sheet(args.title, args.pictures).save(part, "PNG")
    os.replace(part, args.out)


if __name__ == "__main__":
    main()
