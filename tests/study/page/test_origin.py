"""Fair comparisons and provenance: what the page says of how its numbers came about."""

import json
from dataclasses import replace

import pytest
from tests.study.answers.conftest import composed

from msd_mtl.app import conf_dir, read_conf
from msd_mtl.study.answers.types import Absent
from msd_mtl.study.cell import Cell
from msd_mtl.study.index import FOLDER, add_sweep
from msd_mtl.study.page.commands import Making
from msd_mtl.study.page.fair import comparisons
from msd_mtl.study.page.make import make_report
from msd_mtl.study.page.provenance import provenance
from msd_mtl.study.sweep import jobs

from .made import analysis, contrast, effect

PLAIN, MATCHED = (("model.match_parameters", "null"),), (("model.match_parameters", "[1, 1, 0, 0]"),)
SMALL = {"masks": ("0000", "1100"), "sizes": (500,), "couplings": (None,), "n_seeds": 2, "histories": False}


MAKINGS = (
    Making(("study=made", "capacity=nominal", "seed=0,1"), "exact"),
    Making(("study=made", "model.match_parameters=null", "seed=2"), "more", is_sweep=False),
)


def test_a_study_without_a_control_is_told_what_makes_it(tmp_path):
    capacity, budget = comparisons(analysis(tmp_path, **SMALL), MAKINGS)
    assert (capacity.state, budget.state) == ("never", "never")
    assert capacity.commands == (
        "msd-mtl train -m study=made seed=0,1 capacity=full",
        "msd-mtl train study=made seed=2 capacity=full",
    )
    assert budget.commands[0] == "msd-mtl train -m study=made capacity=nominal seed=0,1 budget=steps"


def test_no_command_is_shown_that_nobody_knows_to_make_runs_which_are_compared(tmp_path):
    made = analysis(tmp_path / "runs", **SMALL)
    unknown = (*MAKINGS, Making(("study=made",), "unknown"))
    nothing_to_compare = replace(made, contrasts=())
    for study, makings in ((made, unknown), (nothing_to_compare, MAKINGS)):
        assert [(one.state, one.commands) for one in comparisons(study, makings)] == [("never", ())] * 2
    page = make_report(made, tmp_path / "runs", tmp_path / "report").read_text()
    assert "No command is known that makes the runs." in page
    assert "<code>capacity=full</code> added to what makes its runs makes them." in page
    assert "msd-mtl train" not in page


@pytest.mark.parametrize("shared", ["", "a=0"])
def test_what_runs_without_a_command_share_is_shown_where_they_share_anything(tmp_path, shared):
    made = analysis(tmp_path / "runs", **SMALL)
    folder = tmp_path / "runs" / FOLDER / "made"
    folder.mkdir(parents=True)
    index = {run.run_id: [f"seed={k}", f"b={k}", *shared.split()] for k, run in enumerate(made.runs)}
    (folder / "a.json").write_text(json.dumps(index))
    page = make_report(made, tmp_path / "runs", tmp_path / "report").read_text()
    assert (
        ("Where none is, they share these settings" in page) == ("<pre><code>a=0</code></pre>" in page) == bool(shared)
    )
    assert ("Where none is, they differ in the settings of the tables." in page) == (not shared)
    assert "<pre><code></code></pre>" not in page


def test_controlled_runs_stand_beside_the_plain_ones(tmp_path):
    capacity, _ = comparisons(analysis(tmp_path, contexts=(PLAIN, MATCHED), **SMALL), ())
    assert capacity.state == "compared"
    rows = [row for row in capacity.table.rows if row["question"] == "benefit"]
    assert [row["name"] for row in rows] == ["tight, 1100"]
    assert rows[0]["under"] == "model.match_parameters = 1100"
    assert rows[0]["plain"] == rows[0]["controlled"]


def absent(cell, state="missing"):
    return Absent("f" * 16, state, cell, "")


