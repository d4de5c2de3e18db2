"""Runs that are like none that was begun are told by what their sweep sets in them."""

import shutil
from itertools import product

import pytest
from tests.study.answers.conftest import RID, composed

from msd_mtl.data.store import Store
from msd_mtl.study.answers.analyse import ALL_TRACKS, analyse
from msd_mtl.study.answers.kinds import difference_of_kinds
from msd_mtl.study.answers.reading import read_runs
from msd_mtl.study.answers.unbegun import _edited, _edits, _examples, told_by_composing
from msd_mtl.study.record import read_record, write_record

ALONE = {"tasks": "pop", "sharing": "none"}
LOW = {"tasks": "tight", "sharing": "low"}


@pytest.fixture
def swept(study):
    """Makes runs as a sweep does, so that their settings come to their names; returns those by what is set in them."""

    def make(also_given=None, **settings):
        made = {}
        for seed in (0, 1, 2):
            for of_arm, mask, coupling in ((ALONE, "0000", 0.0), (LOW, "1100", 0.9)):
                name = study.add(of_arm["tasks"], mask, seed, data__coupling=coupling, **settings)
                given = (
                    of_arm
                    | {"data.train_size": 500}
                    | {key.replace("__", "."): value for key, value in settings.items()}
                    | (also_given or {})
                )
                study.index[name] = [*(f"{k}={v}" for k, v in given.items()), f"seed={seed}"]
                made[of_arm["tasks"], seed] = name
        study.write_index()
        return made

    return make


def lose(study, names):
    for name in names:
        shutil.rmtree(study.folder / name)


def test_a_task_set_of_which_nothing_was_begun_has_its_contrasts_named(study, swept):
    names = swept()
    lose(study, [name for (tasks, _), name in names.items() if tasks == "tight"])
    analysis = analyse(study.folder, "made")
    (one,) = analysis.contrasts
    assert (one.question, one.name) == ("benefit", "tight, coupling 0.9, low (1100)")
    assert one.missing == tuple(f"seed {k}: tight, low (1100), n=500, coupling 0.9 is missing" for k in range(3))
    assert analysis.warnings == ("3 of 6 runs are not completed.",)


def test_a_split_of_which_nothing_was_begun_has_its_contrasts_named(study, swept):
    swept(data__split="artist")
    lose(study, swept(data__split="track").values())
    leaks = [one for one in analyse(study.folder, "made").contrasts if one.question == "leak"]
    assert [(one.name, one.effect.n_pairs, len(one.missing)) for one in leaks] == [
        ("pop, coupling 0, alone", 0, 3),
        ("tight, coupling 0.9, low (1100)", 0, 3),
    ]


def test_settings_that_do_not_come_to_the_name_of_a_run_are_not_believed(study, swept):
    names = swept()
    lose(study, [name for (tasks, _), name in names.items() if tasks == "tight"])
    for (tasks, _), name in names.items():
        if tasks == "tight":
            study.index[name].append("data.batch_size=17")
    study.write_index()
    assert read_runs(study.folder, "made").n_unplaced == 3
    analysis = analyse(study.folder, "made")
    assert not analysis.contrasts
    assert any(warning.startswith("Of 3 of them it cannot be told") for warning in analysis.warnings)


def test_runs_that_set_the_steps_of_an_epoch_alone_are_not_taken_for_those_begun(study, swept):
    for n in (2, 4):
        names = swept({"budget": "steps"}, recipe__epoch_steps=n, data__epoch_steps=n)
        for name in names.values():
            study.index[name].remove(f"data.epoch_steps={n}")
    study.write_index()
    lose(study, names.values())
    analysis = analyse(study.folder, "made", n_bootstrap=3)
    assert [(one.context, one.effect.n_pairs, len(one.missing)) for one in analysis.contrasts] == [
        ((("data.epoch_steps", "2"),), 3, 0),
        ((("data.epoch_steps", "4"),), 0, 6),
    ]
    assert all(" recipe.epoch_steps=4 " in one.cell for one in analysis.missing)


STORE = ("data=msd", "data.split=artist", "data.train_size=500")
HERE = "content of a store that is not on this machine"


