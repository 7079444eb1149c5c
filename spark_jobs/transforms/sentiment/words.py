"""A headline as words, each with where it stands. Pure.

Small letters: capitals in headlines are names and titles, not shouting. Numbers are told apart by
their kind only: `#`, `#%`, `#$`. A phrase of the lexicon is one word, joined by `_`.
"""

import re
from collections.abc import Mapping, Set
from typing import NamedTuple

# More than any headline has; what comes later in a text of 10 kB is not read.
WORDS_AT_MOST = 120
LONGEST_PHRASE = 4
_FOUND = re.compile(r"[^\W\d_]+(?:['\u2019\-][^\W\d_]+)*|\$?\d[\d,.]*(?:%|[kmb]\b)?|\?")
# Pictures stand in these planes; letters of any living script do not.
_PICTURE = re.compile("[\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]")


class Word(NamedTuple):
    """A word as the lexicon has it, and its place in the text."""

    text: str
    start: int
    end: int


def words_of(
    text: str, *, phrases: Mapping[str, Set[str]], pictures: Mapping[str, str]
) -> list[Word]:
    """The first words of a text. `phrases`: by first word, the phrases that begin so."""
    small = text.lower()
    if len(small) != len(text):  # a few capitals have two small letters: places would shift
        small = text
    found = [Word(_plain(one.group()), *one.span()) for one in _FOUND.finditer(small)]
    if not text.isascii():
        found = _with_pictures(text, found, pictures)
    return _joined(found[:WORDS_AT_MOST], phrases)


def by_first_word(phrases: Set[str]) -> dict[str, frozenset[str]]:
    """Phrases such as `all-time_high` by the word they begin with."""
    first: dict[str, set[str]] = {}
    for phrase in phrases:
        first.setdefault(phrase.partition("_")[0], set()).add(phrase)
    return {word: frozenset(held) for word, held in first.items()}


def _plain(found: str) -> str:
    first = found[0]
    if first == "$":
        return "#$"
    if first.isdigit():
        return "#%" if found[-1] == "%" else "#"
    return found if found.isascii() else found.lower().replace("\u2019", "'")


def _with_pictures(text: str, found: list[Word], pictures: Mapping[str, str]) -> list[Word]:
    """The words that describe each picture, where the picture stands."""
    for match in _PICTURE.finditer(text):
        described = pictures.get(match.group(), "").split()
        found += [Word(word, match.start(), match.end()) for word in described]
    return sorted(found, key=lambda word: word.start)


def _joined(words: list[Word], phrases: Mapping[str, Set[str]]) -> list[Word]:
    """Words with each phrase as one, the longest that fits."""
    if phrases.keys().isdisjoint([word.text for word in words]):
        return words
    joined: list[Word] = []
    at = 0
    while at < len(words):
        word = words[at]
        size = 1
        if held := phrases.get(word.text):
            for longer in range(min(LONGEST_PHRASE, len(words) - at), 1, -1):
                text = "_".join(one.text for one in words[at : at + longer])
                if text in held:
                    word, size = Word(text, word.start, words[at + longer - 1].end), longer
                    break
        joined.append(word)
        at += size
    return joined