def test_contrasts_that_only_one_side_has_yet_are_shown_and_the_other_is_said_to_be_missing(tmp_path):
    made = analysis(tmp_path, contexts=(PLAIN, MATCHED), **SMALL)
    (plain, matched) = (c for c in made.contrasts if c.question == "benefit")
    assert (plain.context, matched.context) == (PLAIN, MATCHED)
    for kept, row in ((plain, ("plain", "controlled")), (matched, ("controlled", "plain"))):
        capacity, _ = comparisons(replace(made, contrasts=(kept,)), ())
        (found,) = capacity.table.rows
        assert found[row[0]] == kept.effect.estimate
        assert found[row[1]] is None
        assert found["missing"] == ("plain: " if kept is matched else "") + "no runs to compare yet"
    seeds = replace(matched, missing=("seed 1: failed",))
    capacity, _ = comparisons(replace(made, contrasts=(plain, seeds)), ())
    assert [row["missing"] for row in capacity.table.rows] == ["seed 1: failed"]
    assert [column.key for column in capacity.table.columns][-1] == "missing"


def sized(made, question, effect_of, sizes, n_seeds):
    """Contrasts of a question on both sides, with the sizes and seeds of each."""
    given = zip((PLAIN, MATCHED), sizes, n_seeds, strict=True)
    name = "tight, 1100, from {} to {} tracks" if question == "size" else "tight, 1100"
    return tuple(
        contrast(question, name.format(own[0], own[-1]), context=side, sizes=own, effect=effect_of(n))
        for side, own, n in given
    )


@pytest.mark.parametrize("question", ["benefit", "size"])
def test_only_contrasts_over_the_same_sizes_are_compared_and_seeds_are_said(tmp_path, question):
    made = analysis(tmp_path, contexts=(PLAIN, MATCHED), **SMALL | {"sizes": (250, 500, 1000)})

    def row(*sizes, n_seeds=(5, 5)):
        contrasts = sized(made, question, lambda n: effect(0.02, n=n), sizes, n_seeds)
        (found,) = comparisons(replace(made, contrasts=contrasts), ())[0].table.rows
        return found

    same = row((250, 500), (250, 500), n_seeds=(5, 2))
    assert (same["plain"], same["controlled"], same["sizes"], same["missing"]) == (0.02, 0.02, "250 and 500", "")
    assert (same["plain_seeds"], same["seeds"]) == (5, 2)
    half_way = row((250, 500, 1000), (250, 500))
    assert (half_way["plain"], half_way["plain_seeds"], half_way["plain_verdict"]) == (None, None, None)
    assert (half_way["controlled"], half_way["sizes"]) == (0.02, "250 and 500")
    said = "plain: not compared, as it is over 250, 500 and 1,000 training tracks"
    assert half_way["missing"] == said


SLOPE, ENDS = "tight, from {} to {} shared layers", "tight, from coupling {} to {}, low (1100)"


@pytest.mark.parametrize(
    ("question", "names", "plain", "matched", "why"),
    [
        (
            *("depth", (SLOPE.format(0, 4), SLOPE.format(1, 4))),
            *({"masks": ("0000", "1111"), "mask": None}, {"masks": ("1000", "1111"), "mask": None}),
            "it is over the masks 0000, 1111, not 1000, 1111",
        ),
        (
            *("coupling", (ENDS.format(0, 0.9), ENDS.format(0.5, 0.9))),
            *({"couplings": (0, 0.9)}, {"couplings": (0.5, 0.9)}),
            "it is over the couplings 0, 0.9, not 0.5, 0.9",
        ),
        (
            *("benefit", ("tight, low (1100)",) * 2),
            *({"weighs_alone": True}, {"reference": "no sharing"}),
            "its gains are over the target alone, not over no sharing",
        ),
    ],
)
def test_contrasts_that_differ_by_more_than_the_control_are_not_compared(
    tmp_path, question, names, plain, matched, why
):
    made = analysis(tmp_path, contexts=(PLAIN, MATCHED), **SMALL)

    def row(*sides):
        pairs = zip((PLAIN, MATCHED), names, sides, strict=True)
        contrasts = tuple(contrast(question, name, context=context, **side) for context, name, side in pairs)
        (found,) = comparisons(replace(made, contrasts=contrasts), ())[0].table.rows
        return found["plain"], found["controlled"], found["missing"]

    assert row(plain, matched) == (None, 0.021, f"plain: not compared, as {why}")
    assert row(matched, matched) == (0.021, 0.021, "")


