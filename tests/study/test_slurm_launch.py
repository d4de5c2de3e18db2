"""What is asked of a cluster, and what is done when a job ends; the cluster itself is in tests/slurm."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import chdir
from pathlib import Path
from types import SimpleNamespace

import pytest
from omegaconf import OmegaConf

from msd_mtl.app import conf_dir
from msd_mtl.errors import RefusedLaunchError, UserError
from msd_mtl.study import cluster, job_files, slurm
from msd_mtl.study.cell import Cell
from msd_mtl.study.job_files import FOLDER, Job, cells_of, known_jobs, write_jobs
from msd_mtl.study.slurm_settings import SlurmSettings

CONFIG = {"trainer": {"devices": 1}}
CELLS = [Cell(f"r{i}", (f"seed={i}",), CONFIG) for i in range(20)]


SITE = cluster.Site("here", 4)


@pytest.fixture(autouse=True)
def _site(monkeypatch):
    """A cluster of arrays of at most four jobs."""
    for module in (slurm, job_files):
        monkeypatch.setattr(module, "site", lambda: SITE)


def settings(**changes) -> SlurmSettings:
    defaults = {
        "cells_per_job": 3, "timeout_min": 60, "threads": 1, "cpus_per_task": 1, "tasks_per_node": 1, "nodes": 1,
        "gpus_per_node": None, "mem_gb": None, "partition": None, "account": None, "signal_s": 60,
        "array_parallelism": 32, "poll_s": 1, "name": "msd-mtl",
    }  # fmt: skip
    return SlurmSettings(**defaults | changes)


@pytest.fixture
def submitted(monkeypatch, tmp_path):
    """Arrays that were submitted to a cluster of arrays of at most four jobs."""
    arrays: list[list[list[str]]] = []

    def sbatch(n_jobs, settings, place):
        arrays.append([[cell.run_id for cell in cells_of(f"_{i}", place)] for i in range(n_jobs)])
        return [f"{len(arrays)}_{i}" for i in range(n_jobs)]

    monkeypatch.setattr(slurm, "sbatch", sbatch)
    return arrays


def end_as(monkeypatch, state: str) -> None:
    """Have every job that is over have ended in a state."""
    monkeypatch.setattr(slurm, "states_of_jobs", lambda jobs: dict.fromkeys(jobs, state))


def array_of(packs: list[list[str]], runs_dir: Path) -> Path:
    """Folder of an array of runs, as a launch that has ended since has left it."""
    cells = {cell.run_id: cell for cell in CELLS}
    return write_jobs([[cells.get(run, Cell(run, (), CONFIG)) for run in pack] for pack in packs], runs_dir)


def test_runs_are_packed_and_arrays_are_cut_to_the_limit_of_the_site(submitted, tmp_path):
    jobs = slurm._submit(CELLS, settings(), tmp_path, 4)
    assert [len(array) for array in submitted] == [4, 3]
    assert jobs["1_0"].runs == ["r0", "r1", "r2"]
    assert jobs["2_2"].runs == ["r18", "r19"]
    assert sorted(run for job in jobs.values() for run in job.runs) == sorted(cell.run_id for cell in CELLS)


def test_jobs_of_an_earlier_launch_are_known_by_the_folder_of_their_script(submitted, tmp_path):
    slurm._submit(CELLS[:6], settings(), tmp_path, 4)
    (place,) = (tmp_path / FOLDER / SITE.name).iterdir()
    live = {"1_1": place.name, "1_7": place.name, "9": "of another program", "8": ""}
    known = known_jobs(live, tmp_path, [cell.run_id for cell in CELLS[2:5]])
    assert known == {"1_1": Job(["r3", "r4"], (place / "1.json").stat().st_mtime_ns, place / "1_1_0_log.out")}
    assert known_jobs(live, tmp_path, []) == {}


def test_the_runs_of_a_job_come_back_as_they_were_submitted(tmp_path):
    """To the job itself, whatever has become of the launch command."""
    cells = [Cell("r0", ("seed=0",), {"a": {"b": [1, 0.1, None]}, "runs_dir": "runs"}), CELLS[1]]
    place = write_jobs([cells[:1], cells[1:]], tmp_path)
    assert cells_of("7_1", place) == cells[1:]
    assert cells_of("7", place) == cells[:1]  # a job that is no array


@pytest.mark.parametrize("damaged", ["", '[{"run_id": ', "[1]", '{"run_id": 1}', "1", '[{"run_id": "r0"}]'])
def test_a_job_whose_file_is_damaged_is_not_followed_and_said_to_be(cluster_of, tmp_path, capsys, damaged):
    place = array_of(FIRST, tmp_path)
    (place / "0.json").write_text(damaged)
    assert cluster_of({"9_0": place.name}, BOTH) == [FIRST]
    told = capsys.readouterr().err
    assert told.startswith(f"{place / '0.json'} is damaged (")
    assert "): job 9_0 is not followed.\n" in told


def test_jobs_of_another_cluster_on_the_same_disk_are_none_of_this_one(tmp_path, monkeypatch):
    live = {"1_0": array_of([["r0"]], tmp_path).name}
    assert list(known_jobs(live, tmp_path, ["r0"])) == ["1_0"]
    monkeypatch.setattr(job_files, "site", lambda: cluster.Site("there", 4))
    assert known_jobs(live, tmp_path, ["r0"]) == {}


def test_a_lost_job_is_submitted_again_a_few_times_and_a_cancelled_one_never(tmp_path, monkeypatch, capsys):
    done = tmp_path / "r0" / "record.json"
    done.parent.mkdir()
    done.write_text(json.dumps({"schema_version": 1, "run_id": "r0", "study": "s", "status": "completed"}, indent=1))
    losses: Counter[str] = Counter()
    ended = {"1": Job(["r0", "r1"], 0, tmp_path / "log"), "2": Job(["r2"], 0, tmp_path / "log")}
    end_as(monkeypatch, "FAILED")
    for _ in range(slurm.MOST_LOSSES - 1):
        assert slurm._settled(ended, tmp_path, losses) == ["r0"]
    assert slurm._settled(ended, tmp_path, losses) == ["r0", "r1", "r2"]
    end_as(monkeypatch, "CANCELLED")
    assert slurm._settled({"3": Job(["r0", "r2"], 0, tmp_path / "log")}, tmp_path, Counter()) == ["r0", "r2"]
    assert "Job 3 ended CANCELLED with 1 runs to do; its runs are left as they are" in capsys.readouterr().err


@pytest.mark.parametrize("left", [None, "log", "r0/record.json"])
def test_an_element_that_its_array_is_known_without_was_cancelled_if_it_never_began(tmp_path, monkeypatch, left):
    job = Job(["r0", "r1"], 10**9, tmp_path / "log")
    for path, written_s in ((tmp_path / "r1" / "record.json", 0), (tmp_path / str(left), 2)):
        path.parent.mkdir(exist_ok=True)
        path.touch()
        os.utime(path, (written_s, written_s))
    end_as(monkeypatch, cluster.DROPPED)
    assert slurm._settled({"1_0": job}, tmp_path, Counter()) == ([] if left else ["r0", "r1"])


SQUEUE = "1_0 RUNNING\n1_2 NODE_FAIL\n3 CANCELLED\n"  # of array 3, whose elements were cancelled one by one
SACCT = "1_0|RUNNING\n1_1|PENDING\n1_2|RUNNING\n4_0|CANCELLED by 0\n4_1|\n"


@pytest.mark.parametrize("accounting", [True, False])
def test_all_jobs_are_asked_for_together_and_patience_is_shared(monkeypatch, accounting):
    asked: list[tuple[str, ...]] = []

    def ask(*command: str) -> str | None:
        asked.append(command)
        answer = {"squeue": SQUEUE, "sacct": SACCT if accounting else None}[command[0]]
        return answer if len(asked) > 3 else None  # the controller is being restarted

    clock = SimpleNamespace(now_s=0.0, monotonic=lambda: clock.now_s)
    clock.sleep = lambda seconds: setattr(clock, "now_s", clock.now_s + seconds)
    monkeypatch.setattr(cluster, "_ask", ask)
    monkeypatch.setattr(cluster, "time", clock)
    jobs = {"1_0": "RUNNING", "1_1": "DROPPED", "1_2": "NODE_FAIL", "3_0": "DROPPED"}
    assert cluster.states_of_jobs(jobs) == jobs
    assert len(asked) <= 6
    assert clock.now_s < 3
    forgotten = {"4_0": "CANCELLED" if accounting else "UNKNOWN", "4_1": "UNKNOWN", "5_0": "UNKNOWN"}
    assert cluster.states_of_jobs(jobs | forgotten) == jobs | forgotten
    assert clock.now_s < 1.2 * cluster.PATIENCE_S
    assert cluster.states_of_jobs([]) == {}


def test_a_failure_from_before_the_job_is_none_of_it(submitted, tmp_path, monkeypatch):
    record = tmp_path / "r0" / "record.json"
    record.parent.mkdir()
    record.write_text(json.dumps({"schema_version": 1, "run_id": "r0", "study": "s", "status": "failed"}, indent=1))
    os.utime(record, ns=(earlier := record.stat().st_mtime_ns - 10**6, earlier))
    job = slurm._submit(CELLS[:1], settings(), tmp_path, 4)["1_0"]
    end_as(monkeypatch, "NODE_FAIL")
    assert slurm._settled({"1_0": job}, tmp_path, Counter()) == []
    record.touch()  # by the job
    assert slurm._settled({"1_0": job}, tmp_path, Counter()) == ["r0"]


def test_a_failure_that_comes_while_sbatch_answers_is_one_of_the_job(tmp_path, monkeypatch):
    record = tmp_path / "r0" / "record.json"

    def sbatch(n_jobs, settings, place):
        record.parent.mkdir()
        record.write_text(json.dumps({"schema_version": 1, "run_id": "r0", "study": "s", "status": "failed"}))
        time.sleep(0.05)
        return ["1_0"]

    monkeypatch.setattr(slurm, "sbatch", sbatch)
    job = slurm._submit(CELLS[:1], settings(), tmp_path, 4)["1_0"]
    assert slurm._settled({"1_0": job}, tmp_path, Counter()) == ["r0"]


@pytest.mark.usefixtures("heeded")
@pytest.mark.parametrize("end", ["KILL", "TERM", "INT"])
def test_a_launch_that_ends_while_sbatch_answers_leaves_jobs_that_the_next_one_knows(
    cluster_of, commands, tmp_path, end
):
    """The cluster has accepted them, and told nobody."""
    commands()
    (tmp_path / "bin" / "sbatch").write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/script\nkill -{end} $PPID\n')
    launch = (
        "from pathlib import Path; from msd_mtl.study import job_files, slurm; from msd_mtl.study.cell import Cell; "
        "from msd_mtl.study.cluster import Site; from msd_mtl.study.slurm_settings import SlurmSettings; "
        f"job_files.site = lambda: {SITE}; slurm._submit({CELLS[:6]}, {settings()}, Path({str(tmp_path)!r}), 4)"
    )
    ended = subprocess.run([sys.executable, "-c", launch], stderr=subprocess.DEVNULL, check=False).returncode
    assert ended == -getattr(signal, f"SIG{end}")
    place = Path((tmp_path / "script").read_text()).parent.name
    there = {"7_0": place, "7_1": place}
    assert cluster_of(there, there) == []


def test_a_launch_is_patient_with_a_controller_that_is_away(monkeypatch):
    answers = iter([None, "1_0 RUNNING /runs/.slurm/here/a1/.submission_file_b.sh\n"])
    monkeypatch.setattr(cluster, "_ask", lambda *_: next(answers, None))
    assert cluster.surely_live_jobs() == {"1_0": "a1"}
    monkeypatch.setattr(cluster, "PATIENCE_S", 0.0)
    with pytest.raises(RefusedLaunchError, match="must reach SLURM's controller; got no answer to `squeue` in 0 s"):
        cluster.surely_live_jobs()


@pytest.fixture
def cluster_of(tmp_path, monkeypatch, submitted):
    """Has a sweep of six runs, two jobs, meet answers of a cluster, one a look; the arrays that it submits."""

    def launch(*looks: dict[str, str] | None, ends: str = "completed") -> list[list[list[str]]]:
        def record(run: str, status: str) -> None:
            (tmp_path / run).mkdir(exist_ok=True)
            told = {"schema_version": 1, "run_id": run, "study": "s", "status": status, "timing_s": {"total": 1.0}}
            (tmp_path / run / "record.json").write_text(json.dumps(told, indent=1))

        answers = list(looks)

        def live_jobs() -> dict[str, str] | None:
            if answers:
                return answers.pop(0)
            for cell in cells:
                record(cell.run_id, ends)
            return {}

        cells = [Cell(cell.run_id, (), CONFIG | {"runs_dir": str(tmp_path)}) for cell in CELLS[:6]]
        for module in (slurm, cluster):
            monkeypatch.setattr(module, "live_jobs", live_jobs)
        end_as(monkeypatch, "FAILED")
        waited: list[float] = []
        monkeypatch.setattr(slurm, "time", SimpleNamespace(sleep=lambda seconds: waited.append(round(seconds, 3))))
        slurm.launch_on_slurm(cells, settings(poll_s=20))
        assert waited == [20, 22, 24.2, 26.62, 29.282, 30, 30][: len(waited)]
        return submitted

    return launch


FIRST = [["r0", "r1", "r2"], ["r3", "r4", "r5"]]
BOTH = {"1_0": "a", "1_1": "a"}  # job to the folder of its script


@pytest.mark.parametrize("ends", ["completed", "failed"])
def test_a_sweep_is_followed_until_nothing_is_left_to_do(cluster_of, capsys, ends):
    assert cluster_of({}, BOTH, BOTH, ends=ends) == [FIRST]
    assert "Job" not in capsys.readouterr().err


def test_a_sweep_that_is_done_asks_no_cluster(cluster_of, tmp_path):
    assert cluster_of({}, BOTH) == [FIRST]
    assert cluster_of(ends="another look") == [FIRST]
    assert "another look" not in (tmp_path / "r0" / "record.json").read_text()


def test_a_launch_is_checked_as_far_as_it_has_runs_to_make(tmp_path, monkeypatch, submitted):
    cell = Cell("r0", (), CONFIG | {"runs_dir": str(tmp_path)})
    slurm.check_launch([cell], settings())
    with pytest.raises(UserError, match="cells_per_job must be a whole number of at least 1; got 0"):
        slurm.check_launch([], settings(cells_per_job=0))
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "submitit", None)
        with pytest.raises(RefusedLaunchError, match="must find submitit; got none"):
            slurm.check_launch([cell], settings())
        slurm.check_launch([], settings())
    for name in ("100%n", "100%", "a\\b"):
        with pytest.raises(
            UserError, match=r"runs_dir must have no % and no backslash .*; got .*(100%n?|a\\\\b)'\. Set"
        ):
            slurm.check_launch([Cell("r0", (), CONFIG | {"runs_dir": str(tmp_path / name)})], settings())
    (tmp_path / "100%").mkdir()
    with chdir(tmp_path / "100%"), pytest.raises(UserError, match=r"backslash .*; got .*/100%/runs'\. Set"):
        slurm.check_launch([Cell("r0", (), CONFIG | {"runs_dir": "runs"})], settings())
    monkeypatch.setattr(slurm, "site", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        slurm.check_launch([cell], settings())
    done = {"schema_version": 1, "run_id": "r0", "study": "s", "status": "completed"}
    cell.folder.mkdir()
    (cell.folder / "record.json").write_text(json.dumps(done, indent=1) + "\n")
    slurm.check_launch([cell], settings())
    assert not submitted


def test_a_record_of_another_schema_is_named_and_costs_no_job(cluster_of, tmp_path, capsys):
    (tmp_path / "r0").mkdir()
    (tmp_path / "r0" / "record.json").write_text(json.dumps({"schema_version": 2, "run_id": "r0", "status": "failed"}))
    assert cluster_of({}, BOTH) == [[["r1", "r2", "r3"], ["r4", "r5"]]]
    told = f"record must have schema version 1; got 2 in {tmp_path / 'r0' / 'record.json'}"
    assert capsys.readouterr().err.startswith(f"Run r0 is left as it is: {told}. The msd-mtl that made it reads it.\n")


REFUSED = RuntimeError("sbatch: error: QOSMaxSubmitJobPerUserLimit")


@pytest.fixture
def refusing(monkeypatch):
    """Has the cluster refuse submissions by their numbers."""

    def refuse(*numbers: int) -> None:
        taken, sbatch = [], slurm.sbatch

        def refusing_sbatch(*asked):
            taken.append(asked)
            if len(taken) - 1 in numbers:
                raise REFUSED
            return sbatch(*asked)

        monkeypatch.setattr(slurm, "sbatch", refusing_sbatch)

    return refuse


def test_a_launch_whose_first_job_is_refused_is_refused_and_leaves_nothing(cluster_of, refusing, tmp_path):
    refusing(0)
    with pytest.raises(RefusedLaunchError, match=r"sbatch must accept the jobs; got: .*QOSMax"):
        cluster_of({})
    assert not list((tmp_path / FOLDER / SITE.name).iterdir())


def test_what_a_limit_refuses_is_submitted_later(cluster_of, submitted, tmp_path, refusing):
    refusing(0)
    there = {"9_0": array_of(FIRST[:1], tmp_path).name}
    assert cluster_of(there, there, there | {"1_0": "a"}) == [FIRST[1:]]


def test_a_refusal_in_the_middle_with_no_job_left_is_asked_again(cluster_of, refusing, capsys):
    refusing(1, 2)
    assert cluster_of({}, {}, {"2_0": "a", "2_1": "a"}) == [FIRST, FIRST]
    assert (
        capsys.readouterr().err.count("QOSMaxSubmitJobPerUserLimit. See hydra.launcher.*. It is asked again for") == 1
    )


def test_refusals_in_the_middle_with_no_job_left_end_a_launch_that_was_accepted(cluster_of, refusing, monkeypatch):
    monkeypatch.setattr(cluster, "PATIENCE_S", 0.6)
    refusing(1, 2, 3)
    with pytest.raises(UserError, match=r"sbatch must accept the jobs; got: .*QOSMax") as ended:
        cluster_of({}, {}, BOTH)
    assert not isinstance(ended.value, RefusedLaunchError)


def test_a_refusal_of_a_controller_that_is_away_ends_nothing(cluster_of, refusing, monkeypatch):
    monkeypatch.setattr(cluster, "PATIENCE_S", 0.0)
    refusing(1)
    assert cluster_of({}, {}, None, None, {"2_0": "a", "2_1": "a"}) == [FIRST, FIRST]


def test_a_controller_that_does_not_answer_has_lost_no_job(cluster_of):
    assert cluster_of({}, BOTH, None, None, BOTH, None, BOTH) == [FIRST]


def test_runs_of_a_job_that_is_lost_go_to_another(cluster_of):
    assert cluster_of({}, {"1_1": "a"}, {"1_1": "a", "2_0": "b"}) == [FIRST, FIRST[:1]]


def test_a_launch_after_another_follows_its_jobs_and_submits_what_they_lack(cluster_of, tmp_path):
    there = dict.fromkeys(["9_0", "9_1"], array_of([FIRST[0], ["of another sweep"]], tmp_path).name)
    assert cluster_of(there, there | {"1_0": "a"}) == [FIRST[1:]]


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Submits two jobs to commands that keep the script; its lines."""
    for name in ("sbatch", "srun"):
        (tmp_path / name).write_text(
            f'#!/bin/sh\ncp "$1" {tmp_path}/script\nenv > {tmp_path}/environment\necho Submitted batch job 7\n'
        )
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    def submit(**changes) -> set[str]:
        (tmp_path / "place").mkdir(exist_ok=True)
        assert slurm.sbatch(2, settings(**changes), tmp_path / "place") == ["7_0", "7_1"]
        return {line.removeprefix("#SBATCH --") for line in (tmp_path / "script").read_text().splitlines()}

    return submit


