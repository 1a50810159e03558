"""The part of the Fine-tune widget that asks how: the base, the time, the style, and "Advanced"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from napari.components import ViewerModel
from psygnal import Signal
from qtpy.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from napari_srgan.errors import UserError
from napari_srgan.models import read_library
from napari_srgan.models.library.user_models import check_free, check_name, free_name
from napari_srgan.training.fine_tuning.bases import likeliest_base
from napari_srgan.training.fine_tuning.settings import FineTuning, check_settings
from napari_srgan.viewer.fine_tuning.degradation_form import SimulationFields
from napari_srgan.viewer.fine_tuning.fields import (
    DEFAULTS,
    FROM_SCRATCH,
    advanced_fields,
    base_field,
    bases,
    basic_fields,
    name_field,
)
from napari_srgan.viewer.fine_tuning.pair_list import PairList
from napari_srgan.viewer.last_choices import last_choices
from napari_srgan.viewer.preferences import preferred_device
from napari_srgan.viewer.qt.collapsible import Collapsible
from napari_srgan.viewer.qt.form import Form
from napari_srgan.viewer.qt.labels import tell
from napari_srgan.viewer.upscale.time_axis import times_of

WITHOUT_END = "a training without an end: choose minutes, or steps behind Advanced"
USUAL_FACTOR = 4
"""Factor of a model from scratch for images without partners, if nothing is said."""


class ChoicesSection(QWidget):
    """All fields but those that choose layers.

    Parameters
    ----------
    viewer
        Whose layers can be point spread functions.
    pairs
        What is learned from; it says which models fit.
    """

    simulated_wanted = Signal()
    """Show one simulated patch."""
    estimate_wanted = Signal()
    """Find the camera's noise."""

    def __init__(self, viewer: ViewerModel, pairs: PairList) -> None:
        super().__init__()
        self._pairs = pairs
        self._library = read_library()
        self._base_was_chosen = False
        groups = advanced_fields()
        basic = basic_fields()
        self._fields = {
            field.name: field for field in [*basic, *(field for group in groups.values() for field in group)]
        }
        if (minutes := last_choices().minutes) is not None:
            self._fields["minutes"].show(minutes)
        self._fields["device"].show(preferred_device())
        self.base, self.name = base_field(self._bases), name_field()
        self.simulation = SimulationFields(viewer)
        self._about = QLabel()
        self._about.setWordWrap(True)
        self._first = Form([
            ("Start from", self.base.native), ("", self._about), *(field.row for field in basic),
            ("Model name", self.name.native),
        ])  # fmt: skip
        rows: list[tuple[str, QWidget | None]] = []
        for heading, fields in groups.items():
            rows += [(heading, None), *(field.row for field in fields)]
        self.restore = QPushButton("Restore defaults")
        self.restore.setToolTip("Sets all fields but those that choose images to what they are at first")
        rows.append(("", self.restore))
        self._simulating = Collapsible("How it is simulated", self.simulation, opened=True)
        self._more = Form(rows)
        self.advanced = Collapsible("Advanced", self._more, opened=False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._first)
        layout.addWidget(self._simulating)
        layout.addWidget(self.advanced)
        self.base.changed.connect(self._on_base)
        self.restore.clicked.connect(self._on_restore)
        self._fields["factor"].widget.changed.connect(self.offer)
        self.simulation.show_one.clicked.connect(lambda *_: self.simulated_wanted.emit())
        self.simulation.estimate.clicked.connect(lambda *_: self.estimate_wanted.emit())
        self.offer()

    def look_again(self) -> None:
        """The library has changed."""
        self._library = read_library()
        self.offer()

    def reset_choices(self) -> None:
        """Look again at which layers there are."""
        self.simulation.reset_choices()

    def offer(self, *_: Any) -> None:
        """Show the models that fit the pairs, and a name; what the user chose stays, if it can."""
        before = self.base.value
        with self.base.changed.blocked():
            self.base.native.clear()  # or old choices would keep their old places
            self.base.reset_choices()
            offered = self.base.choices
            self._base_was_chosen &= before in offered
            self.base.value = before if self._base_was_chosen else self._likeliest(offered)
        self._tell_of_time()
        self._simulating.setVisible(self._pairs.kind == "alone" and bool(self._pairs.intended))
        self._more.show_row(self._fields["hold_back"].widget.native, not self._pairs.learns_from_tiles)
        self.name.native.setPlaceholderText(self._suggested_name())

    def _likeliest(self, offered: Sequence[Any]) -> str:
        """The base that a script would begin with, too."""
        rgb, factor = self._kind_of_images()
        wanted = factor or self._fields["factor"].value
        found = likeliest_base(self._library.cards, rgb=rgb, factor=wanted)
        return found if found is not None and found in offered else FROM_SCRATCH

    def _kind_of_images(self) -> tuple[bool, int | None]:
        """Whether they have colours, and the factor, if they tell it."""
        first = self._pairs.noise_of or next((pair.high for pair in self._pairs.intended), None)
        return first is not None and first.rgb, self._pairs.factor

    def _bases(self) -> list[tuple[str, Any]]:
        chosen = self._fields["factor"].value
        highs = [pair.high for pair in self._pairs.intended]
        rgb, factor = self._kind_of_images()
        movies = any(map(times_of, highs)) or (not highs and not self._pairs.learns_from_tiles)
        return bases(self._library, rgb=rgb, factor=factor, any_factor=chosen is not None, movies=movies)

    def _on_base(self, _: str) -> None:
        self._base_was_chosen = True
        self._tell_of_time()

    def _on_restore(self) -> None:
        self._base_was_chosen = False
        self.name.value = ""
        self.show_settings(DEFAULTS, None)
        self._fields["device"].show(preferred_device())
        self._base_was_chosen = False
        self.offer()

    def _tell_of_time(self) -> None:
        """Say what a model for time-lapses learns from, and ask for what only matters there."""
        card = self._library.card(self.base.value)
        temporal = card is not None and card.frames > 1
        self._first.show_row(self._about, temporal)
        self.simulation.offer_time(temporal)
        if card is None or not temporal:
            return
        still = [pair.name for pair in self._pairs.intended if not times_of(pair.high)]
        needed = f"{card.frames} frames of a time-lapse help each other"
        if still:
            tell(self._about, f"{needed}, and {still[0]} has no axis that can be time.", wrong=True)
        else:
            tell(self._about, f"{needed}: it learns from layers with an axis that is time.")

    def _suggested_name(self) -> str:
        first = next(iter(self._pairs.intended), None)
        layer = self._pairs.noise_of or (first and (first.low or first.high))
        if layer is None:
            return ""
        ending = f"x{self.factor}" if self.factor > 1 else "restore"
        return free_name(f"{layer.name}-{ending}")

    @property
    def factor(self) -> int:
        """The factor of the model, as far as it is known before the training."""
        chosen: int | None = self._fields["factor"].value or self._pairs.factor
        if chosen is not None:
            return chosen
        card = self._library.card(self.base.value)
        return USUAL_FACTOR if card is None else card.scale_factor

    @property
    def minutes(self) -> float | None:
        """After how many minutes a training ends; None: not by the clock."""
        chosen: float | None = self._fields["minutes"].value
        return chosen

    @property
    def steps(self) -> int | None:
        """After how many steps a training ends; None: not by steps."""
        chosen: int | None = self._fields["steps"].value
        return chosen

    @property
    def chosen_base(self) -> str | None:
        """Name of a model; None: from scratch."""
        return None if self.base.value in (None, FROM_SCRATCH) else str(self.base.value)

    def start_from(self, name: str | None) -> None:
        """Choose a base if it is offered, and its factor; sharp models stand for their faithful partners."""
        card = self._library.card(name)
        if card is None:
            return
        self._fields["factor"].show(card.scale_factor)
        self.offer()
        for wanted in (card.partner, card.name):
            if wanted in self.base.choices:
                self.base.value = wanted
                return

    def settings(self, *, correct_shift: bool, predictions_as_truth: bool = False) -> FineTuning:
        """What was chosen.

        Raises
        ------
        UserError
            If it cannot be: the sentence names the setting.
        """
        chosen = {name: field.value for name, field in self._fields.items()}
        if self._pairs.kind != "pairs":
            chosen["factor"] = self.factor
        if self._pairs.kind == "alone":
            chosen["degradation"] = self.simulation.degradation(self.factor)
        if self._pairs.learns_from_tiles:  # they are of different fields
            chosen["hold_back"] = "images"
        name = check_name(self.name.value or self._suggested_name() or "fine-tuned")
        check_free(name)
        if chosen["minutes"] is None and chosen["steps"] is None:
            raise UserError(WITHOUT_END)
        chosen |= {"correct_shift": correct_shift, "predictions_as_truth": predictions_as_truth}
        return check_settings(chosen | {"name": name})

    def show_settings(self, settings: FineTuning, base: str | None) -> None:
        """Show what another training was asked for."""
        for name, field in self._fields.items():
            field.show(getattr(settings, name))
        self.offer()
        wanted = base or FROM_SCRATCH
        if wanted in self.base.choices:
            self.base.value = wanted
