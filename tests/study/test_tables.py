"""Tables of a terminal: what they show, and that no word of them is cut."""

from itertools import product

import numpy as np
import pytest
from rich.console import Console

from msd_mtl.study.answers.types import Arm
from msd_mtl.study.identity import digest
from msd_mtl.study.states import Progress, State
from msd_mtl.study.summary import best_possible, summarise
from msd_mtl.study.tables import problems, run_table, summary_table, sweep_table

TIGHT, LOOSE = ["term:pop", "term:pop rock", "term:ballad"], ["term:pop", "loudness", "year"]


def arms(records):
    """What the records are compared by."""
    cells = {one["run_id"]: one["cell"] for one in records}
    return {
        run: Arm(
            "s", tuple(cell["tasks"]), cell["target"], "".join(map(str, cell["sharing_mask"])), 1, cell["coupling"], ()
        )
        for run, cell in cells.items()
    }


MASKS = [((0, 0, 0, 0), 0), ((1, 1, 0, 0), 1)]  # and seeds


def record(tasks=TIGHT, mask=(1, 1, 0, 0), coupling=0.9, n_train=1000, seed=0, recipe="default", **more):
    scores = {"auroc": 0.7, "average_precision": 0.8, "error": 0.3, "rmse": 3.0, "r2": 0.5}
    return {
        "run_id": digest([tasks, mask, coupling, n_train, seed, recipe]),
        "cell": {
            "tasks": tasks,
            "target": tasks[0],
            "sharing_mask": list(mask),
            "coupling": coupling,
            "recipe": recipe,
        },
        "seed": seed,
        "data": {"rows": {"train": n_train}, "prevalence": {"test": {}}},
        "metrics": {"test": dict.fromkeys(tasks, scores)},
        "baselines": {},
        "bayes": {"test": {}},
        "parameters": {"total": 12345, "shared": 0},
        "best_epoch": 1233,
        "epochs": 2000,
        "timing_s": {"total": 5.06},
    } | more


def shown(table, width):
    console = Console(width=width)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def varied(*, sizes=(500, 10000), recipes=("default",)):
    sets = (TIGHT, LOOSE, ["term:pop"])
    choices = product(sets, ((0, 0, 0, 0), (1, 1, 0, 0)), (0.0, 0.9), sizes, (0, 1), recipes)
    return [record(*choice) for choice in choices]


def settings(record):
    cell = record["cell"]
    mask = "".join(map(str, cell["sharing_mask"])) if len(cell["tasks"]) > 1 else "one task"
    return [*mask.split(), str(cell["coupling"]), str(record["seed"])]


@pytest.mark.parametrize("width", [60, 80, 200])
@pytest.mark.parametrize("recipes", [("default",), ("default", "paper2016")])
def test_no_word_of_a_sweep_is_cut(width, recipes):
    records = varied(recipes=recipes)
    text = shown(sweep_table(records, width), width)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    words = text.replace(",\n", " ").split()
    for name in ("run", "metric", "network", "linear"):
        assert name in words
    assert words.count("0.700") == len(records)
    for one in records:
        assert one["run_id"] in words


def test_each_setting_of_a_sweep_that_varies_has_a_column_where_there_is_room():
    records = varied(sizes=(10000,))
    lines = shown(sweep_table(records, 80), 80).splitlines()
    assert lines[1].split() == ["run", "tasks", "sharing", "coupling", "seed", "metric", "network", "linear"]
    for line, one, name in zip(lines[3:], records, ["tight"] * 8 + ["loose"] * 8 + ["pop"] * 8, strict=True):
        assert line.split() == [one["run_id"], name, *settings(one), "AUROC", "0.700", "–"]


def test_settings_that_have_no_room_for_columns_share_one():
    text = " ".join(shown(sweep_table(varied(), 60), 200).split())
    assert "tasks tight, sharing 0000, coupling 0.0, tracks 500, seed 0 AUROC 0.700" in text


@pytest.mark.parametrize(
    ("sets", "names"),
    [
        ((LOOSE, ["year", "tempo", "loudness"], ["tempo"]), ("loose", "year + 2", "tempo")),
        ((LOOSE, ["year", "tempo"], ["year", "loudness"]), ("loose", "year + tempo", "year + loudness")),
        ((["term:a[b]"], TIGHT), ("term:a[b]", "tight")),
    ],
)
def test_a_task_set_without_a_file_is_named_by_its_target_while_that_is_clear(sets, names):
    text = shown(sweep_table([record(tasks) for tasks in sets], 80), 80)
    assert [line[18:].split("  ")[0] for line in text.splitlines()[3:]] == list(names)


def test_sweeps_without_a_difference_are_a_table_too():
    text = shown(sweep_table([record()], 10), 80)
    assert "AUROC" in text
    assert "settings" not in text


def test_long_names_of_tasks_wrap_between_words_alone():
    sets = [["term:pop", "loudness", "duration", field] for field in ("year", "tempo")]
    records = [record(tasks, mask, seed=seed) for tasks in sets for mask, seed in MASKS]
    text = shown(sweep_table(records, 67), 67)
    _, *words = text.split()[3:]
    assert words[:6] == ["tasks", "sharing", "seed", "metric", "network", "linear"]
    assert {one["run_id"] for one in records} <= set(words)
    assert [words.count(word) for word in ("term:pop", "loudness", "duration", "AUROC")] == [4, 4, 4, 4]
    assert "…" not in text


