import os
from pathlib import Path

from agents.markets_file import MarketsFile


class Trial:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "markets.toml"
        self.stamp_ns = 10**18
        self.write('["BTCUSDT"]')
        self.at_s = 0.0
        self.file = MarketsFile(self.path, "binance", now_s=lambda: self.at_s)

    def write(self, symbols: str) -> None:
        self.path.write_text(f"[binance]\nsymbols = {symbols}\n")
        self.stamp_ns += 10**9
        os.utime(self.path, ns=(self.stamp_ns, self.stamp_ns))

    def after(self, seconds: float) -> tuple[str, ...] | None:
        self.at_s += seconds
        return self.file.changed()


def test_a_changed_file_is_noticed_within_five_seconds(tmp_path: Path):
    trial = Trial(tmp_path)
    assert trial.after(6) is None
    trial.write('["BTCUSDT", "ETHUSDT"]')
    assert trial.after(1) is None
    assert trial.after(5) == ("BTCUSDT", "ETHUSDT")
    assert trial.after(1) == ("BTCUSDT", "ETHUSDT")


def test_a_wrong_file_changes_nothing_and_says_why(tmp_path: Path):
    trial = Trial(tmp_path)
    trial.write('["NOPE"]')
    assert trial.after(6) is None
    assert "NOPE" in (trial.file.problem or "")
    trial.write('["ETHUSDT"]')
    assert trial.after(6) == ("ETHUSDT",)
    assert trial.file.problem is None


def test_a_file_that_is_gone_changes_nothing(tmp_path: Path):
    trial = Trial(tmp_path)
    trial.path.unlink()
    assert trial.after(6) is None
    assert trial.file.problem is not None
