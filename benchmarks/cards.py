"""Print the figures in the cards of the bundled models as tables.

python benchmarks/cards.py
"""

from __future__ import annotations

from statistics import mean

from napari_srgan.models import load_model
from napari_srgan.models.library import bundled_folder


def main() -> None:
    for file in sorted(bundled_folder().glob("*.safetensors")):
        card = load_model(file.stem).card
        print(f"\n### {card.name}\n\n{card.description}. Trained: {card.trained}.\n")
        for protocol in dict.fromkeys(q.protocol for q in card.quality):
            figures = [q for q in card.quality if q.protocol == protocol]
            print(f"{protocol[:1].upper()}{protocol[1:]}:\n")
            print("| images | PSNR | bicubic | gain |\n| --- | --- | --- | --- |")
            for q in figures:
                print(f"| {q.images} | {q.psnr:.2f} | {q.bicubic_psnr:.2f} | {q.gain:+.2f} |")
            print(f"| **mean** | | | **{mean(q.gain for q in figures):+.2f}** |\n")


if __name__ == "__main__":
    main()
