import numpy as np
import pytest

from msd_mtl.data.datamodule import MultiTaskDataModule
from msd_mtl.errors import UserError

SETTINGS = {
    "target": "term:pop",
    "seed": 0,
    "split": "artist",
    "split_seed": 0,
    "val_fraction": 0.2,
    "test_fraction": 0.2,
    "train_size": None,
    "features": "tfidf",
    "row_norm": 30.0,
    "control": None,
    "batch_size": 32,
    "eval_batch_size": 100,
    "drop_last": False,
}


class InMemory(MultiTaskDataModule):
    """The tracks of the fixture with planted labels: pop on all but a tenth, year on a half."""

    def __init__(self, tracks, names, **settings):
        super().__init__(names, **(SETTINGS | settings))
        self._tracks = tracks

    def source(self):
        n = len(self._tracks)
        rng = np.random.default_rng(1)
        pop = (rng.random(n) < 0.4).astype(np.float32)
        pop[rng.random(n) < 0.1] = np.nan
        year = rng.normal(1998, 10, n).astype(np.float32)
        year[rng.random(n) < 0.5] = np.nan
        return self._tracks, {"term:pop": pop, "year": year}


@pytest.fixture
def make(tracks):
    def build(names=("term:pop",), **settings):
        data = InMemory(tracks, list(names), **settings)
        data.setup()
        return data

    return build


def test_a_track_enters_with_at_least_one_label(make):
    data = make(["term:pop", "year"])
    for part in data.parts.values():
        assert (~np.isnan(part.targets)).any(axis=0).all()
        assert np.isnan(part.targets).any()
    assert data.dropped["tracks without a label of the task set"] > 0
    assert sum(map(len, data.parts.values())) + sum(data.dropped.values()) == 600


@pytest.mark.parametrize("seed", [0, 1])
def test_task_sets_of_a_target_train_on_the_same_tracks(make, seed):
    alone, together = make(train_size=200, seed=seed), make(["term:pop", "year"], train_size=200, seed=seed)
    np.testing.assert_array_equal(alone.parts["train"].rows, together.parts["train"].rows)
    assert (alone.parts["train"].features != together.parts["train"].features).nnz == 0


def test_subsets_are_nested(make):
    rows = [set(make(train_size=n).parts["train"].rows.tolist()) for n in (50, 100, 200)]
    assert rows[0] < rows[1] < rows[2]


def test_features_are_fitted_on_training_tracks_alone(make):
    data = make(train_size=100)
    n_with_word = (data.counts("train").toarray() > 0).sum(axis=0)
    np.testing.assert_allclose(data.feature_map.idf, np.log(101 / (1 + n_with_word)) + 1, rtol=1e-6)


def test_misaligned_rows_have_the_lyrics_of_other_tracks(make, tracks):
    data = make(control="misalign")
    rows = data.parts["train"].rows
    same = (data.counts("train") != tracks.counts[rows]).sum(axis=1) == 0
    assert same.mean() < 0.05
    np.testing.assert_array_equal(make().parts["train"].targets, data.parts["train"].targets)


def test_permuted_labels_leave_the_test_part_alone(make):
    data, plain = make(control="permute_labels"), make()
    np.testing.assert_array_equal(data.parts["test"].targets, plain.parts["test"].targets)
    for part in ("train", "val"):
        assert (data.parts[part].targets != plain.parts[part].targets).mean() > 0.3
        assert np.nansum(data.parts[part].targets) == np.nansum(plain.parts[part].targets)


def test_summary_counts_what_the_parts_hold(make):
    summary = make(["term:pop", "year"]).summary()
    assert summary["labelled"]["train"]["term:pop"] > summary["labelled"]["train"]["year"] > 0
    assert summary["prevalence"]["test"]["term:pop"] == pytest.approx(0.4, abs=0.1)
    assert "year" not in summary["prevalence"]["test"]
    assert sum(summary["artists"].values()) <= 150


def test_summary_counts_tracks_without_a_known_artist(make):
    data = make()
    assert data.summary()["without_artist"] == {part: int((p.rows % 10 == 0).sum()) for part, p in data.parts.items()}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"train_size": 10_000},
            r"data\.train_size must be between 1 and the \d+ training rows of this split; got 10000",
        ),
        ({"train_size": 0}, r"data\.train_size must be a whole number of at least 1; got 0"),
        ({"train_size": 10.5}, r"data\.train_size must be a whole number of at least 1; got 10\.5"),
        ({"batch_size": 0}, r"data\.batch_size must be a whole number of at least 1; got 0"),
        ({"seed": -1}, r"seed must be a whole number of at least 0; got -1"),
        ({"train_size": 31, "drop_last": True}, r"at least data\.batch_size=32 where data\.drop_last=true .* got 31"),
        ({"target": "year"}, r"tasks\.target must be one of tasks\.names \['term:pop'\]; got 'year'"),
        ({"names": []}, r"tasks\.names must be one or more different tasks"),
        ({"names": ["term:pop", "term:pop"]}, r"tasks\.names must be one or more different tasks"),
        ({"names": ["term:pop", "loudnes"]}, r"got 'loudnes'\. Nearest: loudness"),
    ],
)
def test_wrong_settings_are_refused(make, settings, message):
    with pytest.raises(UserError, match=message):
        make(**settings)


