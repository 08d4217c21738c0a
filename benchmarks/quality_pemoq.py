"""PEMO-Q: CPU time as a multiple of real time, and memory.

    python benchmarks/quality_pemoq.py
    python benchmarks/quality_pemoq.py --choices     what the open choices of the method change, on the reference pairs

Process CPU time on one thread, medians; a pair of 10 s at 48 kHz counts as 10 s. Memory is the growth of the peak resident
set, each case in a process of its own. The reference pairs are those of tests/data/pemoq_pairs.csv; their sounds are read
from the folder in DDSP_COURSE_QUALITY (else ../shared/quality beside the repository).
"""
import csv
import functools
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from unittest.mock import patch

import numpy as np
import torch

from ddsp_course import auditory
from ddsp_course.kernels import use_kernels
from ddsp_course.pemoq import pemoq
from parts import peak_mb

SR = 48000
CASES = {"lp": {}, "fb": {}, "lp, overshoot limit": {"overshoot_limit": 10}, "fb, overshoot limit": {"overshoot_limit": 10}}


def pair(seconds):
    "Noise with slow fades, and the same with 1 % of other noise."
    rng, n = np.random.default_rng(0), int(seconds * SR)
    x = 0.1 * rng.normal(size=n) * np.sin(np.arange(n) / SR) ** 2
    return x, x + 0.001 * rng.normal(size=n)


def speed(name, seconds=10, repeats=5):
    "Seconds of sound for a second of CPU time."
    x, y = pair(seconds)
    times = []
    for k in range(repeats + 1):
        start = time.process_time()
        pemoq(x, y, SR, name[:2], **CASES[name])
        if k:
            times.append(time.process_time() - start)
    return seconds / median(times)


def plain_speed(seconds=1):
    with use_kernels(False):
        return speed("lp", seconds, 1)


def memory_mb(seconds):
    "Growth of the peak by a pair of this length with 'fb', audio included."
    code = f"import quality_pemoq as q; q.pemoq(*q.pair(1), q.SR, 'fb'); before = q.peak_mb(); q.pemoq(*q.pair({seconds}), q.SR, 'fb'); print(q.peak_mb() - before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=sys.path[0])
    return float(done.stdout)


def choices():
    "Largest change of PSMt by each open choice: {(choice, modulation): (where PSMt is at least 0.864, everywhere)}."
    root = Path(__file__).resolve().parents[1]
    folder = Path(os.environ.get("DDSP_COURSE_QUALITY", root.parent / "shared" / "quality")) / "peaq"
    rows = list(csv.DictReader(open(root / "tests" / "data" / "pemoq_pairs.csv", encoding="utf-8")))
    other_cell = functools.partial(auditory.hair_cell, kind="butterworth")
    options = {"35 bands": {"n_bands": 35}, "overshoot limit 10": {"overshoot_limit": 10}, "filter twice as long": {"resampling_reach": 20},
               "no level alignment": {"align_level": False}, "Butterworth hair cell": {}}
    found = {}
    for modulation in ("lp", "fb"):
        base = np.array([pemoq(folder / r["ref"], folder / r["test"], modulation=modulation).psmt for r in rows])
        for name, option in options.items():
            with patch.object(auditory, "hair_cell", other_cell if not option else auditory.hair_cell):
                moved = np.abs([pemoq(folder / r["ref"], folder / r["test"], modulation=modulation, **option).psmt for r in rows] - base)
            found[name, modulation] = moved[base >= 0.864].max(), moved.max()
    return found


def main():
    if "--choices" in sys.argv:
        for (name, modulation), (mild, most) in choices().items():
            print(f"{name:22s} {modulation}   PSMt changes by up to {mild:.4f} where it is at least 0.864, {most:.4f} everywhere")
        return
    torch.set_num_threads(1)
    for name in CASES:
        print(f"{name:22s} {speed(name):6.1f} x real time")
    print(f"{'lp, without kernels':22s} {plain_speed():6.1f} x real time")
    for seconds in (10, 60):
        print(f"memory for {seconds:4d} s      {memory_mb(seconds):6.0f} MB, of which {2 * 8 * seconds * SR / 1e6:.0f} MB are the two sounds")


if __name__ == "__main__":
    main()
