"""How good after how many CPU seconds: a real violin, first 80 % to train on, last 20 % held out.

    python benchmarks/violin.py ../shared/audio/violin_train/violin_garner_bwv1002_mov6.flac

The held-out loss is that of a published PyTorch implementation (github.com/acids-ircam/ddsp_pytorch): sizes 4096 to 128,
STFT divided by sqrt(n_fft), linear plus logarithmic L1, averaged over segments of 4 s. Training minimises the course's own.
"""
import argparse
import dataclasses
import json
import tempfile
import time
from pathlib import Path
from statistics import mean, median

import soundfile
import torch

from ddsp_course import data, model, training
from ddsp_course.runs import TrainConfig

BUDGETS_S = (15, 60)
SEGMENT_S = 4
MODEL = dict(variant="full", z=False, n_harmonics=64)
TRAIN = TrainConfig(batch_size=4, crop_seconds=1.0, learning_rate=4e-3)


def published_loss(y, x):
    "Loss of the published implementation, of two batches [B, T]."
    total = 0.0
    for n in (4096, 2048, 1024, 512, 256, 128):
        window = torch.hann_window(n)
        s_y, s_x = (torch.stft(a, n, n // 4, n, window, center=True, normalized=True, return_complex=True).abs() for a in (y, x))
        total += (s_y - s_x).abs().mean() + (torch.log(s_y + 1e-7) - torch.log(s_x + 1e-7)).abs().mean()
    return float(total)


def prepare(recording, folder, frame_rate=100):
    "Data set of two recordings: the first 80 % and the last 20 %."
    audio, sr = soundfile.read(recording, dtype="float32")
    cut = int(0.8 * len(audio))
    for name, part in (("first", audio[:cut]), ("last", audio[cut:])):
        soundfile.write(folder / f"{name}.wav", part, sr)
    return data.prepare([folder / "first.wav", folder / "last.wav"], folder / "data", frame_rate=frame_rate, held_out="last*", progress=False)


@torch.no_grad()
def held_out(net, dataset):
    "Published loss over whole segments of the held-out recording."
    index, n_frames = dataset.split("test")[0], SEGMENT_S * dataset.frame_rate
    n_segments = dataset.recordings[index].n_samples // (SEGMENT_S * dataset.sample_rate)
    losses = []
    for k in range(n_segments):
        batch = {name: value[None] for name, value in dataset.crop(index, k * n_frames, n_frames).items()}
        losses.append(published_loss(net.synthesize(net(batch), torch.Generator().manual_seed(k)), batch["audio"]))
    return mean(losses)


def train(dataset, budget_s, seed, choices, settings):
    "Train for a budget of CPU seconds, the first steps for measuring included; returns the loss, steps and seconds used."
    torch.manual_seed(seed)
    start = time.process_time()
    net = model.DDSP(model.configure(dataset, **choices))
    optimizer = torch.optim.Adam(net.parameters(), settings.learning_rate, fused=True)
    step, times, n_frames = 0, [], round(settings.crop_seconds * dataset.frame_rate)
    settings = dataclasses.replace(settings, seed=seed, steps=10**6)
    while step < settings.steps and time.process_time() - start < budget_s:
        before = time.process_time()
        batch = training.draw_batch(dataset, dataset.split("train"), n_frames, settings.batch_size, training.step_generator(seed, step))
        training.train_step(net, optimizer, batch, settings, step)
        times.append(time.process_time() - before)
        step += 1
        if step == 8:
            settings = dataclasses.replace(settings, steps=int((budget_s - (time.process_time() - start)) / median(times)) + step)
    seconds = time.process_time() - start
    return {"budget_s": budget_s, "seed": seed, "steps": step, "cpu_s": seconds, "loss": held_out(net.eval(), dataset)}


def measure(recording, seeds=(0, 1, 2), budgets=BUDGETS_S, choices=MODEL, settings=TRAIN):
    "One row a budget and seed."
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        dataset = prepare(recording, Path(folder))
        train(dataset, 1, 0, choices, settings)                              # compiles the kernels
        return [train(dataset, budget, seed, choices, settings) for budget in budgets for seed in seeds]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recording", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    rows = measure(args.recording, range(args.seeds))
    if args.json:
        print(json.dumps(rows, indent=1))
        return
    for row in rows:
        print("budget {budget_s:3d} s, seed {seed}: {steps:4d} steps in {cpu_s:5.1f} CPU s, held-out loss {loss:.2f}".format(**row))
    for budget in BUDGETS_S:
        print(f"mean after {budget} CPU s: {mean(row['loss'] for row in rows if row['budget_s'] == budget):.2f}")


if __name__ == "__main__":
    main()
