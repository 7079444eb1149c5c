"""The mood of a headline: VADER's rules, our words, and what a reader is shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from spark_jobs.transforms.sentiment.lexicon import Lexicon
from spark_jobs.transforms.sentiment.scoring import LABELS, Scorer, _Vader, shipped_scorer

WORDS = (
    *("good", "bad", "crash", "very", "not", "never", "so", "this", "without", "doubt", "least"),
    *("at", "but", "no", "kind", "of", "the", "bomb", "isn't", "hardly", "market", "to", "die"),
)


def a_lexicon(**facts) -> Lexicon:
    named = {
        "version": "test",
        "fitted_on": "",
        "entries": {"moon": (2.0, 0.0), "rug_pull": (-3.0, 0.0), "how": (0.0, 2.0)},
        "stock": (1.0, 0.0, 0.0),
        "sharpness": 1.0,
        "bias_valence": 0.0,
        "bias_neutrality": 0.5,
    } | facts
    return Lexicon(**named)


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=9))
def test_the_rules_give_what_the_library_gives_for_the_same_words(words):
    library = SentimentIntensityAnalyzer().polarity_scores(" ".join(words))["compound"]
    total = sum(_Vader().valences(words))
    assert round(total / (total * total + 15) ** 0.5, 4) == library


def test_our_words_count_beside_those_of_vader_and_phrases_as_a_whole():
    scorer = Scorer(a_lexicon())
    assert scorer.score("To the moon").label == "positive"
    assert scorer.score("A rug pull").label == "negative"
    assert scorer.score("A terrible day").label == "negative"
    assert scorer.score("A rug to pull").label == "neutral"


def test_words_that_take_no_side_ask_for_more_before_a_side_is_taken():
    scorer = Scorer(a_lexicon())
    assert scorer.score("moon").label == "positive"
    assert scorer.score("How moon").label == "neutral"
    assert scorer.score("How moon").compound == scorer.score("moon").compound


def test_a_negation_turns_a_word_round():
    scorer = Scorer(a_lexicon())
    assert scorer.score("not the moon").compound < 0 < scorer.score("the moon").compound


def test_the_deciding_words_are_the_stretches_of_the_headline_as_it_stands():
    (one,) = Scorer(a_lexicon()).score("«Rug Pull» \u2014 developers gone").deciding
    assert (one.text, one.weight) == ("Rug Pull", -3.0)
    assert "«Rug Pull»"[one.start : one.end] == "Rug Pull"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\n\r\t",
        "\u202e\u202d",
        "<b></b>",
        "🚀" * 500,
        "x" * 10_000,
        '"' * 9,
        "עולה מחיר",
        "\0",
    ],
    ids=range(10),
)
def test_any_text_has_a_mood(text):
    mood = shipped_scorer().score(text)
    assert mood.label in LABELS
    assert -1 <= mood.compound <= 1
    assert all(text[one.start : one.end] == one.text for one in mood.deciding)


@pytest.mark.parametrize(
    ("headline", "label"),
    [
        ("Token surges to an all-time high after exchange listing", "positive"),
        ("Payments firm partners with bank to launch stablecoin", "positive"),
        ("SEC files lawsuit against lender over unregistered tokens", "negative"),
        ("Exchange hacked: thieves stole funds, withdrawals halted", "negative"),
        ("What is staking, and how does it work?", "neutral"),
    ],
)
def test_the_shipped_lexicon_reads_plain_cases_as_people_do(headline, label):
    assert shipped_scorer().score(headline).label == label
