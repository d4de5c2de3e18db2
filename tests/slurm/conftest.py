"""A real cluster of one node, for the tests of this folder."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("cluster.sh")
NEEDED = ("slurmctld", "slurmd", "munged", "sbatch", "srun")
TRAIN = [
    sys.executable,
    "-m",
    "msd_mtl.cli",
    "train",
    "-m",
    "baselines=false",
    "data.batch_size=10",
    "recipe.patience=null",
]
FEW = "9"  # MaxArraySize: what is larger has to be cut


@dataclass(frozen=True)
class Cluster:
    """A running cluster.

    Attributes:
        root: Folder of its configuration, state and logs.
        environment: Environment variables of its clients.
    """

    root: Path
    environment: dict[str, str]

    def ask(self, *command: str) -> str:
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=True, timeout=60
        ).stdout.strip()

    def control(self, command: str) -> None:
        subprocess.run([SCRIPT, command, self.root], env=self.environment, check=True, timeout=120)

    def jobs(self, state: str) -> list[str]:
        listed = self.ask("squeue", "--noheader", "--array", "--partition=main", f"--states={state}", "--format=%i")
        return listed.split()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster that lives as long as the tests; skips where SLURM cannot run."""
    absent = [name for name in NEEDED if shutil.which(name) is None]
    if absent or os.geteuid() != 0:
        pytest.skip(f"a SLURM cluster needs root and {', '.join(NEEDED)}; missing: {', '.join(absent) or 'root'}")
    root = tmp_path_factory.mktemp("slurm")
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("SLURM_", "SBATCH_"))}
    clean |= {"OMP_NUM_THREADS": "1", "MAX_ARRAY_SIZE": FEW, "SLURM_CONF": str(root / "etc" / "slurm.conf")}
    with socket.socket() as one, socket.socket() as other:  # another test may have a cluster on this machine
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        clean |= {"CONTROLLER_PORT": str(one.getsockname()[1]), "NODE_PORT": str(other.getsockname()[1])}
    found = Cluster(root, clean)
    try:
        found.control("start")
        yield found
    finally:
        found.control("stop")


@pytest.fixture
def processes(tmp_path: Path) -> Callable[[str], list[int]]:
    """Finds the processes of this test's jobs, known by their working directory, that run a module."""

    def find(module: str) -> list[int]:
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                here = (entry / "cwd").readlink() == tmp_path
                if here and module.encode() in (entry / "cmdline").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:  # it has ended meanwhile
                continue
        return found

    return find


@pytest.fixture
def sweep(cluster: Cluster, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts a sweep on the cluster; ends with the test, as its jobs do."""
    started = []

    def start(*overrides: str) -> subprocess.Popen[bytes]:
        command = [*TRAIN, "hydra/launcher=slurm", *overrides]
        with (tmp_path / "launcher.log").open("ab") as log:
            started.append(subprocess.Popen(command, cwd=tmp_path, env=cluster.environment, stdout=log, stderr=log))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
    cluster.ask("scancel", "--user=root")
