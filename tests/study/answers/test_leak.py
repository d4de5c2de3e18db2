"""The contrast between a split by track and a split by artist."""

import math
import shutil
from itertools import product

import numpy as np
import pytest
from tests.study.answers.conftest import RID

from msd_mtl.study.answers.analyse import all_contrasts, analyse, score
from msd_mtl.study.answers.bootstrap import ArtistBootstrap
from msd_mtl.study.answers.predictions import read_predictions
from msd_mtl.study.answers.reading import read_runs
from msd_mtl.study.answers.splits import BY_ARTIST, BY_TRACK
from msd_mtl.study.answers.verdicts import holm
from msd_mtl.study.record import PREDICTIONS, read_record, write_record

GIVEN_AWAY = 1.0


@pytest.fixture
def both(study):
    """Fills a study with the target alone and a sharing under both splits, which gives away some by track."""

    def fill(seeds=range(4), **settings):
        for split, shift in ((BY_ARTIST, 0.0), (BY_TRACK, GIVEN_AWAY)):
            for seed in seeds:
                study.add("pop", "0000", seed, shift, data__split=split, data__coupling=None, **settings)
                study.add("tight", "1100", seed, shift, data__split=split, data__coupling=None, **settings)
        study.write_index()
        return study

    return fill


def leaks(study):
    return {one.name: one for one in analyse(study.folder, "made").contrasts if one.question == "leak"}


def test_it_is_the_score_by_track_minus_the_score_by_artist_of_each_seed(both):
    study = both()
    runs = analyse(study.folder, "made").runs
    scores = {(run.arm.task_set, dict(run.arm.context)["data.split"], run.seed): run.score for run in runs}
    found = leaks(study)
    assert list(found) == ["pop, alone", "tight, low (1100)"]
    for task_set, one in zip(("pop", "tight"), found.values(), strict=True):
        expected = {seed: scores[task_set, BY_TRACK, seed] - scores[task_set, BY_ARTIST, seed] for seed in range(4)}
        assert one.per_seed == pytest.approx(expected)
        assert one.effect.estimate == pytest.approx(np.mean(list(expected.values())))
        assert (one.effect.verdict, one.context, one.reference, one.missing) == ("better", (), "split by artist", ())
    assert [one.mask for one in found.values()] == [None, "1100"]


def test_an_artist_is_drawn_for_both_splits_so_that_its_ease_cancels(both):
    study = both()
    runs = read_runs(study.folder, "made")
    predictions = {run.run_id: read_predictions(run.folder, "term:pop") for run in runs.runs}
    scored = score(runs, predictions, 500)
    (alone, _) = (one for one in all_contrasts(runs, scored) if one.question == "leak")
    apart = [one.measure({arm: 1.0}).se_artists for one in scored for arm in one.group.scores if arm.task_set == "pop"]
    assert len(apart) == 2
    assert alone.effect.se_artists < 0.9 * math.hypot(*apart)
    of_pop = sorted(
        (run for run in runs.runs if run.arm.task_set == "pop"), key=lambda run: (*run.arm.context, run.seed)
    )
    bootstrap = ArtistBootstrap([one.part for one in predictions.values()], 500)
    artist, track = np.split(np.array([bootstrap.scores(predictions[run.run_id], "auroc") for run in of_pop]), 2)
    between_seeds = np.cov((track - artist)[:, 1:])[np.triu_indices(4, 1)].mean() * 120 / 119
    assert alone.effect.se_artists == pytest.approx(math.sqrt(between_seeds))


def test_it_is_corrected_by_itself_and_corrects_no_other_question(both):
    study = both()
    contrasts = analyse(study.folder, "made").contrasts
    assert {one.question for one in contrasts} == {"benefit", "leak"}
    for question in ("benefit", "leak"):
        effects = [one.effect for one in contrasts if one.question == question]
        assert [one.p_holm for one in effects] == pytest.approx(holm(np.array([one.p for one in effects])).tolist())


