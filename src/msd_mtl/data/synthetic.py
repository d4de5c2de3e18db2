"""The DataModule over synthetic worlds, where it is known what tasks have in common and what can be learnt."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from msd_mtl.data.datamodule import Labels, MultiTaskDataModule
from msd_mtl.data.task import Task
from msd_mtl.data.tracks import Tracks
from msd_mtl.data.worlds import World, make_world


class SyntheticDataModule(MultiTaskDataModule):
    """Lyrics-like rows with planted tasks, one for each name of the task set and of its kind.

    Args:
        world: Settings of the world; see ``msd_mtl.data.worlds.make_world``.
        coupling: How much the auxiliary tasks have in common with the target, 0 to 1.
        **settings: See ``MultiTaskDataModule``.
    """

    def __init__(self, world: Mapping[str, Any], coupling: float, **settings: Any) -> None:
        super().__init__(**settings)
        self.world: World = _world(self.tasks, self.target, json.dumps({**world, "coupling": coupling}, sort_keys=True))

    def source(self) -> tuple[Tracks, Labels]:
        """The world's tracks and labels."""
        return self.world.tracks, dict(self.world.labels)

    def bayes(self) -> dict[str, dict[str, float]]:
        """Scores of the best possible predictor on the test rows; none under a control, which breaks the truth."""
        if self.control is not None:
            return {}
        return {task.name: self.world.bayes(task.name, self.parts["test"].rows) for task in self.tasks}

    def summary(self) -> dict[str, Any]:
        """As of every DataModule, with what the world says of each coupling, planted and measured."""
        summary = super().summary()
        for name, planted in self.world.measured_coupling.items():
            summary["coupling"][name]["planted"] = dict(planted)
        return summary


@lru_cache(maxsize=4)
def _world(tasks: tuple[Task, ...], target: str, settings: str) -> World:
    """A world, kept for the next run of this process."""
    return make_world(tasks, target, **json.loads(settings))
