"""Train the runs that ship with the course, judge them, and write their model cards: ``make models``.

    python data/train_runs.py                              # all, into data/runs
    python data/train_runs.py --only violin --out /tmp/x

Each run is trained on recordings of data/ with fixed settings and seed. The same versions on the
same machine give the same weights; another machine rounds differently, and the figures of the card
move in their last digits. `tests/test_shipped_runs.py` holds the cards against a fresh evaluation.
"""
import argparse
import dataclasses
import json
import platform
import shutil
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import librosa
import numpy
import sklearn
import torch

import ddsp_course
from ddsp_course import generation, instruments, latents, metrics, model, profiles, runs, training
from ddsp_course.prior import LatentPrior
from ddsp_course.recordings import data_dir

SETTINGS = {name: training.TrainConfig(steps=2000, crop_seconds=2.0, seed=0) for name in ("quartet", "violin")}
Z_DIMS = 4                     # four instruments need no more, and the prior has fewer covariances to fit
TITLES = {"quartet": "violin, flute, clarinet and trumpet in one model with z", "violin": "one violin over its whole range"}
LOG_EVERY = 25                 # steps between the lines of metrics.jsonl that are kept
MELODY = "ode_to_joy"


def train(name, folder):
    "The model, its data set and the CPU seconds of the training; leaves the files of a run without its checkpoint."
    dataset, settings = runs.bundled_dataset(name, progress=True), SETTINGS[name]
    with TemporaryDirectory() as work:
        start = time.process_time()
        net = training.fit(dataset, model.configure(dataset, "harmonic-noise", z_dims=Z_DIMS), Path(work) / "run", settings)
        seconds = time.process_time() - start
        log = [line for line in runs.read_log(Path(work) / "run") if "held_out_loss" in line or line["step"] % LOG_EVERY == 0]
    model.save(folder, net)
    instruments.save_instruments(folder, instruments.learn_instruments(net, dataset))
    write(folder / "metrics.jsonl", "".join(json.dumps(line) + "\n" for line in log))
    about = {"train": dataclasses.asdict(settings), "model": dataclasses.asdict(net.config), "dataset": runs.BUNDLED + name}
    write(folder / runs.SETTINGS, json.dumps(about, indent=1))
    return net, dataset, seconds


def fit_prior(net, dataset, folder):
    "The prior over z, and what its components stand for."
    clips = latents.encode_dataset(net, dataset, "train")
    prior = LatentPrior.fit(clips.z, clips.phrases(), seed=0)
    prior.save(folder / "prior.safetensors")
    components = prior.component_names(clips.z, clips.groups)
    right = sum(max(row["counts"].values(), default=0) for row in components)
    return prior, {"clips": len(clips.z), "components": components, "purity": right / len(clips.z)}


def play(net, prior):
    "How closely a melody without any input sound follows its profile, one draw from each component."
    level = net.config.statistics["loudness_db"]
    profile = profiles.named(MELODY, 100, loudness_db=level["mean"] + 0.5 * level["std"])
    sounds = {k: generation.generate(net, prior, profile, seed=0, component=k) for k in range(prior.n_components)}
    return [{"component": k, **generation.adherence(sound, net.config.sample_rate, profile)} for k, sound in sounds.items()]


def judge(net, dataset):
    "Held-out figures, and the swap test where there are several instruments."
    several = len(dataset.groups) > 2                               # the two groups of the violin are one instrument
    swap = latents.swap_accuracy(net, dataset, latents.instrument_classifier(dataset)) if several else None
    return {"evaluation": metrics.reconstruction_report(net, dataset), "swap": swap, "z_use": latents.z_use(net, dataset)}


def versions():
    "What the figures were made with."
    return {"ddsp_course": ddsp_course.__version__, "python": platform.python_version(), "torch": torch.__version__, "numpy": numpy.__version__,
            "librosa": librosa.__version__, "scikit-learn": sklearn.__version__, "processor": platform.machine()}


def table(head, rows):
    "Markdown."
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in (head, ["---"] * len(head), *rows))


def recordings_of(dataset, split):
    "Names of the recordings of a split with their length in seconds."
    chosen = [dataset.recordings[i] for i in dataset.split(split)]
    return ", ".join(r.name for r in chosen) + f" ({sum(r.n_samples for r in chosen) / dataset.sample_rate:.0f} s)"


def metric_rows(evaluation):
    "One row a metric: mean, interval, unit."
    entries = {name: evaluation[name] for name in metrics.UNITS}
    return [(f"`{name}`", f"{e['mean']:.4g}", f"{e['ci95'][0]:.4g} to {e['ci95'][1]:.4g}", e["unit"]) for name, e in entries.items()]


def component_rows(prior):
    "One row a component: weight and the training clips that it owns."
    return [(row["component"], f"{row['weight']:.2f}", ", ".join(f"{group} {n}" for group, n in row["counts"].items())) for row in prior["components"]]


