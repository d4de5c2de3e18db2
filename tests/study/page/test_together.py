import multiprocessing
import os
import signal

import pytest

from msd_mtl.study.page.figures.basis import Basis
from msd_mtl.study.page.figures.drawing import Panel, Picture, draw
from msd_mtl.study.page.figures.together import _send, draw_all

PARENT = os.getpid()
BASIS = Basis((500,), (2,), "Bars: 95 % intervals", "test", ())


def pictures(further=lambda axes: None, n_panels=1):
    def panel(axes, number):
        axes.plot([0, number + 1], [0, 1])
        further(axes)

    def made(number):
        panels = [Panel(f"panel {i}", lambda axes, n=number * i: panel(axes, n)) for i in range(n_panels + number)]
        return Picture(f"picture-{number}", f"Picture {number}", "About.", BASIS, panels)

    return [made(number) for number in range(4)]


@pytest.fixture
def cores(monkeypatch):
    """Gives the process one core or two, and calls four panels many."""
    monkeypatch.setattr("msd_mtl.study.page.figures.together.MANY", 4)
    return lambda n: monkeypatch.setattr("os.sched_getaffinity", lambda process: {*range(n)}, raising=False)


def drawn(folder, of):
    folder.mkdir()
    found = draw_all(of, folder)
    assert {*found} == {one.name for one in of}
    return {name: one.panels for name, one in found.items()}, {
        file.name: file.read_bytes() for file in folder.iterdir()
    }


def test_two_processes_draw_what_one_does(cores, tmp_path, monkeypatch):
    cores(1)
    alone = drawn(tmp_path / "alone", pictures())
    cores(2)
    seen = []
    monkeypatch.setattr(
        "msd_mtl.study.page.figures.together.draw",
        lambda picture, folder, of=draw: seen.append(picture.name) or of(picture, folder),
    )
    together = drawn(tmp_path / "together", pictures())
    assert together == alone
    assert len(together[1]) == 8
    assert 0 < len(seen) < 4


def ends(axes):
    if os.getpid() != PARENT:
        os._exit(1)


def breaks(axes):
    raise ValueError("no such panel")


def test_what_a_process_that_is_killed_has_not_drawn_is_drawn_by_the_other(cores, tmp_path):
    cores(2)
    panels, files = drawn(tmp_path / "figures", pictures(ends))
    assert sorted(map(len, panels.values())) == [1, 2, 3, 4]
    assert len(files) == 8


def test_what_a_process_that_is_killed_while_it_sends_has_drawn_is_drawn_by_the_other(cores, tmp_path, monkeypatch):
    def send(receiver, sender, *_):
        os.write(sender.fileno(), (100).to_bytes(4, "big") + b"half")  # of a message of 100 bytes
        os._exit(1)

    cores(2)
    monkeypatch.setattr("msd_mtl.study.page.figures.together._send", send)
    panels, files = drawn(tmp_path / "figures", pictures())
    assert sorted(map(len, panels.values())) == [1, 2, 3, 4]
    assert len(files) == 8


def test_a_picture_that_cannot_be_drawn_says_so_once(cores, tmp_path, capfd):
    cores(2)
    with pytest.raises(ValueError, match="no such panel"):
        draw_all(pictures(breaks), tmp_path)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(("n_cores", "n_processes", "of"), [(2, 1, slice(2)), (1, 1, slice(4)), (2, 2, slice(4))])
def test_few_panels_and_one_core_take_one_process(cores, tmp_path, n_cores, n_processes, of):
    cores(n_cores)
    seen = tmp_path / "seen"

    def sees(axes):
        with seen.open("a") as file:
            file.write(f"{os.getpid()}\n")

    drawn(tmp_path / "figures", pictures(sees)[of])
    assert len({*seen.read_text().split()}) == n_processes


def test_a_process_that_draws_for_another_keeps_nothing_open_of_it(tmp_path, monkeypatch):
    ignored = []
    monkeypatch.setattr("signal.signal", lambda number, how: ignored.append(number))
    receiver, sender = multiprocessing.Pipe(duplex=False)
    _send(receiver, sender, pictures()[:1], tmp_path)  # nobody reads, and it ends
    assert receiver.closed
    assert ignored == [signal.SIGINT]
