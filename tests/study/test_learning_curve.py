import csv

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from msd_mtl.study.learning_curve import draw_learning_curve

TASKS = ["term:pop", "term:pop rock", "lastfm:music to drive at night to", "loudness", "artist_familiarity", "year"]


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """Draws the picture of a run with some tasks."""

    def draw(tasks):
        figures = []
        monkeypatch.setattr(Figure, "savefig", lambda figure, file, **_: (figures.append(figure), file.touch()))
        columns = ["epoch", f"val/{tasks[0]}/auroc", *(f"train/{task}/loss" for task in tasks)]
        with (tmp_path / "history.csv").open("w", newline="") as file:
            csv.writer(file).writerows([columns, *([n, 0.9, *([1.0] * len(tasks))] for n in range(3))])
        cell = {"target": tasks[0], "tasks": tasks}
        baselines = {"val": {tasks[0]: {"linear": {"auroc": 0.8}}}}
        draw_learning_curve(tmp_path, {"cell": cell, "best_epoch": 1, "baselines": baselines})
        return figures[0]

    return draw


@pytest.mark.parametrize("tasks", [TASKS[:1], TASKS[:3], TASKS])
def test_no_line_runs_under_a_legend(drawn, tasks):
    figure = drawn(tasks)
    FigureCanvasAgg(figure).draw()
    for axes in figure.axes:
        legend = axes.get_legend().get_window_extent()
        assert legend.y0 >= axes.get_window_extent().y1
        assert legend.y1 <= figure.bbox.y1
        assert legend.x1 <= (figure.bbox.x1 if axes is figure.axes[1] else figure.axes[1].get_window_extent().x0)
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == tasks
