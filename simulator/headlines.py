"""Headlines of our own: templates by what happened, two houses' styles, later edits.

No text here is taken from anywhere. A story is facts (who, how much, where the price stands); a
feed chooses its words by the seed, so both may tell the same story differently.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from simulator.scenario import MINUTE_MS, Article

# A feed tells a story with this chance; one story in five reads differently later.
TOLD_CHANCE = 0.65
EDIT_CHANCE = 0.2
PUBLISHED_WITHIN_MINUTES = 20
EDITED_AFTER_MINUTES = (12, 45)
AUTHORS: Mapping[str, Sequence[str]] = {
    "coindesk": ("Ada Marsh", "Tomas Reyl", "Ines Okoro"),
    "cointelegraph": ("Piet Vanderlo", "Mira Solberg", "Jun Takeda"),
}
# Words by how large a move is, in the coin's usual hours.
RISES = ("edges up", "climbs", "jumps", "surges")
FALLS = ("slips", "drops", "tumbles", "plunges")

HEADLINES: Mapping[str, Mapping[str, Sequence[str]]] = {
    "rise": {
        "coindesk": (
            "{coin} {verb} {move} in an hour to {price}",
            "{coin} {verb} to {price} as buyers take over",
        ),
        "cointelegraph": (
            "{symbol} price {verb} {move}: bulls regain control near {price}",
            "Why is {coin} up today? {symbol} adds {move} in an hour",
        ),
    },
    "fall": {
        "coindesk": (
            "{coin} {verb} {move} in an hour to {price}",
            "{coin} {verb} to {price} amid heavy selling",
        ),
        "cointelegraph": (
            "{symbol} price {verb} {move}: bears push below {price}",
            "Why is {coin} down today? {symbol} loses {move} in an hour",
        ),
    },
    "high": {
        "coindesk": ("{coin} reaches its highest price in a {span} at {price}",),
        "cointelegraph": ("{symbol} breaks out to a one-{span} high of {price}",),
    },
    "low": {
        "coindesk": ("{coin} falls to its lowest price in a {span}",),
        "cointelegraph": ("{symbol} sinks to a one-{span} low, {price} in focus",),
    },
    "volume": {
        "coindesk": ("Trading in {coin} picks up to {times} times its usual pace",),
        "cointelegraph": ("{symbol} volume spikes {times}x while price stands at {price}",),
    },
    "storm": {
        "coindesk": ("Crypto markets swing widely; {coin} at {price}",),
        "cointelegraph": ("Volatility returns to crypto as {symbol} moves {move} in an hour",),
    },
    "calm": {
        "coindesk": ("Crypto markets drift as {coin} holds near {price}",),
        "cointelegraph": ("{symbol} price barely moves: traders wait at {price}",),
    },
    "day": {
        "coindesk": ("{coin} leads the day with a gain of {move}; {loser} lags",),
        "cointelegraph": ("Daily wrap: {symbol} gains {move}, {loser} is the weakest",),
    },
}
SUMMARIES: Mapping[str, str] = {
    "rise": "{coin} ({symbol}) rose {move} within an hour and traded at {price}.",
    "fall": "{coin} ({symbol}) lost {move} within an hour and traded at {price}.",
    "high": "{coin} ({symbol}) traded at {price}, above every daily open of the last {span}.",
    "low": "{coin} ({symbol}) traded at {price}, below every daily open of the last {span}.",
    "volume": "{times} times the usual hourly volume of {coin} changed hands; price {price}.",
    "storm": "Most large coins moved far more than in a usual hour. {coin} stood at {price}.",
    "calm": "Hardly any large coin moved in the last hour. {coin} stood at {price}.",
    "day": "Of the coins we follow {coin} gained the most, {move}, and {loser} the least.",
}
EDITS = ("UPDATE: {title}", "{title}, traders say", "{title} (corrected)")


@dataclass(frozen=True, slots=True)
class Story:
    """What happened. `facts` fill the templates of its kind."""

    kind: str
    facts: Mapping[str, str]


def money(price: float) -> str:
    """A price as people read it: cents, or four digits of a small coin's."""
    return f"${price:,.2f}" if price >= 1 else f"${price:.4g}"


def verb(move: float, usual: float) -> str:
    """The word for a move, by how large it is in usual moves."""
    words = RISES if move >= 0 else FALLS
    return words[min(int(abs(move) / max(usual, 1e-9)), len(words) - 1)]


def slug_of(title: str) -> str:
    """A title as part of an address."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:80]


def articles_of(
    feed: str, stories: Sequence[Story], *, after_ms: int, label: str, random: np.random.Generator
) -> list[Article]:
    """What a feed makes of an hour's stories, published soon after `after_ms`, oldest first."""
    written = []
    for number, story in enumerate(stories):
        tells, edits, minute, edited = random.random(4).tolist()
        templates = HEADLINES[story.kind][feed]
        title = templates[int(random.integers(len(templates)))].format(**story.facts)
        edit = EDITS[int(random.integers(len(EDITS)))].format(title=title)
        author = AUTHORS[feed][int(random.integers(len(AUTHORS[feed])))]
        if tells >= TOLD_CHANCE:
            continue
        published_at_ms = after_ms + int((1 + minute * PUBLISHED_WITHIN_MINUTES) * 60) * 1000
        first, last = EDITED_AFTER_MINUTES
        edited_at_ms = published_at_ms + int(first + edited * (last - first)) * MINUTE_MS
        identity = f"{label}/{feed}/{after_ms}/{number}".encode()
        number_text = blake2b(identity, digest_size=8).hexdigest()
        written.append(
            Article(
                guid=f"{feed}-{number_text}",
                url=f"https://news.example/{feed}/{slug_of(title)}-{number_text[:6]}",
                title=title,
                summary=SUMMARIES[story.kind].format(**story.facts),
                author=author,
                categories=("Markets", story.facts["coin"]),
                published_at_ms=published_at_ms,
                edited_at_ms=edited_at_ms if edits < EDIT_CHANCE else None,
                edited_title=edit if edits < EDIT_CHANCE else None,
            )
        )
    return sorted(written, key=lambda article: article.published_at_ms)
