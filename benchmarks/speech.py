"""Speech through DDSP: without z, with one z a clip, with one z a frame; with and without the noise part.

    python benchmarks/speech.py --audio ../shared/audio/speech        # or a folder from `ddsp-course data fetch librispeech-three`

Trains each variant with each seed on the first four fifths of every recording, judges the rest, and
writes data/results/speech.json. Finished runs are kept in --work and not trained again.
"""
import argparse
import json
import platform
import time
from pathlib import Path

import torch

from ddsp_course import data, metrics, model, runs, training
from ddsp_course.losses import multiscale_spectral_loss
from ddsp_course.mel import log_mel

VARIANTS = {
    "no z": dict(variant="harmonic-noise", z=False),
    "z a clip": dict(variant="harmonic-noise", z_dims=16),
    "z a frame": dict(variant="harmonic-noise", z_dims=16, z_pooling="frames"),
    "z a frame, no noise part": dict(variant="harmonic", z_dims=16, z_pooling="frames"),
}
DECIBEL = 10 / torch.log(torch.tensor(10.0))


def mel_db(audio, sr, hop):
    "Log-mel spectrum [64, F] in dB."
    return DECIBEL * log_mel(audio, sr, n_fft=1024, hop_length=hop, n_mels=64).clamp(min=-11.5)


def colour_distance_db(a, b, frames):
    "Rms distance over mel bands of two log-mel spectra, level of each frame removed, mean over the chosen frames."
    a, b = a[:, frames], b[:, frames]
    return float(((a - a.mean(0)) - (b - b.mean(0))).square().mean(0).sqrt().mean())


def judge(net, dataset, i):
    "Measures of one held-out recording."
    x, sr, hop = dataset.get(i), dataset.sample_rate, dataset.hop_length
    parts = metrics.resynthesize(net, x)
    n = len(x["f0_hz"])
    loud = x["loudness_db"] > x["loudness_db"].max() - 40
    voiced, unvoiced = (x["confidence"] >= 0.85) & loud, (x["confidence"] < 0.3) & loud
    real, copy = (mel_db(a, sr, hop)[:, :n] for a in (x["audio"], parts["wet"]))
    energy = {name: float(parts[name].unfold(0, hop, hop).square().mean(1)[:len(unvoiced)][unvoiced[:len(parts[name]) // hop]].mean()) for name in ("harmonic", "noise")}
    total = energy["harmonic"] + energy["noise"]
    return {"name": dataset.recordings[i].name, "loss": float(multiscale_spectral_loss(parts["wet"], x["audio"])),
            "vowel_distance_db": colour_distance_db(real, copy, voiced), "consonant_distance_db": colour_distance_db(real, copy, unvoiced),
            "noise_share_unvoiced": energy["noise"] / total if total > 0 else None, "voiced_frames": int(voiced.sum()), "unvoiced_frames": int(unvoiced.sum())}


def mean(rows, name):
    values = [row[name] for row in rows if row[name] is not None]
    return sum(values) / len(values)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audio", required=True, help="folder of speech")
    parser.add_argument("--work", default="speech_work", help="folder for the data set and the runs")
    parser.add_argument("--out", default="data/results/speech.json")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=800)
    args = parser.parse_args()
    work = Path(args.work)
    dataset = data.prepare([args.audio], work / "dataset", frame_rate=100, workers=1) if not (work / "dataset").is_dir() else data.load(work / "dataset")
    result = json.loads(Path(args.out).read_text()) if Path(args.out).is_file() else {"rows": []}
    seconds = {split: round(sum(dataset.recordings[i].n_samples for i in dataset.split(split)) / dataset.sample_rate, 1) for split in ("train", "test")}
    result |= {"settings": {"steps": args.steps, "batch": 4, "crop_seconds": 1.0, "frame_rate": 100, "seconds": seconds, "recordings": [r.name for r in dataset.recordings],
                            "processor": platform.machine(), "torch": torch.__version__}}
    for seed in args.seeds:
        for name, choices in VARIANTS.items():
            if any(row["variant"] == name and row["seed"] == seed for row in result["rows"]):
                continue
            start, folder = time.process_time(), work / f"{name.replace(' ', '_')}-{seed}"
            net = training.fit(dataset, model.configure(dataset, **choices), folder, runs.TrainConfig(steps=args.steps, crop_seconds=1.0, seed=seed), resume=True, progress=False)
            rows = [judge(net, dataset, i) for i in dataset.split("test")]
            names = ("loss", "vowel_distance_db", "consonant_distance_db", "noise_share_unvoiced")
            result["rows"].append({"variant": name, "seed": seed, "cpu_seconds": round(time.process_time() - start, 1), **{n: mean(rows, n) for n in names}, "recordings": rows})
            Path(args.out).write_text(json.dumps(result, indent=1))
            print(name, seed, {n: round(result["rows"][-1][n], 3) for n in names}, flush=True)


if __name__ == "__main__":
    with training.single_thread():
        main()
