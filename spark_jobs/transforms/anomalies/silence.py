"""A source or one of its markets that is silent for longer than its own rule allows. Pure.

Judged from heartbeats alone, so that silence needs no clock of ours: every agent beats every ten
seconds of real time, and any agent's heartbeat is the time for all.

- A source that runs is silent when its newest good answer is older than LIMITS_S (or six of its own
  heartbeats, where time is sped up), or when it beats no more while others do.
- A market is silent while its agent says so: no trade for 60 s and ten times its usual pause, while
  others trade.
- How long a pause between heartbeats usually is shows only after some: before any agent has beaten
  six times nobody is called silent for not beating. At a start agents beat twice at once, and with
  time sped up sixty times the next beat is ten minutes later.
- An agent that is off, or done, is not silent: it says why. When nobody has beaten for a while the
  platform was down, and every agent is given time to come back.
"""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from market.coins import market_of
from market.errors import Fatal
from spark_jobs.transforms.anomalies.episodes import About, Episodes, Row, Sighting, utc

# Seconds of platform time: some polls of each, at the cadence it is asked with.
LIMITS_S: Mapping[str, float] = {
    "binance_trades": 60,
    "coingecko": 300,
    "coingecko_global": 1_800,
    "coinmarketcap": 1_800,
    "rss": 3_600,
    "fear_greed": 93_600,
}
OTHER_LIMIT_S = 3_600.0
BEATS_MISSED = 6
# An agent that has beaten once is expected again after this at the latest.
LEAST_MISSED_MS = 60_000
NEWEST_WEIGHT = 0.2
RUNS = ("running", "degraded")
# An agent that is heard of no more for so long was taken out of the platform.
FORGOTTEN_MS = 7 * 86_400_000


