import numpy as np

from msd_mtl.data.candidates import Candidate, candidate_table, draw_heat_map


def test_the_table_says_which_tracks_its_correlations_rest_on():
    table = candidate_table([Candidate("year", 1055, 1055, float("nan"), -0.168)], "term:pop", 3728, "artist")
    assert table.title == "Tasks beside term:pop, on all 3,728 training tracks of the artist split"


def test_the_heat_map_is_drawn_into_a_folder_that_is_not_there_yet(tmp_path):
    path = tmp_path / "figures" / "tasks.png"
    draw_heat_map(path, ["term:pop", "year"], np.array([[1.0, np.nan], [np.nan, 1.0]]))
    assert path.read_bytes().startswith(b"\x89PNG")
