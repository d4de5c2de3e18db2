"""Training sizes that the data could not fill, as sweeps say them: told in as few lines as say it, and read."""

import re
from collections import Counter
from collections.abc import Sequence

# As a sweep says it: the setting, its value, what there is, and how many runs that costs (see ``sizes.py``).
LINE = re.compile(r"(?P<setting>[\w.]+)=(?P<size>[\d,]+)(?P<there>, .+): (?P<runs>[\d,]+) runs left out\.(?P<since>.*)")


def together(lines: Sequence[str]) -> list[str]:
    """Put the sizes that lack the same into one line, in their order.

    Args:
        lines: What sweeps say, a line a size; one that reads otherwise stays as it is.
    """
    found: dict[tuple[str, ...], Counter[int]] = {}
    for line in lines:
        if said := LINE.fullmatch(line):
            sizes = found.setdefault((said["setting"], said["there"], said["since"]), Counter())
            sizes[_number(said["size"])] += _number(said["runs"])
        else:
            found[(line,)] = Counter()
    return [_line(sizes, *key) if sizes else key[0] for key, sizes in found.items()]


def unfilled_sizes(lines: Sequence[str]) -> Counter[tuple[str, int]]:
    """How many runs each size costs, by its setting and value.

    Args:
        lines: What a sweep says, a line a size and what there is; one that reads otherwise is passed over.
    """
    found: Counter[tuple[str, int]] = Counter()
    for said in filter(None, map(LINE.fullmatch, lines)):
        found[said["setting"], _number(said["size"])] += _number(said["runs"])
    return found


def _line(sizes: Counter[int], setting: str, there: str, since: str) -> str:
    *first, last = (f"{size:,}" for size in sorted(sizes))
    told = f"{', '.join(first)} and {last}" if first else last
    return f"{setting}={told}{there}: {sizes.total():,} runs left out.{since}"


def _number(text: str) -> int:
    return int(text.replace(",", ""))
