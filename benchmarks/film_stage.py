"""The camera and the hand of the film: the screen, with a pointer and a line of words; used by film.py."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from qtpy.QtCore import QPoint
from qtpy.QtGui import QImage
from qtpy.QtWidgets import QAbstractButton, QApplication, QMenu, QScrollArea, QWidget

SCREEN = (1280, 800)
WORDS = 56
"""Pixels of the strip beneath the screen that holds the words; the film's height is to be even."""
RATE = 10
"""Frames a second."""
GLIDE = 0.7
"""Seconds that the pointer takes from one place to the next."""
_POINTER = ((0, 0), (0, 17), (4, 13), (7, 20), (10, 19), (7, 12), (12, 12))
_RING = 13


class Stage:
    """Records the screen while it presses what is on it.

    Parameters
    ----------
    file
        The film, an MP4.
    window
        The main window.
    """

    def __init__(self, file: Path, window: QWidget) -> None:
        self._window = window
        self._container = av.open(str(file), "w", options={"movflags": "faststart"})
        self._stream: Any = self._container.add_stream("libx264", rate=RATE)
        self._stream.width, self._stream.height = SCREEN[0], SCREEN[1] + WORDS
        self._stream.pix_fmt = "yuv420p"
        self._stream.options = {"crf": "26", "preset": "slow", "tune": "animation"}
        self._words = ""
        self._at = QPoint(640, 420)
        self.frames = 0

    def say(self, words: str) -> None:
        """Show a line of words from now on."""
        self._words = words

    def hold(self, seconds: float) -> None:
        """Show what the screen shows for a while."""
        self._settle()
        self._write(self._grab(), round(seconds * RATE))

    def watch(self, done: Callable[[], bool], *, every: float, patience: float) -> None:
        """Take a frame now and then until something is done: quicker than it was where `every` is long."""
        until = time.monotonic() + patience
        while not done():
            if time.monotonic() > until:
                raise TimeoutError(f"not done after {patience:g} s: {self._words}")
            _wait(every)
            self._write(self._grab(), 1)

    def press(self, button: QAbstractButton) -> None:
        """Go to a button, and click it."""
        self._show(button)
        self._click_at(button.mapToGlobal(QPoint(min(button.width() // 2, 60), button.height() // 2)))
        button.click()
        self._settle()

    def choose(self, *path: str) -> None:
        """Open the menus of a path one after the other, and choose what is at its end."""
        bar = self._window.menuBar()  # type: ignore[attr-defined]
        action = _named(bar.actions(), path[0])
        self._click_at(bar.mapToGlobal(bar.actionGeometry(action).center()))
        place = bar.mapToGlobal(bar.actionGeometry(action).bottomLeft())
        opened: list[QMenu] = []
        for name in path[1:]:
            menu = action.menu()
            menu.aboutToShow.emit()
            menu.popup(place)
            opened.append(menu)
            self._settle()
            action = _named(menu.actions(), name)
            menu.setActiveAction(action)
            self._settle()
            self._glide(menu.mapToGlobal(menu.actionGeometry(action).center()))
            self.hold(0.4)
            place = menu.mapToGlobal(menu.actionGeometry(action).topRight())
        for menu in reversed(opened):
            menu.close()
        action.trigger()
        self._settle()

    def close(self) -> float:
        """End the film; returns how many seconds it takes."""
        for packet in self._stream.encode():
            self._container.mux(packet)
        self._container.close()
        return self.frames / RATE

    def _show(self, widget: QWidget) -> None:
        """Scroll to a widget that is out of sight."""
        around = widget.parentWidget()
        while around is not None:
            if isinstance(around, QScrollArea):
                around.ensureWidgetVisible(widget)
            around = around.parentWidget()
        self._settle()

    def _click_at(self, place: QPoint) -> None:
        self._glide(place)
        screen = self._grab()
        self._write(screen, 2, pressed=True)

    def _glide(self, place: QPoint) -> None:
        """Move the pointer, slowly at both ends."""
        screen, start = self._grab(), self._at
        count = round(GLIDE * RATE)
        for number in range(1, count + 1):
            part = number / count
            eased = part * part * (3 - 2 * part)
            self._at = start + (place - start) * eased
            self._write(screen, 1)

    def _settle(self) -> None:
        _wait(0.3)

    def _grab(self) -> NDArray[np.uint8]:
        """The screen, ``(Y, X, 3)``."""
        taken = QApplication.primaryScreen().grabWindow(0).toImage()
        image = taken.convertToFormat(QImage.Format.Format_RGB888)
        bits = image.constBits()
        if hasattr(bits, "setsize"):  # PyQt
            bits.setsize(image.sizeInBytes())
        rows = np.frombuffer(bits, np.uint8).reshape(image.height(), image.bytesPerLine())
        return rows[: SCREEN[1], : 3 * SCREEN[0]].reshape(SCREEN[1], SCREEN[0], 3).copy()

    def _write(self, screen: NDArray[np.uint8], count: int, *, pressed: bool = False) -> None:
        page = Image.new("RGB", (SCREEN[0], SCREEN[1] + WORDS), (18, 18, 20))
        page.paste(Image.fromarray(screen), (0, 0))
        draw = ImageDraw.Draw(page)
        x, y = self._at.x(), self._at.y()
        if pressed:
            draw.ellipse((x - _RING, y - _RING, x + _RING, y + _RING), outline=(255, 200, 40), width=3)
        draw.polygon([(x + dx, y + dy) for dx, dy in _POINTER], fill="white", outline="black")
        draw.text((20, SCREEN[1] + 14), self._words, "white", ImageFont.load_default(22))
        frame = av.VideoFrame.from_ndarray(np.asarray(page), format="rgb24")
        for _ in range(count):
            frame.pts = self.frames
            self.frames += 1
            for packet in self._stream.encode(frame):
                self._container.mux(packet)


def button(inside: QWidget, text: str) -> QAbstractButton:
    """The button or box that is called so, among those in sight."""
    for each in inside.findChildren(QAbstractButton):
        if each.text().replace("&", "") == text and each.isVisibleTo(inside):
            return each
    raise LookupError(f"there is no button {text!r}")


def _named(actions: list[Any], name: str) -> Any:
    for action in actions:
        if action.text().replace("&", "") == name:
            return action
    raise LookupError(f"there is no {name!r} among {[action.text() for action in actions]}")


def _wait(seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        QApplication.processEvents()
        time.sleep(0.005)
