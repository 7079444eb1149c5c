"""Every Flux query of the project, as constants. Nothing a caller says is ever put in the text.

Values arrive as external parameters (`bucket`, `start`, `stop`, `symbol` ...), which the client
sends as syntax tree literals. Each query is range, filter by constants, then at most one
`first`, `last` or `aggregateWindow`, because those run inside the storage engine (checked with
the operator profiler); no pivot, join or sort over raw points. `drop` only thins the answer.
"""

_THIN = """|> drop(columns: ["_start", "_stop", "_measurement", "coin_id", "interval", "kind",
    "layer", "quote", "source", "symbol"])"""

_MARKET = """from(bucket: bucket) |> range(start: start, stop: stop)
  |> filter(fn: (r) => r._measurement == "crypto_market")"""

SNAPSHOT_MARKS = f'{_MARKET} |> filter(fn: (r) => r._field == "collected_at_ms") |> last()'
SNAPSHOTS = f"{_MARKET} |> last()"

_HISTORY_FIELDS = """|> filter(fn: (r) => r.coin_id == coin_id and r.source == source)
  |> filter(fn: (r) => r._field == "price_usd" or r._field == "market_cap_usd"
    or r._field == "volume_24h_usd")"""
HISTORY = f"""
history = () => {_MARKET} {_HISTORY_FIELDS}
history()
  |> aggregateWindow(every: every, fn: last, createEmpty: false, timeSrc: "_start")
  |> yield(name: "windows")
history() |> last() |> yield(name: "newest")"""

_CANDLES = """from(bucket: bucket) |> range(start: start, stop: stop)
  |> filter(fn: (r) => r._measurement == "crypto_candles" and r.layer == layer)"""
_ONE_MARKET = f"""{_CANDLES}
  |> filter(fn: (r) => r.source == source and r.symbol == symbol and r.interval == interval)"""

LAST_CANDLES = f"""{_CANDLES} |> filter(fn: (r) => r.interval == "1m")
  |> filter(fn: (r) => r._field == "close" or r._field == "last_traded_at_ms")
  |> last()"""

FIRST_CANDLES = f'{_CANDLES} |> filter(fn: (r) => r._field == "close") |> first()'

# Every field that a bar has; when its last trade was made only the newest of a market tells.
BARS = f'{_ONE_MARKET} |> filter(fn: (r) => r._field != "last_traded_at_ms") {_THIN}'


def _windows(name: str, fields: tuple[str, ...]) -> str:
    """One aggregate of some fields of `bars()`, yielded under the aggregate's name."""
    wanted = " or ".join(f'r._field == "{field}"' for field in fields)
    return f"""
bars() |> filter(fn: (r) => {wanted})
  |> aggregateWindow(every: every, fn: {name}, createEmpty: false, timeSrc: "_start")
  {_THIN} |> yield(name: "{name}")"""


IDS = ("first_trade_id", "last_trade_id")
SUMS = ("volume", "quote_volume", "trades", "buy_volume", "sell_volume")
# Sums and a count of ids tell how many ids whole minutes hold, without reading the minutes.
COMPOSED_BARS = f"bars = () => {_ONE_MARKET}" + "".join(
    (
        _windows("first", ("open", "first_trade_id")),
        _windows("last", ("close", "last_trade_id")),
        _windows("max", ("high", "coverage")),
        _windows("min", ("low", "coverage")),
        _windows("sum", (*SUMS, *IDS)),
        _windows("count", ("close", "first_trade_id")),
    )
)

FINAL_THROUGH = """from(bucket: bucket) |> range(start: start, stop: stop)
  |> filter(fn: (r) => r._measurement == "batch_ledger" and r.kind == "final_through"
    and r.interval == interval and r._field == "final_through_ms")
  |> last()"""

_ANALYTICS = """from(bucket: bucket) |> range(start: start, stop: stop)
  |> filter(fn: (r) => r._measurement == "crypto_analytics" and r.kind == kind)"""

ANALYTICS = f"""{_ANALYTICS}
  |> filter(fn: (r) => r.layer == layer and r.source == source and r.symbol == symbol
    and r.interval == interval)
  {_THIN}"""

CROSS_SECTIONS = f"{_ANALYTICS} |> filter(fn: (r) => r.interval == interval) {_THIN}"
LAST_CROSS_SECTION = f"""{_ANALYTICS} |> filter(fn: (r) => r.interval == interval)
  |> last() {_THIN}"""

GLOBAL = """from(bucket: bucket) |> range(start: start, stop: stop)
  |> filter(fn: (r) => r._measurement == "crypto_global") |> last()"""

_ANOMALIES = """from(bucket: bucket) |> range(start: start, stop: stop)
  |> filter(fn: (r) => r._measurement == "crypto_anomalies")"""
ANOMALIES = f'{_ANOMALIES} |> drop(columns: ["_start", "_stop", "_measurement"])'
ANOMALY_WITH_ID = f"""{_ANOMALIES}
  |> filter(fn: (r) => r._field == "anomaly_id")
  |> filter(fn: (r) => r._value == anomaly_id)"""

_JOB_PULSE = """from(bucket: bucket) |> range(start: start, stop: stop)
  |> filter(fn: (r) => r._measurement == "pipeline_health")"""
PIPELINE = f"""{_JOB_PULSE}
  |> filter(fn: (r) => r.kind == "job" or r.kind == "latency") |> last()"""
DEAD_LETTERS = f"""{_JOB_PULSE}
  |> filter(fn: (r) => r.kind == "dead_letters" and r._field == "letters")
  |> sum() |> duplicate(column: "_stop", as: "_time")"""

SOURCES = """from(bucket: bucket) |> range(start: start, stop: stop)
  |> filter(fn: (r) => r._measurement == "crypto_sources") |> last()"""

GAPS = """from(bucket: bucket) |> range(start: start, stop: stop)
  |> filter(fn: (r) => r._measurement == "crypto_gaps")
  |> drop(columns: ["_start", "_stop", "_measurement"])"""

_QUALITY = """from(bucket: bucket) |> range(start: start, stop: stop)
  |> filter(fn: (r) => r._measurement == "crypto_quality")"""
QUALITY = f"{_QUALITY} |> last()"
QUALITY_OF_COIN = f"{_QUALITY} |> filter(fn: (r) => r.coin_id == coin_id) |> last()"

_NEWS = """from(bucket: bucket) |> range(start: start, stop: stop)
  |> filter(fn: (r) => r._measurement == "crypto_news")"""
NEWS = f'{_NEWS} |> drop(columns: ["_start", "_stop", "_measurement"])'
NEWS_STORIES = f"""{_NEWS}
  |> filter(fn: (r) => r._field == "story_id" or r._field == "article_id")
  |> drop(columns: ["_start", "_stop", "_measurement"])"""
_SENTIMENT = """from(bucket: bucket) |> range(start: start, stop: stop)
  |> filter(fn: (r) => r._measurement == "crypto_sentiment")"""
MARKET_SENTIMENT = f"""{_SENTIMENT} |> filter(fn: (r) => r.kind == "market")
  |> drop(columns: ["_start", "_stop", "_measurement"])"""
COIN_SENTIMENT = f"""{_SENTIMENT}
  |> filter(fn: (r) => r.kind == "coin" and r.coin_id == coin_id)
  |> drop(columns: ["_start", "_stop", "_measurement"])"""
FEAR_GREED = """from(bucket: bucket) |> range(start: start, stop: stop)
  |> filter(fn: (r) => r._measurement == "crypto_fear_greed")
  |> drop(columns: ["_start", "_stop", "_measurement"])"""