def test_seeds_that_one_split_lacks_do_not_count_and_are_listed(both):
    study = both(seeds=(0, 1))
    study.add("pop", "0000", 2, data__split=BY_TRACK, data__coupling=None, status="failed")
    study.add("pop", "0000", 3, data__split=BY_ARTIST, data__coupling=None)
    study.write_index()
    one = leaks(study)["pop, alone"]
    assert sorted(one.per_seed) == [0, 1]
    assert one.missing == (
        "seed 2: pop, none (0000), n=500, split by track, failed (UserError: it broke)",
        "seed 2: pop, none (0000), n=500, split by artist, is not there",
        "seed 3: pop, none (0000), n=500, split by track, is not there",
    )


def test_only_runs_that_are_alike_in_all_else_are_compared(study):
    for seed in (0, 1):
        for split, n, control in ((BY_ARTIST, 500, None), (BY_TRACK, 300, None), (BY_TRACK, 500, "misalign")):
            study.add("pop", "0000", seed, data__split=split, data__train_size=n, data__control=control)
    study.write_index()
    assert leaks(study) == {}


def test_all_tracks_of_either_split_are_one_size_and_sizes_are_named(both):
    both(data__train_size=None)
    study = both(data__train_size=250)
    found = leaks(study)
    assert list(found)[:2] == ["pop, alone, all tracks", "tight, low (1100), all tracks"]
    assert {one.sizes for one in found.values()} == {(300,), (250,)}


@pytest.mark.parametrize("splits", [(BY_ARTIST,), (BY_TRACK, "official")])
def test_without_both_splits_nothing_is_asked(study, splits):
    for split in splits:
        for seed in (0, 1):
            study.add("pop", "0000", seed, data__split=split)
    study.write_index()
    assert leaks(study) == {}


def test_targets_are_named(study):
    for split in (BY_ARTIST, BY_TRACK):
        for seed in (0, 1):
            for tasks in (["term:pop"], ["year"]):
                study.add(tasks, "0000", seed, data__split=split, data__coupling=None)
    study.write_index()
    assert list(leaks(study)) == ["term:pop: pop, alone", "year: year, alone"]


def test_a_target_without_readable_predictions_is_untested_under_either_split(study):
    for split in (BY_ARTIST, BY_TRACK):
        for seed in (0, 1):
            study.add("pop", "0000", seed, data__split=split, data__coupling=None)
            run = study.add(["year"], "0000", seed, data__split=split, data__coupling=None)
            (study.folder / run / PREDICTIONS).unlink()
    study.write_index()
    found = leaks(study)
    assert (found["term:pop: pop, alone"].effect.n_pairs, found["year: year, alone"].effect.n_pairs) == (2, 0)
    assert found["year: year, alone"].effect.untested.startswith("0 seeds")
    assert len(found["year: year, alone"].missing) == 4
    assert all("has no predictions that can be read" in why for why in found["year: year, alone"].missing)


@pytest.mark.parametrize("train_size", [None, 500])
@pytest.mark.parametrize("lost", ["failed", "of another schema", "missing"])
@pytest.mark.parametrize("split", [BY_ARTIST, BY_TRACK])
def test_a_side_of_which_no_run_has_a_score_is_listed(study, split, lost, train_size):
    for own in (BY_ARTIST, BY_TRACK):
        for seed in (0, 1):
            study.add("pop", "0000", seed, data__split=own, data__coupling=None, data__train_size=train_size)
            side = {"data__split": own, "data__coupling": None, "data__train_size": train_size}
            status = "failed" if own == split and lost == "failed" else "completed"
            run = study.add(["year"], "0000", seed, status=status, **side)
            for one in list(study.index)[-2:]:
                study.index[one].append(f"data.split={own}")
            if own == split and lost == "of another schema":
                write_record(study.folder / run, read_record(study.folder / run) | {"schema_version": 2})
            if own == split and lost == "missing":
                for file in (study.folder / run).iterdir():
                    file.unlink()
                (study.folder / run).rmdir()
    study.write_index()
    found = leaks(study)
    assert list(found) == ["term:pop: pop, alone", "year: year, alone"]
    one = found["year: year, alone"]
    assert (one.per_seed, one.effect.n_pairs, one.sizes) == ({}, 0, (train_size or 300,))
    assert [why.split(": ")[0] for why in one.missing] == ["seed 0", "seed 1"]
    assert all(f"split by {split}, " in why and lost in why for why in one.missing)


