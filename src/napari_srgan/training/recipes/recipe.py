"""A recipe: everything that decides what a training makes, in one TOML file."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from napari_srgan.errors import UserError
from napari_srgan.models.card import SPANDREL
from napari_srgan.networks import build_network
from napari_srgan.networks.architectures import spelled_out
from napari_srgan.networks.generator import BackProjection
from napari_srgan.training.degradation.sampling import Sampling
from napari_srgan.training.degradation.settings import LARGEST_BLUR, Degradation
from napari_srgan.training.loop.losses import AdversarialLoss, PixelLoss


class GanStage(BaseModel):
    """The adversarial stage of a training; the default losses and weights are SRGAN's (Ledig et al. 2017)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    after: int = Field(default=0, ge=0)
    """Steps of the pixel stage before it; 0 where the recipe starts from a trained model."""
    after_part: float | None = Field(default=None, ge=0, lt=1)
    """Part of the training that is the pixel stage, in place of `after`."""
    discriminator: Literal["vgg", "patch"] = "vgg"
    """SRGAN's discriminator, or PatchGAN."""
    discriminator_arguments: dict[str, Any] = Field(default_factory=dict)
    """Keyword arguments of the discriminator's class."""
    adversarial: AdversarialLoss = "standard"
    """See :func:`~napari_srgan.training.loop.losses.discriminator_loss`."""
    adversarial_weight: float = Field(default=1e-3, ge=0)
    perceptual: Literal["vgg22", "vgg54", "squeezenet", "none"] = "vgg54"
    """The network whose feature maps are compared: VGG19, which torchvision downloads, or SqueezeNet from a
    file, with maps brought to unit length."""
    activated: bool = True
    """Whether VGG's maps are those after the activation, as in SRGAN, or before, as in ESRGAN."""
    features: str | None = None
    """SqueezeNet's weights, a file inside the data folder."""
    heads: str | None = None
    """LPIPS's weights of its maps, a file inside the data folder; by default all maps count alike."""
    perceptual_weight: float = Field(default=1.0, ge=0)
    pixel_weight: float = Field(default=0.0, ge=0)
    learning_rate: float = Field(default=1e-4, gt=0)
    """Learning rate of generator and discriminator at its highest."""

    @model_validator(mode="after")
    def _features_are_named(self) -> GanStage:
        if self.perceptual == "squeezenet" and self.features is None:
            raise ValueError("perceptual = 'squeezenet' needs features, a file of its weights")
        if self.perceptual != "squeezenet" and (self.features or self.heads):
            raise ValueError(f"features and heads are for 'squeezenet', not for {self.perceptual!r}")
        return self


class MovieClips(BaseModel):
    """Clips of movies to train on, for networks of several frames."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folders: tuple[str, ...] = Field(min_length=1)
    """Folders of movies inside the data folder, each with SOURCES.tsv."""
    clip: int = Field(default=1, ge=1)
    """Frames that the network makes of a patch."""
    change: float = Field(default=0, ge=0)
    """Weight of the loss on what changes from each of them to the next, in the pixel stage."""
    moved: float = Field(default=0.5, ge=0, le=1)
    """Part of the patches that are cut from the tiles of `folders`, which are moved; others are of movies."""

    @model_validator(mode="after")
    def _something_can_change(self) -> MovieClips:
        if self.change and self.clip < 2:
            raise ValueError("change, a loss between frames, needs a clip of two frames or more; got clip 1")
        return self


class RecipeDegradation(BaseModel):
    """How low resolution is made of tiles and movies, in the units of the light.

    0 is no light and 1 the brightest places of an image. What is not said here is as in
    :class:`~napari_srgan.training.degradation.settings.Degradation`, which has the same names.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    photons: tuple[float, float] | None = None
    """Range of the photo-electrons in the brightest places, log-uniform; None: no noise."""
    read_electrons: tuple[float, float] = (0.0, 0.0)
    background: tuple[float, float] = (0.0, 0.0)
    """Range of the light that is everywhere, in the truth as well."""
    empty: float = Field(default=0.0, ge=0, lt=1)
    """Part of the noisy patches in which there is nothing but even light, as in a frame without objects: so
    that the network makes none of noise."""
    oversampled: float = Field(default=0.0, ge=0, le=1)
    """Part of the patches, clean ones too, whose truth is smoother than its pixels could show, as where a
    microscope has more pixels than its lens resolves. A network learns from them not
    to take every image for sharp."""
    softness: tuple[float, float] = (0.5, 1.5)
    """Range of the sigma in high-resolution pixels of the Gaussian that makes them smooth."""
    blur: tuple[float, float] = (0.0, 0.0)
    clean: float = 0.0
    unblurred: float = 0.0
    astigmatism: float = 0.0
    airy: float = 0.0
    sampling: tuple[Sampling, ...] = ("bicubic",)
    correlated: float = 0.0
    correlation: tuple[float, float] = (0.3, 1.0)
    hot_pixels: float = 0.0
    eight_bit: float = 0.0
    jpeg: float = 0.0
    jpeg_quality: tuple[int, int] = (50, 95)
    truth_noise: float = Field(default=0.04, gt=0)
    """Largest noise of a tile, at half of its brightness and as a part of its range. One of more noise is
    binned until it has less, so that the network neither learns noise nor is judged by it, or left out if too
    little remains to learn from. 1 leaves all as they are, as for photographs, whose textures look like
    noise."""

    @model_validator(mode="after")
    def _can_be_simulated(self) -> RecipeDegradation:
        if self.photons is not None and not 0 < self.photons[0] <= self.photons[1]:
            raise ValueError(f"photons is a range above 0, the lower one first; got {self.photons}")
        if not 0 <= self.background[0] <= self.background[1]:
            raise ValueError(f"background is a range from 0 on, the lower one first; got {self.background}")
        if not 0 <= self.softness[0] <= self.softness[1] <= LARGEST_BLUR:
            raise ValueError(
                f"softness is a range from 0 to {LARGEST_BLUR:g}, the lower one first; got {self.softness}"
            )
        try:
            self.of(1)
        except UserError as error:
            raise ValueError(str(error)) from error
        return self

    def of(self, factor: int) -> Degradation:
        """The degradation by a factor, in the units of the light."""
        same = self.model_dump(
            exclude={"photons", "background", "empty", "oversampled", "softness", "truth_noise"}
        )
        gain = None if self.photons is None else (1 / self.photons[1], 1 / self.photons[0])
        return Degradation(factor, gain=gain, **same)


