"""The table of routers: adding a resource is one file here and one line below."""

from fastapi import APIRouter

from api.routes import (
    analytics,
    anomalies,
    candles,
    coin,
    coins,
    gaps,
    global_market,
    health,
    history,
    news,
    pipeline,
    quality,
    sentiment,
    sources,
)

ROUTERS: tuple[APIRouter, ...] = (
    health.router,
    coins.router,
    coin.router,
    history.router,
    candles.router,
    analytics.router,
    anomalies.router,
    global_market.router,
    pipeline.router,
    sources.router,
    gaps.router,
    quality.router,
    news.router,
    sentiment.router,
)