def test_sbatch_is_asked_for_what_the_settings_say(written):
    lines = written(
        timeout_min=90, cpus_per_task=2, gpus_per_node=1, mem_gb=4, partition="long", account="lab", signal_s=30,
        array_parallelism=1, setup=["module load python"], additional_parameters={"qos": "low"},
    )  # fmt: skip
    assert lines >= {
        "time=90", "nodes=1", "ntasks-per-node=1", "cpus-per-task=2", "gpus-per-node=1", "mem=4GB", "partition=long",
        "account=lab", "signal=USR2@30", "array=0-1%1", "requeue", "qos=low", "job-name=msd-mtl", "open-mode=append",
        "unset WANDB_SERVICE", "module load python",
    }  # fmt: skip


def test_an_sbatch_that_ends_without_a_word_is_one_that_refuses(written, tmp_path):
    (tmp_path / "sbatch").write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(RuntimeError, match="no word"):
        written()


ENVIRONMENT = {
    "SBATCH_PARTITION": "high", "SBATCH_ACCOUNT": "other", "SBATCH_TIMELIMIT": "1-02:00", "SBATCH_QOS": "high",
    "SBATCH_MEM_PER_NODE": "9", "SBATCH_CONSTRAINT": "avx512", "SBATCH_NO_REQUEUE": "1", "SBATCH_ARRAY_INX": "0-99",
    "SBATCH_SIGNAL": "9", "SBATCH_JOB_NAME": "other", "SBATCH_GPUS_PER_NODE": "1", "SBATCH_OUTPUT": "/none/log",
    "SBATCH_ERROR": "/none/log",
}  # fmt: skip


