"""The names that `up` offers are those that the simulator plays."""

from market.scenarios import SCENARIOS
from simulator import scenarios


def test_the_simulator_plays_exactly_the_scenarios_that_up_offers():
    assert tuple(offer.name for offer in scenarios.SCENARIOS) == SCENARIOS
