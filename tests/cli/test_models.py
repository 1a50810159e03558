from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Shell


@pytest.mark.usefixtures("tiny_file")
def test_models_are_listed_with_their_licence(shell: Shell) -> None:
    result = shell("models")
    assert result.exit_code == 0
    (row,) = (line for line in result.stdout.splitlines() if "untrained, for tests" in line)
    assert row.split()[:3] == ["tiny", "x2", "1"]
    assert "CC0-1.0" in row
    assert "not measured" in row


def test_broken_models_are_named(shell: Shell, tiny_file: Path) -> None:
    (tiny_file.parent / "broken.safetensors").write_bytes(b"nothing")
    result = shell("models")
    assert result.exit_code == 0
    assert "broken.safetensors is no readable safetensors file" in result.stderr
    assert "broken." not in result.stdout