class Silence:
    """State and step of all sources."""

    watches: ClassVar[str] = "sources"

    def __init__(self) -> None:
        self._unanswered = Episodes("silence", quiet_ms=0, facet="answers")
        self._unheard = Episodes("silence", quiet_ms=0, facet="heartbeats")
        self._markets = Episodes("silence", quiet_ms=0)
        # By agent: its newest heartbeat, the usual pause between them, silent markets since when.
        self._agents: dict[str, dict[str, Any]] = {}
        self._newest_ms = -1

    def step(self, row: Row, _about: About) -> Iterator[Row]:
        """Revisions that a heartbeat makes."""
        name, at_ms = row["source"], row["observed_at_ms"]
        if self._newest_ms >= 0 and at_ms - self._newest_ms > self._patience_ms():
            for agent in self._agents.values():
                agent |= {"beat_ms": at_ms, "beats": 0}  # the platform was down
        self._newest_ms = max(self._newest_ms, at_ms)
        agent = self._heard(row, name, at_ms)
        yield from self._answers(row, name, agent)
        yield from self._named(row, name, agent)
        for other in sorted(self._agents):
            yield from self._beats(row, other)

    def _patience_ms(self) -> float:
        """How long an agent, or all of them, may not beat while the platform runs."""
        usual = [agent["pause_ms"] for agent in self._agents.values() if agent["pause_ms"]]
        return max(LEAST_MISSED_MS, BEATS_MISSED * max(usual, default=0.0))

    def _heard(self, row: Row, name: str, at_ms: int) -> dict[str, Any]:
        agent = self._agents.setdefault(
            name,
            {"beat_ms": at_ms, "beats": 0, "pause_ms": None, "state": row["state"], "markets": {}},
        )
        pause_ms = at_ms - agent["beat_ms"]
        if pause_ms > 0:
            usual_ms = agent["pause_ms"] or pause_ms
            agent["pause_ms"] = usual_ms + NEWEST_WEIGHT * (pause_ms - usual_ms)
        agent |= {"beat_ms": max(at_ms, agent["beat_ms"]), "state": row["state"]}
        agent["beats"] += 1
        agent["coordinate"] = row["coordinate"]
        for gone in [
            other
            for other, held in self._agents.items()
            if held["beat_ms"] < self._newest_ms - FORGOTTEN_MS
        ]:
            del self._agents[gone]
        return agent

    def _answers(self, row: Row, name: str, agent: dict[str, Any]) -> Iterator[Row]:
        """The age of its newest good answer."""
        about = About(name)
        heard_ms = row["last_success_at_ms"]
        limit_s = max(
            LIMITS_S.get(name, OTHER_LIMIT_S), BEATS_MISSED * (agent["pause_ms"] or 0) / 1000
        )
        silent_s = 0.0 if heard_ms is None else (row["observed_at_ms"] - heard_ms) / 1000
        opens = row["state"] in RUNS and silent_s > limit_s
        if opens or about.subject in self._unanswered:
            words = f"{name} has had no good answer for {silent_s:,.0f} s"
            seen = _sighting(row, silent_s, limit_s, words, [agent["coordinate"]])
            yield from self._unanswered.see(about, seen, opens=opens, holds=opens)

    def _beats(self, row: Row, name: str) -> Iterator[Row]:
        """How long an agent has not beaten while this one did."""
        about, agent = About(name), self._agents[name]
        silent_s = (row["observed_at_ms"] - agent["beat_ms"]) / 1000
        limit_s = self._patience_ms() / 1000
        is_known = max(each["beats"] for each in self._agents.values()) >= BEATS_MISSED
        opens = is_known and agent["state"] in RUNS and silent_s > limit_s
        if opens or about.subject in self._unheard:
            words = f"The agent {name} has not been heard of for {silent_s:,.0f} s"
            seen = _sighting(row, silent_s, limit_s, words, [agent["coordinate"]])
            yield from self._unheard.see(about, seen, opens=opens, holds=opens)

    def _named(self, row: Row, name: str, agent: dict[str, Any]) -> Iterator[Row]:
        """Markets that the agent calls silent, and those that it no longer does."""
        named, since = set(row["silent_symbols"] or ()), agent["markets"]
        limit_s = LIMITS_S.get(name, OTHER_LIMIT_S)
        for symbol in sorted(named | since.keys()):
            first_ms = since.setdefault(symbol, row["observed_at_ms"])
            about = _market(name, symbol)
            silent_s = (row["observed_at_ms"] - first_ms) / 1000 + limit_s
            words = f"{about.source} {symbol} has not traded for {silent_s:,.0f} s or more"
            seen = _sighting(
                row, silent_s, limit_s, f"{words} while others did", [agent["coordinate"]]
            )
            is_silent = symbol in named
            yield from self._markets.see(about, seen, opens=is_silent, holds=is_silent)
            if not is_silent:
                del since[symbol]

    def save(self) -> list[Any]:
        """What is known of each agent, the newest heartbeat, open episodes."""
        episodes = [one.save() for one in (self._unanswered, self._unheard, self._markets)]
        return [self._agents, self._newest_ms, episodes]

    def restore(self, saved: list[Any]) -> None:
        """Take over what was saved."""
        self._agents, self._newest_ms, episodes = saved
        kinds = (self._unanswered, self._unheard, self._markets)
        for kind, held in zip(kinds, episodes, strict=True):
            kind.restore(held)


def _market(agent: str, symbol: str) -> About:
    venue = agent.partition("_")[0]  # binance_trades follows markets of binance
    try:
        market = market_of(venue, symbol)
    except Fatal:
        return About(venue, symbol=symbol)
    return About(venue, coin_id=market.coin_id, symbol=symbol, quote=market.quote)


def _sighting(
    row: Row, silent_s: float, limit_s: float, words: str, coordinates: list[str]
) -> Sighting:
    at_ms = row["observed_at_ms"]
    return Sighting(
        at_ms=at_ms,
        collected_at_ms=row["collected_at_ms"],
        started_at_ms=at_ms - round(1000 * silent_s),
        value=silent_s,
        times=silent_s / limit_s,
        threshold=limit_s,
        unit="s",
        expected=None,
        score=silent_s / limit_s,
        n=None,
        window_ms=round(1000 * limit_s),
        sources=[row["source"]],
        coordinates=coordinates,
        sentence=f"{words} at {utc(at_ms)} (limit {limit_s:,.0f} s).",
    )
