"""One training in the shell: shown while it runs, stopped when somebody wishes, saved at the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import typer

from napari_srgan.cli.stop_signals import Wish, stop_wishes
from napari_srgan.cli.terminal import complain, printable_words
from napari_srgan.cli.training_images import TrainingFiles
from napari_srgan.cli.training_places import OutputFiles
from napari_srgan.errors import UserError
from napari_srgan.models import Model, save_model
from napari_srgan.progress import Job
from napari_srgan.progress_bar import progress_bar
from napari_srgan.training.fine_tuning.job import fine_tune_job
from napari_srgan.training.fine_tuning.progress import TrainingProgress
from napari_srgan.training.fine_tuning.settings import FineTuning
from napari_srgan.training.loop.process_group import ProcessGroup, ProcessLost

if TYPE_CHECKING:
    from napari_srgan.training.pairs.matching import MatchedPair
    from napari_srgan.training.pairs.source import SourceImage


class TrainingRun:
    """Drives a training; only the first process of a team says anything.

    Parameters
    ----------
    places
        The places of the model and of the checkpoint.
    team
        The processes that train together.
    """

    def __init__(self, places: OutputFiles, team: ProcessGroup) -> None:
        self._places, self._team = places, team
        self._speaks = team.rank == 0
        self._goes_on = places.checkpoint.exists()
        self._training = False

    def tell_what_is_used(self, files: TrainingFiles, base: Model | None) -> None:
        """Say which images, which of them belong together, and what the training starts from."""
        for low, high in files.pairs:
            self._say(f"{low} with {high}")
        for high in files.alone:
            self._say(f"{high}, its partner simulated")
        if files.noise_of is not None:
            where = "the tiles that come with napari-srgan" if files.tiles else "them"
            self._say(f"the noise and the blur of {files.noise_of}, simulated in {where}")
        beginning = f"starting from {base.name}" if base else "starting from scratch"
        if self._goes_on:
            beginning = f"going on from {self._places.checkpoint}"
        self._say(beginning + (f", in {self._team.size} processes" if self._team.size > 1 else ""))

    def finish(
        self,
        images: Sequence[MatchedPair | SourceImage],
        base: Model | None,
        settings: FineTuning,
        noise_of: SourceImage | None = None,
    ) -> None:
        """Train to the end and save the model; arguments are those of ``fine_tune_job``.

        Raises
        ------
        UserError
            If the images or settings cannot be used, or the model cannot be written.
        typer.Exit
            If the training was stopped, or another process of the team has ended.
        """
        job = fine_tune_job(
            images, base=base, settings=settings, checkpoint=self._places.checkpoint, team=self._team,
            noise_of=noise_of,
        )  # fmt: skip
        try:
            if settings.batch is not None:
                self._team.share(settings.batch)  # what cannot be shared is told before the images are read
            with stop_wishes(heard=self._speaks) as wish:
                model = self._drive(job, wish)
                if model is None:
                    raise typer.Exit(self._stopped(wish))
                if self._speaks:
                    self._save(model)
            self._team.barrier()
        except UserError as error:
            if self._speaks:
                kept = self._training and self._places.checkpoint.exists()
                raise UserError(
                    f"{error}; {self._places.checkpoint} keeps what was trained" if kept else str(error)
                ) from error
            # What is wrong with images and settings is told once; and a lost team by whoever was lost.
            if self._training and not isinstance(error, ProcessLost):
                complain(f"process {self._team.rank} of {self._team.size}: {error}")
                raise typer.Exit(1) from None
            raise typer.Exit(0) from None

    def _drive(self, job: Job[Model], wish: Wish) -> Model | None:
        """The model, or None if the training was stopped; then the checkpoint has been written."""
        with progress_bar(wanted=self._speaks) as bar:
            task = bar.add_task("", total=None)
            try:
                while True:
                    try:
                        progress = next(job)
                    except StopIteration as end:
                        model: Model = end.value
                        return model
                    assert isinstance(progress, TrainingProgress)
                    for line in self._news(progress):
                        self._say(line)
                    bar.update(
                        task, total=progress.total, completed=progress.done, description=progress.message
                    )
                    if self._is_stopped(progress, wish):
                        return None
            finally:
                job.close()
                bar.remove_task(task)

    def _is_stopped(self, progress: TrainingProgress, wish: Wish) -> bool:
        self._training = progress.phase == "training"
        wished = bool(wish.number)
        # All stop at the same step, or the others would wait for one that is gone. Before the training
        # nobody waits.
        return self._team.agree(wished) if self._training and self._team.size > 1 else wished

    def _news(self, progress: TrainingProgress) -> Iterator[str]:
        """What is worth a line of its own."""
        for report in progress.reports:
            yield report.summary
            yield from report.notes
        yield from progress.notes
        if seen := progress.baseline:
            base = f", {seen.base_name} {seen.base:.2f} dB" if seen.base is not None else ""
            blur = f", its best Gaussian blur {seen.smoothed:.2f} dB" if seen.smoothed is not None else ""
            yield f"to be beaten on what is held back: {seen.rival} {seen.bicubic:.2f} dB{blur}{base}"
        if point := progress.point:
            loss = "" if point.loss is None else f"loss {point.loss:.5f}, "
            best = ", the best so far" if point.best else ""
            yield f"step {point.step}, {point.minutes:.1f} min: {loss}{point.psnr:.2f} dB{best}"

    def _save(self, model: Model) -> None:
        file = save_model(model, self._places.out)
        if self._places.passing:
            self._places.checkpoint.unlink(missing_ok=True)
        self._say(model.card.verdict)
        self._say(f"{file}")

    def _stopped(self, wish: Wish) -> int:
        """Say what is left of a training that was stopped; the exit status."""
        if self._speaks:
            file = self._places.checkpoint
            complain(
                f"stopped; {file} is kept, and the same command goes on from it"
                if file.exists()
                else "stopped before anything was trained"
            )
            return wish.status
        return 0

    def _say(self, line: str) -> None:
        if self._speaks:
            typer.echo(printable_words(line))
