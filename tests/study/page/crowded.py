"""A study with all that can stand above the first figure."""

from dataclasses import replace

from msd_mtl.study.answers.types import Absent

from .made import analysis

WARNINGS = [
    f"term:pop, data.control=null, data.target_train_size=300, data.world.common={common}: no single-task runs; gains "
    "are over no sharing (mask 0000)."
    for common in ("low", "high", "none")
]


def crowded(folder):
    """All that can stand in the head: two metrics, settings, every question, long names, missing runs, warnings."""
    tasks = ("term:pop", "loudness", "year", "tempo", "duration")
    contexts = [(("data.target_train_size", "300"), ("data.world.common", common)) for common in ("low", "high")]
    made = analysis(folder, task_sets=((" + ".join(tasks), tasks),), sizes=(500, 1000), contexts=contexts)
    absent = (Absent("f" * 16, "missing", "tasks=tight seed=3", ""),)
    metrics = {"term:pop": "auroc", "term:pop rock": "auroc", "term:ballad": "auroc", "loudness": "r2", "year": "r2"}
    return replace(made, metrics=metrics, margins={"auroc": 0.01, "r2": 0.01}, warnings=WARNINGS, missing=absent)
