"""A model_sampling in the words of `prepare`, and whether the service made the same of them."""
import math

KINDS = {"LCM": "lcm", "V_PREDICTION": "v_prediction", "X0": "x0", "EPS": "eps"}
OTHER = ("EDM", "IMG_TO_IMG", "COSMOS_RFLOW")  # are kinds above by inheritance, with other formulas
TABLE_TOLERANCE = 1e-5


def sampling_of(model_sampling):
    """`sampling` of a job, or None where the format has no words for it."""
    names = [kind.__name__ for kind in type(model_sampling).__mro__]
    if any(name in OTHER for name in names):
        return None
    if "CONST" in names:
        return _flow(names, model_sampling)
    kind = next((KINDS[name] for name in names if name in KINDS), None)
    if kind is None or "ModelSamplingDiscrete" not in names:
        return None
    zsnr = bool(getattr(model_sampling, "zsnr", False))
    return {"parameterization": kind, **({"zsnr": True} if zsnr else {})}


def _flow(names, model_sampling):
    if "ModelSamplingFlux" in names:
        return {"kind": "flux", "shift": float(model_sampling.shift)}
    if "ModelSamplingDiscreteFlow" in names:
        return {"kind": "flow", "shift": float(model_sampling.shift),
                "multiplier": float(model_sampling.multiplier)}
    return None


def same_table(told, sigmas):
    """Whether a table that `prepare` told is the host's; one that was not told cannot differ."""
    if not told:
        return True
    own = sigmas.tolist() if hasattr(sigmas, "tolist") else list(sigmas)
    return len(told) == len(own) and all(
        math.isclose(a, b, rel_tol=TABLE_TOLERANCE, abs_tol=1e-9) for a, b in zip(told, own))
