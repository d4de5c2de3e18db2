import csv
import json
import os
import signal
import socket
import sys
import time
from pathlib import Path

import pytest
import wandb
from tests.study.wandb_files import OFFLINE, logged, without_underscores
from wandb.sdk.lib import import_hooks

from msd_mtl.errors import UserError
from msd_mtl.study import wandb_run
from msd_mtl.study.identity import resolved
from msd_mtl.study.interruption import InterruptedRun, stop
from msd_mtl.study.run import run_once
from msd_mtl.study.view import viewed
from msd_mtl.study.wandb_run import MARGIN_S, GuardedRun
from msd_mtl.study.wandb_view import WandbView, description, summary

KEY = "0123456789abcdef" * 2 + "deadbeef"  # looks like an API key

pytestmark = pytest.mark.usefixtures("own_wandb", "undrawn")


def kill_core() -> None:
    """Kill wandb-core, and wait for it, which wandb does not."""
    core = wandb.setup()._connection._proc._process
    core.kill()
    core.wait()
    time.sleep(0.05)  # until wandb learns that the connection is lost


def rows(folder: Path) -> list[dict[str, float]]:
    with (folder / "history.csv").open() as file:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]


def numbers(record: dict) -> dict:
    timing = ("timing_s", "started_at", "attempts")
    config = {key: value for key, value in record["config"].items() if key not in ("logger", "runs_dir")}
    return {key: value for key, value in record.items() if key not in timing} | {"config": config}


def test_a_run_is_one_wandb_run_with_its_id_and_all_there_is_to_know(small_run):
    folder, record = run_once(small_run(*OFFLINE[:2], "study.name=trial", "logger.tags=[mine]"))
    seen = logged(folder)
    run = seen["run"]
    assert (run["run_id"], run["run_group"], run["job_type"]) == (folder.name, "trial", "train")
    assert run["resume"]
    assert set(run["tags"]) == {"synthetic", "term:pop", "sharing 1100", "default", "mine"}
    told = run["config"]["update"]
    assert told["seed"] == 0
    assert told["recipe"] == record["config"]["recipe"]
    assert told["cell"]["sharing"] == "1100"
    assert told["cell"]["train_size"] == 200
    assert without_underscores(seen["history"]) == rows(folder)
    assert [row["_step"] for row in seen["history"]] == [0, 1, 2]
    assert summary(record).items() <= seen["summary"].items()
    assert seen["exit"].get("exit_code", 0) == 0


def test_the_summary_has_what_a_verdict_needs(small_run):
    _, record = run_once(small_run("tasks=loose"))
    shown = summary(record)
    scores = record["metrics"]["test"]
    assert shown["target/score"] == shown["test/term:pop/auroc"] == scores["term:pop"]["auroc"]
    linear = record["baselines"]["test"]["term:pop"]["linear"]["auroc"]
    assert shown["target/linear"] == shown["baselines/test/term:pop/linear/auroc"] == linear
    assert (
        shown["target/possible"] == shown["bayes/test/term:pop/auroc"] == record["bayes"]["test"]["term:pop"]["auroc"]
    )
    assert shown["target/gain_over_linear"] == pytest.approx(shown["target/score"] - linear)
    assert shown["parameters/shared"] == record["parameters"]["shared"]
    assert shown["data/rows/train"] == 200
    assert shown["test/loudness/rmse"] == scores["loudness"]["rmse"]
    assert (shown["status"], shown["best_epoch"]) == ("completed", record["best_epoch"])
    assert not any(isinstance(value, dict | list) or value is None for value in shown.values())


def test_a_gain_over_the_linear_model_is_positive_if_the_error_is_smaller(small_run):
    _, record = run_once(small_run("tasks=loudness"))
    shown = summary(record)
    assert shown["target/metric"] == "rmse"
    assert shown["target/gain_over_linear"] == pytest.approx(shown["target/linear"] - shown["target/score"])


def test_records_are_equal_with_and_without_wandb(small_run, tmp_path):
    _, without = run_once(small_run("baselines=false"))
    _, with_it = run_once(small_run(*OFFLINE, f"runs_dir={tmp_path / 'seen'}"))
    assert with_it["run_id"] == without["run_id"]
    assert numbers(with_it) == numbers(without)


