"""How often the answers of a study are wrong: thousands of simulated studies, each answered as real ones are.

    python benchmarks/calibration.py --studies 2000 --processes 2 --picture docs/power.png

prints the tables of docs/statistics.md as Markdown and draws the power curve.
"""

import argparse
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from statsmodels.stats.proportion import proportion_confint

from msd_mtl.study.answers.effect import Verdict
from msd_mtl.study.answers.simulation import Outcome, Setting, simulate
from msd_mtl.study.answers.simulation_of_splits import simulate_splits
from msd_mtl.study.answers.types import QUESTIONS, Question

VERDICTS: tuple[Verdict, ...] = ("better", "worse", "equivalent", "undecided")
ASKED: tuple[Question, ...] = ("benefit", "coupling", "depth")  # by runs of one size and one split
OF_SIZES: tuple[Question, ...] = ("size", *ASKED)
SEEDS, EFFECTS = (3, 5, 10), (0.005, 0.01, 0.02, 0.05)
BASE = Setting()
NOTHING = replace(BASE, lucky=0.0, taste=0.0)  # arms differ by the noise of training alone
QUIET = Setting(n_artists=400, lucky=0.01, taste=0.03, memory=0.05, noise=0.1)  # precise enough to show equivalence
QUIETER = replace(BASE, n_artists=400, lucky=0.002, taste=0.005, memory=0.02, noise=0.05)  # as precise in R2, accuracy
SETTINGS: dict[str, Setting] = {
    **{f"no effect, {n} seeds": replace(BASE, n_seeds=n) for n in (2, *SEEDS)},
    **{f"no effect, seeds differ much, {n} seeds": replace(BASE, lucky=0.2, n_seeds=n) for n in (3, 5)},
    "no effect, artists differ much": replace(BASE, taste=0.5),
    **{f"nothing differs, {n} seeds": replace(NOTHING, n_seeds=n) for n in (2, 3, 5)},
    "quiet, no effect": QUIET,
    "quiet, one effect of 0.01": replace(QUIET, effect=0.01),
    **{f"one effect of {e:g}, {n} seeds": replace(BASE, effect=e, n_seeds=n) for n in (5, 3, 10) for e in EFFECTS},
    "no effect, 100 artists": replace(BASE, n_artists=100),
    "no effect, 400 artists": replace(BASE, n_artists=400),
    "no effect, 1 artist in 10 positive": replace(BASE, prevalence=0.1),
    **{
        f"no effect{kind}, 10 seeds, {n} artists positive": replace(BASE, n_seeds=10, prevalence=n / 200, taste=taste)
        for kind, taste in ((", artists differ much", 0.5), ("", BASE.taste))
        for n in (5, 10, 15, 20, 30, 40)
    },
    **{
        f"{name}, {kind}": replace(setting, metric=metric)
        for metric, name in (("r2", "R2"), ("accuracy", "accuracy"))
        for kind, setting in {
            **{f"no effect, {n} seeds": replace(BASE, n_seeds=n) for n in (2, *SEEDS)},
            "no effect, seeds differ much, 3 seeds": replace(BASE, lucky=0.2, n_seeds=3),
            "no effect, artists differ much": replace(BASE, taste=0.5),
            **{f"nothing differs, {n} seeds": replace(NOTHING, n_seeds=n) for n in (2, 5)},
            "nothing differs, 2 seeds, 100 artists": replace(NOTHING, n_seeds=2, n_artists=100),
        }.items()
    },
    **{
        f"{name}, one effect of {e:g}, 5 seeds": replace(BASE, metric=metric, effect=e)
        for metric, name, effects in (("r2", "R2", (0.05, 0.1, 0.2)), ("accuracy", "accuracy", (0.02, 0.05, 0.1)))
        for e in effects
    },
    **{
        f"{name}, quiet, {kind}": replace(QUIETER, metric=metric, effect=e)
        for metric, name in (("r2", "R2"), ("accuracy", "accuracy"))
        for kind, e in (("no effect", 0.0), ("one effect of 0.01", 0.01))
    },
}
OF_POWER = [
    name
    for name, one in SETTINGS.items()
    if one == replace(BASE, effect=one.effect, n_seeds=one.n_seeds) and one.n_seeds in SEEDS
]
SIZES: dict[str, Setting] = {
    f"three sizes, {name}": replace(setting, sizes=(250, 500, 1000))
    for name, setting in {
        **{f"no effect, {n} seeds": replace(BASE, n_seeds=n) for n in (2, *SEEDS)},
        **{f"no effect, seeds differ much, {n} seeds": replace(BASE, lucky=0.2, n_seeds=n) for n in (3, 5)},
        "no effect, artists differ much": replace(BASE, taste=0.5),
        **{f"nothing differs, {n} seeds": replace(NOTHING, n_seeds=n) for n in (2, 5)},
        "quiet, no effect": QUIET,
        "quiet, one effect of 0.01": replace(QUIET, effect=0.01),
        **{f"one effect of {e:g}, {n} seeds": replace(BASE, effect=e, n_seeds=n) for n in SEEDS for e in (0.05, 0.1)},
        **{
            f"no effect, artists differ much, 10 seeds, {n} artists positive": replace(
                BASE, n_seeds=10, prevalence=n / 200, taste=0.5
            )
            for n in (20, 40)
        },
        "R2, no effect, 5 seeds": replace(BASE, metric="r2"),
        "accuracy, no effect, 5 seeds": replace(BASE, metric="accuracy"),
    }.items()
}
SPLITS: dict[str, tuple[Setting, bool]] = {  # and whether each seed has splits of its own
    f"{kind}, {name}, {n} seeds": (replace(setting, n_seeds=n), kind != "one split of each kind")
    for kind in ("splits of each seed", "one split of each kind")
    for name, setting in (
        ("no effect", BASE),
        ("artists differ much", replace(BASE, taste=0.5)),
        ("nothing differs", NOTHING),
    )
    for n in (5, 10)
}


