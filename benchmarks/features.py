"""CPU time of pitch tracking for a second of sound, on one thread.

    python benchmarks/features.py
"""
import math
import time
from statistics import median

import torch

from ddsp_course.pitch import estimate_f0

SR = 16000
# method, frame rate, seconds of sound for a run, goal in CPU seconds for a second of sound (minutes for ten minutes: ten times that)
CASES = (("pyin", 250, 8, 0.5), ("crepe-tiny", 250, 8, 0.25), ("crepe", 250, 4, 2.0))


def melody(seconds, seed=0):
    "Half-second notes between 200 and 900 Hz with vibrato, eight harmonics, and some noise."
    generator, n = torch.Generator().manual_seed(seed), round(seconds * SR)
    notes = 200 * 4.5 ** torch.rand(math.ceil(2 * seconds), generator=generator, dtype=torch.float64)
    t = torch.arange(n, dtype=torch.float64) / SR
    f0_hz = notes.repeat_interleave(SR // 2)[:n] * 2 ** (0.3 / 12 * torch.sin(2 * math.pi * 5.5 * t))
    phase = 2 * math.pi * torch.cumsum(f0_hz / SR, 0)
    audio = sum(0.2 / k * torch.sin(k * phase) for k in range(1, 9))
    return audio.float() + 0.003 * torch.randn(n, generator=generator)


def measure(seconds=None, repeats=3):
    """Median process CPU time of each method with its default range, one thread.

    seconds : sound a run (None: a few, chosen for each method). Weights are loaded before the clock starts.
    Returns a list of dict(name, cpu_seconds_per_audio_second, target).
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    results = []
    try:
        for method, frame_rate, length, target in CASES:
            audio, times = melody(seconds or length), []
            estimate_f0(audio[:SR // 10], SR, frame_rate, method)
            for _ in range(repeats):
                start = time.process_time()
                estimate_f0(audio, SR, frame_rate, method)
                times.append((time.process_time() - start) * SR / len(audio))
            results.append(dict(name=f"{method}, {frame_rate} frames/s", cpu_seconds_per_audio_second=median(times), target=target))
    finally:
        torch.set_num_threads(threads)
    return results


def main():
    print(f"{'':28s}{'CPU s / audio s':>16s}{'goal':>8s}{'CPU min / 10 min':>18s}{'goal':>8s}")
    for row in measure():
        cost, target = row["cpu_seconds_per_audio_second"], row["target"]
        print(f"{row['name']:28s}{cost:16.3f}{target:8.2f}{10 * cost:18.2f}{10 * target:8.1f}")


if __name__ == "__main__":
    main()