def z_text(figures):
    "What z does, and what the components of the prior stand for."
    swap, use, prior = figures["swap"], figures["z_use"], figures["prior"]
    if swap is None:
        return (f"Multi-scale loss on held-out crops of 2 s: own z {use['own']:.2f}, z of another phrase {use['other_phrase']:.2f}, mean z {use['mean']:.2f}. "
                f"With one instrument z has little to tell beyond pitch and loudness: do not expect other timbres from other draws.\n\n"
                f"Components of the prior for {prior['clips']} training clips of 2 s: {len(prior['components'])}.")
    rows = [(pair, f"{100 * share:.0f} %") for pair, share in swap["pairs"].items()]
    return (f"Pitch and loudness of a held-out recording with the z of another instrument's phrase: a classifier trained on the recordings hears the "
            f"instrument of z in **{100 * swap['swapped']:.1f} %** of {swap['windows']} seconds (own z: {100 * swap['own']:.1f} %, the recordings themselves: "
            f"{100 * swap['real']:.1f} %, chance {100 * swap['chance']:.0f} %).\n\n{table(('swap', 'heard as the instrument of z'), rows)}\n\n"
            f"Multi-scale loss on held-out crops of 2 s: own z {use['own']:.2f}, z of another phrase of the instrument {use['other_phrase']:.2f}, "
            f"of another instrument {use['other_group']:.2f}, mean z {use['mean']:.2f}.\n\n"
            f"The prior has {len(prior['components'])} components for {prior['clips']} training clips of 2 s; {100 * prior['purity']:.1f} % of the clips lie in a "
            f"component where their instrument is the most frequent.\n\n{table(('component', 'weight', 'training clips'), component_rows(prior))}")


def card(name, net, dataset, figures):
    "The model card in Markdown."
    settings, seconds = SETTINGS[name], figures["cpu_seconds"]
    played = [(row["component"], f"{100 * row['raw_pitch_accuracy']:.1f} %", f"{row['loudness_l1_db']:.2f} dB") for row in figures["generation"]]
    return f"""# {name}: {TITLES[name]}

A DDSP autoencoder ({figures['parameters']:,} parameters) with a Gaussian mixture prior over its z. Use it by name:

    ddsp-course generate {name} hello.wav
    ddsp-course evaluate {name}

## Data

- training: {recordings_of(dataset, 'train')}
- held out: {recordings_of(dataset, 'test')}

Synthetic performances that ship with the course (`data/SOURCES.md`): melodies in the public domain, sound from the soundfont FluidR3_GM
(Frank Wen, MIT licence). {dataset.sample_rate} Hz, {dataset.frame_rate} control frames a second, pitch by {dataset.features['f0']}.
The weights may be used under the licence of the course (Apache 2.0), with the soundfont's notice in `data/SOURCES.md` kept.

## Training

{settings.steps} steps of {settings.batch_size} crops of {settings.crop_seconds:g} s, Adam with learning rate {settings.learning_rate:g} falling to a tenth, seed {settings.seed}:
{seconds['training']:.0f} s of CPU time on one thread. Variant `harmonic-noise`: {net.config.n_harmonics} harmonics, {net.config.n_noise} noise magnitudes, no room;
z of {net.config.z_dims} numbers a clip. `make models` makes it again.

## Figures on held-out recordings

Resynthesis from pitch, loudness and z; mean over {len(figures['evaluation']['rows'])} recordings with a 95 % bootstrap interval over recordings.

{table(('figure', 'mean', '95 % interval', 'unit'), metric_rows(figures['evaluation']))}

## z and its prior

{z_text(figures)}

`{MELODY}` without any input sound, one draw from each component: voiced frames within 50 cents of the melody (by pYIN), and loudness error.

{table(('component', 'pitch', 'loudness'), played)}

## What it cannot do

It has heard dry, synthetic notes of the range and the loudness in the training recordings, played one at a time. It knows no room, no other
instrument, no noise of breath or bow that the soundfont does not have.

Made with {', '.join(f'{key} {value}' for key, value in figures['versions'].items())}.
"""


def write(path, text):
    path.write_text(text, encoding="utf-8")


def make(name, out):
    "Train, judge and write one run; an older one is replaced when all is done."
    torch.manual_seed(SETTINGS[name].seed)
    with TemporaryDirectory() as work:
        folder, clock = Path(work) / name, time.process_time
        net, dataset, training_seconds = train(name, folder)
        start = clock()
        prior, about_prior = fit_prior(net, dataset, folder)
        figures = {"name": name, "parameters": sum(p.numel() for p in net.parameters()), **judge(net, dataset), "prior": about_prior,
                   "generation": play(net, prior), "versions": versions()}
        figures["cpu_seconds"] = {"training": round(training_seconds, 1), "prior and evaluation": round(clock() - start, 1)}
        write(folder / "figures.json", json.dumps(figures, indent=1))
        write(folder / "README.md", card(name, net, dataset, figures))
        shutil.rmtree(out / name, ignore_errors=True)
        shutil.copytree(folder, out / name)
    size = sum(path.stat().st_size for path in (out / name).iterdir())
    print(f"{out / name}: {size / 1e6:.2f} MB, {figures['cpu_seconds']}", *(f"{n} {figures['evaluation'][n]['mean']:.4g}" for n in metrics.UNITS), sep="\n  ")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=tuple(SETTINGS), help="make one run (default: all)")
    parser.add_argument("--out", type=Path, default=data_dir() / "runs", help="folder to write to (default: data/runs)")
    args = parser.parse_args()
    with training.single_thread():
        for name in [args.only] if args.only else SETTINGS:
            make(name, args.out)


if __name__ == "__main__":
    sys.exit(main())
