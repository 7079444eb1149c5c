"""Anomalies of anybody's trades: what is found, what matches, what is false; and on real pumps."""

import csv
import gzip
import io
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from batch.evaluations.anomalies import quote_of
from batch.evaluations.pump_truth import Found, score_of
from market.errors import Fatal
from tests.agents.sources.recordings import recording
from tests.batch.builders import START_MS, a_trade, write_csv, write_trades
from tests.batch.conftest import Evaluate

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("shared_spark")]

EVENT_NAMES = ("symbol", "started_at_ms")
HOURS = 3
# Announced pumps of which the data's README says that nothing came of them.
FAILED = (
    *("DLT_2021-05-16", "IDEX_2021-01-17", "MTH_2021-07-27"),
    *("NEBL_2021-04-02", "NXS_2020-03-03", "SNM_2021-11-20"),
)
PUMPS = "anomalies/pugoev/trades"


def market(symbol: str, *, pumped: bool = True, **facts: Any) -> list[Any]:
    """Three quiet hours, then, if so, twenty seconds of a pump."""
    rng = random.Random(symbol)
    price, trades = 1.0, []
    for at_s in range(0, HOURS * 3_600, 15):
        price *= 1 + rng.gauss(0, 0.0003)
        trades.append((at_s, price, rng.lognormvariate(0, 0.5), rng.choice(["buy", "sell"])))
    for n in range(20 if pumped else 0):
        trades += [(HOURS * 3_600 + n, price * 1.01 ** (n + 1), 30.0, "buy")] * 3
    return [
        a_trade(
            "",
            symbol=symbol,
            price=price,
            quantity=quantity,
            traded_at_ms=START_MS + 1000 * at_s,
            **{"aggressor": side, **facts},
        )
        for at_s, price, quantity, side in trades
    ]


def event(symbol: str, after_s: float = 0.0) -> dict[str, Any]:
    return {"symbol": symbol, "started_at_ms": START_MS + round((HOURS * 3_600 + after_s) * 1000)}


@pytest.fixture
def judged(evaluate: Evaluate, tmp_path: Path):
    def run(trades: list[Any], *options: Any, **files: list[Any]) -> dict[str, Any]:
        words: list[Any] = ["--trades", write_trades(tmp_path / "trades.csv", trades)]
        for name, rows in files.items():
            words += [f"--{name}", write_csv(tmp_path / f"{name}.csv", EVENT_NAMES, rows)]
        return evaluate("anomalies", *words, *options)

    return run


def test_pumps_are_matched_by_symbol_and_time_and_others_are_false(judged):
    trades = [*market("AAABTC"), *market("BBBBTC"), *market("CCCBTC", pumped=False)]
    told = judged(trades, events=[event("AAABTC"), event("CCCBTC")])
    found = [one for one in told["anomalies"] if one["kind"] == "pump"]
    assert [one["symbol"] for one in found] == ["AAABTC", "BBBBTC"]
    assert (told["recall"], told["precision"], told["f1"]) == (0.5, 0.5, 0.5)
    assert 0 < told["delay_s_median"] < 20
    assert told["false_alarms_per_day"] == pytest.approx(1 / told["days"])
    assert {"severity", "started_at_ms", "detected_at_ms"} <= found[0].keys()


def test_rows_need_no_order_across_symbols(judged):
    one, two = market("AAABTC"), market("BBBBTC")
    mixed = sorted([*one, *two], key=lambda trade: trade["traded_at_ms"])
    assert judged(mixed)["anomalies"] == judged([*two, *one])["anomalies"]


def test_what_an_announcement_that_failed_shows_is_neither_right_nor_wrong(judged):
    trades = [*market("AAABTC"), *market("BBBBTC")]
    told = judged(trades, events=[event("AAABTC")], failed=[event("BBBBTC")])
    assert (told["f1"], told["false_alarms"], told["failed_matched"]) == (1.0, 0, 1)


