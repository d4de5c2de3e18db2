"""What runs would be that were not begun, by composing what their sweep sets in them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress

from msd_mtl.study.answers.composed import composed
from msd_mtl.study.answers.placing import likeness
from msd_mtl.study.identity import data_fingerprint, run_id
from msd_mtl.study.record import Record

MOST = 64  # runs that are composed: each takes Hydra a tenth of a second or more


def told_by_composing(
    absent: Mapping[str, Sequence[str]], begun: Mapping[str, Sequence[str]], fingerprints: Mapping[str, str]
) -> tuple[dict[str, Record], set[str]]:
    """One run of each kind of which none was begun, by which the others are placed, and runs that no other places.

    Of each kind the last run is composed. If it is of other data than those of its kind that were begun, as where a
    store was made anew at its place, or its settings come to another name and theirs do not, no other places its kind.

    Args:
        absent: What is set in each run without a record, as on a command line, by ``run_id``.
        begun: The same of runs that have a record.
        fingerprints: Data of these. A run may be of other data, if its store is there to be asked.

    Returns:
        What the records of runs that were composed would begin with, by ``run_id``, and the runs that are like those of
        their kind in nothing but what is set. A run is left out of the first whose name its settings do not come to:
        they are not those that it would have, as where the configuration was edited since.
    """
    known: dict[object, list[str]] = defaultdict(list)
    for run, overrides in begun.items():
        known[likeness(overrides)].append(run)
    kinds: dict[object, list[str]] = defaultdict(list)
    for run, overrides in absent.items():
        kinds[likeness(overrides)].append(run)
    data = set(fingerprints.values())
    found: dict[str, Record] = {}
    apart: set[str] = set()
    looked_at: dict[str, Record | None] = {}

    def look(run: str) -> Record | None:
        if run not in looked_at and len(looked_at) < MOST:
            looked_at[run] = _made(run, absent[run], data)
        return looked_at.get(run)

    for kind in sorted(kinds, key=lambda kind: kind in known):
        last, like = kinds[kind][-1], known.get(kind, [])
        one = look(last)
        if not like and one:
            found[last] = one
        elif like and last in looked_at and not _is_like(one, like, begun, fingerprints):
            apart.update(kinds[kind])
            found |= {run: made for run in kinds[kind] if (made := look(run))}
    return found, apart


def _is_like(
    one: Record | None,
    like: Sequence[str],
    begun: Mapping[str, Sequence[str]],
    fingerprints: Mapping[str, str],
) -> bool:
    """Whether a run is of the data of those that are set alike; where it is not made today, whether they are not."""
    if one:
        return {one["data"]["fingerprint"]} == {fingerprints[run] for run in like}
    return like[-1] not in composed(begun[like[-1]], {fingerprints[like[-1]]})


def _made(run: str, overrides: Sequence[str], fingerprints: set[str]) -> Record | None:
    """What the record of a run would begin with; None where what is set does not come to its name."""
    by_name = composed(overrides, fingerprints)
    if by_name and run not in by_name:
        config, _ = next(iter(by_name.values()))
        with suppress(Exception):  # the store is gone, or edited files make it something else than a path
            own = data_fingerprint(config["data"])
            by_name[run_id(config, own)] = config, own
    if run not in by_name:
        return None
    config, data = by_name[run]
    return {"seed": config["seed"], "config": config, "data": {"fingerprint": data}}
