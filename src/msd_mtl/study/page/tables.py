"""The tables of results: every cell, every contrast, and the runs that are not there."""

from collections.abc import Mapping, Sequence

from msd_mtl.study.answers.effect import Effect
from msd_mtl.study.answers.types import Analysis, CellResult, Contrast
from msd_mtl.study.page.figures.basis import all_taken, keeps_some
from msd_mtl.study.page.table import Column, Table
from msd_mtl.study.page.words import METRICS, counted, setting, spread

BASELINES = {"linear": "linear", "trivial": "trivial", "bayes": "best possible"}


def cell_table(analysis: Analysis) -> Table:
    """Every cell with its scores, gain, size and time."""
    cells = analysis.cells
    gains = [cell.gain for cell in cells if cell.gain is not None]
    medians, most = (
        [f"{size:,} of {spread(taken)}" for size, taken in sorted(all_taken(runs).items()) if len(set(taken)) > 1]
        for runs in ([run for run in analysis.runs if keeps_some(run) == some] for some in (False, True))
    )
    of_many = " (median)" if medians else " (most)" if most else ""
    columns = [
        Column("task_set", "tasks", folds=True),
        *([Column("target", "target", folds=True)] if len(analysis.metrics) > 1 else []),
        *([Column("context", "under")] if any(cell.arm.context for cell in cells) else []),
        *(
            [Column("coupling", "coupling", digits=2, folds=True)]
            if any(c.arm.coupling is not None for c in cells)
            else []
        ),
        Column("mask", "sharing"),
        Column("train_size", f"training tracks{of_many}", digits=0, folds=True),
        Column("metric", "metric", names=METRICS, folds=True),
        Column("n", "seeds", digits=0, folds=True),
        *_numbers("mean low high", "score|low|high"),
        *_numbers("gain gain_low gain_high", "gain|low|high", signed=True),
        *_seeds_of({"gain": "the gain"} if any(c.gain and c.gain.n_pairs != c.n for c in cells) else {}),
        Column("p_holm", "p (Holm)", digits=3, is_probability=True, about="p of no gain, corrected over all cells"),
        Column("verdict", "verdict"),
        *_numbers(" ".join(BASELINES), "|".join(BASELINES.values())),
        *_seeds_of(BASELINES if any(_lacks_baselines(c) for c in cells) else {}),
        Column("n_parameters", "parameters", digits=0),
        Column("seconds", "seconds", digits=1),
    ]
    caption = (
        "Test score of the target, mean over seeds; gain over the reference of the same seed; 95 % intervals over "
        "seeds and test artists; p of no gain, after Holm over all cells; seconds of a run."
        f"{_untested(gains, 'gain', analysis.n_lacking)}"
    )
    if medians:
        caption += f" Where runs take all training tracks of their split, theirs are the median: {', '.join(medians)}."
    if most:
        caption += f" Where only some of all tracks keep the target's label, theirs are the most: {', '.join(most)}."
    masks = [None if cell.arm.is_alone else cell.arm.mask for cell in cells]
    return Table("cells", "All cells", caption, columns, [_cell(cell) for cell in cells], masks)


def _untested(effects: Sequence[Effect], what: str, n_lacking: int = 0) -> str:
    """What is said of a family that has members without a test; nothing where all are tested, or none is."""
    n = sum(bool(effect.untested) for effect in effects) + n_lacking
    if n == 0 or all(effect.untested for effect in effects):
        return ""
    return f" Of {counted(len(effects) + n_lacking, what)} asked for, {n:,} could not be tested: each counts as p = 1."


def _numbers(keys: str, heads: str, *, signed: bool = False) -> list[Column]:
    pairs = zip(keys.split(), heads.split("|"), strict=True)
    return [Column(key, head, digits=3, signed=signed) for key, head in pairs]


