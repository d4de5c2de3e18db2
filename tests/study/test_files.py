"""Files that are whole or not there."""

import pytest

from msd_mtl.study.files import read_json, whole_file


def test_writers_of_one_process_number_do_not_meet(tmp_path):
    path = tmp_path / "made.json"
    with whole_file(path) as one, whole_file(path) as other:  # as from two machines that share the disk
        one.write_text("one")
        other.write_text("other")
    assert path.read_text() == "one"
    assert list(tmp_path.iterdir()) == [path]


def test_half_a_character_is_no_text(tmp_path):
    path = tmp_path / "read.json"
    path.write_text(r'{"whole": "\ud83d\ude00"}')
    assert read_json(path) == {"whole": "\N{GRINNING FACE}"}
    path.write_text(r'{"half": ["\ud83d"]}')
    with pytest.raises(ValueError, match="surrogates not allowed"):
        read_json(path)
