"""What will not fit, or may not be written, is found out before."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from napari_srgan.disk.disk_space import check_space, check_writable, free_space
from napari_srgan.errors import UserError


@pytest.mark.parametrize(("needed", "fits"), [(999, True), (1000, True), (1001, False)])
def test_room_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, needed: int, fits: bool) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    assert free_space(tmp_path) == 1000
    if fits:
        check_space(tmp_path, needed, str)
    else:
        with pytest.raises(UserError, match=r"^only 1000$"):
            check_space(tmp_path, needed, lambda free: f"only {free}")


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        check_space(tmp_path / "missing", 1, str)
    with pytest.raises(OSError, match="No such file"):
        check_writable(tmp_path / "missing")


def test_nothing_is_left_of_the_trial(tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    check_writable(tmp_path)
    assert sorted(tmp_path.iterdir()) == before
