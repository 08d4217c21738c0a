"""PEAQ: CPU time as a multiple of real time, and memory.

    python benchmarks/quality.py [--long]

Process CPU time on one thread, medians; a pair of 10 s at 48 kHz counts as 10 s. Memory is the growth of the peak resident set while
two WAV files are graded, each case in a process of its own; --long takes files of half an hour.
"""
import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import soundfile as sf
import torch

from ddsp_course.peaq import peaq
from parts import peak_mb  # noqa: F401  (used in the process of its own)

SR = 48000


def pair(seconds, channels=1):
    "Noise with slow fades, and the same with 1 % of other noise."
    rng, n = np.random.default_rng(0), int(seconds * SR)
    x = 0.1 * rng.normal(size=(channels, n)) * np.sin(np.arange(n) / SR) ** 2
    return x, x + 0.001 * rng.normal(size=(channels, n))


def speed(version, channels, sr=SR, seconds=10, repeats=5):
    "Seconds of sound for a second of CPU time."
    x, y = (z[:, :int(seconds * sr)] for z in pair(seconds, channels))
    times = []
    for k in range(repeats + 1):
        start = time.process_time()
        peaq(x, y, sr, version)
        if k:
            times.append(time.process_time() - start)
    return seconds / median(times)


def memory_mb(version, seconds, folder):
    "Growth of the peak by a pair of files of this length."
    paths = [str(Path(folder, f"{seconds}_{i}.wav")) for i in (0, 1)]
    if not Path(paths[1]).exists():
        for i, path in enumerate(paths):
            with sf.SoundFile(path, "w", SR, 1, "PCM_16") as file:
                for second in range(0, seconds, 10):
                    file.write(pair(min(10, seconds - second))[i].T)
    code = (f"import quality as q; q.peaq(*q.pair(1), q.SR, {version!r}); before = q.peak_mb(); "
            f"q.peaq(*{paths!r}, version={version!r}); print(q.peak_mb() - before)")
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parent).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--long", action="store_true", help="also files of half an hour")
    long = parser.parse_args().long
    torch.set_num_threads(1)
    for version in ("basic", "advanced"):
        print(f"{version:9s} mono {speed(version, 1):6.1f}, stereo {speed(version, 2):6.1f}, mono from 16 kHz {speed(version, 1, 16000):6.1f} x real time")
    with tempfile.TemporaryDirectory() as folder:
        for seconds in (30, 120) + ((1800,) if long else ()):
            audio = 2 * 8 * seconds * SR / 1e6
            print(f"memory for two files of {seconds:4d} s (as arrays {audio:.0f} MB):",
                  ", ".join(f"{version} {memory_mb(version, seconds, folder):.0f} MB" for version in ("basic", "advanced")))


if __name__ == "__main__":
    main()
