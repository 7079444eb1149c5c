"""A taken port is named with its owner and the setting that moves it."""

import os
import socket

import pytest

from stack.failure import Failure
from stack.ports import check_free, free_port, is_free

pytestmark = pytest.mark.integration


def test_a_taken_port_is_named_with_its_owner_and_its_setting():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not is_free(port)
        with pytest.raises(Failure, match=f"Port {port}, wanted for kafka controller") as caught:
            check_free({"KAFKA_CONTROLLER_PORT": port, "API_PORT": free_port()})
    assert f"pid {os.getpid()}" in caught.value.message
    assert "CRYPTOVIZ_KAFKA_CONTROLLER_PORT" in str(caught.value.fix)
    assert "API_PORT" not in str(caught.value.fix)


def test_free_ports_raise_nothing():
    check_free({"API_PORT": free_port()})
