"""A table as the page shows it and as files hold it: CSV with all digits, LaTeX with the page's."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from msd_mtl.study.files import write_text
from msd_mtl.study.page.words import MINUS, NOT_KNOWN, number

# What tables write of themselves that LaTeX typesets as something else, or not at all without a package.
LATEX = str.maketrans(
    {MINUS: "$-$", NOT_KNOWN: "--", "<": "$<$", "²": "$^2$", "φ": r"$\phi$", "η": r"$\eta$", "é": r"\'{e}"}
)


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        key: Its name in the CSV file.
        head: What the page calls it.
        digits: Digits after the point of its numbers; None for words.
        signed: Write a plus before positive numbers.
        is_probability: Write what rounds to 0 as less than the last digit.
        about: What a short head stands for; empty where it says it all.
        names: How the page writes some of its words.
        folds: Say it once above the table, not in each row, where all rows have the same; files keep the column.
    """

    key: str
    head: str
    digits: int | None = None
    signed: bool = False
    is_probability: bool = False
    about: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    folds: bool = False

    def shown(self, value: Any) -> str:
        """A value as the page and LaTeX write it."""
        if value is None:
            return NOT_KNOWN
        if self.digits is None or isinstance(value, str):
            return self.names.get(str(value), str(value))
        if self.digits == 0:
            return f"{value:,.0f}" if math.isfinite(value) else NOT_KNOWN
        if self.is_probability and value < 10.0**-self.digits:
            return f"< {10.0**-self.digits:.{self.digits}f}"
        return number(float(value), self.digits, signed=self.signed)


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        name: File name without its ending, unique in the page.
        title: Its heading.
        caption: What its numbers are.
        columns: Its columns.
        rows: One mapping a row; keys that are no column are left out.
        masks: Mask of each row, for its colour; empty where rows have none.
    """

    name: str
    title: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Mapping[str, Any]]
    masks: Sequence[str | None] = ()

    @property
    def shown_columns(self) -> list[Column]:
        """Columns that the page has."""
        return [column for column in self.columns if self._common(column) is None]

    @property
    def told(self) -> str:
        """What all rows have in common, in words; empty where it is nothing."""
        common = [(column, text) for column in self.columns if (text := self._common(column)) is not None]
        return "; ".join(f"{column.head}: {text}" for column, text in common)

    def _common(self, column: Column) -> str | None:
        """What all of several rows show in a column that folds."""
        texts = {column.shown(row.get(column.key)) for row in self.rows} if column.folds else set()
        return texts.pop() if len(self.rows) > 1 and len(texts) == 1 else None

    def write(self, folder: Path) -> None:
        """Write ``NAME.csv`` and ``NAME.tex``."""
        values = pd.DataFrame(
            [[row.get(column.key) for column in self.columns] for row in self.rows],
            columns=[column.key for column in self.columns],
            dtype=object,  # or whole numbers of a column in which one is lacking become decimal ones
        )
        write_text(folder / f"{self.name}.csv", values.to_csv(index=False, lineterminator="\n"))
        shown = pd.DataFrame(
            [[column.shown(row.get(column.key)) for column in self.columns] for row in self.rows],
            columns=[column.head for column in self.columns],
        )
        alignment = "".join("l" if column.digits is None else "r" for column in self.columns)
        latex = shown.to_latex(
            index=False, escape=True, column_format=alignment, longtable=len(self.rows) > 40, na_rep=NOT_KNOWN
        )
        write_text(folder / f"{self.name}.tex", latex.translate(LATEX))
