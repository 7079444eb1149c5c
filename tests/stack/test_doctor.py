"""What is missing is named with the command that installs it."""

import pytest

from stack import doctor
from stack.doctor import Check, checks, install, java_major, require
from stack.failure import Failure
from stack.settings import StackSettings


@pytest.mark.parametrize(
    ("text", "major"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "21" 2023-09-19', 21),
        ('java version "1.8.0_412"', 8),
        ("no java here", None),
    ],
)
def test_the_version_of_java_is_read_from_its_own_words(text, major):
    assert java_major(text) == major


def test_what_is_missing_is_listed_with_its_fix_and_nothing_else_is():
    found = [
        Check("Java 17", is_ok=False, found="absent", fix="apt-get install java"),
        Check("Node 20", is_ok=True, found="v20", fix="apt-get install node"),
    ]
    with pytest.raises(Failure, match="apt-get install java") as caught:
        require(found)
    assert "Node" not in caught.value.message


def test_nothing_missing_raises_nothing():
    require([Check("Java 17", is_ok=True, found="17")])


@pytest.mark.parametrize(("system", "line"), [("Linux", "apt-get"), ("Darwin", "brew install b")])
def test_the_installing_line_is_that_of_the_computer(monkeypatch, system, line):
    monkeypatch.setattr(doctor.platform, "system", lambda: system)
    assert line in install("a", "b")


def test_an_empty_path_lacks_java_maven_node_and_the_tools_of_influxdb(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    settings = StackSettings(_env_file=None, home=tmp_path, influx_url=None)
    missing = {check.name.split()[0] for check in checks(settings) if not check.is_ok}
    assert {"Java", "Maven", "Node", "Go", "Rust", "pkg-config"} <= missing


def test_an_external_influxdb_needs_no_tools_to_build_one(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    settings = StackSettings(_env_file=None, home=tmp_path, influx_url="http://127.0.0.1:1")
    assert not any("influxd" in check.name for check in checks(settings))
