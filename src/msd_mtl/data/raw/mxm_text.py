"""Reads `mxm_dataset_train.txt` and `mxm_dataset_test.txt`.

Origin: musiXmatch dataset, http://millionsongdataset.com/musixmatch.
Licence: research use only, no lyrics are distributed.
Unit: occurrences of a stemmed word in a song's lyrics.

Format: UTF-8; `#` comments; one `%` line with the words, most popular first; then one line per track,
`track_id,mxm_track_id,idx:count,idx:count,...`, idx from 1. musiXmatch ids are not used.

A block of lines is read by whole-array arithmetic on its bytes, after every separator has been checked to be where it
must be; a block that fails is read again line by line, only to say which line is wrong.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from msd_mtl.data.raw.files import RawFile
from msd_mtl.data.raw.lyrics import FileReport, Indices, Lyrics
from msd_mtl.data.raw.text import TRACK_ID_LENGTH, bad_line, blocks
from msd_mtl.errors import UserError

MAX_DIGITS = 9  # every number then fits 32 bits
_COMMA, _COLON, _LINE_END = b",:\n"
_ID = re.compile(rb"TR[A-Z0-9]{16}")
_MXM_ID = re.compile(rb"[0-9]{1,9}")


class _Parsed(NamedTuple):
    track_id: NDArray[np.bytes_]  # S18, (rows,)
    lengths: NDArray[np.int64]  # (rows,)
    words: NDArray[np.int64]  # (stored,), from 1
    counts: NDArray[np.int64]  # (stored,)


class _Malformed(Exception):  # noqa: N818 (never leaves this module)
    """A line of a block is not as it must be."""


def read_mxm_text(file: RawFile) -> Lyrics:
    """Read one part of the musiXmatch dataset.

    Args:
        file: The train or test file, plain or zipped.

    Returns:
        Its tracks with at least one word; `_test` in the name of the file makes them the official test part.

    Raises:
        UserError: If a line is not as the format has it; with its number.
    """
    vocabulary: tuple[str, ...] = ()
    index_type: type[np.unsignedinteger] = np.uint16
    parts: list[tuple[NDArray[np.bytes_], NDArray[np.int64], Indices, Indices, NDArray[np.int64]]] = []
    report = FileReport(file.name, file.family)
    for first_line, block in blocks(file):
        data, numbers, words = _without_header(block, first_line, file, vocabulary)
        if words and not vocabulary:
            vocabulary = words
            index_type = np.uint16 if len(words) <= 1 << 16 else np.uint32
        if not len(numbers):
            continue
        if not vocabulary:
            raise UserError(f"{file.name}: a line of words (%word,word,...) must come before the tracks; got none.")
        parsed = _checked(data, numbers, len(vocabulary), file)
        report.rows_read += len(numbers)
        kept = parsed.lengths > 0
        report.drop("no words", int((~kept).sum()))
        columns = (parsed.words - 1).astype(index_type)
        parts.append((parsed.track_id[kept], parsed.lengths[kept], columns, _narrow(parsed.counts), numbers[kept]))
    if not parts:
        raise UserError(f"{file.name}: file must have tracks; got none. Download it again.")
    track_id, lengths, indices, counts, rows = (np.concatenate(column) for column in zip(*parts, strict=True))
    test = np.full(len(track_id), file.stem.endswith("_test"))
    return Lyrics(track_id, test, lengths, indices, counts, vocabulary, rows, f"{file.name}, line", report)


def _narrow(counts: NDArray[np.int64]) -> Indices:
    """The smallest unsigned type that holds the counts."""
    narrow: Indices = counts.astype(np.min_scalar_type(int(counts.max(initial=0))))
    return narrow


def _without_header(
    block: bytes, first_line: int, file: RawFile, vocabulary: tuple[str, ...]
) -> tuple[bytes, NDArray[np.int64], tuple[str, ...]]:
    """Take comments, blank lines and the line of words out of a block; give its tracks, their lines and the words."""
    ends = np.flatnonzero(np.frombuffer(block, np.uint8) == _LINE_END) + 1
    starts = np.concatenate([[0], ends[:-1]])
    numbers = np.arange(first_line, first_line + len(ends))
    odd = np.flatnonzero(np.isin(np.frombuffer(block, np.uint8)[starts], np.frombuffer(b"#%\n", np.uint8)))
    if not len(odd):
        return block, numbers, ()
    words: tuple[str, ...] = ()
    for line in odd:
        text = block[starts[line] : ends[line] - 1]
        if text.startswith(b"%"):
            if words or vocabulary:
                raise bad_line(file, int(numbers[line]), "file must have one line of words", "a second one")
            words = _words(text[1:], int(numbers[line]), file)
    kept = np.delete(np.arange(len(ends)), odd)
    data = b"".join(_runs(block, starts, ends, odd))
    return data, numbers[kept], words


def _runs(block: bytes, starts: NDArray[np.int64], ends: NDArray[np.int64], odd: NDArray[np.int64]) -> Iterator[bytes]:
    """The stretches of a block between the lines taken out."""
    before = 0
    for line in odd:
        yield block[before : starts[line]]
        before = int(ends[line])
    yield block[before:]


def _words(text: bytes, number: int, file: RawFile) -> tuple[str, ...]:
    """Split the line of words; a word that cannot be read is an error, none is lost."""
    try:
        words = tuple(text.decode("utf-8").split(","))
    except UnicodeDecodeError as wrong:
        raise bad_line(file, number, "words must be UTF-8", text[max(0, wrong.start - 10) : wrong.end + 10]) from None
    if "" in words:
        raise bad_line(file, number, "words must not be empty", f"none at place {words.index('') + 1}")
    if len(set(words)) != len(words):
        double = next(word for place, word in enumerate(words) if word in words[:place])
        raise bad_line(file, number, "words must be different", f"{double} twice")
    return words


def _checked(data: bytes, numbers: NDArray[np.int64], n_words: int, file: RawFile) -> _Parsed:
    """Parse the tracks of a block, or say which line is wrong."""
    try:
        return _parse(data, n_words)
    except _Malformed:
        for number, line in zip(numbers, data[:-1].split(b"\n"), strict=True):
            _explain(line, int(number), n_words, file)
        raise


def _parse(data: bytes, n_words: int) -> _Parsed:
    """Parse lines of tracks with whole-array arithmetic.

    Every separator must be where the format has it: `,` after the track id, then `,` `:` `,` `:` in turn, the last `:`
    before the line end, with 1 to 9 digits in between.
    """
    characters = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(characters == _LINE_END)
    starts = np.concatenate([[0], ends[:-1] + 1])
    if (ends - starts).min() < TRACK_ID_LENGTH + 1:
        raise _Malformed
    ids = characters[starts[:, None] + np.arange(TRACK_ID_LENGTH)]
    _check_ids(ids)
    digits = characters - np.uint8(ord("0"))  # wraps around below 0: then larger than 9
    is_separator = digits > 9
    is_separator[(starts[:, None] + np.arange(TRACK_ID_LENGTH)).ravel()] = False
    separators = np.flatnonzero(is_separator)
    last = np.flatnonzero(characters[separators] == _LINE_END)
    per_line = np.diff(last, prepend=-1)  # two after ids, two for each word
    place = np.arange(len(separators)) - np.repeat(last - per_line + 1, per_line)
    expected = np.where((place % 2 == 0) & (place > 0), _COLON, _COMMA)
    expected[last] = _LINE_END
    if (per_line % 2).any() or (characters[separators] != expected).any():
        raise _Malformed
    if (separators[place == 0] != starts + TRACK_ID_LENGTH).any():
        raise _Malformed
    widths = np.diff(separators, prepend=-1) - 1
    numeric = place > 0
    if widths[numeric].min() < 1 or widths[numeric].max() > MAX_DIGITS:
        raise _Malformed
    in_pairs = place > 1
    pairs = _numbers(digits, separators[in_pairs], widths[in_pairs]).reshape(-1, 2)
    lengths = per_line // 2 - 1
    words, counts = _sorted_pairs(pairs[:, 0], pairs[:, 1], lengths, n_words)
    return _Parsed(np.ascontiguousarray(ids).view("S18").ravel(), lengths, words, counts)


def _check_ids(ids: NDArray[np.uint8]) -> None:
    """Track ids must be TR and 16 capital letters or digits; uint8, shape ``(rows, 18)``."""
    letters = (ids >= ord("A")) & (ids <= ord("Z"))
    figures = (ids >= ord("0")) & (ids <= ord("9"))
    if not (letters | figures).all() or (ids[:, 0] != ord("T")).any() or (ids[:, 1] != ord("R")).any():
        raise _Malformed


def _numbers(digits: NDArray[np.uint8], ends: NDArray[np.int64], widths: NDArray[np.int64]) -> NDArray[np.int64]:
    """The numbers that end before ``ends`` and have ``widths`` digits."""
    values = digits[ends - 1].astype(np.int64)
    scale = 1
    for place in range(2, int(widths.max(initial=0)) + 1):
        scale *= 10
        long = np.flatnonzero(widths >= place)
        values[long] += scale * digits[ends[long] - place].astype(np.int64)
    return values


def _sorted_pairs(
    words: NDArray[np.int64], counts: NDArray[np.int64], lengths: NDArray[np.int64], n_words: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Check words and counts, and sort the words of each track."""
    if len(words) and (words.min() < 1 or words.max() > n_words or counts.min() < 1):
        raise _Malformed
    key = words + np.repeat(np.arange(len(lengths)), lengths) * (n_words + 1)
    steps = np.diff(key)
    if (steps < 0).any():
        order = np.argsort(key, kind="stable")
        words, counts, steps = words[order], counts[order], np.diff(key[order])
    if (steps == 0).any():
        raise _Malformed
    return words, counts


def _explain(line: bytes, number: int, n_words: int, file: RawFile) -> None:
    """Raise the error of a line, if it has one."""
    track_id, *rest = line.split(b",")
    if not _ID.fullmatch(track_id):
        raise bad_line(file, number, "track id must be TR and 16 capital letters or digits", track_id)
    if not rest or not _MXM_ID.fullmatch(rest[0]):
        raise bad_line(file, number, "musiXmatch id must be a whole number", rest[0] if rest else b"")
    seen = set()
    for pair in rest[1:]:
        index, colon, count = pair.partition(b":")
        if not colon or not _MXM_ID.fullmatch(index):
            raise bad_line(file, number, "words must be written index:count", pair)
        if not 1 <= int(index) <= n_words:
            raise bad_line(file, number, f"word index must be 1 to {n_words}, the words of line %", index)
        if not _MXM_ID.fullmatch(count) or int(count) < 1:
            raise bad_line(file, number, f"count of word {int(index)} must be a whole number from 1", count)
        if int(index) in seen:
            raise bad_line(file, number, "a word must occur once in a line", f"word {int(index)} twice")
        seen.add(int(index))
