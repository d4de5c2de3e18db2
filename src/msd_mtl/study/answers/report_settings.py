"""What a study says of its own report (``study.report``): where that is found, and whether it can be used."""

from collections.abc import Callable, Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from msd_mtl.app import conf_dir, read_conf
from msd_mtl.errors import UserError
from msd_mtl.study.answers.margins import margin_problem
from msd_mtl.study.answers.types import QUESTIONS, Run
from msd_mtl.study.identity import value_of
from msd_mtl.study.index import reports

Report = Mapping[str, Any]


def report_settings(runs_dir: Path, study: str, runs: Iterable[Run]) -> tuple[Report, list[str]]:
    """What a study says of its report.

    The latest of its sweeps that says anything speaks; where none does, as the index was written by earlier code, the
    latest run that was made for it, and else the file of its name in ``conf/study`` as it is now.

    Args:
        runs_dir: Folder of the runs.
        study: Name of the study.
        runs: Its completed runs.

    Returns:
        The settings, without those that cannot be used, but for ``margin``: the command line may go before a wrong one.
        And what a reader must know.

    Raises:
        UserError: If what a sweep has kept is damaged.
    """
    of_sweeps, of_runs, warnings = reports(runs_dir, study), _of_runs(study, runs), []
    said = of_sweeps or of_runs or _of_file(study)
    if any(one != said[-1] for one in said):
        whose = "Sweeps" if of_sweeps else "Runs"
        warnings.append(f"{whose} of the study differ in study.report. The latest speaks: {said[-1]!r}.")
    elif said and not of_sweeps and not of_runs and isinstance(said[-1], dict) and said[-1].get("margin"):
        warnings.append(
            f"The margin is that of conf/study/{study}.yaml as it is now: no sweep of the study has kept one."
        )
    latest = said[-1] if said else {}
    if not isinstance(latest, Mapping):
        return {}, [*warnings, f"{_problem(latest)}; it is not used."]
    wrong = {key: problem for key in latest if key != "margin" and (problem := _problem({key: latest[key]}))}
    warnings += [f"{problem}; it is not used." for problem in wrong.values()]
    return {key: value for key, value in latest.items() if key not in wrong}, warnings


def check_report(report: Any) -> None:
    """Refuse what a study cannot say of its report, before anything is run.

    Args:
        report: ``study.report``; None for none.

    Raises:
        UserError: With the first that is wrong.
    """
    if problem := _problem(report):
        raise UserError(f"{problem}. See docs/report.md.")


def curves() -> list[str]:
    """Names of the earlier studies whose curves can be drawn."""
    folder = files("msd_mtl.study.page") / "reported"
    return sorted(file.name.removesuffix(".yaml") for file in folder.iterdir() if file.name.endswith(".yaml"))


def _problem(report: Any) -> str:
    """The first that is wrong with ``study.report``; empty if nothing is."""
    if report is None:
        return ""
    if not isinstance(report, Mapping):
        return f"study.report must be a group of {', '.join(PROBLEMS)}; got {report!r}"
    for key, value in report.items():
        if key not in PROBLEMS:
            return f"study.report must be a group of {', '.join(PROBLEMS)}; got {key}"
        if problem := PROBLEMS[key](value):
            return problem
    return ""


def _questions_problem(questions: Any) -> str:
    if questions is None or (isinstance(questions, list) and all(one in QUESTIONS for one in questions)):
        return ""
    return f"study.report.questions must be a list of {', '.join(QUESTIONS)}; got {questions!r}"


def _curves_problem(name: Any) -> str:
    if name is None or name in (known := curves()):
        return ""
    return f"study.report.curves must be one of {', '.join(known)}; got {name!r}"


PROBLEMS: dict[Any, Callable[[Any], str]] = {
    "questions": _questions_problem,
    "curves": _curves_problem,
    "margin": margin_problem,
}


def _of_runs(study: str, runs: Iterable[Run]) -> list[Any]:
    """What runs that were made for the study say, from the first to the last."""
    records = sorted((run.record for run in runs), key=lambda record: str(record.get("started_at") or ""))
    configs = (record["config"]["study"] for record in records)
    return [one["report"] for one in configs if one.get("name") == study and one.get("report")]


def _of_file(study: str) -> list[Any]:
    path = conf_dir() / "study" / f"{study}.yaml"
    report = value_of(read_conf(path), "study.report") if path.is_file() else None
    return [report] if report else []
