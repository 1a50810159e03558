from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from model_server import index_entry, model_server
from napari_srgan.models import Model, Quality, TrainedInput, read_card, save_model

from .conftest import Shell

PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)


@pytest.mark.usefixtures("tiny_file")
def test_models_are_listed_with_their_licence(shell: Shell) -> None:
    result = shell("models")
    assert result.exit_code == 0
    (row,) = (line for line in result.stdout.splitlines() if "untrained, for tests" in line)
    assert row.split()[:3] == ["tiny", "x2", "1"]
    assert "CC0-1.0" in row
    assert "not measured" in row


def test_models_are_sorted_by_the_noise_they_were_trained_with(
    shell: Shell, tiny_model: Any, library_folder: Path
) -> None:
    model = tiny_model()
    for name, made_for in (("a-clean", TrainedInput()), ("b-noisy", TrainedInput(photons=(3, 300)))):
        card = model.card.model_copy(update={"trained_input": made_for})
        save_model(Model(model.network, card), library_folder / f"{name}.safetensors")
    save_model(model, library_folder / "c-silent.safetensors")

    def listed(*arguments: str) -> list[str]:
        lines = shell("models", *arguments).stdout.splitlines()
        return [line.split()[0] for line in lines if line.strip().startswith(("a-", "b-", "c-"))]

    assert listed() == ["a-clean", "b-noisy", "c-silent"]
    assert listed("--sort", "noise") == ["b-noisy", "a-clean", "c-silent"]
    assert listed("list", "--sort", "noise") == listed("--sort", "noise")
    assert "3 to 300 photons" in shell("models").stdout
    page = shell("models", "show", "b-noisy").stdout
    assert "3 to 300 photons in the brightest places, or no noise" in page
    result = shell("models", "--sort", "beauty")
    assert result.exit_code == 1
    assert "models are sorted by name, factor, noise, gain; got 'beauty'" in result.stderr


def test_broken_models_are_named(shell: Shell, tiny_file: Path) -> None:
    (tiny_file.parent / "broken.safetensors").write_bytes(b"nothing")
    result = shell("models")
    assert result.exit_code == 0
    assert "broken.safetensors is no readable safetensors file" in result.stderr
    assert "broken." not in result.stdout


@pytest.fixture
def pictured_file(tiny_model: Any, tmp_path: Path) -> Path:
    """A model file outside the library, with a picture."""
    return save_model(tiny_model(), tmp_path / "found.safetensors", picture=PICTURE)


def test_list_is_the_same_as_no_command(shell: Shell) -> None:
    assert shell("models", "list").stdout == shell("models").stdout


def test_a_model_is_added_renamed_and_deleted(
    shell: Shell, pictured_file: Path, library_folder: Path
) -> None:
    assert "added found: x2" in shell("models", "add", pictured_file).stdout
    assert "found is now mine" in shell("models", "rename", "found", "mine").stdout
    assert [file.name for file in library_folder.iterdir()] == ["mine.safetensors"]
    assert "deleted mine" in shell("models", "delete", "mine").stdout
    assert list(library_folder.iterdir()) == []
    shell("models", "add", pictured_file, "--name", "other")
    assert [file.name for file in library_folder.iterdir()] == ["other.safetensors"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["add", "nowhere.safetensors"], "there is no model file nowhere.safetensors"),
        (["rename", "photo-x4", "mine"], "cannot be renamed"),
        (["delete", "photo-x4"], "cannot be deleted"),
        (["delete", "nothing"], "there is no model 'nothing'"),
        (["show", "nothing"], "there is no model 'nothing'"),
        (["index", "."], "there is no .safetensors file in"),
        (["available"], "no index of models is set"),
        (["download", "far"], "no index of models is set"),
        (["blend", "photo-x4", "microscopy-x4", "0.3", "--out", "blend.safetensors"], "cannot be blended"),
        (["blend", "photo-x4", "photo-x4", "3", "--out", "blend.safetensors"], "from 0 to 1"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    arguments: list[str],
    sentence: str,
    shell: Shell,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    no_index: None,
) -> None:
    monkeypatch.chdir(tmp_path)
    result = shell("models", *arguments)
    assert result.exit_code == 1
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "blend.safetensors").exists()