@pytest.fixture
def of_stores(study):
    """Makes runs of stores by what is in them, and loses those of some seeds."""
    here = composed([*STORE, "data.store=here.h5"], [HERE])
    ((study.base, _),) = here.values()

    def make(store, content, lost, seeds=range(3)):
        study.fingerprint = content
        for (tasks, mask, sharing), seed in product((("pop", "0000", "none"), ("tight", "1100", "low")), seeds):
            name = study.add(tasks, mask, seed, data__store=str(store))
            study.index[name] = [*STORE, f"data.store={store}", f"tasks={tasks}", f"sharing={sharing}", f"seed={seed}"]
            if seed in lost:
                lose(study, [name])
        study.write_index()

    return make


def test_runs_of_a_store_of_which_nothing_was_begun_are_of_what_is_in_it(study, of_stores, msd_store):
    content = Store.open(msd_store).content_hash
    of_stores("here.h5", HERE, lost=[])
    of_stores(msd_store, content, lost=[0, 1, 2])
    analysis = analyse(study.folder, "made", n_bootstrap=3)
    assert {
        (dict(one.context)["data.fingerprint"], one.effect.n_pairs, len(one.missing)) for one in analysis.contrasts
    } == {
        (HERE, 3, 0),
        (content, 0, 6),
    }
    for one in analysis.missing:
        assert one.cell.startswith(f"data.store={msd_store.name} ")
        assert one.cell.endswith(f" data.fingerprint={content}")


@pytest.mark.parametrize(
    ("store", "name"),
    [
        ("/of/me/gone.h5", "gone.h5"),
        ("'/of/me/go ne.h5'", "'go ne.h5'"),
        ("'/a=b/o.h5'", "'o.h5'"),
        ('"me/g.h5"', '"g.h5"'),
    ],
)
def test_runs_of_a_store_that_is_gone_are_warned_of_and_named_without_its_folder(study, of_stores, store, name):
    of_stores("here.h5", HERE, lost=[])
    of_stores(store, "of nobody", lost=[0, 1, 2])
    analysis = analyse(study.folder, "made", n_bootstrap=3)
    assert [one.effect.n_pairs for one in analysis.contrasts] == [3]
    assert any(warning.startswith("Of 6 of them it cannot be told") for warning in analysis.warnings)
    assert all(one.cell.startswith(f"data.store={name} tasks=") for one in analysis.missing)


def test_runs_of_a_store_that_was_moved_are_those_of_what_is_in_it(study, of_stores):
    of_stores("here.h5", HERE, lost=[2])
    for overrides in study.index.values():
        if "seed=2" in overrides:
            overrides[overrides.index("data.store=here.h5")] = "data.store=moved/there.h5"
    study.write_index()
    analysis = analyse(study.folder, "made", n_bootstrap=3)
    (one,) = analysis.contrasts
    assert (one.context, one.effect.n_pairs, len(one.missing)) == ((), 2, 2)
    assert {one.cell for one in analysis.missing} == {
        "data.store=there.h5 tasks=pop sharing=none seed=2",
        "data.store=there.h5 tasks=tight sharing=low seed=2",
    }
    assert analysis.warnings == ("2 of 6 runs are not completed.",)


@pytest.mark.parametrize("lost", [[3, 4], [4]])
def test_runs_of_a_store_that_was_made_anew_are_of_what_is_in_it_now(study, of_stores, msd_store, lost):
    content = Store.open(msd_store).content_hash
    of_stores(msd_store, HERE, lost=[2])
    of_stores(msd_store, content, lost=lost, seeds=[3, 4])
    analysis = analyse(study.folder, "made", n_bootstrap=3)
    assert {
        (dict(one.context)["data.fingerprint"], one.effect.n_pairs, len(one.missing)) for one in analysis.contrasts
    } == {
        (HERE, 2, 2),
        (content, 2 - len(lost), 2 * len(lost)),
    }
    assert not any("cannot be told" in one for one in analysis.warnings)


def test_runs_of_a_store_that_was_made_anew_and_is_gone_are_warned_of(study, of_stores):
    of_stores("gone.h5", HERE, lost=[])
    of_stores("gone.h5", "of nobody", lost=[3, 4], seeds=[3, 4])
    analysis = analyse(study.folder, "made", n_bootstrap=3)
    (one,) = analysis.contrasts
    assert (one.effect.n_pairs, one.missing) == (3, ())
    assert any(warning.startswith("Of 4 of them it cannot be told") for warning in analysis.warnings)


