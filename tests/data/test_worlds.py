"""Worlds plant what they say, and change nothing else."""

import itertools

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.metrics import roc_auc_score

from msd_mtl.data.detectors import Detectors
from msd_mtl.data.task import Task, task_of
from msd_mtl.data.worlds import SCALES, make_world
from msd_mtl.errors import UserError

NAMES = ["term:pop", "loudness", "year", "key", "term:ballad"]
SMALL = {"n_tracks": 3000, "n_words": 800, "words_per_track": 40.0}


def make(names=NAMES, target="term:pop", **settings):
    return make_world([task_of(name) for name in names], target, **{**SMALL, **settings})


@pytest.fixture(scope="module")
def world():
    return make(n_tracks=20_000, signal_to_noise=2.0, prevalence={"target": 0.3, "auxiliary": 0.8})


def same_tracks(one, other):
    return (
        np.array_equal(one.counts.indptr, other.counts.indptr)
        and np.array_equal(one.counts.indices, other.counts.indices)
        and np.array_equal(one.counts.data, other.counts.data)
        and np.array_equal(one.artist, other.artist)
        and np.array_equal(one.official_test, other.official_test)
    )


@pytest.mark.parametrize(
    ("names", "coupling", "common"),
    [
        (["term:pop"], 0.0, "none"),
        (["year", "term:pop"], 1.0, "low"),
        (["term:pop", "term:rock", "key"], 1.0, "high"),
        (["tempo", "term:pop", "loudness", "term:ballad"], 0.3, "low"),
    ],
)
def test_target_is_bitwise_the_same_whatever_the_auxiliaries(names, coupling, common):
    reference = make(missing=0.2)
    other = make(names, coupling=coupling, common=common, missing={"target": 0.2, "auxiliary": 0.7})
    assert same_tracks(reference.tracks, other.tracks)
    np.testing.assert_array_equal(reference.labels["term:pop"], other.labels["term:pop"])
    np.testing.assert_array_equal(reference.posterior["term:pop"], other.posterior["term:pop"])
    assert reference.bayes("term:pop") == other.bayes("term:pop")


@pytest.mark.parametrize("common", ["low", "high", "none"])
def test_auxiliary_does_not_depend_on_other_auxiliaries(common):
    reference = make(coupling=0.7, common=common, missing=0.1)
    for names in [["year", "term:pop"], list(reversed(NAMES)), ["tempo", *NAMES]]:
        other = make(names, coupling=0.7, common=common, missing=0.1)
        np.testing.assert_array_equal(reference.labels["year"], other.labels["year"])


def test_nothing_in_common_is_the_same_world_wherever_it_could_be():
    reference = make(common="none", coupling=1.0)
    for common in ("low", "high"):
        other = make(common=common, coupling=0.0)
        for name in NAMES:
            np.testing.assert_array_equal(reference.labels[name], other.labels[name])


def test_longer_world_begins_with_the_labels_of_the_shorter_one():
    short, long = make(n_tracks=500, missing=0.3), make(n_tracks=5000, missing=0.3)
    for name in NAMES:
        np.testing.assert_array_equal(short.labels[name], long.labels[name][:500])


def test_world_seed_changes_tracks_labels_and_truth():
    one, other = make(world=0), make(world=1)
    assert not same_tracks(one.tracks, other.tracks)
    assert np.mean(one.labels["term:pop"] == other.labels["term:pop"]) < 0.6


@pytest.mark.parametrize("coupling", [0.0, 0.3, 0.7, 1.0])
def test_low_coupling_is_planted_in_the_detectors(coupling):
    for measured in make(common="low", coupling=coupling).measured_coupling.values():
        assert measured["planted"] == coupling
        assert measured["detectors"] == pytest.approx(coupling, abs=0.07)
        assert measured["structure"] < 0.95


def test_planted_is_what_was_planted_in_whole_words():
    worlds = {common: make(common=common, coupling=0.45, words_per_detector=10) for common in ("low", "high", "none")}
    planted = {name: {m["planted"] for m in made.measured_coupling.values()} for name, made in worlds.items()}
    assert planted == {"low": {0.4}, "high": {0.45}, "none": {0.0}}
    same = make(common="low", coupling=0.4, words_per_detector=10)
    for name, labels in same.labels.items():
        np.testing.assert_array_equal(labels, worlds["low"].labels[name])


