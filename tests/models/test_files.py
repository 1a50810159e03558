"""A model is one file; everything else is refused in one sentence."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from napari_srgan.errors import UserError
from napari_srgan.models import list_models, load_model, read_card, read_model, save_model
from napari_srgan.models.files import CARD_KEY
from napari_srgan.models.library.library import unreadable_models


def test_a_model_comes_back_as_it_was(tiny_model: Any, tmp_path: Path) -> None:
    model = tiny_model(scale_factor=4, channels=3)
    again = read_model(save_model(model, tmp_path / "mine.safetensors"))
    assert again.card == model.card
    assert again.weights_hash == model.weights_hash
    low = torch.rand(1, 3, 8, 8)
    assert torch.equal(again.network(low), model.network(low))


def test_weights_can_be_stored_in_half_the_space(tiny_model: Any, tmp_path: Path) -> None:
    model = tiny_model()
    whole, half = save_model(model, tmp_path / "a.safetensors"), tmp_path / "b.safetensors"
    save_model(model, half, half=True)
    assert half.stat().st_size < whole.stat().st_size
    weights = read_model(half).network.state_dict()
    assert all(tensor.dtype == torch.float32 for tensor in weights.values())
    for name, tensor in model.network.state_dict().items():
        torch.testing.assert_close(weights[name], tensor, rtol=1e-3, atol=1e-6)


def test_saving_replaces_whole_files_and_leaves_nothing_else(tiny_model: Any, tmp_path: Path) -> None:
    file = tmp_path / "mine.safetensors"
    save_model(tiny_model(), file)
    save_model(tiny_model(scale_factor=4), file)
    assert read_model(file).scale_factor == 4
    assert [f.name for f in tmp_path.glob("*mine*")] == ["mine.safetensors"]


def test_other_endings_and_folders_that_are_not_there_are_refused(tiny_model: Any, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"saved as \.safetensors, not as 'mine\.pth'"):
        save_model(tiny_model(), tmp_path / "mine.pth")
    with pytest.raises(UserError, match="cannot be written"):
        save_model(tiny_model(), tmp_path / "nowhere" / "mine.safetensors")


def rewrite(file: Path, card: dict[str, Any] | str | None) -> None:
    """Give a model file another card."""
    text = card if isinstance(card, str) else json.dumps(card)
    save_file(load_file(file), file, metadata={} if card is None else {CARD_KEY: text})


def truncate(file: Path, _: dict[str, Any]) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def cut_header(file: Path, _: dict[str, Any]) -> None:
    file.write_bytes(file.read_bytes()[:20])


def lose_weight(file: Path, card: dict[str, Any]) -> None:
    weights = load_file(file)
    weights.pop("tail.0.bias")
    save_file(weights, file, metadata={CARD_KEY: json.dumps(card)})


BAD_FILES = {
    "missing": (lambda file, _: file.unlink(), "no model file"),
    "empty": (lambda file, _: file.write_bytes(b""), "is empty"),
    "text": (lambda file, _: file.write_text("hello " * 99), "no readable safetensors"),
    "truncated": (truncate, "no readable safetensors"),
    "cut header": (cut_header, "no readable safetensors"),
    "no JSON": (lambda file, _: rewrite(file, "{"), "it is no JSON"),
    "field missing": (
        lambda file, card: rewrite(file, {k: v for k, v in card.items() if k != "licence"}),
        "licence: Field required",
    ),
    "unknown architecture": (
        lambda file, card: rewrite(file, card | {"architecture": "vapourware"}),
        "no architecture 'vapourware'",
    ),
    "wrong architecture arguments": (
        lambda file, card: rewrite(file, card | {"arguments": card["arguments"] | {"width": 16}}),
        "do not fit its card",
    ),
    "wrong factor": (lambda file, card: rewrite(file, card | {"scale_factor": 3}), "says x3"),
    "wrong radius": (lambda file, card: rewrite(file, card | {"receptive_radius": 0}), "radius of 0"),
    "weight missing": (lose_weight, "do not fit its card"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_files_are_refused_in_a_sentence(case: str, tiny_model: Any, tmp_path: Path) -> None:
    spoil, message = BAD_FILES[case]
    model = tiny_model()
    file = save_model(model, tmp_path / "model.safetensors")
    spoil(file, model.card.model_dump(mode="json"))
    with pytest.raises(UserError, match=message) as caught:
        read_model(file)
    assert "\n" not in str(caught.value)


class Bomb:
    def __reduce__(self) -> Any:
        return (Path.touch, (Path("exploded"),))


def test_weights_without_a_card_have_no_place_in_a_list(tiny_model: Any, tmp_path: Path) -> None:
    file = save_model(tiny_model(), tmp_path / "model.safetensors")
    rewrite(file, None)
    with pytest.raises(UserError, match="no napari-srgan card; add it to the library"):
        read_card(file)


def test_code_in_pickles_is_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("model.pth", "model.safetensors"):
        (tmp_path / name).write_bytes(pickle.dumps(Bomb()))
        with pytest.raises(UserError):
            load_model(tmp_path / name)
    assert not (tmp_path / "exploded").exists()


def test_the_library_lists_what_can_be_loaded(tiny_model: Any, library_folder: Path) -> None:
    save_model(tiny_model(name="mine"), library_folder / "mine.safetensors")
    (library_folder / "broken.safetensors").write_bytes(b"no")
    names = [card.name for card in list_models()]
    assert "mine" in names
    assert "broken" not in names
    assert load_model("mine").name == "mine"
    (library_folder / "found.pth").write_bytes(b"pickled")
    assert set(unreadable_models()) == {"broken", "found"}
    assert "found.pth may be a pickle" in unreadable_models()["found"]
    with pytest.raises(UserError, match=r"broken\.safetensors"):
        load_model("broken")


def test_a_model_goes_by_the_name_of_its_file(tiny_model: Any, library_folder: Path) -> None:
    save_model(tiny_model(name="tiny"), library_folder / "renamed.safetensors")
    assert "renamed" in [card.name for card in list_models()]
    assert load_model("renamed").name == "renamed"
    save_model(tiny_model(), library_folder / "microscopy-x2.safetensors")
    assert [card.name for card in list_models()].count("microscopy-x2") == 1
    assert any("rename it" in problem for problem in unreadable_models().values())


def test_unknown_names_are_refused_with_those_there_are(tiny_model: Any, library_folder: Path) -> None:
    save_model(tiny_model(name="mine"), library_folder / "mine.safetensors")
    with pytest.raises(UserError, match=r"no model 'yours'; there is: .*mine"):
        load_model("yours")
