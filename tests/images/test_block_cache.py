"""What was read last, within a budget; what several threads want is read once."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_srgan.images.reading.block_cache import BlockCache


def put(cache: BlockCache[Any], key: Any, size: int, value: Any = "value") -> None:
    claim = cache.claim([key])
    assert claim.ours == [key]
    cache.settle(claim, {key: (value, size)})


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 12)), max_size=30))
def test_the_budget_is_kept_and_those_wanted_last_stay(wanted: list[tuple[int, int]]) -> None:
    cache = BlockCache[int](10)
    kept: dict[int, int] = {}  # the one wanted last at the end
    for key, size in wanted:
        if cache.peek(key) is None:
            put(cache, key, size)
            if size <= 10:
                kept[key] = size
        else:
            kept[key] = kept.pop(key)
        while sum(kept.values()) > 10:
            del kept[next(iter(kept))]
        assert [key for key in range(6) if key in cache] == sorted(kept)
        assert cache.filled == sum(kept.values())


def test_a_value_is_made_by_one_and_given_to_all() -> None:
    cache = BlockCache[str](10)
    put(cache, "there", 1)
    first = cache.claim(["there", "a", "b"])
    second = cache.claim(["a", "c"])
    assert (first.kept, first.ours) == ({"there": "value"}, ["a", "b"])
    assert (second.kept, second.ours) == ({}, ["c"])
    cache.settle(first, {"a": ("A", 2), "b": ("B", 2)})
    assert second.coming["a"].result(0) == "A"
    assert cache.claim(["a", "b"]).kept == {"a": "A", "b": "B"}
    assert cache.filled == 5


def test_whoever_waits_is_told_of_a_failure_and_the_next_one_tries_again() -> None:
    cache = BlockCache[str](10)
    first, second = cache.claim(["a"]), cache.claim(["a"])
    cache.fail(first, OSError("gone"))
    with pytest.raises(OSError, match="gone"):
        second.coming["a"].result(0)
    assert cache.claim(["a"]).ours == ["a"]


def test_what_is_made_while_all_is_forgotten_is_given_and_not_kept() -> None:
    cache = BlockCache[str](10)
    first, second = cache.claim(["a"]), cache.claim(["a"])
    cache.clear()
    cache.settle(first, {"a": ("A", 2)})
    assert second.coming["a"].result(0) == "A"
    assert "a" not in cache
    assert cache.filled == 0


def test_some_are_forgotten() -> None:
    cache = BlockCache[tuple[str, int]](10)
    for key in (("x", 0), ("y", 0), ("x", 1)):
        put(cache, key, 3)
    cache.drop_all(lambda key: key[0] == "x")
    assert ("y", 0) in cache
    assert cache.filled == 3
    cache.drop(("y", 0))
    cache.drop(("y", 0))
    assert cache.filled == 0