@pytest.fixture
def made_twice(study):
    """Makes runs, and others after a file was edited that none of them names; gives names by edit, tasks and seed."""

    def make(then=range(3), *, is_back=False):
        made = {}
        now = study.base["trainer"]["max_epochs"]
        for epochs, seeds in zip((now, 1) if is_back else (1, now), (range(3), then), strict=True):
            for (of_arm, mask, coupling), seed in product(((ALONE, "0000", 0.0), (LOW, "1100", 0.9)), seeds):
                name = study.add(of_arm["tasks"], mask, seed, data__coupling=coupling, trainer__max_epochs=epochs)
                study.index[name] = [*(f"{k}={v}" for k, v in of_arm.items()), "data.train_size=500", f"seed={seed}"]
                made[epochs, of_arm["tasks"], seed] = name
        study.write_index()
        return made

    return make


def asked(study):
    """What a study asks, from how many pairs that is answered, over which reference, and how many runs it lacks."""
    return {
        (one.question, one.name, one.context): (
            one.effect.n_pairs,
            one.reference if one.effect.n_pairs else None,
            len(one.missing),
        )
        for one in analyse(study.folder, "made", n_bootstrap=3).contrasts
    }


@pytest.mark.parametrize(
    ("lost", "lost_of", "then", "is_back"),
    [
        *((lost, epochs, range(3, 6), False) for lost in ("pop", "tight", "some") for epochs in (1, 8)),
        ("all", 8, range(3, 6), False),
        ("pop", 8, range(3), False),
        ("pop", 1, range(3), True),
    ],
)
def test_runs_are_of_the_configuration_that_they_were_asked_of_though_it_was_edited(
    study, made_twice, lost, lost_of, then, is_back
):
    made = made_twice(then, is_back=is_back)
    whole = asked(study)
    assert len(whole) == 2
    gone = [
        name
        for (epochs, tasks, seed), name in made.items()
        if epochs == lost_of and (lost in (tasks, "all") or (lost == "some" and seed in (0, 3)))
    ]
    lose(study, gone)
    left = (2, "single task") if lost == "some" else (0, None)
    assert asked(study) == {
        key: (*left, len(gone)) if ("trainer.max_epochs", str(lost_of)) in key[2] else count
        for key, count in whole.items()
    }
    assert read_runs(study.folder, "made").n_unplaced == 0


def forget_data(study, of_seeds):
    for name, overrides in study.index.items():
        if int(overrides[-1].removeprefix("seed=")) in of_seeds:
            record = read_record(study.folder / name)
            write_record(
                study.folder / name,
                record
                | {
                    "status": "failed",
                    "error": {"kind": "UserError", "message": "no store"},
                    "data": {"fingerprint": None},
                },
            )


@pytest.mark.parametrize("failed", [[2], [0, 1, 2]])
def test_failed_runs_whose_store_could_not_be_opened_are_placed_by_what_is_set_in_them(study, of_stores, failed):
    of_stores("here.h5", HERE, lost=[])
    forget_data(study, failed)
    analysis = analyse(study.folder, "made", n_bootstrap=3)
    (one,) = analysis.contrasts
    assert (one.context, one.effect.n_pairs, len(one.missing)) == ((), 3 - len(failed), 2 * len(failed))
    assert [(one.state, one.error) for one in analysis.failed] == [("failed", "UserError: no store")] * 2 * len(failed)
    assert analysis.warnings[0] == f"{2 * len(failed)} of 6 runs are not completed.{RID}"


