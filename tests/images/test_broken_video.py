"""Videos as they should not be: one sentence, or a result that makes sense and says what is odd."""

from __future__ import annotations

import errno
import re
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from napari_srgan.errors import UserError
from napari_srgan.images.formats import open_image, open_output
from napari_srgan.images.upscaled import Upscaled
from napari_srgan.images.writing.output import NewFile

from .test_video import SIDES, encode, movie

Make = Callable[[Path], Path]
GROUPS = {"g": "10", "bf": "0"}


def cut(name: str, share: float = 0.6, **options: Any) -> Make:
    def make(folder: Path) -> Path:
        path = encode(folder / name, movie(40), **options)
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
        return path

    return make


def scratched(name: str, **options: Any) -> Make:
    """Some bytes of a frame in the middle are others."""

    def make(folder: Path) -> Path:
        path = encode(folder / name, movie(40), **options)
        with av.open(str(path)) as container:
            packet = list(container.demux(video=0))[20]
        assert packet.pos is not None
        start, stop = packet.pos + packet.size // 4, packet.pos + packet.size - 2
        whole = bytearray(path.read_bytes())
        whole[start:stop] = np.random.default_rng(1).bytes(stop - start)
        path.write_bytes(whole)
        return path

    return make


SURPLUS = {
    "comment": b"\x21\xfe\x05hello\x00", "time": b"\x21\xf9\x04\x00\x0a\x00\x00\x00",
    "loop": b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00",
}  # fmt: skip


@pytest.mark.parametrize("kind", SURPLUS)
def test_blocks_after_the_last_picture_of_a_gif_are_no_frame(tmp_path: Path, kind: str) -> None:
    """They are allowed; cut off in the middle of them, nobody knows whether a picture would follow."""
    frames = np.random.default_rng(0).integers(0, 255, (3, 20, 24), dtype=np.uint8)
    first, *rest = map(Image.fromarray, frames)
    first.save(tmp_path / "x.gif", save_all=True, append_images=rest, duration=100)
    content = (tmp_path / "x.gif").read_bytes()
    (tmp_path / "y.gif").write_bytes(content[:-1] + SURPLUS[kind] + content[-1:])
    with open_image(tmp_path / "y.gif") as image:
        np.testing.assert_array_equal(image.data[:], frames)
    (tmp_path / "z.gif").write_bytes(content[:-1] + SURPLUS[kind])
    with pytest.raises(UserError, match="damaged or cut off"), open_image(tmp_path / "z.gif") as image:
        image.data[:]


def content(name: str, data: bytes) -> Make:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(data)
        return folder / name

    return make


def picture(folder: Path) -> Path:
    Image.fromarray(movie(1)[0]).save(folder / "x.png")
    return (folder / "x.png").rename(folder / "x.mp4")


