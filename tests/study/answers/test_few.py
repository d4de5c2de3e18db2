import numpy as np
import pytest

from msd_mtl.study.answers.analyse import analyse
from msd_mtl.study.answers.few import equal_artists
from msd_mtl.study.answers.predictions import TestPart

# Artists 0 to 3 with the tag, of 1, 1, 1 and 9 tracks: (12)² / 84 = 1.7; artists 4 to 8 without it, of 2 tracks: 5.
SIZES = [1, 1, 1, 9, 2, 2, 2, 2, 2]
ARTIST = np.repeat(np.arange(9), SIZES)
TRUTH = (ARTIST < 4).astype(np.float32)


@pytest.mark.parametrize(
    ("metric", "truth", "worth"),
    [
        ("auroc", TRUTH, 1),
        ("auroc", 1 - TRUTH, 1),
        ("auroc", 0 * TRUTH, 0),
        ("r2", TRUTH, 22**2 // 104),
        ("accuracy", TRUTH, 22**2 // 104),
    ],
)
def test_an_artist_with_most_of_the_tracks_is_most_of_what_all_are_worth(metric, truth, worth):
    assert equal_artists(TestPart(ARTIST, truth, "part"), metric) == worth


def unequal(study, monkeypatch, targets=("term:pop",)):
    """Artists of the made studies have one track each, but for the first, who has every second one."""
    made = type(study)._results.__globals__
    worlds = {target: made["world"](target) for target in targets}
    artist = np.where(np.arange(240) % 2, 0, np.arange(240)).astype(np.int32)
    changed = {name: (truth, common, artist, track) for name, (truth, common, _, track) in worlds.items()}
    monkeypatch.setitem(made, "world", lambda target: changed[target])


def test_many_artists_of_whom_one_has_half_the_tracks_are_warned_of(crossed, study, monkeypatch):
    unequal(study, monkeypatch)
    analysis = analyse(crossed().folder, "made")
    assert {one.few_artists for one in analysis.contrasts} == {3}
    (warning,) = analysis.warnings
    assert warning == (
        "term:pop: test artists with the rarer class are worth only 3 of equal size. Below 40, a finding is wrong more "
        "often than it says, and intervals are too short."
    )


def test_a_regression_is_warned_of_by_all_its_test_artists(study, monkeypatch):
    unequal(study, monkeypatch, ("year",))
    for seed in range(3):
        study.add(["year"], "0000", seed)
        study.add(["year", "loudness"], "1100", seed, 0.3)
    study.write_index()
    (contrast,) = (analysis := analyse(study.folder, "made")).contrasts
    assert (contrast.metric, contrast.few_artists) == ("r2", 3)
    assert analysis.warnings[0].startswith("year: test artists are worth only 3 of equal size. Below 40,")
