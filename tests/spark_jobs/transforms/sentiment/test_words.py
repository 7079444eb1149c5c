"""A headline as words: phrases, numbers by kind, pictures, places in the text."""

from hypothesis import given
from hypothesis import strategies as st

from spark_jobs.transforms.sentiment.words import WORDS_AT_MOST, Word, by_first_word, words_of

PHRASES = by_first_word({"rug_pull", "all-time_high", "all-time_high_again"})


def texts(text: str) -> list[str]:
    return [word.text for word in words_of(text, phrases=PHRASES, pictures={"🚀": "rocket up"})]


def test_a_phrase_is_one_word_and_the_longest_counts():
    assert texts("All-time high!") == ["all-time_high"]
    assert texts("An all-time high again") == ["an", "all-time_high_again"]
    assert texts("Rug pull; rug, pulled") == ["rug_pull", "rug", "pulled"]


def test_numbers_are_known_by_their_kind_alone():
    assert texts("3 coins lose 12.5% or $4,000,000 in 2023?") == [
        *("#", "coins", "lose", "#%", "or", "#$", "in", "#", "?"),
    ]


def test_a_picture_is_read_as_its_description_where_it_stands():
    words = words_of("Up 🚀 now", phrases={}, pictures={"🚀": "rocket up"})
    assert words[1:3] == [Word("rocket", 3, 4), Word("up", 3, 4)]


def test_a_headline_of_ten_kilobytes_is_read_as_far_as_a_headline_goes():
    assert len(texts("bad news " * 1_200)) == WORDS_AT_MOST


@given(st.text(max_size=60))
def test_every_word_says_where_it_stands(text):
    for word in words_of(text, phrases=PHRASES, pictures={}):
        assert 0 <= word.start < word.end <= len(text)
