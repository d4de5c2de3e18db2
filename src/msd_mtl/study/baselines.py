"""What needs no network: the training prevalence or mean, and a tuned linear model on the same rows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from msd_mtl.data.features import fit_features
from msd_mtl.data.task import Kind, Task
from msd_mtl.errors import UserError
from msd_mtl.model.metrics import task_metrics

Labels = NDArray[np.float32]
Part = tuple[csr_array, Labels]
Values = NDArray[np.float32]
Predictor = Callable[[csr_array], Values]

# Metric that selects the strength on validation, and whether more is better.
SELECTED_BY: dict[Kind, tuple[str, bool]] = {
    "binary": ("auroc", True),
    "multiclass": ("log_loss", False),
    "regression": ("rmse", False),
}
# From strong to weak regularisation, two values a decade; rows have norm 1, so one grid fits every size of data.
C_GRID = tuple(float(c) for c in 10.0 ** np.arange(-3.0, 2.25, 0.5))
ALPHA_GRID = tuple(float(a) for a in 10.0 ** np.arange(3.0, -2.25, -0.5))
# Losses fall, then rise along the path, so it ends after so many values without a better one: weak regularisation is
# the slowest to fit. AUROC has several maxima and is looked at everywhere.
PATIENCE = 2
MAX_ITERATIONS = 10_000  # never reached on lyrics; reaching it raises scikit-learn's ConvergenceWarning, as it should


@dataclass(frozen=True)
class Baseline:
    """A baseline of one task on one split of the data.

    Attributes:
        metrics: Part (``val``, ``test``) to metric to value, as ``task_metrics`` gives them.
        strength: The chosen inverse regularisation ``C`` of a logistic regression, or ``alpha`` of a ridge; None for
            constant predictions.
        selected_by: Validation metric that chose it; None for constant predictions.
        fallback: Why the linear model could not be fitted or tuned and constant predictions stand in for it; else None.
    """

    metrics: dict[str, dict[str, float]]
    strength: float | None = None
    selected_by: str | None = None
    fallback: str | None = None


def baseline_features(train: csr_array, *others: csr_array) -> tuple[csr_array, ...]:
    """Features of the linear baseline: tf-idf of log counts, fitted on training tracks, rows of L2 norm 1.

    Chosen on validation parts of the real sample, where they beat log counts (AUROC 0.654 against 0.637, mean of pop,
    pop rock and ballad over 15 splits by artist).

    Args:
        train: Word counts of the training tracks, shape ``(tracks, words)``.
        others: Word counts of other parts.

    Returns:
        Features of each part, float32, same shapes and order.
    """
    transform = fit_features("tfidf", 1.0, train)
    return tuple(transform(counts) for counts in (train, *others))


def trivial_baseline(task: Task, train: Labels, val: Labels, test: Labels) -> Baseline:
    """Predict the same for every row: the training prevalence, class frequencies or mean.

    Args:
        task: The task.
        train: Labels in the unit of the data, float32, shape ``(rows,)``, NaN where missing.
        val: Likewise.
        test: Likewise.

    Raises:
        UserError: If no training row is labelled.
    """
    labels = _labelled(task, train)
    constant: Values
    if task.kind == "multiclass":
        constant = (np.bincount(labels.astype(np.int64), minlength=task.n_classes) / len(labels)).astype(np.float32)
    else:
        constant = np.array([labels.mean(dtype=np.float64)], dtype=np.float32)
    shape = (task.n_classes,) if task.kind == "multiclass" else ()
    parts = {"val": val, "test": test}
    return Baseline({name: _score(task, np.broadcast_to(constant, (len(y), *shape)), y) for name, y in parts.items()})


def linear_baseline(task: Task, train: Part, val: Part, test: Part) -> Baseline:
    """Logistic regression (binary, multiclass) or ridge (regression), its strength chosen on validation.

    The test part is scored once, by the chosen model. Equal scores go to the stronger regularisation. A binary task
    whose validation labels are all alike has no AUROC and is selected by log loss. The intercept is not regularised.

    Args:
        task: The task.
        train: Features with rows of norm 1, float32, shape ``(rows, features)``, and labels in the unit of the data,
            float32, shape ``(rows,)``, NaN where missing; rows without a label are left out.
        val: Likewise; selects the strength.
        test: Likewise.

    Raises:
        UserError: If no training row is labelled.
    """
    labels = _labelled(task, train[1])
    reason = _cannot_fit(task, labels, val[1])
    if reason is not None:
        return Baseline(trivial_baseline(task, train[1], val[1], test[1]).metrics, fallback=reason)
    features = train[0][np.flatnonzero(np.isfinite(train[1]))].astype(np.float64)
    path = _ridge_path(features, labels) if task.kind == "regression" else _logistic_path(task, features, labels)
    strength, predict, metrics, metric = _select(task, path, val)
    return Baseline({"val": metrics, "test": _score(task, predict(test[0]), test[1])}, strength, metric)


def _select(
    task: Task, path: Iterator[tuple[float, Predictor]], val: Part
) -> tuple[float, Predictor, dict[str, float], str]:
    """The strength with the best validation score, its predictor, its metrics and the metric it was chosen by."""
    metric, more_is_better = SELECTED_BY[task.kind]
    if task.kind == "binary" and len(np.unique(val[1][np.isfinite(val[1])])) == 1:
        metric, more_is_better = "log_loss", False
    sign = 1.0 if more_is_better else -1.0
    strength, predict = next(path)
    best = (strength, predict, _score(task, predict(val[0]), val[1]))
    since_best = 0
    for strength, predict in path:
        metrics = _score(task, predict(val[0]), val[1])
        since_best += 1
        if sign * metrics[metric] > sign * best[2][metric]:
            best, since_best = (strength, predict, metrics), 0
        if since_best == PATIENCE and not more_is_better:
            break
    return *best, metric


def _cannot_fit(task: Task, train: Labels, val: Labels) -> str | None:
    """Why there is nothing to fit or to tune on; None if there is."""
    if task.kind != "regression" and len(np.unique(train)) == 1:
        return f"every labelled training row has class {train[0]:g}"
    if not np.isfinite(val).any():
        return "no validation row is labelled"
    return None


def _logistic_path(task: Task, features: csr_array, labels: Labels) -> Iterator[tuple[float, Predictor]]:
    """Logistic regressions from strong to weak regularisation, each started where the one before it ended."""
    from sklearn.linear_model import LogisticRegression

    classes = labels.astype(np.int64)
    # Largest entry of the gradient of the mean loss. Log losses agree to three digits at 1e-4, AUROC does not.
    tolerance = 1e-5 if task.kind == "binary" else 1e-4
    model = LogisticRegression(solver="lbfgs", tol=tolerance, max_iter=MAX_ITERATIONS, warm_start=True)
    for strength in C_GRID:
        model.set_params(C=strength).fit(features, classes)
        # The next fit replaces these arrays, it does not write into them.
        yield strength, _classifier(task, model.coef_, model.intercept_, model.classes_)


def _classifier(
    task: Task, weights: NDArray[np.float64], bias: NDArray[np.float64], classes: NDArray[np.int64]
) -> Predictor:
    """Probability of class 1, or of each class; classes without a training row get probability 0."""
    from scipy.special import expit, softmax

    def predict(features: csr_array) -> Values:
        scores = features @ weights.T + bias
        if task.kind == "binary":
            return np.asarray(expit(scores[:, 0]), dtype=np.float32)
        if len(classes) == 2:  # scikit-learn then keeps the scores of the second class only
            scores = np.hstack([np.zeros_like(scores), scores])
        probability = np.zeros((features.shape[0], task.n_classes), dtype=np.float32)
        probability[:, classes] = softmax(scores, axis=1)
        return probability

    return predict


def _ridge_path(features: csr_array, labels: Labels) -> Iterator[tuple[float, Predictor]]:
    """Ridge regressions on targets of mean 0 and deviation 1, from strong to weak regularisation."""
    from sklearn.linear_model import Ridge

    mean, scale = labels.mean(dtype=np.float64), labels.std(dtype=np.float64) or 1.0
    standardised = (labels - mean) / scale
    for strength in ALPHA_GRID:
        model = Ridge(alpha=strength, solver="sparse_cg", tol=1e-5, max_iter=MAX_ITERATIONS).fit(features, standardised)

        def predict(rows: csr_array, model: Ridge = model) -> Values:
            return np.asarray(model.predict(rows) * scale + mean, dtype=np.float32)

        yield strength, predict


def _labelled(task: Task, train: Labels) -> Labels:
    """Training labels that are there."""
    labels = train[np.isfinite(train)]
    if not len(labels):
        raise UserError(
            f"task {task.name!r} must have at least one labelled training row; got none of {len(train)}. "
            "Choose another task or another data.split."
        )
    return labels


def _score(task: Task, prediction: Values, labels: Labels) -> dict[str, float]:
    has_label = np.isfinite(labels)
    return task_metrics(task, prediction, np.where(has_label, labels, np.float32(0.0)), has_label)
