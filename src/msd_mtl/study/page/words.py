"""What the page says in words: questions, verdicts, settings, numbers."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from msd_mtl.study.answers.effect import Effect
from msd_mtl.study.answers.few import worth_said
from msd_mtl.study.answers.types import Analysis, Contrast, Question, Settings

MINUS = "\N{MINUS SIGN}"
NOTHING = 1e-5  # what is nearer to 0 matters to nobody, and may be the rounding of floats
NOT_KNOWN = "–"
NOT_SET = "null"  # a setting without a value, as contexts have it
METRICS = {
    "auroc": "AUROC",
    "average_precision": "AP",
    "balanced_accuracy": "balanced accuracy",
    "log_loss": "log loss",
    "rmse": "RMSE",
    "mae": "MAE",
    "r2": "R²",
    "macro_f1": "macro F1",
}

QUESTIONS: dict[Question, str] = {
    "benefit": "Is multi-task learning beneficial?",
    "size": "How does training size matter?",
    "coupling": "How does task coupling matter?",
    "depth": "How does the degree of sharing matter, and where?",
    "leak": "How much does a split by track give away?",
}
MEANING: dict[Question, str] = {
    "benefit": "Gain of sharing over learning the target without it.",
    "size": "Change of the gain from the smallest to the largest training size (least squares over log size).",
    "coupling": "Change of the gain from loosely to tightly coupled tasks.",
    "depth": "Change of the gain from few to many shared layers, with coupling, and between low and high layers.",
    "leak": "Score where artists of the test are in training, too (split by track), minus score where they are not.",
}
# What a study needs for the question to be asked of it.
NEEDS: dict[Question, str] = {
    "benefit": "runs with shared layers, and the target alone or unshared with the same seeds: sharing=none,low",
    "size": "two or more training sizes: data.train_size=500,2000",
    "coupling": "two or more couplings (data.coupling=0.0,0.9), or a tight and a loose task set (tasks=tight,loose)",
    "depth": "masks with different numbers of shared layers: sharing=low,full",
    "leak": "the same runs under both splits: data.split=artist,track",
}
VERDICTS = {
    "better": "better",
    "worse": "worse",
    "equivalent": "no difference that matters",
    "undecided": "undecided",
}


def meaning(question: Question, contrasts: Sequence[Contrast]) -> str:
    """What the contrasts of a question are."""
    said = MEANING[question]
    averaged = question == "benefit" and any(len(contrast.sizes) > 1 for contrast in contrasts)
    return f"{said.removesuffix('.')}, averaged over training sizes." if averaged else said


def metric_name(metric: str) -> str:
    """A metric as it is written: ``AUROC``."""
    return METRICS.get(metric, metric)


def number(value: float, digits: int = 3, *, signed: bool = False) -> str:
    """A number with a true minus sign; a dash where it is not known.

    One that would round to 0 has as many more digits as show its sign and size: an interval that ends below 0 says so.
    """
    if not math.isfinite(value):
        return NOT_KNOWN
    if abs(value) < NOTHING:
        return f"{0:.{digits}f}"
    if float(f"{value:.{digits}f}") == 0:
        digits = -int(f"{value:.0e}".partition("e")[2])
    return f"{value:{'+' if signed else ''}.{digits}f}".replace("-", MINUS)


def probability(value: float) -> str:
    """A p value with its relation: ``p = 0.012``, ``p < 0.001``."""
    if not math.isfinite(value):
        return f"p {NOT_KNOWN}"
    return "p < 0.001" if value < 0.001 else f"p = {value:.2g}"


def setting(context: Settings) -> str:
    """Settings in one line, those that are not set left out."""
    return ", ".join(f"{key} = {_value(value)}" for key, value in context if value != NOT_SET)


def brief(context: Settings) -> str:
    """Settings as a panel's title has room for them: ``control misalign, recipe paper2016``."""
    return ", ".join(briefly(context))


def briefly(context: Settings) -> list[str]:
    """Each setting as a panel's title has room for it, those that are not set left out."""
    parts = []
    for key, value in context:
        *group, leaf = key.split(".")
        if value != NOT_SET:
            parts.append(f"{group[-1] if leaf == 'name' and group else leaf} {_value(value)}")
    return parts


def _value(value: str) -> str:
    """A value of a setting; a mask as it is written everywhere, ``1111``."""
    return re.sub(r"[^01]", "", value) if re.fullmatch(r"\[[01](, [01])*\]", value) else value


