import warnings

import numpy as np
import pytest
from sklearn import metrics as sklearn

from msd_mtl.data.task import Task
from msd_mtl.model.metrics import METRICS, task_metrics

BINARY, REGRESSION, CLASSES = (
    Task("term:pop", "binary"),
    Task("loudness", "regression", "dB"),
    Task("key", "multiclass", "", 5),
)
RTOL = 1e-12


def score(task, prediction, target, has_label=None):
    return task_metrics(task, prediction, target, np.ones(len(target), bool) if has_label is None else has_label)


def softmax(logits):
    exp = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (exp / exp.sum(axis=1, keepdims=True)).astype(np.float32)


def case(task, n, seed, ties=False):
    rng = np.random.default_rng(seed)
    if task.kind == "multiclass":
        return softmax(rng.normal(size=(n, 5))), rng.integers(0, 5, n).astype(np.float32)
    values = rng.normal(size=n).astype(np.float32)
    if task.kind == "regression":
        return values, (values + rng.normal(size=n) - 9).astype(np.float32)
    target = (rng.random(n) < 0.3).astype(np.float32)
    target[:2] = [0, 1]
    probability = 1 / (1 + np.exp(-values - target))
    return (probability.round(1).clip(0.1, 0.9) if ties else probability).astype(np.float32), target


@pytest.mark.parametrize("n", [2, 3, 10, 500])
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_binary_metrics_are_those_of_scikit_learn(n, ties, seed):
    probability, target = case(BINARY, n, seed, ties)
    predicted = probability > 0.5
    expected = {
        "auroc": sklearn.roc_auc_score(target, probability),
        "average_precision": sklearn.average_precision_score(target, probability),
        "balanced_accuracy": sklearn.balanced_accuracy_score(target, predicted),
        "accuracy": sklearn.accuracy_score(target, predicted),
        "error": 1 - sklearn.accuracy_score(target, predicted),
        "log_loss": sklearn.log_loss(target, probability.astype(np.float64)),
        "prevalence": target.astype(np.float64).mean(),
    }
    assert score(BINARY, probability, target) == pytest.approx(expected, rel=RTOL)


@pytest.mark.parametrize("n", [2, 3, 10, 500])
@pytest.mark.parametrize("seed", range(5))
def test_regression_metrics_are_those_of_scikit_learn(n, seed):
    value, target = (a.astype(np.float64) for a in case(REGRESSION, n, seed))
    expected = {
        "rmse": sklearn.root_mean_squared_error(target, value),
        "mae": sklearn.mean_absolute_error(target, value),
        "r2": sklearn.r2_score(target, value),
    }
    assert score(REGRESSION, value, target) == pytest.approx(expected, rel=RTOL)


@pytest.mark.parametrize("n", [1, 3, 10, 500])
@pytest.mark.parametrize("seed", range(5))
def test_multiclass_metrics_are_those_of_scikit_learn(n, seed):
    probability, target = case(CLASSES, n, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # float32 rows sum to 1 only nearly
        log_loss = sklearn.log_loss(target, probability.astype(np.float64), labels=range(5))
    predicted = probability.argmax(axis=1)
    expected = {
        "accuracy": sklearn.accuracy_score(target, predicted),
        "macro_f1": sklearn.f1_score(target, predicted, average="macro"),
        "log_loss": log_loss,
    }
    assert score(CLASSES, probability, target) == pytest.approx(expected, rel=RTOL)


@pytest.mark.parametrize("task", [BINARY, REGRESSION, CLASSES], ids=lambda t: t.kind)
def test_rows_without_label_do_not_count(task):
    prediction, target = case(task, 60, 0)
    has_label = np.arange(60) % 4 != 1
    junk = np.where(has_label, target, np.nan).astype(np.float32)
    prediction[~has_label] = np.nan
    assert score(task, prediction, junk, has_label) == score(task, prediction[has_label], target[has_label])


@pytest.mark.parametrize("task", [BINARY, REGRESSION, CLASSES], ids=lambda t: t.kind)
def test_without_labelled_rows_every_metric_is_nan(task):
    prediction, target = case(task, 5, 0)
    scores = score(task, prediction, target, np.zeros(5, bool))
    assert tuple(scores) == METRICS[task.kind]
    assert np.isnan(list(scores.values())).all()
    assert score(task, prediction[:0], target[:0]).keys() == scores.keys()


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_a_part_with_one_class_has_no_ranking(label):
    probability, _ = case(BINARY, 20, 0)
    scores = score(BINARY, probability, np.full(20, label, np.float32))
    undefined = {name for name, value in scores.items() if np.isnan(value)}
    assert undefined == {"auroc", "average_precision", "balanced_accuracy"}
    assert scores["prevalence"] == label


@pytest.mark.parametrize("n", [1, 8])
def test_r2_of_a_constant_target_is_nan(n):
    scores = score(REGRESSION, np.arange(n, dtype=np.float32), np.full(n, 3.0, np.float32))
    assert np.isnan(scores["r2"])
    assert np.isfinite([scores["rmse"], scores["mae"]]).all()


@pytest.mark.parametrize("task", [BINARY, REGRESSION, CLASSES], ids=lambda t: t.kind)
def test_predictions_that_are_not_finite_score_nan(task):
    prediction, target = case(task, 20, 0)
    prediction[3] = np.nan
    scores = score(task, prediction, target)
    assert all(np.isnan(value) for name, value in scores.items() if name != "prevalence")


def test_a_saturated_probability_costs_what_float32_can_tell():
    probability, target = np.array([1, 0, 1, 0], np.float32), np.array([1, 0, 0, 1], np.float32)
    scores = score(BINARY, probability, target)
    assert scores["log_loss"] == pytest.approx(sklearn.log_loss(target, probability), rel=1e-6)
    assert scores["log_loss"] == pytest.approx(-np.log(np.finfo(np.float32).eps) / 2, rel=1e-6)
    assert score(CLASSES, np.eye(5, dtype=np.float32), np.array([0, 1, 2, 3, 0], np.float32))["log_loss"] < 4


def test_ranking_does_not_depend_on_the_order_of_rows():
    probability, target = case(BINARY, 300, 2, ties=True)
    shuffled = np.random.default_rng(0).permutation(300)
    first, second = score(BINARY, probability, target), score(BINARY, probability[shuffled], target[shuffled])
    assert first["auroc"] == second["auroc"]
    assert first["average_precision"] == second["average_precision"]


def test_the_same_scores_to_the_bit_when_computed_again():
    for task in (BINARY, REGRESSION, CLASSES):
        prediction, target = case(task, 1000, 4)
        assert score(task, prediction, target) == score(task, prediction.copy(), target.copy())


def test_rows_must_agree():
    with pytest.raises(ValueError, match=r"same number of rows; got \(3,\), \(2,\) and \(3,\)"):
        task_metrics(BINARY, np.zeros(3), np.zeros(2), np.ones(3, bool))