@pytest.mark.parametrize("common", ["high", "none"])
def test_detectors_have_nothing_in_common_unless_common_is_low(common):
    for measured in make(common=common, coupling=1.0).measured_coupling.values():
        assert measured["detectors"] < 0.1
        assert abs(measured["signal"]) < 0.15


def test_high_coupling_is_planted_in_the_structure():
    couplings = [0.0, 0.3, 0.6, 1.0]
    worlds = [make(common="high", coupling=coupling).measured_coupling for coupling in couplings]
    for name in NAMES[1:]:
        values = [measured[name]["structure"] for measured in worlds]
        assert values == sorted(values)
        assert values[-1] == pytest.approx(1.0, abs=1e-9)
    own = [make(common="high", coupling=0.0, world=seed).measured_coupling["year"]["structure"] for seed in range(20)]
    assert abs(np.mean(own)) < 0.25


def test_target_uses_other_words_than_uncoupled_auxiliaries():
    world = make(common="none")
    for one, other in itertools.combinations(NAMES, 2):
        if "term:pop" in (one, other):
            assert abs(np.corrcoef(world.signals[one], world.signals[other])[0, 1]) < 0.15


@pytest.mark.parametrize("snr", [0.25, 1.0, 4.0])
def test_bayes_r2_is_what_the_signal_to_noise_ratio_says(snr):
    bayes = make(n_tracks=20_000, signal_to_noise={"target": 1.0, "auxiliary": snr}).bayes("loudness")
    assert bayes["r2"] == pytest.approx(snr / (1 + snr), abs=0.02)
    assert bayes["rmse"] == pytest.approx(SCALES["loudness"][1] * np.sqrt(1 / (1 + snr)), rel=0.03)


def test_regression_labels_have_the_scale_of_their_field(world):
    for name in ("loudness", "year"):
        assert world.labels[name].mean() == pytest.approx(SCALES[name][0], abs=0.05 * SCALES[name][1])
        assert world.labels[name].std() == pytest.approx(SCALES[name][1], rel=0.05)
    custom = make(scale={"loudness": (3.0, 0.1), "tempo": (3.0, 0.1)})  # one of another set of tasks
    assert custom.labels["loudness"].mean() == pytest.approx(3.0, abs=0.01)


def test_binary_labels_have_the_prevalence_and_classes_are_equally_frequent(world):
    assert world.labels["term:pop"].mean() == pytest.approx(0.3, abs=0.02)
    assert world.labels["term:ballad"].mean() == pytest.approx(0.8, abs=0.02)
    shares = np.bincount(world.labels["key"].astype(int), minlength=12) / len(world.labels["key"])
    np.testing.assert_allclose(shares, 1 / 12, atol=0.015)


@pytest.mark.parametrize("name", ["term:pop", "term:ballad"])
def test_binary_posterior_is_calibrated(world, name):
    chance, label = world.posterior[name], world.labels[name]
    for low, high in itertools.pairwise(np.quantile(chance, np.linspace(0, 1, 11))):
        rows = (chance >= low) & (chance <= high)
        assert label[rows].mean() == pytest.approx(chance[rows].mean(), abs=4 * 0.5 / np.sqrt(rows.sum()))


def test_multiclass_posterior_is_calibrated(world):
    chances, label = world.posterior["key"], world.labels["key"]
    np.testing.assert_allclose(chances.sum(axis=1), 1.0)
    for kind in range(12):
        sure = chances[:, kind] > 0.2
        if sure.sum() > 100:
            assert (label[sure] == kind).mean() == pytest.approx(
                chances[sure, kind].mean(), abs=2 / np.sqrt(sure.sum())
            )


