"""What `up --demo` was asked for, checked before anything starts."""

import csv
import gzip
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from market.coins import market_of
from market.errors import Fatal
from market.recordings import Recording, survey
from market.scenarios import SCENARIOS
from stack.failure import EXIT_USAGE, Failure
from stack.home import Scenario

DEFAULT_SCENARIO = "market"
DEFAULT_SPEED = 60.0
DEFAULT_SEED = 7
FASTEST = 10_000.0
# A Monday; any day serves, but it must be the same for everybody so that numbers can be compared.
MARKET_FROM_MS = 1_767_571_200_000
MINUTE_MS = 60_000
COLUMNS = ("open_time", "open", "high", "low", "close", "volume")
# Seconds up to the year 2286, milliseconds from 1970-04 on.
SECONDS_BELOW = 10_000_000_000


def plan(
    *,
    name: str | None,
    bars: Sequence[str],
    folder: str | None = None,
    from_text: str | None,
    speed: float | None,
    seed: int | None,
) -> tuple[Scenario, list[str]]:
    """The scenario, and remarks for the person. Raises Failure for what cannot be."""
    name = name or DEFAULT_SCENARIO
    if name not in SCENARIOS:
        raise _wrong(f"Unknown scenario {name}.", f"Known scenarios: {', '.join(SCENARIOS)}.")
    speed = DEFAULT_SPEED if speed is None else speed
    if not 0 < speed <= FASTEST:
        raise _wrong(
            f"--speed {speed:g} is no speed.",
            f"Give scenario seconds a second, up to {FASTEST:,.0f}, e.g. 60.",
        )
    seed = DEFAULT_SEED if seed is None else seed
    if not 0 <= seed < 2**63:
        raise _wrong(f"--seed {seed} is no seed.", "Give a number from 0 on, e.g. 7.")
    files = bars_files(bars)
    if bool(files) != (name == "bars"):
        raise _wrong(
            f"The scenario {name} {'takes no' if files else 'needs'} --bars.",
            "Example: up --demo bars --bars BTCUSDT=file.csv.gz",
        )
    recording = _recording(name, folder)
    remarks: list[str] = []
    if from_text is not None:
        from_ms, remarks = parse_from(from_text)
    elif recording is not None:
        from_ms = _recordings_start(recording)
    elif files:
        from_ms = min(first_bar_ms(path) for path in files.values())
    else:
        from_ms = MARKET_FROM_MS
    scenario = Scenario(
        name=name,
        seed=seed,
        from_ms=from_ms,
        speed=speed,
        bars=tuple((symbol, str(path)) for symbol, path in files.items()),
    )
    if recording is None or folder is None:
        return scenario, remarks
    ours = tuple(symbol for symbol in recording.symbols if _is_ours(symbol))
    strange = sorted(set(recording.symbols) - set(ours))
    if strange:
        remarks.append(f"Not in market/coins.csv, so not followed: {', '.join(strange)}.")
    path = str(Path(folder).expanduser().resolve())
    return replace(scenario, folder=path, symbols=ours, feeds=recording.feeds), remarks


def _recording(name: str, folder: str | None) -> Recording | None:
    if (folder is not None) != (name == "recording"):
        raise _wrong(
            f"The scenario {name} {'takes no' if folder else 'needs'} --folder.",
            "Example: up --demo recording --folder my-recording; see docs/recordings.md",
        )
    if folder is None:
        return None
    try:
        return survey(Path(folder).expanduser().resolve())
    except Fatal as error:
        raise _wrong(str(error), "docs/recordings.md shows the format.") from error


def _recordings_start(recording: Recording) -> int:
    if recording.first_ms is None:
        raise _wrong(
            "The recording names no moment, neither in frames nor in a body's name.",
            "Give --from, e.g. --from 2023-03-13T10:00Z",
        )
    return recording.first_ms // MINUTE_MS * MINUTE_MS


def _is_ours(symbol: str) -> bool:
    try:
        market_of("binance", symbol)
    except Fatal:
        return False
    return True


