"""Make sure that napari can open windows for the tests: the system's packages for it.

``python tests/system_packages.py`` is run before pytest. On Debian and its kin, as root, it
installs what is missing; elsewhere on Linux it says what is missing and fails. pytest-xvfb
then starts the virtual display itself. Only the standard library is used, so
that it can be run before anything is installed.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libGLX_mesa.so.0": "libglx-mesa0",
    "libOpenGL.so.0": "libopengl0",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgssapi_krb5.so.2": "libgssapi-krb5-2",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}
"""Shared libraries that Qt and OpenGL load, and the Debian package of each."""
DRIVERS = ("dri/swrast_dri.so", "libgallium-*.so")
"""The driver that draws without a graphics card, in older and newer Mesa."""
LIBRARY_FOLDERS = ("usr/lib/*", "usr/lib", "usr/lib64")


@dataclass(frozen=True)
class Action:
    """What is to be done before the tests."""

    kind: Literal["go on", "install", "refuse"]
    packages: tuple[str, ...] = ()
    """Debian's names of what is missing."""

    @property
    def sentence(self) -> str:
        """What is missing and how to get it."""
        names = " ".join(self.packages)
        return (
            "The tests open napari's window, and this system lacks what that needs: "
            f"{', '.join(self.packages)} (Debian's names); install them as root, on Debian or Ubuntu "
            f"with: apt-get install {names}"
        )


def decide(
    *, platform: str, has_display: bool, is_root: bool, has_apt: bool, missing: tuple[str, ...]
) -> Action:
    """What is to be done, from what the machine is like.

    Parameters
    ----------
    platform
        As in ``sys.platform``.
    has_display
        There is a screen, so that no virtual one is needed.
    is_root, has_apt
        Packages may, and can, be installed.
    missing
        Debian's names of packages that are not there.
    """
    if platform != "linux":
        return Action("go on")
    if has_display:
        missing = tuple(package for package in missing if package != "xvfb")
    if not missing:
        return Action("go on")
    return Action("install" if is_root and has_apt else "refuse", missing)


def find_missing() -> tuple[str, ...]:
    """Debian's names of the packages whose files are not on this machine."""
    missing = [package for library, package in LIBRARIES.items() if not _loads(library)]
    if not _has_software_driver():
        missing.append("libgl1-mesa-dri")
    if shutil.which("Xvfb") is None:
        missing.append("xvfb")
    return tuple(sorted(missing))


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _has_software_driver() -> bool:
    patterns = (f"{folder}/{driver}" for folder in LIBRARY_FOLDERS for driver in DRIVERS)
    return any(any(Path("/").glob(pattern)) for pattern in patterns)


def install(packages: tuple[str, ...]) -> int:
    """Install Debian packages; the exit code is apt-get's."""
    apt = ["apt-get", "-o", "Acquire::Retries=3", "-y", "-q"]
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    # A mirror that cannot be reached need not matter: the lists may be fresh enough.
    subprocess.run([*apt, "update"], env=environment, check=False)
    command = [*apt, "install", "--no-install-recommends", *packages]
    return subprocess.run(command, env=environment, check=False).returncode


def main() -> int:
    """Do what is to be done; 0 if the tests can open windows."""
    if sys.platform != "linux":
        return 0
    action = decide(
        platform=sys.platform,
        has_display=bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")),
        is_root=os.geteuid() == 0,
        has_apt=shutil.which("apt-get") is not None,
        missing=find_missing(),
    )
    if action.kind == "go on":
        return 0
    if action.kind == "install":
        print(f"Installing for the tests' display: {' '.join(action.packages)}", flush=True)
        if install(action.packages) == 0:
            return 0
    print(action.sentence, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
