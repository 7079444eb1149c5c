"""The application: routers, problem details, security headers, and the store's lifetime."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from api import metrics, problems
from api.dependencies import MarketStore, Services
from api.kafka_probe import KafkaProbe, KafkaState, ask_broker
from api.latest import LatestState
from api.metrics import CountRequests, Requests
from api.openapi import document_problems
from api.routes import ROUTERS
from api.security_headers import SecurityHeaders
from api.settings import ApiSettings
from market.clock import Clock, open_clock
from market.store.reader import open_store
from market.store.rows import Latest

OpenStore = Callable[[], AbstractAsyncContextManager[MarketStore]]


def create_app(
    settings: ApiSettings,
    *,
    clock: Clock | None = None,
    store: OpenStore | None = None,
    ask_kafka: Callable[[], KafkaState] | None = None,
) -> FastAPI:
    """The API on these settings. Tests hand in a clock, a store and a broker of their own."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        opened = store() if store is not None else open_store(settings, settings.influx_timeout_s)
        async with opened as reader:
            kafka = KafkaProbe(ask_kafka or ask_broker(settings.kafka_bootstrap))
            app.state.services = _services(settings, clock, reader, kafka)
            yield
            await kafka.close()

    app = FastAPI(
        title="CryptoViz",
        version=version("cryptoviz"),
        description="Crypto markets, with how far each number can be trusted. Times are RFC 3339 "
        "UTC; a missing number is null, never 0.",
        lifespan=lifespan,
        docs_url=None,  # the viewer of the document would load scripts from elsewhere
        redoc_url=None,
    )
    app.include_router(metrics.router)
    for router in ROUTERS:
        app.include_router(router)
    problems.install(app)
    document_problems(app)
    if settings.api_cors_origins:
        app.add_middleware(
            CORSMiddleware, allow_origins=settings.api_cors_origins, allow_methods=["GET"]
        )
    app.add_middleware(SecurityHeaders)
    app.state.requests = Requests()
    app.add_middleware(CountRequests, requests=app.state.requests)
    return app


def _services(
    settings: ApiSettings, clock: Clock | None, store: MarketStore, kafka: KafkaProbe
) -> Services:
    platform_clock = clock or open_clock(settings.clock_file)

    def read() -> Awaitable[Latest]:
        return store.latest(now_ms=platform_clock.now_ms())

    return Services(
        settings=settings,
        clock=platform_clock,
        store=store,
        latest=LatestState(read, max_age_s=settings.api_latest_max_age_s),
        kafka=kafka,
    )
