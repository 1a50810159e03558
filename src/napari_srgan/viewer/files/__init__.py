"""The Upscale files widget: image files and folders of them, into a folder."""
