import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from msd_mtl.study.answers.bootstrap import BLOCK, ArtistBootstrap
from msd_mtl.study.answers.predictions import make_predictions

RNG = np.random.default_rng(0)


def predictions(artist, truth, values=None):
    track_id = np.array([f"TR{n:016d}" for n in range(len(artist))], "S18")
    values = RNG.random(len(artist)) if values is None else values
    return make_predictions(track_id, np.asarray(artist), np.asarray(truth, np.float32), np.asarray(values, np.float32))


def test_the_first_score_is_that_of_the_test_part_as_it_is():
    made = predictions(np.arange(50) // 2, np.arange(50) % 3 == 0)
    scores = ArtistBootstrap([made.part], 20).scores(made, "auroc")
    assert scores[0] == pytest.approx(roc_auc_score(made.part.truth, made.values))
    assert len(scores) == 21


def test_tracks_come_with_their_artists():
    truth = np.array([1, 1, 0, 0, 0, 1])
    made = predictions([0, 0, 1, 1, 2, 2], truth, [[0.9, 0.1]] * 6)  # class 0 is predicted: right where truth is 0
    scores = ArtistBootstrap([made.part], 500).scores(made, "accuracy")
    possible = {
        round((2 * b + c) / 6, 9) for b in range(4) for c in range(4 - b)
    }  # of 3 draws, b and c of the latter two
    assert {round(score, 9) for score in scores[1:]} == possible
    assert scores[0] == pytest.approx(3 / 6)
    assert ArtistBootstrap([made.part], 5).scores(predictions([0, 0], [0, 0], [[0.9, 0.1]] * 2), "accuracy")[0] == 1


def test_draws_without_one_of_the_classes_have_no_score():
    made = predictions(np.arange(6), [1, 0, 0, 0, 0, 0])
    scores = ArtistBootstrap([made.part], 1000).scores(made, "auroc")
    assert np.isnan(scores[1:]).mean() == pytest.approx((5 / 6) ** 6, abs=0.05)
    assert np.isfinite(scores[0])


def test_all_runs_are_scored_on_the_same_draws():
    made = predictions(np.arange(40), np.arange(40) % 2)
    bootstrap = ArtistBootstrap([made.part], BLOCK + 5)
    same = predictions(np.arange(40), np.arange(40) % 2, made.values)
    assert bootstrap.scores(made, "auroc").tolist() == bootstrap.scores(same, "auroc").tolist()


def test_the_draws_are_the_same_every_time():
    made = predictions(np.arange(40), np.arange(40) % 2)
    one, other = (ArtistBootstrap([made.part], 20).scores(made, "auroc") for _ in range(2))
    assert one.tolist() == other.tolist()


def test_parts_that_overlap_share_the_draws_of_their_artists():
    whole = predictions(np.arange(30), np.arange(30) % 2, np.arange(30))
    half = predictions(np.arange(10), np.arange(10) % 2, np.arange(10))
    bootstrap = ArtistBootstrap([half.part, whole.part], 400)
    assert bootstrap.n_artists == 30
    scores = [bootstrap.scores(one, "auroc")[1:] for one in (whole, half)]
    defined = np.isfinite(scores[1])
    assert np.corrcoef(scores[0][defined], scores[1][defined])[0, 1] > 0.15


def test_predictions_that_are_not_finite_have_no_score():
    made = predictions([0, 1], [0, 1], [0.5, np.inf])
    assert np.isnan(ArtistBootstrap([made.part], 3).scores(made, "auroc")).all()


def test_tracks_without_a_label_do_not_count():
    made = predictions([0, 1, 2], [0, np.nan, 1])
    assert made.part.artist.tolist() == [0, 2]


def test_other_tracks_artists_or_labels_are_another_part():
    track_id, artist, truth = np.array([b"TRA", b"TRB"]), np.array([0, 1]), np.array([0, 1], np.float32)
    parts = [
        (track_id, artist, truth),
        (track_id[::-1], artist, truth),
        (track_id, artist * 2, truth),
        (track_id, artist, 1 - truth),
    ]
    assert len({make_predictions(*part, np.zeros(2, np.float32)).part.key for part in parts}) == 4


def test_the_order_of_tracks_does_not_matter():
    track_id, artist = np.array([b"TRB", b"TRA", b"TRC"]), np.array([5, 6, 7])
    truth, values = np.array([0, 1, 0], np.float32), np.array([0.1, 0.2, 0.3], np.float32)
    order = [2, 0, 1]
    one = make_predictions(track_id, artist, truth, values)
    other = make_predictions(track_id[order], artist[order], truth[order], values[order])
    assert one.part.key == other.part.key
    assert one.values.tolist() == other.values.tolist()
