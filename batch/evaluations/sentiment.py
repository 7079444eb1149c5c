"""Sentiment of labelled headlines through the shipped scorer, or refitted for each fold.

With `--folds K` each headline is scored by a lexicon that has seen nothing of its fold; reports
that are alike share a fold. Without, the shipped lexicon answers, and `in_sample` says whether it
was fitted to these very headlines.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from batch.headlines import digest_of, folds_of, read_headlines
from batch.plain_csv import BadRows
from batch.sentiment_fit import CLASSES, Headline, as_file, fitted
from batch.terminal import Tell, bad_rows_json, console, print_json, progress, show_bad_rows
from market.errors import Fatal
from spark_jobs.transforms.sentiment.lexicon import shipped
from spark_jobs.transforms.sentiment.scoring import LABELS, Scorer, shipped_scorer

FOLDS_AT_MOST = 50
NAMES = dict(zip(CLASSES, LABELS, strict=True))
NUMBERS = {name: label for label, name in NAMES.items()}
# VADER's authors call a compound from -0.05 to 0.05 neutral.
STOCK_NEUTRAL = 0.05
# CPU time over which the rate is measured.
RATE_OVER_S = 2.0


@dataclass(frozen=True, slots=True)
class Agreement:
    """Labels as given against labels as found."""

    pairs: Mapping[tuple[int, int], int]
    """How many headlines have (given, found)."""

    @classmethod
    def of(cls, given: Sequence[int], found: Sequence[int]) -> "Agreement":
        """Of two lists in the same order."""
        pairs = dict.fromkeys(((one, other) for one in CLASSES for other in CLASSES), 0)
        for pair in zip(given, found, strict=True):
            pairs[pair] += 1
        return cls(pairs)

    @property
    def n(self) -> int:
        """Headlines."""
        return sum(self.pairs.values())

    @property
    def accuracy(self) -> float:
        """Share whose label was found."""
        return sum(self.pairs[label, label] for label in CLASSES) / self.n

    @property
    def macro_f1(self) -> float:
        """Mean F1 of the three labels; a label that nobody gave or found has 0."""
        return sum(self.of_label(label)["f1"] for label in CLASSES) / len(CLASSES)

    def of_label(self, label: int) -> dict[str, float]:
        """Precision, recall, F1 and how many bear the label."""
        hits = self.pairs[label, label]
        given = sum(self.pairs[label, found] for found in CLASSES)
        found = sum(self.pairs[one, label] for one in CLASSES)
        return {
            "precision": hits / found if found else 0.0,
            "recall": hits / given if given else 0.0,
            "f1": 2 * hits / (given + found) if given + found else 0.0,
            "n": given,
        }

    def as_json(self) -> dict[str, Any]:
        """The report's fields about agreement."""
        confusion = {
            NAMES[given]: {NAMES[found]: self.pairs[given, found] for found in CLASSES}
            for given in CLASSES
        }
        return {
            "n": self.n,
            "accuracy": self.accuracy,
            "macro_f1": self.macro_f1,
            "per_class": {NAMES[label]: self.of_label(label) for label in CLASSES},
            "confusion": confusion,
        }


def evaluate(
    headlines: Annotated[
        Path, typer.Option(help="CSV text,label; labels -1, 0, 1; text with commas in quotes.")
    ],
    folds: Annotated[
        int, typer.Option(min=0, max=FOLDS_AT_MOST, help="Refit the lexicon for each of K folds.")
    ] = 0,
    build: Annotated[
        Path | None, typer.Option(help="Fit a lexicon to all headlines and write it here.")
    ] = None,
    columns: Annotated[
        str, typer.Option(help="Names of the two columns, where they are others.")
    ] = "text,label",
    as_json: Annotated[bool, typer.Option("--json", help="One object, for programs.")] = False,
) -> None:
    """How often the mood of headlines is what people said it is."""
    text, comma, label = columns.partition(",")
    if not comma or folds == 1:
        raise Fatal("--columns needs two names with a comma between, --folds 2 or more.")
    bad_rows = BadRows()
    with progress() as tell:
        tell("reading", headlines.name)
        held = read_headlines(headlines, bad_rows, columns=(text.strip(), label.strip()))
        digest = digest_of(held)
        if build is not None:
            tell("fitting", f"{len(held):,} headlines")
            lexicon = fitted(held, fitted_on=digest)
            build.write_bytes(as_file(lexicon))
            scorer = Scorer(lexicon)
        else:
            lexicon, scorer = shipped(), shipped_scorer()
        given = [given for _, given in held]
        found = refitted(held, folds, tell) if folds else labels_of(scorer, held)
        agreement = Agreement.of(given, found)
        report = {
            **agreement.as_json(),
            "headlines_per_s": rate(scorer, held, tell),
            "lexicon_version": lexicon.version,
            "folds": folds or None,
            "in_sample": not folds and digest == lexicon.fitted_on,
            "stock_vader": _stock(held, given),
        }
    if as_json:
        print_json({**report, **bad_rows_json([bad_rows])})
    else:
        _show(agreement, report, bad_rows)