@pytest.mark.parametrize("is_there", [True, False])
def test_failed_runs_of_a_store_that_none_could_open_are_of_what_is_in_it(study, of_stores, msd_store, is_there):
    content = Store.open(msd_store).content_hash if is_there else "of nobody"
    of_stores(msd_store if is_there else "gone.h5", content, lost=[])
    forget_data(study, [0, 1, 2])
    of_stores("here.h5", HERE, lost=[])
    analysis = analyse(study.folder, "made", n_bootstrap=3)
    asked = {
        (dict(one.context).get("data.fingerprint"), one.effect.n_pairs, len(one.missing)) for one in analysis.contrasts
    }
    assert asked == ({(HERE, 3, 0), (content, 0, 6)} if is_there else {(None, 3, 0)})
    assert {(one.state, one.error) for one in analysis.failed} == {("failed", "UserError: no store")}
    assert any(one.startswith("Of 6 of them it cannot be told") for one in analysis.warnings) != is_there


@pytest.mark.parametrize("is_last", [False, True])
def test_a_run_that_nothing_tells_from_a_completed_one_but_its_name_is_warned_of(study, swept, is_last):
    lost = swept()["tight", 2]
    lose(study, [lost])
    other = {"f" * 16: [*study.index[lost][:-1], "seed=1"]}
    study.index = study.index | other if is_last else other | study.index
    study.write_index()
    analysis = analyse(study.folder, "made", n_bootstrap=3)
    (one,) = analysis.contrasts
    assert one.effect.n_pairs == 2
    assert one.missing == ("seed 2: tight, low (1100), n=500, coupling 0.9 is missing",)
    assert any(warning.startswith("Of 1 of them it cannot be told") for warning in analysis.warnings)


def test_a_run_that_nothing_tells_from_a_failed_one_does_not_take_its_place(study, swept):
    name = swept()["tight", 0]
    record = read_record(study.folder / name)
    write_record(
        study.folder / name, record | {"status": "failed", "error": {"kind": "UserError", "message": "it broke"}}
    )
    study.index["f" * 16] = [*study.index[name]]
    study.write_index()
    runs = read_runs(study.folder, "made")
    assert runs.n_unplaced == 1
    assert [one.run_id for one in runs.arms_absent.values()] == [name]


def test_of_two_runs_that_nothing_tells_apart_but_their_names_one_is_warned_of(study, swept):
    lost = swept()["tight", 2]
    lose(study, [lost])
    study.index = {"f" * 16: study.index[lost]} | study.index
    study.write_index()
    runs = read_runs(study.folder, "made")
    assert runs.n_unplaced == 1
    assert len(runs.arms_absent) == 1


def test_each_of_several_edits_is_told_by_a_run_of_it(study):
    for epochs, seed in ((1, 0), (2, 1), (2, 2), (3, 3)):
        for mask, tasks in (("0000", "pop"), ("1100", "tight")):
            name = study.add(
                tasks, mask, seed, data__coupling=0.9 if tasks == "tight" else 0.0, trainer__max_epochs=epochs
            )
            study.index[name] = [f"tasks={tasks}", "sharing=" + {"pop": "none", "tight": "low"}[tasks], f"seed={seed}"]
            study.index[name].insert(0, "data.train_size=500")
            if seed == 2:
                lose(study, [name])
    study.write_index()
    assert {dict(context)["trainer.max_epochs"]: count for (_, _, context), count in asked(study).items()} == {
        "1": (1, "single task", 0),
        "2": (1, "single task", 2),
        "3": (1, "single task", 0),
    }


def test_an_edit_of_what_an_arm_says_is_told_by_a_run_of_it(study):
    for coupling, seed in ((0.7, 20), (0.7, 21), (0.9, 23)):
        name = study.add("tight", "1100", seed, data__coupling=coupling)
        study.index[name] = ["tasks=tight", "sharing=low", "data.train_size=500", f"seed={seed}"]
        if seed == 21:
            lose(study, [name])
    study.write_index()
    runs = read_runs(study.folder, "made")
    assert (runs.n_unplaced, [(arm.coupling, seed) for arm, seed in runs.arms_absent]) == (0, [(0.7, 21)])


@pytest.mark.parametrize(("lost", "coupling"), [(20, 0.7), (22, 0.8), (24, 0.6)])
def test_of_three_edits_of_what_an_arm_says_each_is_told(study, lost, coupling):
    for c, seed in ((0.7, 19), (0.7, 20), (0.8, 21), (0.8, 22), (0.6, 23), (0.6, 24), (0.9, 25)):
        name = study.add("tight", "1100", seed, data__coupling=c)
        study.index[name] = ["tasks=tight", "sharing=low", "data.train_size=500", f"seed={seed}"]
        if seed == lost:
            lose(study, [name])
    study.write_index()
    runs = read_runs(study.folder, "made")
    assert (runs.n_unplaced, [(arm.coupling, seed) for arm, seed in runs.arms_absent]) == (0, [(coupling, lost)])


