"""Widths at which a mask has as many parameters as another one, so that sharing can be told from capacity."""

from collections.abc import Sequence
from itertools import product
from math import floor

from scipy.optimize import brentq

from msd_mtl.errors import UserError

TOLERANCE = 0.1  # of the number of parameters; our choice: a first layer of 16 units is that coarse


def n_parameters(
    n_features: int, n_outputs: Sequence[int], mask: Sequence[int], widths: Sequence[float], norm: str | None = None
) -> float:
    """Parameters of a ``SharingNetwork``.

    Args:
        n_features: Number of input features.
        n_outputs: Outputs of each task's head.
        mask: For each hidden layer 1 (tied) or 0 (one copy per task).
        widths: Units of each hidden layer; they need not be whole.
        norm: None, or a norm with a scale and a shift per unit.
    """
    per_unit = 1 if norm is None else 3  # the bias of a unit, and its scale and shift
    total = sum(n_outputs) * (widths[-1] + 1)
    for n_inputs, width, tied in zip((n_features, *widths), widths, mask, strict=False):
        total += (1 if tied else len(n_outputs)) * width * (n_inputs + per_unit)
    return total


def matched_widths(
    n_features: int,
    n_outputs: Sequence[int],
    mask: Sequence[int],
    reference: Sequence[int],
    widths: Sequence[int],
    norm: str | None = None,
) -> tuple[int, ...]:
    """Scale all hidden layers by one factor until a mask has as many parameters as a reference.

    Each width is rounded down or up, whichever brings the total closest.

    Args:
        n_features: Number of input features.
        n_outputs: Outputs of each task's head.
        mask: Mask of the network.
        reference: Mask whose number of parameters at ``widths`` is to be had.
        widths: Nominal widths.
        norm: None, or a norm with a scale and a shift per unit.

    Returns:
        The widths; the nominal ones for the reference itself, and for a single task, which shares nothing.

    Raises:
        UserError: If no whole widths come close.
    """
    wanted = n_parameters(n_features, n_outputs, reference, widths, norm)

    def excess(factor: float) -> float:
        return n_parameters(n_features, n_outputs, mask, [factor * width for width in widths], norm) - wanted

    # at 1 / tasks no mask has more than the reference, at tasks none has fewer
    factor = float(brentq(excess, 1 / len(n_outputs), len(n_outputs)))
    choices = [sorted({max(1, floor(factor * width)), floor(factor * width) + 1}) for width in widths]
    found = min(product(*choices), key=lambda some: abs(n_parameters(n_features, n_outputs, mask, some, norm) - wanted))
    closest = n_parameters(n_features, n_outputs, mask, found, norm)
    if abs(closest - wanted) > TOLERANCE * wanted:
        raise UserError(
            f"model.widths must let mask {list(mask)} have the {wanted:,.0f} parameters of {list(reference)} within "
            f"{TOLERANCE:.0%}; got {closest:,.0f} at {list(found)}. Widen model.widths, or set capacity=nominal."
        )
    return found
