"""What is measured in the layer whose noise a model shall be made for, and said before the training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from napari.layers import Image
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QSizePolicy

from napari_srgan.errors import UserError
from napari_srgan.progress import Job, Progress
from napari_srgan.training.degradation.measured import MeasuredNoise, measure_noise
from napari_srgan.training.degradation.sample import NoiseSample, noise_sample
from napari_srgan.training.fine_tuning.agreement import check_noise_of
from napari_srgan.training.pairs.source import SourceImage, sample_sources
from napari_srgan.viewer.fine_tuning.layer_pairs import noisy_image, source_image
from napari_srgan.viewer.jobs.runner import Task
from napari_srgan.viewer.layers.upscale_layer import finest_data, layer_axes
from napari_srgan.viewer.qt.labels import as_sentence, tell
from napari_srgan.viewer.upscale.noise_look import LayerLook

SAMPLE_TILES = "bundled sample tiles"
NOTHING_CHOSEN = "Choose the layer whose noise the model shall be made for."


class NoiseMeasurement(LayerLook[MeasuredNoise | str]):
    """Tells the camera and the blur of a layer, or why they cannot be told."""

    def question(self, image: Image) -> Callable[[], MeasuredNoise | str]:
        return partial(measure_noise, finest_data(image), layer_axes(image))

    def nothing(self, why: str) -> str:
        return why


class NoiseLine(QLabel):
    """Says in a line what was measured in a layer, and where it will be simulated."""

    def __init__(self) -> None:
        super().__init__()
        self._noisy: Image | None = None
        self._goods: Sequence[Image] = ()
        self._measurement = NoiseMeasurement()
        self._measurement.changed.connect(self._tell)
        self.destroyed.connect(self._measurement.close)
        self.setWordWrap(True)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)

    def ask(self, noisy: Image | None, goods: Sequence[Image]) -> None:
        """Measure a layer, and say whether its noise can be simulated in others; tiles if there are none."""
        self._noisy, self._goods = noisy, goods
        self._measurement.look(noisy)
        self._tell()

    def _tell(self) -> None:
        text, wrong = self._text()
        tell(self, as_sentence(text), wrong=wrong)

    def _text(self) -> tuple[str, bool]:
        if self._noisy is None:
            return NOTHING_CHOSEN, False
        try:
            check_noise_of(noisy_image(self._noisy), good_images(self._goods))
        except UserError as error:
            return str(error), True
        found = self._measurement.found
        if found is None:
            return f"Measuring the noise of {self._noisy.name} …", False
        if isinstance(found, str):
            return f"{self._noisy.name!r}: {found}", True
        where = ", ".join(layer.name for layer in self._goods) or f"the {SAMPLE_TILES}"
        little = "" if found.found.noisy else " There is too little noise to learn much from."
        return f"{as_sentence(found.sentence)}: simulated in {where}.{little}", False


def good_images(goods: Sequence[Image]) -> list[SourceImage]:
    """Layers in which noise is simulated; the tiles that come with the package if there are none.

    Raises
    ------
    UserError
        If a layer cannot be learned from.
    """
    return [source_image(good).checked() for good in goods] or sample_sources()


def noise_task(
    noisy: Image,
    goods: Sequence[Image],
    factor: int,
    deliver: Callable[[NoiseSample], None],
    complain: Callable[[str], None],
) -> Task:
    """Measure the noise of a layer, and simulate it in a patch of a good one.

    Raises
    ------
    UserError
        If these layers do not go together.
    """
    image, highs = noisy_image(noisy), good_images(goods)
    check_noise_of(image, highs)
    title = f"Measuring the noise of {noisy.name}"

    def job() -> Job[NoiseSample]:
        yield Progress(0, 1, title)
        return noise_sample(image, highs, factor)

    return Task(title, job(), deliver, complain)
