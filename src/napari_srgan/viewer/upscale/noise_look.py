"""What is found of a layer, on a thread of its own: the window never waits for a slow file."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any, Generic, TypeVar
from weakref import ReferenceType, ref

from napari.layers import Image
from psygnal import Signal
from qtpy.QtCore import QObject
from qtpy.QtCore import Signal as QtSignal  # type: ignore[attr-defined, unused-ignore]

from napari_srgan.acquisition import Acquisition, look_at
from napari_srgan.errors import UserError, words_of
from napari_srgan.viewer.jobs.worker import lower_thread_priority
from napari_srgan.viewer.layers.upscale_layer import METADATA_KEY, finest_data, layer_axes

LOOK_THREAD = "napari-srgan look at an image"
COMPUTED = "it is computed only where it is looked at"
FoundT = TypeVar("FoundT")


class LayerLook(ABC, Generic[FoundT]):
    """Tells something of one layer at a time, some time after it was asked.

    What is found of a layer that is not asked for any more, or of pixels that it has no more, is dropped.
    """

    changed = Signal()
    """:attr:`found` is another one since :meth:`look`; emitted on the main thread."""

    def __init__(self) -> None:
        self.found: FoundT | None = None
        """What is known of the layer; None: nothing yet, or there is no layer."""
        self._layer: ReferenceType[Image] | None = None
        self._asked = 0
        self._post = _Post(self._deliver)

    @abstractmethod
    def question(self, image: Image) -> Callable[[], FoundT]:
        """What is asked of a layer, which is read here and now, except for its pixels.

        Returns
        -------
        callable
            Finds it out; called on a thread of its own. If it raises, for whatever reason, nothing can be
            told.

        Raises
        ------
        UserError
            If there is nothing to ask.
        """

    @abstractmethod
    def nothing(self, why: str) -> FoundT:
        """What is said where nothing can be told."""

    @property
    def _image(self) -> Image | None:
        return None if self._layer is None else self._layer()

    def look(self, image: Image | None) -> None:
        """Ask for a layer; asked again for the same one, do nothing."""
        if image is self._image:
            return
        self.close()
        if image is not None:
            self._layer = ref(image)
            image.events.data.connect(self._on_data)
            self._begin(image)

    def close(self) -> None:
        """Ask for nothing any more."""
        if self._image is not None:
            self._image.events.data.disconnect(self._on_data)
        self._layer, self.found = None, None
        self._asked += 1

    def _on_data(self, _event: Any) -> None:
        if self._image is not None:
            self._begin(self._image)
            self.changed.emit()

    def _begin(self, image: Image) -> None:
        """Look at a layer's pixels, if they are there to be looked at."""
        self._asked += 1
        self.found = None
        if image.metadata.get(METADATA_KEY, {}).get("computed"):
            self.found = self.nothing(COMPUTED)
            return
        try:
            about = self.question(image), self._asked, self._post
        except UserError as error:  # told when it is run
            self.found = self.nothing(str(error))
            return
        threading.Thread(target=self._look, args=about, name=LOOK_THREAD, daemon=True).start()

    def _look(self, question: Callable[[], FoundT], asked: int, post: _Post) -> None:
        lower_thread_priority()
        try:
            found = question()
        except UserError as error:
            found = self.nothing(str(error))
        except Exception as error:  # of somebody else's array; it is told when it is run
            found = self.nothing(f"it cannot be read ({words_of(error)})")
        try:
            post.arrived.emit(asked, found)
        except RuntimeError:  # the window was closed meanwhile
            return

    def _deliver(self, asked: int, found: FoundT) -> None:
        if asked == self._asked:
            self.found = found
            self.changed.emit()


class AcquisitionLook(LayerLook[Acquisition]):
    """Tells how a layer was taken."""

    def question(self, image: Image) -> Callable[[], Acquisition]:
        return partial(look_at, finest_data(image), layer_axes(image))

    def nothing(self, why: str) -> Acquisition:
        return Acquisition(unknown=why)


class _Post(QObject):
    """Brings what is found to the thread it was made on, the main one."""

    arrived = QtSignal(int, object)

    def __init__(self, deliver: Callable[[int, Any], None]) -> None:
        super().__init__()
        self._deliver = deliver
        self.arrived.connect(self._on_arrived)

    def _on_arrived(self, asked: int, found: Any) -> None:
        self._deliver(asked, found)
