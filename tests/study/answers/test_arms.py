import pytest

from msd_mtl.study import dashboard
from msd_mtl.study.answers.arms import arms_of, describe, differences, mask_name
from msd_mtl.study.record import read_record, write_record


def arms(study):
    return arms_of({run: read_record(study.folder / run) for run in study.index})


def contexts(study):
    return {arm.context for arm in arms(study).values()}


def test_what_an_arm_has_a_place_for_is_no_context(crossed):
    study = crossed()
    found = set(arms(study).values())
    assert {arm.context for arm in found} == {()}
    assert {(arm.task_set, arm.mask, arm.train_size, arm.coupling) for arm in found} == {
        ("pop", "0000", 500, 0.0),
        ("tight", "1100", 500, 0.9),
        ("tight", "0011", 500, 0.9),
    }


def test_settings_in_which_runs_differ_are_context(study):
    for seed in (0, 1):
        for match in (None, [1, 1, 1, 1]):
            for control in (None, "misalign"):
                study.add("tight", "1100", seed, model__match_parameters=match, data__control=control)
    assert contexts(study) == {
        (("data.control", control), ("model.match_parameters", match))
        for control in ("null", "misalign")
        for match in ("null", "[1, 1, 1, 1]")
    }


def test_where_and_how_a_run_is_made_is_no_context(study):
    for seed in (0, 1):
        study.add("tight", "1100", seed, runs_dir="here", trainer__enable_progress_bar=False)
        study.add("tight", "0011", seed, runs_dir="there", trainer__enable_progress_bar=True)
    assert contexts(study) == {()}


def test_a_recipe_is_named_without_all_that_it_sets(study):
    for seed in (0, 1):
        study.add("tight", "1100", seed)
        study.add("tight", "1100", seed, recipe__name="paper2016", recipe__binary_outputs=2, data__features="counts")
    assert contexts(study) == {(("recipe.name", "default"),), (("recipe.name", "paper2016"),)}


def test_data_of_another_name_are_named_without_all_that_goes_with_it(study):
    for seed in (0, 1):
        study.add("tight", "1100", seed)
        study.add("tight", "1100", seed, data__name="msd", data__split="official", data__val_fraction=0.1)
    assert contexts(study) == {(("data.name", "msd"),), (("data.name", "synthetic"),)}


def test_all_rows_are_those_of_the_same_context(study):
    for split, labelled in (("artist", 1000), ("track", 1200)):
        for mask in ("1100", "0011", "1111"):
            run = study.add("tight", mask, 0, data__train_size=None, data__split=split)
            record = read_record(study.folder / run)
            record["data"]["labelled"]["train"]["term:pop"] = labelled
            write_record(study.folder / run, record)
    assert {(dict(arm.context)["data.split"], arm.train_size) for arm in arms(study).values()} == {
        ("artist", 1000),
        ("track", 1200),
    }


def test_what_does_not_go_with_the_recipe_is_named_beside_it(study):
    for seed in (0, 1):
        for recipe in ("default", "paper2016"):
            for features in ("counts", "tfidf"):
                study.add("tight", "1100", seed, recipe__name=recipe, data__features=features)
    assert len(contexts(study)) == 4


def test_a_setting_that_goes_with_the_seed_or_the_size_counts_as_such(study):
    for seed in (0, 1):
        for n, epochs in ((500, 8), (1000, 4)):
            study.add("tight", "1100", seed, data__split_seed=seed, data__train_size=n, trainer__max_epochs=epochs)
    assert contexts(study) == {()}


@pytest.mark.parametrize("key", ["data.split_seed", "data.test_fraction", "data.world.n_tracks", "data.world.world"])
def test_what_a_run_is_tested_on_is_no_size(study, key):
    for seed in (0, 1):
        for n, value in ((500, 0.25), (1000, 0.5)):
            study.add("tight", "1100", seed, data__train_size=n, **{key.replace(".", "__"): value})
    assert contexts(study) == {((key, "0.25"),), ((key, "0.5"),)}


def test_other_data_is_no_size(study):
    for seed in (0, 1):
        for n, fingerprint in ((500, "one"), (1000, "other")):
            run = study.add("tight", "1100", seed, data__train_size=n)
            record = read_record(study.folder / run)
            write_record(study.folder / run, record | {"data": record["data"] | {"fingerprint": fingerprint}})
    assert contexts(study) == {(("data.fingerprint", "one"),), (("data.fingerprint", "other"),)}


def test_a_setting_that_only_some_seeds_have_is_context(study):
    for seed in range(4):
        study.add("tight", "1100", seed, model__dropout=0.1 if seed < 2 else 0.3)
    assert contexts(study) == {(("model.dropout", "0.1"),), (("model.dropout", "0.3"),)}


