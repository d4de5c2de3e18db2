"""Settings in which kinds of runs differ, told from those that go with the seed though few runs of them are begun."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations

from msd_mtl.study.answers.placing import likeness, seed_said


def difference_of_kinds(
    expected: Mapping[str, Sequence[str]], seeds: Mapping[str, int]
) -> Callable[[str, Mapping[str, str]], bool]:
    """Tells settings of kinds of runs from such that go with the seed.

    Where of each kind other seeds are begun, what the kinds differ in has another value for every seed too. It is no
    matter of the seed if two of them were to have a seed in common, unless a kind itself has several values.

    Args:
        expected: What is set in each run of the study, as on a command line, by ``run_id``.
        seeds: Seeds of the runs whose settings are known.

    Returns:
        A function of a dotted key and its values by run, which says whether it is a setting of kinds.
    """
    kinds = {run: likeness(overrides) for run, overrides in expected.items()}
    asked: dict[object, set[int]] = defaultdict(set)
    for run, overrides in expected.items():
        asked[kinds[run]] |= seed_said(overrides) | ({seeds[run]} if run in seeds else set())
    choices = Counter(one.lstrip("+~").partition("=")[0] for one in set().union(*expected.values()))

    def is_of_kinds(key: str, values: Mapping[str, str]) -> bool:
        if choices[key] < 2 and all(values[run] == str(seed) for run, seed in seeds.items()):
            return False  # the configuration has it be the seed
        of_kind: dict[object, set[str]] = defaultdict(set)
        for run, value in values.items():
            of_kind[kinds[run]].add(value)
        if any(len(own) > 1 for own in of_kind.values()):
            return False
        return any(
            of_kind[one] != of_kind[other] and asked[one] & asked[other] for one, other in combinations(of_kind, 2)
        )

    return is_of_kinds
