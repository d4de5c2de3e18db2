"""What a study says of its report, from `msd-mtl train` to the index of the study."""

import pytest
from tests.warm import msd_mtl

from msd_mtl.study.index import reports

FAST = ["data.world.n_tracks=600", "data.world.n_words=200", "data.world.words_per_track=20", "data.train_size=150",
        "model.widths=[8,8,8,8]", "trainer.max_epochs=1", "baselines=false"]  # fmt: skip


def train(*arguments, cwd):
    return msd_mtl("train", *arguments, *FAST, cwd=cwd)


@pytest.mark.parametrize("sweep", [("seed=0",), ("-m", "seed=0,1")])
def test_a_wrong_margin_is_refused_before_anything_runs(sweep, tmp_path):
    done = train(*sweep, "study=size", "+study.report.margin=0.02", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        "msd-mtl train: study.report.margin must be of a metric, as {auroc: 0.02}; got 0.02. See docs/report.md."
    )
    assert not list(tmp_path.glob("runs/*"))


def test_a_run_and_a_sweep_keep_what_their_study_says_of_its_report(tmp_path):
    for arguments in ((), ("-m", "tasks=pop", "sharing=none", "seed=0", "tasks.coupling=0.0")):
        margin = 0.02 + 0.01 * bool(arguments)
        done = train(*arguments, "study=coupling", f"+study.report.margin.auroc={margin}", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    questions = ["coupling", "benefit"]
    assert reports(tmp_path / "runs", "coupling") == [
        {"questions": questions, "margin": {"auroc": margin}} for margin in (0.02, 0.03)
    ]