@dataclass(frozen=True)
class Study:
    """What counts of a study.

    Attributes:
        false: Whether any contrast of a question is wrongly called better or worse, by question.
        false_equivalence: Whether any contrast of any question is wrongly called equivalent.
        covered: Share of the intervals that hold the truth; NaN where none is given, as of too few artists.
        verdict: Of the arm that an effect may be planted in.
    """

    false: tuple[bool, ...]
    false_equivalence: bool
    covered: float
    verdict: Verdict


def study(setting: Setting, seed: int) -> Study:
    """Simulate a study and see where it is wrong."""
    return _seen(simulate(setting, seed))


def study_of_splits(setting: Setting, each_seed: bool, seed: int) -> Study:
    """Simulate a study of splits and see where it is wrong."""
    return _seen(simulate_splits(setting, seed, each_seed=each_seed))


def _seen(outcomes: Sequence[Outcome]) -> Study:
    planted = next(one for one in outcomes if one.planted)
    return Study(
        tuple(any(one.is_false_difference for one in _of(outcomes, question)) for question in QUESTIONS),
        any(one.is_false_equivalence for one in outcomes),
        _share([one.covered for one in outcomes if not one.contrast.effect.untested]),
        planted.contrast.effect.verdict,
    )


def _share(happened: Sequence[bool]) -> float:
    return float(np.mean(happened)) if happened else float("nan")


def _of(outcomes: Sequence[Outcome], question: str) -> list[Outcome]:
    return [one for one in outcomes if one.contrast.question == question]


def head(asked: Sequence[Question]) -> str:
    """The first lines of a table."""
    columns = ["setting", *asked, "equivalent", "coverage", " / ".join(VERDICTS)]
    return f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}"


def rate(happened: Sequence[bool]) -> str:
    """A share in percent with its 95 % interval (Clopper and Pearson)."""
    low, high = proportion_confint(sum(happened), len(happened), method="beta")
    return f"{np.mean(happened):.1%} ({low:.1%}–{high:.1%})".replace("%", " %")


def row(name: str, studies: Sequence[Study], asked: Sequence[Question]) -> str:
    """A line of the table of these questions."""
    false = [rate([one.false[QUESTIONS.index(question)] for one in studies]) for question in asked]
    covered = [one.covered for one in studies if not np.isnan(one.covered)]
    half = 1.96 * np.std(covered, ddof=1) / np.sqrt(len(covered))
    coverage = f"{np.mean(covered):.1%} ± {half:.1%}".replace("%", " %")
    verdicts = [one.verdict for one in studies]
    shares = " / ".join(f"{verdicts.count(verdict) / len(verdicts):.1%}"[:-1] for verdict in VERDICTS)
    return f"| {' | '.join([name, *false, rate([one.false_equivalence for one in studies]), coverage, shares])} |"


def draw_power(path: Path, power: dict[int, dict[float, float]], n_studies: int) -> None:
    """Draw how often an effect is found."""
    figure = Figure(figsize=(6.4, 4), layout="constrained")
    axes = figure.subplots()
    for (n_seeds, curve), colour in zip(power.items(), ("#D55E00", "#0072B2", "#000000"), strict=True):
        shares = np.array(list(curve.values()))
        error = 1.96 * np.sqrt(shares * (1 - shares) / n_studies)
        axes.errorbar(list(curve), shares, error, marker="o", color=colour, capsize=2, label=f"{n_seeds} seeds")
    axes.axhline(0.8, color="0.6", linewidth=0.8, linestyle="--")
    axes.set(xlabel="planted gain in AUROC", ylabel="share of studies that call it better", ylim=(-0.02, 1.02))
    axes.set_title(
        f"{BASE.n_artists} test artists, six contrasts, {n_studies:,} studies a point", loc="left", fontsize=9
    )
    axes.legend(frameon=False)
    figure.savefig(path, dpi=120)


def main() -> None:
    """Print the table; draw the picture where one is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=2000, help="simulated studies of each setting")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="processes")
    parser.add_argument("--picture", type=Path, help="PNG file of the power curve")
    parser.add_argument("--only", default="", help="settings whose name contains this")
    chosen = parser.parse_args()
    tables: list[tuple[Sequence[Question], dict[str, Callable[[int], Study]]]] = [
        (ASKED, {name: partial(study, setting) for name, setting in SETTINGS.items()}),
        (OF_SIZES, {name: partial(study, setting) for name, setting in SIZES.items()}),
        (["leak"], {name: partial(study_of_splits, *given) for name, given in SPLITS.items()}),
    ]
    power: dict[int, dict[float, float]] = {n: {} for n in SEEDS}
    with ProcessPoolExecutor(chosen.processes) as pool:
        for asked, settings in tables:
            print(head(asked), flush=True)
            for name, make in settings.items():
                if chosen.only not in name:
                    continue
                studies = list(pool.map(make, range(chosen.studies), chunksize=20))
                print(row(name, studies, asked), flush=True)
                if name in OF_POWER:
                    setting = SETTINGS[name]
                    found = np.mean([one.verdict == "better" for one in studies])
                    power[setting.n_seeds][setting.effect] = float(found)
                    if chosen.picture is not None:
                        draw_power(chosen.picture, power, chosen.studies)
            print(flush=True)


if __name__ == "__main__":
    main()
