"""Coins in a text: better none than a wrong one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.coins import coins
from spark_jobs.transforms.sentiment.coins import TICKERS_TOO, WORDS_TOO, coins_in


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Bitcoin Cash and Bitcoin SV fall, Bitcoin holds", "bitcoin-cash bitcoin-cash-sv bitcoin"),
        ("$BTC and $eth lead; $1 billion lost", "bitcoin ethereum"),
        ("Harmony (ONE) bridge hacked", "harmony"),
        ("NEAR Protocol raises $150M", "near"),
        ("NEAR token doubles", "near"),
        ("BTC/USDT volume rises", "bitcoin"),
        ("ETH-USD at a new high", "ethereum"),
        ("LINK price jumps 10%", "chainlink"),
        ("Traders of Solana's SOL", "solana"),
        ("DeFi lender Compound sees fees surge", "compound-governance-token"),
        ("Ether rises while XRP slips", "ethereum ripple"),
        ("The Sandbox and The Graph rally", "the-sandbox the-graph"),
        ("<b>Bitcoin</b>: \u201cDogecoin\u2019s\u201d day", "bitcoin dogecoin"),
    ],
)
def test_a_coin_is_known_by_name_pair_cashtag_or_ticker(text, named):
    assert " ".join(coins_in(text)) == named


@pytest.mark.parametrize(
    "text",
    [
        "High gas fees push users near the one exit",
        "Near-term outlook: flow of funds",
        "Dot plot shows Fed link to sand mining",
        "One coin to rule them all",
        "An avalanche of liquidations",
        "What the graph shows of the sandbox",
        "FTX files for bankruptcy",
        "Stellar results at Coinbase",
        "The dash for cash and the secret of waves",
        "ALL THE NEWS ON ONE LINK AND NEAR FLOW",
        "Watch this link: one win is not enough",
        "Tethered to the dollar, a solanaceous plant",
        "An internet computer costs $100; $1INCH",
        "OP-ED: AR and AI in the UNI hall, GMT+1",
    ],
)
def test_words_that_are_names_elsewhere_name_no_coin(text):
    assert set(coins_in(text)) <= ({"1inch"} if "$1INCH" in text else set())


def test_a_text_of_capitals_says_nothing_by_tickers():
    assert coins_in("SELL SOL NOW") == ()
    assert coins_in("Sell SOL now") == ("solana",)


def test_the_lists_of_words_name_coins_of_ours():
    names = {coin.name.lower() for coin in coins().values()}
    tickers = {coin.symbol for coin in coins().values()}
    assert {"near", "cosmos", "graph", "curve"} >= WORDS_TOO - names
    assert TICKERS_TOO - tickers == frozenset()


@given(st.text(max_size=80))
def test_any_text_can_be_read(text):
    assert set(coins_in(text)) <= coins().keys()