def test_the_first_and_the_last_of_runs_that_differ_in_the_seed_alone_are_examples(study):
    names = [study.add("tight", "1100", seed, data__split_seed=seed) for seed in range(20, 24)]
    other = study.add("tight", "1100", 22, trainer__max_epochs=3)
    records = {name: read_record(study.folder / name) for name in (*names, other)}
    assert set(_examples({"kind": [*names[:2], other, *names[2:]]}, records)) == {names[0], names[-1], other}
    assert set(_examples({"kind": names[:2], "other": names[2:]}, records)) == set(names)


@pytest.mark.parametrize("lost", [[1], [3], [0, 4]])
def test_a_setting_that_followed_the_seed_is_told_by_runs_of_other_seeds(study, swept, lost):
    for seed in range(5):
        for tasks, sharing, mask, coupling in (("pop", "none", "0000", 0.0), ("tight", "low", "1100", 0.9)):
            name = study.add(tasks, mask, seed, data__coupling=coupling, data__split_seed=seed)
            study.index[name] = [f"tasks={tasks}", f"sharing={sharing}", "data.train_size=500", f"seed={seed}"]
            if seed in lost:
                lose(study, [name])
    study.write_index()
    assert read_runs(study.folder, "made").n_unplaced == 0
    ((_, _, context),), ((pairs, _, missing),) = asked(study).keys(), asked(study).values()
    assert (context, pairs, missing) == ((), 5 - len(lost), 2 * len(lost))


@pytest.mark.parametrize("most", [1, 100])
def test_where_not_every_edit_is_known_runs_are_placed_by_those_set_alike(study, monkeypatch, most):
    monkeypatch.setattr("msd_mtl.study.answers.composed.MOST", most)
    for sharing, mask, seeds in (("low", "1100", (21,)), ("high", "0011", (20,))):
        for seed in seeds:
            name = study.add("tight", mask, seed, data__coupling=0.9, trainer__max_epochs=1)
            study.index[name] = ["tasks=tight", f"sharing={sharing}", "data.train_size=500", f"seed={seed}"]
            if seed == 21:
                lose(study, [name])
    study.write_index()
    runs = read_runs(study.folder, "made")
    assert (runs.n_unplaced, [(arm.mask, seed) for arm, seed in runs.arms_absent]) == (0, [("1100", 21)])


def test_runs_of_more_choices_of_groups_than_are_composed_are_placed_by_those_set_alike(study, swept, monkeypatch):
    monkeypatch.setattr("msd_mtl.study.answers.composed.MOST", 1)
    names = swept()
    lose(study, [name for (tasks, seed), name in names.items() if tasks == "pop" or seed == 2])
    assert asked(study) == {("benefit", "tight, coupling 0.9, low (1100)", ()): (0, None, 4)}


def test_runs_of_a_configuration_that_no_run_tells_any_more_are_warned_of(study, made_twice):
    lose(study, [name for (epochs, _, _), name in made_twice(range(3, 6)).items() if epochs == 1])
    analysis = analyse(study.folder, "made", n_bootstrap=3)
    (one,) = analysis.contrasts
    assert (one.context, one.effect.n_pairs, one.missing) == ((), 3, ())
    assert any(warning.startswith("Of 6 of them it cannot be told") for warning in analysis.warnings)


@pytest.mark.parametrize("lost", [[2], [1, 2], [0]])
def test_settings_of_other_seeds_only_stay_what_they_are_while_runs_are_missing(study, swept, lost):
    for rate, seeds in ((0.001, [0]), (0.01, [1, 2])):
        names = swept(recipe__optimizer__lr=rate)
        for (_, seed), name in names.items():
            if seed not in seeds:
                lose(study, [name])
                del study.index[name]
            elif seed in lost:
                lose(study, [name])
    study.write_index()
    assert {
        (dict(context)["recipe.optimizer.lr"], pairs, missing)
        for (_, _, context), (pairs, _, missing) in asked(study).items()
    } == {
        (rate, len(set(seeds) - set(lost)), 2 * len(set(seeds) & set(lost)))
        for rate, seeds in (("0.001", [0]), ("0.01", [1, 2]))
    }