def test_logs_can_be_written_before_sbatch_has_answered(written, tmp_path):
    (log,) = [line.removeprefix("output=") for line in written() if line.startswith("output=")]
    assert Path(log) == tmp_path / "place" / "%A_%a_0_log.out"  # by which it is known that a job has begun


def test_a_job_alone_is_no_array(written, tmp_path):
    written()
    assert slurm.sbatch(1, settings(), tmp_path / "place") == ["7"]
    assert "array=" not in (tmp_path / "script").read_text()


def test_variables_of_sbatch_count_where_nothing_is_said(written, tmp_path, monkeypatch):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    of_conf = OmegaConf.load(conf_dir() / "hydra" / "launcher" / "slurm.yaml")
    lines = written(**{name: of_conf[name] for name in ("partition", "account", "timeout_min")})
    assert lines >= {"partition=high", "account=other", "time=60"}
    left = {"SBATCH_TIMELIMIT", "SBATCH_QOS", "SBATCH_MEM_PER_NODE", "SBATCH_CONSTRAINT", "SBATCH_GPUS_PER_NODE"}
    assert inherited(tmp_path) & ENVIRONMENT.keys() == left


def test_a_setting_wins_over_the_variable_of_sbatch(written, tmp_path, monkeypatch):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    lines = written(partition="main", account="lab", timeout_min=7, gpus_per_node=0, mem_gb=1,
                    additional_parameters={"qos": "low"})  # fmt: skip
    assert lines >= {"partition=main", "account=lab", "time=7", "gpus-per-node=0", "mem=1GB", "qos=low"}
    assert inherited(tmp_path) & ENVIRONMENT.keys() == {"SBATCH_CONSTRAINT"}
    lines = written(partition=None, account=None)  # null on the command line: what the cluster has
    assert not [line for line in lines if line.startswith(("partition=", "account="))]
    assert not inherited(tmp_path) & {"SBATCH_PARTITION", "SBATCH_ACCOUNT"}