def test_bayes_log_loss_is_the_conditional_entropy(world):
    chance = world.posterior["term:pop"]
    entropy = -np.mean(chance * np.log(chance) + (1 - chance) * np.log(1 - chance))
    assert world.bayes("term:pop")["log_loss"] == pytest.approx(entropy, abs=0.01)
    chances = np.clip(world.posterior["key"], 1e-300, None)
    entropy = -np.mean((chances * np.log(chances)).sum(axis=1))
    assert world.bayes("key")["log_loss"] == pytest.approx(entropy, abs=0.02)


@pytest.mark.parametrize("amount", [0.3, 1.0])
def test_no_perturbed_binary_predictor_beats_bayes(world, amount):
    chance, label = world.posterior["term:pop"], world.labels["term:pop"]
    best = world.bayes("term:pop")
    logit = np.log(chance / (1 - chance))
    rng = np.random.default_rng(0)
    for change in (amount * rng.standard_normal(len(logit)), amount, -amount, amount * logit):
        worse = 1 / (1 + np.exp(-(logit + change)))
        loss = -np.mean(np.where(label > 0.5, np.log(worse), np.log(1 - worse)))
        assert loss > best["log_loss"]
        assert np.mean((worse > 0.5) == (label > 0.5)) <= best["accuracy"] + 0.002
        assert roc_auc_score(label, worse) <= best["auroc"] + 1e-9
    guess = chance > 0.5
    assert (guess[label > 0.5].mean() + (~guess[label < 0.5]).mean()) / 2 <= best["balanced_accuracy"]


def test_no_perturbed_regression_predictor_beats_bayes(world):
    best, label = world.posterior["year"], world.labels["year"].astype(float)
    rng = np.random.default_rng(0)
    for worse in (best + rng.standard_normal(len(best)), best + 0.5, 1998 + 1.2 * (best - 1998)):
        assert np.sqrt(np.mean((worse - label) ** 2)) > world.bayes("year")["rmse"]


def test_bayes_names_the_metrics_of_the_record(world):
    binary = {"auroc", "average_precision", "balanced_accuracy", "accuracy", "error", "log_loss"}
    assert set(world.bayes("term:pop")) == binary
    assert set(world.bayes("year")) == {"rmse", "mae", "r2"}
    assert set(world.bayes("key")) == {"accuracy", "log_loss"}  # the likeliest class is not the best for macro F1


@pytest.mark.parametrize("name", NAMES)
def test_bayes_scores_only_labelled_rows_and_takes_masks(name):
    world = make(missing=0.5)
    labelled = np.flatnonzero(~np.isnan(world.labels[name]))
    assert world.bayes(name) == world.bayes(name, labelled)
    mask = np.arange(3000) < 1000
    assert world.bayes(name, mask) == world.bayes(name, np.arange(1000))


@pytest.mark.parametrize("name", NAMES)
def test_bayes_is_not_a_number_where_rows_do_not_define_it(name):
    assert all(np.isnan(value) for value in make().bayes(name, np.array([], dtype=int)).values())


def test_missing_labels_have_their_share_per_task_and_grow_by_nesting():
    few = make(missing={"target": 0.5, "year": 0.9, "auxiliary": 0.0})
    assert np.isnan(few.labels["term:pop"]).mean() == pytest.approx(0.5, abs=0.03)
    assert np.isnan(few.labels["year"]).mean() == pytest.approx(0.9, abs=0.03)
    assert not np.isnan(few.labels["loudness"]).any()
    fewer = make(missing=0.7)
    assert np.isnan(fewer.labels["term:pop"][np.isnan(few.labels["term:pop"])]).all()


def test_noise_is_independent_between_tasks():
    world = make(n_tracks=20_000, common="low", coupling=1.0)
    residual = {name: world.labels[name] - world.posterior[name] for name in ("term:pop", "loudness", "year")}
    for one, other in itertools.combinations(residual.values(), 2):
        assert abs(np.corrcoef(one, other)[0, 1]) < 0.03