def test_without_sides_nothing_is_called_a_pump(judged):
    told = judged(market("AAABTC", aggressor=""))
    assert "pump" not in {one["kind"] for one in told["anomalies"]}
    assert "price_move" in {one["kind"] for one in told["anomalies"]}


def test_thresholds_chosen_on_the_others_are_told_for_each_symbol(judged):
    symbols = ("AAABTC", "BBBBTC", "CCCBTC")
    trades = [trade for symbol in symbols for trade in market(symbol)]
    told = judged(trades, "--leave-one-out", events=[event(symbol) for symbol in symbols])
    left_out = told["leave_one_out"]
    assert left_out["f1"] == 1.0
    assert [one["symbol"] for one in left_out["symbols"]] == list(symbols)
    assert left_out["rules"] == 36


def test_bad_rows_are_named_and_a_file_without_a_good_one_is_refused(judged):
    told = judged([*market("AAABTC", pumped=False), a_trade(1, price=-1.0)])
    assert told["bad_rows"] == 1
    with pytest.raises(Fatal):
        judged([a_trade(1, price=-1.0)])


def test_failed_ones_without_events_make_no_sense(judged):
    with pytest.raises(Fatal, match="need --events"):
        judged(market("AAABTC"), failed=[event("AAABTC")])


@pytest.mark.parametrize(
    ("symbol", "quote"), [("APPC/BTC", "BTC"), ("btc-usdt", "USDT"), ("BTCUSDC", "USDC"), ("X", "")]
)
def test_the_quote_is_read_off_anybodys_symbol(symbol, quote):
    assert quote_of(symbol) == quote


@pytest.mark.parametrize(
    ("delay_s", "matches"), [(-61, False), (-60, True), (0, True), (300, True), (301, False)]
)
def test_a_detection_matches_from_a_minute_before_to_five_after(delay_s, matches):
    found = [Found("A", START_MS + 1000 * delay_s)]
    score = score_of(found, [Found("A", START_MS)], [], days=1)
    assert bool(score.matched) is matches
    assert bool(score.false_alarms) is not matches


def test_an_event_counts_once_and_its_second_detection_is_false():
    twice = [Found("A", START_MS), Found("A", START_MS + 1)]
    score = score_of(twice, [Found("A", START_MS)], [], days=1)
    assert (score.matched, score.false_alarms) == (1, 1)


def test_without_detections_nothing_is_precise():
    told = score_of([], [Found("A", START_MS)], [], days=0).report()
    assert told["precision"] is None
    assert told["delay_s_median"] is None
    assert told["false_alarms_per_day"] is None
    assert (told["recall"], told["f1"]) == (0.0, 0.0)


def recorded_pumps() -> tuple[list[Any], list[Any], list[Any]]:
    """Trades of all files, announced pumps, announcements that failed; a symbol a file."""
    recording("anomalies/pugoev/readme.md")
    folder = Path(__file__).resolve().parents[4] / "shared/data" / PUMPS
    trades, events, failed = [], [], []
    for path in sorted(folder.glob("*.csv.gz")):
        name = path.name.removesuffix(".csv.gz")
        began = datetime.strptime(name.split("_", 1)[1], "%Y-%m-%d_%H.%M").replace(tzinfo=UTC)
        announced = {"symbol": name, "started_at_ms": round(began.timestamp() * 1000)}
        (failed if name.startswith(FAILED) else events).append(announced)
        with gzip.open(path, "rb") as raw:
            for row in csv.DictReader(io.TextIOWrapper(raw, "utf-8")):
                told = {"price": row["price"], "quantity": row["amount"]}
                told |= {"aggressor": row["side"], "traded_at_ms": row["timestamp"]}
                trades += [{"symbol": name, "trade_id": "", **told}]
    return trades, events, failed


def test_recorded_pumps_are_found_within_seconds_with_few_false_alarms(judged):
    trades, events, failed = recorded_pumps()
    told = judged(trades, events=events, failed=failed)
    assert told["trades"] == len(trades)
    assert told["f1"] >= 0.92
    assert told["delay_s_median"] <= 25
    assert told["false_alarms_per_day"] < 0.1