@pytest.mark.parametrize(
    ("cells", "missing"),
    [
        (["sharing=low capacity=low seed=1", "capacity=full"], "2 missing with it"),
        (["tight, low (1100), n=500, model.match_parameters=[1, 1, 0, 0], seed 1"], "1 missing with it"),
        (["capacity=low", "capacity=nominal", "sharing=none"], "1 missing with it, 1 missing without it"),
    ],
)
def test_a_study_that_has_not_come_to_its_controlled_runs_does_not_say_that_it_has_none(tmp_path, cells, missing):
    made = replace(analysis(tmp_path, **SMALL), missing=tuple(map(absent, cells)))
    capacity, budget = comparisons(made, ())
    assert (capacity.state, capacity.missing, capacity.commands) == ("compared", missing, ())
    assert {row["controlled"] for row in capacity.table.rows} == {None}
    assert budget.state == "never"


def test_a_study_that_has_not_come_to_its_plain_runs_does_not_say_that_it_has_none(tmp_path):
    made = analysis(tmp_path, contexts=(MATCHED,), **SMALL)
    plain = absent("tight, model.match_parameters=null, seed 0", "failed")
    capacity, _ = comparisons(replace(made, failed=(plain,)), ())
    assert (capacity.state, capacity.missing) == ("compared", "1 failed without it")
    capacity, _ = comparisons(replace(made, running=(absent("budget=steps capacity=low", "running"),)), ())
    assert (capacity.state, capacity.missing) == ("always", "1 running with it")


def test_what_is_missing_of_a_fair_comparison_stands_on_the_page(tmp_path):
    made = replace(analysis(tmp_path / "runs", **SMALL), missing=(absent("capacity=low"),))
    page = make_report(made, tmp_path / "runs", tmp_path / "report").read_text()
    assert "Runs that are not completed: 1 missing with it." in page
    assert 'id="fair-capacity"' in page


def test_a_study_all_of_whose_runs_are_controlled_says_so(tmp_path):
    capacity, _ = comparisons(analysis(tmp_path, contexts=(MATCHED,), **SMALL), ())
    assert capacity.state == "always"


@pytest.mark.parametrize("n_runs", [4, 3])  # of those that the command makes
@pytest.mark.parametrize("is_edited", [False, True])
def test_provenance_names_what_differs_and_where_the_data_is_from(tmp_path, monkeypatch, is_edited, n_runs):
    monkeypatch.setattr(  # none was composed
        "msd_mtl.study.page.provenance.still_made", lambda sweeps, _: [not is_edited for _ in sweeps]
    )
    made = analysis(tmp_path, **SMALL)
    sweep = {run.run_id: [f"sharing.mask=[{','.join(run.arm.mask)}]", f"seed={run.seed}"] for run in made.runs}
    (tmp_path / FOLDER / "made").mkdir(parents=True)
    (tmp_path / FOLDER / "made" / "a.json").write_text(json.dumps(dict(list(sweep.items())[:n_runs])))
    given = ["sharing.mask=[0,0,0,0],[1,1,0,0]", "seed=0,1"]
    (tmp_path / FOLDER / "made" / "a.command.yaml").write_text(json.dumps(given))
    found = provenance(made, tmp_path)
    command = "msd-mtl train -m 'sharing.mask=[0,0,0,0],[1,1,0,0]' seed=0,1"
    assert found.commands == (*(() if is_edited else (command,)), "msd-mtl report study=made")
    assert found.exact == (not is_edited and n_runs == 4)
    assert found.shared == (("",) if is_edited else ())
    assert {row["key"]: row["n"] for row in found.differences.rows} == {"seed": 2, "sharing.mask": 2}
    assert {"what": "torch", "value": "2.13.0", "n": 4} in list(found.environments.rows)
    assert {"what": "threads", "value": "1", "n": 4} in list(found.environments.rows)
    assert found.fingerprints == ("synthetic",)