def test_wave_changes_the_target_and_only_what_auxiliaries_take_over_from_it():
    plain, waved = (make(common="high", coupling=0.0, wave=wave) for wave in (0.0, 2.5))
    assert np.mean(plain.labels["term:pop"] == waved.labels["term:pop"]) < 0.8
    np.testing.assert_array_equal(plain.labels["year"], waved.labels["year"])
    coupled = make(common="high", coupling=1.0, wave=2.5)
    np.testing.assert_array_equal(waved.labels["term:pop"], coupled.labels["term:pop"])
    assert coupled.measured_coupling["year"]["structure"] == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("wave", [1.0, 2.5])
def test_waved_signal_keeps_the_signal_to_noise_ratio(wave):
    world = make_world([task_of("year")], "year", **{**SMALL, "n_tracks": 20_000}, wave=wave, signal_to_noise=3.0)
    assert world.bayes("year")["r2"] == pytest.approx(0.75, abs=0.02)


def test_share_of_song_detectors_do_not_depend_on_how_often_a_song_is_sung():
    detect = Detectors(np.array([[0, 2]]), np.array([[1.0, -1.0]]), np.zeros(1), share_of_song=True)
    counts = np.array([[1, 1, 0], [0, 3, 7]], dtype=np.uint16)
    twice = np.expm1(2 * np.log1p(counts.astype(float)))
    np.testing.assert_allclose(detect(csr_array(counts)), detect(csr_array(twice)), rtol=1e-12)


def test_no_signal_means_a_constant_posterior():
    world = make(signal_to_noise=0.0, prevalence=0.3)
    np.testing.assert_allclose(world.posterior["term:pop"], 0.3, atol=1e-9)
    np.testing.assert_allclose(world.posterior["year"], 1998.0)


def test_opaque_names_are_fine():
    world = make_world([Task("a b", "binary"), Task("ü", "regression")], "ü", **SMALL)
    assert world.labels["ü"].std() == pytest.approx(1.0, abs=0.1)
    assert 0 < np.nanmean(world.labels["a b"]) < 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"target": "tempo"}, "tasks.target must be one of .*Add it to tasks.names"),
        ({"names": ["year", "year"], "target": "year"}, "must name each task once"),
        ({"coupling": 1.1}, "data.coupling must be from 0 to 1; got 1.1"),
        ({"coupling": float("nan")}, "data.coupling must be from 0 to 1; got nan"),
        ({"common": "both"}, "data.world.common must be one of low, high, none; got 'both'"),
        ({"n_tracks": 0}, "data.world.n_tracks must be at least 1; got 0"),
        ({"words_per_track": 700.0}, "data.world.words_per_track must be"),
        ({"missing": 1.0}, "data.world.missing must be at least 0 and below 1; got 1.0"),
        ({"missing": {"target": 0.5}}, "data.world.missing must have a value for 'loudness'"),
        ({"prevalence": 0.0}, "data.world.prevalence must be above 0"),
        (
            {"signal_to_noise": {"target": -1.0, "auxiliary": 1.0}},
            "data.world.signal_to_noise must be at least 0 .*got -1.0 for 'term:pop'",
        ),
        (
            {"signal_to_noise": {"target": 1.0, "auxiliary": 1.0, "loudnes": 2.0}},
            "data.world.signal_to_noise must have values by target and auxiliary or by task; .*'loudnes'. Near",
        ),
        ({"scale": {"tempi": (1.0, 2.0)}}, "data.world.scale must have values by task; .*'tempi'. Nearest: tempo"),
        ({"scale": {"target": (1.0, 2.0)}}, "data.world.scale must have values by task; .*'target'"),
        ({"scale": {"term:pop": (1.0, 2.0)}}, "data.world.scale must have .* of regressions; got 'term:pop', binary"),
        ({"n_detectors": 0}, "data.world.n_detectors must be at least 1; got 0"),
        ({"curvature": 0.0}, "data.world.curvature must be above 0"),
        ({"wave": -1.0}, "data.world.wave must be at least 0"),
        ({"words_per_detector": 300}, "data.world.n_words must leave 900 words"),
    ],
)
def test_bad_setting_is_refused_with_a_next_step(settings, message):
    with pytest.raises(UserError, match=message):
        make(**settings)


def test_unknown_task_has_no_bayes_score():
    with pytest.raises(UserError, match="task must be one of"):
        make().bayes("tempo")
