import multiprocessing
import os
import signal

import numpy as np
import pytest

from msd_mtl.study.answers.analyse import score
from msd_mtl.study.answers.bootstrap import ArtistBootstrap
from msd_mtl.study.answers.simulation import Setting, make_study
from msd_mtl.study.page.figures.basis import Basis
from msd_mtl.study.page.figures.drawing import Panel, Picture, draw_all
from msd_mtl.study.together import MOST, _send, _start, work_together

PARENT = os.getpid()
BASIS = Basis((500,), (2,), "Bars: 95 % intervals", "test", ())
COSTS = [1, 5, 1, 2, 3]


@pytest.fixture
def cores(monkeypatch):
    """Gives the process some cores."""
    return lambda n: monkeypatch.setattr("os.sched_getaffinity", lambda process: {*range(n)}, raising=False)


def where(item):
    return item, os.getpid()


def processes(n_items, many=0):
    made = work_together(where, range(n_items), [1] * n_items, many)
    assert [item for item, _ in made] == [*range(n_items)]
    return [process for _, process in made]


def test_each_core_has_a_process_where_there_is_as_much_to_do(cores):
    cores(3)
    assert len({*processes(7)}) == len({*processes(3)}) == 3
    assert len({*processes(2)}) == 2
    assert processes(1) == [PARENT]
    assert processes(0) == []
    assert processes(6, many=7) == [PARENT] * 6
    assert len({*processes(7, many=7)}) == 3
    cores(1)
    assert processes(7) == [PARENT] * 7
    cores(2 * MOST)
    assert len({*processes(3 * MOST)}) == MOST


def test_no_process_is_started_for_nothing(cores, monkeypatch):
    started = []
    monkeypatch.setattr(
        "msd_mtl.study.together._start", lambda *given, start=_start: started.append(given) or start(*given)
    )
    cores(3)
    assert len({*processes(2)}) == 2
    assert len(started) == 1


def test_processes_have_shares_of_about_the_same_cost(cores):
    cores(2)
    made = work_together(where, COSTS, COSTS, 0)
    assert [cost for cost, _ in made] == COSTS
    assert sum(cost for cost, process in made if process == PARENT) == 6


def test_a_process_that_may_have_none_works_alone(cores, monkeypatch):
    cores(3)
    monkeypatch.setattr(multiprocessing.current_process(), "_config", {"daemon": True})
    assert processes(7) == [PARENT] * 7


def test_what_no_process_can_be_started_for_is_done_by_this_one(cores, monkeypatch):
    def refused():
        raise BlockingIOError("no process more")

    cores(3)
    monkeypatch.setattr("os.fork", refused)
    assert processes(7) == [PARENT] * 7


def ends(item):
    if os.getpid() != PARENT:
        os._exit(1)
    return item


def test_what_a_process_that_is_killed_has_not_made_is_made_by_the_other(cores):
    cores(3)
    assert work_together(ends, COSTS, COSTS, 0) == COSTS


def test_what_a_process_that_is_killed_while_it_sends_has_made_is_made_by_the_other(cores, monkeypatch):
    def send(receiver, sender, *_):
        os.write(sender.fileno(), (100).to_bytes(4, "big") + b"half")  # of a message of 100 bytes
        os._exit(1)

    cores(3)
    monkeypatch.setattr("msd_mtl.study.together._send", send)
    assert processes(7) == [PARENT] * 7


@pytest.mark.parametrize("breaks", ["everywhere", "elsewhere"])
def test_what_is_wrong_with_the_work_is_said_once(cores, capfd, breaks):
    def broken(item):
        if breaks == "everywhere" or item == COSTS[-1]:
            raise ValueError("no such item")
        return item

    cores(2)
    with pytest.raises(ValueError, match="no such item"):
        work_together(broken, COSTS, COSTS, 0)
    assert capfd.readouterr().err == ""
    assert multiprocessing.active_children() == []


def test_a_process_that_works_for_another_keeps_nothing_open_of_it(monkeypatch):
    ignored = []
    monkeypatch.setattr("signal.signal", lambda number, how: ignored.append(number))
    receiver, sender = multiprocessing.Pipe(duplex=False)
    _send(receiver, sender, list, [0])  # nobody reads, and it ends
    assert receiver.closed
    assert ignored == [signal.SIGINT]


def test_figures_are_the_same_whoever_draws_them(cores, tmp_path, monkeypatch):
    def plot(axes, number):
        seen.append(number)
        axes.plot([0, number + 1], [0, 1])

    def made(number):
        panels = [Panel(f"panel {i}", lambda axes, n=i: plot(axes, n)) for i in range(1 + number)]
        return Picture(f"picture-{number}", f"Picture {number}", "About.", BASIS, panels)

    def drawn(folder):
        folder.mkdir()
        found = draw_all([made(number) for number in range(4)], folder)
        return {name: one.panels for name, one in found.items()}, {
            file.name: file.read_bytes() for file in folder.iterdir()
        }

    seen = []
    cores(2)
    panels, files = drawn(tmp_path / "alone")
    n_alone = len(seen)
    monkeypatch.setattr("msd_mtl.study.page.figures.drawing.MANY", 10)
    assert drawn(tmp_path / "together") == (panels, files)
    assert len(seen) == 1.5 * n_alone
    assert [len(panels[f"picture-{number}"]) for number in range(4)] == [1, 2, 3, 4]
    assert len(files) == 8


def test_scores_are_the_same_whoever_draws_the_artists(cores, monkeypatch):
    def drawn():
        seen = []
        monkeypatch.setattr(
            "msd_mtl.study.answers.bootstrap.ArtistBootstrap.scores",
            lambda *given: seen.append(given) or scores(*given),
        )
        (scored,) = score(*study, 20)
        return scored.draws, len(seen)

    scores = ArtistBootstrap.scores
    study = make_study(Setting(n_artists=40), np.random.default_rng(0))
    cores(2)
    alone, n_alone = drawn()
    monkeypatch.setattr("msd_mtl.study.answers.scoring.MANY", 1000)
    together, n_here = drawn()
    assert {run: draws.tolist() for run, draws in together.items()} == {
        run: draws.tolist() for run, draws in alone.items()
    }
    assert (n_alone, n_here) == (len(alone), (len(alone) + 1) // 2)
