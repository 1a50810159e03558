"""What the tests do about a display, on every kind of machine."""

from __future__ import annotations

from typing import Any

import pytest

from system_packages import Action, decide, find_missing

DEBIAN_ROOT: dict[str, Any] = {
    "platform": "linux",
    "has_display": False,
    "is_root": True,
    "has_apt": True,
    "missing": ("libegl1", "xvfb"),
}
NEEDED = ("libegl1", "xvfb")


@pytest.mark.parametrize(
    ("machine", "action"),
    [
        pytest.param({}, Action("install", NEEDED), id="Debian as root"),
        pytest.param({"missing": ()}, Action("go on"), id="everything there"),
        pytest.param({"is_root": False}, Action("refuse", NEEDED), id="Debian as a user"),
        pytest.param({"has_apt": False}, Action("refuse", NEEDED), id="another Linux as root"),
        pytest.param({"platform": "darwin"}, Action("go on"), id="macOS"),
        pytest.param({"platform": "win32"}, Action("go on"), id="Windows"),
        pytest.param({"has_display": True}, Action("install", ("libegl1",)), id="a screen, no library"),
        pytest.param(
            {"has_display": True, "is_root": False, "missing": ("xvfb",)},
            Action("go on"),
            id="a screen needs no virtual one",
        ),
    ],
)
def test_decision(machine: dict[str, Any], action: Action) -> None:
    assert decide(**(DEBIAN_ROOT | machine)) == action


def test_a_refusal_names_what_is_missing_and_how_to_get_it() -> None:
    sentence = Action("refuse", ("libegl1", "xvfb")).sentence
    assert "lacks what that needs: libegl1, xvfb" in sentence
    assert "apt-get install libegl1 xvfb" in sentence


def test_nothing_is_missing_where_tests_run() -> None:
    assert decide(**(DEBIAN_ROOT | {"missing": find_missing()})).kind == "go on"
