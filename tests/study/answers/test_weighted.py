import numpy as np
import pytest
from sklearn.metrics import accuracy_score, r2_score, roc_auc_score

from msd_mtl.study.answers.weighted import weighted_accuracy, weighted_auroc, weighted_r2

RNG = np.random.default_rng(0)
WEIGHTS = RNG.multinomial(60, np.full(60, 1 / 60), size=40).T.astype(np.int32)


@pytest.mark.parametrize("levels", [3, 10, 10_000])
def test_auroc_is_that_of_scikit_learn_with_and_without_ties(levels):
    score, positive = RNG.integers(0, levels, 60) / levels, RNG.random(60) < 0.3
    ours = weighted_auroc(score, positive, WEIGHTS)
    theirs = [roc_auc_score(positive, score, sample_weight=weights) for weights in WEIGHTS.T]
    assert ours == pytest.approx(theirs, abs=1e-12)


def test_auroc_without_positives_or_negatives_is_not_a_number():
    positive = np.array([True, True, False])
    weights = np.array([[0, 1, 1], [0, 1, 1], [1, 0, 1]], np.int32)
    scores = weighted_auroc(np.array([0.2, 0.9, 0.5]), positive, weights)
    assert np.isnan(scores[:2]).all()
    assert scores[2] == 0.5


def test_r2_is_that_of_scikit_learn_far_from_zero():
    truth = RNG.normal(1e6, 10, 60).astype(np.float32)
    value = (truth + RNG.normal(0, 9, 60)).astype(np.float32)
    as_double = truth.astype(np.float64)  # scikit-learn computes in the type that it is given
    theirs = [r2_score(as_double, value, sample_weight=weights) for weights in WEIGHTS.T]
    assert weighted_r2(value, truth, WEIGHTS) == pytest.approx(theirs, abs=1e-9)


def test_r2_of_a_truth_that_does_not_vary_is_not_a_number():
    weights = np.array([[1, 1], [0, 1], [0, 1]], np.int32)
    scores = weighted_r2(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.5, 3.0]), weights)
    assert np.isnan(scores[0])
    assert scores[1] == pytest.approx(r2_score([1, 2.5, 3], [1, 2, 3]))


def test_r2_of_tracks_that_are_alike_is_not_a_number_however_sums_are_rounded():
    truth = np.repeat([0.1, 1999.7], 30).astype(np.float32)
    weights = RNG.integers(0, 9, (60, 500)).astype(np.int32)
    weights[30:] = 0
    assert np.isnan(weighted_r2(truth + 1, truth, weights)).all()


def test_accuracy_is_that_of_scikit_learn():
    right = RNG.random(60) < 0.6
    theirs = [accuracy_score(np.ones(60), right, sample_weight=weights) for weights in WEIGHTS.T]
    assert weighted_accuracy(right, WEIGHTS) == pytest.approx(theirs)
