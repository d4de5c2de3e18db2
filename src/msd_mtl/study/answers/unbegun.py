"""What runs would be that were not begun, by composing what their sweep sets in them."""

import copy
import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache

from omegaconf import DictConfig

from msd_mtl.study.answers.arms import settings_of
from msd_mtl.study.answers.composed import composing
from msd_mtl.study.answers.placing import likeness
from msd_mtl.study.identity import OPERATIONAL, Config, data_fingerprint, has_own_name, resolved, run_id, without
from msd_mtl.study.record import Record

MOST = 2000  # runs that are composed: each takes 5 ms
GONE = "no such setting"
SEED = "that of the run"
Edit = tuple[tuple[tuple[str, ...], str], ...]  # settings, as keys from group to group, with what they were as JSON


def told_by_composing(
    absent: Mapping[str, Sequence[str]], begun: Mapping[str, Sequence[str]], records: Mapping[str, Record]
) -> tuple[dict[str, Record], set[str]]:
    """What the records of runs that were not begun would begin with, and which runs are not what they seem to be.

    The name of a run is a hash of its settings and data. So what is composed of what was set in it is right if it comes
    to its name: as files of the configuration and its store are now; of data of other runs; or as files were before
    they were edited, which is told by what sets records apart from what is composed for these runs today.

    Args:
        absent: What is set in each run without a record, as on a command line, by ``run_id``.
        begun: The same of runs that have a record.
        records: Of these.

    Returns:
        The records by ``run_id``, and the runs that are composed and come to no such name: they are none of those that
        are set like them. None are, if other code made all that there are, so that no name tells anything, or if not
        each of these could be composed, so that not each edit is known.
    """
    if not absent:
        return {}, set()
    known, left = _kinds(begun), _kinds(absent)
    in_turn = sorted(((n, run) for runs in left.values() for n, run in enumerate(runs)), key=lambda one: one[0])
    data_of = _data_of({record["data"]["fingerprint"] for record in records.values()})
    with composing() as compose:
        today = {run: one for _, run in in_turn[:MOST] if (one := _settings(compose, absent[run]))}
        found = {run: one for run, config in today.items() if (one := _named(run, [config], data_of))}
        others = today.keys() - found.keys()
        examples = _examples(known, records) if others else ()
        were = {run: one for run in examples[:MOST] if (one := _settings(compose, begun[run]))}
    edits = dict.fromkeys(edit for run, config in were.items() for edit in _edits(config, records[run]["config"]))
    edited = {run: _named(run, (_edited(today[run], edit) for edit in edits), data_of) for run in others}
    found = {run: one for run in absent if (one := found.get(run) or edited.get(run))}
    is_told = len(were) == len(examples) and any(map(has_own_name, records.values()))
    return found, {run for run in others if is_told and run not in found}


def _kinds(runs: Mapping[str, Sequence[str]]) -> dict[object, list[str]]:
    """Runs by what they have in common of which one is placed by the other."""
    found: dict[object, list[str]] = defaultdict(list)
    for run, overrides in runs.items():
        found[likeness(overrides)].append(run)
    return found


def _examples(kinds: Mapping[object, Sequence[str]], records: Mapping[str, Record]) -> list[str]:
    """The first and last run of each kind of which records differ in no more than the seed, and what follows it.

    An edit of what follows the seed does not show in the run whose seed is what is there now.
    """
    firsts: dict[object, str] = {}
    lasts: dict[object, str] = {}
    for kind, runs in kinds.items():
        for run in runs:
            seed = str(records[run]["seed"])
            like = kind, frozenset(one for one in settings_of(records[run]).items() if one[1] != seed)
            firsts.setdefault(like, run)
            lasts[like] = run
    return list(dict.fromkeys([*firsts.values(), *lasts.values()]))


def _settings(compose: Callable[[Sequence[str]], DictConfig], overrides: Sequence[str]) -> Config | None:
    """Configuration of a run as files are now; None where what is set makes no run."""
    with suppress(Exception):  # of files that are edited anything may be raised
        return resolved(compose(overrides))
    return None


def _data_of(known: Collection[str]) -> Callable[[Config], Collection[str]]:
    """What data a run may be of: those of others, and what is in its store if that is there."""

    @cache
    def in_store(data: str) -> Collection[str]:
        with suppress(Exception):  # the store is gone, or edited files make it something else than a path
            return {data_fingerprint(json.loads(data))}
        return ()

    return lambda config: {*known, *in_store(json.dumps({key: config["data"].get(key) for key in ("name", "store")}))}


def _named(run: str, configs: Iterable[Config], data_of: Callable[[Config], Collection[str]]) -> Record | None:
    """What the record of a run would begin with: the first configuration that comes to its name with some data."""
    for config in configs:
        for data in data_of(config):
            if run_id(config, data) == run:
                return {"seed": config["seed"], "config": config, "data": {"fingerprint": data}}
    return None


def _edits(config: Config, was: Config) -> Iterator[Edit]:
    """Settings that a run had and has not now, or has otherwise: as they were, and as they follow the seed."""
    edit = sorted(_differences(without(config, OPERATIONAL), without(was, OPERATIONAL)), key=repr)
    if edit:
        yield tuple(edit)
        yield tuple((keys, SEED if value == json.dumps(was.get("seed")) else value) for keys, value in edit)


def _differences(now: Config, was: Config, *above: str) -> Iterator[tuple[tuple[str, ...], str]]:
    for key in now.keys() | was.keys():
        one, other = now.get(key, GONE), was.get(key, GONE)
        if isinstance(one, dict) and isinstance(other, dict):
            yield from _differences(one, other, *above, key)
        elif one != other:
            yield (*above, key), json.dumps(other)


def _edited(config: Config, edit: Edit) -> Config:
    """A configuration as it was before; where it has no such groups, as it is."""
    config = copy.deepcopy(config)
    for (*above, key), value in edit:
        node = config
        for group in above:
            node = node.setdefault(group, {}) if isinstance(node, dict) else node
        if isinstance(node, dict):
            node.pop(key, None)
            if value != json.dumps(GONE):
                node[key] = config.get("seed") if value == SEED else json.loads(value)
    return config
