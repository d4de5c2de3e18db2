"""What a contrast came to. Nothing here computes."""

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["better", "worse", "equivalent", "undecided"]


@dataclass(frozen=True)
class Effect:
    """What a contrast came to, in the unit of its metric.

    Attributes:
        estimate: Mean over seeds; NaN without any.
        low: Lower end of the 95 % interval over seeds and test artists; NaN with fewer than two seeds.
        high: Upper end.
        p: Two-sided, of no effect.
        p_holm: The same, corrected within its question.
        p_equivalence: Of an effect beyond the margin, the larger of the two one-sided tests, corrected likewise.
        verdict: What may be said.
        margin: Effects within plus or minus this count as none.
        n_pairs: Seeds it rests on.
        untested: Why there is no interval, and no verdict; empty where there is one.
        se_seeds: Standard error over seeds, in what is particular to each.
        se_artists: Standard error over test artists, in what all seeds have in common.
        df: Degrees of freedom of Student's t that makes the same interval of the two standard errors together.
        seeds_needed: Seeds that would decide an undecided contrast; None where it is decided or no number would.
    """

    estimate: float
    low: float
    high: float
    p: float
    p_holm: float
    p_equivalence: float
    verdict: Verdict
    margin: float
    n_pairs: int
    untested: str
    se_seeds: float
    se_artists: float
    df: float
    seeds_needed: int | None
