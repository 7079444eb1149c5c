"""A part in the cache is whole or made again."""

from pathlib import Path

import pytest

from stack.console import Step
from stack.failure import Failure
from stack.parts.cache import MANIFEST, CachedPart, cache_root, check_space


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def step() -> Step:
    return Step("get part", is_live=True)


class Maker:
    """Counts how often it made the part; `fails` makes it stop half way."""

    def __init__(self) -> None:
        self.times = 0
        self.fails = False

    def __call__(self, folder: Path, log: Path, step: Step) -> None:
        self.times += 1
        (folder / "lib").mkdir()
        (folder / "lib" / "a.jar").write_bytes(b"12345")
        if self.fails:
            raise Failure("download cut")
        (folder / "b.jar").write_bytes(b"1")


@pytest.fixture
def maker() -> Maker:
    return Maker()


@pytest.fixture
def part(maker: Maker) -> CachedPart:
    return CachedPart("part", "1.0", needs_mb=1, make=maker)


def test_a_part_is_made_once(part, maker, step):
    first = part.ensure(step)
    assert part.ensure(step) == first == cache_root() / "part-1.0"
    assert maker.times == 1
    assert (first / "lib" / "a.jar").read_bytes() == b"12345"


@pytest.mark.parametrize("name", ["lib/a.jar", "b.jar", MANIFEST])
@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_damaged_part_is_made_again(part, maker, step, name, damage):
    path = part.ensure(step) / name
    path.unlink() if damage == "gone" else path.write_bytes(b"")
    assert part.fault() is not None
    part.ensure(step)
    assert maker.times == 2
    assert part.fault() is None


def test_a_part_cut_off_half_way_is_never_used_and_the_next_try_makes_it(part, maker, step):
    maker.fails = True
    with pytest.raises(Failure, match="download cut"):
        part.ensure(step)
    assert part.fault() == "not there yet"
    assert list(cache_root().glob(".part-*")) == []
    maker.fails = False
    part.ensure(step)
    assert part.fault() is None


def test_what_a_killed_make_left_is_cleared(part, step):
    leftover = cache_root() / ".part-xyz.tmp"
    leftover.mkdir(parents=True)
    (leftover / "half.jar").write_bytes(b"1")
    part.ensure(step)
    assert not leftover.exists()


def test_too_little_space_is_said_before_anything_is_fetched(tmp_path):
    with pytest.raises(Failure, match="Not enough disk space") as caught:
        check_space(tmp_path, needs_mb=10**12)
    assert "XDG_CACHE_HOME" in str(caught.value.fix)
