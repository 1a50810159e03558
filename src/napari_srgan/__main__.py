"""``python -m napari_srgan``."""

from napari_srgan.cli import main

if __name__ == "__main__":
    main()
