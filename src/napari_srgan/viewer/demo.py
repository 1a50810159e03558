"""The demo's images in napari."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from napari_srgan.images.factor import result_suffix


def open_demo(
    original: NDArray[Any],
    low: NDArray[Any],
    result: NDArray[Any],
    *,
    name: str,
    factor: int,
    pixel_size: float | None,
) -> None:
    """Show the three images side by side, each in its place in the world, until the window is closed.

    Parameters
    ----------
    original, low, result
        ``(Y, X)`` or ``(Y, X, 3)``; `low` smaller by `factor`, or noisy at a factor of 1.
    name
        Name of the model.
    factor
        Times smaller.
    pixel_size
        Pixel size of `original` in micrometres, where it is known.
    """
    import napari

    from napari_srgan.viewer.qt.labels import grid_of

    rgb = original.ndim == 3
    size = pixel_size or 1.0
    shared: dict[str, Any] = {"rgb": rgb}
    if not rgb:
        shared["contrast_limits"] = (float(original.min()), float(original.max()))
    if pixel_size is not None:
        shared["units"] = ("um", "um")
    # The first low-resolution pixel lies in the middle of those it was made from.
    coarse = {"scale": (size * factor,) * 2, "translate": (size * (factor - 1) / 2,) * 2}
    fine = {"scale": (size,) * 2}
    viewer = napari.Viewer(title="napari-srgan demo")
    given = "low resolution" if factor > 1 else "noisy"
    viewer.add_image(low, name=given, interpolation2d="nearest", **coarse, **shared)
    viewer.add_image(result, name=f"{given} {result_suffix(factor)} ({name})", **fine, **shared)
    viewer.add_image(original, name="original", **fine, **shared)
    grid = grid_of(viewer)
    grid.shape = (1, 3)
    grid.stride = 1
    grid.enabled = True
    viewer.reset_view()
    napari.run()