@pytest.mark.parametrize("by_artist", [290, 300])
@pytest.mark.parametrize("lost", [(BY_ARTIST,), (BY_TRACK,), (BY_ARTIST, BY_TRACK)])
def test_runs_not_begun_ask_for_all_tracks_where_those_like_them_do_however_many_these_are(study, lost, by_artist):
    for split, labelled in ((BY_ARTIST, by_artist), (BY_TRACK, 300)):
        for seed, mask in product((0, 1), ("0011", "1100")):
            run = study.add("tight", mask, seed, data__split=split, data__coupling=None, data__train_size=None)
            study.index[run] += [f"data.split={split}", f"sharing.mask=[{','.join(mask)}]"]
            if mask == "1100" and split in lost:
                shutil.rmtree(study.folder / run)
                continue
            record = read_record(study.folder / run)
            record["data"]["labelled"]["train"]["term:pop"] = labelled
            write_record(study.folder / run, record)
    study.write_index()
    high, low = leaks(study).values()
    assert (high.name, low.name) == ("tight, high (0011)", "tight, low (1100)")
    assert (high.effect.n_pairs, low.effect.n_pairs) == (2, 0)
    assert high.effect.p_holm == pytest.approx(min(1, 2 * high.effect.p))
    assert len(low.missing) == 2 * len(lost)


@pytest.fixture
def lost_year(study):
    """Fills a study of all tracks of both splits with runs of one target, and sets out to make some of another."""

    def fill(lost, *of_year):
        for split, seed in product((BY_ARTIST, BY_TRACK), (0, 1)):
            side = {"data__split": split, "data__coupling": 0.0, "data__train_size": None}
            study.add("pop", "0000", seed, **side)
            for names, mask in of_year:
                run = study.add(names, mask, seed, status="failed", **side)
                of_mask = [f"sharing.mask=[{','.join(mask)}]"]
                study.index[run] = [
                    "tasks=year",
                    *of_mask,
                    f"data.split={split}",
                    "data.train_size=null",
                    f"seed={seed}",
                ]
                if lost == "missing":
                    shutil.rmtree(study.folder / run)
        study.write_index()
        return analyse(study.folder, "made", n_bootstrap=50)

    return fill


@pytest.mark.parametrize("lost", ["failed", "missing"])
def test_a_target_of_which_no_run_says_how_many_all_tracks_are_is_listed_and_counted(lost_year, lost):
    analysis = lost_year(lost, (["year"], "0000"))
    pop, year = analysis.contrasts
    assert (pop.name, year.name) == ("term:pop: pop, coupling 0, alone", "year: year, coupling 0, alone")
    assert pop.effect.p_holm == pytest.approx(min(1, 2 * pop.effect.p))
    assert (year.sizes, year.per_seed, year.effect.untested.partition(",")[0]) == ((), {}, "0 seeds")
    assert [why.partition(f" {lost}")[0] for why in year.missing] == [
        f"seed {seed}: year, none (0000), all tracks, coupling 0, split by {split},{' is' if lost == 'missing' else ''}"
        for seed, split in product((0, 1), (BY_TRACK, BY_ARTIST))
    ]
    assert analysis.warnings == (f"4 of 8 runs are not completed.{RID if lost == 'failed' else ''}",)


def test_gains_at_all_tracks_of_which_no_run_says_how_many_these_are_are_not_named_but_warned_of(lost_year):
    analysis = lost_year("failed", (["year"], "0000"), (["year", "term:pop"], "1100"))
    assert [(one.question, one.name) for one in analysis.contrasts] == [
        ("leak", "term:pop: pop, coupling 0, alone"),
        ("leak", "year: year, coupling 0, alone"),
        ("leak", "year: year + term:pop, coupling 0, low (1100)"),
    ]
    assert analysis.warnings[1].startswith("Of 8 of them it cannot be told")
