"""The library: what there is, what fits an image, and the user's part of it."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

import napari_srgan
from napari_srgan.errors import UserError
from napari_srgan.models import (
    add_model,
    delete_model,
    library_entries,
    list_models,
    load_model,
    model_picture,
    models_for,
    read_card,
    read_picture,
    rename_model,
    save_model,
    unreadable_models,
    user_folder,
)

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)


def own_names() -> list[str]:
    return [entry.card.name for entry in library_entries() if entry.origin == "yours"]


def test_entries_tell_where_a_model_is(tiny_model: Any, library_folder: Path) -> None:
    file = save_model(tiny_model(name="mine"), library_folder / "mine.safetensors")
    bundled, mine = library_entries()[0], library_entries()[-1]
    assert (mine.card.name, mine.file, mine.origin) == ("mine", file, "yours")
    assert mine.size == file.stat().st_size
    assert bundled.origin == "bundled"
    assert bundled.file.is_file()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of its own, where no folder of models is named."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.delenv("NAPARI_SRGAN_MODELS")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(home))
    for name in ("LOCALAPPDATA", "WIN_PD_OVERRIDE_LOCAL_APPDATA"):
        monkeypatch.setenv(name, str(home / "AppData"))
    return home


def test_own_models_lie_where_the_system_keeps_data(home: Path, tiny_model: Any, tmp_path: Path) -> None:
    assert home in user_folder().parents
    assert not user_folder().exists()
    add_model(save_model(tiny_model(), tmp_path / "tiny.safetensors"))
    assert [file.name for file in user_folder().iterdir()] == ["tiny.safetensors"]


def test_models_of_the_first_version_are_not_lost(home: Path, tiny_model: Any) -> None:
    earlier = home / ".napari-srgan" / "models"
    earlier.mkdir(parents=True)
    save_model(tiny_model(), earlier / "tiny.safetensors")
    assert own_names() == ["tiny"]
    assert load_model("tiny").name == "tiny"
    rename_model("tiny", "small")
    assert [file.name for file in earlier.iterdir()] == ["small.safetensors"]
    delete_model("small")
    assert list(earlier.iterdir()) == []


def test_a_model_is_added_under_the_name_of_its_file(
    tiny_model: Any, tmp_path: Path, library_folder: Path
) -> None:
    file = save_model(tiny_model(), tmp_path / "my model (best).safetensors", picture=PNG)
    assert add_model(file).name == "my-model-best"
    assert own_names() == ["my-model-best"]
    kept = library_folder / "my-model-best.safetensors"
    assert read_card(kept).name == "my-model-best"
    assert kept.read_bytes().endswith(file.read_bytes()[-1000:])
    assert load_model(kept).weights_hash == load_model(file).weights_hash
    assert [f.name for f in library_folder.iterdir()] == ["my-model-best.safetensors"]
    assert model_picture("my-model-best") == PNG
    assert napari_srgan.add_model(file, "second").name == "second"
    assert load_model("second").name == "second"


@pytest.mark.parametrize("name", ["", "a b", "../up", "con", "a/b", "-x", "a" * 101, "näme", "x\n"])
def test_names_that_are_none_are_refused(name: str, tiny_model: Any, tmp_path: Path) -> None:
    file = save_model(tiny_model(), tmp_path / "tiny.safetensors")
    with pytest.raises(UserError, match="cannot be the name of a model; use"):
        add_model(file, name)
    add_model(file)
    with pytest.raises(UserError, match="cannot be the name of a model; use"):
        rename_model("tiny", name)
    assert own_names() == ["tiny"]


@pytest.mark.parametrize("taken", ["photo-x4", "PHOTO-X4", "mine", "Mine"])
def test_names_that_are_taken_are_refused(taken: str, tiny_model: Any, tmp_path: Path) -> None:
    file = save_model(tiny_model(), tmp_path / "tiny.safetensors")
    add_model(file, "mine")
    add_model(file, "other")
    with pytest.raises(UserError, match=r"there is a model '.*' already .*; choose another name"):
        add_model(file, taken)
    with pytest.raises(UserError, match="already"):
        rename_model("other", taken)
    assert own_names() == ["mine", "other"]


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("模型", "model"),
        ("cellules_à_2", "cellules_a_2"),
        ("g" * 124, "g" * 95),
        ("CON", "model-CON"),
        ("photo-x4", "photo-x4-2"),
        ("\x1b]0;title\x07", "0-title"),
    ],
)
def test_a_file_name_that_is_no_models_becomes_one(
    file: str, name: str, tiny_model: Any, tmp_path: Path
) -> None:
    path = save_model(tiny_model(), tmp_path / "tiny.safetensors").rename(tmp_path / f"{file}.safetensors")
    assert add_model(path).name == name
    assert load_model(name).name == name


def test_files_of_one_name_are_numbered(tiny_model: Any, tmp_path: Path, library_folder: Path) -> None:
    file = save_model(tiny_model(), tmp_path / "netG.safetensors")
    assert [add_model(file).name for _ in range(3)] == ["netG", "netG-2", "netG-3"]
    with pytest.raises(UserError, match="netG-2 is in the library already"):
        add_model(library_folder / "netG-2.safetensors")


def test_the_card_has_the_name_of_the_file(tiny_model: Any, tmp_path: Path, library_folder: Path) -> None:
    file = save_model(tiny_model(), tmp_path / "tiny.safetensors", picture=PNG)
    add_model(file, "mine")
    rename_model("mine", "theirs")
    assert read_card(library_folder / "theirs.safetensors").name == "theirs"
    assert model_picture("theirs") == PNG
    assert read_card(file).name == "tiny"


def test_our_own_file_counts_whatever_its_ending(tiny_model: Any, library_folder: Path) -> None:
    save_model(tiny_model(), library_folder / "a.safetensors").rename(library_folder / "own.pth")
    assert own_names() == ["own"]
    assert rename_model("own", "mine").name == "mine"
    assert load_model("mine").name == "mine"


def test_weights_without_a_card_become_a_model_in_their_place(library_folder: Path) -> None:
    file = library_folder / "found.safetensors"
    save_file(somebody_elses_checkpoint(), file)
    before = file.read_bytes()
    assert "add it to the library" in unreadable_models()["found"]
    add_model(file)
    assert own_names() == ["found"]
    assert unreadable_models() == {}
    assert (library_folder / "found.safetensors.original").read_bytes() == before


def test_a_checkpoint_is_not_renamed_before_it_is_a_model(library_folder: Path) -> None:
    torch.save(somebody_elses_checkpoint(), library_folder / "found.pth")
    with pytest.raises(UserError, match="add it to the library"):
        rename_model("found", "kept")
    assert [file.name for file in library_folder.iterdir()] == ["found.pth"]


def test_links_to_nothing_get_a_sentence(tiny_model: Any, tmp_path: Path, library_folder: Path) -> None:
    (library_folder / "gone.safetensors").symlink_to(tmp_path / "nowhere")
    assert "there is no model file" in unreadable_models()["gone"]
    with pytest.raises(UserError, match="there is no model file"):
        load_model("gone")
    file = save_model(tiny_model(), tmp_path / "gone.safetensors")
    assert add_model(file).name == "gone-2"
    delete_model("gone")


def test_a_model_without_a_licence_is_given_one(tiny_model: Any, tmp_path: Path) -> None:
    torch.save(somebody_elses_checkpoint(), tmp_path / "found.pth")
    assert add_model(tmp_path / "found.pth").licence == "unknown"
    assert add_model(user_folder() / "found.safetensors", "again", licence="MIT").licence == "MIT"
    assert load_model("again").card.licence == "MIT"
    file = save_model(tiny_model(), tmp_path / "tiny.safetensors")
    with pytest.raises(UserError, match=r"its licence is CC0-1\.0, which is not changed to MIT"):
        add_model(file, licence="MIT")
    with pytest.raises(UserError, match="is no licence"):
        add_model(tmp_path / "found.pth", licence=" ")


def test_what_is_no_model_is_not_added(tmp_path: Path, library_folder: Path) -> None:
    noise = tmp_path / "noise.safetensors"
    noise.write_bytes(b"noise" * 99)
    for path in (noise, tmp_path / "nowhere.safetensors"):
        with pytest.raises(UserError):
            add_model(path)
    assert list(library_folder.iterdir()) == []


def test_a_model_can_change_the_case_of_its_name(tiny_model: Any, library_folder: Path) -> None:
    save_model(tiny_model(), library_folder / "tiny.safetensors")
    assert rename_model("tiny", "Tiny").name == "Tiny"
    assert own_names() == ["Tiny"]


def test_bundled_models_are_neither_renamed_nor_deleted() -> None:
    with pytest.raises(UserError, match="photo-x4 came with napari-srgan and cannot be renamed"):
        rename_model("photo-x4", "mine")
    with pytest.raises(UserError, match="photo-x4 came with napari-srgan and cannot be deleted"):
        delete_model("photo-x4")
    assert "photo-x4" in [card.name for card in list_models()]


def test_unknown_models_are_refused_with_those_there_are() -> None:
    for change in (
        lambda: rename_model("no", "new"),
        lambda: delete_model("no"),
        lambda: model_picture("no"),
    ):
        with pytest.raises(UserError, match=r"no model 'no'; there is: .*photo-x4"):
            change()


def test_broken_files_of_the_user_can_be_deleted(library_folder: Path) -> None:
    (library_folder / "broken.safetensors").write_bytes(b"no")
    assert "broken" in unreadable_models()
    delete_model("broken")
    assert unreadable_models() == {}


def test_hidden_and_half_files_are_no_models(library_folder: Path) -> None:
    for name in (".mine.safetensors", "mine.0123.part", "mine.safetensors.partial"):
        (library_folder / name).write_bytes(b"half")
    assert unreadable_models() == {}
    assert own_names() == []


def test_a_model_without_a_picture_has_none(tiny_model: Any, tmp_path: Path, library_folder: Path) -> None:
    model = tiny_model()
    file = save_model(model, library_folder / "tiny.safetensors")
    assert model_picture("tiny") is None
    with pytest.raises(UserError, match="the picture of tiny is no PNG"):
        save_model(model, file, picture=b"GIF89a")
    with pytest.raises(UserError, match=r"the picture of tiny has 2\.0 MB, at most 1\.0 MB"):
        save_model(model, file, picture=PNG + bytes(2_000_000))
    save_file({}, tmp_path / "spoilt.safetensors", metadata={"napari-srgan picture": "no base64!"})
    assert read_picture(tmp_path / "spoilt.safetensors") is None
    (tmp_path / "cut.safetensors").write_bytes(file.read_bytes()[:50])
    with pytest.raises(UserError, match="no readable safetensors file"):
        read_picture(tmp_path / "cut.safetensors")


def test_a_picture_changes_nothing_else(tiny_model: Any, tmp_path: Path) -> None:
    model = tiny_model()
    file = save_model(model, tmp_path / "tiny.safetensors", picture=PNG)
    assert read_picture(file) == PNG
    assert read_card(file) == model.card
    assert load_model(file).weights_hash == model.weights_hash


def test_the_likeliest_model_is_first(tiny_model: Any, library_folder: Path) -> None:
    def save(name: str, channels: int = 1, **card: Any) -> None:
        model = tiny_model(name=name, channels=channels)
        model = type(model)(model.network, model.card.model_copy(update=card))
        save_model(model, library_folder / f"{name}.safetensors")

    save("a-sharp-one", partner="mine")
    save("a-colour-one", channels=3)
    save("a-lone-sharp-one", recipe={"gan": {"steps": 1}})
    save("mine")

    gray = [card.name for card in models_for(channels=1)]
    assert gray[0] == "microscopy-x2"
    assert gray.index("mine") < gray.index("a-sharp-one") < gray.index("photo-x4")
    assert gray.index("a-sharp-one") < gray.index("a-colour-one")
    assert gray.index("mine") < gray.index("a-lone-sharp-one") < gray.index("photo-x4")

    rgb = [card.name for card in models_for(channels=3)]
    assert rgb[0] == "photo-x4"
    assert rgb.index("a-colour-one") < rgb.index("microscopy-x2")
    assert set(rgb) == set(gray) == {card.name for card in list_models() if card.frames == 1}
    assert [card.name for card in models_for(channels=1, frames=5)] == ["timelapse-x2"]
    assert models_for(channels=1, frames=17) == []


def test_models_for_other_channels_fit_no_image(tiny_model: Any, library_folder: Path) -> None:
    save_model(tiny_model(name="four", channels=4), library_folder / "four.safetensors")
    for channels in (1, 3, 4):
        assert "four" not in [card.name for card in models_for(channels=channels)]


def somebody_elses_checkpoint() -> dict[str, torch.Tensor]:
    """Weights of an SRGAN generator of factor 2 and one block, named as a well-known project names them."""
    shapes = {
        "block1.0": (8, 3, 9, 9),
        "block1.1": (1,),
        "block2.conv1": (8, 8, 3, 3),
        "block2.bn1": (8,),
        "block2.prelu": (1,),
        "block2.conv2": (8, 8, 3, 3),
        "block2.bn2": (8,),
        "block3.0": (8, 8, 3, 3),
        "block3.1": (8,),
        "block4.0.conv": (32, 8, 3, 3),
        "block4.0.prelu": (1,),
        "block4.1": (3, 8, 9, 9),
    }
    weights = {}
    for layer, shape in shapes.items():
        weights[f"{layer}.weight"] = torch.rand(shape)
        if len(shape) == 4 or shape == (8,):
            weights[f"{layer}.bias"] = torch.rand(shape[0])
        if shape == (8,):
            weights[f"{layer}.running_mean"] = torch.rand(shape)
            weights[f"{layer}.running_var"] = torch.rand(shape)
            weights[f"{layer}.num_batches_tracked"] = torch.tensor(1)
    return weights


def test_a_checkpoint_of_another_project_becomes_a_model(tmp_path: Path, library_folder: Path) -> None:
    file = tmp_path / "netG epoch 2.pth"
    torch.save(somebody_elses_checkpoint(), file)
    card = add_model(file)
    assert (card.name, card.scale_factor, card.channels) == ("netG-epoch-2", 2, 3)
    assert [f.name for f in library_folder.iterdir()] == ["netG-epoch-2.safetensors"]
    assert load_model("netG-epoch-2").card == card


def test_a_checkpoint_among_ones_models_can_be_added_in_its_place(library_folder: Path) -> None:
    file = library_folder / "found.pth"
    torch.save(somebody_elses_checkpoint(), file)
    assert "add it to the library" in unreadable_models()["found"]
    add_model(file)
    assert own_names() == ["found"]
    assert unreadable_models() == {}
    rename_model("found", "kept")
    assert "kept" in own_names()
