import pandas as pd
import pytest

from msd_mtl.study.page.data import KINDS
from msd_mtl.study.page.table import Column, Table
from msd_mtl.study.page.words import METRICS

COLUMNS = [
    Column("mask", "sharing"),
    Column("metric", "metric", names={"auroc": "AUROC"}, folds=True),
    Column("n", "seeds", digits=0, folds=True),
    Column("gain", "gain", digits=3, signed=True),
]


def table(*rows):
    return Table(
        "made",
        "Made",
        "By hand.",
        COLUMNS,
        [dict(zip(("mask", "metric", "n", "gain"), row, strict=True)) for row in rows],
    )


def test_what_all_rows_have_in_common_is_said_once_and_stays_in_the_files(tmp_path):
    made = table(("1100", "auroc", 5, 0.01), ("0011", "auroc", 4, 0.01))
    assert [column.head for column in made.shown_columns] == ["sharing", "seeds", "gain"]
    assert made.told == "metric: AUROC"
    made.write(tmp_path)
    assert pd.read_csv(tmp_path / "made.csv")["metric"].tolist() == ["auroc", "auroc"]


def test_whole_numbers_are_written_as_such_where_one_is_lacking(tmp_path):
    table(("1100", "auroc", 5, 0.5), ("0011", "auroc", None, float("nan"))).write(tmp_path)
    assert (tmp_path / "made.csv").read_text() == "mask,metric,n,gain\n1100,auroc,5,0.5\n0011,auroc,,\n"


def test_a_single_row_and_rows_that_differ_keep_their_columns():
    for made in (table(("1100", "auroc", 5, 0.01)), table(("1100", "auroc", 5, 0.01), ("0011", "r2", 4, 0.01))):
        assert made.shown_columns == COLUMNS
        assert made.told == ""


def latex(folder, column, value):
    Table("made", "Made", "By hand.", [column], [{"x": value}]).write(folder)
    return (folder / "made.tex").read_text()


@pytest.mark.parametrize("names", [METRICS, KINDS], ids=["metrics", "kinds"])
def test_latex_needs_no_package_for_what_a_table_writes_of_itself(tmp_path, names):
    for one in names:
        assert latex(tmp_path, Column("x", "x", names=names), one).isascii()


@pytest.mark.parametrize(
    ("column", "value", "written"),
    [
        (Column("x", "x", digits=3), -0.5, "$-$0.500"),
        (Column("x", "x", digits=3), None, "--"),
        (Column("x", "x", digits=3, is_probability=True), 0.0, "$<$ 0.001"),
        (Column("x", "x", names=METRICS), "r2", "R$^2$"),
        (Column("x", "x", names=KINDS), "phi", r"$\phi$"),
        (Column("x", "R²"), "a", "R$^2$"),
        (Column("x", "x"), "Röyksopp_−φ", r"Röyksopp\_$-$$\phi$"),
    ],
)
def test_latex_has_numbers_and_names_as_they_are_typeset(tmp_path, column, value, written):
    assert f"\n{written} \\\\\n" in latex(tmp_path, column, value)
