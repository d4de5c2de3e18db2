"""A run that was cut off and goes on ends with the bits of one that was not."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from omegaconf import DictConfig, OmegaConf

from msd_mtl.model.module import MultiTaskModule
from msd_mtl.study.interruption import InterruptedRun
from msd_mtl.study.record import Record, read_record
from msd_mtl.study.run import run_once

pytestmark = pytest.mark.usefixtures("undrawn")

RANDOM = random.Random(0)
N_STEPS = 3 * 4  # three epochs of 200 rows in batches of 50
OFTEN = ("data.batch_size=50", "checkpoint_every_s=0", "baselines=false")
VARIANTS = {
    "none": ("sharing=none",),
    "high, loose, few labels": ("sharing=high", "tasks=loose", "data.world.missing=0.6"),
    "interspersed, no schedule": ("sharing=interspersed", "recipe.scheduler=null"),
    "full, early stopping": ("sharing=full", "recipe.patience=1", "recipe.optimizer.lr=0.03", "trainer.max_epochs=8"),
    "low, 2016": ("sharing=low", "recipe=paper2016", "trainer.max_epochs=3", "data.batch_size=50"),
    "low, gradients of three batches": ("sharing=low", "+trainer.accumulate_grad_batches=3"),
    "low, steps": ("sharing=low", "trainer.max_epochs=-1", "trainer.max_steps=10"),
    "none, steps or epochs": ("sharing=none", "trainer.max_steps=10"),
    "full, budget of steps": ("sharing=full", "budget=steps", "recipe.epoch_steps=4", "trainer.max_steps=11"),
}
ON_STORE = {
    "store, low": ("sharing=low",),
    "store, interspersed, loose": ("sharing=interspersed", "tasks=loose"),
    "store, none, misaligned": ("sharing=none", "data.control=misalign", "data.features=log1p"),
}
# Every variant, cut off once by an error and perhaps once more by a signal, at steps drawn at random.
CASES = [
    (variant, sorted(RANDOM.sample(range(N_STEPS - 2), RANDOM.choice([1, 2])))) for variant in (*VARIANTS, *ON_STORE)
]
CASES.append(("low, gradients of three batches", [1, 6]))  # between batches of one step
CASES += [(variant, [4, 8]) for variant in VARIANTS]  # between epochs

Build = Callable[..., DictConfig]
Outcome = tuple[Record, str, dict[str, torch.Tensor]]


class CutError(Exception):
    """What ends a run in these tests."""


def outcome(cfg: DictConfig) -> Outcome:
    """Everything that has to be the same: metrics, history, weights."""
    folder, record = run_once(cfg)
    weights = torch.load(folder / "best.ckpt", weights_only=True)
    return record, (folder / "history.csv").read_text(), weights["state_dict"] | {"step": torch.tensor(weights["step"])}


def assert_same(one: Outcome, other: Outcome) -> None:
    for key in ("metrics", "epochs", "steps", "best_epoch"):
        assert one[0][key] == other[0][key]
    assert one[1] == other[1]
    assert one[2].keys() == other[2].keys()
    assert all(torch.equal(one[2][name], other[2][name]) for name in one[2])


def cut(monkeypatch: pytest.MonkeyPatch, step: int, how: Callable[[], None]) -> None:
    """Have the next run do something before the batch of that number."""
    original = MultiTaskModule.training_step

    def training_step(self, batch, batch_idx):
        if self.current_epoch * self.trainer.num_training_batches + batch_idx == step:
            monkeypatch.setattr(MultiTaskModule, "training_step", original)
            how()
        return original(self, batch, batch_idx)

    monkeypatch.setattr(MultiTaskModule, "training_step", training_step)


def die() -> None:
    raise CutError


def terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """Outcomes of runs that nobody disturbed, by variant."""
    return {}


@pytest.fixture
def build(small_run: Build, msd_run: Build) -> Build:
    """Composes the run of a variant, on synthetic lyrics or on a store."""

    def variant(name: str, *overrides: str) -> DictConfig:
        if name in ON_STORE:
            return msd_run(*OFTEN, *ON_STORE[name], *overrides)
        return small_run(*OFTEN, *VARIANTS[name], *overrides)

    return variant


def undisturbed(quiet: dict[str, Outcome], build: Build, variant: str, tmp_path: Path) -> Outcome:
    if variant not in quiet:
        cfg = build(variant, f"runs_dir={tmp_path / 'quiet'}")
        assert Path(cfg.runs_dir) == tmp_path / "quiet"  # in the same folder it would be the run that was cut off
        quiet[variant] = outcome(cfg)
    return quiet[variant]


@pytest.mark.parametrize(("variant", "steps"), CASES)
def test_a_run_that_was_cut_off_ends_as_if_it_had_not_been(build, quiet, tmp_path_factory, variant, steps):
    base = tmp_path_factory.mktemp("cut")
    cfg = build(variant, f"runs_dir={base}")
    for i, step in enumerate(steps):
        with pytest.MonkeyPatch.context() as monkeypatch:
            cut(monkeypatch, step, terminate if i and step % 4 else die)
            try:
                run_once(cfg)
            except (CutError, InterruptedRun):
                continue
    found = outcome(cfg)
    assert found[0]["attempts"]
    assert_same(found, undisturbed(quiet, build, variant, base))


EARLY = (*OFTEN, "recipe.patience=2", "recipe.select_after=0", "recipe.optimizer.lr=0.05", "trainer.max_epochs=40")
LIMITS = pytest.mark.parametrize("limits", [(), ("trainer.max_steps=160",)], ids=["epochs", "steps"])


@LIMITS
@pytest.mark.parametrize("of_epoch", [0, 1])
def test_how_long_no_epoch_was_better_is_known_after_an_interruption(
    small_run, monkeypatch, tmp_path, limits, of_epoch
):
    early = (*EARLY, *limits)
    quiet = outcome(small_run(*early, f"runs_dir={tmp_path / 'quiet'}"))
    assert quiet[0]["epochs"] == quiet[0]["best_epoch"] + 3 < 40
    cut(monkeypatch, 4 * (quiet[0]["epochs"] - 1) + of_epoch, die)  # in the last epoch, the second that is no better
    with pytest.raises(CutError):
        run_once(small_run(*early))
    assert_same(outcome(small_run(*early)), quiet)


@LIMITS
def test_a_training_that_stopped_early_is_over_after_an_interruption(small_run, monkeypatch, tmp_path, limits):
    early = (*EARLY, *limits)
    quiet = outcome(small_run(*early, f"runs_dir={tmp_path / 'quiet'}"))
    with monkeypatch.context() as patched:
        patched.setattr("msd_mtl.study.fit.save_best", lambda *_: die())
        with pytest.raises(CutError):
            run_once(small_run(*early))
    assert_same(outcome(small_run(*early)), quiet)


@pytest.mark.parametrize(
    ("overrides", "step"),
    [((), 8), (("trainer.max_epochs=-1", "trainer.max_steps=10"), 10), (("+trainer.val_check_interval=3",), 7)],
    ids=["after an epoch", "after the last step", "within an epoch"],
)
def test_a_run_that_was_cut_off_while_it_validated_ends_as_if_it_had_not_been(
    small_run, monkeypatch, tmp_path, overrides, step
):
    original = MultiTaskModule.validation_step

    def validation_step(self, *arguments):
        if self.global_step == step:
            raise CutError
        return original(self, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(MultiTaskModule, "validation_step", validation_step)
        with pytest.raises(CutError):
            run_once(small_run(*OFTEN, *overrides))
    resumed, quiet = small_run(*OFTEN, *overrides), small_run(*OFTEN, *overrides, f"runs_dir={tmp_path}/quiet")
    assert resumed.runs_dir != quiet.runs_dir
    assert_same(outcome(resumed), outcome(quiet))


HALF_DONE = {
    "last batch of an epoch": ((), 3, 4),
    "last batch of all": ((), 11, 12),  # with nothing left to train Lightning starts no training
    "validation to come": (("+trainer.val_check_interval=3",), 6, 7),
    "validation long ago": (("+trainer.val_check_interval=3",), 7, 8),
    "gradients added up": (("+trainer.accumulate_grad_batches=3",), 5, 3),
}


@pytest.mark.parametrize(("overrides", "step", "resumed"), HALF_DONE.values(), ids=HALF_DONE)
def test_a_signal_while_something_is_half_done_is_heeded_when_it_is_done(
    small_run, monkeypatch, tmp_path, overrides, step, resumed
):
    cut(monkeypatch, step, terminate)
    with pytest.raises(InterruptedRun, match="SIGTERM"):
        run_once(small_run(*OFTEN, *overrides))
    found = outcome(small_run(*OFTEN, *overrides))
    assert_same(found, outcome(small_run(*OFTEN, *overrides, f"runs_dir={tmp_path}/q")))
    assert found[0]["resumed_step"] == resumed


@pytest.mark.parametrize("step", [1, 5])
def test_within_an_epoch_only_the_steps_since_the_checkpoint_are_made_again(small_run, monkeypatch, step):
    cut(monkeypatch, step, die)
    cfg = small_run(*OFTEN)
    with pytest.raises(CutError):
        run_once(cfg)
    assert run_once(cfg)[1]["resumed_step"] == step


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGUSR2, signal.SIGINT])
def test_a_signal_has_a_checkpoint_written_after_the_step(small_run, monkeypatch, heeded, signum):
    cut(monkeypatch, 5, lambda: os.kill(os.getpid(), signum))
    cfg = small_run("data.batch_size=50")
    with pytest.raises(
        InterruptedRun, match=f"stopped by {signum.name}; the same command goes on from here"
    ) as stopped:
        run_once(cfg)
    assert stopped.value.exit_code == 128 + signum
    assert signal.getsignal(signum) in (signal.SIG_DFL, signal.default_int_handler)
    (folder,) = Path(cfg.runs_dir).glob("*/last.ckpt")
    assert read_record(folder.parent)["status"] == "running"
    record = run_once(cfg)[1]
    assert record["resumed_step"] == 6
    assert [attempt["ended"] for attempt in record["attempts"]] == ["interrupted"]
    assert record["attempts"][0]["interrupted_by"] == str(stopped.value)


def test_a_failed_run_keeps_its_errors(small_run, monkeypatch):
    cfg = small_run()
    for _ in range(2):
        cut(monkeypatch, 3, die)
        with pytest.raises(CutError):
            run_once(cfg)
    record = run_once(cfg)[1]
    assert record["status"] == "completed"
    assert "error" not in record
    assert [attempt["error"]["kind"] for attempt in record["attempts"]] == ["CutError", "CutError"]


def test_a_process_that_ends_at_once_loses_nothing_but_time(small_run, build, tmp_path, quiet):
    cfg = small_run(*OFTEN, *VARIANTS["none"])
    OmegaConf.save(cfg, tmp_path / "run.yaml")
    script = (
        "import os, sys; from omegaconf import OmegaConf; from msd_mtl.study.run import run_once;"
        "from msd_mtl.study import keep; original = keep.KeepBest.checkpoint\n"
        "def checkpoint(self, trainer):\n"
        "    original(self, trainer)\n"
        "    if trainer.global_step == 7: os._exit(9)\n"
        "keep.KeepBest.checkpoint = checkpoint\n"
        "run_once(OmegaConf.load(sys.argv[1]))"
    )
    ended = subprocess.run([sys.executable, "-c", script, str(tmp_path / "run.yaml")], check=False)
    assert ended.returncode == 9
    found = outcome(cfg)
    assert found[0]["resumed_step"] == 7
    assert_same(found, undisturbed(quiet, build, "none", tmp_path))


def test_how_often_checkpoints_are_written_does_not_make_another_run(small_run):
    assert run_once(small_run())[0] == run_once(small_run("checkpoint_every_s=1"))[0]