def _seeds_of(means: Mapping[str, str]) -> list[Column]:
    """How many seeds a mean rests on that may be over fewer than the score."""
    return [Column(f"n_{key}", f"seeds of {head}", digits=0) for key, head in means.items()]


def _lacks_baselines(cell: CellResult) -> bool:
    """Whether what a score is to be read against is a mean over some of the seeds."""
    return any(0 < n < cell.n for n in cell.known.values())


def _cell(cell: CellResult) -> dict[str, object]:
    arm, gain = cell.arm, cell.gain
    found = {
        **vars(cell),
        **vars(arm),
        "mask": "alone" if arm.is_alone else arm.mask,
        "context": setting(arm.context),
        "gain": None,
        **{f"n_{name}": n for name, n in cell.known.items()},
    }
    if gain is not None:
        found |= {
            "gain": gain.estimate,
            "gain_low": gain.low,
            "gain_high": gain.high,
            "n_gain": gain.n_pairs,
            "p_holm": gain.p_holm,
            "verdict": gain.verdict,
        }
    return found


def contrast_table(name: str, title: str, contrasts: Sequence[Contrast]) -> Table:
    """Contrasts with everything that was computed of them."""
    columns = [
        Column("name", "contrast"),
        *([Column("context", "under")] if any(c.context for c in contrasts) else []),
        *([Column("target", "target")] if len({c.target for c in contrasts}) > 1 else []),
        Column("verdict", "verdict"),
        *_numbers("estimate low high", "effect|low|high", signed=True),
        Column("metric", "metric", names=METRICS, folds=True),
        Column("n_pairs", "seeds", digits=0, folds=True),
        Column("p", "p", digits=3, is_probability=True, about="p of no effect"),
        Column(
            "p_holm", "p (Holm)", digits=3, is_probability=True, about="p of no effect, corrected over the question"
        ),
        Column(
            *("p_equivalence", "p (equiv.)"),
            digits=3,
            is_probability=True,
            about="p of an effect beyond the margin, two one-sided tests, corrected over the question",
        ),
        Column("se_seeds", "s.e. seeds", digits=4, about="standard error over seeds"),
        Column("se_artists", "s.e. artists", digits=4, about="standard error over test artists"),
        Column("df", "d.f.", digits=1, about="degrees of freedom"),
        Column(
            "seeds_needed", "seeds to decide", digits=0, about="seeds that would decide it, if a number of them would"
        ),
        Column("reference", "gain over", folds=True),
        *(
            [Column("few_artists", "worth of the test artists", digits=0, about="as many of equal size", folds=True)]
            if any(c.few_artists is not None for c in contrasts)
            else []
        ),
        *([Column("missing", "missing")] if any(c.missing for c in contrasts) else []),
    ]
    rows = [
        {**vars(c), **vars(c.effect), "context": setting(c.context), "missing": "; ".join(c.missing)} for c in contrasts
    ]
    caption = (
        "Effects with 95 % intervals over seeds and test artists; p corrected within the question (Holm)."
        f"{_untested([c.effect for c in contrasts], 'contrast')}"
    )
    return Table(name, title, caption, columns, rows, [c.mask for c in contrasts])


def absent_table(analysis: Analysis) -> Table:
    """Runs of the study that are not in its numbers, and why."""
    absent = analysis.absent
    rows = [{"run_id": a.run_id, "state": a.state, "cell": a.cell, "error": a.error} for a in absent]
    rows += [
        {
            "run_id": " ".join(double.run_ids),
            "state": "duplicate",
            "cell": f"{double.arm.task_set} {double.arm.mask}, {double.arm.train_size:,} tracks, seed {double.seed}",
            "error": f"differ in {', '.join(double.differ) or 'the version of the code alone'}",
        }
        for double in analysis.duplicates
    ]
    columns = [Column("run_id", "run"), Column("state", "state"), Column("cell", "what"), Column("error", "why")]
    return Table("absent", "Runs that are not in the numbers", "Nothing stands in for them.", columns, rows)