def refitted(headlines: Sequence[Headline], folds: int, tell: Tell) -> list[int]:
    """The label of each headline by a lexicon that was fitted to the other folds."""
    if len(headlines) < folds:
        raise Fatal(f"--folds {folds}: there are only {len(headlines)} headlines.")
    dealt = folds_of(headlines, folds)
    if len(set(dealt)) < folds:
        raise Fatal(f"--folds {folds}: too many headlines are alike; those share a fold.")
    found = [0] * len(headlines)
    for fold in range(folds):
        tell("fitting", f"fold {fold + 1} of {folds}")
        others = [one for one, at in zip(headlines, dealt, strict=True) if at != fold]
        scorer = Scorer(fitted(others))
        for place, at in enumerate(dealt):
            if at == fold:
                found[place] = NUMBERS[scorer.score(headlines[place][0]).label]
    return found


def labels_of(scorer: Scorer, headlines: Sequence[Headline]) -> list[int]:
    """The label of each headline."""
    return [NUMBERS[scorer.score(text).label] for text, _ in headlines]


def rate(scorer: Scorer, headlines: Sequence[Headline], tell: Tell) -> float:
    """Headlines that one core scores in a second of its time, deciding words included."""
    tell("timing", "")
    scored = 0
    began = time.process_time()
    while (took_s := time.process_time() - began) < RATE_OVER_S:
        for text, _ in headlines:
            scorer.score(text)
        scored += len(headlines)
    return scored / took_s


def _stock(headlines: Sequence[Headline], given: Sequence[int]) -> dict[str, float]:
    """VADER as it comes, for comparison."""
    agreement = Agreement.of(given, list(_stock_labels(headlines)))
    return {"accuracy": agreement.accuracy, "macro_f1": agreement.macro_f1}


def _stock_labels(headlines: Sequence[Headline]) -> Iterator[int]:
    vader = SentimentIntensityAnalyzer()
    for text, _ in headlines:
        compound = vader.polarity_scores(text)["compound"]
        yield 0 if abs(compound) < STOCK_NEUTRAL else (1 if compound > 0 else -1)


def _show(agreement: Agreement, report: Mapping[str, Any], bad_rows: BadRows) -> None:
    out = console()
    how = f"{report['folds']} folds, refitted" if report["folds"] else "the lexicon as it is"
    if report["in_sample"]:
        how = "in-sample: the lexicon was fitted to these headlines"
    out.print(
        f"macro-F1 {agreement.macro_f1:.3f}, accuracy {agreement.accuracy:.3f}"
        f" of {agreement.n:,} headlines ({how})."
    )
    out.print(f"Stock VADER: macro-F1 {report['stock_vader']['macro_f1']:.3f}.")
    out.print(
        f"{report['headlines_per_s']:,.0f} headlines/s a core; lexicon {report['lexicon_version']}."
    )
    table = Table("label", "precision", "recall", "F1", "n", *(f"found {name}" for name in LABELS))
    for label in CLASSES:
        one = agreement.of_label(label)
        numbers = (f"{one[name]:.3f}" for name in ("precision", "recall", "f1"))
        found = (str(agreement.pairs[label, other]) for other in CLASSES)
        table.add_row(NAMES[label], *numbers, str(one["n"]), *found)
    out.print(table)
    show_bad_rows(out, [bad_rows])
