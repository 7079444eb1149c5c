"""The store on the real InfluxDB that `./cryptoviz up` starts."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import count

import pytest

from market.main_market import Market
from market.store.reader import open_store
from tests.market_store.store import Store, settings

numbers = count()
OpenReader = Callable[[], AbstractAsyncContextManager[Store]]


@pytest.fixture
def opened(influx_server) -> OpenReader:
    """Opens the store. A context, because the connection belongs to the test's own loop."""

    @asynccontextmanager
    async def open_it() -> AsyncIterator[Store]:
        async with open_store(settings(influx_server), 10.0) as reader:
            store = Store(influx_server, reader)
            store.forget_ledger()
            yield store

    return open_it


@pytest.fixture
def market() -> Market:
    """A market nobody else in this session uses; its symbol tries to break out of a string."""
    return Market("binance", f'T"{next(numbers)}USDT', f"coin{next(numbers)}", "USDT")
