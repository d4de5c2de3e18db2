"""Every command that a page tells a user to type is run here, in the order of the page, in an empty folder."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.warm import msd_mtl

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

# Settings that make a command short without changing what it does.
SHORT = {
    "train": ["trainer.max_epochs=2", "model.widths=[16,8,8,8]", "trainer.enable_progress_bar=false"],
    "demo": ["trainer.max_epochs=1", "seed=0,1"],
}
# What is not run, and why.
NOT_RUN = {
    "git clone": "the clone is the checkout under test",
    "cd ": "the test is in a folder of its own",
    "make bench": "benchmarks do not belong in tests; their code is imported by tests of their own",
    "make test": "it is what runs this",
    "python3 -m venv": "the environment under test is there",
    "source ": "it is active",
    ".venv/bin/": "installs from the network",
    "pip install": "installs from the network",
    "wandb login": "needs an account",
    "wandb sync": "needs an account",
    "launchers/": "whole studies; tests of the launchers run them small",
}


def commands(page: Path) -> list[str]:
    blocks = re.findall(r"^```console\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [line[2:].strip() for line in lines if line.startswith("$ ")]


def shortened(command: str) -> str:
    command = command.replace("=0,1,2,3,4", "=0")
    found = re.match(r"msd-mtl (\w+)", command)
    settings = [*SHORT.get(found[1], [])] if found else []
    if "hydra/launcher=local" in command:
        settings.append("hydra.launcher.n_workers=1")  # each begins with seconds of imports
    return " ".join([command, *(f"'{setting}'" for setting in settings)])


def shell(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", "-c", line], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path, raw_folder):
    shutil.copytree(raw_folder, tmp_path / "raw")
    return tmp_path


@pytest.fixture(scope="session")
def raw_folder(tmp_path_factory):
    """Official files for the pages to work on, made up: about 1,900 tracks with lyrics."""
    folder = tmp_path_factory.mktemp("official") / "raw"
    script = ROOT / "benchmarks" / "official_files.py"
    subprocess.run([sys.executable, script, folder, "--songs", "8000"], check=True, capture_output=True)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_of_a_page_runs(page, folder):
    for command in commands(page):
        if any(command.startswith(start) for start in NOT_RUN):
            continue
        if command.startswith("make "):
            done = shell(f"make -C {ROOT} -n {command.removeprefix('make ')}", folder)
        else:
            name, *arguments = shell(f"printf '%s\\0' {shortened(command)}", folder).stdout.split("\0")[:-1]
            assert name == "msd-mtl"
            done = msd_mtl(*arguments, cwd=folder)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_picture_and_page_that_a_page_links_to_is_there(page):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_a_study_is_begun_on_one_page_only():
    """Who reads a second page finds nothing of its sweep done."""
    begun = {
        page.name: {study for line in commands(page) for study in re.findall(r"study\.name=(\w+)", line)}
        for page in PAGES
    }
    assert sum(len(studies) for studies in begun.values()) == len(set().union(*begun.values())) >= 5


def test_readme_has_commands():
    assert len(commands(ROOT / "README.md")) >= 8
