"""Contrasts are told apart by what they weigh: where the reference cancels, it is no matter whether it is there."""

import pytest

from msd_mtl.study.answers.analyse import analyse
from msd_mtl.study.page.fair import comparisons

MATCHED = {"model__match_parameters": [1, 1]}


@pytest.fixture
def fair(study):
    """Runs without and with equal capacity, the target alone failed with it; what each contrast came to."""

    def of(*masks, lost=(), alone="failed"):
        for settings in ({}, MATCHED):
            for seed in (0, 1):
                if alone or not settings:
                    study.add("pop", "00", seed, status=alone if settings else "completed", **settings)
                for tasks, known in (("tight", 0.4), ("loose", 0.1)):
                    for mask in masks:
                        status = "failed" if settings and (tasks, mask) in lost else "completed"
                        given = {"label_coupling": known, "data__coupling": None, "status": status}
                        study.add(tasks, mask, seed, **given, **settings)
        study.write_index()
        made = analyse(study.folder, "made")
        return made, {row["name"]: row for row in comparisons(made, ())[0].table.rows}

    return of


def test_where_the_reference_cancels_contrasts_are_compared_whether_or_not_it_is_there(fair):
    made, rows = fair("10", "01")
    assert {(one.question, one.weighs_alone) for one in made.contrasts} == {
        *(("benefit", True), ("coupling", False), ("depth", False))
    }
    for name in ("tight minus loose, 10", "tight minus loose, 01", "tight, 10 minus 01", "loose, 10 minus 01"):
        row = rows[name]
        assert row["missing"] == ""
        assert row["plain"] is not None
        assert row["controlled"] is not None
    assert rows["tight, 10"]["plain"] is not None


def test_where_it_does_not_cancel_the_reason_is_what_the_contrast_weighs(fair):
    made, rows = fair("00", "10", "01", lost=(("tight", "00"),), alone=None)
    over = {one.name: one.reference for one in made.contrasts if dict(one.context)["model.match_parameters"] != "null"}
    assert over["loose, 10"] == "no sharing"
    assert over["tight, 10 minus 01"] is None
    assert rows["tight, 10 minus 01"]["plain"] is not None
    assert rows["loose, 10"]["plain"] is None
    assert (
        rows["loose, 10"]["missing"]
        == "plain: not compared, as its gains are over the target alone, not over no sharing"
    )