@pytest.mark.parametrize(
    ("settings", "n_made", "exact"),
    [
        (("data=msd", "data.store=/a.h5"), 3, True),
        (("data=msd", "data.store=/a.h5", "data.control=${tasks.coupling}"), 6, False),
        (("data=clear_auxiliaries",), 6, False),
    ],
    ids=["real", "real, that it is told to", "synthetic"],
)
def test_a_coupling_that_real_data_cannot_have_makes_no_other_run(tmp_path, settings, n_made, exact):
    given = ["study=coupling", *settings, "sharing=low", "seed=0"]
    swept = read_conf(conf_dir() / "study" / "coupling.yaml")["hydra"]["sweeper"]
    found = {}
    for job in jobs(swept["params"], swept["grids"], given):
        for name, (config, data) in composed(job, ["f"]).items():
            found.setdefault(name, (job, {"config": config, "data": {"fingerprint": data}}))
    assert len(found) == n_made
    first = dict(list(found.items())[:3])  # of those with couplings of their own none is there
    (tmp_path / FOLDER / "coupling").mkdir(parents=True)
    (tmp_path / FOLDER / "coupling" / "a.json").write_text(json.dumps({name: job for name, (job, _) in first.items()}))
    (tmp_path / FOLDER / "coupling" / "a.command.yaml").write_text(json.dumps(given))
    made = analysis(tmp_path, study="coupling", **SMALL)
    pairs = zip(made.runs, first.items(), strict=False)
    runs = tuple(replace(run, run_id=name, record=run.record | record) for run, (name, (_, record)) in pairs)
    found = provenance(replace(made, runs=runs), tmp_path)
    assert [(one.claim, one.settings[0]) for one in found.makings] == [("exact" if exact else "more", "study=coupling")]


def test_a_command_that_leaves_the_same_sizes_out_makes_the_runs_and_the_page(tmp_path, monkeypatch):
    monkeypatch.setattr("msd_mtl.study.page.provenance.still_made", lambda sweeps, _: [True for _ in sweeps])
    for seed, n_left_out in ((0, 1), (1, 2)):
        command = [f"seed={seed}", "data.train_size=250,500,1000"]
        cells = [Cell(f"{size}{seed}", (f"seed={seed}", f"data.train_size={size}"), {}) for size in (250, 500)]
        said = f"data.train_size=1,000, of 999 training tracks: {n_left_out} runs left out."
        add_sweep(tmp_path, "made", cells, [said], command=command)
    found = provenance(analysis(tmp_path, **SMALL), tmp_path)
    assert [one.claim for one in found.makings] == ["exact", "exact"]
    assert sorted(one.shown for one in found.makings) == [
        "seed=0 data.train_size=250,500,1000",
        "seed=1 data.train_size=250,500",  # that it is one run more is not what was left out
    ]


@pytest.mark.parametrize("n_known", [0, 1])
def test_a_command_that_is_not_compared_with_the_runs_is_not_said_to_make_them(tmp_path, n_known):
    made = analysis(tmp_path, **SMALL)
    folder = tmp_path / FOLDER / "made"
    folder.mkdir(parents=True)
    (folder / "a.json").write_text(json.dumps({run.run_id: [f"seed={run.seed}"] for run in made.runs}))
    (folder / "a.command.yaml").write_text("[--config-dir=/home/somebody/own, study=made]")
    for k in range(n_known):
        (folder / f"b{k}.json").write_text('{"x": ["seed=0", "a=0"], "y": ["seed=1"]}')
    page = make_report(made, tmp_path, tmp_path / "report").read_text()
    assert "$ msd-mtl train -m --config-dir=own study=made" in page
    assert "and not compared with the runs." in page
    assert "These commands make the runs" not in page
    assert '"commands_are_exact": false' in (tmp_path / "report" / "verdicts.json").read_text()


def test_paths_and_places_are_no_difference(tmp_path):
    made = analysis(tmp_path, **SMALL)
    runs = tuple(
        replace(run, record=run.record | {"config": run.record["config"] | {"runs_dir": f"/somewhere/{n}"}})
        for n, run in enumerate(made.runs)
    )
    assert "runs_dir" not in {row["key"] for row in provenance(replace(made, runs=runs), tmp_path).differences.rows}
