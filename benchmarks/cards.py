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
        print("| images | PSNR | bicubic | gain | protocol |\n| --- | --- | --- | --- | --- |")
        for q in card.quality:
            print(f"| {q.images} | {q.psnr:.2f} | {q.bicubic_psnr:.2f} | {q.gain:+.2f} | {q.protocol} |")
        held_back = [q.gain for q in card.quality if "held-back" in q.protocol]
        print(f"\nMean gain over {len(held_back)} held-back sets: {mean(held_back):+.2f} dB.")


if __name__ == "__main__":
    main()
