"""Labelled headlines of anyone's file, and their folds.

CSV as everybody writes it (also .gz): a cell with a comma or a line break stands in quotes. A bad
row is counted and named, never guessed.
"""

import csv
import gzip
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, cast

from batch.plain_csv import CELL_SHOWN, BadRow, BadRows
from batch.sentiment_fit import CLASSES, Headline
from batch.terminal import in_words
from market.errors import Fatal
from spark_jobs.transforms.sentiment.likeness import are_alike, words_for_likeness

if TYPE_CHECKING:
    import _csv

LABELS = {str(label): label for label in CLASSES}
# A longer cell is a file whose quotes do not close.
CELL_AT_MOST = 1 << 20


def read_headlines(
    path: Path, bad_rows: BadRows, *, columns: tuple[str, str] = ("text", "label")
) -> list[Headline]:
    """Good rows in the file's order. Raises Fatal where there is none."""
    csv.field_size_limit(CELL_AT_MOST)
    rows = 0
    headlines = []
    try:
        with _opened(path) as lines:
            for row, cells in _cells(path, csv.reader(lines, strict=True), columns):
                rows += 1
                judged = _judged(path, row, columns, cells)
                if isinstance(judged, BadRow):
                    bad_rows.add([judged])
                else:
                    headlines.append(judged)
    except OSError as error:
        raise Fatal(f"{path}: {error.strerror or error}") from error
    except EOFError as error:
        raise Fatal(f"{path}: the compressed file is cut short: {error}") from error
    except UnicodeDecodeError as error:
        raise Fatal(f"{path}: it is not UTF-8: {error}") from error
    except csv.Error as error:
        raise Fatal(f"{path}: it cannot be read as CSV: {error}") from error
    if not headlines:
        told = f"none of its {rows:,} rows is good.\n{in_words(bad_rows)}"
        raise Fatal(f"{path}: {told if rows else 'it holds no row.'}")
    return headlines


def _opened(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return cast("TextIO", gzip.open(path, "rt", encoding="utf-8-sig", newline=""))
    return path.open(encoding="utf-8-sig", newline="")


def _cells(
    path: Path, reader: "_csv.Reader", columns: tuple[str, str]
) -> Iterator[tuple[int, list[str] | None]]:
    """(line at which the row ends, its two cells); None where it has another number of cells."""
    header = [name.strip() for name in next(reader, [])]
    missing = [name for name in columns if header.count(name) != 1]
    if missing:
        found = ",".join(header)[:200] or "an empty line"
        raise Fatal(f"{path}: its header needs {', '.join(missing)} once. Found: {found}")
    places = [header.index(name) for name in columns]
    for cells in reader:
        if cells:
            fits = len(cells) == len(header)
            yield reader.line_num, [cells[place] for place in places] if fits else None


def _judged(
    path: Path, row: int, columns: tuple[str, str], cells: list[str] | None
) -> Headline | BadRow:
    if cells is None:
        return BadRow(path.name, row, "", "has another number of cells than the header")
    text, label = cells
    if not text.strip():
        return BadRow(path.name, row, columns[0], "is empty")
    if label.strip() not in LABELS:
        shown = label[:CELL_SHOWN]
        return BadRow(path.name, row, columns[1], f"{shown!r} must be -1, 0 or 1")
    return text, LABELS[label.strip()]


def digest_of(headlines: Sequence[Headline]) -> str:
    """The same for the same headlines in any order."""
    lines = sorted(f"{label} {text}" for text, label in headlines)
    return sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def folds_of(headlines: Sequence[Headline], folds: int) -> list[int]:
    """A fold for each headline, always the same; reports that are alike share one.

    Groups are dealt out largest first, each to the fold that has the fewest of its labels.
    """
    dealt = [0] * len(headlines)
    held = {label: [0] * folds for label in CLASSES}
    for group in sorted(_groups(headlines), key=lambda one: (-len(one), _order(headlines, one))):
        labels = [headlines[at][1] for at in group]
        fold = min(
            range(folds),
            key=lambda at: (
                sum(held[label][at] for label in labels),
                sum(counts[at] for counts in held.values()),
            ),
        )
        for at, label in zip(group, labels, strict=True):
            dealt[at] = fold
            held[label][fold] += 1
    return dealt


def _order(headlines: Sequence[Headline], group: Sequence[int]) -> str:
    """An order that has nothing to do with time or place in the file."""
    return sha256(headlines[group[0]][0].encode("utf-8", "surrogatepass")).hexdigest()


def _groups(headlines: Sequence[Headline]) -> list[list[int]]:
    """Headlines that are alike, directly or through others, together."""
    words = [words_for_likeness(text) for text, _ in headlines]
    by_word: dict[str, list[int]] = {}
    for at, held in enumerate(words):
        for word in held:
            by_word.setdefault(word, []).append(at)
    leaders = list(range(len(headlines)))

    def leader(at: int) -> int:
        while leaders[at] != at:
            at = leaders[at]
        return at

    for at, held in enumerate(words):
        others = {other for word in held for other in by_word[word] if other < at}
        for other in sorted(others):
            if are_alike(held, words[other]):
                leaders[leader(at)] = leader(other)
    groups: dict[int, list[int]] = {}
    for at in range(len(headlines)):
        groups.setdefault(leader(at), []).append(at)
    return list(groups.values())
