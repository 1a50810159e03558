"""What is known of how far a viewer's results can be believed.

It belongs to the viewer, not to a widget: a dock that is closed while maps are computed, and opened again,
shows what came of them.
"""

from __future__ import annotations

from weakref import ref

from napari import Viewer
from napari.layers import Image
from psygnal import Signal

from napari_srgan.reliability import TrustReport
from napari_srgan.viewer.jobs.runner import Task, runner_of
from napari_srgan.viewer.one_per_viewer import OfViewer, one_per_viewer
from napari_srgan.viewer.trust.layers import (
    LayerParts,
    bring_up_to_date,
    map_layers,
    projected_back_layer_job,
    show_alike,
    shown_map,
    trust_layer_job,
)
from napari_srgan.viewer.trust.truth import check_truth_of


class TrustSession(OfViewer):
    """Computes reports, and puts their maps into the viewer.

    Parameters
    ----------
    viewer
        Whose layers are looked at.
    """

    changed = Signal()
    """There is another report, or a sentence in its place."""

    def __init__(self, viewer: Viewer) -> None:
        super().__init__(viewer)
        self._about: tuple[ref[Image], ref[Image]] | None = None
        self.runner = runner_of(viewer)
        self.report: TrustReport | None = None
        """The last report."""
        self.problem = ""
        """Why there is no report of what was asked for last; empty if there is one."""
        self.note = ""
        """What is to be said beside that report, or was done since."""
        self.running = False
        """Whether something is being made for the widget."""
        self.runner.ended.connect(self._on_ended)

    @property
    def result(self) -> Image | None:
        """The layer that the last report is about, if it is still there."""
        return None if self._about is None else self._about[1]()

    @property
    def image(self) -> Image | None:
        """The layer that this result was made of, if it is still there."""
        return None if self._about is None else self._about[0]()

    def forget(self) -> None:
        """Know nothing any more: what was found of one result holds for no other."""
        self.report, self._about, self.problem, self.note = None, None, "", ""
        self.changed.emit()

    def start(
        self, image: Image, result: Image, *, truth: Image | None = None, disagreement: bool = False
    ) -> None:
        """Make a report of a result.

        Parameters
        ----------
        image, result, truth, disagreement
            As in :func:`~napari_srgan.viewer.trust.layers.trust_layer_job`.

        Raises
        ------
        UserError
            If something else runs, or the layer is no result.
        """
        job = trust_layer_job(image, result, truth=truth, disagreement=disagreement)
        note = "" if truth is None else check_truth_of(truth, result)

        def take(report: TrustReport) -> None:
            self.take(report, image, result, note)

        title = f"Looking at what can be believed of {result.name}"
        self.runner.start([Task(title, job, take, self._complain)])
        self.running = True

    def project_back(self, image: Image, result: Image) -> None:
        """Correct a result so that, made small again, it is its image; the new layer comes above it.

        Raises
        ------
        UserError
            If something else runs.
        """

        def add(made: LayerParts) -> None:
            pixels, others = made
            viewer = self._viewer_ref()
            if viewer is None:
                return
            place = viewer.layers.index(result) + 1 if result in viewer.layers else len(viewer.layers)
            viewer.layers.insert(place, Image(pixels, **others))
            self.problem, self.note = "", f"Added {others['name']!r}."
            self.changed.emit()

        job = projected_back_layer_job(image, result)
        self.runner.start([Task(f"Projecting back {result.name}", job, add, self._complain)])
        self.running = True

    def take(self, report: TrustReport, image: Image, result: Image, note: str = "") -> None:
        """Take a report, and add its maps to the layers, hidden, above the result.

        Parameters
        ----------
        report
            What was found.
        image, result
            What it is about.
        note
            A sentence beside it.
        """
        viewer = self._viewer_ref()
        if viewer is not None and result not in viewer.layers:
            self._complain(f"{result.name!r} is no layer any more; there is nothing to tell of it")
            return
        self.report, self._about, self.problem, self.note = report, (ref(image), ref(result)), "", note
        if viewer is not None:
            _show_maps(report, image, result, viewer)
        self.changed.emit()

    def _complain(self, sentence: str) -> None:
        self.report, self.problem, self.note = None, sentence, ""
        self.changed.emit()

    def _on_ended(self, _cancelled: bool) -> None:
        self.running = False


def _show_maps(report: TrustReport, image: Image, result: Image, viewer: Viewer) -> None:
    layers = viewer.layers
    place = layers.index(result) + 1
    for layer in map_layers(report, image, result, layers):
        shown = shown_map(layers, layer)
        if shown is None:
            layers.insert(place, layer)
            place += 1
        else:
            bring_up_to_date(shown, layer)
        show_alike(layers, shown or layer)
    layers.selection.active = result


@one_per_viewer
def trust_of(viewer: Viewer) -> TrustSession:
    """What is known of a viewer's results; the same for all widgets of its window."""
    return TrustSession(viewer)
