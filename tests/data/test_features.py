import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import TfidfTransformer

from msd_mtl.data.features import fit_features
from msd_mtl.errors import UserError


@pytest.fixture
def counts() -> csr_array:
    return csr_array(np.random.default_rng(0).poisson(0.7, (50, 12)).astype(np.uint8))


@pytest.mark.parametrize(
    ("name", "expected"),
    [("counts", lambda n: n), ("binary", lambda n: n > 0), ("log1p", np.log1p)],
)
def test_features_are_what_their_name_says(counts, name, expected):
    features = fit_features(name, None, counts)(counts)
    assert features.dtype == np.float32
    np.testing.assert_allclose(features.toarray(), expected(counts.toarray().astype(float)), rtol=1e-6)


def test_tfidf_is_that_of_scikit_learn(counts):
    train, test = counts[:30], counts[30:]
    ours = fit_features("tfidf", 1.0, train)(test).toarray()
    reference = TfidfTransformer(smooth_idf=True).fit(train)
    log_counts = test.astype(np.float64)
    log_counts.data = np.log1p(log_counts.data)
    np.testing.assert_allclose(ours, reference.transform(log_counts).toarray(), rtol=1e-5)


def test_rows_are_scaled_to_the_norm_and_empty_ones_stay(counts):
    with_empty = csr_array(
        np.vstack([np.zeros((1, 12), dtype=np.uint8), counts.toarray(), np.zeros((2, 12), np.uint8)])
    )
    norms = np.linalg.norm(fit_features("log1p", 30.0, counts)(with_empty).toarray(), axis=1)
    empty = with_empty.sum(axis=1) == 0
    np.testing.assert_allclose(norms[~empty], 30.0, rtol=1e-5)
    assert (norms[empty] == 0).all()


def test_input_is_left_as_it_was(counts):
    before = counts.toarray()
    fit_features("tfidf", 30.0, counts)(counts)
    np.testing.assert_array_equal(counts.toarray(), before)
    assert counts.dtype == np.uint8


def test_unknown_features_are_refused(counts):
    with pytest.raises(UserError, match=r"data\.features must be one of counts, binary, log1p, tfidf; got 'bow'"):
        fit_features("bow", None, counts)


def test_norm_of_zero_is_refused(counts):
    with pytest.raises(UserError, match=r"data\.row_norm must be above 0"):
        fit_features("counts", 0, counts)