def test_a_target_without_both_labels_in_a_part_is_refused(make):
    with pytest.raises(
        UserError, match=r"at least 2 different labels in every part; got 1 in train .* a larger data\.train_size"
    ):
        make(train_size=1)


def test_one_name_is_no_list_of_tasks(tracks):
    with pytest.raises(UserError, match=r"tasks\.names must be a list; got 'term:pop'"):
        InMemory(tracks, "term:pop", **SETTINGS)


def test_a_task_without_training_labels_is_refused_before_training(make, monkeypatch):
    pop = InMemory.source
    unknown = np.full(600, np.nan, dtype=np.float32)
    monkeypatch.setattr(InMemory, "source", lambda self: (pop(self)[0], pop(self)[1] | {"year": unknown}))
    with pytest.raises(UserError, match=r"task 'year' must have at least one labelled training row; got none of 50"):
        make(["term:pop", "year"], train_size=50)


def test_only_the_first_rows_keep_the_label_of_the_target(make):
    names = ["term:pop", "year"]
    whole, small = make(names, train_size=200), make(names, train_size=50)
    data = make(names, train_size=200, target_train_size=50)
    enters = np.isin(whole.parts["train"].rows, small.parts["train"].rows) | ~np.isnan(whole.parts["train"].targets[1])
    assert enters.sum() < 200
    np.testing.assert_array_equal(data.parts["train"].rows, whole.parts["train"].rows[enters])
    labelled = ~np.isnan(data.parts["train"].targets)
    np.testing.assert_array_equal(data.parts["train"].rows[labelled[0]], small.parts["train"].rows)
    np.testing.assert_array_equal(data.parts["train"].targets[1], whole.parts["train"].targets[1][enters])
    kept = whole.parts["train"].targets[0][enters][labelled[0]]
    np.testing.assert_array_equal(data.parts["train"].targets[0][labelled[0]], kept)
    for part in ("val", "test"):
        np.testing.assert_array_equal(data.parts[part].targets, whole.parts[part].targets)


def test_tracks_that_keep_no_label_train_nothing(make):
    """The target alone is the same beside any number of them, to the bit."""
    alone, small = make(train_size=200, target_train_size=50), make(train_size=50)
    for name in ("rows", "targets"):
        np.testing.assert_array_equal(getattr(alone.parts["train"], name), getattr(small.parts["train"], name))
    assert (alone.parts["train"].features != small.parts["train"].features).nnz == 0
    assert len(alone.train_dataloader()) == len(small.train_dataloader()) == 2
    assert alone.dropped == small.dropped | {"training tracks that keep no label": 150}
    together = make(["term:pop", "year"], train_size=200, target_train_size=50)
    assert (~np.isnan(together.parts["train"].targets)).any(axis=0).all()
    assert together.dropped["training tracks that keep no label"] == 200 - len(together.parts["train"])


def test_fewer_rows_with_the_target_are_in_more_of_them(make):
    few, more = (make(["term:pop", "year"], train_size=200, target_train_size=n).parts["train"] for n in (30, 90))
    assert few.n_labelled[0] == 30
    assert set(few.rows[~np.isnan(few.targets[0])]) < set(more.rows[~np.isnan(more.targets[0])])


def test_sizes_at_the_edge_of_what_there_is_can_be_had(make):
    names = ["term:pop", "year"]
    labelled = int(make(names).parts["train"].n_labelled[0])
    assert make(names, target_train_size=labelled).parts["train"].n_labelled[0] == labelled
    assert make(names, train_size=50, target_train_size=50).parts["train"].n_labelled[0] == 50
    whole = len(make(names).parts["train"])
    assert len(make(names, train_size=whole).parts["train"]) == whole
    assert len(make(names, train_size=32, drop_last=True).parts["train"]) == SETTINGS["batch_size"]


def test_training_rows_are_in_the_order_of_the_tracks(make):
    assert (np.diff(make(train_size=100).parts["train"].rows) > 0).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"train_size": 50, "target_train_size": 51},
            r"at most the 50 training rows with a label of the target; got 51",
        ),
        ({"target_train_size": 400}, r"at most the \d+ training rows with a label of the target; got 400"),
        ({"target_train_size": 0}, r"data\.target_train_size must be a whole number of at least 1; got 0"),
        ({"epoch_steps": 0}, r"data\.epoch_steps must be a whole number of at least 1; got 0"),
    ],
)
def test_sizes_of_the_target_that_cannot_be_had_are_refused(make, settings, message):
    with pytest.raises(UserError, match=message):
        make(["term:pop", "year"], **settings)