def home_name(scenario: Scenario) -> str:
    """A home for each (scenario, seed or files, start); its starts may differ in speed."""
    start = datetime.fromtimestamp(scenario.from_ms / 1000, UTC).strftime("%Y%m%dT%H%MZ")
    what = _contents_hash(scenario.bars) if scenario.bars else str(scenario.seed)
    if scenario.folder is not None:
        what = _folder_hash(Path(scenario.folder))
    return f"{scenario.name}-{what}-{start}"


def parse_from(text: str) -> tuple[int, list[str]]:
    """Milliseconds of an ISO 8601 time with a zone, floored to the minute."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _wrong(f"--from {text} is no time.", "Example: 2023-03-11T03:00Z") from None
    if moment.tzinfo is None:
        raise _wrong(f"--from {text} has no time zone.", f"Write {text}Z for UTC.")
    exact_ms = round(moment.timestamp() * 1000)
    from_ms = exact_ms // MINUTE_MS * MINUTE_MS
    if from_ms == exact_ms:
        return from_ms, []
    return from_ms, [f"--from {text} counts from its full minute."]


def bars_files(pairs: Sequence[str]) -> dict[str, Path]:
    """Files by symbol of SYMBOL=FILE pairs, each readable and of a known market."""
    files: dict[str, Path] = {}
    for pair in pairs:
        given, equals, name = pair.partition("=")
        symbol = given.strip().upper()
        if not (symbol and equals and name):
            raise _wrong(f"--bars {pair} is not SYMBOL=FILE.", "Example: --bars BTCUSDT=file.csv")
        try:
            market_of("binance", symbol)
        except Fatal as error:
            raise _wrong(str(error), "Use a symbol such as BTCUSDT.") from error
        if symbol in files:
            raise _wrong(f"--bars names {symbol} twice.", "Give each symbol one file.")
        path = Path(name).expanduser().resolve()
        first_bar_ms(path)
        files[symbol] = path
    return files


def first_bar_ms(path: Path) -> int:
    """Time of the first bar in a file of bars, floored to the minute."""
    wanted = f"It must be CSV or .gz with the header {','.join(COLUMNS)}."
    try:
        with _opened(path) as lines:
            first = next(csv.DictReader(lines), None)
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise _wrong(f"{path} cannot be read: {error}", wanted) from error
    if first is None:
        raise _wrong(f"{path} holds no bar.", wanted)
    missing = [column for column in COLUMNS if first.get(column) is None]
    if missing:
        raise _wrong(f"{path} lacks the column {', '.join(missing)}.", wanted)
    return open_time_ms(first, path) // MINUTE_MS * MINUTE_MS


def open_time_ms(bar: Mapping[str, str], path: Path) -> int:
    """Milliseconds of a bar's open_time: ISO 8601 (UTC without a zone) or epoch s or ms."""
    text = bar["open_time"].strip()
    try:
        if text.replace(".", "", 1).isdigit():
            number = float(text)
            return round(number * 1000 if number < SECONDS_BELOW else number)
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _wrong(
            f"{path}: open_time {text} is no time.", "Use ISO 8601 or epoch seconds."
        ) from None
    return round(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * 1000)


@contextmanager
def _opened(path: Path) -> Iterator[io.TextIOBase]:
    if path.suffix == ".gz":
        with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as lines:
            yield lines
    else:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            yield lines


def _contents_hash(bars: Sequence[tuple[str, str]]) -> str:
    digest = hashlib.sha256()
    for symbol, path in sorted(bars):
        digest.update(symbol.encode() + b"\0" + hashlib.sha256(Path(path).read_bytes()).digest())
    return digest.hexdigest()[:8]


def _folder_hash(folder: Path) -> str:
    """Names, sizes and first kilobytes: a recording may be large."""
    digest = hashlib.sha256()
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        with path.open("rb") as content:
            head = content.read(65_536)
        name = path.relative_to(folder).as_posix()
        digest.update(f"{name}\0{path.stat().st_size}\0".encode() + head)
    return digest.hexdigest()[:8]


def _wrong(message: str, fix: str) -> Failure:
    return Failure(message, fix=fix, exit_code=EXIT_USAGE)
