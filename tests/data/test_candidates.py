from msd_mtl.data.candidates import Candidate, candidate_table


def test_the_table_says_which_tracks_its_correlations_rest_on():
    table = candidate_table([Candidate("year", 1055, 1055, float("nan"), -0.168)], "term:pop", 3728, "artist")
    assert table.title == "Tasks beside term:pop, on all 3,728 training tracks of the artist split"
