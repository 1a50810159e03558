"""An index of models: what can be used of it is, and what cannot is told one by one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from email.message import Message
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_server import ModelServer, index_entry, model_server
from napari_srgan.errors import UserError
from napari_srgan.models import (
    ModelCard,
    RemoteModel,
    download_job,
    fetch_index,
    remote_models,
    save_model,
    write_index,
)
from napari_srgan.models.library.index import index_address, parse_index

PATIENT = 60.0
ADDRESS = "https://models.example/lists/index.json"


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with model_server() as running:
        yield running


@pytest.fixture
def card(tiny_model: Any) -> ModelCard:
    card: ModelCard = tiny_model(name="far").card
    return card


def index_of(*entries: Any, **fields: Any) -> bytes:
    return json.dumps({"schema_version": 1, "models": list(entries)} | fields).encode()


def test_an_index_is_fetched_from_where_the_environment_says(
    server: ModelServer, card: ModelCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = index_entry(card, b"weights", f"{server.address}/far.safetensors")
    monkeypatch.setenv("NAPARI_SRGAN_INDEX", server.serve_index(entry))
    assert remote_models() == [RemoteModel(**entry)]


def test_addresses_may_be_relative_to_the_index(card: ModelCard) -> None:
    index = parse_index(index_of(index_entry(card, b"weights", "../files/far.safetensors")), ADDRESS)
    assert index.models[0].address == "https://models.example/files/far.safetensors"


@pytest.fixture
def release(no_index: None, monkeypatch: pytest.MonkeyPatch) -> str:
    """A release is installed, whose links have an index."""
    links = Message()
    links["Project-URL"] = "Source Code, https://code.example/napari-srgan"
    links["Project-URL"] = f"Models, {ADDRESS}"
    monkeypatch.setattr("napari_srgan.models.library.index.metadata", lambda _: links)
    return ADDRESS


def test_a_release_knows_the_index_of_its_project(release: str) -> None:
    assert index_address() == release


def test_the_environment_is_asked_before_the_release(release: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAPARI_SRGAN_INDEX", "https://institute.example/index.json")
    assert index_address() == "https://institute.example/index.json"


def test_a_copy_that_was_never_installed_has_no_index(
    no_index: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> Message:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("napari_srgan.models.library.index.metadata", missing)
    assert index_address() is None


def test_without_an_index_a_sentence_says_how_to_set_one(no_index: None) -> None:
    with pytest.raises(UserError, match=r"no index of models is set; .*NAPARI_SRGAN_INDEX"):
        remote_models()


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://x/y", "index.json", "http://[", "https://"])
def test_other_addresses_of_an_index_are_refused(address: str) -> None:
    with pytest.raises(UserError) as caught:
        fetch_index(address, timeout=PATIENT)
    assert address in str(caught.value)


BAD_ENTRIES: dict[str, tuple[dict[str, Any], str]] = {
    "a path": ({"name": "../../evil"}, "'../../evil' cannot be the name of a model"),
    "a hidden name": ({"name": ".bashrc"}, "cannot be the name"),
    "a name of Windows": ({"name": "nul.1"}, "cannot be the name"),
    "a long name": ({"name": "a" * 101}, "cannot be the name"),
    "no name": ({"name": ""}, "cannot be the name"),
    "a name of two lines": ({"name": "far\n"}, "cannot be the name"),
    "a number for a name": ({"name": 3}, "name: Input should be a valid string"),
    "a file": ({"address": "file:///etc/passwd"}, "no http or https address"),
    "no host": ({"address": "http:///far"}, "no http or https address"),
    "half an address": ({"address": "http://["}, "is no address"),
    "too large": ({"size": 10**15}, "size: Input should be less than"),
    "nothing": ({"size": 0}, "size: Input should be greater than"),
    "no hash": ({"sha256": "abc"}, "sha256: String should match"),
    "another card": ({"name": "near"}, "its card is of 'far'"),
    "no card": ({"card": {}}, "card.name: Field required"),
}


@pytest.mark.parametrize("case", BAD_ENTRIES)
def test_a_bad_entry_is_left_out_with_a_sentence(case: str, card: ModelCard) -> None:
    changed, message = BAD_ENTRIES[case]
    good = card.model_copy(update={"name": "good"})
    bad = index_entry(card, b"weights", "http://x/far") | changed
    index = parse_index(index_of(bad, index_entry(good, b"weights", "good")), ADDRESS)
    assert [remote.name for remote in index.models] == ["good"]
    (sentence,) = index.refused
    assert sentence.startswith("entry 1 of the index (")
    assert message in sentence
    assert "\n" not in sentence


def test_a_card_of_a_later_version_is_left_out_with_a_sentence(card: ModelCard) -> None:
    entry = index_entry(card, b"weights", "far")
    later = entry | {"card": entry["card"] | {"architecture": "vapourware"}}
    index = parse_index(index_of(later, 7, None, entry, entry), ADDRESS)
    assert [remote.name for remote in index.models] == ["far"]
    assert len(index.refused) == 4
    assert "no architecture 'vapourware'" in index.refused[0]
    assert "another of this name" in index.refused[3]


def test_an_index_is_written_of_a_folder_and_can_be_downloaded_from(
    server: ModelServer, tiny_model: Any, tmp_path: Path, library_folder: Path
) -> None:
    folder = tmp_path / "offered"
    folder.mkdir()
    with pytest.raises(UserError, match=r"there is no \.safetensors file in"):
        write_index(folder)
    for name in ("far", "near"):
        save_model(tiny_model(name=name), folder / f"{name} 1.safetensors")
    write_index(folder)
    for file in folder.iterdir():
        server.serve(f"/offered/{quote(file.name)}", file.read_bytes())
    index = fetch_index(f"{server.address}/offered/index.json", timeout=PATIENT)
    assert index.refused == ()
    assert [remote.name for remote in index.models] == ["far", "near"]
    for remote in index.models:
        for _ in download_job(remote, timeout=PATIENT):
            pass
    assert sorted(file.name for file in library_folder.iterdir()) == ["far.safetensors", "near.safetensors"]
    save_model(tiny_model(name="far"), folder / "copy.safetensors")
    with pytest.raises(UserError, match=r"two models in .* have the name 'far'"):
        write_index(folder)


BAD_INDICES = {
    "no JSON": (b"<html>", "it is no JSON"),
    "binary": (b"\xff\xfe\x00", "it is no JSON"),
    "deep": (b"[" * 100_000, "it is no JSON"),
    "a list": (b"[]", "no list called 'models'"),
    "no list": (b'{"schema_version": 1, "models": {}}', "no list called 'models'"),
    "later": (index_of(schema_version=2), "schema_version 2, this version of napari-srgan reads 1"),
    "no version": (b'{"models": []}', "schema_version None"),
}


@pytest.mark.parametrize("case", BAD_INDICES)
def test_what_is_no_index_is_refused(case: str) -> None:
    content, message = BAD_INDICES[case]
    with pytest.raises(UserError, match=message):
        parse_index(content, ADDRESS)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(["name", "address", "sha256", "size", "card"])


@settings(max_examples=50)
@given(st.lists(st.dictionaries(KEYS, JSON) | JSON, max_size=4))
def test_any_json_gives_models_or_sentences(entries: list[Any]) -> None:
    index = parse_index(json.dumps({"schema_version": 1, "models": entries}).encode(), ADDRESS)
    assert len(index.models) + len(index.refused) == len(entries)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"status": 404}, "answered 404"),
        ({"status": 500}, "answered 500"),
        ({"stall_after": 0}, r"nothing came from .* for 0\.3 seconds"),
        ({"break_after": 5}, "broke off after"),
        ({"claimed": 10**12}, "sends more than"),
    ],
    ids=["404", "500", "stalls", "truncates", "too large"],
)
def test_an_index_that_cannot_be_fetched_is_told(
    answer: dict[str, Any], message: str, server: ModelServer
) -> None:
    address = server.serve("/index.json", index_of(), **answer)
    with pytest.raises(UserError, match=message) as caught:
        fetch_index(address, timeout=0.3 if "stall_after" in answer else PATIENT)
    assert address in str(caught.value)
    assert "the models you have still work" in str(caught.value)