def sound(folder: Path) -> Path:
    with av.open(str(folder / "x.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 44100, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return folder / "x.mp4"


MJPEG = {"codec": "mjpeg", "pixels": "yuvj420p"}
REFUSED: dict[str, tuple[Make, str]] = {
    "empty": (content("x.mp4", b""), r"x\.mp4 is empty \(0 bytes\)"),
    "text": (content("x.mp4", b"Dear diary, " * 50), r"x\.mp4 is no readable video file"),
    "zeros": (content("x.avi", bytes(10_000)), r"x\.avi is no readable video file"),
    "sound": (sound, r"there is no video in x\.mp4, at most sound"),
    "picture": (picture, r"x\.mp4 is no readable video file"),
    "list of other files": (
        content("x.mp4", b"ffconcat version 1.0\nfile y.mp4\n"),
        "no readable video file",
    ),
    "mp4 without its end, where its index is": (cut("x.mp4"), "no readable video file"),
    "avi without its end": (cut("x.avi", **MJPEG), r"it ends in the middle of a frame|should have 40"),
    "scratched mkv": (scratched("x.mkv", **GROUPS), r"x\.mkv is damaged or cut off"),
    "scratched motion jpeg": (scratched("x.avi", **MJPEG), r"x\.avi is damaged or cut off"),
    "scratched ffv1": (scratched("x.mkv", codec="ffv1", pixels="gray"), "damaged or cut off"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_one_sentence(tmp_path: Path, case: str) -> None:
    make, words = REFUSED[case]
    path = make(tmp_path)
    with pytest.raises(UserError, match=words) as told, open_image(path) as image:
        _ = image.data[:]
    assert "\n" not in str(told.value)


def test_a_name_is_never_taken_for_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """FFmpeg would look for a protocol in 10:30:00.mp4, but in no absolute path."""
    encode(tmp_path / "x.mp4", movie(2))
    monkeypatch.chdir(tmp_path)
    given, real = [], av.open
    monkeypatch.setattr(av, "open", lambda path, **options: given.append(path) or real(path, **options))
    with open_image(Path("x.mp4")) as image:
        assert image.data.shape == (2, *SIDES)
    assert given
    assert all(Path(path).is_absolute() for path in given)


def test_what_is_whole_beside_a_damaged_frame_can_be_read(tmp_path: Path) -> None:
    path = scratched("x.avi", **MJPEG)(tmp_path)
    with open_image(path) as image:
        with pytest.raises(UserError, match=r"about frame \d+ of x\.avi"):
            _ = image.data[:]
        for number in (0, 5, 39):
            assert np.abs(image.data[number].astype(int) - movie(40)[number]).mean() < 10


@pytest.mark.parametrize("name", ["x.mkv", "x.webm"])
def test_a_stopped_recording_is_read_as_far_as_it_goes_and_said(tmp_path: Path, name: str) -> None:
    path = cut(name, codec="libvpx-vp9" if "webm" in name else "libx264", **GROUPS)(tmp_path)
    with open_image(path) as image:
        assert 3 < image.data.shape[0] < 40
        assert re.search(
            r"should last 1\.6 s, and its frames end after .* s: perhaps it is cut off", image.note
        )
        assert image.data[:].shape == image.data.shape


def test_transparency_is_left_out_and_said(tmp_path: Path) -> None:
    frames = np.repeat(movie(3)[..., None], 4, axis=-1)
    frames[..., 1] //= 2
    with open_image(encode(tmp_path / "x.mov", frames, "png", "rgba", "rgba")) as image:
        np.testing.assert_array_equal(image.data[:], frames[..., :3])
        assert "transparency of x.mov is left out" in image.note


def test_a_gif_is_read(tmp_path: Path) -> None:
    pages = [Image.fromarray(frame) for frame in movie(5)]
    pages[0].save(tmp_path / "x.gif", save_all=True, append_images=pages[1:], duration=100)
    with open_image(tmp_path / "x.gif") as image:
        assert (image.axes, image.ending, image.note) == ("TYX", ".mp4", "")
        np.testing.assert_array_equal(image.data[:], movie(5))
        assert image.spacings[0].size == pytest.approx(0.1)


def upscaled(sink: Any) -> Upscaled:
    sink[...] = 7
    return Upscaled(sink, "TYX", ((0, SIDES[0]), (0, SIDES[1])), {})


@pytest.mark.parametrize("name", ["x.mp4", "x.mov", "x.mkv", "x.avi"])
def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    class Full:
        """A file on a disk that has room for a hundred bytes."""

        def __init__(self, file: Any) -> None:
            self._file = file
            self.name = file.name

        def write(self, data: bytes) -> int:
            if self._file.tell() + len(data) > 100:
                raise OSError(errno.ENOSPC, "No space left on device")
            return int(self._file.write(data))

        def __getattr__(self, name: str) -> Any:
            return getattr(self._file, name)

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None:
            self._file.close()

    real = Path.open
    monkeypatch.setattr(Path, "open", lambda path, *given, **more: Full(real(path, *given, **more)))
    with (
        pytest.raises(UserError, match=r"x\.\w+ cannot be written: No space left on device"),
        open_output(NewFile(tmp_path / name, "TYX"), np.dtype("uint8")) as output,
    ):
        output.finish(upscaled(output((4, *SIDES), np.dtype("uint8"))))
    assert list(tmp_path.glob("*x*")) == []


def test_a_killed_process_leaves_no_file_of_that_name(tmp_path: Path) -> None:
    script = """
        import sys
        import numpy as np
        from pathlib import Path
        from napari_srgan.inference.upscale import Upscaled
        from napari_srgan.images.formats import open_output
        from napari_srgan.images.writing.output import NewFile
        frames = np.random.default_rng(0).integers(0, 255, (2000, 128, 128)).astype(np.uint8)
        output = open_output(NewFile(Path(sys.argv[1]), "TYX"), frames.dtype)
        output.finish(Upscaled(frames, "TYX", ((0, 128), (0, 128)), {}))
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script), str(tmp_path / "x.mp4")])
    until = time.monotonic() + 120
    while time.monotonic() < until and not any(file.stat().st_size for file in tmp_path.glob(".partial*")):
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert not (tmp_path / "x.mp4").exists()
    assert list(tmp_path.glob(".partial*"))
