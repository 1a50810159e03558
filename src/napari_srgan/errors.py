"""The one error type for what a user can put right."""


class UserError(ValueError):
    """Something given to napari-srgan cannot be used.

    The message is one sentence or two for the person at the keyboard: what was
    wrong, the value that was got, and what to do. Every entrance (widget, menu,
    console, shell) shows it as it is, without a traceback.
    """
