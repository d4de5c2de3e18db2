"""A run as Weights & Biases shows it: configuration, epochs, and what the record says at the end."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from msd_mtl.data.task import task_of
from msd_mtl.errors import UserError
from msd_mtl.study.given import mark_given
from msd_mtl.study.identity import without
from msd_mtl.study.record import HISTORY, Record, is_completed, read_record, sharing_of
from msd_mtl.study.selection import HEADLINE, improvement
from msd_mtl.study.wandb_run import GuardedRun, Mode, WandbSettings

if TYPE_CHECKING:  # Lightning takes seconds to import, which a run that is done need not wait for
    from pytorch_lightning.callbacks import Callback

# Settings of this machine, not of the run.
LOCAL = ("runs_dir", "logger", "data.store")

# What of a record is not a result, or is shown as configuration.
DESCRIPTION = ("schema_version", "run_id", "study", "cell", "seed", "config", "environment")

LONGEST_TAG = 64  # characters; W&B's limit


class WandbView:
    """Shows a run on W&B, under the run's own id.

    Args:
        project: W&B project.
        entity: User or team; None for that of the API key.
        mode: ``online``, ``offline`` or ``disabled``.
        job_type: W&B job type.
        tags: Tags beside those that tell data, target, sharing and recipe.
        system_metrics: Log the use of CPU, GPU and memory.
        init_timeout_s: Seconds to wait for W&B before a run is logged offline.
        finish_timeout_s: Seconds to wait at the end for what is not uploaded yet.

    Raises:
        UserError: If the mode is unknown.
    """

    def __init__(
        self,
        project: str,
        entity: str | None = None,
        mode: Mode = "online",
        job_type: str = "train",
        tags: Sequence[str] = (),
        system_metrics: bool = False,
        init_timeout_s: float = 20.0,
        finish_timeout_s: float = 10.0,
    ) -> None:
        if mode not in get_args(Mode):
            raise UserError(f"logger.mode must be one of {', '.join(get_args(Mode))}; got {mode!r}.")
        self.place = {"project": project, "entity": entity}
        self.job_type = job_type
        self.tags = tuple(tags)
        self.settings = WandbSettings(mode, system_metrics, init_timeout_s, finish_timeout_s)
        self.run: GuardedRun | None = None

    def open(self, folder: Path, record: Record) -> list[Callback]:
        """Begin to show a run.

        Args:
            folder: Run directory; made where it is missing.
            record: What is known of the run before it begins, or all of it.

        Returns:
            The callback that shows its epochs, where there are some to come.
        """
        folder.mkdir(parents=True, exist_ok=True)  # W&B may take one for temporary files where it is missing
        told = self.place | {"job_type": self.job_type} | description(record, self.tags)
        self.run = GuardedRun(folder, self.settings, told)
        self.run.open()
        if is_completed(record):
            return []
        from msd_mtl.study.wandb_epochs import ShowEpochs

        return [ShowEpochs(self.run)]

    def close(self, folder: Path) -> None:
        """Show what the run directory says of the end.

        Args:
            folder: Run directory.
        """
        record = read_record(folder)
        if self.run is None or record is None:
            return
        ended = self.run.close(read_history(folder), summary(record), record["status"])
        if ended and self.settings.mode != "disabled":
            mark_given(folder, self.place)


def description(record: Record, tags: Sequence[str] = ()) -> dict[str, Any]:
    """What ``wandb.init`` is told of a run.

    Args:
        record: Record of the run, begun or ended.
        tags: Further tags.

    Returns:
        ``id``, ``name``, ``group``, ``tags`` and ``config``: the resolved configuration without paths of this machine,
        and in ``cell`` the coordinates of a sweep in a form that W&B can group by.
    """
    cell, config = record["cell"], record["config"]
    sharing = "".join(map(str, cell["sharing_mask"]))
    coordinates = {**cell, "tasks": ", ".join(cell["tasks"]), "sharing": sharing, "depth": sharing.count("1")}
    coupling = "" if cell["coupling"] is None else f", coupling {cell['coupling']:g}"
    told = [cell["data"], cell["target"], sharing_of(record), cell["recipe"], *tags]
    return {
        "id": record["run_id"],
        "name": f"{cell['target']}, {sharing_of(record)}, {cell['train_size']} tracks{coupling}, seed {record['seed']}",
        "group": record["study"],
        "tags": [str(tag)[:LONGEST_TAG] for tag in dict.fromkeys(told) if tag],
        "config": {
            **without(config, LOCAL),
            "cell": coordinates,
            "fingerprint": record["data"]["fingerprint"],
            "environment": record["environment"],
        },
    }


def summary(record: Record) -> dict[str, Any]:
    """What W&B shows as the result of a run: the numbers and words of its record, by flat keys.

    Args:
        record: A record of any status.

    Returns:
        Metrics by ``{split}/{task}/{metric}``, the rest by its path in the record, and ``target/...``: what the study
        asks about, beside what it is to be read against.
    """
    results = {key: value for key, value in record.items() if key not in DESCRIPTION}
    metrics = results.pop("metrics", {})
    return dict(_flat({**results, **metrics})) | target_of(record)


def target_of(record: Record) -> dict[str, Any]:
    """Test score of the target, beside baselines and the best that is possible, by flat keys.

    Args:
        record: A record of any status; what it does not know yet is left out.

    Returns:
        ``target/{key}``; score and gain also as ``target/{key}/{task}``, for studies of several targets.
    """
    target = record["cell"]["target"]
    kind = task_of(target).kind
    metric = HEADLINE[kind]
    score = record.get("metrics", {}).get("test", {}).get(target, {}).get(metric)
    shown = {"metric": metric, "score": score}
    baselines = record.get("baselines", {}).get("test", {}).get(target, {})
    shown |= {name: scores.get(metric) for name, scores in baselines.items()}
    shown["possible"] = record.get("bayes", {}).get("test", {}).get(target, {}).get(metric)
    if score is not None and shown.get("linear") is not None:
        shown["gain_over_linear"] = improvement(kind, metric, score, shown["linear"])
    of_this = {f"{key}/{target}": shown.get(key) for key in ("score", "gain_over_linear")}
    return {f"target/{key}": value for key, value in (shown | of_this).items() if value is not None}


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, item in value.items():
        if isinstance(item, Mapping):
            yield from _flat(item, f"{prefix}{key}/")
        elif item is not None and not isinstance(item, list):
            yield f"{prefix}{key}", item


def read_history(folder: Path) -> list[dict[str, float]]:
    """Epochs of a run, from its ``history.csv``; none where there is no such file.

    Args:
        folder: Run directory.
    """
    path = folder / HISTORY
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [
            {key: int(text) if key in ("epoch", "step") else float(text) for key, text in row.items() if text}
            for row in csv.DictReader(file)
        ]
