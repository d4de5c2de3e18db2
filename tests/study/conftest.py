"""A store of made-up official files, and runs on it; a W&B without an account."""

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import hydra
import numpy as np
import pytest
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig
from tests.conftest import composed
from tests.data import official

from msd_mtl.data.prepare import prepare
from msd_mtl.study.learning_curve import PICTURE

N_TRACKS, N_ARTISTS, N_WORDS = 500, 100, 60


@pytest.fixture(scope="session", autouse=True)
def composed_once() -> Iterator[None]:
    """Has reports of all tests compose once what they ask for, while the files that it is composed of stay alike."""
    kept: dict[object, DictConfig] = {}

    def compose(name: str, overrides: list[str]) -> DictConfig:
        sources = GlobalHydra.instance().config_loader().get_sources()
        folders = [Path(one.path) for one in sources if one.scheme() == "file"]
        files = [file for folder in folders for file in sorted(folder.rglob("*.yaml"))]
        made_of = (name, *overrides, *((file, file.read_bytes()) for file in files))
        if made_of not in kept:
            kept[made_of] = hydra.compose(name, overrides)
        return kept[made_of]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("msd_mtl.study.answers.composed.compose", compose)
        yield


@pytest.fixture(scope="session")
def msd_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """500 tracks of 100 artists: a tenth of the artists without terms, a third of the years unknown."""
    rng = np.random.default_rng(0)
    raw = tmp_path_factory.mktemp("raw")
    artists = rng.integers(0, N_ARTISTS, N_TRACKS)
    rows, songs = {}, []
    for number, artist in enumerate(artists.tolist()):
        words = rng.choice(N_WORDS, 12, replace=False) + 1
        rows[official.track(number)] = {int(word): int(rng.integers(1, 5)) for word in words}
        told = {"loudness": float(rng.normal(-10, 3)), "year": int(rng.integers(1960, 2010)) * (number % 3 > 0)}
        songs.append(official.song(official.track(number), official.artist(artist), f"artist {artist}", **told))
    official.write_mxm(raw / "mxm_dataset_train.txt", rows, [f"word{i}" for i in range(N_WORDS)])
    official.write_songs(raw / official.SUMMARY, songs)
    terms = [
        (official.artist(artist), term)
        for artist in range(N_ARTISTS)
        if artist % 10
        for term in ("pop", "pop rock", "ballad", "other")
        if term == "other" or rng.random() < 0.5
    ]
    official.write_artist_term(raw / "artist_term.db", terms)
    store = tmp_path_factory.mktemp("store") / "store.h5"
    prepare(raw, store)
    return store


@pytest.fixture
def msd_run(tmp_path: Path, msd_store: Path) -> Callable[..., DictConfig]:
    """Composes the configuration of a small run on the store, with further overrides."""
    small = ["data=msd", f"data.store={msd_store}", "data.split=artist", "data.train_size=200", "data.batch_size=50"]
    small += ["model.widths=[16,12,8,8]", "trainer.max_epochs=3", "trainer.enable_progress_bar=false"]

    return partial(composed, tmp_path, *small, "baselines=false")


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has runs of this process leave an empty picture: drawing it takes nearly as long as a small run."""
    monkeypatch.setattr(
        "msd_mtl.study.learning_curve.draw_learning_curve", lambda folder, _: (folder / PICTURE).touch()
    )


@pytest.fixture
def own_wandb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A W&B of the test's own: no account, no settings of the user, no process left behind."""
    import wandb

    from msd_mtl.study.wandb_run import GuardedRun

    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("WANDB_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("WANDB_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("WANDB_ERROR_REPORTING", "false")
    monkeypatch.setattr(GuardedRun, "_unreachable", False)
    yield
    wandb.teardown()
