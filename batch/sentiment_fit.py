"""Fits the crypto lexicon to labelled headlines: `./cryptoviz evaluate sentiment --build`.

A multinomial logistic regression with a Gaussian prior (ridge). Features: how many words of each
family a headline has, how often each word, and the sum of VADER's own valences. A word's weight is
its families' plus its own, and the own is shrunk four times as much: words that are rare in the
labels keep their family's sense. Nothing here is random; the same headlines give the same file.
"""

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from hashlib import sha256
from importlib.resources import files

import numpy as np
import orjson
from vaderSentiment.vaderSentiment import BOOSTER_DICT, NEGATE, SentimentIntensityAnalyzer

from market.coins import coins
from spark_jobs.transforms.sentiment.lexicon import Lexicon
from spark_jobs.transforms.sentiment.words import by_first_word, words_of

VERSION = 1
CLASSES = (-1, 0, 1)
# A word of fewer headlines than this tells more about one story than about words.
HEADLINES_AT_LEAST = 2
# Prior precision of a family's weight and of a word's own; logits.
FAMILY_PENALTY = 10 / 3
WORD_PENALTY = 4 * FAMILY_PENALTY
# 1 weighs all classes alike, 0 all headlines; macro-F1 lies between accuracy and mean recall.
CLASS_BALANCE = 0.8
STOCK_UNIT = 2.0
# VADER's scale: no word is stronger.
STRONGEST = 4.0
STEPS = 400
# What a word must weigh to stand in the file.
SMALLEST_VALENCE, SMALLEST_NEUTRALITY = 0.05, 0.02
_BY_RULE = frozenset(NEGATE) | frozenset(BOOSTER_DICT)
_STOCK, _STOCK_SIZE = "stock", "stock_size"

Headline = tuple[str, int]
"""Text and its label, -1, 0 or 1."""


@dataclass(frozen=True, slots=True)
class _Vocabulary:
    """What features are made of, whatever the labels."""

    families: Mapping[str, tuple[str, ...]]
    """By word or phrase joined by `_`: the families that it is in."""
    phrases: Mapping[str, frozenset[str]]
    stock: Mapping[str, float]
    pictures: Mapping[str, str]
    names: frozenset[str]
    """Of coins: whom a headline is about is no mood."""

    def features(self, text: str) -> dict[str, float]:
        """What a headline has of each feature."""
        found: Counter[str] = Counter()
        stock = size = 0.0
        for word, _, _ in words_of(text, phrases=self.phrases, pictures=self.pictures):
            if word in _BY_RULE:
                continue
            for family in self.families.get(word, ()):
                found[f"family {family}"] += 1
            if word not in self.names:
                found[f"word {word}"] += 1
            stock += self.stock.get(word, 0.0)
            size += abs(self.stock.get(word, 0.0))
        return {**found, _STOCK: stock / STOCK_UNIT, _STOCK_SIZE: size / STOCK_UNIT}


@cache
def _vocabulary() -> _Vocabulary:
    text = files("spark_jobs.transforms.sentiment").joinpath("families.toml").read_text("utf-8")
    families: dict[str, tuple[str, ...]] = {}
    for family, held in tomllib.loads(text).items():
        for phrase in held["words"]:
            word = phrase.replace(" ", "_")
            families[word] = (*families.get(word, ()), family)
    vader = SentimentIntensityAnalyzer()
    names = {name.lower() for coin in coins().values() for name in (coin.symbol, coin.name)}
    return _Vocabulary(
        families=families,
        phrases=by_first_word({word for word in families if "_" in word}),
        stock=vader.lexicon,
        pictures=vader.emojis,
        names=frozenset(names - families.keys()),
    )


def fitted(headlines: Sequence[Headline], *, fitted_on: str = "") -> Lexicon:
    """The lexicon of these headlines alone, with the families and VADER's own words."""
    vocabulary = _vocabulary()
    rows = [vocabulary.features(text) for text, _ in headlines]
    held = Counter(name for row in rows for name in row)
    names = sorted(
        name for name in held if held[name] >= HEADLINES_AT_LEAST or name.startswith("family ")
    )
    places = {name: place for place, name in enumerate(names)}
    penalties = np.array(
        [WORD_PENALTY if name.startswith("word ") else FAMILY_PENALTY for name in names]
    )
    sparse = _Sparse.of(
        [
            {places[name]: count for name, count in features.items() if name in places}
            for features in rows
        ],
        penalties,
    )
    labels = np.array([CLASSES.index(label) for _, label in headlines])
    weights, biases = _regression(sparse, labels)
    weights /= np.sqrt(penalties)[:, None]
    lexicon = _lexicon(vocabulary, dict(zip(names, weights, strict=True)), biases)
    digest = sha256(orjson.dumps(asdict(lexicon), option=orjson.OPT_SORT_KEYS)).hexdigest()
    return replace(lexicon, version=f"{VERSION}.{digest[:8]}", fitted_on=fitted_on)


