"""What all images of a training, its base and the user have to agree on."""

from __future__ import annotations

from collections.abc import Sequence

from napari_srgan.errors import UserError
from napari_srgan.images.factor import factor_in_words
from napari_srgan.models import Model
from napari_srgan.training.fine_tuning.settings import FineTuning
from napari_srgan.training.pairs.matching import MatchedPair
from napari_srgan.training.pairs.source import SourceImage


def agreed_factor(
    pairs: Sequence[MatchedPair | SourceImage], base: Model | None, settings: FineTuning
) -> int:
    """The scale factor that all pairs, the base and the user agree on.

    Raises
    ------
    UserError
        If there is none.
    """
    if not pairs:
        raise UserError("there is nothing to learn from; give at least one pair, or a high-resolution image")
    measured = {pair.factor for pair in pairs if isinstance(pair, MatchedPair)}
    if measured and any(isinstance(pair, SourceImage) for pair in pairs):
        raise UserError(
            "pairs and images without a partner cannot be learned from together; train on one kind, then "
            "fine-tune that model on the other"
        )
    if len(measured) > 1:
        found = ", ".join(factor_in_words(factor) for factor in sorted(measured))
        raise UserError(f"all pairs must have one scale factor; these have {found}")
    wanted = settings.factor
    factor = measured.pop() if measured else wanted or (base.scale_factor if base else None)
    if factor is None:
        raise UserError("say the scale factor: neither a pair nor a base tells it")
    if wanted is not None and wanted != factor:
        raise UserError(f"the pairs have scale factor x{factor}, not x{wanted}")
    # Nobody has a base of factor 1 before the first training: there, others are taken as they are.
    if base is not None and base.scale_factor != factor and wanted is None and factor > 1:
        raise UserError(
            f"these pairs are x{factor}, {base.name} is {_told(base)}: choose a base of x{factor}, or "
            f"say that the factor shall be {factor}; then the base's last layers are made anew"
        )
    return factor


def _told(base: Model) -> str:
    return f"x{base.scale_factor}" if base.scale_factor > 1 else "for the same size"


def agreed_channels(pairs: Sequence[MatchedPair | SourceImage]) -> int:
    """Channels of the network: 3 for RGB images, else 1.

    Raises
    ------
    UserError
        If images of both kinds are among them.
    """
    images = [pair.low if isinstance(pair, MatchedPair) else pair for pair in pairs]
    kinds = {image.rgb for image in images}
    if len(kinds) > 1:
        raise UserError("some images are RGB and others are not; a model learns one kind")
    return 3 if kinds.pop() else 1


def check_is_measured(image: SourceImage, settings: FineTuning) -> None:
    """Refuse a high-resolution image that a model made, unless that is meant.

    Parameters
    ----------
    image
        The high-resolution image of a pair, or one without a partner.
    settings
        They say whether predictions may be learned from.

    Raises
    ------
    UserError
        If the image is a prediction and nobody said that it is meant.
    """
    if image.predicted_by and not settings.predictions_as_truth:
        raise UserError(
            f"{image.name!r} is a prediction of {image.predicted_by}, no measured image: what that model "
            "invented would be learned, and figures would call it right; choose a measured image as high "
            "resolution, or say that it is meant (predictions_as_truth)"
        )


def check_noise_of(noise_of: SourceImage, highs: Sequence[SourceImage]) -> None:
    """Refuse an image whose noise cannot be simulated in others; no pixel is read.

    Parameters
    ----------
    noise_of
        The noisy image.
    highs
        Those in which its noise is to be simulated.

    Raises
    ------
    UserError
        If it shows truth values, is one of them, or only one kind of image has colours.
    """
    if noise_of.dtype.kind == "b":
        raise UserError(
            f"{noise_of.name!r} shows truth values, which have no noise; choose an image as the microscope "
            "gives it"
        )
    for high in highs:
        if high.data is noise_of.data:
            raise UserError(
                f"{noise_of.name!r} is given as the noisy and as the good image, and has nothing to learn "
                "from but its own noise; choose another good image, or the bundled sample tiles"
            )
        if high.rgb != noise_of.rgb:
            kinds = ("is RGB", "is not") if noise_of.rgb else ("has one channel", "is RGB")
            raise UserError(
                f"{noise_of.name!r} {kinds[0]} and {high.name!r} {kinds[1]}; choose a good image of the same "
                "kind"
            )
