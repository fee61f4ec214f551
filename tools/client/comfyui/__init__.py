"""Tandem's nodes for ComfyUI: link or copy this folder into `custom_nodes`."""
import importlib.util
import sys
from pathlib import Path

# From the tree the package `tandem` need not be installed: it lies beside this folder.
if importlib.util.find_spec("tandem") is None:
    beside = Path(__file__).resolve().parent.parent / "python"
    if not (beside / "tandem").is_dir():
        raise ImportError("Tandem's nodes need its package for Python: with ComfyUI's Python, run "
                          "'pip install tools/client/python' in Tandem's folder.")
    sys.path.append(str(beside))

from .nodes import NODE_CLASS_MAPPINGS, NODE_DISPLAY_NAME_MAPPINGS  # noqa: E402

__all__ = ["NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS"]
