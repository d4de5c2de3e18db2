"""The DataModule over a store of Million Song Dataset files."""

from functools import lru_cache
from typing import Any

from msd_mtl.data.datamodule import Labels, MultiTaskDataModule
from msd_mtl.data.store import Store
from msd_mtl.data.tracks import Tracks


class MSDDataModule(MultiTaskDataModule):
    """Lyrics and labels of a store written by ``msd-mtl prepare``.

    Args:
        store: Path of the store.
        **settings: See ``MultiTaskDataModule``.
    """

    def __init__(self, store: str, **settings: Any) -> None:
        super().__init__(**settings)
        self.store = Store.open(store)

    def source(self) -> tuple[Tracks, Labels]:
        """The store's tracks, and the labels of the tasks."""
        tracks = _tracks(str(self.store.path), self.store.content_hash)
        return tracks, {task.name: self.store.labels(task.name) for task in self.tasks}


@lru_cache(maxsize=1)
def _tracks(path: str, content_hash: str) -> Tracks:  # noqa: ARG001  # the hash tells a rewritten store from the old one
    """Tracks of a store, kept for the next run of this process."""
    return Store.open(path).tracks()
