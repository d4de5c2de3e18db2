import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import pytorch_lightning as pl
import torch
from hydra.errors import ConfigCompositionException
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from rich.console import Console

from msd_mtl.data.candidates import _as_setting
from msd_mtl.data.task import PARTS
from msd_mtl.errors import UserError
from msd_mtl.study import run
from msd_mtl.study.evaluate import evaluate
from msd_mtl.study.fit import build_data, build_module
from msd_mtl.study.identity import resolved, run_id
from msd_mtl.study.run import run_once
from msd_mtl.study.tables import run_table, sweep_table


def test_a_run_leaves_a_whole_run_directory(small_run):
    cfg = small_run("checkpoint_every_s=0")
    begun = Path(cfg.runs_dir) / run_id(resolved(cfg), "synthetic")
    begun.mkdir(parents=True)
    (begun / ".history.csv.7.part").touch()  # of a process that was killed
    folder, record = run_once(cfg)
    left = {path.name for path in folder.iterdir()}
    assert left == {"record.json", "history.csv", "config.yaml", "best.ckpt", "learning_curve.png", "predictions.npz"}
    assert json.loads((folder / "record.json").read_text()) == json.loads(json.dumps(record))
    assert record["status"] == "completed"
    assert record["run_id"] == folder.name
    assert record["epochs"] == len((folder / "history.csv").read_text().splitlines()) - 1 == 3


def test_a_record_says_what_the_contract_promises(small_run):
    _, record = run_once(small_run("tasks=loose"))
    assert set(record) >= {
        "schema_version", "run_id", "study", "status", "cell", "seed", "config", "data", "parameters", "epochs",
        "best_epoch", "timing_s", "metrics", "baselines", "environment",
    }  # fmt: skip
    assert record["cell"] == {
        "data": "synthetic",
        "tasks": ["term:pop", "loudness", "year"],
        "target": "term:pop",
        "sharing_mask": [1, 1, 0, 0],
        "train_size": 200,
        "coupling": 0.0,
        "recipe": "default",
    }
    assert record["data"]["rows"]["train"] == 200
    assert set(record["metrics"]) == {"val", "test"}
    for name in record["cell"]["tasks"]:
        measured = record["metrics"]["test"][name]
        assert set(record["bayes"]["test"][name]) >= set(measured) - {"prevalence"}
        for kind in ("linear", "trivial"):
            assert set(record["baselines"]["test"][name][kind]) == set(measured)


def test_the_same_run_is_made_once(small_run):
    folder, _ = run_once(small_run())
    before = (folder / "best.ckpt").stat().st_mtime_ns
    again, record = run_once(small_run())
    assert (again, record) == (folder, json.loads((folder / "record.json").read_text()))
    assert (folder / "best.ckpt").stat().st_mtime_ns == before


def test_a_run_that_another_process_ended_meanwhile_is_not_made_again(small_run, monkeypatch):
    run_once(small_run("baselines=false"))
    looked = []
    monkeypatch.setattr(run, "found_record", looked.append)  # it is not there yet, until the lock is free
    for made in ("_recorded", "_with_baselines"):
        monkeypatch.setattr(run, made, lambda *_: 1 / 0)
    folder, record = run_once(small_run("baselines=false"))
    assert (looked, record["status"]) == ([folder], "completed")


def test_a_run_that_is_made_again_though_it_was_completed_tells_of_it(small_run, monkeypatch):
    """A defect, which tests of whole sweeps know by this."""
    cfg = small_run("baselines=false")
    before = run_once(cfg)[1]
    with monkeypatch.context() as patched:
        patched.setattr(run, "is_completed", lambda record: False)
        after = run_once(cfg)[1]
    assert after["attempts"] == [{"started_at": before["started_at"], "ended": "completed"}]


