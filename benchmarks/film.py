"""Two minutes in the real window: upscale a noisy image, question the result, make a model of one's own.

    xvfb-run -a -s "-screen 0 1280x800x24" python benchmarks/film.py FILE.mp4 [--minutes 10]

Uses napari as a person does, by its menus and buttons; only the pointer and the words beneath are drawn. The
training is shown quicker than it was. What is learned is written to a folder that is deleted afterwards.
Needs the extra ``video``, a display of 1280 x 800, and for a training that is worth showing a machine that
does nothing else.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from typing import Any

import napari
import numpy as np
from film_stage import SCREEN, Stage, button
from skimage.io import imread
from skimage.transform import downscale_local_mean

from napari_srgan.samples import sample_path
from napari_srgan.viewer.jobs.runner import runner_of, training_runner_of

PHOTONS, READ_ELECTRONS = 40, 1.5
LOOK_EVERY = 25
"""Steps between two looks, so that there is a curve after a few minutes."""
PLUGIN = "napari-srgan"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--minutes", type=float, default=10.0, help="of training")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as room:
        folders = {"MODELS": "models", "TRAININGS": "trainings", "CHOICES": "choices.json"}
        os.environ |= {f"NAPARI_SRGAN_{name}": f"{room}/{place}" for name, place in folders.items()}
        viewer = napari.Viewer()
        window = viewer.window._qt_window
        window.setGeometry(0, 0, *SCREEN)
        stage = Stage(arguments.file, window)
        upscale(stage, viewer)
        question(stage, viewer)
        fine_tune(stage, viewer, arguments.minutes)
        print(f"{arguments.file}: {stage.close():.0f} s, {arguments.file.stat().st_size / 1e6:.1f} MB")
        viewer.close()


def upscale(stage: Stage, viewer: Any) -> None:
    """A short exposure, one click, and both side by side."""
    light = downscale_local_mean(imread(sample_path("nuclei")).astype(np.float64), (2, 2))
    draw = np.random.default_rng(0)
    photons = draw.poisson(PHOTONS * (light - light.min()) / np.percentile(light - light.min(), 99.9))
    noisy = (photons + draw.normal(0, READ_ELECTRONS, light.shape)) * 50 + 500
    viewer.add_image(noisy.round().clip(0).astype(np.uint16), name="nuclei", interpolation2d="nearest")
    viewer.reset_view()
    stage.say("Nuclei in a short exposure: forty photons in the brightest pixels (simulated).")
    stage.hold(3)
    stage.say("Plugins > napari-srgan > Upscale")
    widget = open_widget(stage, viewer, "Upscale")
    stage.hold(1)
    stage.say("It looks at the image first: how much noise and blur there is, and which model suits it.")
    stage.hold(4)
    stage.press(button(widget, "Show original beside"))
    stage.say("One click.")
    stage.press(button(widget, "Run"))
    stage.watch(lambda: runner_of(viewer).running is None, every=0.1, patience=300)
    viewer.reset_view()
    stage.say("The result lies exactly on the original, here shown beside it: left before, right after.")
    stage.hold(3)
    zoom(stage, viewer, 2.2)
    stage.hold(4)


def question(stage: Stage, viewer: Any) -> None:
    """What can be believed of the result."""
    stage.say("Sharper is not yet truer: Plugins > napari-srgan > Trust")
    widget = open_widget(stage, viewer, "Trust")
    stage.hold(1)
    stage.press(button(widget, "Run"))
    stage.watch(lambda: button(widget, "Run").isEnabled(), every=0.2, patience=600)
    stage.say(
        "How much detail the image holds, what the network added, and what nobody can tell without a truth."
    )
    stage.hold(9)


def fine_tune(stage: Stage, viewer: Any, minutes: float) -> None:
    """From a pair of layers to a model, and what it is worth."""
    viewer.window.remove_dock_widget("all")
    viewer.layers.clear()
    stage.say("A model for your own microscope: one field in widefield, and the same in STORM.")
    viewer.open_sample(PLUGIN, "er-pair")
    viewer.reset_view()
    stage.hold(3)
    open_widget(stage, viewer, "Fine-tune")
    widget = viewer.window.dock_widgets[f"Fine-tune ({PLUGIN})"]
    stage.press(widget.images.add)
    stage.hold(1)
    stage.say("The pair is checked: do both show one field, by which factor, and how far are they shifted?")
    stage.press(widget.images.check)
    stage.watch(lambda: training_runner_of(viewer).running is None, every=0.2, patience=300)
    stage.hold(4)
    widget.choices._fields["minutes"].show(minutes)
    widget.choices._fields["validate_every"].show(LOOK_EVERY)
    stage.say(f"It learns for {minutes:g} minutes, shown quicker here; what is orange is held back.")
    stage.press(widget.controls.start)
    every = max(minutes * 60 / 25 / 10, 0.1)  # about 25 seconds of film
    stage.watch(
        lambda: training_runner_of(viewer).running is None, every=every, patience=60 * (2 * minutes + 5)
    )
    stage.say("Judged on what it never saw, beside interpolation and beside the model that it began with.")
    stage.hold(6)
    before = len(viewer.layers)
    stage.say("The whole layer, with the new model.")
    stage.press(widget.progress.upscale)
    stage.watch(lambda: len(viewer.layers) > before, every=0.2, patience=300)
    result = viewer.layers[-1]
    viewer.reset_view()
    zoom(stage, viewer, 2)
    for layer, words in {
        viewer.layers["widefield"]: "The widefield image ...",
        result: "... what the new model makes of it ...",
        viewer.layers["STORM"]: "... and STORM, which it had never seen on the right.",
    }.items():
        only(viewer, layer)
        stage.say(words)
        stage.hold(3)


def only(viewer: Any, layer: Any) -> None:
    """Show one layer, and no other."""
    for each in viewer.layers:
        each.visible = each is layer


def open_widget(stage: Stage, viewer: Any, name: str) -> Any:
    """Open a widget by its menu; returns its native widget."""
    title = f"{name} ({PLUGIN})"
    stage.choose("Plugins", PLUGIN, title)
    widget = viewer.window.dock_widgets[title]
    return getattr(widget, "native", widget)


def zoom(stage: Stage, viewer: Any, times: float) -> None:
    """Go nearer, step by step."""
    camera = getattr(viewer, "scene", viewer).camera  # it moved in napari 0.9
    for _ in range(12):
        camera.zoom *= times ** (1 / 12)
        stage.hold(0.1)


if __name__ == "__main__":
    main()
