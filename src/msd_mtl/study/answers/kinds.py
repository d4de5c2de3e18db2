"""Settings in which kinds of runs differ, told from those that go with seed or size though few are begun."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations

from msd_mtl.study.answers.placing import likeness, said


def difference_of_kinds(
    expected: Mapping[str, Sequence[str]], known: Mapping[str, Mapping[str, int | None]]
) -> Callable[[str, Mapping[str, str], str], bool]:
    """Tells settings of kinds of runs from such that go with the seed, or with the training size.

    Where of each kind other seeds are begun, what the kinds differ in has another value for every seed too. It is no
    matter of the seed if two of them were to have a seed in common, unless a kind itself has several values. The same
    holds of sizes.

    Args:
        expected: What is set in each run of the study, as on a command line, by ``run_id``.
        known: ``seed`` and ``train_size`` of the runs whose settings are known.

    Returns:
        A function of a dotted key, its values by run, and ``seed`` or ``train_size``, which says whether it is a
        setting of kinds.
    """
    kinds = {run: likeness(overrides) for run, overrides in expected.items()}
    asked: dict[tuple[str, object], set[int | None]] = defaultdict(set)
    for run, overrides in expected.items():
        for place in ("seed", "train_size"):
            asked[place, kinds[run]] |= said(overrides, place) | ({known[run][place]} if run in known else set())
    choices = Counter(one.lstrip("+~").partition("=")[0] for one in set().union(*expected.values()))

    def is_of_kinds(key: str, values: Mapping[str, str], place: str) -> bool:
        if choices[key] < 2 and all(values[run] == json.dumps(of_run[place]) for run, of_run in known.items()):
            return False  # the configuration has it be that
        of_kind: dict[object, set[str]] = defaultdict(set)
        for run, value in values.items():
            of_kind[kinds[run]].add(value)
        if any(len(own) > 1 for own in of_kind.values()):
            return False
        return any(
            of_kind[one] != of_kind[other] and asked[place, one] & asked[place, other]
            for one, other in combinations(of_kind, 2)
        )

    return is_of_kinds
