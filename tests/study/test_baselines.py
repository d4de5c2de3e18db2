"""The linear model is tuned on validation, fitted on labelled rows and scored on test once."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss, roc_auc_score, root_mean_squared_error

from msd_mtl.data.task import Task
from msd_mtl.errors import UserError
from msd_mtl.study import baselines
from msd_mtl.study.baselines import (
    ALPHA_GRID,
    C_GRID,
    Part,
    baseline_features,
    linear_baseline,
    trivial_baseline,
)

BINARY, VALUE, KEY = Task("term:pop", "binary"), Task("year", "regression"), Task("key", "multiclass", "", 4)
N_TRAIN, N_VAL, N_TEST = 400, 150, 150


@pytest.fixture(scope="module")
def features() -> tuple[csr_array, ...]:
    """Rows of norm 1 over 60 words, cut into the three parts."""
    rng = np.random.default_rng(0)
    counts = rng.poisson(0.3, (N_TRAIN + N_VAL + N_TEST, 60)).astype(np.uint8)
    counts[:, 0] += 1
    parts = np.split(counts, [N_TRAIN, N_TRAIN + N_VAL])
    return baseline_features(*[csr_array(part) for part in parts])


@pytest.fixture(scope="module")
def score(features: tuple[csr_array, ...]) -> list[NDArray[np.float64]]:
    """A linear signal with noise, deviation about 1.4, per part."""
    rng = np.random.default_rng(1)
    weights = rng.normal(size=60)
    clean = [part @ weights for part in features]
    return [(x - clean[0].mean()) / clean[0].std() + rng.normal(size=len(x)) for x in clean]


def parts(features: tuple[csr_array, ...], labels: list[NDArray[np.float64]]) -> tuple[Part, Part, Part]:
    train, val, test = [(x, np.asarray(y, dtype=np.float32)) for x, y in zip(features, labels, strict=True)]
    return train, val, test


@pytest.fixture
def binary(features: tuple[csr_array, ...], score: list[NDArray[np.float64]]) -> tuple[Part, Part, Part]:
    return parts(features, [(s > 0.5).astype(float) for s in score])


@pytest.fixture
def values(features: tuple[csr_array, ...], score: list[NDArray[np.float64]]) -> tuple[Part, Part, Part]:
    return parts(features, [2000 + 10 * s for s in score])


@pytest.fixture
def classes(features: tuple[csr_array, ...], score: list[NDArray[np.float64]]) -> tuple[Part, Part, Part]:
    return parts(features, [np.digitize(s, [-1, 0, 1]).astype(float) for s in score])


def test_features_are_fitted_on_training_tracks_and_have_norm_one(features: tuple[csr_array, ...]) -> None:
    for part in features:
        np.testing.assert_allclose(np.sqrt(part.multiply(part).sum(axis=1)), 1.0, rtol=1e-5)
    one, rare = csr_array(np.array([[1, 0], [1, 0], [1, 1]])), csr_array(np.array([[1, 1]]))
    train, other = baseline_features(one, rare)
    np.testing.assert_allclose(other.toarray()[0], train.toarray()[2], rtol=1e-6)
    assert other[0, 1] > other[0, 0]  # the rarer word of the training tracks


def test_logistic_regression_is_the_best_of_the_grid_on_validation(binary: tuple[Part, Part, Part]) -> None:
    (x, y), (x_val, y_val), (x_test, y_test) = binary
    grid = {c: LogisticRegression(C=c, tol=1e-6, max_iter=10_000).fit(x.astype(np.float64), y) for c in C_GRID}
    on_val = {c: roc_auc_score(y_val, model.predict_proba(x_val)[:, 1]) for c, model in grid.items()}
    result = linear_baseline(BINARY, *binary)
    assert result.strength in C_GRID
    assert result.selected_by == "auroc"
    assert result.fallback is None
    assert result.metrics["val"]["auroc"] == pytest.approx(max(on_val.values()), abs=2e-3)
    expected = grid[result.strength].predict_proba(x_test)[:, 1]
    assert result.metrics["test"]["auroc"] == pytest.approx(roc_auc_score(y_test, expected), abs=2e-3)
    assert result.metrics["test"]["log_loss"] == pytest.approx(log_loss(y_test, expected), abs=1e-3)
    assert result.metrics["test"]["auroc"] > 0.65


def test_ridge_is_the_best_of_the_grid_on_validation_in_original_units(values: tuple[Part, Part, Part]) -> None:
    (x, y), (x_val, y_val), (x_test, y_test) = values
    # A ridge of raw targets is one of standardised targets with the same alpha.
    grid = {a: Ridge(alpha=a, solver="sparse_cg", tol=1e-8).fit(x.astype(np.float64), y) for a in ALPHA_GRID}
    on_val = {a: root_mean_squared_error(y_val, model.predict(x_val)) for a, model in grid.items()}
    result = linear_baseline(VALUE, *values)
    assert result.strength == min(on_val, key=on_val.__getitem__)
    assert result.selected_by == "rmse"
    expected = root_mean_squared_error(y_test, grid[result.strength].predict(x_test))
    assert result.metrics["test"]["rmse"] == pytest.approx(expected, rel=1e-3)
    assert result.metrics["test"]["r2"] > 0.15


def test_multiclass_beats_the_class_frequencies_and_is_selected_by_log_loss(classes: tuple[Part, Part, Part]) -> None:
    (x, y), _, (x_test, y_test) = classes
    result = linear_baseline(KEY, *classes)
    assert result.selected_by == "log_loss"
    assert result.strength is not None
    model = LogisticRegression(C=result.strength, tol=1e-6, max_iter=10_000).fit(x.astype(np.float64), y)
    assert result.metrics["test"]["log_loss"] == pytest.approx(log_loss(y_test, model.predict_proba(x_test)), abs=2e-3)
    trivial = trivial_baseline(KEY, *[labels for _, labels in classes])
    assert result.metrics["test"]["log_loss"] < trivial.metrics["test"]["log_loss"]


def test_classes_absent_from_training_get_probability_zero(classes: tuple[Part, Part, Part]) -> None:
    (x, y), val, test = classes
    two = np.where(np.isin(y, [1, 3]), y, np.nan).astype(np.float32)
    only = [np.where(np.isin(labels, [1, 3]), labels, np.nan).astype(np.float32) for _, labels in (val, test)]
    result = linear_baseline(KEY, (x, two), (val[0], only[0]), (test[0], only[1]))
    model = LogisticRegression(C=result.strength, tol=1e-6, max_iter=10_000)
    labelled = np.isfinite(two)
    model.fit(x[np.flatnonzero(labelled)].astype(np.float64), two[labelled])
    seen = np.isfinite(only[1])
    expected = model.predict_proba(test[0][np.flatnonzero(seen)])
    assert result.metrics["test"]["log_loss"] == pytest.approx(log_loss(only[1][seen], expected), abs=2e-3)


def test_test_labels_change_neither_strength_nor_validation_metrics(binary: tuple[Part, Part, Part]) -> None:
    train, val, (x_test, y_test) = binary
    result, flipped = linear_baseline(BINARY, *binary), linear_baseline(BINARY, train, val, (x_test, 1 - y_test))
    assert (result.strength, result.metrics["val"]) == (flipped.strength, flipped.metrics["val"])
    assert flipped.metrics["test"]["auroc"] == pytest.approx(1 - result.metrics["test"]["auroc"])


def test_validation_labels_change_the_strength_and_not_the_fit(values: tuple[Part, Part, Part]) -> None:
    train, (x_val, y_val), test = values
    noise = np.random.default_rng(2).permutation(y_val)
    assert linear_baseline(VALUE, train, (x_val, noise), test).strength == ALPHA_GRID[0]
    assert linear_baseline(VALUE, *values).strength != ALPHA_GRID[0]


@pytest.mark.parametrize(("task", "name"), [(BINARY, "binary"), (VALUE, "values"), (KEY, "classes")])
def test_rows_without_a_label_are_as_good_as_absent(task: Task, name: str, request: pytest.FixtureRequest) -> None:
    labels = [(x, y.copy()) for x, y in request.getfixturevalue(name)]
    for _, y in labels:
        y[::3] = np.nan
    kept = [(x[np.flatnonzero(np.isfinite(y))], y[np.isfinite(y)]) for x, y in labels]
    masked, removed = linear_baseline(task, *labels), linear_baseline(task, *kept)
    assert masked.strength == removed.strength
    assert masked.metrics["test"] == pytest.approx(removed.metrics["test"])
    assert trivial_baseline(task, *[y for _, y in labels]) == trivial_baseline(task, *[y for _, y in kept])


def test_the_same_data_give_the_same_numbers(binary: tuple[Part, Part, Part]) -> None:
    assert linear_baseline(BINARY, *binary) == linear_baseline(BINARY, *binary)


def test_one_class_in_training_falls_back_to_the_prevalence(binary: tuple[Part, Part, Part]) -> None:
    (x, y), val, test = binary
    ones = (x, np.ones_like(y))
    result = linear_baseline(BINARY, ones, val, test)
    assert result.fallback == "every labelled training row has class 1"
    assert (result.strength, result.selected_by) == (None, None)
    assert result.metrics == trivial_baseline(BINARY, ones[1], val[1], test[1]).metrics


def test_no_validation_label_falls_back_to_the_mean(values: tuple[Part, Part, Part]) -> None:
    train, (x_val, y_val), test = values
    result = linear_baseline(VALUE, train, (x_val, np.full_like(y_val, np.nan)), test)
    assert result.fallback == "no validation row is labelled"
    assert np.isnan(result.metrics["val"]["rmse"])
    assert result.metrics["test"]["rmse"] == pytest.approx(root_mean_squared_error(test[1], [train[1].mean()] * N_TEST))


def test_one_class_in_validation_is_selected_by_log_loss(binary: tuple[Part, Part, Part]) -> None:
    train, (x_val, y_val), test = binary
    result = linear_baseline(BINARY, train, (x_val, np.zeros_like(y_val)), test)
    assert result.selected_by == "log_loss"
    assert np.isnan(result.metrics["val"]["auroc"])
    assert np.isfinite(result.metrics["test"]["auroc"])


@pytest.mark.parametrize("task", [BINARY, VALUE])
def test_no_training_label_is_an_error(task: Task, binary: tuple[Part, Part, Part]) -> None:
    (x, y), val, test = binary
    none = np.full_like(y, np.nan)
    with pytest.raises(UserError, match="must have at least one labelled training row; got none of 400"):
        linear_baseline(task, (x, none), val, test)
    with pytest.raises(UserError, match=task.name):
        trivial_baseline(task, none, val[1], test[1])


def test_trivial_baselines_by_hand() -> None:
    train, test = np.float32([0, 1, 1, 1, np.nan]), np.float32([0, 1, np.nan])
    scores = trivial_baseline(BINARY, train, test, test).metrics["test"]
    assert scores["auroc"] == 0.5
    assert scores["accuracy"] == 0.5
    assert scores["log_loss"] == pytest.approx(-np.log([0.25, 0.75]).mean())
    assert trivial_baseline(VALUE, train, test, test).metrics["val"]["mae"] == pytest.approx(0.5)
    train, test = np.float32([0, 3, 3, 3]), np.float32([3, 0])
    scores = trivial_baseline(KEY, train, test, test).metrics["test"]
    assert scores["accuracy"] == 0.5
    assert scores["log_loss"] == pytest.approx(-np.log([0.75, 0.25]).mean())


def test_a_fit_that_does_not_converge_is_heard(
    binary: tuple[Part, Part, Part], monkeypatch: pytest.MonkeyPatch
) -> None:
    from sklearn.exceptions import ConvergenceWarning

    monkeypatch.setattr(baselines, "MAX_ITERATIONS", 1)
    with pytest.warns(ConvergenceWarning, match="failed to converge"):
        linear_baseline(BINARY, *binary)
