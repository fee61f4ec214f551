"""When what a case wrote is what the reference gave."""
import numpy as np

DEFAULT_TOLERANCE = {"samples": 1e-3, "image": 1e-3, "sigmas": 1e-5, "noise": 1e-5}
COND_TOLERANCE = 1e-4  # of every other tensor
WITHOUT_MODEL = ("sigmas", "noise")  # the same wherever models compute


def tolerance_of(name, check):
    """The case's, but no less than the floor that its "floor" gives a model's results."""
    wanted = check.get("tolerance", {}).get(name, DEFAULT_TOLERANCE.get(name, COND_TOLERANCE))
    return wanted if name in WITHOUT_MODEL else max(wanted, check.get("floor", 0))


def distance(name, got, want):
    """Of sigmas the greatest relative difference, else the greatest difference by the deviation."""
    got, want = got.astype(np.float64), want.astype(np.float64)
    if name == "sigmas":
        relative = np.abs(got - want) / np.maximum(np.abs(want), 1e-12)
        return float(np.where(want == 0, np.where(got == 0, 0, np.inf), relative).max())
    scale = float(want.std()) if want.size > 1 else 1.0
    return float(np.abs(got - want).max()) / max(scale, 1e-12)


def compare_tensor(name, got, want, tolerance):
    """(whether it passes, words that say how far off it is)"""
    if got.shape != want.shape:
        return False, f"{name}: shape {got.shape}, expected {want.shape}"
    if not np.isfinite(got).all():
        return False, f"{name}: not finite"
    off = distance(name, got, want)
    return off <= tolerance, f"{name} {off:.1e} (<= {tolerance:.0e})"


def same_json(got, want):
    """Integers exactly, other numbers to 1e-6."""
    if isinstance(want, dict):
        return (isinstance(got, dict) and got.keys() == want.keys()
                and all(same_json(got[k], v) for k, v in want.items()))
    if isinstance(want, list):
        return (isinstance(got, list) and len(got) == len(want)
                and all(map(same_json, got, want)))
    if isinstance(want, float) or isinstance(got, float):
        return (isinstance(got, (int, float)) and isinstance(want, (int, float))
                and abs(got - want) <= 1e-6 * max(1.0, abs(want)))
    return got == want


def compare_all(got, got_json, want, want_json, check):
    """(whether all pass, words); traces, named debug.*, are no part of a result."""
    ok, words = True, []
    for name, value in sorted(want.items()):
        if name.startswith("debug."):
            continue
        if name not in got:
            return False, f"{name} is missing"
        good, said = compare_tensor(name, got[name], value, tolerance_of(name, check))
        ok, words = ok and good, words + [said]
    for key, value in want_json.items():
        good = same_json(got_json.get(key), value)
        ok, words = ok and good, words + [f"{key} {'same' if good else 'DIFFER'}"]
    return ok and bool(words), ", ".join(words) or "the case compares nothing"