def test_runs_whose_seed_is_that_of_the_configuration_are_placed(study, swept):
    names = swept()
    kept = [names["pop", 0], names["tight", 0]]
    lose(study, [*names.values()][1:])
    study.index = {name: study.index[name][:-1] for name in kept}
    study.write_index()
    assert asked(study) == {("benefit", "tight, coupling 0.9, low (1100)", ()): (0, None, 1)}


def test_where_other_code_made_all_runs_those_that_were_not_begun_are_like_those_set_alike(study, swept, monkeypatch):
    lose(study, [name for (_, seed), name in swept().items() if seed == 2])
    monkeypatch.setattr("msd_mtl.study.identity.NUMBERS_VERSION", 99)
    assert asked(study) == {("benefit", "tight, coupling 0.9, low (1100)", ()): (2, "single task", 2)}


@pytest.mark.parametrize(
    "was", [{}, {"a": 1}, {"a": {"b": None, "c": [1]}}, {"a": {"d": 2}, "e": {"f": {"g": 1}}}, {"a": {"b": {"h": 1}}}]
)
def test_a_configuration_is_edited_back_to_what_it_was(was):
    now = {"a": {"b": 1, "c": [1, 2]}, "i": {"j": 0}}
    as_it_was, *_ = _edits(now, was | {"seed": 1})
    assert _edited(now, as_it_was) == was | {"seed": 1}
    assert now == {"a": {"b": 1, "c": [1, 2]}, "i": {"j": 0}}
    assert _edited({"a": 3}, ((("a", "b"), "1"), (("a", "b", "c"), "1"))) == {"a": 3}


@pytest.mark.parametrize("most", [1, 2, 3, 4])
def test_runs_that_are_too_many_to_be_composed_are_placed_by_those_that_are(study, swept, monkeypatch, most):
    monkeypatch.setattr("msd_mtl.study.answers.unbegun.MOST", most)
    names = swept()
    lose(study, [name for (tasks, seed), name in names.items() if tasks == "tight" or seed == 2])
    (found,) = asked(study).values()
    assert found == (0, None, 4)


def test_of_each_kind_one_is_composed_before_a_second_of_any(study, swept, monkeypatch):
    monkeypatch.setattr("msd_mtl.study.answers.unbegun.MOST", 2)
    names = swept()
    lose(study, names.values())
    study.index = {name: study.index[name] for _, name in sorted(names.items())}
    study.write_index()
    assert asked(study) == {("benefit", "tight, coupling 0.9, low (1100)", ()): (0, None, 6)}


@pytest.mark.parametrize("wrong", ["tasks=none_such", "data.no_such=1", "seed=[", "data.train_size=${no.such}"])
def test_what_cannot_be_composed_is_left_out(wrong):
    assert told_by_composing({"x": [wrong]}, {}, {}) == ({}, set())


@pytest.mark.parametrize("status", ["failed", "running"])
def test_runs_of_all_rows_are_not_placed_until_one_says_how_many_these_are(study, crossed, status):
    crossed()
    for seed in (0, 1):
        study.add("pop", "0000", seed, data__coupling=0.0, data__train_size=None, status=status)
        study.add("tight", "1100", seed, data__coupling=0.9, data__train_size=None, status=status)
    study.write_index()
    assert read_runs(study.folder, "made").n_unplaced == 4
    analysis = analyse(study.folder, "made", n_bootstrap=3)
    assert len(analysis.absent) == 4
    assert all(", all tracks, coupling " in one.cell for one in analysis.absent)
    assert {one.sizes for one in analysis.contrasts} == {(500,)}
    of_arm = {one.task_set == "tight" and one.coupling == 0.9 for one in analysis.contrasts if one.missing}
    assert of_arm == {True}
    assert {one.missing for one in analysis.contrasts} == {(), (ALL_TRACKS,)}
    study.add("pop", "0000", 2, data__coupling=0.0, data__train_size=None)
    study.write_index()
    assert read_runs(study.folder, "made").n_unplaced == 0
    assert not any(ALL_TRACKS in one.missing for one in analyse(study.folder, "made", n_bootstrap=3).contrasts)


