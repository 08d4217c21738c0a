"""How much is enough? Control frames, sample rate, minutes of sound and steps of training, each against quality and cost.

    python benchmarks/how_much.py [--seeds 2] [--steps 500]

Bundled recordings only, crops of 4 x 1 s, default model with z of 4 numbers, one thread. Four sets of trainings:

- `frames`: violin at 50, 100 and 250 control frames a second, pitch by crepe-tiny at each rate
- `rate`: violin at 8 kHz, 100 frames a second, beside the 16 kHz of `frames`
- `steps`: violin at 100 frames a second, a quarter, a half, and twice the steps (each with its own fall of the learning rate)
- `audio`: quartet, trained on the first 1/4, 1, 3 and 5 minutes (equal shares of the four instruments)

All are judged on the same held-out recordings, against features of the original at 125 frames a second, which no model uses.
Each finished training is kept in data/results/how_much.json, and a second call goes on from there. About 12 minutes of processor
time for two seeds.
"""
import argparse
import csv
import json
import platform
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import torch

from ddsp_course import data, losses, metrics, model, runs, training
from ddsp_course.features import extract_features
from ddsp_course.how_much import fit_wobble, shorten
from ddsp_course.loudness import loudness_db
from ddsp_course.recordings import data_dir
from ddsp_course.sampling import resample
from ddsp_course.storage import write_atomically

OUT = Path(__file__).resolve().parents[1] / "data" / "results" / "how_much.json"
SR, JUDGE_RATE, MINUTES = 16000, 125, (0.25, 1, 3, 5)
WORK = {}                        # data sets and reference features, made once


def violin_8khz(folder):
    "The violin of runs.bundled_dataset at half the sample rate."
    parts, held_out = runs.BUNDLED_SETS["violin"]
    return data.prepare([data_dir() / part for part in parts], folder, 8000, 100, held_out=held_out, workers=1, progress=False)


def dataset_of(case, folder):
    name, frame_rate, sample_rate, minutes = (case[k] for k in ("dataset", "frame_rate", "sample_rate", "minutes"))
    key = name, frame_rate, sample_rate
    if key not in WORK:
        WORK[key] = violin_8khz(folder / "8khz") if sample_rate == 8000 else runs.bundled_dataset(name, frame_rate)
    return WORK[key] if minutes is None else shorten(WORK[key], 60 * minutes / len(WORK[key].groups))


