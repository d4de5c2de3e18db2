"""Where the numbers come from: versions, configurations, data, and the commands that make them again."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msd_mtl import __version__
from msd_mtl.study.answers.arms import is_below
from msd_mtl.study.answers.composed import still_made
from msd_mtl.study.answers.margins import margin_problem, margins_of
from msd_mtl.study.answers.types import Analysis
from msd_mtl.study.identity import OPERATIONAL
from msd_mtl.study.index import Sweep, commands, left_out_by_sweep, sweeps
from msd_mtl.study.page.commands import Making, making, shown, unknown
from msd_mtl.study.page.table import Column, Table
from msd_mtl.study.record import Record

MOST_VALUES = 12
COUPLING = "tasks.coupling"  # of data that have none of their own it says nothing


@dataclass(frozen=True)
class Provenance:
    """Where the numbers of a study come from.

    Attributes:
        makings: What makes the runs of each sweep.
        page: The command that makes the page.
        environments: Versions and machines of the runs.
        differences: Settings in which the runs differ.
        fingerprints: Data of the runs.
        first: When the first run began, as its record has it; None where none says.
        last: When the last run began.
    """

    makings: tuple[Making, ...]
    page: str
    environments: Table
    differences: Table
    fingerprints: tuple[str, ...]
    first: str | None
    last: str | None

    @property
    def commands(self) -> tuple[str, ...]:
        """Shell commands that make its runs, as far as they are known, and its page, in order."""
        return *dict.fromkeys(one.command for one in self.makings if one.claim != "unknown"), self.page

    @property
    def exact(self) -> bool:
        """Whether the commands make these runs and no others."""
        return all(one.claim == "exact" for one in self.makings)

    @property
    def given(self) -> bool:
        """Whether some are shown as they were given, as what they make now cannot be told."""
        return any(one.claim == "given" for one in self.makings)

    @property
    def shared(self) -> tuple[str, ...]:
        """Of each sweep whose command is not known what its runs share."""
        return tuple(dict.fromkeys(one.shown for one in self.makings if one.claim == "unknown"))


def provenance(analysis: Analysis, runs_dir: Path, options: Sequence[str] = ()) -> Provenance:
    """Provenance of a study.

    Args:
        analysis: The study.
        runs_dir: Where its runs are.
        options: Options of the command that makes the page which say where else it is composed from.
    """
    fingerprints = {one for run in analysis.runs if (one := run.record["data"]["fingerprint"])}
    began = sorted(run.record["started_at"] for run in analysis.runs if run.record.get("started_at"))
    return Provenance(
        makings=tuple(_makings(analysis, runs_dir) or [Making((f"study.name={analysis.study}",), "unknown")]),
        page=report_command(analysis, options),
        environments=_environments(analysis),
        differences=_differences(analysis),
        fingerprints=tuple(sorted(fingerprints)),
        first=began[0] if began else None,
        last=began[-1] if began else None,
    )


def _makings(analysis: Analysis, runs_dir: Path) -> list[Making]:
    """What makes the runs of each sweep; nothing known where its study, or what this chooses, was edited since."""
    said = sweeps(runs_dir, analysis.study)
    kept = zip(said, commands(runs_dir, analysis.study), left_out_by_sweep(runs_dir, analysis.study), strict=True)
    records = {run.run_id: run.record for run in analysis.runs}
    made = [_making(*one, records) for one in kept]
    compared = [k for k, one in enumerate(made) if one.claim in ("exact", "more")]
    still = still_made([said[k] for k in compared], records)
    edited = {k for k, is_made in zip(compared, still, strict=True) if not is_made}
    return [unknown(list(said[k].values())) if k in edited else one for k, one in enumerate(made)]


def _making(sweep: Sweep, command: Sequence[str], left_out: Sequence[str], records: Mapping[str, Record]) -> Making:
    """What makes the runs of a sweep. A coupling that is set in real data makes no other run: a name proves it."""
    runs, known = list(sweep.values()), [run for run in sweep if run in records]
    found = making(runs, command, left_out)
    if found.claim != "more" or not known or any("coupling" in records[run]["config"]["data"] for run in known):
        return found
    (is_idle,) = still_made([{known[-1]: (*sweep[known[-1]], f"{COUPLING}=-1")}], records)  # a value of no run
    return making(runs, command, left_out, idle=(COUPLING,)) if is_idle else found


def report_command(analysis: Analysis, options: Sequence[str] = ()) -> str:
    """The command that makes the page, with the margins that its study does not say."""
    of_study = analysis.report.get("margin")
    said = margins_of(of_study, ())
    needed = analysis.metrics.values() if margin_problem(of_study) else ()  # no page without them
    other = [
        f"study.report.margin.{name}={value:g}"
        for name, value in analysis.margins.items()
        if said[name] != value or name in needed
    ]
    return f"msd-mtl report {shown((*options, f'study={analysis.study}', *other))}"


def _environments(analysis: Analysis) -> Table:
    found: dict[str, tuple[dict[str, Any], int]] = {}
    for run in analysis.runs:
        environment = run.record["environment"] | {"threads": run.record.get("threads")}  # earlier code kept none
        key = json.dumps(environment, sort_keys=True)
        found[key] = (environment, found.get(key, (environment, 0))[1] + 1)
    rows: list[dict[str, object]] = [{"what": "msd-mtl of this page", "value": __version__, "n": None}]
    values: dict[tuple[str, str], int] = {}
    for environment, n in found.values():
        machine = {name: environment.get(name) for name in ("python", "platform", "cpus", "threads")}
        for name, value in (machine | environment.get("packages", {})).items():
            if value is not None:
                values[name, str(value)] = values.get((name, str(value)), 0) + n
    rows += [{"what": name, "value": value, "n": n} for (name, value), n in values.items()]
    columns = [Column("what", "what"), Column("value", "version"), Column("n", "runs", digits=0)]
    return Table("environments", "Versions", "What the runs were made with.", columns, rows)


def _differences(analysis: Analysis) -> Table:
    """Settings with more than one value over the runs."""
    values: dict[str, dict[str, int]] = {}
    flats = [dict(_flat(run.record["config"])) for run in analysis.runs]
    for key in dict.fromkeys(key for flat in flats for key in flat):
        for flat in flats:
            value = flat.get(key, "not there")
            counts = values.setdefault(key, {})
            counts[value] = counts.get(value, 0) + 1
    rows = []
    for key, counts in sorted(values.items()):
        if len(counts) > 1 and not is_below(key, OPERATIONAL):
            told = [f"{value} ({n})" for value, n in list(counts.items())[:MOST_VALUES]]
            more = f", and {len(counts) - MOST_VALUES} more" if len(counts) > MOST_VALUES else ""
            rows.append({"key": key, "n": len(counts), "values": ", ".join(told) + more})
    columns = [Column("key", "setting"), Column("n", "values", digits=0), Column("values", "value (runs)")]
    return Table("config-differences", "Configuration", "Settings in which the runs differ.", columns, rows)


def _flat(config: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for key, value in config.items():
        if isinstance(value, Mapping):
            found += _flat(value, f"{prefix}{key}.")
        else:
            found.append((prefix + key, value if isinstance(value, str) else json.dumps(value)))
    return found
