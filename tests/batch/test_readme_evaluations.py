"""The evaluations of the README run as it writes them."""

import json
import subprocess
from pathlib import Path

import pytest

from batch import evaluations
from tests.readme import readme_commands

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
EVALUATIONS = [words for words in readme_commands() if words[1:2] == ["evaluate"]]
MINUTE_MS = 60_000
START_MS = 1_678_503_600_000


def write_files(folder: Path) -> None:
    """Forty minutes of one market: a trade at the start of each and one at its end."""
    trades = ["symbol,trade_id,price,quantity,aggressor,traded_at_ms"]
    bars = ["symbol,open_time_ms,open,high,low,close,volume,trades"]
    for n in range(40):
        opened, closed = 100 + n % 7, 101 + n % 5
        at_ms = START_MS + n * MINUTE_MS
        trades += [
            f"X,{2 * n},{opened},1,buy,{at_ms}",
            f"X,{2 * n + 1},{closed},2,sell,{at_ms + 1}",
        ]
        extremes = f"{max(opened, closed)},{min(opened, closed)}"
        bars.append(f"X,{at_ms},{opened},{extremes},{closed},3,2")
    quotes = ["source,symbol,observed_at_ms,price", f"a,X,{START_MS},100", f"b,X,{START_MS},102"]
    (folder / "quotes.csv").write_text("\n".join(quotes) + "\n", "utf-8")
    (folder / "pumps.csv").write_text(f"symbol,started_at_ms\nX,{START_MS}\n", "utf-8")
    moods = [("glims", 1), ("woffs", -1), ("plods", 0)]
    told = [
        f"{n}abcdefghi{letter} {word},{mood}"
        for n in "xyz"
        for letter in "kmnp"
        for word, mood in moods
    ]
    (folder / "headlines.csv").write_text("\n".join(["text,label", *told]) + "\n", "utf-8")
    (folder / "trades.csv").write_text("\n".join(trades) + "\n", "utf-8")
    (folder / "bars.csv").write_text("\n".join(bars) + "\n", "utf-8")


@pytest.mark.parametrize("words", EVALUATIONS, ids=" ".join)
def test_an_evaluation_of_the_readme_runs_and_finds_what_is_there(words, tmp_path):
    write_files(tmp_path)
    asked = words if "--json" in words else [*words, "--json"]
    done = subprocess.run(
        [str(ROOT / "cryptoviz"), *asked[1:]],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    if "candles" in words:
        assert (told["bars"], told["equal"]) == (40, 40)
    elif "anomalies" in words:
        assert (told["recall"], told["false_alarms"]) == (0.0, 0)
    elif "divergence" in words:
        assert (told["compared_minutes"], told["minutes_over_threshold"]) == (1, 1)
    elif "sentiment" in words:
        assert (told["n"], told["macro_f1"]) == (36, 1.0)
    elif "indicators" in words:
        assert [row["rsi"] is None for row in told["rows"]] == [True] * 14 + [False] * 26


def test_the_readme_shows_every_kind_of_evaluation_once():
    assert sorted(words[2] for words in EVALUATIONS) == sorted(evaluations.EVALUATIONS)
