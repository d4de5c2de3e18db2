"""What runs would be that are like none that was begun, by composing what their sweep sets in them."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress

from msd_mtl.study.answers.composed import composed
from msd_mtl.study.answers.placing import likeness
from msd_mtl.study.identity import Config, data_fingerprint, run_id
from msd_mtl.study.record import Record

MOST_KINDS = 64  # that are composed: each takes Hydra a tenth of a second or more


def first_of_kinds(
    absent: Mapping[str, Sequence[str]], begun: Collection[Sequence[str]], fingerprints: Collection[str]
) -> dict[str, Record]:
    """One run of each kind of which none was begun, as its record would begin: the others are placed by it.

    Args:
        absent: What is set in each run without a record, as on a command line, by ``run_id``.
        begun: The same of runs that have a record.
        fingerprints: Data of the runs that have one. A run may be of other data, if its store is there to be asked.

    Returns:
        What each record would begin with, by ``run_id``. A run is left out whose name its settings do not come to: they
        are not those that it would have, as where the configuration was edited since.
    """
    known = {likeness(overrides) for overrides in begun}
    kinds: dict[object, str] = {}
    for run, overrides in absent.items():
        kinds.setdefault(likeness(overrides), run)
    found: dict[str, Record] = {}
    for run in [run for kind, run in kinds.items() if kind not in known][:MOST_KINDS]:
        if made := _made(run, absent[run], fingerprints):
            config, data = made
            found[run] = {"seed": config["seed"], "config": config, "data": {"fingerprint": data}}
    return found


def _made(run: str, overrides: Sequence[str], fingerprints: Collection[str]) -> tuple[Config, str] | None:
    """Configuration and data of a run; None where they do not come to its name."""
    by_name = composed(overrides, fingerprints)
    if by_name and run not in by_name:
        config, _ = next(iter(by_name.values()))
        with suppress(Exception):  # the store is gone, or edited files make it something else than a path
            own = data_fingerprint(config["data"])
            by_name[run_id(config, own)] = config, own
    return by_name.get(run)