class MeasuredPairs(BaseModel):
    """Measured pairs of a short and a long exposure to learn from, beside simulated noise.

    A folder may hold pairs that judge and pairs that teach. Each of them is named, so that none of the
    first kind is ever trained on by mistake.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: str
    """Folder inside the data folder that holds ``NAME_short.png`` and ``NAME_long.png``."""
    names: tuple[str, ...] = Field(min_length=1)
    """The pairs that are trained on."""
    judges: tuple[str, ...] = ()
    """The other pairs of the folder, which are never trained on."""
    share: float = Field(gt=0, lt=1)
    """Part of the patches that is cut from these pairs, by chance."""

    @model_validator(mode="after")
    def _judges_are_not_trained_on(self) -> MeasuredPairs:
        both = sorted(set(self.names) & set(self.judges))
        if both:
            raise ValueError(
                f"{', '.join(both)}: a pair that judges is never trained on; take it out of names"
            )
        return self


class Recipe(BaseModel):
    """What to train, on what, and for how long."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """Name of the model."""
    description: str
    """One line for someone who has to choose a model."""
    architecture: str
    """A key of :data:`napari_srgan.networks.ARCHITECTURES`."""
    arguments: dict[str, Any]
    """Keyword arguments of the architecture, or a ``preset`` of it."""
    intensity: Literal["byte", "percentile"]
    """The intensity convention of the model's card."""
    licence: str = "BSD-3-Clause"
    """Licence of the weights."""
    citation: str = ""
    """What to cite when results are published."""
    partner: str | None = None
    """Name of the model of the same shape that this one can be blended with."""
    start: str | None = None
    """Name or file of a model whose weights are taken where their shapes agree."""

    back_projection: BackProjection = False
    """Whether the trained network is validated and kept with a step of back-projection
    that it was trained without (see :class:`~napari_srgan.networks.srresnet.SRResNet`)."""

    folders: tuple[str, ...] = ()
    """Folders of tiles inside the data folder, each with SOURCES.tsv and LICENCES.tsv; none where a
    model is fine-tuned on a user's own images."""
    degradation: RecipeDegradation | None = None
    """How low resolution is made; None: by antialiased bicubic, without blur and noise."""
    pairs: tuple[str, ...] = ()
    """Folders of measured pairs inside the data folder that the model is judged by and never learns from,
    those of `measured` left out: short exposures ``NAME_short.png`` and long ones ``NAME_long.png`` of the
    same field."""
    measured: MeasuredPairs | None = None
    """Measured pairs that part of the patches is cut from."""
    movies: MovieClips | None = None
    """Movies, for a network of several frames."""
    without: tuple[str, ...] = ()
    """Source sets that are left out altogether, to see how a model does on what it has never met."""
    data: str = ""
    """Fingerprint of a user's own images: a checkpoint of others is refused."""
    held_back: float = Field(default=0.1, gt=0, lt=1)
    """Part of each source set's images that is never trained on."""
    set_balance: float = Field(default=0.5, ge=0, le=1)
    """A set of n tiles is drawn from as n**set_balance: 1 by tile, 0 by set."""
    gain: tuple[float, float] = (1.0, 1.0)
    """Range of a random factor on intensities, after normalisation."""

    low_gain: tuple[float, float] = (1.0, 1.0)
    """Range of a random factor on the low-resolution patch alone, for pairs of two modalities, whose
    brightness is not bound together by one gain everywhere."""
    low_offset: tuple[float, float] = (0.0, 0.0)
    """Range of a random number added to it, in the network's range."""

    steps: int | None = Field(default=None, ge=1)
    """Steps of the optimiser."""
    minutes: float | None = Field(default=None, gt=0)
    """Minutes of training, if it is to end by the clock; with `steps`, whichever comes first."""
    patience: int = Field(default=0, ge=0)
    """End the pixel stage's training after so many validations without a new best; 0: never."""
    keep: Literal["last", "best"] = "last"
    """The averaged weights that become the model: those at the end, or those of the best validation.
    After an adversarial stage always those at the end, because it lowers what validations measure."""
    batch: int = Field(default=16, ge=1)
    """Patches in a step."""
    patch: int = Field(default=32, ge=8)
    """Low-resolution pixels along the side of a patch."""
    optimiser: Literal["adam", "muon"] = "adam"
    """``"muon"``: orthogonalised momentum for convolutions, Adam for the rest."""
    learning_rate: float = Field(default=5e-4, gt=0)
    """Learning rate at its highest."""
    warm_up: int = Field(default=200, ge=0)
    """Steps over which the learning rate rises."""
    schedule: Literal["linear", "cosine"] = "linear"
    """How it falls to 0, see :func:`~napari_srgan.training.loop.schedule.learning_rate_factor`."""
    decay: float = Field(default=0.4, ge=0, le=1)
    """Last part of the training, over which a linear schedule falls."""
    average: float = Field(default=0.999, ge=0, lt=1)
    """Decay of the exponential moving average of the weights, which is what is kept."""
    clip: float = Field(default=1.0, gt=0)
    """Largest norm of the gradient."""
    pixel_loss: PixelLoss = "l1"
    """See :func:`~napari_srgan.training.loop.losses.pixel_loss`."""
    gan: GanStage | None = None
    """The adversarial stage, if there is one."""
    validate_every: int = Field(default=1000, ge=1)
    """Steps between validations and checkpoints."""
    seed: int = 0
    """Seed of the weights, the patches and their flips."""

    @model_validator(mode="after")
    def _network_can_be_built(self) -> Recipe:
        if self.architecture != SPANDREL:  # whose networks are made from weights
            build_network(self.architecture, self.kept_arguments)
        missing = {"scale_factor", "channels"} - set(self.arguments)
        if missing:
            raise ValueError(f"arguments must name {' and '.join(sorted(missing))}")
        if self.steps is None and self.minutes is None:
            raise ValueError("a recipe needs steps, minutes or both")
        if self.scale_factor == 1 and (self.folders or self.movies) and not self._degrades:
            raise ValueError(
                "at a scale factor of 1 there is nothing to learn without blur or noise: the recipe needs "
                "photons, blur or jpeg in [degradation]"
            )
        if self.measured and (self.degradation is None or self.movies or self.channels != 1):
            raise ValueError(
                "measured pairs are learned from beside tiles of one channel with a [degradation], "
                "not beside movies"
            )
        if self.measured and self.intensity != "percentile":
            raise ValueError("measured pairs have noise: the recipe needs intensity = 'percentile'")
        if self.gan and self.gan.after_part is None and self.steps is None:
            raise ValueError("an adversarial stage of a training without steps needs after_part")
        if self.gan and self.steps is not None and self.gan.after >= self.steps:
            raise ValueError(f"the adversarial stage begins after {self.gan.after} of {self.steps} steps")
        if self.gan and self.pixel_part == 0 and self.start is None:
            raise ValueError("an adversarial stage needs a pixel stage before it (after), or a start")
        return self

    @property
    def _degrades(self) -> bool:
        return self.degradation is not None and not self.degradation.of(self.scale_factor).only_downsamples

    @property
    def pixel_part(self) -> float:
        """Part of the training that is the pixel stage; 1 without an adversarial one."""
        if self.gan is None:
            return 1.0
        if self.gan.after_part is not None:
            return self.gan.after_part
        assert self.steps is not None
        return self.gan.after / self.steps

    @property
    def kept_arguments(self) -> dict[str, Any]:
        """Arguments of the network that is kept."""
        if self.architecture == SPANDREL:
            return dict(self.arguments)
        spelled = spelled_out(self.architecture, self.arguments)
        return spelled | ({"back_projection": self.back_projection} if self.back_projection else {})

    @property
    def scale_factor(self) -> int:
        return int(self.arguments["scale_factor"])

    @property
    def channels(self) -> int:
        return int(self.arguments["channels"])


def read_recipe(path: Path) -> Recipe:
    """Read a recipe from a TOML file.

    Raises
    ------
    UserError
        If the file is missing, is no TOML, or is not a recipe.
    """
    try:
        return Recipe.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise UserError(f"the recipe {path} cannot be read: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path.name} is no TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        got = f"{where}: {first['msg']}, got {first['input']!r}" if where else str(first["msg"])
        raise UserError(f"{path.name}, {got}") from error
