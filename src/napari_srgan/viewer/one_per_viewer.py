"""What a viewer has one of, for all widgets and menu items of its window."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar
from weakref import WeakKeyDictionary, ref

from napari import Viewer

MadeT = TypeVar("MadeT")


def unwrapped(viewer: Any) -> Any:
    """The viewer itself: plugins are handed a proxy."""
    return getattr(viewer, "__wrapped__", viewer)


def one_per_viewer(make: Callable[[Viewer], MadeT]) -> Callable[[Viewer], MadeT]:
    """Let a function make what it makes once for each viewer, and return the same ever after.

    It lives as long as its viewer, so it must not keep the viewer alive: see :class:`OfViewer`.
    """
    made: WeakKeyDictionary[Viewer, MadeT] = WeakKeyDictionary()

    @wraps(make)
    def of(viewer: Viewer) -> MadeT:
        viewer = unwrapped(viewer)
        if viewer not in made:
            made[viewer] = make(viewer)
        return made[viewer]

    return of


class OfViewer:
    """Something that a viewer owns, and that knows its viewer without keeping it alive.

    Parameters
    ----------
    viewer
        Its owner.
    """

    def __init__(self, viewer: Viewer) -> None:
        self._viewer_ref = ref(viewer)

    @property
    def _viewer(self) -> Viewer:
        viewer = self._viewer_ref()
        assert viewer is not None
        return viewer
