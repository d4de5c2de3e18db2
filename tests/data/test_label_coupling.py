import time

import numpy as np
import pytest

from msd_mtl.data.correlation import association
from msd_mtl.data.label_coupling import _TERMS, label_coupling, measure_of
from msd_mtl.data.task import task_of

POP, ROCK, YEAR, KEY, TIME = map(task_of, ("term:pop", "term:rock", "year", "key", "time_signature"))


def draw(task, rng, n, shared):
    """Labels of a kind that depend on a shared cause."""
    cause = shared + rng.normal(size=n)
    if task.kind == "binary":
        return (cause > 0.3).astype(np.float32)
    if task.kind == "multiclass":
        return np.clip(np.floor(cause * 1.5 + 4), 0, task.n_classes - 1).astype(np.float32)
    return (1998 + 10 * cause).astype(np.float32)


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [(POP, ROCK, "phi"), (POP, YEAR, "pearson"), (KEY, YEAR, "eta"), (POP, KEY, "eta"), (KEY, TIME, "cramer")],
)
def test_the_value_is_the_association_of_the_tasks_overview(one, other, kind):
    rng = np.random.default_rng(0)
    shared = rng.normal(size=900)
    x, y = draw(one, rng, 900, shared), draw(other, rng, 900, shared)
    x[rng.random(900) < 0.2] = np.nan
    found = label_coupling(x, one, y, other, rng.integers(90, size=900).astype(np.int32))
    assert found.kind == kind
    assert found.value == pytest.approx(association(x, one.kind, y, other.kind), abs=1e-6)
    assert found.n == (~np.isnan(x)).sum()
    assert found.low < found.value < found.high


@pytest.mark.parametrize(("one", "other"), [(POP, ROCK), (POP, YEAR), (KEY, YEAR), (KEY, TIME)])
def test_the_value_of_any_artists_is_that_of_their_tracks_alone(one, other):
    """Also where a class is none of theirs, and far from zero."""
    rng = np.random.default_rng(3)
    shared = rng.normal(size=400)
    x, y = draw(one, rng, 400, shared), draw(other, rng, 400, shared)
    y += 1e6 if other is YEAR else 0
    terms, value_of = _TERMS[measure_of(one.kind, other.kind)](x.astype(np.float64), y.astype(np.float64))
    rows = np.flatnonzero(x < 5) if one is KEY else np.arange(0, 400, 3)
    found = value_of(np.array([[term[rows].sum() for term in terms]]))
    assert found == pytest.approx(association(x[rows], one.kind, y[rows], other.kind), abs=1e-9)


def test_draws_that_do_not_vary_do_not_count():
    artist = np.repeat(np.arange(4), 5).astype(np.int32)
    x, y = np.array([0.1, 0.7, 0.35, 0.6], np.float32)[artist], np.arange(20, dtype=np.float32) ** 2
    found = label_coupling(x, YEAR, y, YEAR, artist)
    assert np.isfinite([found.value, found.low, found.high]).all()
    rare = label_coupling((artist == 0).astype(np.float32), POP, y, YEAR, artist)
    assert np.isfinite([rare.low, rare.high]).all()


def test_one_artist_has_no_interval():
    y = np.arange(10, dtype=np.float32)
    found = label_coupling(y**2, YEAR, y, YEAR, np.zeros(10, np.int32))
    assert found.value > 0.9
    assert np.isnan([found.low, found.high]).all()


def test_the_interval_is_the_same_every_time():
    rng = np.random.default_rng(4)
    x, y, artist = rng.normal(size=50).astype(np.float32), rng.normal(size=50).astype(np.float32), np.arange(50)
    one, other = (label_coupling(x, YEAR, y, YEAR, artist.astype(np.int32)) for _ in range(2))
    assert one == other


@pytest.mark.parametrize("n_artists", [60, 1000])
def test_the_interval_covers_the_truth_where_tracks_of_an_artist_are_alike(n_artists):
    rng = np.random.default_rng(1)
    truth, covered, width = 0.5, 0, []
    for _ in range(200):
        artist = np.repeat(np.arange(n_artists), 5).astype(np.int32)
        a = rng.multivariate_normal([0, 0], [[1, truth], [truth, 1]], n_artists)[artist]
        x, y = (a + 0.1 * rng.normal(size=a.shape) * [1, 1]).astype(np.float32).T
        found = label_coupling(x, YEAR, y, YEAR, artist)
        covered += found.low < truth / 1.01 < found.high
        width.append(found.high - found.low)
    assert covered >= 180
    assert np.mean(width) == pytest.approx(2 * 1.96 * (1 - truth**2) / np.sqrt(n_artists), rel=0.2)


def test_it_costs_little():
    rng = np.random.default_rng(2)
    n = 150_000
    x, y = (rng.random(n) < 0.4).astype(np.float32), rng.normal(size=n).astype(np.float32)
    artist = rng.integers(20_000, size=n).astype(np.int32)
    started = time.process_time()
    label_coupling(x, POP, y, YEAR, artist)
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize("n", [0, 5])
def test_what_does_not_vary_has_no_coupling(n):
    found = label_coupling(
        np.ones(n, np.float32), POP, np.arange(n, dtype=np.float32), YEAR, np.arange(n, dtype=np.int32)
    )
    assert np.isnan([found.value, found.low, found.high]).all()
    assert found.n == n
