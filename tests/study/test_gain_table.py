"""What the dashboard compares, and what its charts average over, where a study varies any setting."""

import copy
import random
from functools import reduce
from itertools import product

import pytest

from msd_mtl.study.answers.arms import arms_of
from msd_mtl.study.run import run_once

pytest.importorskip("wandb_workspaces", reason="the extra `dashboard` is not installed")

from msd_mtl.study.workspace import curve_panels, gain_table, score_panels, varied_axes


@pytest.fixture(scope="module")
def completed(tmp_path_factory):
    """Record of a short run."""
    from hydra import compose, initialize_config_dir
    from tests.conftest import SMALL

    from msd_mtl.app import conf_dir

    folder = tmp_path_factory.mktemp("study") / "runs"
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return run_once(compose("train", [*SMALL, "trainer.max_epochs=1", f"runs_dir={folder}"]))[1]


def lines_of(table: str) -> list[dict[str, str]]:
    """The lines of a table in Markdown, by the heads of its columns."""
    head, _, *lines = [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines() if "|" in line
    ]
    return [dict(zip(head, line, strict=True)) for line in lines]


def twins(record: dict, key: str, values: dict[int, tuple]) -> list[dict]:
    """Runs of two masks, of two seeds and for each seed of each value of a setting; scores drawn at random."""
    draw = random.Random(0)
    made = []
    for mask, (seed, of_seed) in product(((0, 0, 0, 0), (1, 1, 0, 0)), values.items()):
        for value in of_seed:
            twin = copy.deepcopy(record) | {"run_id": f"{len(made):016}", "seed": seed}
            twin["config"] |= {"seed": seed, "sharing": {"mask": list(mask)}, "model": {"mask": list(mask)}}
            twin["cell"]["sharing_mask"] = list(mask)
            *groups, name = key.split(".")
            reduce(dict.__getitem__, groups, twin["config"])[name] = value
            twin["metrics"]["test"]["term:pop"]["auroc"] = draw.uniform(0.5, 0.9)
            made.append(twin)
    return made


def computed(made: list[dict], mask: list[int]) -> tuple[list[float], list[float]]:
    """Score of each seed of a mask, and its gain over no sharing, among the runs of one setting."""
    score = {(r["cell"]["sharing_mask"] == mask, r["seed"]): r["metrics"]["test"]["term:pop"]["auroc"] for r in made}
    return [score[True, seed] for seed in (0, 1)], [score[True, seed] - score[False, seed] for seed in (0, 1)]


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("data.control", (None, "misalign")),
        ("data.split", ("artist", "track")),
        ("data.split_seed", (5, 6)),
        ("recipe.optimizer.lr", (0.1, 0.2, 0.3)),
    ],
)
def test_the_gain_table_pairs_runs_of_the_same_settings_alone_and_says_which(completed, key, values):
    made = twins(completed, key, {0: values, 1: values})
    arms = arms_of({record["run_id"]: record for record in made})
    random.Random(1).shuffle(made)
    lines = {(line["settings"], line["sharing"]): line for line in lines_of(gain_table(made, arms))}
    assert len(lines) == 2 * len(values)
    for value in values:
        told = f"{key}={'null' if value is None else value}"
        line = lines[told, "1100"]
        of_value = [r for r in made if reduce(dict.__getitem__, key.split("."), r["config"]) == value]
        scores, gains = computed(of_value, [1, 1, 0, 0])
        assert line["seeds"] == "2"
        assert line["score"].startswith(f"{sum(scores) / 2:.3f} ± ")
        assert line["gain over none"].startswith(f"{sum(gains) / 2:+.3f} ± ")
        assert lines[told, "0000"]["gain over none"] == "–"
    assert list(varied_axes(made, arms)) == ["layers shared", key]


def test_what_goes_with_the_seed_is_no_setting_and_runs_that_cannot_be_told_apart_are_left_out(completed):
    made = twins(completed, "data.split_seed", {0: (0,), 1: (1,)})
    twin = copy.deepcopy(made[-1]) | {"run_id": "f" * 16}
    arms = arms_of({record["run_id"]: record for record in [*made, twin]})
    _, gains = computed(made, [1, 1, 0, 0])
    assert [line["seeds"] for line in lines_of(gain_table(made, arms))] == ["2", "2"]
    both = gain_table([*made, twin], arms)
    assert "Left out: 2 runs of an arm and seed that others have too; the report names them." in both
    assert [line["seeds"] for line in lines_of(both)] == ["2", "1"]
    assert lines_of(both)[1]["gain over none"] == f"{gains[0]:+.3f} ± –"
    assert "Left out" not in gain_table(made, arms)


def test_runs_without_a_score_are_left_out_and_counted(completed):
    made = twins(completed, "data.split_seed", {0: (0,), 1: (1,)})
    arms = arms_of({record["run_id"]: record for record in made})
    scores, gains = computed(made, [1, 1, 0, 0])
    none, shared = made[:2], made[2:]
    none[1]["metrics"]["test"]["term:pop"]["auroc"] = None
    table = gain_table(made, arms)
    assert "Left out: 1 runs that have no score.\n\n" in table
    assert [(line["seeds"], line["sharing"]) for line in lines_of(table)] == [("1", "0000"), ("2", "1100")]
    assert lines_of(table)[1]["score"].startswith(f"{sum(scores) / 2:.3f} ± ")
    assert lines_of(table)[1]["gain over none"] == f"{gains[0]:+.3f} ± –"
    none[0]["metrics"]["test"]["term:pop"]["auroc"] = None
    assert [line["gain over none"] for line in lines_of(gain_table(made, arms))] == ["–"]
    shared[0]["metrics"]["test"]["term:pop"]["auroc"] = shared[1]["metrics"]["test"]["term:pop"]["auroc"] = None
    assert lines_of(gain_table(made, arms)) == []


def test_a_chart_says_what_it_averages_over(completed):
    made = twins(completed, "data.control", {0: (None, "misalign")})
    axes = varied_axes(made, arms_of({record["run_id"]: record for record in made}))
    titles = [panel.title for panel in score_panels(made, axes)]
    assert titles[:2] == [
        "test AUROC by layers shared, mean over data.control",
        "test AUROC by data.control, mean over layers shared",
    ]
    assert {panel.title.partition(", ")[2] for panel in curve_panels(made, axes)} == {"mean over data.control"}
