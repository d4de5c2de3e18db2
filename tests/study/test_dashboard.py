import copy
import json
import shutil
import sys
from pathlib import Path

import pytest
import wandb

from msd_mtl import cli
from msd_mtl.errors import UserError
from msd_mtl.study import dashboard
from msd_mtl.study.answers.arms import arms_of
from msd_mtl.study.cell import Cell
from msd_mtl.study.given import mark_given
from msd_mtl.study.identity import run_id
from msd_mtl.study.index import add_sweep
from msd_mtl.study.record import write_record
from msd_mtl.study.run import run_once
from msd_mtl.study.wandb_view import description, read_history, summary

pytest.importorskip("wandb_workspaces", reason="the extra `dashboard` is not installed")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A study of 2 sizes x 2 couplings x 2 sharings x 2 seeds and another of one run, made of three short runs."""
    from hydra import compose, initialize_config_dir
    from tests.conftest import SMALL

    from msd_mtl.app import conf_dir

    folder = tmp_path_factory.mktemp("study") / "runs"
    short = [*SMALL, "trainer.max_epochs=1", f"runs_dir={folder}"]
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        made = [
            run_once(compose("train", [*short, f"study.name={study}", *overrides]))
            for study, *overrides in (("trial", "sharing=none"), ("trial", "sharing=full"), ("other", "tasks=loudness"))
        ]
    lost = copy.deepcopy({key: value for key, value in made[0][1].items() if key != "metrics"})
    lost["seed"] = lost["config"]["seed"] = 9
    lost |= {"run_id": run_id(lost["config"], lost["data"]["fingerprint"]), "status": "failed"}
    (folder / lost["run_id"]).mkdir()
    write_record(folder / lost["run_id"], lost)
    for n_tracks in (100, 200):
        for coupling in (0.0, 0.9):
            for seed in (0, 1):
                for _, record in made[:2]:
                    if (n_tracks, coupling, seed) == (200, 0.9, 0):
                        continue
                    twin = copy.deepcopy(record)
                    twin["cell"] |= {"train_size": n_tracks, "coupling": coupling}
                    twin["config"]["data"] |= {"train_size": n_tracks, "coupling": coupling}
                    twin["seed"] = twin["config"]["seed"] = seed
                    twin["run_id"] = run_id(twin["config"], twin["data"]["fingerprint"])
                    twin["metrics"]["test"]["term:pop"]["auroc"] += 0.001 * seed
                    (folder / twin["run_id"]).mkdir()
                    write_record(folder / twin["run_id"], twin)
    return folder


def shown(runs: Path, study: str) -> list[dict]:
    """Records that the workspace of a study shows."""
    return dashboard.shown(runs, study)[0]


def specification(runs: Path, study: str, tmp_path: Path, monkeypatch) -> dict:
    file = tmp_path / "made with it" / "workspace.json"
    arguments = [f"study.name={study}", f"runs_dir={runs}", "offline=true", f"file={file}"]
    monkeypatch.setattr(sys, "argv", ["msd-mtl", *arguments])
    dashboard.main()
    return json.loads(file.read_text())


@pytest.mark.parametrize("name", ["a$ap 🎵 + `b`", "1e3", "7", "null"])
def test_a_study_of_any_name_has_a_workspace(runs, tmp_path, monkeypatch, name):
    add_sweep(runs, name, [Cell(path.parent.name, (), {}) for path in runs.glob("*/record.json")])
    file = tmp_path / "workspace.json"
    arguments = [f"study.name={name!r}" if " " in name else f"study={name}", f"runs_dir={runs}", f"file={file}"]
    monkeypatch.setattr(sys, "argv", ["msd-mtl", "dashboard", "offline=true", *arguments])
    cli.main()
    shutil.rmtree(runs / ".studies" / name)
    assert json.loads(file.read_text())["displayName"] == f"msd-mtl: {'a_ap _ _ _b_' if ' ' in name else name}"


def panels(spec: dict) -> list[dict]:
    return [panel for section in spec["spec"]["section"]["panelBankConfig"]["sections"] for panel in section["panels"]]


def keys(panel: dict) -> set[str]:
    """Every key that a panel reads, as ``history:``, ``summary:`` or ``config:`` and its name."""
    config = panel["config"]
    found = {f"history:{name}" for name in config.get("metrics", [])}
    axes = [config.get(axis) for axis in ("xAxis", "yAxis", "zAxis")]
    axes += [column["accessor"] for column in config.get("columns", [])]
    found |= {axis if ":" in axis.split("/")[0] else f"history:{axis}" for axis in axes if axis}
    return found | ({f"config:{config['groupBy']}"} if "groupBy" in config else set())


def known(folder: Path, record: dict) -> set[str]:
    """Every key that a run logs."""
    found = {f"{kind}:{key}" for kind in ("summary", "history") for key in summary(record)}
    found |= {f"history:{key}" for row in read_history(folder) for key in row}
    config = description(record)["config"]
    return found | {
        f"config:{group}.value.{key}" for group in config if isinstance(config[group], dict) for key in config[group]
    }


def test_every_panel_reads_keys_that_runs_log(runs, tmp_path, monkeypatch):
    spec = specification(runs, "trial", tmp_path, monkeypatch)
    logged = set()
    for record in shown(runs, "trial"):
        logged |= known(runs / record["run_id"], record)
    read = {key for panel in panels(spec) for key in keys(panel)}
    assert len(read) > 12
    assert read <= logged
    assert {"config:cell.value.train_size", "config:cell.value.coupling", "config:cell.value.sharing"} <= read
    assert "history:val/term:pop/prevalence" not in read
    assert {"summary:target/score/term:pop", "history:val/term:pop/auroc", "history:train/term:ballad/loss"} <= read


def test_seeds_are_put_together_with_their_error_and_sizes_stand_on_a_logarithmic_axis(runs, tmp_path, monkeypatch):
    configs = [panel["config"] for panel in panels(specification(runs, "trial", tmp_path, monkeypatch))]
    grouped = [config for config in configs if "groupBy" in config]
    assert {(config["groupAgg"], config["groupArea"]) for config in grouped} == {("mean", "stderr")}
    assert {config["xAxis"]: config.get("xAxisLogScale", False) for config in configs if "zAxis" in config} == {
        "config:cell.value.train_size": True,
        "config:cell.value.coupling": False,
    }


def test_every_key_of_a_panel_is_seen_by_this_test(runs, tmp_path, monkeypatch):
    spec = specification(runs, "trial", tmp_path, monkeypatch)
    assert all(keys(panel) for panel in panels(spec) if panel["viewType"] != "Markdown Panel")


def test_the_workspace_shows_the_runs_of_the_study_alone(runs, tmp_path, monkeypatch):
    spec = specification(runs, "trial", tmp_path, monkeypatch)
    filters = json.dumps(spec["spec"]["section"]["runSets"][0]["filters"])
    assert '"group"' in filters
    assert '"trial"' in filters
    other = specification(runs, "other", tmp_path, monkeypatch)
    names = [section["name"] for section in other["spec"]["section"]["panelBankConfig"]["sections"]]
    assert names == ["loudness: test RMSE", "loudness: learning curves", "loudness: gain over no sharing"]
    assert "test RMSE (dB) by layers shared" in json.dumps(other)
    assert "by training tracks" not in json.dumps(other)  # there is one size
    assert '"summary:target/score"' in json.dumps(other["spec"]["section"]["runSets"])


def test_targets_are_put_together_and_compared_with_linear_models_where_there_are_any(runs):
    from msd_mtl.study.workspace import LAYERS, SHARING, score_panels, workspace

    first, last = shown(runs, "trial")[:2]
    made = [first, *shown(runs, "other"), last]
    sections = workspace("s", made, arms_of({record["run_id"]: record for record in made}), "p", "e").sections
    assert len(sections) == 6
    with_it = [panel.title for panel in score_panels([first], {LAYERS: SHARING})]
    assert [panel.title for panel in score_panels([first | {"baselines": {}}], {LAYERS: SHARING})] == with_it[:-1]
    assert with_it[-1] == "gain over the linear model by layers shared"


def test_runs_that_were_first_made_for_another_study_are_shown_too(runs, tmp_path, monkeypatch):
    (loudness,) = (r["run_id"] for r in shown(runs, "other"))
    pop = [record["run_id"] for record in shown(runs, "trial")][:3]
    with monkeypatch.context() as patched:
        patched.setattr("msd_mtl.study.index.FOLDER", ".joint")  # the other tests see no such study
        add_sweep(runs, "joint", [Cell(run, (), {}) for run in [*pop, loudness, "0" * 16]])
        assert [r["run_id"] for r in shown(runs, "joint")] == sorted([*pop, loudness])
        spec = specification(runs, "joint", tmp_path, patched)
        add_sweep(runs, "other", [Cell(run, (), {}) for run in pop])
        mixed = specification(runs, "other", tmp_path, patched)
    filters = spec["spec"]["section"]["runSets"][0]["filters"]["filters"]
    assert [(f["key"]["name"], f["op"], f["value"]) for f in filters] == [
        ("group", "=", "joint"),
        ("name", "IN", sorted([*pop, loudness])),  # W&B's name of the id
    ]
    assert filters[1]["connector"] == "OR"
    names = [section["name"] for section in spec["spec"]["section"]["panelBankConfig"]["sections"]]
    assert {"loudness: test RMSE", "term:pop: test AUROC"} <= set(names)
    assert mixed["spec"]["section"]["runSets"][0]["filters"]["filters"][1]["value"] == pop


def test_the_gain_table_has_a_line_a_cell_paired_by_seed(runs, tmp_path, monkeypatch):
    spec = specification(runs, "trial", tmp_path, monkeypatch)
    (text,) = [panel["config"]["value"] for panel in panels(spec) if panel["viewType"] == "Markdown Panel"]
    head, _, *lines = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if "|" in line
    ]
    assert "settings" not in head
    cells = [dict(zip(head, line, strict=True)) for line in lines]
    assert [(c["tracks"], c["coupling"], c["sharing"]) for c in cells].count(("100", "0.9", "1111")) == 1
    assert len(cells) == 8
    assert {cell["seeds"] for cell in cells} == {"2"}
    scores = {r["cell"]["sharing_mask"][0]: r["metrics"]["test"]["term:pop"]["auroc"] for r in (
        json.loads(path.read_text()) for path in runs.glob("*/record.json")
    ) if (r["study"], r["seed"], r["status"]) == ("trial", 0, "completed")}  # fmt: skip
    shared = next(cell for cell in cells if cell["sharing"] == "1111")
    assert shared["gain over none"].startswith(f"{scores[1] - scores[0]:+.3f} ± 0.000")
    assert next(cell for cell in cells if cell["sharing"] == "0000")["gain over none"] == "–"


def test_a_study_without_completed_runs_is_refused(runs, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr("msd_mtl.study.index.FOLDER", ".begun")
        add_sweep(runs, "begun", [Cell("0" * 16, (), {})])
        with pytest.raises(UserError, match=r"study must be one that has runs in .*; got 'tiral', .* are: begun\."):
            shown(runs, "tiral")
        with pytest.raises(UserError, match=r"study must have completed runs in .*; got 'begun' with none\. See `msd"):
            shown(runs, "begun")
    shutil.rmtree(runs / ".begun")


@pytest.mark.parametrize("broken", ["{", '{"schema_version": 2, "study": "other"}'], ids=["unreadable", "other schema"])
def test_a_record_that_cannot_be_read_costs_no_other_run_and_is_told_of_its_study_alone(runs, tmp_path, capsys, broken):
    folder = Path(shutil.copytree(runs, tmp_path / "runs"))
    trial = [record["run_id"] for record in shown(folder, "trial")]
    (run,) = (record["run_id"] for record in shown(folder, "other"))
    (folder / run / "record.json").write_text(broken)
    assert [record["run_id"] for record in shown(folder, "trial")] == trial
    assert capsys.readouterr().err == ""
    add_sweep(folder, "other", [Cell(one, (), {}) for one in (run, trial[0])])
    assert [record["run_id"] for record in shown(folder, "other")] == trial[:1]
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith(f"Run {run} is left out: its record ")


def test_runs_that_a_report_leaves_out_are_counted(runs, tmp_path, capsys):
    folder = Path(shutil.copytree(runs, tmp_path / "runs"))
    trial = shown(folder, "trial")
    for record in trial[:2]:
        record["config"]["data"]["batch_size"] = 17  # by hand: other settings than those that the run is named by
        write_record(folder / record["run_id"], record)
    assert shown(folder, "trial") == trial[2:]
    assert capsys.readouterr().err == "Left out: 2 runs that a report leaves out too, and says why.\n"


def test_runs_that_wandb_was_never_given_are_counted(runs, tmp_path, monkeypatch, capsys):
    def said(project: str = "msd-mtl") -> list[str]:
        monkeypatch.setenv("WANDB_PROJECT", project)
        specification(runs, "other", tmp_path, monkeypatch)
        specification(runs, "trial", tmp_path, monkeypatch)
        return [line for line in capsys.readouterr().out.splitlines() if "have never been" in line]

    first, *others = [runs / record["run_id"] for record in shown(runs, "trial")]
    (first / "wandb").mkdir()
    mark_given(first, {"project": "msd-mtl", "entity": "somebody"})
    alone, together = said()
    assert alone == (
        "1 of 1 runs have never been given to this project of W&B. Repeat the command that made them with "
        "logger=wandb: it gives them without making them again."
    )
    assert together.startswith(f"{len(others)} of {1 + len(others)} runs have never been given")
    for folder in others:
        (folder / "wandb").mkdir()
        mark_given(folder, {"project": "msd-mtl", "entity": None})
    assert said() == [alone]
    assert said("elsewhere")[1].startswith(f"{1 + len(others)} of {1 + len(others)} runs")
    for folder in (first, *others):
        shutil.rmtree(folder / "wandb")


def test_without_an_account_the_message_says_what_to_do(runs, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")  # where nobody answers
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setattr(sys, "argv", ["msd-mtl", "study.name=trial", f"runs_dir={runs}"])
    with pytest.raises(SystemExit):
        dashboard.main()
    wandb.teardown()
    said = capsys.readouterr().err
    assert "W&B must take the workspace; got" in said
    assert said.endswith(". Log in with `wandb login`, or write its specification with offline=true.\n")
    assert ".." not in said
    assert said.count("og in") == 1
