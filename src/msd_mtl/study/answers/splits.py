"""The two splits whose scores are compared, and what runs of one say of those that were not begun of the other."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from msd_mtl.study.answers.placing import placed
from msd_mtl.study.answers.types import Arm

SPLIT, BY_TRACK, BY_ARTIST = "data.split", "track", "artist"
OTHER = {BY_TRACK: BY_ARTIST, BY_ARTIST: BY_TRACK}


def split_of(arm: Arm) -> str:
    """Split of an arm; empty where its study has but one."""
    return dict(arm.context).get(SPLIT, "")


def mirrored(arm: Arm) -> Arm:
    """The same arm under the other split; itself where its split has no other."""
    split = split_of(arm)
    context = tuple((key, OTHER.get(split, value) if key == SPLIT else value) for key, value in arm.context)
    return replace(arm, context=context)


def placed_by_other_split(
    absent: Mapping[str, Sequence[str]], begun: Sequence[tuple[Sequence[str], Arm]]
) -> dict[str, tuple[Arm, int]]:
    """Arm and seed of runs of a split of which none that is like them was begun, by runs of the other split.

    The number of training rows, where all are taken, is then that of the other split.

    Args:
        absent: What is set in each of them, as on a command line, by ``run_id``.
        begun: The same of runs that have a record, with their arms.
    """
    as_if = [
        ([f"{SPLIT}={OTHER[split]}" if one == f"{SPLIT}={split}" else one for one in overrides], mirrored(arm))
        for overrides, arm in begun
        if (split := split_of(arm)) in OTHER and f"{SPLIT}={split}" in overrides
    ]
    return placed(absent, as_if)
