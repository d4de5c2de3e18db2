"""What a metric can be: an interval of two or three seeds is wider than that, and is drawn no further."""

import math
from collections.abc import Iterable

from msd_mtl.study.page.words import metric_name, number

BOUNDS = {
    "auroc": (0.0, 1.0),
    "accuracy": (0.0, 1.0),
    "error": (0.0, 1.0),
    "r2": (-math.inf, 1.0),
    "rmse": (0.0, math.inf),
}


def bounds_of(metric: str, *, gain: bool = False) -> tuple[float, float]:
    """Least and largest value.

    Args:
        metric: Name of the metric.
        gain: Of the difference of two of its values.
    """
    low, high = BOUNDS.get(metric, (-math.inf, math.inf))
    return (low - high, high - low) if gain else (low, high)


def within(value: float, bounds: tuple[float, float]) -> float:
    """The value, or the bound that it lies beyond; NaN stays NaN."""
    low, high = bounds
    return low if value < low else high if value > high else value


def cut_note(metric: str, ends: Iterable[float], *, gain: bool = False, in_full: str = "") -> str:
    """What a caption says of intervals that are cut; empty where none is.

    Args:
        metric: Name of the metric.
        ends: Ends of the intervals as they were computed.
        gain: Whether they are of the difference of two values.
        in_full: Where the intervals are not cut.
    """
    low, high = bounds_of(metric, gain=gain)
    known = [end for end in ends if math.isfinite(end)]
    cut = [
        bound
        for bound, is_passed in ((low, any(e < low for e in known)), (high, any(e > high for e in known)))
        if is_passed
    ]
    if not cut:
        return ""
    at = " and ".join(number(bound, 0) for bound in cut)
    what = f"gain in {metric_name(metric)}" if gain else metric_name(metric)
    return f" Intervals are cut off at {at}: no {what} lies beyond{f'; {in_full} has them in full' if in_full else ''}."
