"""What `up --demo` accepts, and how its home is named."""

import gzip
from pathlib import Path

import pytest

from stack.demo import MARKET_FROM_MS, home_name, parse_from, plan
from stack.failure import EXIT_USAGE, Failure
from stack.home import Scenario

HEADER = "open_time,open,high,low,close,volume\n"
FIRST_MS = 1_678_503_600_000  # 2023-03-11T03:00:00Z


def a_plan(**options) -> tuple[Scenario, list[str]]:
    facts = {"name": None, "bars": [], "from_text": None, "speed": None, "seed": None}
    return plan(**{**facts, **options})


def a_file(folder: Path, open_time: str = "2023-03-11T03:00:00Z", name: str = "bars.csv") -> Path:
    path = folder / name
    text = f"{HEADER}{open_time},1,2,0.5,1.5,3\n"
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, "utf-8")
    return path


def test_without_a_name_the_seeded_market_is_played_at_60():
    scenario, remarks = a_plan()
    assert scenario == Scenario(name="market", seed=7, from_ms=MARKET_FROM_MS, speed=60.0)
    assert remarks == []
    assert home_name(scenario) == "market-7-20260105T0000Z"


def test_an_unknown_scenario_lists_the_known_ones():
    with pytest.raises(Failure, match="nope") as caught:
        a_plan(name="nope")
    assert "market, bars" in str(caught.value.fix)
    assert caught.value.exit_code == EXIT_USAGE


@pytest.mark.parametrize("speed", [0, -1, 10_001, float("inf"), float("nan")])
def test_a_speed_that_is_none_is_refused(speed):
    with pytest.raises(Failure, match="--speed"):
        a_plan(speed=speed)


def test_a_negative_seed_is_refused():
    with pytest.raises(Failure, match="--seed"):
        a_plan(seed=-1)


def test_a_start_is_floored_to_its_minute_and_that_is_said():
    exact_ms, remarks = parse_from("2023-03-11T03:00:59.9Z")
    assert exact_ms == FIRST_MS
    assert "full minute" in remarks[0]
    assert parse_from("2023-03-11T05:00+02:00") == (FIRST_MS, [])


@pytest.mark.parametrize("text", ["yesterday", "2023-03-11T03:00", "2023-03-11"])
def test_a_start_that_is_no_moment_or_has_no_zone_is_refused(text):
    with pytest.raises(Failure, match="--from") as caught:
        parse_from(text)
    assert caught.value.exit_code == EXIT_USAGE


@pytest.mark.parametrize(
    "open_time", ["2023-03-11T03:00:00Z", "2023-03-11 03:00:00", "1678503600", "1678503600000"]
)
@pytest.mark.parametrize("name", ["bars.csv", "bars.csv.gz"])
def test_bars_begin_with_their_first_bar_unless_told_otherwise(tmp_path, open_time, name):
    path = a_file(tmp_path, open_time, name)
    scenario, _ = a_plan(name="bars", bars=[f"BTCUSD={path}"])
    assert scenario.from_ms == FIRST_MS
    assert scenario.bars == (("BTCUSD", str(path)),)


def test_the_home_of_bars_follows_their_contents_and_not_their_speed(tmp_path):
    path = a_file(tmp_path)
    slow, _ = a_plan(name="bars", bars=[f"BTCUSD={path}"], speed=1)
    fast, _ = a_plan(name="bars", bars=[f"BTCUSD={path}"], speed=600)
    assert home_name(slow) == home_name(fast)
    before = home_name(fast)
    path.write_text(f"{HEADER}2023-03-11T03:00:00Z,1,2,0.5,1.5,4\n", "utf-8")
    assert home_name(fast) != before


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        ("BTCUSD", "SYMBOL=FILE"),
        ("NOSUCHUSD=x.csv", "NOSUCHUSD"),
        ("BTCXYZ=x.csv", "quote currency"),
        ("BTCUSD=/nowhere/x.csv", "cannot be read"),
    ],
)
def test_bars_that_cannot_be_are_refused_before_anything_starts(pair, words):
    with pytest.raises(Failure, match=words) as caught:
        a_plan(name="bars", bars=[pair])
    assert caught.value.exit_code == EXIT_USAGE


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no bar"),
        (HEADER.encode(), "no bar"),
        (b"open_time,open\n2023-03-11T03:00:00Z,1\n", "lacks the column high"),
        (HEADER.encode() + b"soon,1,2,0.5,1.5,3\n", "is no time"),
        (b"\x1f\x8b\x08\x00broken", "cannot be read"),
    ],
)
def test_a_file_that_holds_no_bars_is_named(tmp_path, content, words):
    path = tmp_path / "broken.csv"
    path.write_bytes(content)
    with pytest.raises(Failure, match=words):
        a_plan(name="bars", bars=[f"BTCUSD={path}"])


def test_bars_without_the_scenario_and_the_scenario_without_bars_are_refused(tmp_path):
    with pytest.raises(Failure, match="needs --bars"):
        a_plan(name="bars")
    with pytest.raises(Failure, match="takes no --bars"):
        a_plan(name="market", bars=[f"BTCUSD={a_file(tmp_path)}"])


def test_the_same_symbol_twice_is_refused(tmp_path):
    path = a_file(tmp_path)
    with pytest.raises(Failure, match="BTCUSD twice"):
        a_plan(name="bars", bars=[f"BTCUSD={path}", f"btcusd={path}"])


def a_recording(folder: Path) -> Path:
    frames = folder / "frames" / "one.txt"
    frames.parent.mkdir(parents=True)
    trade = '{"e":"aggTrade","s":"%s","a":1,"p":"1","q":"1","f":1,"l":1,"T":1,"m":true}'
    lines = (f"1678503671.5: {trade % symbol}\n" for symbol in ("BTCUSDT", "NOPEUSDT"))
    frames.write_text("".join(lines), "utf-8")
    return folder


def test_a_recording_begins_with_its_first_frame_and_names_markets_that_are_not_ours(tmp_path):
    scenario, remarks = a_plan(name="recording", folder=str(a_recording(tmp_path / "it")))
    assert scenario.from_ms == FIRST_MS + 60_000
    assert scenario.folder == str(tmp_path / "it")
    assert scenario.symbols == ("BTCUSDT",)
    assert "NOPEUSDT" in remarks[0]
    assert home_name(scenario).startswith("recording-")


def test_recordings_with_other_contents_have_other_homes(tmp_path):
    one, _ = a_plan(name="recording", folder=str(a_recording(tmp_path / "one")))
    other = a_recording(tmp_path / "other")
    (other / "frames" / "two.txt").write_text("1678503672.5: {}\n", "utf-8")
    second, _ = a_plan(name="recording", folder=str(other))
    assert home_name(one) != home_name(second)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": "recording"}, "needs --folder"),
        ({"name": "market", "folder": "x"}, "takes no --folder"),
        ({"name": "recording", "folder": "/nowhere/at/all"}, "is no folder"),
    ],
)
def test_a_recording_needs_a_folder_that_is_one(options, words):
    with pytest.raises(Failure, match=words) as caught:
        a_plan(**options)
    assert caught.value.exit_code == EXIT_USAGE
