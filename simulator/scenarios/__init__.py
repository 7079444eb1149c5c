"""The scenarios that the simulator can play. Adding one = one file and one line here."""

from simulator.scenarios.bars import BARS
from simulator.scenarios.market import MARKET
from simulator.scenarios.offer import ScenarioOffer
from simulator.scenarios.recording import RECORDING

SCENARIOS: tuple[ScenarioOffer, ...] = (MARKET, BARS, RECORDING)
BY_NAME = {offer.name: offer for offer in SCENARIOS}