def test_the_same_seed_gives_the_same_numbers_to_the_bit(small_run, tmp_path):
    one, other = run_once(small_run()), run_once(small_run(f"runs_dir={tmp_path / 'again'}"))
    assert one[0] != other[0]
    assert one[1]["metrics"] == other[1]["metrics"]
    assert (one[0] / "history.csv").read_text() == (other[0] / "history.csv").read_text()
    weights = [torch.load(run[0] / "best.ckpt", weights_only=True)["state_dict"] for run in (one, other)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_another_seed_gives_other_numbers(small_run):
    assert run_once(small_run())[1]["metrics"] != run_once(small_run("seed=1"))[1]["metrics"]


@pytest.mark.parametrize("part", ["val", "test"])
@pytest.mark.parametrize("overrides", [(), ("tasks=loose", "sharing=none"), ("recipe=paper2016", "data.batch_size=64")])
def test_evaluate_gives_the_numbers_of_the_record(small_run, part, overrides):
    folder, record = run_once(small_run(*overrides))
    assert evaluate(folder, part) == json.loads(json.dumps(record["metrics"][part]))


def test_evaluate_refuses_other_weights(small_run):
    folder, _ = run_once(small_run())
    saved = torch.load(folder / "best.ckpt", weights_only=True)
    saved["state_dict"]["network.heads.bias"] += 0.1
    torch.save(saved, folder / "best.ckpt")
    with pytest.raises(UserError, match=r"to the bit; got 0\.\d+ for 0\.\d+, .* others that differ\. Were weights"):
        evaluate(folder, "test")


class Trap:
    """An object that makes a folder where it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_evaluate_refuses_with_one_message_what_is_no_weights_and_runs_nothing_of_it(small_run, tmp_path):
    folder, _ = run_once(small_run("baselines=false"))
    path = folder / "best.ckpt"
    whole, saved = path.read_bytes(), torch.load(path, weights_only=True)
    torch.save(saved | {"more": Trap(tmp_path / "sprung")}, path)
    trap = path.read_bytes()
    torch.save({"state_dict": {}}, path)
    for content in (trap, path.read_bytes(), whole[:-100], whole[:0], b"text", b"x" * 1000):
        path.write_bytes(content)
        with pytest.raises(
            UserError, match=r"best.ckpt must hold the weights of the run, and nothing else; got .*Error\)"
        ):
            evaluate(folder, "test")
    assert not (tmp_path / "sprung").exists()


def test_evaluate_tells_a_run_of_earlier_code_from_a_changed_one(small_run, monkeypatch):
    folder, _ = run_once(small_run("baselines=false"))
    record = json.loads((folder / "record.json").read_text())
    record["metrics"]["test"]["term:pop"]["log_loss"] += 1e-9
    (folder / "record.json").write_text(json.dumps(record))
    monkeypatch.setattr("msd_mtl.study.identity.NUMBERS_VERSION", 0)
    with pytest.raises(UserError, match=r"log_loss of 'term:pop', and 0 others .* by an earlier msd-mtl"):
        evaluate(folder, "test")


def test_evaluate_refuses_an_unknown_part_and_an_unfinished_run(small_run, tmp_path):
    folder, _ = run_once(small_run())
    with pytest.raises(UserError, match="split must be one of val, test; got 'train'"):
        evaluate(folder, "train")
    with pytest.raises(UserError, match="must be a completed run directory"):
        evaluate(tmp_path, "test")


def test_test_predictions_carry_track_ids_and_give_the_recorded_score(small_run):
    folder, record = run_once(small_run())
    saved = np.load(folder / "predictions.npz", allow_pickle=False)
    assert saved["task"].tolist() == record["cell"]["tasks"]
    assert len(np.unique(saved["track_id"])) == record["data"]["rows"]["test"] == saved["target"].shape[1]
    error = np.mean((saved["prediction_0"] > 0.5) != saved["target"][0])
    assert error == pytest.approx(record["metrics"]["test"]["term:pop"]["error"], rel=1e-12)


def test_parts_of_a_run_do_not_depend_on_coupling_or_task_set(small_run):
    runs = [run_once(small_run(*o))[0] for o in (("tasks=pop",), ("tasks=tight",), ("data.coupling=0.3",))]
    saved = [np.load(run / "predictions.npz") for run in runs]
    for other in saved[1:]:
        np.testing.assert_array_equal(other["track_id"], saved[0]["track_id"])
        np.testing.assert_array_equal(other["target"][0], saved[0]["target"][0])


def test_a_failed_run_says_why_and_is_tried_again(small_run):
    with pytest.raises(UserError, match="training loss must stay finite; got nan for task"):
        run_once(small_run("recipe.optimizer.lr=1e30"))
    (record,) = (json.loads(path.read_text()) for path in Path(small_run().runs_dir).glob("*/record.json"))
    assert record["status"] == "failed"
    assert record["error"]["kind"] == "NonFiniteLossError"
    assert record["error"]["task"] in record["cell"]["tasks"]
    assert record["error"]["step"] >= 1


def test_baselines_can_be_left_out_and_added_later(small_run):
    folder, record = run_once(small_run("baselines=false"))
    assert record["baselines"] == {}
    again, record = run_once(small_run())
    assert again == folder
    assert record["baselines"]["test"]["term:pop"]["linear"]["auroc"] > 0.5


def test_a_budget_of_steps_ends_with_a_validation(small_run):
    _, record = run_once(small_run("trainer.max_epochs=-1", "trainer.max_steps=5"))
    assert record["steps"] == 5
    assert record["metrics"]["val"]["term:pop"]["auroc"] > 0


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("sharing.mask=[1,0,1]", r"mask must have 4 entries, one per hidden layer; got 3"),
        ("recipe.monitor=term:pop/rmse", r"recipe\.monitor must be METRIC or TASK/METRIC"),
        ("recipe.patience=0", r"recipe\.patience must be a whole number of at least 1, or null; got 0"),
        ("recipe.task_weights={loudness: 2}", r"recipe\.task_weights must name tasks of the set"),
        ("data.features=bow", r"data\.features must be one of"),
        ("recipe.optimizer.lr=-1", r"recipe\.optimizer and .* must take their settings; got Invalid learning rate"),
        ("+trainer.limit_test_batches=1", r"must be scored on whole parts; got trainer\.limit_test_batches"),
        ("trainer.precision=7", r"settings of pytorch_lightning\.Trainer must be ones that it takes"),
        ("data.coupling=2", r"data\.coupling must be a number from 0 to 1; got 2"),
        ("data.split=random", r"data\.split must be one of"),
    ],
)
def test_a_wrong_setting_is_one_clear_message(small_run, override, message):
    with pytest.raises(UserError, match=message):
        run_once(small_run(override))


def test_an_unknown_setting_is_refused(small_run):
    with pytest.raises(ConfigCompositionException, match="trian_size"):
        small_run("data.trian_size=3")


def test_all_parts_are_named_in_the_record(small_run):
    assert tuple(run_once(small_run())[1]["data"]["rows"]) == PARTS


def test_epochs_before_the_share_are_not_compared(small_run):
    overrides = ("trainer.max_epochs=6", "recipe.optimizer.lr=0.01")
    first, later = (run_once(small_run(*overrides, f"recipe.select_after={share}"))[1] for share in (0, 0.5))
    assert first["best_epoch"] < 3 <= later["best_epoch"]


def test_schedule_ends_with_the_run(small_run):
    from msd_mtl.study.fit import build_data, build_module
    from msd_mtl.study.identity import resolved

    config = resolved(small_run())
    module = build_module(config, build_data(config))
    optimizer = module.make_optimizer(module.network.parameters())
    scheduler = module.make_scheduler(optimizer)
    rates = []
    for _ in range(6):  # 3 epochs of 2 batches
        rates.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    np.testing.assert_allclose(rates, 1e-3 * (1 - np.arange(6) / 6), rtol=1e-6)
    assert scheduler.get_last_lr()[0] == 0


@pytest.mark.parametrize(
    ("overrides", "n_steps"),
    [
        (("trainer.max_steps=1000",), 6),  # 3 epochs of 2 batches end first
        (("trainer.max_steps=4",), 4),
        (("+trainer.limit_train_batches=1",), 3),
        (("data.batch_size=50", "+trainer.limit_train_batches=2.0"), 6),
        (("data.batch_size=50", "+trainer.limit_train_batches=0.5"), 6),
        (("data.batch_size=50", "+trainer.accumulate_grad_batches=3"), 6),  # 3 epochs of 4 batches in 2 steps
    ],
)
def test_schedule_knows_the_steps_that_the_run_makes(small_run, overrides, n_steps):
    from msd_mtl.study.fit import build_data, build_module
    from msd_mtl.study.identity import resolved

    config = resolved(small_run(*overrides))
    module = build_module(config, build_data(config))
    assert module.make_scheduler.keywords["total_iters"] == n_steps
    assert run_once(small_run(*overrides))[1]["steps"] == n_steps


@pytest.mark.parametrize("share", [0, 0.6])
def test_patience_counts_compared_epochs_alone(small_run, share):
    overrides = ("recipe.patience=2", f"recipe.select_after={share}", "recipe.optimizer.lr=0.05")
    _, record = run_once(small_run(*overrides, "trainer.max_epochs=40"))
    assert record["best_epoch"] >= share * 40
    assert record["epochs"] == record["best_epoch"] + 3 < 40


def test_where_no_epoch_is_compared_the_last_one_is_the_best(small_run):
    overrides = ("recipe.select_after=0.9", "++trainer.max_time={seconds: 0.01}", "trainer.max_epochs=30")
    _, record = run_once(small_run(*overrides))
    assert record["best_epoch"] == record["epochs"] - 1 < 27


def test_a_table_says_how_many_tracks_have_no_known_artist(small_run, capsys):
    _, record = run_once(small_run("baselines=false"))
    assert record["data"]["without_artist"] == {"train": 0, "val": 0, "test": 0}
    record["data"]["without_artist"] |= {"train": 1200, "test": 3}
    Console(width=200).print(run_table(record))
    shown = " ".join(capsys.readouterr().out.split())
    assert "without a known artist, each split on its own: 1,200 in train, 3 in test" in shown


def test_a_single_task_has_nothing_to_share(small_run, capsys):
    _, alone = run_once(small_run("baselines=false", "tasks=pop"))
    assert alone["cell"]["sharing_mask"] == [1, 1, 0, 0]
    Console(width=200).print(run_table(alone))
    _, record = run_once(small_run("baselines=false"))
    Console(width=200).print(run_table(record), sweep_table([alone, record], width=100))
    shown = capsys.readouterr().out
    assert "term:pop, one task, 200 training tracks, seed 0: test scores" in shown
    assert "term:pop, sharing 1100, 200 training tracks, seed 0: test scores" in shown
    (line,) = (line for line in shown.splitlines() if alone["run_id"] in line)
    assert line.split()[1:4] == ["pop", "one", "task"]


def test_tags_may_hold_what_means_something_to_a_terminal_or_a_picture(small_run, capsys):
    names = ["lastfm:[/b]", "lastfm:$a{$", "term:r/b [red]"]
    quoted = ",".join(f"'{name}'" for name in names)
    settings = (f"tasks.names=[{quoted}]", f"tasks.target='{names[0]}'", "trainer.enable_progress_bar=true")
    folder, record = run_once(small_run(*settings))
    Console(width=200).print(run_table(record))
    shown = capsys.readouterr().out
    assert all(name in shown for name in names)
    assert set(evaluate(folder, "test")) == set(names)


def test_a_budget_of_steps_is_the_same_for_every_training_size(small_run):
    from msd_mtl.study.fit import build_data, build_module
    from msd_mtl.study.identity import resolved

    for size in (150, 400):
        cfg = small_run("budget=steps", f"data.train_size={size}", "recipe.epoch_steps=4")
        config = resolved(cfg)
        assert build_module(config, build_data(config)).make_scheduler.keywords["total_iters"] == 12
        folder, record = run_once(cfg)
        assert (record["steps"], record["epochs"]) == (12, 3)
        assert len((folder / "history.csv").read_text().splitlines()) == 1 + 3


def test_a_budget_of_steps_that_are_a_pass_is_one_of_epochs(small_run):
    epochs, steps = (run_once(small_run(*o))[1] for o in ([], ["budget=steps", "recipe.epoch_steps=2"]))
    assert epochs["run_id"] != steps["run_id"]
    assert epochs["metrics"] == steps["metrics"]


def test_capacity_is_one_override_and_stands_in_the_record(small_run):
    full, none = (run_once(small_run("capacity=full", f"sharing={s}"))[1]["parameters"] for s in ("full", "none"))
    assert full["widths"] == [16, 12, 8, 8] != none["widths"]
    assert none["total"] == pytest.approx(full["total"], rel=0.1)


def test_the_auxiliaries_may_have_more_rows_than_the_target(small_run):
    _, record = run_once(small_run("data.target_train_size=60"))
    assert record["data"]["labelled"]["train"] == {"term:pop": 60, "term:pop rock": 200, "term:ballad": 200}


def test_a_record_says_what_the_labels_of_the_tasks_have_to_do_with_each_other(small_run):
    _, record = run_once(small_run("tasks=loose", "data.coupling=0.9", "data.target_train_size=150"))
    assert record["data"]["overlap"] == {"loudness": 150, "year": 150}
    for coupling in record["data"]["coupling"].values():
        label, planted = coupling["label"], coupling["planted"]
        assert label["low"] < label["value"] < label["high"]
        assert (label["n"], label["kind"]) == (150, "pearson")
        assert planted["planted"] == 0.9
        assert label["value"] == pytest.approx(planted["label"], abs=0.2)


@pytest.mark.parametrize("tag", ["a${b}", "${", "${oc.env:HOME}", "\\${x}", "\\\\${x}", "$5 {x}"])
def test_a_dollar_in_the_name_of_a_task_refers_to_nothing(small_run, tag):
    name = f"lastfm:{tag}"
    _, record = run_once(small_run(f"tasks.names=[{_as_setting(name)}]", f"tasks.target={_as_setting(name)}"))
    assert record["status"] == "completed"
    assert list(record["metrics"]["test"]) == [name]


def test_a_record_says_on_how_many_threads_it_was_made(small_run):
    _, record = run_once(small_run("baselines=false"))
    assert record["threads"] == torch.get_num_threads()


def test_permuted_labels_have_nothing_to_do_with_each_other(small_run):
    _, record = run_once(small_run("data.coupling=1", "data.control=permute_labels"))
    for coupling in record["data"]["coupling"].values():
        assert coupling["label"]["low"] < 0 < coupling["label"]["high"]


def test_evaluate_asks_for_a_store_that_has_moved(small_run):
    folder, _ = run_once(small_run("baselines=false"))
    record = json.loads((folder / "record.json").read_text())
    record["config"]["data"] |= {"name": "msd", "store": "moved.h5"}
    (folder / "record.json").write_text(json.dumps(record))
    with pytest.raises(UserError, match=r"store must be where the run found it; got 'moved\.h5'.* store=FILE"):
        evaluate(folder, "test")


@pytest.mark.parametrize("setting", ["", "trainer.gradient_clip_val=0.01", "+trainer.accumulate_grad_batches=2"])
def test_rows_of_words_are_trained_as_pytorch_trains_tables(small_run, tmp_path, setting):
    original = ["recipe=paper2016", "model.init=kaiming_uniform", "recipe.optimizer.lr=0.1", *setting.split()]
    theirs = ["recipe.optimizer._target_=torch.optim.Adagrad", f"runs_dir={tmp_path / 'theirs'}"]
    histories = [pd.read_csv(run_once(small_run(*original, *more))[0] / "history.csv") for more in ([], theirs)]
    pd.testing.assert_frame_equal(*histories, rtol=1e-5)


class Watching(pl.Callback):
    """Looks at gradients."""

    def on_after_backward(self, trainer, pl_module):
        pass


@pytest.mark.parametrize(
    ("strategy", "callbacks", "taken"), [("auto", [], 1), ("auto", [Watching()], 0), ("ddp", [], 0)]
)
def test_gradients_are_whole_where_someone_else_looks_at_them(small_run, strategy, callbacks, taken):
    config = resolved(small_run("recipe=paper2016"))
    module = build_module(config, build_data(config))
    module.trainer = pl.Trainer(
        accelerator="cpu",
        devices=1,
        strategy=strategy,
        callbacks=callbacks,
        logger=False,
        plugins=LightningEnvironment(),
    )
    module.configure_optimizers()
    assert len(module._tables) == taken
