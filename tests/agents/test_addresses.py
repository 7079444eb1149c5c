import asyncio
import socket
from ipaddress import ip_address
from typing import Any

import httpx
import pytest

from agents.addresses import Gate, is_public
from market.errors import Fatal, Retryable

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)


def names_resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    async def found(self: Any, host: str, port: int, **_: Any) -> list[Any]:
        if not addresses:
            raise socket.gaierror("unknown")
        return [(0, 0, 0, "", (address, port)) for address in addresses]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", found)


async def asked(url: str, *, is_redirect: bool = False, only: str = "") -> str | None:
    return await Gate(only).address(httpx.URL(url), is_redirect=is_redirect)


@pytest.mark.parametrize(
    "address",
    [
        "10.1.2.3",
        "127.0.0.1",
        "169.254.169.254",
        "192.168.0.1",
        "100.64.0.1",
        "0.0.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "fe80::1",
        "fd00:ec2::254",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001::1",
    ],
)
def test_inner_and_special_addresses_are_not_public(address: str):
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_the_internet_is_public(address: str):
    assert is_public(ip_address(address))


async def test_a_name_is_pinned_to_the_address_that_was_judged(monkeypatch: pytest.MonkeyPatch):
    names_resolve_to(monkeypatch, "2606:4700::1111", "1.1.1.1")
    assert await asked("https://feed.test/rss") == "1.1.1.1"
    assert await asked("https://feed.test/rss", is_redirect=True) == "1.1.1.1"


async def test_a_name_with_one_inner_address_is_refused(monkeypatch: pytest.MonkeyPatch):
    names_resolve_to(monkeypatch, "1.1.1.1", "169.254.169.254")
    with pytest.raises(Fatal, match=r"169\.254\.169\.254"):
        await asked("https://feed.test/rss")


async def test_a_name_that_nobody_knows_is_asked_again(monkeypatch: pytest.MonkeyPatch):
    names_resolve_to(monkeypatch)
    with pytest.raises(Retryable):
        await asked("https://feed.test/rss")


async def test_an_address_that_a_person_wrote_is_taken_but_not_from_a_redirect():
    assert await asked("http://10.0.0.5:8080/api") is None
    assert await asked("http://localhost:8080/api") is None
    with pytest.raises(Fatal):
        await asked("http://10.0.0.5:8080/api", is_redirect=True)


async def test_a_demo_asks_exactly_its_simulator():
    assert await asked("http://127.0.0.1:8900/x", only="127.0.0.1:8900") is None
    for url in ("http://127.0.0.1:8901/x", "http://localhost:8900/x", "https://1.1.1.1/"):
        with pytest.raises(Fatal, match="demo"):
            await asked(url, only="127.0.0.1:8900")


async def test_behind_a_proxy_names_are_the_proxy_s_and_literal_addresses_are_judged(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("https_proxy", "http://proxy.test:3128")
    names_resolve_to(monkeypatch)
    assert await asked("https://feed.test/rss", is_redirect=True) is None
    with pytest.raises(Fatal):
        await asked("https://192.168.0.1/", is_redirect=True)
