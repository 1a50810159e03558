"""The index of models that can be downloaded: a small JSON file of the project's, or of your choice."""

from __future__ import annotations

import io
import json
import os
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from napari_srgan.disk.atomic_write import save_file
from napari_srgan.errors import UserError
from napari_srgan.models.card import ModelCard
from napari_srgan.models.files import read_card, sha256_of
from napari_srgan.models.library.transfer import transfer
from napari_srgan.models.library.transfer_errors import shown
from napari_srgan.models.library.user_models import check_name

INDEX_VARIABLE = "NAPARI_SRGAN_INDEX"
"""Environment variable with the index's address."""
INDEX_LABEL = "Models"
"""The installed package's link to the index of its project; a release has it, a checkout has not."""
SCHEMA_VERSION = 1
"""Version of the index's form."""
LARGEST_INDEX = 16 << 20
LARGEST_MODEL = 4 << 30
"""Number of bytes above which the size of a model is taken for a mistake."""
INDEX_TIMEOUT = 10.0


class RemoteModel(BaseModel):
    """One model of an index: where its file is, and what it must turn out to be."""

    model_config = ConfigDict(frozen=True)

    name: str
    """Name of the model and, with ``.safetensors``, of its file."""
    address: str
    """http or https; in the index it may be relative to the index's own."""
    sha256: str = Field(pattern=r"^[0-9a-fA-F]{64}$")
    """SHA-256 of the file in hexadecimal."""
    size: int = Field(ge=1, le=LARGEST_MODEL)
    """Bytes of the file."""
    card: ModelCard
    """The card that is in the file."""

    @field_validator("name")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        return check_name(name)

    @field_validator("address")
    @classmethod
    def _can_be_asked(cls, address: str) -> str:
        if not _is_http(address):
            raise ValueError(f"{address!r} is no http or https address")
        return address

    @field_validator("sha256")
    @classmethod
    def _is_lower_case(cls, sha256: str) -> str:
        return sha256.lower()

    @model_validator(mode="after")
    def _card_is_of_this_model(self) -> RemoteModel:
        if self.card.name != self.name:
            raise ValueError(f"its card is of {self.card.name!r}")
        return self


@dataclass(frozen=True)
class ModelIndex:
    """What an index offers."""

    address: str
    """Where it was fetched."""
    models: tuple[RemoteModel, ...]
    """Entries that can be used."""
    refused: tuple[str, ...]
    """One sentence for each entry that cannot."""


def remote_models() -> list[RemoteModel]:
    """Models that can be downloaded, by the index of :func:`index_address`.

    Asks the server each time, which takes up to ten seconds where it does not answer.

    Raises
    ------
    UserError
        If no index is set, or it cannot be fetched or read.
    """
    return list(fetch_index().models)


def fetch_index(address: str | None = None, *, timeout: float = INDEX_TIMEOUT) -> ModelIndex:
    """Fetch and read an index of models.

    Parameters
    ----------
    address
        Its address, http or https; by default that of :func:`index_address`.
    timeout
        Number of seconds without a byte after which to give up.

    Raises
    ------
    UserError
        If there is no address, nothing can be fetched from it, or it is no index.
    """
    address = address or index_address()
    if address is None:
        raise UserError(
            "no index of models is set; put the address of one, such as your institute's, into the "
            f"environment variable {INDEX_VARIABLE} (docs/models.md says how to make one)"
        )
    if not _is_http(address):
        raise UserError(f"{INDEX_VARIABLE} is {address!r}; it has to be an http or https address")
    content = io.BytesIO()
    job = transfer(
        address,
        content,
        LARGEST_INDEX,
        message="fetching the index of models",
        advice=f"the models you have still work; try again, or correct {INDEX_VARIABLE}",
        timeout=timeout,
    )
    for _ in job:
        pass
    return parse_index(content.getvalue(), address)


