"""What can be chosen about a training: a few fields, and the rest behind "Advanced"."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from magicgui.widgets import CheckBox, ComboBox, LineEdit
from qtpy.QtWidgets import QComboBox, QWidget

from napari_srgan.images.factor import factor_in_words
from napari_srgan.models import Library, models_for
from napari_srgan.training.fine_tuning.settings import FineTuning
from napari_srgan.viewer.models.rows import SHARP_NOTE
from napari_srgan.viewer.qt.form import Number
from napari_srgan.viewer.upscale import choices

FROM_SCRATCH = "from scratch"
_LETTERS_AT_LEAST = 14
"""Longer choices do not widen the widget."""
DEFAULTS = FineTuning()
_LARGEST = 10**8


@dataclass(frozen=True)
class Field:
    """One setting and the widget that asks for it."""

    name: str
    """Name of the option in :class:`FineTuning`."""
    label: str
    widget: Any
    zero: bool = False
    """Whether 0 stands for None."""
    part: float = 1.0
    """What a unit of the widget is in the setting."""

    @property
    def value(self) -> Any:
        value = self.widget.value
        if self.zero and not value:
            return None
        return value * self.part if self.part != 1 else value

    def show(self, setting: Any) -> None:
        """Show a value of the setting."""
        if setting is None and self.zero:
            setting = 0
        self.widget.value = setting / self.part if self.part != 1 else setting

    @property
    def row(self) -> tuple[str, QWidget]:
        """For a form."""
        return self.label, self.widget.native


def number_field(
    name: str, label: str, tooltip: str, *, zero: str = "", part: float = 1.0, none: bool = True, **of: Any
) -> Field:
    """A field for a number; 0 is shown as the word `zero`, and stands for None unless `none` is False."""
    default = getattr(DEFAULTS, name)
    widget = Number(tooltip, value=0 if default is None else default / part, zero=zero, **of)
    return Field(name, label, widget, bool(zero) and none, part)


def choice(name: str, label: str, tooltip: str, offered: choices.Choices) -> Field:
    """A field for one of several words."""
    widget = ComboBox(name=name, tooltip=tooltip, choices=offered, value=getattr(DEFAULTS, name))
    keep_narrow(widget)
    return Field(name, label, widget)


def keep_narrow(widget: ComboBox) -> None:
    """Let long choices not widen the dock."""
    native: QComboBox = widget.native
    native.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    native.setMinimumContentsLength(_LETTERS_AT_LEAST)


def basic_fields() -> list[Field]:
    """What most people look at."""
    return [
        choice(
            "style", "Style", f"faithful: right on average; {SHARP_NOTE}",
            [("faithful", "faithful"), ("sharp", "sharp")],
        ),
        number_field(
            "minutes", "Minutes", "Stops after so many minutes of training", most=10_000, zero="no limit",
            decimals=1,
        ),
        choice(
            "factor", "Factor", "How many times finer results are; same size: the model takes noise or blur "
            "off; automatic: as deduced from pairs, or that of the model that is started from",
            [("automatic", None), *((factor_in_words(n), n) for n in (1, 2, 3, 4, 6, 8))],
        ),
    ]  # fmt: skip


def advanced_fields() -> dict[str, list[Field]]:
    """All others, under their headings."""
    return {
        "When it stops": [
            number_field("steps", "Steps", "Stops after so many steps", most=_LARGEST, zero="no limit"),
            number_field(
                "patience", "Patience",
                "Stops when so many looks at the held-back part in a row were no better than the best",
                most=_LARGEST, zero="never", none=False,
            ),
            number_field("seed", "Seed", "The same seed gives the same model on a CPU", most=2**31 - 1),
        ],
        "Data": [
            choice(
                "brightness", "Brightness", "Whose brightness results have",
                [("automatic", "auto"), ("of low resolution", "low"), ("of high resolution", "high")],
            ),
            number_field(
                "held_back", "Held back (%)", "Part that is not learned from, on which the model is judged",
                least=2, most=50, part=0.01,
            ),
            choice(
                "hold_back", "Held back as", "The same place of all planes, or the last planes of a stack",
                [("blocks", "blocks"), ("whole frames", "frames"), ("whole images", "images")],
            ),
            Field(
                "despite_check", "",
                CheckBox(
                    text="Also pairs that look wrong", value=DEFAULTS.despite_check,
                    tooltip="Learns from pairs that the check calls wrong, too",
                ),
            ),
        ],
        "Learning": [
            number_field("batch", "Batch", "Patches in a step", most=4096, zero="automatic"),
            number_field(
                "patch", "Patch", "Side of a patch in low-resolution pixels", most=1024, zero="automatic",
                step=8,
            ),
            number_field(
                "learning_rate", "Learning rate", "At its height, after the warm-up", most=1,
                zero="automatic", step=1e-4, decimals=6,
            ),
            number_field(
                "validate_every", "Look every (steps)",
                "Between looks at the held-back part, and between checkpoints", least=1, most=_LARGEST,
            ),
            choice(
                "pixel_loss", "Pixel loss", "How far a result is from the truth",
                [("Charbonnier", "charbonnier"), ("L1", "l1"), ("L2", "l2")],
            ),
            choice("device", "Device", "Where it is trained", choices.devices()),
        ],
        "Network from scratch": [
            number_field("width", "Features", "Features of each layer", least=4, most=512, step=8),
            number_field("blocks", "Blocks", "Residual blocks", least=1, most=128),
        ],
        "Sharp style": [
            choice(
                "discriminator", "Discriminator", "Tells results from true images",
                [("PatchGAN", "patch"), ("SRGAN's (VGG)", "vgg")],
            ),
            choice(
                "adversarial", "Its loss", "What the discriminator and the network play for",
                [("least squares", "least-squares"), ("standard", "standard"), ("hinge", "hinge"),
                 ("relativistic", "relativistic")],
            ),
            number_field(
                "adversarial_weight", "Its weight", "Beside a pixel loss of 1", most=10, step=1e-3, decimals=5
            ),
            choice(
                "perceptual", "Perceptual loss",
                "Compares feature maps of a network; VGG19 is downloaded (548 MB)",
                [("none", "none"), ("VGG19, early layers", "vgg22"), ("VGG19, late layers", "vgg54")],
            ),
            number_field(
                "perceptual_weight", "Its weight", "Beside a pixel loss of 1", most=10, step=1e-2, decimals=4
            ),
        ],
    }  # fmt: skip


def name_field() -> LineEdit:
    """A field for the name of the model."""
    return LineEdit(name="name", tooltip="Of the model, in the library")


def base_field(offered: Callable[[], choices.Choices]) -> ComboBox:
    """A field for the model that is started from."""
    field = ComboBox(
        name="base", choices=lambda _: offered(),
        tooltip="The model whose weights are learned further; from scratch takes longer",
    )  # fmt: skip
    keep_narrow(field)
    return field


def shift_field() -> CheckBox:
    """A tick for moving high-resolution images onto their partners."""
    return CheckBox(
        name="correct_shift", text="Correct the shift", value=DEFAULTS.correct_shift,
        tooltip="Moves high-resolution images by whole pixels onto their partners before learning",
    )  # fmt: skip


def bases(
    library: Library, *, rgb: bool, factor: int | None, any_factor: bool, movies: bool
) -> choices.Choices:
    """Models that can be started from, the likeliest first, and none.

    Parameters
    ----------
    library
        To choose from.
    rgb
        Whether the images have colours.
    factor
        That of the pairs, if it is known. At a factor of 1 models of all factors can be started from.
    any_factor
        Whether models of other factors are offered too.
    movies
        Whether models for time-lapses are offered too, after the others.
    """
    frames = sorted({card.frames for card in library.cards if movies or card.frames == 1})
    channels = choices.RGB_CHANNELS if rgb else 1
    cards = [card for n in frames for card in models_for(channels=channels, frames=n, among=library.cards)]
    fitting = [card for card in cards if any_factor or factor in (None, 1, card.scale_factor)]
    return [*choices.named_in_list(fitting, None, library), (FROM_SCRATCH, FROM_SCRATCH)]
