"""Analyses made by hand: what the page must cope with, without a run."""

import csv
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from msd_mtl.study.answers.effect import Effect, Verdict
from msd_mtl.study.answers.types import Absent, Analysis, Arm, CellResult, Contrast, Duplicate, Question, Run

MASKS4 = ["".join(bits) for bits in product("01", repeat=4)]
TARGET = "term:pop"
HOSTILE = "<script>alert(1)</script> & $x_1$ \\textbf{%} "
LONG = "a very long tag " * 20


def effect(estimate: float, verdict: Verdict = "undecided", n: int = 5, spread: float = 0.01) -> Effect:
    nan = float("nan")
    known = n > 1
    return Effect(
        estimate=estimate,
        low=estimate - 2 * spread if known else nan,
        high=estimate + 2 * spread if known else nan,
        p=nan if not known else 1e-5 if verdict == "better" else 0.02,
        p_holm=0.04 if verdict in ("better", "worse") else 0.4,
        p_equivalence=0.01 if verdict == "equivalent" else 0.6,
        verdict=verdict,
        margin=0.01,
        n_pairs=n,
        untested="" if known else f"{n} seed, and two are the least that show a spread",
        se_seeds=spread,
        se_artists=spread / 2,
        df=5.5,
        seeds_needed=12 if verdict == "undecided" else None,
    )


def contrast(question: Question = "benefit", name: str = "tight, low (1100)", **changes: Any) -> Contrast:
    given = changes.pop("effect", effect(0.021, "better", spread=0.0065))
    base = Contrast(
        question=question,
        name=name,
        context=(),
        target=TARGET,
        metric="auroc",
        task_set="tight",
        mask="1100",
        coupling=None,
        sizes=(500,),
        reference="single task",
        per_seed={seed: given.estimate + 0.004 * (seed - 2) for seed in range(given.n_pairs)},
        effect=given,
        few_artists=None,
        missing=(),
    )
    return replace(base, **changes)


def record(arm: Arm, seed: int, study: dict[str, Any]) -> dict[str, Any]:
    parts = ("train", "val", "test")
    labels = {part: dict.fromkeys(arm.tasks, 900) for part in parts}
    data: dict[str, Any] = {"name": "synthetic", "split": "artist", "split_seed": 0, "train_size": arm.train_size}
    config: dict[str, Any] = {
        "data": {**data, "coupling": arm.coupling, "epoch_steps": None, "control": None},
        "tasks": {"names": list(arm.tasks), "target": arm.target},
        "sharing": {"mask": [int(bit) for bit in arm.mask]},
        "model": {"match_parameters": None},
        "study": study,
        "seed": seed,
        "runs_dir": "runs",
    }
    for key, value in arm.context:
        group, _, leaf = key.partition(".")
        config.setdefault(group, {})[leaf] = None if value == "null" else value
    measured = {"value": 0.4, "low": 0.35, "high": 0.45, "n": 880, "kind": "phi"}
    return {
        "study": study["name"],
        "config": config,
        "data": {
            "fingerprint": "synthetic",
            "rows": {"train": arm.train_size, "val": 850, "test": 1200},
            "artists": {"train": 300, "val": 120, "test": 180},
            "labelled": labels,
            "prevalence": {part: {arm.target: 0.49} for part in parts},
            "dropped": {"tracks without a label of the task set": 3},
            "coupling": {task: {"label": measured, "planted": None} for task in arm.tasks if task != arm.target},
            "overlap": {task: 880 for task in arm.tasks if task != arm.target},
        },
        "metrics": {"val": {arm.target: {"error": 0.3 + 0.01 * seed}}},
        "baselines": {"val": {arm.target: {"trivial": {"error": 0.49}}}},
        "environment": {"python": "3.11.7", "platform": "Linux x86_64", "cpus": 2, "packages": {"torch": "2.13.0"}},
        "threads": 1,
        "started_at": f"2016-01-0{1 + seed % 9}T00:00:00+00:00",
    }


def write_history(folder: Path, target: str, n_epochs: int = 12, level: float = 0.7) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "history.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["epoch", "step", f"val/{target}/auroc", f"val/{target}/error"])
        for epoch in range(n_epochs):
            score = level - 0.2 / (epoch + 1)
            rows.writerow([epoch, 8 * epoch, score, 1 - score])


