"""The plan of a storm."""

from stack.proofs.fault_storm import STORMED, plan_of
from stack.proofs.source_faults import CELLS

TEN_HOURS_AT_SPEED_60_S = 600.0


def test_ten_hours_strike_every_source_with_every_fault_that_applies_to_it():
    struck = {(strike.source, strike.fault) for strike in plan_of(7, TEN_HOURS_AT_SPEED_60_S)}
    assert struck == {cell for cell in CELLS if cell[0] in STORMED}
