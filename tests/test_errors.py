import pytest

from msd_mtl.errors import quoted


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (b"TRAA,1,2:3", "'TRAA,1,2:3'"),
        ("días".encode(), "'días'"),
        ("días".encode("latin-1"), r"'d\xedas'"),
        (b"a\n\0", r"'a\n\x00'"),
        ("text", "'text'"),
        (5, "5"),
    ],
)
def test_bytes_are_quoted_as_the_text_that_they_are(value, shown):
    assert quoted(value) == shown
