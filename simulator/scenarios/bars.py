"""Anybody's one-minute bars, played as trades that reproduce each bar exactly.

Candles are the recorded rows themselves, also those before the start; a recorded minute of volume
0 is a candle without trades, a minute that the file lacks is no candle. `quote_volume` and the
takers' share are those of our trades from the start on; before it, where nobody asks for trades,
they are volume times the middle of the bar, and half of that.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import accumulate, groupby

from market.coins import Market, main_market, market_of
from market.errors import Fatal
from simulator.bar_file import Bar, BarTable, read_bars
from simulator.bar_trades import trade_count, trades_of_bar
from simulator.decimals import decimals_of
from simulator.recent import Recent
from simulator.scenario import (
    CHANGE_SPANS_MS,
    DAY_MS,
    MINUTE_MS,
    Instrument,
    Kline,
    Scenario,
    Snapshot,
    Trade,
    WrongScenario,
    change_pct,
    first_fill_id,
    last_fill_id,
)
from simulator.scenarios.offer import ScenarioOffer, ScenarioRequest
from simulator.seeded import stream

TRADE_MINUTES_KEPT = 512
SOURCE = "binance"


class BarMarket:
    """One file's market: its bars and the ids of their trades."""

    def __init__(self, market: Market, table: BarTable, *, seed: int, start_ms: int) -> None:
        self.market = market
        self.table = table
        self._seed = seed
        self._start_row = bisect_left(table.open_times_ms, start_ms)
        salt = int(stream(seed, "bars", market.symbol).integers(2**63))
        counts = (trade_count(table[row], salt) for row in range(self._start_row, len(table)))
        # _ids[i] is the highest id before the i-th bar from the start on.
        self._ids = list(accumulate(counts, initial=0))

    def instrument(self) -> Instrument:
        """Decimals are those of a sample of the file: they are for display."""
        sample = [self.table[row] for row in range(0, len(self.table), len(self.table) // 500 + 1)]
        prices = (Decimal(text) for bar in sample for text in (bar.open, bar.close))
        volumes = (Decimal(bar.volume) for bar in sample)
        return Instrument(
            symbol=self.market.symbol,
            coin_id=self.market.coin_id,
            base=self.market.symbol.removesuffix(self.market.quote),
            quote=self.market.quote,
            price_decimals=max(map(decimals_of, prices)),
            quantity_decimals=max(map(decimals_of, volumes)),
        )

    def trades_of_row(self, row: int) -> list[Trade]:
        """The trades of a bar at or after the start."""
        if row < self._start_row:
            return []
        before = self._ids[row - self._start_row]
        count = self._ids[row - self._start_row + 1] - before
        bar = self.table[row]
        random = stream(self._seed, "bar", self.market.symbol, bar.open_time_ms)
        return [
            Trade(
                symbol=self.market.symbol,
                trade_id=trade_id,
                first_fill_id=first_fill_id(trade_id),
                last_fill_id=last_fill_id(trade_id),
                price=trade.price,
                quantity=trade.quantity,
                traded_at_ms=bar.open_time_ms + trade.offset_ms,
                buyer_is_maker=trade.buyer_is_maker,
            )
            for trade_id, trade in enumerate(trades_of_bar(bar, count, random), before + 1)
        ]

    def row_of_trade(self, trade_id: int) -> int | None:
        """Row of the bar that holds an id, None past the end."""
        place = bisect_left(self._ids, trade_id) - 1
        return self._start_row + place if trade_id <= self._ids[-1] else None

    def has_trades(self, row: int) -> bool:
        """Whether a row's candle is made of trades that can be asked for."""
        return row >= self._start_row

    def bar_closed_by(self, at_ms: int) -> Bar | None:
        """The newest bar that had closed at a moment and held a trade, of the day before it."""
        row = bisect_left(self.table.open_times_ms, at_ms - MINUTE_MS + 1) - 1
        while row >= 0 and self.table.open_times_ms[row] >= at_ms - DAY_MS:
            bar = self.table[row]
            if Decimal(bar.volume) > 0:
                return bar
            row -= 1
        return None


def candle_of_trades(open_time_ms: int, trades: Sequence[Trade]) -> Kline:
    """The candle of at least one trade, sums exact."""
    money = [Decimal(trade.price) * Decimal(trade.quantity) for trade in trades]
    taken = [not trade.buyer_is_maker for trade in trades]
    volume = sum((Decimal(trade.quantity) for trade in trades), Decimal(0))
    taker = (Decimal(t.quantity) for t, buys in zip(trades, taken, strict=True) if buys)
    taker_money = (part for part, buys in zip(money, taken, strict=True) if buys)
    return Kline(
        open_time_ms=open_time_ms,
        open=trades[0].price,
        high=max((trade.price for trade in trades), key=Decimal),
        low=min((trade.price for trade in trades), key=Decimal),
        close=trades[-1].price,
        volume=f"{volume:f}",
        quote_volume=f"{sum(money, Decimal(0)):f}",
        trades=trades[-1].last_fill_id - trades[0].first_fill_id + 1,
        taker_base_volume=f"{sum(taker, Decimal(0)):f}",
        taker_quote_volume=f"{sum(taker_money, Decimal(0)):f}",
    )


def untraded_candle(bar: Bar) -> Kline:
    """A recorded minute without trades of ours: before the start, or of volume 0."""
    volume = Decimal(bar.volume)
    money = volume * (Decimal(bar.high) + Decimal(bar.low)) / 2
    count = trade_count(bar, 0)
    return Kline(
        bar.open_time_ms, bar.open, bar.high, bar.low, bar.close, bar.volume,
        f"{money:f}", count, f"{volume / 2:f}", f"{money / 2:f}",
    )  # fmt: skip


def united(open_time_ms: int, candles: Sequence[Kline]) -> Kline:
    """One longer candle out of the candles inside it."""

    def total(texts: list[str]) -> str:
        return f"{sum((Decimal(text) for text in texts), Decimal(0)):f}"

    # A minute without a trade repeats an older price: it makes no high and no low.
    traded = [candle for candle in candles if Decimal(candle.volume) > 0] or candles
    return Kline(
        open_time_ms=open_time_ms,
        open=traded[0].open,
        high=max((candle.high for candle in traded), key=Decimal),
        low=min((candle.low for candle in traded), key=Decimal),
        close=traded[-1].close,
        volume=total([candle.volume for candle in candles]),
        quote_volume=total([candle.quote_volume for candle in candles]),
        trades=sum(candle.trades for candle in candles),
        taker_base_volume=total([candle.taker_base_volume for candle in candles]),
        taker_quote_volume=total([candle.taker_quote_volume for candle in candles]),
    )


class BarsScenario(Scenario):
    """The files' markets, from `start_ms` to the end of the last file."""

    name = "bars"

    def __init__(self, tables: Mapping[str, BarTable], *, seed: int, start_ms: int) -> None:
        self.start_ms = start_ms - start_ms % MINUTE_MS
        self.end_ms = max(table.open_times_ms[-1] for table in tables.values()) + MINUTE_MS - 1
        self._markets = {
            symbol: BarMarket(market_of(SOURCE, symbol), table, seed=seed, start_ms=self.start_ms)
            for symbol, table in tables.items()
        }
        self.instruments = {s: market.instrument() for s, market in self._markets.items()}
        self._recent: Recent[tuple[str, int], list[Trade]] = Recent(TRADE_MINUTES_KEPT)

    def minute_trades(self, symbol: str, minute: int) -> Sequence[Trade]:
        """See Scenario."""
        market = self._markets[symbol]
        row = market.table.row_of(minute)
        if row is None:
            return []
        return self._recent.get((symbol, minute), lambda: market.trades_of_row(row))

    def minute_of_trade(self, symbol: str, trade_id: int) -> int | None:
        """See Scenario."""
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
    if not first <= start_ms <= scenario.end_ms:
        raise WrongScenario(
            f"from: {start_ms} ms is outside the files, which go from {first} to {scenario.end_ms} ms"
        )
    return scenario


BARS = ScenarioOffer(
    name="bars", summary="one-minute bars of any market and day, as trades", open=open_bars
)
