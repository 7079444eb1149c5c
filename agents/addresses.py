"""Where requests may go: names are resolved here once, judged, and connected to as judged.

The first address comes from a setting, so a person answers for it: a literal address or localhost
is taken as it stands. A name, and whatever a redirect points to, must be public: no private,
loopback, link-local (the clouds' metadata), multicast or reserved address, also not wrapped in
IPv6. In a demo exactly one host and port may be asked. Behind a proxy of the environment the proxy
resolves names, so only literal addresses are judged.
"""

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.request import getproxies, proxy_bypass

import httpx

from market.errors import Fatal, Retryable

MOST_REDIRECTS = 3
# IPv4 inside IPv6 by translation (RFC 6052).
NAT64 = IPv6Network("64:ff9b::/96")
DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


class Gate:
    """Judges addresses. `only` is the one host:port that may be asked, empty outside of a demo."""

    def __init__(self, only: str = "") -> None:
        self._only = only

    def first(self, url: httpx.URL) -> None:
        """Raises Fatal where a demo may not ask this host."""
        if self._only and place(url) != self._only:
            raise Fatal(
                f"{place(url)} is not {self._only}, the only host that may be asked in a demo; "
                "unset the address in your settings"
            )

    async def address(self, url: httpx.URL, *, is_redirect: bool) -> str | None:
        """The address to connect to, None where the URL's own host is it.

        Raises Fatal where it may not be asked, Retryable where its name is unknown for now.
        """
        self.first(url)
        literal = as_address(url.host)
        if self._only or (not is_redirect and (literal is not None or url.host == "localhost")):
            return None
        if url.scheme not in {"http", "https"}:
            raise Fatal(f"{url.scheme}://{url.host} is no web address")
        if literal is not None:
            _refuse_unless_public(url.host, [literal])
            return None
        if is_proxied(url):
            return None
        found = await _resolve(url.host, url.port or DEFAULT_PORTS[url.scheme])
        _refuse_unless_public(url.host, found)
        return str(found[0])


def place(url: httpx.URL) -> str:
    """host:port."""
    return f"{url.host}:{url.port or DEFAULT_PORTS.get(url.scheme, 0)}"


def as_address(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a host spells out, None for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether everybody may be sent there."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in NAT64:
            inner = IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is not None:
            return is_public(inner)
        if address.teredo is not None:
            return False
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_unspecified
    )


def is_proxied(url: httpx.URL) -> bool:
    """Whether the environment names a proxy for it."""
    proxies = getproxies()
    return bool(proxies.get(url.scheme) or proxies.get("all")) and not proxy_bypass(url.host)


async def _resolve(host: str, port: int) -> list[IPv4Address | IPv6Address]:
    """All addresses of a name, IPv4 first: many networks have no way out over IPv6."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Retryable(f"{host}: the name is not known: {error}") from error
    addresses = {ip_address(str(entry[4][0]).partition("%")[0]) for entry in found}
    return sorted(addresses, key=lambda address: (address.version, int(address)))


def _refuse_unless_public(host: str, found: list[IPv4Address | IPv6Address]) -> None:
    """All of them: a name with one inner address among public ones is a trick."""
    for address in found:
        if not is_public(address):
            raise Fatal(f"{host} leads to {address}, which is not a public address")
