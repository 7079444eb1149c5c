"""When two headlines are one report: their sets of words overlap. Pure."""

import re
from collections.abc import Set

# Shared words over all words (Jaccard). Of ten words a copy may change three: 7 shared of 13.
ALIKE_FROM = 0.5
_WORD = re.compile(r"[^\W_]+(?:[.,]\d+)*")
# Say nothing about what a report is about.
_FILLERS = frozenset(
    (
        *("a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "from", "has", "have"),
        *("in", "is", "it", "its", "of", "on", "or", "that", "the", "this", "to", "was", "were"),
        *("will", "with", "after", "amid", "over", "new", "says", "update", "corrected"),
    )
)


def words_for_likeness(text: str, *, at_most: int = 60) -> frozenset[str]:
    """The words and numbers of a text that tell one report from another."""
    found = _WORD.findall(text.lower())
    return frozenset(word for word in found[:at_most] if word not in _FILLERS)


def likeness(one: Set[str], other: Set[str]) -> float:
    """From 0 to 1."""
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared) if shared else 0.0


def are_alike(one: Set[str], other: Set[str]) -> bool:
    """Whether two texts are one report: alike, and not the same words with other numbers."""
    if likeness(one, other) < ALIKE_FROM:
        return False
    numbers = numbers_of(one), numbers_of(other)
    return not all(numbers) or not numbers[0].isdisjoint(numbers[1])


def numbers_of(words: Set[str]) -> frozenset[str]:
    """Words that begin with a digit."""
    return frozenset(word for word in words if word[0].isdigit())