def test_a_study_of_all_rows_of_which_nothing_is_completed_says_why_it_asks_nothing(study):
    study.add("tight", "1100", 0, data__train_size=None, status="failed")
    study.write_index()
    analysis = analyse(study.folder, "made")
    assert (len(analysis.failed), analysis.contrasts, analysis.cells) == (1, (), ())
    assert any("no run says how many all tracks are: contrasts" in warning for warning in analysis.warnings)


@pytest.mark.parametrize("begun", [{(None, 0), ("misalign", 1)}, {("misalign", 1)}])
def test_a_setting_of_other_seeds_only_is_not_taken_for_the_seed(study, swept, begun):
    lost = []
    for control in (None, "misalign"):
        names = swept(**({} if control is None else {"data__control": control}))
        lost += [name for (_, seed), name in names.items() if (control, seed) not in begun]
    lose(study, lost)
    analysis = analyse(study.folder, "made", n_bootstrap=3)
    assert {(one.context, tuple(one.per_seed)) for one in analysis.contrasts} == {
        ((("data.control", control or "null"),), tuple(seed for own, seed in begun if own == control))
        for control in (None, "misalign")
    }


def test_a_setting_of_other_sizes_only_is_not_taken_for_the_size(study, swept):
    begun, lost = {(500, None), (1000, "misalign")}, []
    for size, control in product((500, 1000), (None, "misalign")):
        names = swept(data__train_size=size, **({} if control is None else {"data__control": control}))
        lost += names.values() if (size, control) not in begun else []
    lose(study, lost)
    analysis = analyse(study.folder, "made", n_bootstrap=3)
    assert {(one.question, dict(one.context)["data.control"], one.effect.n_pairs) for one in analysis.contrasts} == {
        (question, control, 3 if question == "benefit" else 0)
        for question in ("benefit", "size")
        for control in ("null", "misalign")
    }
    assert {(cell.arm.train_size, dict(cell.arm.context)["data.control"]) for cell in analysis.cells} == {
        (500, "null"),
        (1000, "misalign"),
    }


def of_the_seed(values, overrides, seeds):
    known = {run: {"seed": seed, "train_size": seed} for run, seed in enumerate(seeds)}
    expected = dict(enumerate((*one, f"data.train_size={one[1].partition('=')[2]}") for one in overrides))
    is_of_kinds = difference_of_kinds(expected, known)
    of_seed, of_size = (not is_of_kinds("b", dict(enumerate(values)), place) for place in ("seed", "train_size"))
    assert of_seed == of_size
    return of_seed


def test_of_the_seed_is_what_a_kind_has_several_values_of_or_what_the_configuration_has_be_the_seed():
    asked = [("a=x", "seed=0"), ("a=y", "seed=1"), ("a=x", "seed=1"), ("a=y", "seed=0")]
    assert not of_the_seed("pq", asked, [0, 1])
    assert of_the_seed("pqq", asked, [0, 1, 1])
    assert of_the_seed("pq", asked[:2], [0, 1])  # which other seeds were asked of
    assert of_the_seed("01", asked, [0, 1])
    assert of_the_seed("01", [(*one, "b=${seed}") for one in asked], [0, 1])
    assert not of_the_seed("01", [("b=0", "seed=0"), ("b=1", "seed=1"), ("b=0", "seed=1")], [0, 1])


def test_what_the_configuration_has_be_the_size_is_no_setting_of_kinds_where_that_is_of_all_rows():
    sets, sizes = ("tight", "loose"), (500, 1000, None)
    expected = {
        (of, size): (f"tasks={of}", "data.train_size=" + ("null" if size is None else str(size)))
        for of, size in product(sets, sizes)
    }
    begun = [("tight", 500), ("loose", 1000), ("tight", None)]
    known = {run: {"seed": 0, "train_size": run[1]} for run in begun}
    values = {run: "null" if run[1] is None else str(run[1]) for run in begun}
    assert not difference_of_kinds(expected, known)("data.epoch_steps", values, "train_size")
