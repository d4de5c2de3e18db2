"""Files that are whole or not there."""

from msd_mtl.study.files import whole_file


def test_writers_of_one_process_number_do_not_meet(tmp_path):
    path = tmp_path / "made.json"
    with whole_file(path) as one, whole_file(path) as other:  # as from two machines that share the disk
        one.write_text("one")
        other.write_text("other")
    assert path.read_text() == "one"
    assert list(tmp_path.iterdir()) == [path]
