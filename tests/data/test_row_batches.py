import numpy as np
import pytest
import torch
from scipy.sparse import csr_array

from msd_mtl.data.batch import Batch
from msd_mtl.data.row_batches import Part, RowBatches, label_statistics


@pytest.fixture
def part() -> Part:
    rng = np.random.default_rng(0)
    features = csr_array(rng.poisson(0.5, (53, 9)).astype(np.float32))
    targets = rng.normal(size=(2, 53)).astype(np.float32)
    targets[0, rng.random(53) < 0.3] = np.nan
    return Part(np.arange(53) * 10, features, targets)


def dense(batch: Batch) -> np.ndarray:
    features = batch.features
    out = np.zeros((len(batch.rows), features.n_features), dtype=np.float32)
    for row, (start, end) in enumerate(zip(features.offsets[:-1], features.offsets[1:], strict=True)):
        out[row, features.indices[start:end]] = features.values[start:end]
    return out


def test_a_pass_sees_each_row_once_with_its_own_features_and_labels(part):
    seen = []
    for batch in RowBatches(part, 8, seed=1):
        rows = batch.rows.numpy() // 10
        np.testing.assert_array_equal(dense(batch), part.features[rows].toarray())
        np.testing.assert_array_equal(batch.has_label.numpy(), ~np.isnan(part.targets[:, rows]))
        np.testing.assert_array_equal(batch.targets.numpy(), np.nan_to_num(part.targets[:, rows]))
        np.testing.assert_array_equal(batch.n_labelled, batch.has_label.sum(1))
        seen += rows.tolist()
    assert sorted(seen) == list(range(53))


def test_order_depends_on_seed_and_epoch_alone(part):
    def order(seed: int, epoch: int) -> list[int]:
        batches = RowBatches(part, 8, seed=seed)
        batches.set_epoch(epoch)
        return torch.cat([batch.rows for batch in batches]).tolist()

    assert order(0, 3) == order(0, 3)
    assert order(0, 3) != order(0, 4)
    assert order(0, 3) != order(1, 3)


def test_without_a_seed_rows_come_as_they_are(part):
    assert torch.cat([batch.rows for batch in RowBatches(part, 8)]).tolist() == part.rows.tolist()


@pytest.mark.parametrize(("drop_last", "sizes"), [(False, [20, 20, 13]), (True, [20, 20])])
def test_last_short_batch_is_kept_or_dropped(part, drop_last, sizes):
    batches = RowBatches(part, 20, seed=0, drop_last=drop_last)
    assert [len(batch.rows) for batch in batches] == sizes
    assert len(batches) == len(sizes)


def test_processes_share_each_batch_and_know_its_labels(part):
    whole = list(RowBatches(part, 8, seed=2))
    shares = [list(RowBatches(part, 8, seed=2, rank=rank, world_size=3)) for rank in range(3)]
    for i, batch in enumerate(whole):
        rows = torch.cat([share[i].rows for share in shares])
        assert sorted(rows.tolist()) == sorted(batch.rows.tolist())
        for share in shares:
            np.testing.assert_array_equal(share[i].n_labelled, batch.n_labelled)


def test_label_statistics_are_those_of_labelled_rows(part):
    mean, deviation = label_statistics(part.targets)
    np.testing.assert_allclose(mean, np.nanmean(part.targets, axis=1), rtol=1e-5)
    np.testing.assert_allclose(deviation, np.nanstd(part.targets, axis=1), rtol=1e-5)


def test_a_task_that_does_not_vary_is_not_divided_by_zero():
    mean, deviation = label_statistics(np.array([[2.0, 2.0, np.nan], [np.nan] * 3], dtype=np.float32))
    assert mean.tolist() == [2.0, 0.0]
    assert deviation.tolist() == [1.0, 1.0]


@pytest.mark.parametrize(("drop_last", "per_pass"), [(False, 7), (True, 6)])
def test_epochs_of_a_number_of_steps_go_through_the_same_passes(part, drop_last, per_pass):
    def rows(n_epochs: int, epoch_steps: int | None) -> list[list[int]]:
        batches = RowBatches(part, 8, seed=4, drop_last=drop_last, epoch_steps=epoch_steps)
        taken = []
        for epoch in range(n_epochs):
            batches.set_epoch(epoch)
            taken += [batch.rows.tolist() for batch in batches]
        return taken

    assert rows(per_pass, 4) == rows(4, None)
    assert rows(2, 9) == rows(3, None)[:18]


def test_an_epoch_of_a_number_of_steps_goes_on_in_its_middle(part):
    whole, resumed = (RowBatches(part, 8, seed=4, epoch_steps=9) for _ in range(2))
    for batches in (whole, resumed):
        batches.set_epoch(1)
    taken = iter(whole)
    for _ in range(5):
        next(taken)
    resumed.load_state_dict(whole.state_dict())
    assert [batch.rows.tolist() for batch in resumed] == [batch.rows.tolist() for batch in taken]
