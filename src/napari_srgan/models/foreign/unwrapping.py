"""From what a training script saved to the state dict of the generator in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor

from napari_srgan.models.foreign.layers import State

WRAPPERS = (
    "params_ema", "params-ema", "ema_state_dict", "state_dict_ema", "generator_ema", "netG_ema",
    "g_ema", "model_ema", "ema_model", "ema", "average",
    "params", "generator_state_dict", "netG_state_dict", "g_state_dict", "generator", "netG",
    "net_g", "gen", "G", "state_dict", "model_state_dict", "model_state", "net_state_dict",
    "network", "net", "model", "weights", "module",
)  # fmt: skip
"""Names of entries that hold the weights, averaged ones first."""
PREFIXES = (
    "module.", "_orig_mod.", "ema_model.", "generator.", "netG.", "net_g.", "gen.", "G.",
    "model.", "network.", "net.",
)  # fmt: skip
"""Beginnings that wrappers put before every name."""
GENERATORS = ("generator_ema.", "ema_model.", "generator.", "netG.", "net_g.", "gen.", "G.")
"""Beginnings that tell the generator's names from those of other networks in one state dict."""
_DEEPEST = 6
"""Wrappers within wrappers that anybody has been seen to use, and a few more."""


def find_state(contents: Any) -> dict[str, Tensor] | None:
    """The state dict in the contents of a file: tensors of any shape by name; None if there is none."""
    for _ in range(_DEEPEST):
        if not isinstance(contents, Mapping):
            return None
        tensors = {
            name: value for name, value in contents.items() if isinstance(name, str) and _is_weight(value)
        }
        inner = _wrapped(contents)
        if inner is None or (len(tensors) > 2 and any("." in name for name in tensors)):
            return {name: value.detach() for name, value in tensors.items()} or None
        contents = inner
    return None


def _is_weight(value: Any) -> bool:
    return isinstance(value, Tensor)


def _wrapped(contents: Mapping[Any, Any]) -> Mapping[Any, Any] | None:
    """The entry that holds the weights."""
    known = {name.lower(): name for name in contents if isinstance(name, str)}
    for wrapper in WRAPPERS:
        value = contents.get(known.get(wrapper.lower()))
        if isinstance(value, Mapping) and _holds_tensors(value):
            return value
    others = [
        value
        for name, value in contents.items()
        if isinstance(value, Mapping) and _holds_tensors(value) and not _is_other(name)
    ]
    return others[0] if len(others) == 1 else None


def _is_other(name: object) -> bool:
    """Whether an entry is named as a discriminator's or an optimiser's."""
    text = str(name).lower()
    return text in ("d", "disc", "netd", "net_d", "state") or any(
        word in text for word in ("optim", "discriminator", "sched", "netd_", "scaler")
    )


def _holds_tensors(value: Mapping[Any, Any]) -> bool:
    entries = list(value.values())
    if any(isinstance(entry, Tensor) for entry in entries):
        return not {"param_groups", "state"} <= set(value)
    return any(
        isinstance(entry, Mapping) and any(isinstance(e, Tensor) for e in entry.values()) for entry in entries
    )


def is_optimiser(contents: Any) -> bool:
    """Whether contents are those of an optimiser alone."""
    return isinstance(contents, Mapping) and {"param_groups", "state"} <= set(contents)


def without_prefixes(state: State) -> Iterator[dict[str, Tensor]]:
    """The state dict as it is, then with one more prefix of all names taken off each time.

    The tensors, of any shape and dtype, are the same ones.
    """
    current = {name.replace("_orig_mod.", ""): tensor for name, tensor in state.items()}
    current.pop("n_averaged", None)  # an averaged model counts
    while True:
        yield current
        following = _generator_part(current) or _without_prefix(current)
        if following is None:
            return
        current = following


def _without_prefix(state: State) -> dict[str, Tensor] | None:
    for prefix in PREFIXES:
        if state and all(name.startswith(prefix) for name in state):
            return {name.removeprefix(prefix): tensor for name, tensor in state.items()}
    return None


def _generator_part(state: State) -> dict[str, Tensor] | None:
    """The generator's names, where a state dict is that of a whole training."""
    for prefix in GENERATORS:
        part = {name.removeprefix(prefix): t for name, t in state.items() if name.startswith(prefix)}
        if part and len(part) < len(state):
            return part
    return None
