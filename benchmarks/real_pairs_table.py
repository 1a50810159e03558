"""Models beside baselines on real short exposures, as Markdown; used by real_noise.py."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from statistics import mean

from markdown_table import gain, markdown, verdict
from real_pairs import GAUSS, JUDGE_ONLY, TV, Figures, Margins, best, margins

OVER_BETTER, OVER_BICUBIC = 0.5, 1.5
"""dB wanted above the better baseline on every set, and above bicubic in the mean over sets."""


def table(plain: Figures, models: dict[str, Figures], taught: AbstractSet[str] = frozenset()) -> str:
    """A row for each set, of baselines and models; figures are means over the pairs of a set.

    `taught` are the sets whose short exposures one of the models was trained on.
    """
    beaten = {name: margins(plain, figures, name) for name, figures in models.items()}
    heading = ["set", "in training", "bicubic", "Gauss + bicubic (sigma)", "TV + bicubic (weight)"]
    rows = [[*heading, *(f"{name} (over bicubic, over the better)" for name in models)]]
    for name, of_set in plain.items():
        row = [name, _in_training(name, taught), f"{of_set['bicubic']:.2f}"]
        for way in (best(of_set, kind) for kind in (GAUSS, TV)):
            row.append(f"{of_set[way]:.2f} ({way.split()[1]})")
        rows.append([*row, *(_cell(model, [name], models, beaten) for model in models)])
    for title, names in (("mean", list(plain)), ("mean of those never", sorted(JUDGE_ONLY & plain.keys()))):
        row = [f"**{title}**", "", f"{mean(plain[name]['bicubic'] for name in names):.2f}"]
        row += [f"{mean(plain[name][best(plain[name], kind)] for name in names):.2f}" for kind in (GAUSS, TV)]
        rows.append([*row, *(_cell(model, names, models, beaten) for model in models)])
    return markdown(rows)


def _in_training(name: str, taught: AbstractSet[str]) -> str:
    if name in JUDGE_ONLY & taught:
        raise SystemExit(f"a model was trained on {name}, which only judges; train it without")
    if name in taught:
        return "yes"
    return "never" if name in JUDGE_ONLY else "perhaps"


def _cell(model: str, names: list[str], models: dict[str, Figures], beaten: dict[str, Margins]) -> str:
    """Means over sets: PSNR, and what is gained."""
    over = [
        gain(mean(gains[name] for name in names))
        for gains in (beaten[model].over_bicubic, beaten[model].over_better)
    ]
    return f"{mean(models[model][name][model] for name in names):.2f} ({', '.join(over)})"


def targets(plain: Figures, models: dict[str, Figures]) -> Iterator[str]:
    """A line for each model: what was aimed at, and whether it is reached."""
    for name, figures in models.items():
        gained = margins(plain, figures, name)
        worst = min(gained.over_better, key=lambda each: gained.over_better[each])
        lowest, average = gained.over_better[worst], mean(gained.over_bicubic.values())
        yield (
            f"- `{name}`: {OVER_BETTER} dB above the better of Gauss and TV on every set: "
            f"{verdict(lowest >= OVER_BETTER)} (least on {worst}, {lowest:+.2f}); {OVER_BICUBIC} dB above "
            f"bicubic in the mean over sets: {verdict(average >= OVER_BICUBIC)} ({average:+.2f})"
        )
