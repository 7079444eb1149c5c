"""Which coins a text names; better none than a wrong one. Pure.

A coin is named by its name (`Bitcoin Cash` before `Bitcoin`), a cashtag (`$BTC`), a pair
(`BTC/USD`), its ticker after its name (`Harmony (ONE)`) or its ticker in capitals. Names and
tickers that are words, acronyms or companies need more: what follows must be a word that only
coins have (`NEAR token`), or the word stands in capitals within a sentence that is not, near a
word of the trade. `$1` is money, and in a text of capitals tickers say nothing.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import NamedTuple

from market.coins import QUOTES, coins

READ_AT_MOST = 2_000
NEAR_WORDS = 3
_TOKEN = re.compile(r"[^\W_]+(?:[.'\u2019][^\W_]+)*")
ALSO_CALLED: Mapping[str, str] = {
    "ether": "ethereum",
    "btcs": "bitcoin",
    "bitcoins": "bitcoin",
    "binance coin": "binancecoin",
    "wbtc": "wrapped-bitcoin",
    "cosmos": "cosmos",
    "near": "near",
    "graph": "the-graph",
    "curve": "curve-dao-token",
    "shib": "shiba-inu",
}
# Single words that mean something else more often than not, or the company behind the coin.
WORDS_TOO = frozenset(
    (
        *("amp", "ark", "astar", "avalanche", "balancer", "blur", "celestia", "civic"),
        *("compound", "conflux", "core", "cosmos", "cronos", "curve", "dai", "dash"),
        *("dent", "dusk", "dymension", "flow", "ftx", "gala", "gate", "gmt", "gnosis", "golem"),
        *("graph", "harmony", "helium", "hive", "holo", "horizen", "huobi", "icon", "immutable"),
        *("injective", "joe", "jupiter", "just", "kava", "komodo", "kucoin", "maker", "mantle"),
        *("memecoin", "nano", "near", "nem", "neo", "nexo", "oasis", "ondo"),
        *("ontology", "optimism", "orca", "osmosis", "pepe", "pol", "polygon", "quant"),
        *("radworks", "render", "request", "ronin", "secret", "sei", "spell", "stacks", "status"),
        *("stellar", "sui", "sushi", "terra", "treasure", "uma", "venus"),
        *("verge", "waves", "wax", "woo", "wormhole", "arkham", "moonbeam"),
    )
)
TICKERS_TOO = frozenset(
    (
        *("ACH", "ALGO", "ALICE", "ALT", "AMP", "APE", "APT", "AR", "ARB", "ARK", "ATOM", "BAL"),
        *("BAND", "BAT", "BICO", "BLUR", "CAKE", "CEL", "CHR", "COMP", "CORE", "CRO", "DASH"),
        *("DENT", "DOT", "DUSK", "ENA", "ENJ", "ETC", "FET", "FIL", "FIRO", "FLOW", "GALA", "GMT"),
        *("GMX", "GT", "GTC", "HIVE", "HOT", "HT", "ICP", "ICX", "JOE", "JUP", "LEO", "LINK"),
        *("MAGIC", "MANA", "MASK", "MEME", "MINA", "MNT", "NEAR", "NEO", "NOT", "OCEAN", "OMG"),
        *("ONE", "ONT", "OP", "ORCA", "PERP", "PHA", "POL", "PPC", "QNT", "RAD", "RARE", "RARI"),
        *("RAY", "RENDER", "REQ", "ROSE", "RUNE", "SAND", "SC", "SEI", "SKL", "SPELL", "STG"),
        *("STX", "SUI", "SUN", "SUSHI", "SYS", "TAO", "TEL", "TON", "TRB", "UMA", "UNI", "VET"),
        *("W", "WAVES", "WIN", "WOO", "ZEN", "ZIL", "ZK", "LPT", "ENS", "API3", "ZRO"),
    )
)
# After a name these make it a coin's.
ONLY_COINS_HAVE = frozenset(
    (
        *("token", "tokens", "coin", "coins", "protocol", "network", "blockchain", "mainnet"),
        *("price", "holders", "whales", "stakers", "staking", "validators", "dao", "labs"),
    )
)
OF_THE_TRADE = ONLY_COINS_HAVE | frozenset(
    (
        *("crypto", "cryptocurrency", "defi", "nft", "nfts", "altcoin", "altcoins", "bitcoin"),
        *("dex", "ethereum", "ether", "btc", "eth", "stablecoin", "stablecoins", "testnet"),
        *("airdrop", "foundation"),
    )
)
# Beyond this share of capitals a title is set in capitals throughout.
TITLE_CASE_FROM = 0.6


class _Token(NamedTuple):
    text: str
    start: int
    end: int

    @property
    def small(self) -> str:
        return self.text.lower()


def coins_in(text: str) -> tuple[str, ...]:
    """Ids of coins in the order in which they are first named."""
    return tuple(dict.fromkeys(_found(text[:READ_AT_MOST])))


@cache
def _tickers() -> Mapping[str, str]:
    held: dict[str, str] = {}
    for coin in coins().values():
        held.setdefault(coin.symbol.upper(), coin.coin_id)
    return held


@cache
def _names() -> Mapping[str, tuple[tuple[tuple[str, ...], str], ...]]:
    """By first word: (words, coin_id), the longest first."""
    known = {coin.name.lower(): coin.coin_id for coin in reversed(tuple(coins().values()))}
    known |= {name: coin_id for name, coin_id in ALSO_CALLED.items() if coin_id in coins()}
    first: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for name, coin_id in known.items():
        words = tuple(token.text for token in _tokens(name))
        first.setdefault(words[0], []).append((words, coin_id))
    return {
        word: tuple(sorted(held, key=lambda one: (-len(one[0]), one[1])))
        for word, held in first.items()
    }


def _tokens(text: str) -> list[_Token]:
    found = []
    for match in _TOKEN.finditer(text):
        word = re.sub(r"['\u2019]s$", "", match.group())
        found.append(_Token(word, match.start(), match.start() + len(word)))
    return found


def _found(text: str) -> Iterator[str]:
    tokens = _tokens(text)
    is_title_case = _capitals(tokens) >= TITLE_CASE_FROM
    is_shouting = text.upper() == text
    at = 0
    while at < len(tokens):
        size, coin_id = _named(text, tokens, at, is_title_case)
        if coin_id is None and size == 1:
            coin_id = _by_ticker(text, tokens, at, is_shouting)
        if coin_id is not None:
            yield coin_id
        at += size


def _capitals(tokens: list[_Token]) -> float:
    """Share of the longer words, beyond the first, that begin with a capital."""
    longer = [token.text for token in tokens[1:] if len(token.text) > 3]
    return sum(word[0].isupper() for word in longer) / len(longer) if longer else 1.0


def _named(text: str, tokens: list[_Token], at: int, is_title_case: bool) -> tuple[int, str | None]:
    """How many tokens are read, and the coin that they name."""
    if _before(text, tokens[at]) == "$":
        return 1, None
    for words, coin_id in _names().get(tokens[at].small, ()):
        end = at + len(words)
        if tuple(token.small for token in tokens[at:end]) != words:
            continue
        if len(words) > 1 and tokens[end - 1].text[0].islower():
            continue  # what the graph shows, an internet computer
        if len(words) > 1 or words[0] not in WORDS_TOO:
            return len(words), coin_id
        if _is_meant(text, tokens, at, coin_id, is_title_case=is_title_case):
            return 1, coin_id
    return 1, None


def _is_meant(
    text: str, tokens: list[_Token], at: int, coin_id: str, *, is_title_case: bool
) -> bool:
    """Whether a name that is a word too is a coin's here."""
    token = tokens[at]
    if not token.text[0].isupper():
        return False
    following = tokens[at + 1] if at + 1 < len(tokens) else None
    if following is not None:
        if following.small in ONLY_COINS_HAVE and text[token.end : following.start].isspace():
            return True
        if _before(text, following) == "(" and _tickers().get(following.text) == coin_id:
            return True
    near = tokens[max(at - NEAR_WORDS, 0) : at] + tokens[at + 1 : at + 1 + NEAR_WORDS]
    is_within = at > 0 and text[tokens[at - 1].end : token.start].isspace()
    return is_within and not is_title_case and any(one.small in OF_THE_TRADE for one in near)


def _by_ticker(text: str, tokens: list[_Token], at: int, is_shouting: bool) -> str | None:
    token = tokens[at]
    coin_id = _tickers().get(token.text.upper())
    if coin_id is None or _before(text, token) == "$":
        return coin_id
    following = tokens[at + 1] if at + 1 < len(tokens) else None
    if not token.text.isupper():
        return None
    if following is not None and text[token.end : following.start] in {"/", "-"}:
        return coin_id if following.text in QUOTES else None
    if is_shouting or _is_quote(text, tokens, at):
        return None
    is_told = following is not None and following.small in {"price", "token", "coin", "holders"}
    is_plain = token.text not in TICKERS_TOO or is_told
    return coin_id if is_plain and len(token.text) > 1 else None


def _is_quote(text: str, tokens: list[_Token], at: int) -> bool:
    """The second half of a pair says what it is paid in."""
    if at == 0 or tokens[at].text not in QUOTES:
        return False
    before = tokens[at - 1]
    return text[before.end : tokens[at].start] in {"/", "-"} and before.text in _tickers()


def _before(text: str, token: _Token) -> str:
    return text[token.start - 1] if token.start else ""
