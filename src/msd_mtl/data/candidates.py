"""`msd-mtl tasks`: what a store can ask, how it relates to the target, and the task sets this suggests."""

import shlex
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from hydra.core.override_parser.types import Quote, QuotedString
from numpy.typing import NDArray
from omegaconf import DictConfig
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from msd_mtl.app import hydra_app
from msd_mtl.data.correlation import association, association_matrix, correlate_tags
from msd_mtl.data.splits import split_rows
from msd_mtl.data.store import Store
from msd_mtl.data.task import TAG_FAMILIES, task_of
from msd_mtl.errors import UserError, check_whole
from msd_mtl.overrides import literal

DRAWN = 16  # tasks on the heat map: more cannot be read


@dataclass(frozen=True)
class Candidate:
    """A task that could be trained beside the target.

    Attributes:
        name: Name of the task.
        n: Training tracks that know the task and the target.
        rarest: Of these, tracks with the rarer label of a binary task; else ``n``.
        prevalence: Share of positives of a binary task, else NaN.
        correlation: With the target; see ``msd_mtl.data.correlation.association``.
    """

    name: str
    n: int
    rarest: int
    prevalence: float
    correlation: float


def find_candidates(store: Store, target: str, train: NDArray[np.int64]) -> list[Candidate]:
    """All other tasks of a store, the most correlated with the target first.

    Args:
        store: The store.
        target: Name of the target.
        train: Training rows; no other row is looked at.

    Raises:
        UserError: If the store does not know the target.
    """
    labels = store.labels(target)[train]
    kind = task_of(target).kind
    found: list[Candidate] = []
    names = [name for name in store.names() if name != target]
    for family in TAG_FAMILIES:
        if not any(name.startswith(f"{family}:") for name in names):
            continue
        tags, matrix, known = store.tag_matrix(family)
        if kind == "multiclass":
            break
        scores = correlate_tags(matrix[train], known[train], labels)
        for tag, n, positive, r in zip(tags, scores.n, scores.positive, scores.correlation, strict=True):
            if (name := f"{family}:{tag}") != target and n:
                found.append(Candidate(name, int(n), int(min(positive, n - positive)), positive / n, float(r)))
    one_by_one = [name for name in names if ":" not in name or kind == "multiclass"]
    found += [_field_candidate(name, store.labels(name)[train], labels, target) for name in one_by_one]
    return sorted(found, key=lambda candidate: -np.nan_to_num(abs(candidate.correlation), nan=-1.0))


def suggest(candidates: list[Candidate], min_labelled: int, min_positive: int) -> tuple[list[str], list[str]]:
    """The two tags most correlated with the target, and the two fields least correlated with it.

    Fields, because among thousands of rare tags some are always uncorrelated.

    Args:
        candidates: As ``find_candidates`` returns them.
        min_labelled: Tracks that must know both.
        min_positive: And of them with the rarer label.

    Returns:
        Tight and loose auxiliary tasks.
    """
    usable = [c for c in candidates if c.n >= min_labelled and c.rarest >= min_positive and not np.isnan(c.correlation)]
    tags = sorted((c for c in usable if ":" in c.name), key=lambda c: -c.correlation)
    fields = sorted((c for c in usable if ":" not in c.name), key=lambda c: abs(c.correlation))
    return [c.name for c in tags[:2]], [c.name for c in fields[:2]]


def why_none(what: str, others: list[str], usable: list[str]) -> str:
    """Why ``suggest`` found no auxiliary task.

    Args:
        what: What the tasks of the set are, ``tag`` or ``field``.
        others: All tasks of the store but the target.
        usable: Of these, the tasks with enough labels.
    """
    for names, reason in (
        (others, f"the store has no {what} beside the target"),
        (usable, f"no {what} is labelled often enough"),
    ):
        if not any((":" in name) == (what == "tag") for name in names):
            return reason
    return f"no {what} that is labelled often enough has a correlation with the target"


def override(names: list[str], target: str) -> str:
    """Settings for `msd-mtl train` that can be pasted into a shell."""
    tasks = ", ".join(_as_setting(name) for name in [target, *names])
    return " ".join(shlex.quote(text) for text in (f"tasks.names=[{tasks}]", f"tasks.target={_as_setting(target)}"))


def _as_setting(name: str) -> str:
    """A name as Hydra's grammar has a text."""
    return QuotedString(literal(name), Quote.double).with_quotes()