def test_a_split_that_does_not_go_with_the_seed_is_context(study):
    for seed in (0, 1):
        for split_seed in (0, 1):
            study.add("tight", "1100", seed, data__split_seed=split_seed)
    assert contexts(study) == {(("data.split_seed", "0"),), (("data.split_seed", "1"),)}


def test_all_rows_are_as_many_as_have_a_label_of_the_target(study):
    study.add("tight", "1100", 0, data__train_size=None)
    (arm,) = arms(study).values()
    assert arm.train_size == 300


def test_sizes_that_were_asked_for_say_nothing_of_all_rows(study):
    for size, labelled in ((250, 250), (500, 500), (None, 1300)):
        run = study.add("tight", "1100", 0, data__train_size=size)
        record = read_record(study.folder / run)
        record["data"]["labelled"]["train"]["term:pop"] = labelled
        write_record(study.folder / run, record)
    assert sorted(arm.train_size for arm in arms(study).values()) == [250, 500, 1300]


def test_how_many_tracks_keep_the_label_of_the_target_is_no_part_of_the_size(study):
    for size, kept in ((300, None), (1000, 300), (4000, 300)):
        study.add("tight", "1100", 0, data__train_size=size, data__target_train_size=kept)
    assert contexts(study) == {(("data.target_train_size", kept),) for kept in ("null", "300")}
    assert {arm.train_size for arm in arms(study).values()} == {300, 1000, 4000}


def test_all_rows_of_which_some_keep_the_label_of_the_target_are_as_many_as_the_auxiliaries_have(study):
    for tasks, rows in (("pop", 60), ("tight", 900)):
        run = study.add(tasks, "1100", 0, data__train_size=None, data__target_train_size=60)
        record = read_record(study.folder / run)
        record["data"] |= {"rows": {"train": rows}, "labelled": {"train": {"term:pop": 60}}}
        write_record(study.folder / run, record)
    assert {arm.train_size for arm in arms(study).values()} == {900}


def test_splits_that_go_with_the_seed_do_not_make_arms_of_their_own(study):
    runs = [study.add("tight", "1100", seed, data__train_size=None, data__split_seed=seed) for seed in range(3)]
    for run, labelled in zip(runs, (297, 300, 310), strict=True):
        record = read_record(study.folder / run)
        record["data"]["labelled"]["train"]["term:pop"] = labelled
        write_record(study.folder / run, record)
    assert {(arm.train_size, arm.context) for arm in arms(study).values()} == {(300, ())}


def test_a_run_whose_store_could_not_be_opened_makes_no_context(study):
    for seed in (0, 1):
        study.add("tight", "1100", seed)
        failed = study.add("tight", "0011", seed, status="failed")
        record = read_record(study.folder / failed)
        write_record(study.folder / failed, record | {"data": {"fingerprint": None}})
    assert contexts(study) == {()}


def test_a_set_of_tasks_without_a_preset_is_named_by_its_tasks(study):
    study.add(["term:pop", "loudness"], "1100", 0)
    (arm,) = arms(study).values()
    assert arm.task_set == "term:pop + loudness"
    assert describe(arm) == "term:pop + loudness, low (1100), n=500, coupling 0.9"


def test_a_preset_in_another_order_is_a_set_of_its_own(study):
    for tasks in ("tight", ["term:pop", "term:ballad", "term:pop rock"]):
        study.add(tasks, "1100", 0)
    assert {arm.task_set for arm in arms(study).values()} == {"tight", "term:pop + term:ballad + term:pop rock"}


def test_masks_without_a_name_are_themselves():
    assert mask_name("1010") == "1010"
    assert mask_name("1111") == "full (1111)"


def test_differences_name_dotted_keys(study):
    runs = [study.add("tight", "1100", 0), study.add("tight", "1100", 0, recipe__optimizer__lr=0.5)]
    assert differences([read_record(study.folder / run) for run in runs]) == ("recipe.optimizer.lr",)


def test_the_dashboard_asks_runs_that_are_not_completed_too_what_goes_with_the_seed(study, monkeypatch):
    for control in (None, "misalign"):
        for seed in (0, 1):
            status = "completed" if (control is None) == (seed == 0) else "running"
            study.add("tight", "1100", seed, data__control=control, status=status)
    study.write_index()
    monkeypatch.setattr(dashboard, "SHOWN", ())  # these records have what a report needs alone
    arms = dashboard.shown(study.folder, "made")[1]
    assert len(arms) == 2
    assert {dict(arm.context).get("data.control") for arm in arms.values()} == {"null", "misalign"}
