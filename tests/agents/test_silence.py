from agents.silence import Silence

MARKETS = ("BTCUSDT", "ETHUSDT")
STEP_MS = 1_000


class Trial:
    """Markets sampled each second; BTC trades ten times a second."""

    def __init__(self, after_s: float = 60) -> None:
        self.silence = Silence(after_ms=after_s * 1000)
        self.now_ms = 0
        self.last = {"BTCUSDT": 0, "ETHUSDT": 0}
        self.to_check: list[str] = []

    def run(self, seconds: int, *, btc: int = 10, eth_every_s: int | None = None) -> None:
        for second in range(seconds):
            self.now_ms += STEP_MS
            self.last["BTCUSDT"] += btc
            if eth_every_s and second % eth_every_s == 0:
                self.last["ETHUSDT"] += 1
            self.to_check += self.silence.sample(self.last, MARKETS, self.now_ms)


def test_a_market_that_stops_while_others_trade_is_named_and_checked():
    trial = Trial()
    trial.run(300, eth_every_s=2)
    assert trial.silence.silent == ()
    trial.run(120)
    assert trial.silence.silent == ("ETHUSDT",)
    assert trial.to_check == ["ETHUSDT"]
    trial.run(5, eth_every_s=1)
    assert trial.silence.silent == ()


def test_a_silence_is_checked_again_each_time_it_has_doubled():
    trial = Trial()
    trial.run(100, eth_every_s=2)
    trial.run(500)
    assert trial.to_check == ["ETHUSDT"] * 4  # after 61, 122, 244 and 488 s
    trial.run(1, eth_every_s=1)
    trial.run(600)  # what is usual has grown
    assert len(trial.to_check) == 5


def test_a_market_that_trades_seldom_is_given_ten_times_its_usual_interval():
    trial = Trial()
    trial.run(3_000, eth_every_s=30)
    trial.run(250)
    assert trial.silence.silent == ()
    trial.run(100)
    assert trial.silence.silent == ("ETHUSDT",)


def test_while_nobody_trades_nobody_is_silent():
    trial = Trial()
    trial.run(100, eth_every_s=2)
    trial.run(500, btc=0)
    assert trial.silence.silent == ()


def test_a_delisted_market_is_not_a_silent_one():
    trial = Trial()
    trial.run(100)
    trial.silence.delisted.add("ETHUSDT")
    trial.run(100)
    assert trial.silence.silent == ()


def test_a_market_that_is_followed_no_more_is_forgotten():
    trial = Trial()
    trial.run(100)
    trial.now_ms += STEP_MS
    trial.silence.sample(trial.last, ("BTCUSDT",), trial.now_ms)
    assert trial.silence.silent == ()
