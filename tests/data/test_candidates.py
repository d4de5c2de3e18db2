import subprocess

import numpy as np
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from msd_mtl.data.candidates import Candidate, candidate_table, draw_heat_map, main, override, why_none
from msd_mtl.data.prepare import prepare
from tests.data.official import song, track, write_mxm, write_songs


def test_the_table_says_which_tracks_its_correlations_rest_on():
    table = candidate_table([Candidate("year", 1055, 1055, float("nan"), -0.168)], "term:pop", 3728, "artist")
    assert table.title == "Tasks beside term:pop, on all 3,728 training tracks of the artist split"


def test_the_heat_map_is_drawn_into_a_folder_that_is_not_there_yet(tmp_path):
    path = tmp_path / "figures" / "tasks.png"
    draw_heat_map(path, ["term:pop", "year"], np.array([[1.0, np.nan], [np.nan, 1.0]]))
    assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("what", "others", "usable", "reason"),
    [
        ("tag", ["year", "key"], ["year"], "the store has no tag beside the target"),
        ("field", ["term:rock"], ["term:rock"], "the store has no field beside the target"),
        ("tag", ["year", "term:rock"], ["year"], "no tag is labelled often enough"),
        ("tag", ["term:rock"], ["term:rock"], "no tag that is labelled often enough has a correlation with the target"),
    ],
)
def test_a_set_without_tasks_says_why(what, others, usable, reason):
    assert why_none(what, others, usable) == reason


def test_tasks_of_a_store_without_tags_say_that_it_has_none(tmp_path, monkeypatch, capsys):
    raw = tmp_path / "raw"
    raw.mkdir()
    write_mxm(raw / "mxm_dataset_train.txt", {track(i): {1: 1} for i in range(60)})
    write_songs(raw / "msd_summary_file.h5", [song(track(i), tempo=90 + i, year=1960 + i % 7) for i in range(60)])
    prepare(raw, tmp_path / "store.h5")
    settings = ["data.store=store.h5", "data.split=track", "tasks.target=tempo", "min_labelled=20", "figure=null"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["msd-mtl", *settings])
    main()
    said = dict(
        line.split(": ", 1) for line in capsys.readouterr().out.splitlines() if line.startswith(("tight", "loose"))
    )
    assert said["tight"] == "the store has no tag beside the target"
    assert said["loose"].startswith('\'tasks.names=["tempo", ')


pieces = st.sampled_from(["${", "}", "\\", '"', "'", "\t", "\n", ",", "[", "]", ": ", "="])
characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
tags = st.lists(pieces | characters, min_size=1).map("".join)


@settings(max_examples=100, deadline=None)
@given(st.lists(tags, min_size=1, max_size=3))
def test_a_shell_and_hydra_give_back_the_names_of_a_pasted_setting(tags):
    names = [f"lastfm:{tag}" for tag in tags]
    shell = ["sh", "-c", f"printf '%s\\0' {override(names[1:], names[0])}"]
    given = subprocess.run(shell, check=True, capture_output=True).stdout.decode().split("\0")[:-1]
    for parsed in (
        _parsed(given),
        _parsed([f"{o.key_or_group}={o.get_value_element_as_str()}" for o in _parsed(given)]),
    ):
        tasks = OmegaConf.create({"tasks": {"names": None, "target": None}, "data": {"names": "${tasks.names}"}})
        for setting in parsed:  # the second time as a job of a sweep gets them
            OmegaConf.update(tasks, setting.key_or_group, setting.value())
        found = OmegaConf.to_container(tasks, resolve=True)
        assert found == {"tasks": {"names": names, "target": names[0]}, "data": {"names": names}}


def _parsed(given):
    return OverridesParser.create().parse_overrides(given)