def test_where_nothing_is_said_the_cluster_decides(written):
    """A cluster without accounts, say, would refuse one."""
    lines = " ".join(written())
    assert not [word for word in ("mem=", "partition=", "account=", "gpus-per-node=") if word in lines]


def inherited(folder) -> set[str]:
    """Variables of the environment of the commands of ``written``."""
    return {line.partition("=")[0] for line in (folder / "environment").read_text().splitlines()}


FOREIGN = {"SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID", "SLURM_PROCID", "SUBMITIT_EXECUTOR", "RANK", "LOCAL_RANK"}


def test_a_job_inherits_nothing_of_the_job_that_submits_it(written, tmp_path, monkeypatch):
    for name in (*FOREIGN, "SLURM_JOB_ID", "SLURM_CONF", "OTHER"):
        monkeypatch.setenv(name, "7")
    written()
    assert not inherited(tmp_path) & (FOREIGN | {"SLURM_JOB_ID"})
    assert inherited(tmp_path) >= {"SLURM_CONF", "OTHER"}
    assert os.environ["SLURM_ARRAY_JOB_ID"] == os.environ["RANK"] == "7"


def test_a_job_inherits_what_a_user_tells_slurm(written, tmp_path, monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    monkeypatch.setenv("SLURM_MPI_TYPE", "none")
    monkeypatch.setenv("RANK", "0")
    written()
    assert "SLURM_MPI_TYPE" in inherited(tmp_path)
    assert "RANK" not in inherited(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tasks_per_node": 2}, "cells_per_job must be 1 for runs of several processes; got 3 with 2 processes a run"),
        ({"cells_per_job": 0}, "cells_per_job must be a whole number of at least 1; got 0"),
        ({"timeout_min": "1 h"}, "timeout_min must be a whole number of at least 1; got '1 h'"),
        ({"gpus_per_node": -1}, "gpus_per_node must be a whole number of at least 0; got -1"),
        ({"poll_s": 0}, "poll_s must be a number above 0; got 0"),
        ({"mem_gb": "4GB"}, "mem_gb must be a number above 0; got '4GB'"),
        (
            {"tasks_per_node": 2, "cells_per_job": 1},
            r"trainer\.devices must be hydra\.launcher\.tasks_per_node, 2; got 1",
        ),
    ],
)
def test_settings_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(UserError, match=message):
        settings(**changes).check(CELLS)


