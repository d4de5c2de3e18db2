import pandas as pd

from msd_mtl.study.page.table import Column, Table

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


def test_a_single_row_and_rows_that_differ_keep_their_columns():
    for made in (table(("1100", "auroc", 5, 0.01)), table(("1100", "auroc", 5, 0.01), ("0011", "r2", 4, 0.01))):
        assert made.shown_columns == COLUMNS
        assert made.told == ""
