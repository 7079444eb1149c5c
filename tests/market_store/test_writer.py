"""The writer against a server that behaves as InfluxDB 2 documents it."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.errors import Fatal, StoreUnavailable
from market.store.writer import LINES_PER_REQUEST, PointWriter


class Server:
    """Refuses each line that holds `bad`, whole batch with 400 as for lines it cannot parse."""

    def __init__(self, status: int | None = None, headers: dict[str, str] | None = None) -> None:
        self.status = status
        self.headers = headers or {}
        self.written: list[str] = []
        self.requests = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        if self.status is not None:
            return httpx.Response(
                self.status, headers=self.headers, json={"message": "no room for you"}
            )
        lines = request.content.decode().split("\n")
        if any("bad" in line for line in lines):
            return httpx.Response(400, json={"message": "unable to parse"})
        self.written += lines
        return httpx.Response(204)


def a_writer(server: Server) -> PointWriter:
    return PointWriter(
        url="http://influx.test", org="o", token="t", transport=httpx.MockTransport(server)
    )


def test_a_batch_is_cut_into_requests_of_five_thousand_lines():
    server = Server()
    lines = [f"m f={n}i {n}" for n in range(LINES_PER_REQUEST + 1)]
    assert a_writer(server).write("b", lines) == []
    assert server.requests == 2
    assert server.written == lines


@given(st.lists(st.sampled_from(["good", "bad"]), max_size=40))
def test_refused_lines_come_back_by_name_and_their_neighbours_are_written(kinds: list[str]):
    server = Server()
    lines = [f"{kind} f=1i {n}" for n, kind in enumerate(kinds)]
    refused = a_writer(server).write("b", lines)
    assert [line.line for line in refused] == [line for line in lines if "bad" in line]
    assert {line.detail for line in refused} <= {"unable to parse"}
    assert sorted(server.written) == sorted(line for line in lines if "good" in line)


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_busy_server_is_unavailable_and_says_when_to_come_back(status: int):
    server = Server(status, {"Retry-After": "7"})
    with pytest.raises(StoreUnavailable, match="no room") as caught:
        a_writer(server).write("b", ["m f=1i 1"])
    assert caught.value.retry_after_s == 7.0


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_wrong_token_or_bucket_is_fatal_and_names_the_bucket(status: int):
    with pytest.raises(Fatal, match="bucket b"):
        a_writer(Server(status)).write("b", ["m f=1i 1"])


def test_a_refused_connection_is_unavailable():
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    writer = PointWriter(
        url="http://influx.test", org="o", token="t", transport=httpx.MockTransport(refuse)
    )
    with pytest.raises(StoreUnavailable, match="does not answer"):
        writer.write("b", ["m f=1i 1"])
