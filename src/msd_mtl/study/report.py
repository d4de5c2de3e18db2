"""`msd-mtl report study=NAME`: the answers of a study as a page, with its figures, tables and verdicts."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from msd_mtl.app import composed_from, hydra_app
from msd_mtl.errors import UserError
from msd_mtl.study.answers.types import Analysis


def report(
    runs_dir: Path,
    study: str,
    out: Path,
    margin: Mapping[str, float | None] | None = None,
    options: Sequence[str] = (),
) -> tuple[Analysis, Path]:
    """Analyse a study and make its page.

    Args:
        runs_dir: Folder of the runs.
        study: Name of the study.
        out: Folder to make.
        margin: Margins of equivalence by metric, for those that the study says; None leaves one to it.
        options: Options of the command that say where else than in ``conf/report.yaml`` it is composed from.

    Returns:
        The analysis, and the page.

    Raises:
        UserError: If there is no such study, none of its runs is completed, a margin is not above 0 and below 0.5, or
            ``out`` holds something else.
    """
    from msd_mtl.study.answers.analyse import analyse
    from msd_mtl.study.page.make import make_report
    from msd_mtl.study.page.words import not_used

    analysis = analyse(runs_dir, study, margin=margin)
    if not analysis.runs:
        told = not_used(analysis)
        first = "".join(f" Run {one.run_id}: {one.error}." for one in analysis.damaged[:1])
        raise UserError(
            f"study must have completed runs in {runs_dir}; got {study!r} with none of {analysis.expected:,}: {told}."
            f"{first} See `msd-mtl status study={study}`."
        )
    return analysis, make_report(analysis, runs_dir, out, options)


def verdict_table(analysis: Analysis) -> Table:
    """What the study says to each question, for a terminal."""
    from msd_mtl.study.page import words
    from msd_mtl.study.page.hints import questions
    from msd_mtl.study.page.unasked import unasked

    table = Table(
        title=f"{escape(analysis.study)}: {analysis.completed:,} of {analysis.expected:,} runs",
        caption="intervals of verdicts are over seeds and test artists together",
        show_lines=True,
    )
    for column in ("question", "verdicts", "first of all"):
        table.add_column(column)
    for name in questions(analysis):
        contrasts = [contrast for contrast in analysis.contrasts if contrast.question == name]
        tally = "\n".join(f"{n:,} {verdict}" for verdict, n in words.tally(contrasts))
        first = words.leading(contrasts)
        said = words.sentence_of(first) if first else f"not asked: {unasked(analysis, name)}"
        table.add_row(words.QUESTIONS[name], tally, Text(said))
    return table


@hydra_app("report")
def main(cfg: DictConfig) -> None:
    """Entry point of the command."""
    margin = OmegaConf.select(cfg, "study.report.margin")
    own = composed_from(HydraConfig.get(), "report")
    analysis, page = report(Path(cfg.runs_dir), str(cfg.study.name), Path(cfg.out), margin, own)
    console = Console(emoji=False)
    console.print(verdict_table(analysis))
    console.print(Text(f"Page: {page}"))


if __name__ == "__main__":
    main()
