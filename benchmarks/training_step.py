"""Where a training step spends its time: process CPU time of each part, one thread, medians.

    python benchmarks/training_step.py
    python benchmarks/training_step.py --frame-rate 250 --batch-size 4 --seconds 2
"""
import argparse
import time
from collections import defaultdict
from statistics import median

import torch

from ddsp_course.harmonic import harmonic_synth
from ddsp_course.losses import multiscale_spectral_loss
from ddsp_course.model import DDSP, ModelConfig
from ddsp_course.noise import filtered_noise


def one_step(net, optimizer, batch, record):
    "One training step; `record(name)` is called after each part."
    controls = net(batch)
    record("networks, forward")
    harmonic = harmonic_synth(controls.f0_hz, controls.amplitudes, net.config.sample_rate, net.config.hop_length)
    record("harmonic part, forward")
    noise = filtered_noise(controls.noise_magnitudes, net.config.hop_length)
    record("noise part, forward")
    loss = multiscale_spectral_loss(harmonic + noise, batch["audio"])
    record("loss, forward")
    optimizer.zero_grad()
    loss.backward()
    record("all, backward")
    optimizer.step()
    record("Adam")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frame-rate", type=int, default=100, help="control frames a second")
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=2.0, help="length of a crop")
    parser.add_argument("--repeats", type=int, default=10)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    hop_length, n_frames = 16000 // args.frame_rate, round(args.seconds * args.frame_rate)
    net = DDSP(ModelConfig(hop_length=hop_length))
    optimizer = torch.optim.Adam(net.parameters())
    batch = {
        "f0_hz": 300 + 600 * torch.rand(args.batch_size, 1).expand(-1, n_frames),
        "loudness_db": -30 + 10 * torch.randn(args.batch_size, n_frames),
        "mfcc": torch.randn(args.batch_size, n_frames, 30),
        "audio": 0.1 * torch.randn(args.batch_size, n_frames * hop_length),
    }
    times = defaultdict(list)
    for _ in range(args.repeats + 2):
        last = [time.process_time()]

        def record(name):
            now = time.process_time()
            times[name].append(1000 * (now - last[0]))
            last[0] = now

        one_step(net, optimizer, batch, record)
    medians = {name: median(values[2:]) for name, values in times.items()}
    whole = sum(medians.values())
    for name, value in medians.items():
        print(f"{name:24s} {value:7.1f} ms  {100 * value / whole:5.1f} %")
    print(f"{'whole step':24s} {whole:7.1f} ms  ({args.batch_size} x {args.seconds:g} s, {args.frame_rate} frames a second)")


if __name__ == "__main__":
    main()
