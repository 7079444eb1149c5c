import asyncio

import pytest

from api.latest import MAX_RENDERED, Known, LatestState
from market.errors import StoreUnavailable
from market.store.rows import Latest
from tests.api.fakes import a_snapshot


class Reads:
    """Counts reads; each waits until it is let go."""

    def __init__(self) -> None:
        self.count = 0
        self.gate = asyncio.Event()
        self.error: Exception | None = None

    async def __call__(self) -> Latest:
        self.count += 1
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return Latest(snapshots=(a_snapshot(),), candles=())


class Time:
    at_s = 0.0

    def __call__(self) -> float:
        return self.at_s


async def test_a_hundred_clients_at_once_cost_one_read():
    reads = Reads()
    state = LatestState(reads, max_age_s=1.0)
    waiting = [asyncio.create_task(state.get()) for _ in range(100)]
    await asyncio.sleep(0)
    reads.gate.set()
    known = await asyncio.gather(*waiting)
    assert reads.count == 1
    assert len({id(one) for one in known}) == 1


async def test_the_state_is_read_again_when_it_is_too_old():
    reads, now = Reads(), Time()
    reads.gate.set()
    state = LatestState(reads, max_age_s=1.0, monotonic=now)
    first = await state.get()
    now.at_s = 0.99
    assert await state.get() is first
    now.at_s = 1.0
    assert await state.get() is not first
    assert reads.count == 2


async def test_a_client_that_hangs_up_does_not_cancel_the_read_for_the_others():
    reads = Reads()
    state = LatestState(reads, max_age_s=1.0)
    leaving, staying = asyncio.create_task(state.get()), asyncio.create_task(state.get())
    await asyncio.sleep(0)
    leaving.cancel()
    reads.gate.set()
    assert "bitcoin" in (await staying).snapshots


async def test_a_failed_read_fails_everyone_who_waited_and_is_tried_again():
    reads = Reads()
    reads.error = StoreUnavailable("down")
    reads.gate.set()
    state = LatestState(reads, max_age_s=1.0)
    failed = await asyncio.gather(state.get(), state.get(), return_exceptions=True)
    assert [type(one) for one in failed] == [StoreUnavailable, StoreUnavailable]
    reads.error = None
    await state.get()
    assert reads.count == 2


async def test_an_old_state_is_not_served_in_the_place_of_an_error():
    reads, now = Reads(), Time()
    reads.gate.set()
    state = LatestState(reads, max_age_s=1.0, monotonic=now)
    await state.get()
    now.at_s, reads.error = 5.0, StoreUnavailable("down")
    with pytest.raises(StoreUnavailable):
        await state.get()


def test_kept_answers_are_bounded():
    known = Known(snapshots={}, candles={})
    for key in range(2 * MAX_RENDERED):
        assert known.keep(key, b"body") == b"body"
    assert len(known.rendered) == MAX_RENDERED