SCONTROL = {
    "refuses": ("echo 'scontrol: error: Unable to contact slurm controller' >&2; exit 1",
                r"to `scontrol show config`: scontrol: error: Unable to contact slurm controller\. Start"),
    "is silent": ("echo 'cannot stat slurm.conf, retrying' >&2; exec sleep 60",
                  r"to `scontrol show config` in 1 s: cannot stat slurm\.conf, retrying\. Start"),
    "says something else": ("echo all is well", "to `scontrol show config`\\. Start"),
}  # fmt: skip


@pytest.fixture
def commands(tmp_path, monkeypatch):
    """Makes commands of SLURM, which are alone on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()

    def make(scontrol: str = "", *, absent: str = "") -> None:
        for name in cluster.COMMANDS:
            (folder / name).write_text(f"#!/bin/sh\nPATH={os.defpath}\n{scontrol}\n")
            (folder / name).chmod(0o755)
        if absent:
            (folder / absent).unlink()

    monkeypatch.setenv("PATH", str(folder))
    cluster.site.cache_clear()
    yield make
    cluster.site.cache_clear()


@pytest.mark.parametrize(("scontrol", "message"), SCONTROL.values(), ids=SCONTROL)
def test_a_controller_that_does_not_answer_at_first_is_one_clear_message(commands, monkeypatch, scontrol, message):
    monkeypatch.setattr(cluster, "FIRST_S", 1.0)
    commands(scontrol)
    with pytest.raises(RefusedLaunchError, match=f"must reach SLURM's controller; got no answer {message}"):
        cluster.site()


def test_a_command_that_is_not_there_is_named_at_once(commands):
    commands(absent="srun")
    with pytest.raises(RefusedLaunchError, match=r"must find SLURM's commands on the PATH; got no srun\. Start"):
        cluster.site()


def test_it_is_said_that_an_answer_is_waited_for(commands, monkeypatch, capsys):
    commands("echo ClusterName = here; echo MaxArraySize = 1001")
    assert cluster.site() == ("here", 1001)
    assert capsys.readouterr().err == ""
    commands("exit 1")  # and it is asked no more by the next batch
    assert cluster.site() == ("here", 1001)
    cluster.site.cache_clear()
    monkeypatch.setattr(cluster, "SAID_S", 0.01)
    commands("sleep 1; echo ClusterName = here; echo MaxArraySize = 1001")
    assert cluster.site() == ("here", 1001)
    assert capsys.readouterr().err == "Waiting for `scontrol show config`, 20 s at most.\n"


def test_later_a_controller_without_an_answer_is_no_error(monkeypatch):
    monkeypatch.setattr(cluster, "_ask", lambda *command: None)
    assert cluster.live_jobs() is None


def test_jobs_are_known_element_by_element(monkeypatch):
    told = "7_0 RUNNING /a b/c/d.sh\n7_1 PENDING /a b/c/d.sh\n8 COMPLETED /a\n9 RUNNING (null)\n10 RUNNING \n"
    monkeypatch.setattr(cluster, "_ask", lambda *command: told)
    assert cluster.live_jobs() == {"7_0": "c", "7_1": "c", "9": "", "10": ""}
    monkeypatch.setenv("SLURM_JOB_ID", "12")
    monkeypatch.delenv("SLURM_ARRAY_JOB_ID", raising=False)
    assert cluster.own_job() == "12"
    monkeypatch.setenv("SLURM_ARRAY_JOB_ID", "7")
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "3")
    assert cluster.own_job() == "7_3"
