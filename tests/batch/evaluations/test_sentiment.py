"""`evaluate sentiment`: its numbers, its folds, and files as people have them."""

import csv
import gzip
from pathlib import Path

import orjson
import pytest

from batch.evaluations.sentiment import Agreement
from batch.headlines import digest_of, folds_of
from batch.sentiment_fit import as_file, fitted
from market.errors import Fatal
from spark_jobs.transforms.sentiment.lexicon import Lexicon, shipped
from spark_jobs.transforms.sentiment.scoring import Scorer

LABELLED = Path(__file__).resolve().parents[3].parent / "shared/data/sentiment/cryptolin"
GOOD, BAD, QUIET = "glims", "woffs", "plods"
# Made-up words: only labels can tell what they mean.
MADE_UP = [
    (f"{subject}{place} {word}", label)
    for subject in ("Bank", "Fund", "Court", "Miner", "Broker", "Farm", "Club", "Mayor")
    for place in ("alpha", "beta", "gamma")
    for word, label in ((GOOD, 1), (BAD, -1), (QUIET, 0))
]


def write(path: Path, rows, header=("text", "label")) -> Path:
    with path.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([header, *rows])
    return path


def test_agreement_is_counted_by_the_book():
    agreement = Agreement.of([1, 1, 0, -1], [1, 0, 0, 1])
    assert agreement.accuracy == 0.5
    assert agreement.of_label(1) == {"precision": 0.5, "recall": 0.5, "f1": 0.5, "n": 2}
    assert agreement.of_label(-1) == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "n": 1}
    assert agreement.macro_f1 == pytest.approx((0.5 + 2 / 3 + 0) / 3)
    assert agreement.as_json()["confusion"]["positive"]["neutral"] == 1


def test_the_shipped_lexicon_is_asked_and_says_what_it_is(tmp_path, evaluate):
    rows = [("Token surges, again", 1), ("SEC files lawsuit against lender", -1)]
    report = evaluate("sentiment", "--headlines", write(tmp_path / "h.csv", rows))
    assert (report["n"], report["accuracy"], report["bad_rows"]) == (2, 1.0, 0)
    assert report["lexicon_version"] == shipped().version
    assert report["in_sample"] is False
    assert report["headlines_per_s"] > 0
    assert set(report["per_class"]) == {"negative", "neutral", "positive"}


def test_folds_learn_what_made_up_words_mean_and_the_shipped_lexicon_cannot(tmp_path, evaluate):
    file = write(tmp_path / "h.csv", MADE_UP)
    assert evaluate("sentiment", "--headlines", file)["macro_f1"] < 0.5
    report = evaluate("sentiment", "--headlines", file, "--folds", 4)
    assert (report["macro_f1"], report["folds"], report["n"]) == (1.0, 4, len(MADE_UP))


def test_a_fold_learns_nothing_of_itself(tmp_path, evaluate):
    """Each headline has a word of its own: nobody outside of its fold can know it."""
    rows = [(f"zq{'abcdefghijklmnopqrst'[n]} vx{n % 2}", (-1, 0, 1)[n % 3]) for n in range(20)]
    assert (
        evaluate("sentiment", "--headlines", write(tmp_path / "h.csv", rows), "--folds", 5)[
            "accuracy"
        ]
        < 0.6
    )


def test_reports_that_are_alike_share_a_fold_and_classes_are_spread():
    copies = [
        (f"{letter} Lender halts withdrawals after losses on loans", -1) for letter in "abcdef"
    ]
    dealt = folds_of([*copies, *MADE_UP], 4)
    assert len(set(dealt[:6])) == 1
    sizes = [dealt.count(fold) for fold in range(4)]
    assert max(sizes) - min(sizes) <= 6
    assert dealt == folds_of([*copies, *MADE_UP], 4)


def test_a_built_lexicon_is_written_read_back_and_known_to_be_in_sample(tmp_path, evaluate):
    file, built = write(tmp_path / "h.csv", MADE_UP), tmp_path / "lexicon.json"
    report = evaluate("sentiment", "--headlines", file, "--build", built)
    assert (report["in_sample"], report["macro_f1"]) == (True, 1.0)
    lexicon = Lexicon.of(orjson.loads(built.read_bytes()))
    assert lexicon.version == report["lexicon_version"]
    assert lexicon.fitted_on == digest_of(MADE_UP)
    assert Scorer(lexicon).score(f"Some {BAD} now").label == "negative"
    assert lexicon == fitted(list(reversed(MADE_UP)), fitted_on=digest_of(MADE_UP))


def test_the_file_holds_words_and_phrases_and_no_headline(tmp_path):
    entries = shipped().entries
    assert max(word.count("_") for word in entries) <= 3
    assert all(abs(valence) <= 4 for valence, _ in entries.values())
    assert Lexicon.of(orjson.loads(as_file(shipped()))) == shipped()


def test_bad_rows_are_counted_and_named(tmp_path, evaluate):
    file = tmp_path / "h.csv"
    file.write_text(
        'text,label\nfine,1\n"two\nlines, ""quoted""",0\n,1\nbad,2\nbad,good\nmore,1,1\n'
    )
    report = evaluate("sentiment", "--headlines", file)
    assert (report["n"], report["bad_rows"]) == (2, 4)
    named = [(bad["row"], bad["column"]) for bad in report["bad_rows_named"]]
    assert named == [(5, "text"), (6, "label"), (7, "label"), (8, "")]


def test_a_compressed_file_with_other_columns_and_a_byte_order_mark_is_read(tmp_path, evaluate):
    file = tmp_path / "h.csv.gz"
    file.write_bytes(gzip.compress("\ufeffid,news,mood\n1,Token surges 🚀,1\n".encode()))
    assert evaluate("sentiment", "--headlines", file, "--columns", "news,mood")["n"] == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "needs text, label once"),
        (b"text,label\n", "holds no row"),
        (b"text,label\n,3\n", "none of its 1 rows is good"),
        (b"text,label\n\xff\xfe,1\n", "not UTF-8"),
        (b'text,label\n"never closed,1\n', "cannot be read as CSV"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path, evaluate, content, words):
    file = tmp_path / "h.csv"
    file.write_bytes(content)
    with pytest.raises(Fatal, match=words):
        evaluate("sentiment", "--headlines", file)


def test_headlines_that_are_all_alike_cannot_be_dealt_into_folds(tmp_path, evaluate):
    rows = [("Lender halts withdrawals after losses on loans", n % 2) for n in range(9)]
    with pytest.raises(Fatal, match="alike"):
        evaluate("sentiment", "--headlines", write(tmp_path / "h.csv", rows), "--folds", 3)


@pytest.mark.skipif(not LABELLED.exists(), reason="needs ../shared/data/sentiment")
def test_refitted_for_each_fold_the_labelled_half_is_read_better_than_0_6(evaluate):
    file = LABELLED / "CryptoLin_half.csv"
    asked = ("--headlines", file, "--columns", "news,final_manual_labelling")
    report = evaluate("sentiment", *asked, "--folds", 5)
    assert report["n"] == 1310
    assert report["macro_f1"] >= 0.60
    assert report["macro_f1"] > report["stock_vader"]["macro_f1"] + 0.1
    assert evaluate("sentiment", *asked)["in_sample"] is True