@pytest.mark.parametrize("couplings", [(0.9,), (0.0, 0.9)])
def test_no_word_is_cut_at_any_width(couplings):
    sets = (["term:pop"], *(["term:pop", "loudness", "duration", further] for further in ("year", "tempo")))
    records = [record(tasks, coupling=coupling) for coupling in couplings for tasks in sets]
    texts = {width: shown(sweep_table(records, width), width) for width in range(52, 100)}
    assert [width for width, text in texts.items() if "…" in text] == []
    assert {"settings" in text for text in texts.values()} == {True, False}


@pytest.mark.parametrize("mask", [(0,), (1, 0), (0, 1, 1, 0)])
def test_a_mask_is_shown_as_long_as_it_is(mask):
    assert f"sharing {''.join(map(str, mask))}, 1,000 training tracks" in shown(run_table(record(mask=mask)), 120)


def test_no_number_of_a_summary_is_cut_where_there_is_little_room():
    choices = product([mask for mask, _ in MASKS], (0.0, 0.9), (0, 1))
    records = [record(mask=mask, coupling=coupling, seed=seed) for mask, coupling, seed in choices]
    text = shown(summary_table(summarise(records, arms(records)), "term:pop", "auroc"), 64)
    assert [text.split().count(number) for number in ("0.700", "+0.000", "0.000")] == [4, 2, 6]


def test_a_summary_says_that_its_intervals_are_over_seeds_alone():
    records = [record(mask=mask, seed=seed) for mask, _ in MASKS for seed in (0, 1)]
    text = " ".join(shown(summary_table(summarise(records, arms(records)), "term:pop", "auroc"), 100).split())
    assert "mean ± half of its 95 % interval over 2 seeds alone" in text


def test_metrics_have_one_name():
    records = [record(mask=(0,) * 4), record()]
    text = shown(summary_table(summarise(records, arms(records)), "term:pop", "auroc"), 80)
    assert "Test AUROC of term:pop" in text
    assert "auroc" not in text
    assert "R²" in shown(run_table(record(LOOSE)), 120)


@pytest.mark.parametrize(("step", "since"), [(None, ""), (1292, " since step 1,292")])
def test_the_time_of_a_run_says_what_it_is_of(step, since):
    text = " ".join(shown(run_table(record(resumed_step=step)), 200).split())
    assert "best epoch 1,234 of 2,000, 12,345 parameters (0 shared) " in text
    assert text.endswith(f"5.1 s for data, training, scores and baselines{since}")


def test_no_macro_f1_is_shown_as_the_best_possible():
    scores = {"accuracy": 0.311, "macro_f1": 0.222}  # as recorded by an earlier version
    made = record(["key"], metrics={"test": {"key": scores}}, bayes={"test": {"key": dict.fromkeys(scores, 0.444)}})
    lines = [
        line.split("│")[2:-1] for line in shown(run_table(made), 120).splitlines() if "0.311" in line or "0.222" in line
    ]
    assert [[cell.strip() for cell in line][1:] for line in lines] == [
        ["accuracy", "0.311", "–", "–", "0.444"],
        ["macro F1", "0.222", "–", "–", "–"],
    ]
    assert best_possible(made, "accuracy") == 0.444
    assert np.isnan(best_possible(made, "macro_f1"))


def test_of_many_runs_that_stand_alike_the_first_few_are_named_and_why_once():
    overrides = {f"r{i}": ("data=msd", f"seed={i}") for i in range(160)}
    states = dict.fromkeys(overrides, State.MISSING) | dict.fromkeys([f"r{i}" for i in range(150)], State.FAILED)
    records = {f"r{i}": {"error": {"kind": "UserError", "message": "no label"}} for i in range(145)}
    records |= {f"r{i}": {"error": {"kind": "OSError", "message": "disk full"}} for i in range(145, 150)}
    assert problems(Progress(states, None), overrides, records).splitlines() == [
        "160 runs: 150 failed, 10 missing",
        "  145 failed: UserError: no label",
        *(f"    r{i} seed={i}" for i in range(5)),
        "    and 140 more",
        *(f"  failed r{i} seed={i}: OSError: disk full" for i in range(145, 150)),
        "  10 missing",
        *(f"    r{i} seed={i}" for i in range(150, 155)),
        "    and 5 more",
    ]


def test_a_run_alone_is_named_with_all_that_is_set_in_it():
    said = problems(Progress({"a": State.MISSING}, None), {"a": ("seed=0", "sharing=low")}, {})
    assert said.splitlines() == ["1 runs: 1 missing", "  missing a seed=0 sharing=low"]


def test_of_many_damaged_runs_what_they_lack_is_said_once():
    runs = list("abcdef")
    said = problems(Progress(dict.fromkeys(runs, State.DAMAGED), None), dict.fromkeys(runs, ()), {})
    first, what, *named, more = said.splitlines()
    assert (first, more) == ("6 runs: 6 damaged", "    and 1 more")
    assert what.startswith("  6 damaged: its record ")
    assert named == [f"    {run}" for run in "abcde"]