def analysis(
    folder: Path,
    *,
    study: str = "made",
    masks: Sequence[str] = ("0000", "1100", "0011", "1001", "1111"),
    task_sets: Sequence[tuple[str, tuple[str, ...]]] = (("tight", (TARGET, "term:pop rock", "term:ballad")),),
    sizes: Sequence[int] = (500, 2000, 8000),
    couplings: Sequence[float | None] = (0.0, 0.9),
    contexts: Sequence[tuple[tuple[str, str], ...]] = ((),),
    n_seeds: int = 3,
    histories: bool = True,
    target: str = TARGET,
    report: dict[str, Any] | None = None,
) -> Analysis:
    """A study with every combination, no sharing as its reference, and scores that follow a formula."""
    settings = {"name": study, "report": report} if report else {"name": study}
    draws = np.random.default_rng(0)
    runs: list[Run] = []
    cells: list[CellResult] = []
    contrasts: list[Contrast] = []
    for context, (name, tasks), coupling, size, mask in product(contexts, task_sets, couplings, sizes, masks):
        arm = Arm(name, tasks, target, mask, size, coupling, context)
        base = 0.6 + 0.03 * np.log2(size / 250)
        gain = 0.02 * mask.count("1") * ((coupling or 0.3) - 0.4)
        scores = {seed: float(base + gain + draws.normal(0, 0.008)) for seed in range(n_seeds)}
        mean, metric, is_reference = float(np.mean(list(scores.values()))), "auroc", "1" not in mask
        parameters = 100_000 - 17_000 * mask.count("1")
        verdict: Verdict = "better" if gain > 0.03 else "worse" if gain < -0.02 else "undecided"
        common: dict[str, Any] = {
            "linear": base,
            "trivial": 0.5,
            "bayes": 0.85,
            "n_parameters": parameters,
            "seconds": 2.5,
        }
        known = dict.fromkeys(("linear", "trivial", "bayes"), n_seeds)
        found = None if is_reference else effect(gain, verdict, n_seeds)
        gains = {} if is_reference else {seed: gain + 0.004 * seed for seed in scores}
        reference = None if is_reference else "no sharing"
        limits = (mean - 0.01, mean + 0.01)
        cells.append(
            CellResult(arm, metric, n_seeds, scores, mean, *limits, gains, found, reference, known=known, **common)
        )  # type: ignore[arg-type]
        for seed, score in scores.items():
            run_id = f"{len(runs):016x}"
            if histories:
                write_history(folder / run_id, target, level=score)
            runs.append(Run(run_id, arm, seed, folder / run_id, record(arm, seed, settings), metric, score, **common))
        if size == sizes[0] and not is_reference:
            at = "" if coupling is None else f", coupling {coupling:g}"
            given = effect(gain, verdict, n_seeds)
            where = {
                "context": context,
                "task_set": name,
                "mask": mask,
                "coupling": coupling,
                "target": target,
                "effect": given,
                "sizes": tuple(sizes),
            }
            contrasts.append(contrast("benefit", f"{name}, {mask}{at}", **where))
            if len(sizes) > 1:
                contrasts.append(contrast("size", f"{name}, {mask}{at}", **where))
            if coupling == couplings[-1] and len(couplings) > 1:
                contrasts.append(contrast("coupling", f"{name}, {mask}", **where))
    for context, (name, _) in product(contexts, task_sets):
        where = {"context": context, "task_set": name, "target": target, "mask": None, "sizes": tuple(sizes)}
        contrasts.append(
            contrast("depth", f"{name}, slope over depth", effect=effect(0.002, "equivalent", n_seeds), **where)
        )
    return Analysis(
        study=study,
        metrics={target: "auroc"},
        margins={"auroc": 0.01},
        runs=tuple(runs),
        cells=tuple(cells),
        contrasts=tuple(sorted(contrasts, key=lambda c: ("benefit", "size", "coupling", "depth").index(c.question))),
        expected=len(runs),
        completed=len(runs),
        failed=(),
        missing=(),
        running=(),
        damaged=(),
        duplicates=(),
        warnings=(),
        report=report or {},
    )


def hostile(folder: Path) -> Analysis:
    """A study whose every name is an attack or too long, with all that can be missing."""
    tag = f"term:{HOSTILE}"
    made = analysis(
        folder,
        study=f"{HOSTILE}{LONG}",
        masks=("0000", "1100"),
        task_sets=((f"{tag} + {LONG}", (tag, f"lastfm:{LONG}")),),
        contexts=((("data.control", HOSTILE),),),
        couplings=(None,),
        target=tag,
    )
    arm = made.cells[0].arm
    absent = Absent("f" * 16, "failed", f"{HOSTILE}{LONG}", f"ValueError: {HOSTILE}")
    return replace(
        made,
        contrasts=tuple(replace(c, name=f"{HOSTILE}{c.name}", missing=(HOSTILE,)) for c in made.contrasts),
        failed=(absent,),
        missing=(replace(absent, state="missing", error=""),),
        duplicates=(Duplicate(arm, 0, ("a" * 16, "b" * 16), (HOSTILE,)),),
        warnings=(HOSTILE, LONG),
        expected=made.expected + 4,
    )


def reported(folder: Path, **changes: Any) -> Analysis:
    """A study like the original, that asks for the original's curves beside its own."""
    contexts = [
        (("data.control", control), ("recipe.name", recipe))
        for control, recipe in product(("null", "misalign"), ("paper2016", "default"))
    ]
    given: dict[str, Any] = {
        "study": "again",
        "masks": ("1100", "0011", "1001"),
        "task_sets": (
            ("pop", (TARGET,)),
            ("tight", (TARGET, "term:pop rock", "term:ballad")),
            ("loose", (TARGET, "loudness", "year")),
        ),
        "sizes": (500, 1000),
        "couplings": (None,),
        "contexts": contexts,
        "report": {"questions": ["size", "benefit"], "curves": "paper2016"},
    }
    return analysis(folder, **given | changes)
