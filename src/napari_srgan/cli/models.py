"""``napari-srgan models``: the library: what there is, and changing it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_srgan.cli.terminal import INTERRUPTED, complain, errors_told, printable_words
from napari_srgan.errors import UserError
from napari_srgan.progress_bar import progress_bar, run_job

app = typer.Typer(context_settings={"help_option_names": ["-h", "--help"]})

Name = Annotated[str, typer.Argument(help="Name of a model in the library.", show_default=False)]


Sort = Annotated[
    str | None,
    typer.Option(
        metavar="BY",
        help="name, factor, noise or gain: by the noise they were trained with, those for few photons first; "
        "by the decibels over bicubic.  \\[default: as in the library]",
    ),
]


@app.callback(invoke_without_command=True)
def models(context: typer.Context, sort: Sort = None) -> None:
    """List the models; or show, add, rename, delete, download, blend or offer some."""
    if context.invoked_subcommand is None:
        list_(sort)


@app.command("list")
def list_(sort: Sort = None) -> None:
    """List the models with their figures; the same as no command."""
    with errors_told():
        from napari_srgan.cli.model_tables import print_models, sorted_models
        from napari_srgan.models import library_entries, unreadable_models, user_folder
        from napari_srgan.models.library.library import earlier_folder

        rows = [(entry.card, entry.origin, entry.size) for entry in library_entries()]
        print_models(sorted_models(rows, sort))
        for sentence in unreadable_models().values():
            complain(sentence)
        earlier = earlier_folder()
        print(f"Models of your own lie in {user_folder()}" + (f" and {earlier}" if earlier else ""))


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="Name of a model, or a file.", show_default=False)],
    picture: Annotated[
        Path | None, typer.Option(metavar="PNG", help="Write the model's picture there too.")
    ] = None,
) -> None:
    """Show all that a model's card says: quality, licence, attribution, what to cite."""
    with errors_told():
        from napari_srgan.cli.model_tables import card_page
        from napari_srgan.models import list_models, load_model, model_picture, read_picture

        named = {card.name: card for card in list_models()}
        typer.echo(card_page(named[name] if name in named else load_model(name).card))
        if picture is not None:
            image = model_picture(name) if name in named else read_picture(name)
            if image is None:
                raise UserError(f"{name} has no picture")
            _write(picture, image)


@app.command()
def add(
    file: Annotated[Path, typer.Argument(help="A model, or a checkpoint of another project.")],
    name: Annotated[
        str | None, typer.Option(help="Its name in the library.  \\[default: the file's]")
    ] = None,
    licence: Annotated[
        str | None,
        typer.Option(metavar="SPDX", help="Licence of its weights, e.g. MIT, where its card knows none."),
    ] = None,
) -> None:
    """Add a model from a file to your own."""
    with errors_told():
        from napari_srgan.images.factor import factor_in_words
        from napari_srgan.models import add_model

        card = add_model(file, name, licence=licence)
        typer.echo(
            f"added {card.name}: {factor_in_words(card.scale_factor)}, {printable_words(card.description)}"
        )


@app.command()
def rename(name: Name, new: Annotated[str, typer.Argument(help="Its new name.", show_default=False)]) -> None:
    """Rename one of your own models."""
    with errors_told():
        from napari_srgan.models import rename_model

        typer.echo(f"{name} is now {rename_model(name, new).name}")


@app.command()
def delete(name: Name) -> None:
    """Delete one of your own models, for good."""
    with errors_told():
        from napari_srgan.models import delete_model

        delete_model(name)
        typer.echo(f"deleted {name}")


@app.command()
def available() -> None:
    """List the models that can be downloaded, by the index of the release or of NAPARI_SRGAN_INDEX."""
    with errors_told():
        from napari_srgan.cli.model_tables import print_models
        from napari_srgan.models import fetch_index, list_models

        index = fetch_index()
        here = {card.name for card in list_models()}
        print_models(
            (remote.card, "in the library" if remote.name in here else "download", remote.size)
            for remote in index.models
        )
        for sentence in index.refused:
            complain(sentence)


@app.command()
def download(
    name: Annotated[str, typer.Argument(help="Name of a model in the index.", show_default=False)],
) -> None:
    """Download a model; the same command goes on where an interrupted one stopped."""
    with errors_told():
        from napari_srgan.images.factor import factor_in_words
        from napari_srgan.models import download_job, fetch_index

        remotes = {remote.name: remote for remote in fetch_index().models}
        if name not in remotes:
            raise UserError(f"the index has no model {name!r}; it has: {', '.join(remotes) or 'none'}")
        try:
            with progress_bar() as bar:
                card = run_job(download_job(remotes[name]), bar)
        except KeyboardInterrupt:
            complain("interrupted; the same command goes on where it stopped")
            raise typer.Exit(INTERRUPTED) from None
        about = printable_words(card.description)
        typer.echo(f"downloaded {card.name}: {factor_in_words(card.scale_factor)}, {about}")


@app.command()
def blend(
    faithful: Annotated[str, typer.Argument(metavar="A", help="Name or file of a model.")],
    sharp: Annotated[str, typer.Argument(metavar="B", help="Name or file of one of the same shape.")],
    amount: Annotated[float, typer.Argument(metavar="AMOUNT", help="How much of B: 0 to 1.")],
    out: Annotated[Path, typer.Option(help="A .safetensors file for the blend.", show_default=False)],
) -> None:
    """Blend two models of the same shape: (1 - AMOUNT) x A + AMOUNT x B."""
    with errors_told():
        from napari_srgan.models import blend as blend_models
        from napari_srgan.models import save_model

        if out.exists():
            raise UserError(f"{out} exists and is not replaced; choose another name")
        typer.echo(save_model(blend_models(faithful, sharp, amount), out))


@app.command()
def index(
    folder: Annotated[Path, typer.Argument(help="A folder of .safetensors files.", show_default=False)],
) -> None:
    """Write an index of a folder of models, to offer them on a web server."""
    with errors_told():
        from napari_srgan.models import write_index

        typer.echo(write_index(folder))


def _write(file: Path, content: bytes) -> None:
    from napari_srgan.disk.atomic_write import save_file

    save_file(file, content)
    typer.echo(file)