def sentence_of(contrast: Contrast) -> str:
    """A contrast in a sentence, with its name and what it was made under: others may have the same name."""
    return f"{', '.join((contrast.name, *briefly(contrast.context)))}: {verdict_of(contrast)}"


def verdict_of(contrast: Contrast) -> str:
    """A contrast in a sentence, without its name."""
    return "".join(verdict_parts(contrast))


def verdict_parts(contrast: Contrast) -> tuple[str, str, str]:
    """The parts of the sentence: the verdict, what it rests on, and how few test artists it hangs on where few."""
    few = contrast.few_artists
    doubt = "" if few is None else f" ({worth_said(contrast.metric, few)}: not as sure as it says)"
    return *_verdict_parts(contrast), doubt


def _verdict_parts(contrast: Contrast) -> tuple[str, str]:
    effect, metric = contrast.effect, metric_name(contrast.metric)
    interval = f", 95 % interval {number(effect.low)} to {number(effect.high)}, {seeds(effect.n_pairs)}"
    if effect.estimate == effect.low == effect.high == 0:
        return "no difference at all", f": the runs score the same with {seeds(effect.n_pairs)} on all test artists"
    match effect.verdict:
        case "better" | "worse":
            way = _way(contrast)
            size = number(abs(effect.estimate))
            return f"{way} by {size} {metric}", f"{interval}, {probability(effect.p_holm)} (Holm)"
        case "equivalent":
            within = f"no difference beyond ±{effect.margin:g} {metric}: {number(effect.estimate, signed=True)}"
            return within, f"{interval}, {probability(effect.p_equivalence)} (two one-sided tests, Holm)"
        case "undecided":
            if effect.untested:
                return f"undecided: {effect.untested}", ""
            return f"undecided: {number(effect.estimate, signed=True)} {metric}", f"{interval}; {decided_by(effect)}"


def decided_by(effect: Effect) -> str:
    """What would decide an undecided contrast."""
    if effect.seeds_needed is None:
        return "no number of seeds would decide it: the test set is too small"
    return f"about {effect.seeds_needed:,} seeds would decide it"


def _way(contrast: Contrast) -> str:
    """The direction of a decided contrast, in the words of its question."""
    better = contrast.effect.verdict == "better"
    if contrast.question == "benefit":
        return "better" if better else "worse"
    if contrast.question == "leak":
        return "higher" if better else "lower"
    return "gain larger" if better else "gain smaller"


def seeds(n: int) -> str:
    """``1 seed``, ``5 seeds``."""
    return f"{n:,} seed{'' if n == 1 else 's'}"


def spread(values: Iterable[int]) -> str:
    """``3``, ``500 to 8,000``; a dash where there are none."""
    if not (found := list(values)):
        return NOT_KNOWN
    low, high = min(found), max(found)
    return f"{low:,} to {high:,}" if low < high else f"{high:,}"


def counted(n: int, what: str) -> str:
    """``1 run``, ``2,000 runs``."""
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def not_used(analysis: Analysis) -> str:
    """Runs that are not in the numbers, counted by how they stand: ``1 failed, 2 running``."""
    absent = analysis.absent
    counts = Counter(one.state for one in absent)
    if analysis.duplicates:
        counts["duplicate"] = sum(len(double.run_ids) for double in analysis.duplicates)
    return ", ".join(f"{n:,} {state}" for state, n in counts.items())


def tally(contrasts: Sequence[Contrast]) -> list[tuple[str, int]]:
    """Verdicts with their number, those that occur, from better to undecided."""
    counts = Counter(contrast.effect.verdict for contrast in contrasts)
    return [(verdict, counts[verdict]) for verdict in VERDICTS if counts[verdict]]  # type: ignore[index]


def leading(contrasts: Sequence[Contrast]) -> Contrast | None:
    """The contrast that says most: the surest decided one, else the surest equivalence, else the lowest p of no effect.

    Of several with the same, that which the fewest seeds would decide; then the largest.
    """

    def order(contrast: Contrast) -> tuple[float, ...]:
        effect = contrast.effect
        rank = {"better": 0, "worse": 0, "equivalent": 1, "undecided": 2}[effect.verdict]
        sure = effect.p_equivalence if rank == 1 else effect.p_holm
        return rank, sure if math.isfinite(sure) else math.inf, effect.seeds_needed or math.inf, -abs(effect.estimate)

    return min(contrasts, key=order, default=None)