def test_a_failed_run_fails_on_wandb_too(small_run):
    with pytest.raises(UserError, match="training loss must stay finite"):
        run_once(small_run(*OFFLINE, "recipe.optimizer.lr=1e30"))
    (folder,) = Path(small_run().runs_dir).glob("[0-9a-f]*")
    seen = logged(folder)
    assert seen["exit"]["exit_code"] == 1
    assert seen["summary"]["status"] == "failed"
    assert seen["summary"]["error/kind"] == "NonFiniteLossError"


def test_runs_of_one_process_are_runs_of_their_own(small_run):
    first, second = (run_once(small_run(*OFFLINE, f"seed={seed}"))[0] for seed in (0, 1))
    for folder in (first, second):
        seen = logged(folder)
        assert seen["run"]["run_id"] == folder.name
        assert without_underscores(seen["history"]) == rows(folder)


def test_a_killed_wandb_core_changes_nothing_but_one_line(small_run, tmp_path, monkeypatch, capfd):
    show = GuardedRun.show

    def show_and_kill(self, history):
        show(self, history)
        if len(history) == 1:
            kill_core()

    monkeypatch.setattr(GuardedRun, "show", show_and_kill)
    folder, record = run_once(small_run(*OFFLINE))
    assert len([line for line in capfd.readouterr().err.splitlines() if "W&B" in line]) == 1
    monkeypatch.setattr(GuardedRun, "show", show)
    _, undisturbed = run_once(small_run("baselines=false", f"runs_dir={tmp_path / 'quiet'}"))
    assert numbers(record) == numbers(undisturbed)
    seen = logged(folder)  # opened once more at the end
    assert without_underscores(seen["history"]) == rows(folder)
    assert seen["summary"]["test/term:pop/auroc"] == record["metrics"]["test"]["term:pop"]["auroc"]
    assert seen["exit"].get("exit_code", 0) == 0
    assert logged(run_once(small_run(*OFFLINE, "seed=1"))[0])["summary"]["status"] == "completed"


def test_imports_do_not_hang_on_wandb(small_run, monkeypatch):
    """W&B counts what is imported, and an import fails with its counting."""
    opened, left = GuardedRun.open, []

    def open_and_look(run):
        opened(run)
        left.append(dict(import_hooks._post_import_hooks))

    monkeypatch.setattr(GuardedRun, "open", open_and_look)
    run_once(small_run(*OFFLINE))
    assert left == [{}]


def test_a_wandb_core_that_dies_at_the_end_is_replaced(small_run, monkeypatch):
    finish = GuardedRun._finish

    def kill_and_finish(self, *arguments):
        monkeypatch.setattr(GuardedRun, "_finish", finish)
        kill_core()
        finish(self, *arguments)

    monkeypatch.setattr(GuardedRun, "_finish", kill_and_finish)
    folder, _ = run_once(small_run(*OFFLINE))
    seen = logged(folder)
    assert without_underscores(seen["history"]) == rows(folder)
    assert seen["summary"]["status"] == "completed"
    assert "exit" in seen


def test_a_wandb_core_that_hangs_is_given_up_in_time(small_run, tmp_path, monkeypatch, capfd):
    run_once(small_run(*OFFLINE, "seed=1"))  # what follows has nothing to import
    show, close, taken, stopped = GuardedRun.show, GuardedRun.close, [], []

    def show_and_stop(self, history):
        show(self, history)
        if len(history) == 1:
            stopped.append(wandb.setup()._connection._proc._process)
            stopped[0].send_signal(signal.SIGSTOP)

    def timed(self, *arguments):
        started = time.perf_counter()
        close(self, *arguments)
        taken.append(time.perf_counter() - started)

    monkeypatch.setattr(GuardedRun, "show", show_and_stop)
    monkeypatch.setattr(GuardedRun, "close", timed)
    folder, record = run_once(small_run(*OFFLINE, "logger.finish_timeout_s=1"))
    assert taken[0] < 1 + MARGIN_S + 5
    assert stopped[0].wait(timeout=5) == -signal.SIGKILL
    assert len([line for line in capfd.readouterr().err.splitlines() if "W&B" in line]) == 1
    assert numbers(record) == numbers(run_once(small_run("baselines=false", f"runs_dir={tmp_path / 'quiet'}"))[1])
    seen = logged(folder)  # by another one
    assert without_underscores(seen["history"]) == rows(folder)
    assert seen["summary"]["status"] == "completed"


