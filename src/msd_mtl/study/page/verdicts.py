"""`verdicts.json`: what the page says, for programs."""

from dataclasses import asdict
from typing import Any

from msd_mtl import __version__
from msd_mtl.study.answers.types import Analysis, CellResult, Contrast
from msd_mtl.study.page import words
from msd_mtl.study.page.hints import questions
from msd_mtl.study.page.provenance import Provenance

SCHEMA_VERSION = 1
VERDICTS = "verdicts.json"


def verdicts(analysis: Analysis, origin: Provenance) -> dict[str, Any]:
    """Everything the page says, as plain data.

    Args:
        analysis: The study.
        origin: Where its numbers come from.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "study": analysis.study,
        "msd_mtl": __version__,
        "runs": {
            "expected": analysis.expected,
            "completed": analysis.completed,
            "used": [run.run_id for run in analysis.runs],
            **{
                name: [asdict(one) for one in getattr(analysis, name)]
                for name in ("failed", "running", "damaged", "missing")
            },
            "duplicates": [asdict(double) | {"arm": _arm(double.arm)} for double in analysis.duplicates],
        },
        "metrics": dict(analysis.metrics),
        "margins": dict(analysis.margins),
        "questions": {name: _question(name, analysis) for name in questions(analysis)},
        "contrasts": [_contrast(contrast) for contrast in analysis.contrasts],
        "cells": [_cell(cell) for cell in analysis.cells],
        "warnings": list(analysis.warnings),
        "provenance": {
            "commands": list(origin.commands),
            "commands_are_exact": origin.exact,
            "shared_where_no_command_is_known": list(origin.shared),
            "data_fingerprints": list(origin.fingerprints),
            "first_run_started_at": origin.first,
            "last_run_started_at": origin.last,
            "versions": [dict(row) for row in origin.environments.rows],
            "config_differences": [dict(row) for row in origin.differences.rows],
        },
    }


def _question(name: Any, analysis: Analysis) -> dict[str, Any]:
    contrasts = [contrast for contrast in analysis.contrasts if contrast.question == name]
    first = words.leading(contrasts)
    return {
        "question": words.QUESTIONS[name],
        "verdicts": dict(words.tally(contrasts)),
        "leading": None if first is None else words.sentence_of(first),
    }


def _contrast(contrast: Contrast) -> dict[str, Any]:
    return asdict(contrast) | {"context": dict(contrast.context), "sentence": words.verdict_of(contrast)}


def _cell(cell: CellResult) -> dict[str, Any]:
    return asdict(cell) | {"arm": _arm(cell.arm)}


def _arm(arm: Any) -> dict[str, Any]:
    return asdict(arm) | {"context": dict(arm.context)}
