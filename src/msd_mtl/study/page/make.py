"""Makes the report of a study: a folder with the page and its figures, tables and verdicts, whole or not there."""

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from msd_mtl.errors import UserError
from msd_mtl.study.answers.types import Analysis
from msd_mtl.study.files import write_json, write_text
from msd_mtl.study.page import data, tables, words
from msd_mtl.study.page.colours import NIGHT
from msd_mtl.study.page.fair import comparisons
from msd_mtl.study.page.figures.drawing import draw_all
from msd_mtl.study.page.figures.post_mortem import draw_post_mortem
from msd_mtl.study.page.hints import hints
from msd_mtl.study.page.legend import entries, mask_variables
from msd_mtl.study.page.provenance import Provenance, provenance
from msd_mtl.study.page.sections import answers, further_pictures, score_pictures, subtitle, undrawn
from msd_mtl.study.page.table import Table
from msd_mtl.study.page.verdicts import VERDICTS, verdicts

INDEX, FIGURES, TABLES = "index.html", "figures", "tables"


def make_report(analysis: Analysis, runs_dir: Path, out: Path, options: Sequence[str] = ()) -> Path:
    """Make the report of a study.

    Args:
        analysis: The study, analysed.
        runs_dir: Where its runs are.
        out: Folder to make; a report that is there is replaced, anything else refused.
        options: Options of its command that say where else than in ``conf/report.yaml`` it is composed from.

    Returns:
        The page.

    Raises:
        UserError: If ``out`` holds something that is no report.
    """
    with whole_folder(out) as folder:
        (folder / FIGURES).mkdir()
        (folder / TABLES).mkdir()
        parts = _parts(analysis, provenance(analysis, runs_dir, options), folder)
        write_text(folder / INDEX, _page(parts))
        write_json(folder / VERDICTS, verdicts(analysis, parts["origin"]))
    return out / INDEX


def _parts(analysis: Analysis, origin: Provenance, folder: Path) -> dict[str, Any]:
    """What the template shows; figures and tables are written on the way."""

    def written(table: Table | None) -> Table | None:
        if table is None or not table.rows:
            return None
        table.write(folder / TABLES)
        return table

    hint = hints(analysis)
    answered = answers(analysis, hint.questions)
    scores = score_pictures(analysis)
    post_mortem = draw_post_mortem(analysis, hint.reported) if hint.reported else []
    further = further_pictures(analysis)
    pictures = [one.picture for one in answered if one.picture is not None] + [*scores, *post_mortem, *further]
    drawn = draw_all(pictures, folder / FIGURES)
    of_data = (data.split_table, data.label_table, data.coupling_table, data.dropped_table)
    return {
        "analysis": analysis,
        "subtitle": subtitle(analysis),
        "masks": {cell.arm.mask for cell in analysis.cells} | {c.mask for c in analysis.contrasts if c.mask},
        "answers": [(one, one.picture and drawn[one.picture.name], written(one.table)) for one in answered],
        "scores": [drawn[picture.name] for picture in scores],
        "post_mortem": [drawn[picture.name] for picture in post_mortem],
        "figures": [drawn[picture.name] for picture in further],
        "undrawn": undrawn(analysis),
        "cells": written(tables.cell_table(analysis)),
        "absent": written(tables.absent_table(analysis)),
        "fair": [(one, written(one.table)) for one in comparisons(analysis, origin.makings)],
        "data": [table for table in (written(make(analysis)) for make in of_data) if table],
        "origin": origin,
        "origin_tables": [table for table in map(written, (origin.environments, origin.differences)) if table],
    }


def _page(parts: dict[str, Any]) -> str:
    environment = Environment(
        loader=PackageLoader("msd_mtl.study.page", "template"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"words": words, "legend": entries, "night": NIGHT}
    styles, script = (environment.get_template(name).render() for name in ("page.css", "page.js"))
    colours = {name: mask_variables(parts["masks"], night=name == "night") for name in ("day", "night")}
    page = environment.get_template("page.html")
    return page.render(parts, styles=Markup(styles), script=Markup(script), colours=colours)  # noqa: S704  # our own files


@contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """A temporary folder beside ``out`` that takes its name once the block has ended well.

    Args:
        out: The folder to make. A report that is there is replaced.

    Yields:
        Where to write. A process killed while it writes leaves the old report, or none; what it leaves beside it is
        removed by the next one.

    Raises:
        UserError: If ``out`` holds something that is no report.
    """
    if out.exists() and not (out.is_dir() and ((out / VERDICTS).is_file() or not any(out.iterdir()))):
        raise UserError(f"out must be a new folder or that of a report; got {out}. Choose another with out=FOLDER.")
    out.parent.mkdir(parents=True, exist_ok=True)
    folder, old = (out.with_name(f".{out.name}.{os.getpid()}.{end}") for end in ("part", "old"))
    _clear(out)
    folder.mkdir()
    try:
        yield folder
        if out.exists():
            out.replace(old)
        folder.replace(out)
    finally:
        for left in (folder, old):
            shutil.rmtree(left, ignore_errors=True)


def _clear(out: Path) -> None:
    """Remove what processes that were killed have left."""
    for left in out.parent.iterdir():
        found = re.fullmatch(re.escape(f".{out.name}.") + r"(\d+)\.(part|old)", left.name)
        if found and not _lives(int(found[1])):
            shutil.rmtree(left, ignore_errors=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it lives and is another user's
        return True
    return True
