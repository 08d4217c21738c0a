"""One thread or two, on a free machine and on a busy one: wall time of a small training step.

    python benchmarks/threads.py
"""
import os
import subprocess
import sys
import time
from statistics import median

import torch

BUSY = "x = 0\nwhile True: x += 1"


def step_ms(threads, repeats=3):
    "Median wall time of forward and backward of a small GRU and MLP with `threads` threads."
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    gru, x = torch.nn.GRU(576, 192, batch_first=True), torch.randn(4, 200, 576)
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        gru(x)[0].square().mean().backward()
        times.append(1000 * (time.perf_counter() - start))
    return median(times[1:])


def main():
    for others in (0, 1, 2):
        busy = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(others)]
        try:
            one, two = step_ms(1), step_ms(2)
        finally:
            for process in busy:
                process.kill()
        print(f"{os.cpu_count()} cores, {others} other processes: one thread {one:7.1f} ms, two threads {two:7.1f} ms, ratio {two / one:5.1f}")


if __name__ == "__main__":
    main()
