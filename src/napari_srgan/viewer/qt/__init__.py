"""What napari, magicgui and Qt have no one word for."""
