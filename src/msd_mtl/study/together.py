"""Work on many items by several processes, where there are several cores and a process can be copied."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import TypeVar

MOST = 8  # processes, whatever the machine: each holds a part of what this one does

Item = TypeVar("Item")
Made = TypeVar("Made")
Share = Sequence[int]  # places of items


def work_together(work: Callable[[Item], Made], items: Sequence[Item], costs: Sequence[int], many: int) -> list[Made]:
    """Do the same for each item, as ``map`` does, on all cores.

    Args:
        work: What is done; processes are copied, so only what it makes must be picklable.
        items: To work on.
        costs: What each takes, in any unit.
        many: Items that cost less than this together are worked on by this process alone.

    Returns:
        What was made of each item.
    """

    def part(share: Share) -> list[Made]:
        return [work(items[place]) for place in share]

    own, *others = _shares(costs, _n_cores() if sum(costs) >= many else 1)
    helpers: list[tuple[Share, BaseProcess, Connection]] = []
    try:
        for share in others:
            try:
                helpers.append((share, *_start(part, share)))
            except OSError:  # no memory, or no process more
                own = [*own, *share]
        made = dict(zip(own, part(own), strict=True))
        for share, _, receiver in helpers:
            try:
                parts = receiver.recv()
            except (EOFError, OSError):  # it has ended without, or amid; what was wrong with the work is said here
                parts = part(share)
            made |= zip(share, parts, strict=True)
    finally:
        for _, process, receiver in helpers:
            process.kill()
            process.join()
            receiver.close()
    return [made[place] for place in range(len(items))]


def _start(part: Callable[[Share], list[Made]], share: Share) -> tuple[BaseProcess, Connection]:
    """A process that works on a share, and where what it makes comes from."""
    context = multiprocessing.get_context("fork")  # what is worked on need not be sent, and often cannot be
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(receiver, sender, part, share), daemon=True)
    process.start()
    sender.close()
    return process, receiver


def _send(receiver: Connection, sender: Connection, part: Callable[[Share], list[Made]], share: Share) -> None:
    """Work for another process; once that has ended, nobody reads, and sending fails."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the other has it, too, and ends this one
    receiver.close()
    with suppress(Exception):
        sender.send(part(share))


def _shares(costs: Sequence[int], n: int) -> list[Share]:
    """Places of items in no more than ``n`` parts that cost about the same; one at least."""
    parts: list[list[int]] = [[] for _ in range(n)]
    totals = [0] * n
    for place in sorted(range(len(costs)), key=lambda place: -costs[place]):
        lightest = totals.index(min(totals))
        parts[lightest].append(place)
        totals[lightest] += costs[place]
    return [parts[0], *filter(None, parts[1:])]


def _n_cores() -> int:
    """Cores for this process: one where it cannot be copied at any time, or may have no processes of its own."""
    if not hasattr(os, "sched_getaffinity") or multiprocessing.current_process().daemon:
        return 1
    return min(MOST, len(os.sched_getaffinity(0)))