def cases(steps, seeds):
    "Everything to train, the first seed of all before the second."
    base = {"dataset": "violin", "frame_rate": 100, "sample_rate": SR, "minutes": None, "steps": steps}
    for seed in range(seeds):
        for rate in (100, 50, 250):
            yield {**base, "set": "frames", "frame_rate": rate, "seed": seed}
        for minutes in MINUTES:
            yield {**base, "set": "audio", "dataset": "quartet", "minutes": minutes, "seed": seed}
        for n in (steps // 4, steps // 2, 2 * steps):
            yield {**base, "set": "steps", "steps": n, "seed": seed}
        yield {**base, "set": "rate", "sample_rate": 8000, "seed": seed}


def reference(name, recording):
    "Original at 16 kHz with features at JUDGE_RATE, and the stretches of held notes in seconds."
    key = name, recording.name
    if key not in WORK:
        path = next(data_dir().rglob(f"{recording.name}.flac"))
        audio = runs.bundled_dataset(name).get([r.name for r in runs.bundled_dataset(name).recordings].index(recording.name))["audio"]
        with open(path.with_suffix(".csv"), encoding="utf-8") as file:
            notes = [(float(n["onset_s"]), float(n["duration_s"])) for n in csv.DictReader(file)]
        WORK[key] = {"audio": audio, **extract_features(audio, SR, JUDGE_RATE), "held": [(a + 0.4, a + d - 0.03) for a, d in notes if d > 0.85]}
    return WORK[key]


def wobbles(features, level, held, rates=None):
    "Depth in cents and dB of each held stretch; the rates are those given, or found in the pitch."
    cents, found = 1200 * torch.log2(features["f0_hz"]), []
    for k, (start, end) in enumerate(held):
        part = slice(round(start * JUDGE_RATE), round(end * JUDGE_RATE))
        rate, depth = fit_wobble(cents[part], JUDGE_RATE, None if rates is None else rates[k])
        found.append((rate, depth, fit_wobble(level[part], JUDGE_RATE, rate)[1]))
    return np.array(found)


def judge(net, dataset, name):
    "All measures on the held-out recordings, mean over them (vibrato: median over their held notes)."
    rows, notes = [], []
    for i in dataset.split("test"):
        truth, x = reference(name, dataset.recordings[i]), dataset.get(i)
        sound = resample(metrics.resynthesize(net, x)["wet"], dataset.sample_rate, SR)[:len(truth["audio"])]
        sound = torch.nn.functional.pad(sound, (0, len(truth["audio"]) - len(sound)))
        heard = extract_features(sound, SR, JUDGE_RATE)
        voiced = truth["confidence"] > 0
        found = torch.where(heard["confidence"] > 0, heard["f0_hz"], 0.0)
        rows.append({"multiscale_loss": float(losses.multiscale_spectral_loss(sound, truth["audio"])),
                     "loudness_l1_db": metrics.loudness_l1_db(truth["loudness_db"], heard["loudness_db"], voiced),
                     "raw_pitch_accuracy": metrics.raw_pitch_accuracy(truth["f0_hz"], found, voiced)})
        if name == "violin":
            levels = [loudness_db(audio, SR, JUDGE_RATE, n_fft=512) for audio in (truth["audio"], sound)]
            there = wobbles(truth, levels[0], truth["held"])
            notes.append(np.concatenate([there, wobbles(heard, levels[1], truth["held"], there[:, 0])], 1))
    result = {key: sum(row[key] for row in rows) / len(rows) for key in rows[0]}
    if notes:
        n = np.concatenate(notes)
        n = n[n[:, 1] >= 8]                                        # notes that have a vibrato
        result |= {"held_notes": len(n), "vibrato_cents": [median(n[:, 1]), median(n[:, 4])], "vibrato_kept": median(n[:, 4] / n[:, 1]),
                   "wobble_db": [median(n[:, 2]), median(n[:, 5])]}
    return result


def train_losses(net, dataset, name):
    "Multi-scale loss on the sound trained on, and on the part of it that every `audio` training had."
    def loss(part):
        values = [(float(losses.multiscale_spectral_loss(metrics.resynthesize(net, x)["wet"], x["audio"])), len(x["audio"]))
                  for x in map(part.get, part.split("train"))]
        return sum(v * n for v, n in values) / sum(n for _, n in values)
    first = shorten(dataset, 60 * MINUTES[0] / len(dataset.groups))
    return {"train_loss": loss(dataset), "first_loss": loss(first)}


def measure(case, folder):
    "Train and judge one case -> its row."
    dataset = dataset_of(case, folder)
    settings = training.TrainConfig(steps=case["steps"], seed=case["seed"], eval_every=max(1, case["steps"] // 8))
    with TemporaryDirectory(dir=folder) as work:
        start = time.process_time()
        net = training.fit(dataset, model.configure(dataset, z_dims=4), Path(work) / "run", settings, progress=False)
        seconds = time.process_time() - start
        curve = [[line["step"], round(line["held_out_loss"], 4)] for line in runs.read_log(Path(work) / "run") if "held_out_loss" in line]
    with training.single_thread():
        figures = judge(net, dataset, case["dataset"]) | (train_losses(net, dataset, "quartet") if case["set"] == "audio" else {})
    trained = sum(dataset.recordings[i].n_samples for i in dataset.split("train")) / dataset.sample_rate
    row = {**case, "train_seconds": trained, "parameters": sum(p.numel() for p in net.parameters()), "cpu_seconds": seconds, "curve": curve, **figures}
    return json.loads(json.dumps(row), parse_float=lambda text: round(float(text), 5))


@training.single_thread()
def step_costs(folder, repeats=12):
    "Median CPU milliseconds of a step, the kinds in turn, so that what else the machine does meets all alike."
    kinds, times = {}, {}
    for frame_rate, sample_rate in ((50, SR), (100, SR), (250, SR), (100, 8000)):
        dataset = dataset_of({"dataset": "violin", "frame_rate": frame_rate, "sample_rate": sample_rate, "minutes": None}, folder)
        net = model.DDSP(model.configure(dataset, z_dims=4))
        kinds[f"{frame_rate} frames, {sample_rate} Hz"] = dataset, net, torch.optim.Adam(net.parameters(), fused=True)
    for step in range(repeats + 2):
        for name, (dataset, net, optimizer) in kinds.items():
            start = time.process_time()
            batch = training.draw_batch(dataset, dataset.split("train"), dataset.frame_rate, 4, training.step_generator(0, step))
            training.train_step(net, optimizer, batch, training.TrainConfig(), step)
            times.setdefault(name, []).append(time.process_time() - start)
    return {name: round(1000 * median(values[2:]), 1) for name, values in times.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=2, help="seeds of each training (default 2)")
    parser.add_argument("--steps", type=int, default=500, help="steps of a training (default 500)")
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    settings = {"steps": options.steps, "crops": "4 x 1 s", "z_dims": 4, "f0": "crepe-tiny", "judged at frames a second": JUDGE_RATE,
                "threads": 1, "processor": platform.machine(), "torch": torch.__version__}
    stored = json.loads(options.out.read_text()) if options.out.is_file() else {}
    rows = stored["rows"] if stored.get("settings") == settings else []
    result = {"settings": settings, "step_ms": stored.get("step_ms"), "rows": rows}

    def keep():
        options.out.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(options.out, lambda file: file.write_text(json.dumps(result, indent=1) + "\n"))

    with TemporaryDirectory() as folder:
        for case in cases(options.steps, options.seeds):
            if not any(case.items() <= row.items() for row in rows):
                rows.append(measure(case, Path(folder)))
                print({k: v for k, v in rows[-1].items() if k != "curve"}, flush=True)
                keep()
        result["step_ms"] = step_costs(Path(folder))
        keep()
    print(result["step_ms"])


if __name__ == "__main__":
    main()
