"""The one error type for what a user can put right, and the words of others for its sentences."""


class UserError(ValueError):
    """Something given to napari-srgan cannot be used.

    The message is one sentence or two for the person at the keyboard: what was
    wrong, the value that was got, and what to do. Every entrance (widget, menu,
    console, shell) shows it as it is, without a traceback.
    """


def words_of(error: BaseException) -> str:
    """What an error of a library says, as a part of a sentence: its first line, else its name."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


class ImageWarning(UserWarning):
    """Something about an image that is upscaled is odd; the result is made all the same.

    Its message is a sentence: noise that the model was not trained on, frames of a movie in no order.
    """
