"""Anybody's one-minute bars, played as trades that reproduce each bar exactly.

Candles are the recorded rows themselves, also those before the start; a recorded minute of volume
0 is a candle without trades, a minute that the file lacks is no candle. `quote_volume` and the
takers' share are those of our trades from the start on; before it, where nobody asks for trades,
they are volume times the middle of the bar, and half of that.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import groupby

from market.coins import market_of
from market.errors import Fatal
from market.main_market import Market, main_market
from simulator.recent import Recent
from simulator.recorded_bars.bar_candles import candle_of_trades, united, untraded_candle
from simulator.recorded_bars.bar_file import Bar, BarTable, read_bars
from simulator.recorded_bars.bar_market import BarMarket
from simulator.recorded_bars.bar_news import BarNews
from simulator.scenario import (
    CHANGE_SPANS_MS,
    DAY_MS,
    MINUTE_MS,
    Article,
    Kline,
    Mood,
    Scenario,
    Snapshot,
    Trade,
    WrongScenario,
    change_pct,
)
from simulator.scenarios.offer import ScenarioOffer, ScenarioRequest

TRADE_MINUTES_KEPT = 512
SOURCE = "binance"


class BarsScenario(Scenario):
    """The files' markets, from `start_ms` to the end of the last file."""

    name = "bars"

    def __init__(self, tables: Mapping[str, BarTable], *, seed: int, start_ms: int) -> None:
        self.start_ms = start_ms - start_ms % MINUTE_MS
        self.last_ms = max(table.open_times_ms[-1] for table in tables.values()) + MINUTE_MS - 1
        self.end_ms = self.last_ms
        self._markets = {
            symbol: BarMarket(market_of(SOURCE, symbol), table, seed=seed, start_ms=self.start_ms)
            for symbol, table in tables.items()
        }
        self.instruments = {s: market.instrument() for s, market in self._markets.items()}
        self._news = BarNews(self._markets, seed=seed)
        self._recent: Recent[tuple[str, int], list[Trade]] = Recent(TRADE_MINUTES_KEPT)

    def minute_trades(self, symbol: str, minute: int) -> Sequence[Trade]:
        """See Scenario."""
        market = self._markets[symbol]
        row = market.table.row_of(minute)
        if row is None:
            return []
        return self._recent.get((symbol, minute), lambda: market.trades_of_row(row))

    def minute_of_trade(self, symbol: str, trade_id: int, through_ms: int) -> int | None:
        """See Scenario. The files are short: any id is found at once, however late."""
        del through_ms
        market = self._markets[symbol]
        row = market.row_of_trade(trade_id)
        return None if row is None else market.table.open_times_ms[row] // MINUTE_MS

    def _minute_candle(self, symbol: str, row: int, now_ms: int) -> Kline | None:
        market = self._markets[symbol]
        bar = market.table[row]
        is_open = bar.open_time_ms + MINUTE_MS > now_ms
        if not is_open and (Decimal(bar.volume) == 0 or not market.has_trades(row)):
            return untraded_candle(bar)
        trades = self.minute_trades(symbol, bar.open_time_ms // MINUTE_MS)
        told = [trade for trade in trades if trade.traded_at_ms <= now_ms]
        if not told:
            return None
        candle = candle_of_trades(bar.open_time_ms, told)
        return candle if is_open else candle._replace(high=bar.high, low=bar.low, volume=bar.volume)

    def klines(
        self, symbol: str, interval_ms: int, first_open_ms: int, limit: int, now_ms: int
    ) -> Sequence[Kline]:
        """See Scenario."""
        times = self._markets[symbol].table.open_times_ms
        rows = range(bisect_left(times, first_open_ms), bisect_left(times, now_ms + 1))
        groups: list[Kline] = []
        for opened, inside in groupby(rows, key=lambda row: times[row] - times[row] % interval_ms):
            if len(groups) == limit:
                break
            candles = [self._minute_candle(symbol, row, now_ms) for row in inside]
            known = [candle for candle in candles if candle is not None]
            if known:
                groups.append(known[0] if interval_ms == MINUTE_MS else united(opened, known))
        return groups

    def snapshots(self, at_ms: int) -> Sequence[Snapshot]:
        """See Scenario. A coin's numbers are those of its main market; supplies are not known."""
        at_ms -= at_ms % MINUTE_MS
        by_coin: dict[str, list[Market]] = {}
        for bar_market in self._markets.values():
            by_coin.setdefault(bar_market.market.coin_id, []).append(bar_market.market)
        mains = ((coin_id, main_market(markets)) for coin_id, markets in by_coin.items())
        return [
            self._snapshot(coin_id, None if main is None else self._markets[main.symbol], at_ms)
            for coin_id, main in mains
        ]

    def articles(self, feed: str, at_ms: int, limit: int) -> Sequence[Article]:
        """See Scenario. Few and plain: hours that moved, and a quiet day's end."""
        return self._news.articles(feed, at_ms, limit)

    def moods(self, at_ms: int, limit: int | None) -> Sequence[Mood]:
        """See Scenario. The first market of the best dollar tells."""
        main = main_market(market.market for market in self._markets.values())
        return () if main is None else self._news.moods(self._markets[main.symbol], at_ms, limit)

    def _snapshot(self, coin_id: str, market: BarMarket | None, at_ms: int) -> Snapshot:
        def price_at(moment_ms: int) -> float | None:
            bar = market.bar_closed_by(moment_ms) if market else None
            return float(bar.close) if bar else None

        price = price_at(at_ms)
        day = self._traded_day(market, at_ms) if market else []
        return Snapshot(
            coin_id=coin_id,
            observed_at_ms=at_ms,
            price_usd=price,
            high_24h_usd=max((float(bar.high) for bar in day), default=None),
            low_24h_usd=min((float(bar.low) for bar in day), default=None),
            volume_24h_usd=(
                sum(float(bar.volume) * float(bar.close) for bar in day) if day else None
            ),
            price_24h_ago_usd=price_at(at_ms - DAY_MS),
            changes_pct={
                span: change_pct(price, price_at(at_ms - ms))
                for span, ms in CHANGE_SPANS_MS.items()
            },
        )

    @staticmethod
    def _traded_day(market: BarMarket, at_ms: int) -> list[Bar]:
        times = market.table.open_times_ms
        rows = range(bisect_left(times, at_ms - DAY_MS), bisect_left(times, at_ms - MINUTE_MS + 1))
        bars = (market.table[row] for row in rows)
        return [bar for bar in bars if Decimal(bar.volume) > 0]


def open_bars(request: ScenarioRequest) -> BarsScenario:
    """The scenario of the request's files. Raises WrongScenario with every wrong line."""
    if not request.bars:
        raise WrongScenario("the scenario bars needs at least one SYMBOL=FILE")
    if request.folder:
        raise WrongScenario("folder: only the scenario recording plays a folder")
    tables: dict[str, BarTable] = {}
    problems: list[str] = []
    for symbol, path in request.bars.items():
        try:
            market_of(SOURCE, symbol)
            tables[symbol] = read_bars(path)
        except (Fatal, WrongScenario) as error:
            problems.append(str(error))
    if problems:
        raise WrongScenario("\n".join(problems))
    first = min(table.open_times_ms[0] for table in tables.values())
    start_ms = first if request.start_ms is None else request.start_ms
    scenario = BarsScenario(tables, seed=request.seed, start_ms=start_ms)
    if not first <= start_ms <= scenario.last_ms:
        raise WrongScenario(
            f"from: {start_ms} ms is outside the files, which go from {first} ms "
            f"to {scenario.last_ms} ms"
        )
    return scenario


BARS = ScenarioOffer(
    name="bars", summary="one-minute bars of any market and day, as trades", open=open_bars
)
