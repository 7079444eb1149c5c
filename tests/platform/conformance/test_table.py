"""No source and no fault without a row: who adds one says how it is tried."""

from agents.sources import SOURCES
from schemas.record_types import RECORD_TYPES
from simulator.faults import BY_NAME as KINDS
from simulator.faults import FAULTS, FaultRequest, checked
from simulator.published import IDENTITIES
from stack.platform import AGENTS
from stack.proofs.fault_storm import plan_of
from stack.proofs.source_faults import CELLS, SHORT, TRADES, requests_of
from stack.proofs.source_faults import FAULTS as FAULT_ROWS
from stack.proofs.source_faults import SOURCES as SOURCE_ROWS


def test_every_source_has_a_row_and_runs_in_the_platform():
    assert SOURCE_ROWS.keys() == SOURCES.keys() == set(AGENTS)


def test_every_row_names_its_source_s_records_as_the_source_does():
    for name, row in SOURCE_ROWS.items():
        assert row.record_type is SOURCES[name].record_type
        assert row.record_type in RECORD_TYPES
        assert row.kind is None or row.kind in IDENTITIES


def test_every_fault_has_a_row_and_is_tried_against_every_source_that_it_can_reach():
    assert FAULT_ROWS.keys() == {kind.name for kind in FAULTS}
    for name, row in FAULT_ROWS.items():
        kind = KINDS[name]
        assert row.reach == kind.reach
        reachable = (
            {one for one, source in SOURCE_ROWS.items() if source.vendor in kind.vendors}
            if kind.reach == "http"
            else {TRADES}
        )
        assert set(row.sources) == reachable, name


def test_every_request_of_the_table_is_one_that_the_simulator_takes():
    for source, fault in CELLS:
        for asked in requests_of(source, fault):
            assert checked(FaultRequest.model_validate(asked)) is KINDS[str(asked["kind"])]


def test_the_short_version_tries_every_source_and_every_reach():
    assert set(SHORT) <= set(CELLS)
    assert {source for source, _ in SHORT} == set(SOURCES)
    assert {FAULT_ROWS[fault].reach for _, fault in SHORT} == {"http", "socket", "frames"}


def test_a_storm_is_the_same_for_the_same_seed_and_another_for_another():
    assert plan_of(7, 600) == plan_of(7, 600)
    assert plan_of(7, 600) != plan_of(8, 600)
    assert {strike.source for strike in plan_of(7, 3_600)} == set(SOURCES) - {"binance_klines"}
