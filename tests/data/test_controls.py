import numpy as np
import pytest

from msd_mtl.data.controls import check_control, misaligned_rows, permute_labels
from msd_mtl.errors import UserError


def test_permuted_labels_keep_prevalence_and_missing_but_no_relation():
    rng = np.random.default_rng(0)
    one = (rng.random(4000) < 0.3).astype(np.float32)
    targets = np.stack([one, one])
    targets[0, :500] = np.nan
    shuffled = permute_labels(targets, 0, "train")
    np.testing.assert_array_equal(np.isnan(shuffled), np.isnan(targets))
    np.testing.assert_array_equal(np.nansum(shuffled, axis=1), np.nansum(targets, axis=1))
    known = slice(500, None)
    assert abs(np.corrcoef(shuffled[0, known], one[known])[0, 1]) < 0.05
    assert abs(np.corrcoef(shuffled[0, known], shuffled[1, known])[0, 1]) < 0.05


def test_permutation_depends_on_seed_and_part():
    targets = np.arange(50, dtype=np.float32)[None]
    one = permute_labels(targets, 0, "train")
    np.testing.assert_array_equal(one, permute_labels(targets, 0, "train"))
    assert not np.array_equal(one, permute_labels(targets, 1, "train"))
    assert not np.array_equal(one, permute_labels(targets, 0, "val"))


def test_misaligned_rows_are_a_permutation_with_hardly_a_row_in_its_place():
    rows = misaligned_rows(27_000, 0)
    assert sorted(rows) == list(range(27_000))
    assert (rows == np.arange(27_000)).sum() < 10


def test_unknown_control_is_refused():
    check_control(None)
    with pytest.raises(UserError, match="must be null, permute_labels or misalign; got 'shuffle'"):
        check_control("shuffle")
