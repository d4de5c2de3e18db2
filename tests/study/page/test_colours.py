import pytest

from msd_mtl.study.page.colours import COLOURS, DAY, ENOUGH, NIGHT, contrast, family, named, style_of

from .made import MASKS4


def test_no_two_masks_look_alike():
    for part in ("colour", "night"):
        assert len({getattr(style_of(mask), part) for mask in MASKS4}) == 16
    assert len({(style_of(mask).marker, style_of(mask).dash) for mask in MASKS4}) == 16


@pytest.mark.parametrize("mask", MASKS4)
def test_every_mask_stands_out_on_light_and_dark_paper(mask):
    style = style_of(mask)
    assert contrast(style.colour, DAY) >= ENOUGH[DAY]
    assert contrast(style.night, NIGHT) >= ENOUGH[NIGHT]


def test_named_masks_keep_the_palette():
    assert {mask: style_of(mask).colour for mask in COLOURS} == {m: c.lower() for m, c in COLOURS.items()}


def test_contrast_is_that_of_the_standard():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize(
    ("mask", "expected"),
    [("0000", "none"), ("111111", "full"), ("110", "first"), ("0011", "last"), ("1001", "ends"), ("0110", "inner"),
     ("1010", "first, with gaps"), ("0101", "last, with gaps"), ("1" + "0" * 20, "first")],
)  # fmt: skip
def test_family_says_which_end_is_shared(mask, expected):
    assert family(mask) == expected
    assert style_of(mask).colour.startswith("#")


def test_names():
    assert named("1100") == "low (1100)"
    assert named("111") == "full (111)"
    assert named("101") == "101"
