"""The mood of a headline: VADER's rules over the crypto lexicon. Deterministic.

The rules (negation, boosters, `but`) and the compound are VADER's own, of the library; words and
weights are ours where the lexicon has them. A scorer keeps nothing from one headline to the next.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import sqrt
from typing import Literal, NamedTuple

from vaderSentiment.vaderSentiment import (
    BOOSTER_DICT,
    NEGATE,
    SPECIAL_CASES,
    SentimentIntensityAnalyzer,
)

from spark_jobs.transforms.sentiment.lexicon import Lexicon, shipped
from spark_jobs.transforms.sentiment.words import Word, by_first_word, words_of

Label = Literal["negative", "neutral", "positive"]
LABELS: tuple[Label, ...] = ("negative", "neutral", "positive")
# VADER's own constant: the sum of valences at which the compound is 0.71.
ALPHA = 15.0
# Words with less than this do not decide anything a reader would want to see.
DECIDES_FROM = 0.3
DECIDING_AT_MOST = 8


_NEGATE = frozenset(NEGATE)
# Words without one of which none of VADER's rules changes a valence; of a phrase its longest word.
_RULED = _NEGATE | {
    max(phrase.split(), key=len)
    for phrase in (*BOOSTER_DICT, *SPECIAL_CASES, "no", "least", "but", "so", "this")
}


class Deciding(NamedTuple):
    """A stretch of the headline and the valence that it adds, after VADER's rules."""

    text: str
    start: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True)
class Mood:
    """`compound` from -1 to 1; `deciding` in the order of the text."""

    compound: float
    label: Label
    deciding: tuple[Deciding, ...]


class _Text:
    """What VADER's rules ask of a text; capitals are not shouting here."""

    is_cap_diff = False

    def __init__(self, words: list[str]) -> None:
        self.words_and_emoticons = words


class _Vader(SentimentIntensityAnalyzer):  # type: ignore[misc]  # the library has no types
    """VADER's rules, asked for the valence of each word instead of their sum."""

    def valences(self, words: list[str]) -> list[float]:
        """After the rules, in the order of the words, which are in small letters."""
        lexicon = self.lexicon
        if _RULED.isdisjoint(words) and not any(word.endswith("n't") for word in words):
            # No rule can apply, which half of all headlines are spared.
            return [lexicon.get(word, 0.0) for word in words]
        text = _Text(words)
        found: list[float] = []
        for at, word in enumerate(words):
            is_degree = word in BOOSTER_DICT or (
                word == "kind" and words[at + 1 : at + 2] == ["of"]
            )
            if is_degree or word not in lexicon:
                found.append(0.0)
            else:
                found = self.sentiment_valence(0.0, text, word, at, found)
        weighed: list[float] = self._but_check(words, found)
        return weighed

    @staticmethod
    def _negation_check(valence: float, words: list[str], start_i: int, i: int) -> float:
        """VADER's rule where it can apply: finding that it cannot took it half of all time."""
        before = words[i - (start_i + 1)]
        applies = before in _NEGATE or "n't" in before or words[i - 1] in {"so", "this"}
        if not applies:
            return valence
        return float(SentimentIntensityAnalyzer._negation_check(valence, words, start_i, i))


class Scorer:
    """Scores headlines with one lexicon."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._vader = _Vader()
        self._pictures: dict[str, str] = self._vader.emojis
        a, b, c = lexicon.stock
        stock: dict[str, float] = self._vader.lexicon
        self._neutrality = {word: b * own + c * abs(own) for word, own in stock.items()}
        self._neutrality |= {word: neutral for word, (_, neutral) in lexicon.entries.items()}
        valences = {word: a * own for word, own in stock.items()}
        valences |= {word: valence for word, (valence, _) in lexicon.entries.items()}
        self._vader.lexicon = {word: valence for word, valence in valences.items() if valence}
        self._phrases = by_first_word({word for word in valences if "_" in word})

    @property
    def version(self) -> str:
        """The lexicon's."""
        return self._lexicon.version

    def words(self, text: str) -> list[Word]:
        """The words that are scored."""
        return words_of(text, phrases=self._phrases, pictures=self._pictures)

    def score(self, text: str) -> Mood:
        """The mood of one headline. An empty one is neutral with a compound of 0."""
        words = self.words(text)
        if not words:
            return Mood(0.0, "neutral", ())
        valences = self._vader.valences([word.text for word in words])
        total = sum(valences)
        neutrality = sum(self._neutrality.get(word.text, 0.0) for word in words)
        return Mood(
            compound=round(total / sqrt(total * total + ALPHA), 4),
            label=self._label(total, neutrality),
            deciding=_deciding(text, words, valences),
        )

    def _label(self, total: float, neutrality: float) -> Label:
        """The likeliest of the three: neutral has 0, the others what speaks for them beyond it."""
        lean = self._lexicon.sharpness * total + self._lexicon.bias_valence
        quiet = neutrality + self._lexicon.bias_neutrality
        if max(lean, -lean) / 2 <= quiet:
            return "neutral"
        return "positive" if lean > 0 else "negative"


def _deciding(text: str, words: Sequence[Word], valences: Sequence[float]) -> tuple[Deciding, ...]:
    weighed = [
        Deciding(text[word.start : word.end], word.start, word.end, round(valence, 2))
        for word, valence in zip(words, valences, strict=True)
        if abs(valence) >= DECIDES_FROM
    ]
    heaviest = sorted(weighed, key=lambda one: -abs(one.weight))[:DECIDING_AT_MOST]
    return tuple(sorted(heaviest, key=lambda one: one.start))


@cache
def shipped_scorer() -> Scorer:
    """One a process: making it reads VADER's files."""
    return Scorer(shipped())
