"""Which files a model is fine-tuned on, and which belong together."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from napari_srgan.api.inputs import find_inputs
from napari_srgan.cli.terminal import complain
from napari_srgan.errors import UserError
from napari_srgan.images.formats import open_image
from napari_srgan.images.spacing import Spacing
from napari_srgan.images.stored_image import StoredImage
from napari_srgan.images.units import kind_of
from napari_srgan.results.existing_result import provenance_of
from napari_srgan.training.pairs.matching import MatchedPair, match
from napari_srgan.training.pairs.source import SourceImage, sample_sources


@dataclass(frozen=True)
class TrainingFiles:
    """What a model is fine-tuned on."""

    pairs: tuple[tuple[Path, Path], ...]
    """Low and high resolution."""
    alone: tuple[Path, ...]
    """High resolution, whose partners are simulated."""
    noise_of: Path | None = None
    """The image whose noise and blur are simulated in them."""

    @property
    def tiles(self) -> bool:
        """Whether there are only the tiles that come with the package to learn from."""
        return self.noise_of is not None and not self.pairs and not self.alone


def find_files(
    low: Path | None, high: Path | None, alone: Sequence[Path], *, noise_of: Path | None = None
) -> TrainingFiles:
    """Find the files meant, and who is whose partner: by name, the first of one folder goes with the
    first of the other.

    Raises
    ------
    UserError
        If there is nothing, an image has no partner, or is its own.
    """
    if low is not None and high is None:
        raise UserError(
            f"{low} has no partner: give LOW and HIGH, or --high {low} alone if it is a high-resolution or "
            "clean image, and its partner is simulated"
        )
    if low is not None and alone:
        raise UserError(
            "give either LOW and HIGH or --high: pairs and images without a partner cannot be learned from "
            "together; train on one kind, then take that model as --base for the other"
        )
    if low is not None and noise_of is not None:
        raise UserError(
            f"the noise of {noise_of} is simulated in high-resolution images, and pairs have noise of their "
            "own; give --noise-of with --high or alone"
        )
    if low is None and not alone and noise_of is None:
        raise UserError(
            "there is nothing to learn from: give LOW and HIGH, or --high alone, or --noise-of a noisy image"
        )
    for file in alone:
        if noise_of is not None and file.is_file() and noise_of.is_file() and file.samefile(noise_of):
            raise UserError(
                f"{file} is given as --noise-of and as --high; give another --high, or --noise-of alone, and "
                "tiles that come with the package are learned from"
            )
    pairs = _pair_files(low, high) if low is not None and high is not None else []
    return TrainingFiles(tuple(pairs), tuple(_images_in(alone)) if alone else (), noise_of)


def open_images(
    files: TrainingFiles, factor: int | None, opened: ExitStack, axes: str | None = None
) -> list[MatchedPair | SourceImage]:
    """Open files and match pairs; no pixel is read.

    Parameters
    ----------
    files
        The files to open.
    factor
        How many times finer the high-resolution images are; found from the images by default.
    opened
        An exit stack that closes the files when nothing will be read any more.
    axes
        Letters for the axes, if the user gives them; those of the files by default.

    Raises
    ------
    UserError
        If a file cannot be read, or two are no pair.
    """
    images: list[MatchedPair | SourceImage] = []
    for low_file, high_file in files.pairs:
        low, high = (_placed(file, opened, axes) for file in (low_file, high_file))
        images.append(match(*_in_one_world(low, high), factor))
    images += [_placed(file, opened, axes).image.checked() for file in files.alone]
    if files.tiles:
        images += sample_sources()
    return images


def open_noisy(files: TrainingFiles, opened: ExitStack, axes: str | None = None) -> SourceImage | None:
    """Open the image whose noise is meant, if there is one; arguments are those of :func:`open_images`."""
    return None if files.noise_of is None else _placed(files.noise_of, opened, axes).image.checked()


def _images_in(given: Sequence[Path]) -> list[Path]:
    """Images meant by files and folders; what is left out is said."""
    found = find_inputs(given)
    for note in found.notes:
        complain(note)
    return [place for place in found.places if isinstance(place, Path)]


def _pair_files(low: Path, high: Path) -> list[tuple[Path, Path]]:
    lows, highs = _images_in([low]), _images_in([high])
    if len(lows) != len(highs):
        raise UserError(
            f"{low} has {_counted(lows)} and {high} has {_counted(highs)}: every image of the one needs its "
            "partner in the other, named so that both folders have the same order"
        )
    pairs = list(zip(lows, highs, strict=True))
    for one, other in pairs:
        if one.exists() and other.exists() and one.samefile(other):
            raise UserError(
                f"{one} is given as LOW and as HIGH; give two images, "
                f"or --high {one} alone, and its partner is simulated"
            )
    return pairs


class _Placed(NamedTuple):
    image: SourceImage
    world: str
    """What its pixel sizes are measured in."""


def _placed(file: Path, opened: ExitStack, axes: str | None) -> _Placed:
    stored = opened.enter_context(open_image(file, axes))
    y, x = (_axis(stored, letter) for letter in "YX")
    made = provenance_of(file) or {}
    image = SourceImage(file.name, stored.data, axes or stored.axes, predicted_by=str(made.get("model", "")))
    if not (y.known and x.known):
        return _Placed(image, "")
    if kind_of(y.unit) == kind_of(x.unit) == "length":
        y, x, world = y.in_unit("micrometer"), x.in_unit("micrometer"), "micrometer"
    else:
        world = f"{y.unit} {x.unit}"
    scale, origin = (y.size, x.size), (y.origin, x.origin)
    return _Placed(replace(image, scale=scale, origin=origin), world)


def _axis(stored: StoredImage, letter: str) -> Spacing:
    return stored.spacings[stored.axes.index(letter)]


def _in_one_world(low: _Placed, high: _Placed) -> tuple[SourceImage, SourceImage]:
    """Give both images, without their places if those cannot be compared."""
    if low.world == high.world:
        return low.image, high.image
    nowhere = {"scale": None, "origin": (0.0, 0.0)}
    return replace(low.image, **nowhere), replace(high.image, **nowhere)  # type: ignore[arg-type]


def _counted(files: Sequence[Path]) -> str:
    return f"{len(files)} image{'' if len(files) == 1 else 's'}"