def test_an_interrupted_run_is_preempted_on_wandb_until_it_goes_on(small_run, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr("msd_mtl.study.fit.save_best", lambda *_: stop())
        with pytest.raises(InterruptedRun):
            run_once(small_run(*OFFLINE))
    (folder,) = Path(small_run().runs_dir).glob("[0-9a-f]*")
    assert "preempting" in logged(folder)
    assert logged(folder)["exit"]["exit_code"] == 1
    run_once(small_run(*OFFLINE))
    assert "preempting" not in logged(folder)
    assert logged(folder)["summary"]["status"] == "completed"


def test_a_run_that_is_tried_again_goes_on_in_its_wandb_run(small_run, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr("msd_mtl.study.fit.save_best", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run_once(small_run(*OFFLINE))
    (folder,) = Path(small_run().runs_dir).glob("[0-9a-f]*")
    assert logged(folder)["exit"]["exit_code"] == 1
    run_once(small_run(*OFFLINE))
    seen = logged(folder)  # of which there is one
    assert seen["run"]["run_id"] == folder.name
    assert [row["_step"] for row in seen["history"]] == [0, 1, 2]
    assert seen["exit"].get("exit_code", 0) == 0


@pytest.fixture(params=["refuses", "is silent"])
def lost_address(request):
    """Where nobody is, or where somebody takes calls and never answers, as behind some firewalls."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield "http://127.0.0.1:9" if request.param == "refuses" else f"http://127.0.0.1:{server.getsockname()[1]}"


def test_out_of_reach_a_run_is_logged_offline_and_keeps_the_secret(small_run, monkeypatch, capfd, lost_address):
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    monkeypatch.setenv("WANDB_BASE_URL", lost_address)
    online = ("logger=wandb", "baselines=false", "logger.init_timeout_s=1", "logger.finish_timeout_s=1")
    begun, limits, init, within = [], [], GuardedRun._init, wandb_run.within

    def noted(self, mode):
        begun.append(mode)
        init(self, mode)

    def patient(limit_s):
        """Wait as long as is asked for an address that never answers, and on a busy machine longer for what works."""
        limits.append(limit_s)
        return within(limit_s if begun == [] else 120)

    monkeypatch.setattr(GuardedRun, "_init", noted)
    monkeypatch.setattr(wandb_run, "within", patient)
    folder, record = run_once(small_run(*online))
    assert begun == ["online", "offline"]
    assert limits[0] == 1 + MARGIN_S
    lines = [line for line in capfd.readouterr().err.splitlines() if line]
    assert len(lines) == 1
    assert lines[0].startswith("msd-mtl: W&B is out of reach; runs are logged offline")
    assert record["status"] == "completed"
    assert without_underscores(logged(folder)["history"]) == rows(folder)
    run_once(small_run(*online, "seed=1"))
    assert begun == ["online", "offline", "offline"]  # not waited for again
    assert not capfd.readouterr().err
    files = [path for path in folder.parent.rglob("*") if path.is_file()]
    assert len(files) > 10
    assert not [path for path in files if KEY.encode() in path.read_bytes()]


def test_without_a_key_a_run_is_logged_offline(small_run, capfd):
    folder, _ = run_once(small_run("logger=wandb", "baselines=false"))
    said = capfd.readouterr().err
    assert said.startswith("msd-mtl: W&B is out of reach; runs are logged offline (")
    assert said.endswith(" configured).\n")
    assert logged(folder)["summary"]["status"] == "completed"


def test_nothing_of_this_machine_is_told(small_run, tmp_path):
    folder, _ = run_once(small_run(*OFFLINE))
    told = json.dumps(logged(folder))
    assert str(tmp_path) not in told
    assert "logger" not in logged(folder)["run"]["config"]["update"]
    assert "host" not in logged(folder)["run"]


def test_child_processes_do_not_inherit_the_connection(small_run, monkeypatch):
    monkeypatch.setenv("WANDB_SERVICE", "3-1-unix-/nowhere/socket")  # of a launching process that is long gone
    seen = []
    monkeypatch.setattr("msd_mtl.study.fit.save_best", lambda *_: seen.append(os.environ.get("WANDB_SERVICE")) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run_once(small_run(*OFFLINE))
    assert seen == [None]
    (folder,) = Path(small_run().runs_dir).glob("[0-9a-f]*")
    assert logged(folder)["exit"]["exit_code"] == 1


def test_wandb_leaves_nothing_in_the_working_directory(small_run, tmp_path, monkeypatch):
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    run_once(small_run(*OFFLINE))
    assert not list(here.iterdir())


def test_the_run_directory_is_there_before_wandb_looks_for_it(small_run, monkeypatch):
    found = []  # some versions of W&B take a temporary folder for one that is missing
    monkeypatch.setattr(GuardedRun, "open", lambda run: found.append(run.folder.is_dir()))
    run_once(small_run(*OFFLINE))
    assert found[0]


def test_csv_does_not_import_wandb(small_run, monkeypatch):
    for name in ("wandb", "msd_mtl.study.wandb_run", "msd_mtl.study.wandb_view"):
        monkeypatch.setitem(sys.modules, name, None)  # importing it raises
    assert run_once(small_run("baselines=false"))[1]["status"] == "completed"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("logger.mode=sometimes", r"logger\.mode must be one of online, offline, disabled; got 'sometimes'"),
        ("+logger.api_key=secret", r"settings of msd_mtl\.study\.wandb_view\.WandbView must be ones that it takes"),
    ],
)
def test_a_wrong_setting_is_one_clear_message_and_leaves_nothing(small_run, override, message):
    with pytest.raises(UserError, match=message):
        run_once(small_run("logger=wandb", override))
    assert not list(Path(small_run().runs_dir).glob("[0-9a-f]*"))


@pytest.mark.parametrize("tag", ["x${y}", "${", "${oc.env:HOME}", "\\${x}", "\\\\${x}"])
def test_a_dollar_in_a_setting_refers_to_nothing(small_run, tmp_path, monkeypatch, tag):
    opened = []
    monkeypatch.setattr(WandbView, "open", lambda view, *_: opened.append(view.tags))
    monkeypatch.setattr(WandbView, "close", lambda *_: None)
    config = resolved(small_run("logger=wandb"))
    config["logger"]["tags"] = [tag]
    with viewed(config, tmp_path, {}):
        assert opened == [(tag,)]


def test_a_view_that_fails_itself_is_told_and_the_run_goes_on(small_run, monkeypatch, capfd):
    monkeypatch.setattr("msd_mtl.study.wandb_view.summary", lambda _: 1 / 0)
    assert run_once(small_run(*OFFLINE))[1]["status"] == "completed"
    assert "msd-mtl: the run is not shown (ZeroDivisionError: division by zero)." in capfd.readouterr().err


def test_epochs_are_shown_as_they_end(small_run, monkeypatch):
    seen = []
    monkeypatch.setattr(GuardedRun, "show", lambda _, history: seen.append(len(history)))
    run_once(small_run("logger=wandb", "logger.mode=disabled", "baselines=false"))
    assert seen == [0, 1, 2, 3, 3]


def test_a_description_names_no_path_and_a_summary_no_setting(small_run):
    _, record = run_once(small_run("baselines=false"))
    record["config"]["data"]["store"] = record["config"]["runs_dir"] = "/home/me"
    told = description(record, ["t" * 65, "t" * 64, "", "synthetic", 2016])
    assert "/home/me" not in json.dumps(told)
    assert told["tags"] == ["synthetic", "term:pop", "sharing 1100", "default", "t" * 64, "t" * 64, "2016"]
    assert told["name"] == "term:pop, sharing 1100, 200 tracks, coupling 0.9, seed 0"
    others = {"schema_version", "run_id", "study", "cell", "seed", "config", "environment"}
    assert {key.partition("/")[0] for key in summary(record)}.isdisjoint(others)


def test_a_single_task_is_described_as_one(small_run):
    _, record = run_once(small_run("baselines=false", "tasks=pop"))
    told = description(record)
    assert told["tags"] == ["synthetic", "term:pop", "one task", "default"]
    assert told["name"] == "term:pop, one task, 200 tracks, coupling 0, seed 0"


def test_disabled_is_no_view_at_all(small_run, capfd):
    folder, record = run_once(small_run("logger=wandb", "logger.mode=disabled", "baselines=false"))
    assert record["status"] == "completed"
    assert not list(folder.glob("wandb/*run-*"))
    assert not (folder / "wandb" / "given.json").exists()
    assert not capfd.readouterr().err


def test_baselines_added_later_are_shown_too(small_run):
    run_once(small_run(*OFFLINE))
    folder, record = run_once(small_run(*OFFLINE[:2]))
    linear = record["baselines"]["test"]["term:pop"]["linear"]["auroc"]
    assert logged(folder)["summary"]["target/linear"] == linear
    assert without_underscores(logged(folder)["history"]) == rows(folder)
