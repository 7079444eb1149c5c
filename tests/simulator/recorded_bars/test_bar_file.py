import gzip
from pathlib import Path

import pytest

from simulator.recorded_bars.bar_file import open_time_ms, read_bars
from simulator.scenario import MINUTE_MS, WrongScenario
from tests.simulator.builders import HEADER, START_MS, write_bars

GOOD = f"{START_MS},100,101,99,100.5,2"


@pytest.mark.parametrize(
    "text",
    [
        "1678503600",
        "1678503600000",
        "1678503600000000",
        "1678503600.0",
        "2023-03-11T03:00:00Z",
        "2023-03-11 03:00:00+00:00",
        "2023-03-11 03:00:00",
        "2023-03-11T04:00:00+01:00",
    ],
)
def test_a_moment_is_read_in_each_spelling(text: str) -> None:
    assert open_time_ms(text) == START_MS


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (f"{START_MS + 60_000},100,101,100.5,100.2,2", "low 100.5 is above"),
        (f"{START_MS + 60_000},100,99.5,99,100,2", "high 99.5 is below"),
        (f"{START_MS + 60_001},100,101,99,100,2", "is not on a minute"),
        (f"{START_MS},100,101,99,100,2", "duplicate of line 2"),
        (f"{START_MS + 60_000},100,101,99,100,-2", "volume -2 is negative"),
        (f"{START_MS + 60_000},0,101,0,100,2", "not above 0"),
        (f"{START_MS + 60_000},100,101,99,nan,2", "not a finite number"),
        (f"{START_MS + 60_000},100,101,99,1e40,2", "out of any market's range"),
        (f"{START_MS + 60_000},100,101,99,ten,2", "'ten' is not a number"),
        (f"{START_MS + 60_000},100,101", "3 columns"),
        ("yesterday,100,101,99,100,2", "yesterday"),
    ],
)
def test_a_row_that_cannot_be_true_is_named_with_file_and_line(
    tmp_path: Path, row: str, reason: str
) -> None:
    path = write_bars(tmp_path / "bars.csv", [GOOD, row])
    with pytest.raises(WrongScenario) as error:
        read_bars(path)
    assert f"{path}: line 3: " in str(error.value)
    assert reason in str(error.value)


def test_every_wrong_row_is_named_up_to_ten(tmp_path: Path) -> None:
    rows = [f"{START_MS + at},100,101,99,100,2" for at in range(1, 30)]
    with pytest.raises(WrongScenario) as error:
        read_bars(write_bars(tmp_path / "bars.csv", rows))
    assert len(str(error.value).splitlines()) == 10


def test_rows_may_come_newest_first_and_with_other_columns(tmp_path: Path) -> None:
    path = tmp_path / "bars.csv"
    path.write_text(
        "Symbol,Volume,Close,Low,High,Open,Open_Time\n"
        f"X,2,100.5,99,101,100,{START_MS + MINUTE_MS}\n"
        f"X,1,100.5,99,101,100,{START_MS}\n",
        "utf-8",
    )
    table = read_bars(path)
    assert [table[row].open_time_ms for row in range(2)] == [START_MS, START_MS + MINUTE_MS]
    assert table[0].volume == "1"
    assert table.row_of(START_MS // MINUTE_MS + 1) == 1
    assert table.row_of(START_MS // MINUTE_MS + 2) is None


def test_a_gz_file_is_read_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / "bars.csv"
    path.write_bytes(gzip.compress((HEADER + GOOD).encode()))
    assert read_bars(path)[0].close == "100.5"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no column open_time"),
        (b"open_time,open,high,low,close\n", "no column volume"),
        (HEADER.encode(), "no bar in it"),
        (gzip.compress((HEADER + GOOD).encode())[:-12], "cannot be read"),
        (b"\xff\xfe\x00", "cannot be read"),
    ],
)
def test_a_file_that_is_no_bar_file_says_why(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "bars.csv"
    path.write_bytes(content)
    with pytest.raises(WrongScenario, match=reason):
        read_bars(path)


def test_a_file_that_is_absent_is_named(tmp_path: Path) -> None:
    with pytest.raises(WrongScenario, match=r"absent\.csv: cannot be read"):
        read_bars(tmp_path / "absent.csv")
