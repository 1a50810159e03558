"""Two buttons below an error: what to do with a result that does not fit into memory."""

from __future__ import annotations

from typing import Any

from magicgui.widgets import Container, PushButton
from psygnal import Signal


class OtherWays(Container[Any]):
    """Offers to compute lazily, or to write to disk; hidden until it is wanted."""

    lazily_wanted = Signal()
    disk_wanted = Signal()

    def __init__(self, name: str) -> None:
        lazily = PushButton(
            name="lazily", text="Where one looks",
            tooltip="Adds the result at once; what you look at is computed when you zoom in",
        )  # fmt: skip
        to_disk = PushButton(
            name="to_disk", text="To a file…", tooltip="Asks for a file, and writes the whole result into it"
        )
        super().__init__(
            name=name, label=" ", widgets=[lazily, to_disk], layout="horizontal", labels=False, visible=False
        )
        self.margins = (0, 0, 0, 0)
        lazily.changed.connect(lambda _: self.lazily_wanted.emit())
        to_disk.changed.connect(lambda _: self.disk_wanted.emit())