def index_address() -> str | None:
    """Where the index is: the environment variable ``NAPARI_SRGAN_INDEX`` says it, or else the release.

    Returns
    -------
    str or None
        An address, which was not asked for anything; None where the variable is not set and the package
        was not installed from a release.
    """
    named = os.environ.get(INDEX_VARIABLE)
    if named:
        return named
    try:
        links = metadata("napari-srgan").get_all("Project-URL") or []
    except PackageNotFoundError:  # a copy that was never installed
        return None
    return dict(link.split(", ", 1) for link in links if ", " in link).get(INDEX_LABEL)


def parse_index(content: bytes, address: str) -> ModelIndex:
    """Read an index; entries that cannot be used are refused one by one.

    Parameters
    ----------
    content
        The JSON file.
    address
        The address it came from; relative addresses in it start there.

    Raises
    ------
    UserError
        If it is no index, or one of a form this version does not know.
    """
    where = shown(address)
    try:
        # A RecursionError is what deeply nested brackets end in.
        index = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{where} is no index of models: it is no JSON ({error})") from error
    if not isinstance(index, dict) or not isinstance(index.get("models"), list):
        raise UserError(f"{where} is no index of models: it has no list called 'models'")
    if index.get("schema_version") != SCHEMA_VERSION:
        raise UserError(
            f"the index {where} has schema_version {index.get('schema_version')!r}, this version of "
            f"napari-srgan reads {SCHEMA_VERSION}; update napari-srgan, or use another index"
        )
    models: dict[str, RemoteModel] = {}
    refused = []
    for place, entry in enumerate(index["models"], start=1):
        try:
            model = _read_entry(entry, address)
            if model.name.casefold() in models:
                raise UserError("there is another of this name before it")
            models[model.name.casefold()] = model
        except (UserError, ValidationError) as error:
            refused.append(f"entry {place} of the index ({_title(entry)}) is left out: {_words(error)}")
    return ModelIndex(address, tuple(models.values()), tuple(refused))


def write_index(folder: str | os.PathLike[str]) -> Path:
    """Write ``index.json`` for the models in a folder, to be put on a web server with it.

    Parameters
    ----------
    folder
        A folder with ``.safetensors`` files of napari-srgan; addresses are relative to it.

    Returns
    -------
    Path
        The index; replaced if it exists.

    Raises
    ------
    UserError
        If there is no model in the folder, two have the same name, one cannot be read, or the
        index cannot be written.
    """
    folder = Path(folder)
    models: dict[str, RemoteModel] = {}
    for file in sorted(folder.glob("*.safetensors")):
        card = read_card(file)
        if card.name in models:
            raise UserError(f"two models in {folder} have the name {card.name!r} on their card; keep one")
        models[card.name] = RemoteModel.model_construct(
            name=card.name,
            address=quote(file.name),
            sha256=sha256_of(file),
            size=file.stat().st_size,
            card=card,
        )
    if not models:
        raise UserError(f"there is no .safetensors file in {folder}; give a folder of models")
    entries = [model.model_dump(mode="json") for model in models.values()]
    index = folder / "index.json"
    text = json.dumps({"schema_version": SCHEMA_VERSION, "models": entries}, indent=1)
    save_file(index, text.encode())
    return index


def _read_entry(entry: Any, address: str) -> RemoteModel:
    if isinstance(entry, dict) and isinstance(entry.get("address"), str):
        entry = entry | {"address": _absolute(entry["address"], address)}
    return RemoteModel.model_validate(entry)


def _is_http(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _absolute(address: str, index: str) -> str:
    try:
        return urljoin(index, address)
    except ValueError as error:
        raise UserError(f"address: {address!r} is no address ({error})") from error


def _title(entry: Any) -> str:
    return repr(entry.get("name", "no name") if isinstance(entry, dict) else entry)[:60]


def _words(error: UserError | ValidationError) -> str:
    if isinstance(error, UserError):
        return str(error)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    return f"{where}: {message}" if where else message