def test_show_tells_the_card_and_writes_the_picture(
    shell: Shell, pictured_file: Path, tmp_path: Path
) -> None:
    result = shell("models", "show", pictured_file, "--picture", tmp_path / "shown.png")
    assert result.exit_code == 0
    assert "licence       CC0-1.0" in result.stdout
    assert "quality       not measured" in result.stdout
    assert (tmp_path / "shown.png").read_bytes() == PICTURE
    shell("models", "add", pictured_file)
    shell("models", "show", "found", "--picture", tmp_path / "again.png")
    assert (tmp_path / "again.png").read_bytes() == PICTURE


@pytest.mark.usefixtures("tiny_file")
def test_show_says_that_there_is_no_picture(shell: Shell, tmp_path: Path) -> None:
    result = shell("models", "show", "tiny", "--picture", tmp_path / "shown.png")
    assert result.exit_code == 1
    assert "tiny has no picture" in result.stderr


def test_words_of_a_card_do_not_command_the_terminal(
    shell: Shell, tiny_model: Any, library_folder: Path
) -> None:
    model = tiny_model(name="rude")
    card = model.card.model_copy(update={"description": "\x1b[2Jgone [bold]loud[/bold]"})
    save_model(Model(model.network, card), library_folder / "rude.safetensors")
    for arguments in (["models"], ["models", "show", "rude"]):
        output = shell(*arguments).stdout
        assert "\x1b" not in output
        assert "[bold]loud[/bold]" in output


def test_models_of_an_index_are_listed_and_downloaded(
    shell: Shell, pictured_file: Path, library_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, card = pictured_file.read_bytes(), read_card(pictured_file)
    with model_server() as server:
        entry = index_entry(card, content, server.serve("/tiny.safetensors", content))
        monkeypatch.setenv("NAPARI_SRGAN_INDEX", server.serve_index(entry, entry | {"name": "../up"}))
        offered = shell("models", "available")
        assert "untrained, for tests" in offered.stdout
        assert "entry 2 of the index ('../up') is left out" in offered.stderr
        missing = shell("models", "download", "near")
        assert (missing.exit_code, "it has: tiny" in missing.stderr) == (1, True)
        assert "downloaded tiny: x2" in shell("models", "download", "tiny").stdout
        assert (library_folder / "tiny.safetensors").read_bytes() == content
        assert "in the library" in shell("models", "available").stdout


def test_a_blend_is_a_file(shell: Shell, tmp_path: Path) -> None:
    out = tmp_path / "blend.safetensors"
    result = shell("models", "blend", "photo-x4", "photo-x4", "0.3", "--out", out)
    assert result.exit_code == 0
    assert read_card(out).name == "photo-x4+photo-x4-0.30"
    again = shell("models", "blend", "photo-x4", "photo-x4", "0.3", "--out", out)
    assert "exists and is not replaced" in again.stderr


def test_names_of_files_do_not_command_the_terminal(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "\x1b]0;title\x07.pth"
    save_file({"\x1b[31mred.weight": torch.zeros(3, 3)}, file)
    result = shell("models", "add", file)
    assert result.exit_code == 1
    assert "red.weight" in result.stderr
    assert "\x1b" not in result.stderr
    assert "\x07" not in result.stderr


def test_a_licence_is_given_to_a_model_that_has_none(
    shell: Shell, tiny_model: Any, tmp_path: Path, library_folder: Path
) -> None:
    model = tiny_model()
    unknown = Model(model.network, model.card.model_copy(update={"licence": "unknown"}))
    file = save_model(unknown, tmp_path / "found.safetensors")
    assert shell("models", "add", file, "--licence", "MIT").exit_code == 0
    assert read_card(library_folder / "found.safetensors").licence == "MIT"


def test_a_sharp_model_shows_how_its_results_look(
    shell: Shell, tiny_model: Any, library_folder: Path
) -> None:
    model = tiny_model(name="sharp")
    figure = Quality(
        images="cells", psnr=28, bicubic_psnr=29, protocol="8-bit", lpips_like=0.41, bicubic_lpips_like=0.52
    )
    for recipe, shown in (({"gan": {"steps": 1}}, True), ({}, False)):
        card = model.card.model_copy(update={"quality": (figure,), "recipe": recipe})
        save_model(Model(model.network, card), library_folder / "sharp.safetensors")
        for arguments in (["models"], ["models", "show", "sharp"]):
            assert ("0.41 against" in shell(*arguments).stdout) == shown