@dataclass(frozen=True, slots=True)
class _Sparse:
    """A matrix with few cells a row: their columns and values, padded with column 0 and value 0.

    A feature is divided by the root of its penalty, so that all have penalty 1; the last column
    is the bias and has none to speak of.
    """

    columns: np.ndarray
    values: np.ndarray
    width: int

    @classmethod
    def of(cls, rows: Sequence[Mapping[int, float]], penalties: np.ndarray) -> "_Sparse":
        """Rows as value by column."""
        longest = max(map(len, rows), default=0) + 1
        columns = np.zeros((len(rows), longest), dtype=np.int64)
        values = np.zeros((len(rows), longest))
        roots = np.sqrt(penalties)
        for at, row in enumerate(rows):
            held = np.fromiter(row, dtype=np.int64, count=len(row))
            columns[at, 0], values[at, 0] = len(penalties), 1.0
            columns[at, 1 : len(row) + 1] = held
            values[at, 1 : len(row) + 1] = np.fromiter(row.values(), float, len(row)) / roots[held]
        return cls(columns, values, len(penalties) + 1)

    def times(self, weights: np.ndarray) -> np.ndarray:
        """The matrix times (width x k)."""
        return np.asarray(np.einsum("rc,rck->rk", self.values, weights[self.columns]))

    def transposed_times(self, rows: np.ndarray) -> np.ndarray:
        """Its transpose times (rows x k)."""
        flat = self.columns.ravel()
        sums = [
            np.bincount(flat, (self.values * column[:, None]).ravel(), minlength=self.width)
            for column in rows.T
        ]
        return np.stack(sums, axis=1)


def _regression(counts: _Sparse, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights (feature x class) and biases that maximise the posterior; Nesterov's descent."""
    per_class = np.maximum(np.bincount(labels, minlength=len(CLASSES)), 1)
    importance = ((len(labels) / len(CLASSES) / per_class) ** CLASS_BALANCE)[labels][:, None]
    wanted = np.eye(len(CLASSES))[labels]
    ridge = np.append(np.ones(counts.width - 1), 1e-3)[:, None]
    step = 1 / (0.5 * _largest_eigenvalue(counts, importance) + 1)
    found = before = np.zeros((counts.width, len(CLASSES)))
    for n in range(STEPS):
        ahead = found + (n / (n + 3)) * (found - before)
        logits = counts.times(ahead)
        chances = np.exp(logits - logits.max(axis=1, keepdims=True))
        chances /= chances.sum(axis=1, keepdims=True)
        slope = counts.transposed_times((chances - wanted) * importance) + ridge * ahead
        before, found = found, ahead - step * slope
    return found[:-1], found[-1]


def _largest_eigenvalue(counts: _Sparse, importance: np.ndarray) -> float:
    """Of the weighted Gram matrix by power iteration, and 5 % more: no step may overshoot."""
    vector = np.ones((counts.width, 1))
    largest = 1.0
    for _ in range(50):
        vector = counts.transposed_times(importance * counts.times(vector))
        largest = float(np.linalg.norm(vector))
        vector /= largest
    return 1.05 * largest


def _two(logits: np.ndarray) -> tuple[float, float]:
    """(positive against negative, neutral against the mean of both)."""
    negative, neutral, positive = logits.tolist()
    return positive - negative, neutral - (positive + negative) / 2


def _lexicon(
    vocabulary: _Vocabulary, weights: Mapping[str, np.ndarray], biases: np.ndarray
) -> Lexicon:
    none = np.zeros(len(CLASSES))
    stock_lean, stock_quiet = _two(weights.get(_STOCK, none) / STOCK_UNIT)
    size_lean, size_quiet = _two(weights.get(_STOCK_SIZE, none) / STOCK_UNIT)
    own = {name.removeprefix("word ") for name in weights if name.startswith("word ")}
    raw: dict[str, tuple[float, float]] = {}
    for word in sorted((own | vocabulary.families.keys()) - _BY_RULE):
        parts = [weights.get(f"word {word}", none)]
        parts += [
            weights.get(f"family {family}", none) for family in vocabulary.families.get(word, ())
        ]
        lean, quiet = _two(np.sum(parts, axis=0))
        stock = vocabulary.stock.get(word, 0.0)
        raw[word] = (
            lean + stock_lean * stock + size_lean * abs(stock),
            quiet + stock_quiet * stock + size_quiet * abs(stock),
        )
    unit = max((abs(lean) for lean, _ in raw.values()), default=STRONGEST) / STRONGEST
    bias_lean, bias_quiet = _two(biases)
    return Lexicon(
        version="",
        fitted_on="",
        entries=dict(_worth_keeping(raw, unit)),
        stock=(round(stock_lean / unit, 4), round(stock_quiet, 4), round(size_quiet, 4)),
        sharpness=round(unit, 4),
        bias_valence=round(bias_lean, 4),
        bias_neutrality=round(bias_quiet, 4),
    )


def _worth_keeping(
    raw: Mapping[str, tuple[float, float]], unit: float
) -> Iterator[tuple[str, tuple[float, float]]]:
    for word, (lean, quiet) in raw.items():
        valence, neutrality = round(lean / unit, 2) + 0.0, round(quiet, 3) + 0.0
        if abs(valence) >= SMALLEST_VALENCE or abs(neutrality) >= SMALLEST_NEUTRALITY:
            yield word, (valence, neutrality)


def as_file(lexicon: Lexicon) -> bytes:
    """The lexicon's file: one entry a line, so that a change can be read."""
    head = asdict(lexicon)
    entries = head.pop("entries")
    top = ",\n".join(f'  "{name}": {orjson.dumps(held).decode()}' for name, held in head.items())
    lines = [
        f"    {orjson.dumps(word).decode()}: [{valence:g}, {neutrality:g}]"
        for word, (valence, neutrality) in entries.items()
    ]
    return ("{\n" + top + ',\n  "entries": {\n' + ",\n".join(lines) + "\n  }\n}\n").encode()
