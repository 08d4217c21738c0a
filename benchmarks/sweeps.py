"""How the cost grows: CPU time (the least of five) and memory of a training step and of a step of EM, each case in a process of its own.

    python benchmarks/sweeps.py OUT.png
"""
import json
import os
import subprocess
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.ticker import LogLocator

HERE = Path(__file__).resolve().parent
STEP = {                                     # one training step of the default model, all else at 4 x 4 s, 100 frames/s, 60 harmonics
    "n_harmonics": (15, 30, 60, 120, 240),
    "batch_size": (1, 2, 4, 8, 16),
    "seconds": (1, 2, 4, 8, 16),
    "frame_rate": (50, 100, 250, 500),
}
PRIOR = {"n_rows": (20_000, 100_000, 300_000, 1_000_000), "components": (4, 8, 16, 32, 64)}   # one EM step, else 100 000 x 16, K = 16

CASE = """
import json, sys, time
import torch
import parts
torch.set_num_threads(1)
kind, choices = sys.argv[1], json.loads(sys.argv[2])
if kind == "step":
    parts.step_case(seconds=1, batch_size=1)()
    before, call = parts.peak_mb(), parts.step_case(**choices)
else:
    import mixture
    x = mixture.clusters(choices.get("n_rows", 100_000), 16)
    k = choices.get("components", 16)
    start = mixture.Mixture(torch.full((k,), 1 / k, dtype=torch.float64), torch.tensor(x[:k]), torch.eye(16, dtype=torch.float64).repeat(k, 1, 1))
    mixture.em(x[:1000], start, tol=0, max_iter=1)
    before, call = parts.peak_mb(), lambda: mixture.em(x, start, tol=0, max_iter=1)
times = []
for _ in range(6):
    begin = time.process_time()
    call()
    times.append(time.process_time() - begin)
print(json.dumps({"cpu_s": min(times[1:]), "memory_mb": parts.peak_mb() - before}))
"""


def case(kind, **choices):
    "CPU seconds and growth of the peak memory, measured in a fresh process."
    done = subprocess.run([sys.executable, "-c", CASE, kind, json.dumps(choices)], cwd=HERE, env={**os.environ, "OMP_NUM_THREADS": "1"},
                          capture_output=True, text=True, check=True)
    return {"kind": kind, **choices, **json.loads(done.stdout)}


def measure():
    "list of dict(kind, one setting, cpu_s, memory_mb)"
    cases = [("step", name, value) for name, values in STEP.items() for value in values]
    cases += [("prior", name, value) for name, values in PRIOR.items() for value in values]
    return [case(kind, **{name: value}) for kind, name, value in cases]


def plot(rows, path):
    "Time (left axis) and memory (right axis) against each setting, logarithmic."
    labels = {"n_harmonics": "harmonics", "batch_size": "crops a step", "seconds": "length of a crop (s)", "frame_rate": "control frames a second",
              "n_rows": "vectors z", "components": "components K"}
    fig, axes = plt.subplots(2, 3, figsize=(11, 5.5), layout="constrained")
    for ax, (name, label) in zip(axes.flat, labels.items()):
        mine = [row for row in rows if name in row]
        x = [row[name] for row in mine]
        ax.loglog(x, [1000 * row["cpu_s"] for row in mine], "o-", color="#0072B2", label="CPU time")
        right = ax.twinx()
        right.loglog(x, [max(row["memory_mb"], 1) for row in mine], "s--", color="#D55E00", label="memory")
        ax.set(xlabel=label, ylabel="CPU time (ms)", title="training step" if mine[0]["kind"] == "step" else "EM step of the prior")
        right.set_ylabel("growth of memory (MB)")
        ax.set_xticks(x, [f"{v:,}" for v in x])
        for axis, values in ((ax, [1000 * row["cpu_s"] for row in mine]), (right, [max(row["memory_mb"], 1) for row in mine])):
            axis.set_ylim(min(values) / 2, 2.5 * max(values))
            axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.yaxis.set_major_formatter("{x:g}")
            axis.minorticks_off()
        ax.grid(alpha=0.3)
        handles = ax.get_lines() + right.get_lines()
        ax.legend(handles, [line.get_label() for line in handles], loc="upper left", fontsize=8)
    fig.savefig(path, dpi=90)
    plt.close(fig)


def main():
    rows = measure()
    for row in rows:
        print(row)
    plot(rows, sys.argv[1])


if __name__ == "__main__":
    main()