def draw_heat_map(path: Path, names: list[str], matrix: NDArray[np.float64]) -> None:
    """Draw correlations of tasks with each other.

    Args:
        path: PNG file to write.
        names: Tasks.
        matrix: Their correlations, shape ``(tasks, tasks)``; NaN where two share no track.
    """
    from matplotlib.figure import Figure

    from msd_mtl.study.files import drawn, whole_file

    side = 2.5 + 0.5 * len(names)
    figure = Figure(figsize=(side + 1, side), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(matrix, cmap="RdBu_r", vmin=-1, vmax=1)
    labels = [drawn(name) for name in names]
    axes.set_xticks(range(len(names)), labels, rotation=60, ha="right")
    axes.set_yticks(range(len(names)), labels)
    for (i, j), value in np.ndenumerate(matrix):
        colour = "white" if abs(value) > 0.6 else "black"
        axes.text(j, i, "" if np.isnan(value) else f"{value:.2f}", ha="center", va="center", fontsize=7, color=colour)
    axes.set_title("Correlation of labels on all training tracks of the split that have both; blank: none has")
    figure.colorbar(image, shrink=0.7)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)


def _field_candidate(name: str, values: NDArray[np.float32], labels: NDArray[np.float32], target: str) -> Candidate:
    kind = task_of(name).kind
    both = values[~np.isnan(values) & ~np.isnan(labels)]
    share = float(both.mean(dtype=np.float64)) if kind == "binary" and len(both) else float("nan")
    rarest = len(both) if np.isnan(share) else round(min(share, 1 - share) * len(both))
    return Candidate(name, len(both), rarest, share, association(values, kind, labels, task_of(target).kind))


def candidate_table(candidates: list[Candidate], target: str, n_train: int, split: str) -> Table:
    """Candidates for the terminal.

    Args:
        candidates: What to show.
        target: Name of the target.
        n_train: Training tracks of the split, all of them: a run may take fewer.
        split: ``official``, ``artist`` or ``track``.
    """
    table = Table(
        "task", title=f"Tasks beside {escape(target)}, on all {n_train:,} training tracks of the {split} split"
    )
    for column in ("labelled with it", "positive", "correlation"):
        table.add_column(column, justify="right")
    for c in candidates:
        share = "" if np.isnan(c.prevalence) else f"{c.prevalence:.1%}"
        table.add_row(escape(c.name), f"{c.n:,}", share, "–" if np.isnan(c.correlation) else f"{c.correlation:+.3f}")
    return table


@hydra_app("tasks")
def main(cfg: DictConfig) -> None:
    """Entry point of the command."""
    for setting in ("min_labelled", "min_positive", "most"):
        check_whole(setting, cfg[setting], at_least=1)
    store, target = Store.open(cfg.data.store), cfg.tasks.target
    settings = {key: cfg.data[key] for key in ("split_seed", "val_fraction", "test_fraction")}
    train = split_rows(store.tracks(), cfg.data.split, **settings).rows["train"]
    candidates = find_candidates(store, target, train)
    usable = [c for c in candidates if c.n >= cfg.min_labelled and c.rarest >= cfg.min_positive]
    if not usable:
        raise UserError(
            f"tasks must have {cfg.min_labelled} training tracks in common with {target!r}; none of {len(candidates)} "
            "has. Lower min_labelled or try data.split=artist."
        )
    console = Console(emoji=False)
    console.print(candidate_table(usable[: cfg.most], target, len(train), cfg.data.split))
    left = len(candidates) - len(usable[: cfg.most])
    console.print(f"{left:,} more are rarer or less correlated: min_labelled=, min_positive= and most= show them.")
    tight, loose = suggest(candidates, cfg.min_labelled, cfg.min_positive)
    for kind, what, names in (("tight", "tag", tight), ("loose", "field", loose)):
        console.print(f"[bold]{kind}[/]:", end=" ")
        others = [name for name in store.names() if name != target]
        said = override(names, target) if names else why_none(what, others, [c.name for c in usable])
        console.out(said, highlight=False)
    if cfg.figure is not None:
        fields = [c.name for c in usable if ":" not in c.name]
        shown = list(dict.fromkeys([target, *tight, *(c.name for c in usable[: DRAWN - 1 - len(fields)]), *fields]))
        labels = [store.labels(name)[train] for name in shown]
        draw_heat_map(Path(cfg.figure), shown, association_matrix(labels, [task_of(name).kind for name in shown]))
        console.print(f"Heat map of their correlations: [bold]{escape(str(cfg.figure))}[/]")


if __name__ == "__main__":
    main()
