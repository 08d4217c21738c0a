"""All measurements of speed in one table, with the figures to reach, and the plots of how the cost grows.

    benchmarks/run                        table; needs about 10 minutes and a quiet machine
    benchmarks/run --json                 the same as JSON
    benchmarks/run --keep                 also writes benchmarks/results/ (results.json, table.md, growth.png)

One thread, process CPU time, medians, the sides of a comparison in turn. The real violin is used when the folder of
recordings is there (environment variable DDSP_COURSE_AUDIO, else ../shared/audio beside the repository).
"""
import argparse
import json
import os
import platform
import sys
from pathlib import Path
from statistics import mean

import torch

import features
import mixture
import noise_filter
import parts
import sweeps
import violin

HERE = Path(__file__).resolve().parent


def row(work, reached, unit, goal=None, at_least=True, detail=""):
    "One line of the table; `goal` is the least (or the most) that counts as reached."
    ok = None if goal is None else (reached >= goal if at_least else reached <= goal)
    return {"work": work, "reached": reached, "unit": unit, "goal": goal, "at_least": at_least, "ok": ok, "detail": detail}


def harmonic_rows():
    rows = []
    for f0, hop_length in ((70.0, 64), (70.0, 160), (440.0, 64)):
        ms = parts.harmonic(f0, hop_length)
        detail = f"{ms['naive']:.0f} ms naive, {ms['plain']:.0f} ms plain reference, {ms['kernel']:.1f} ms kernel"
        rows.append(row(f"harmonic synth fwd+bwd, 4 x 4 s, K 100, {f0:g} Hz, hop {hop_length}, against naive", ms["naive"] / ms["kernel"], "x", 100, detail=detail))
    mb = {name: parts.harmonic_memory_mb(f"{name}_harmonic") for name in ("naive", "plain")} | {"kernel": parts.harmonic_memory_mb("harmonic_synth")}
    rows.append(row("its extra memory at batch 16, share of naive", mb["kernel"] / mb["naive"], "", 0.1, False, ", ".join(f"{v:.0f} MB {k}" for k, v in mb.items())))
    errors = parts.harmonic_errors()
    rows.append(row("its error against float64", errors["sound"], "", 5e-6, False))
    rows.append(row("its gradients against float64, relative", errors["gradient"], "", 1e-5, False))
    rows.append(row("its error after 10 minutes of sound", errors["sound after 10 minutes"], "", 5e-6, False))
    return rows


def training_rows():
    ms = parts.spectral_loss()
    rows = [row("multi-scale loss fwd+bwd, target kept", ms["plain_kept"] / ms["kernel_kept"], "x", 3, detail=f"{ms['plain_kept']:.0f} ms plain, {ms['kernel_kept']:.1f} ms"),
            row("multi-scale loss fwd+bwd, target not kept", ms["plain"] / ms["kernel"], "x", 2, detail=f"{ms['plain']:.0f} ms plain, {ms['kernel']:.1f} ms")]
    for width in (128, 256, 512):
        ms = parts.gru(width)
        rows.append(row(f"GRU {width} wide fwd+bwd, batch 4, 400 frames, against torch.nn.GRU", ms["torch"] / ms["kernel"], "x", 1.8, detail=f"{ms['torch']:.0f} ms torch, {ms['kernel']:.1f} ms"))
    for r in noise_filter.measure():
        rows.append(row(f"filtered noise fwd+bwd, hop {r['hop']}, against transforms", r["ratio"], "x", detail=f"{r['reference_ms']:.1f} ms, {r['ours_ms']:.1f} ms"))
    for frame_rate in (100, 250):
        ms = parts.training_step(frame_rate)
        rows.append(row(f"training step, default model, 4 x 4 s, {frame_rate} frames/s", 1000 / ms["kernel"], "steps/core-s", 10, detail=f"{ms['plain']:.0f} ms plain, {ms['kernel']:.1f} ms"))
    rows.append(row("peak memory of training, PyTorch included", parts.step_memory_mb(), "MB", 800, False))
    return rows


def violin_rows():
    folder = Path(os.environ.get("DDSP_COURSE_AUDIO", HERE.parents[1] / "shared" / "audio"))
    recording = folder / "violin_train" / "violin_garner_bwv1002_mov6.flac"
    if not recording.exists():
        print(f"real violin left out: {recording} is not there", file=sys.stderr)
        return []
    runs, rows = violin.measure(recording), []
    for budget, goal in ((15, 6.3), (60, 5.9)):
        mine = [r for r in runs if r["budget_s"] == budget]
        rows.append(row(f"real violin, held-out loss after {budget} CPU s, mean of 3 seeds", mean(r["loss"] for r in mine), "", goal, False,
                        ", ".join(f"{r['loss']:.2f} ({r['steps']} steps)" for r in mine)))
    return rows


def other_rows():
    rows = [row(f"pitch of 10 minutes, {r['name']}", 10 * r["cpu_seconds_per_audio_second"], "CPU min", 10 * r["target"], False) for r in features.measure()]
    rows += [row(f"generation, {rate} frames/s", parts.generation(frame_rate=rate), "x real time", 50) for rate in (100, 250)]
    rows += [row(f"EM step, {r['name']}, against scikit-learn", r["ratio"], "x", detail=f"{r['sklearn_s']:.2f} s, {r['ours_s']:.2f} s, log-likelihoods {r['log_likelihood_difference']:.0e} apart")
             for r in mixture.measure() if r["ratio"]]
    return rows


def machine():
    "What the figures were measured on."
    model = platform.processor()
    if Path("/proc/cpuinfo").exists():
        model = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), model)
    return {"processor": model, "cores": os.cpu_count(), "python": platform.python_version(), "torch": torch.__version__, "system": platform.system()}


def table(rows, place):
    "The table as Markdown."
    number = lambda value: f"{value:.0e}" if value and abs(value) < 1e-3 else f"{value:.3g}"
    lines = [f"Measured on {place['processor']}, {place['cores']} cores, one thread; Python {place['python']}, torch {place['torch']}.", "",
             "| work | reached | goal | | details |", "|---|---|---|---|---|"]
    for r in rows:
        goal = "" if r["goal"] is None else f"{'≥' if r['at_least'] else '≤'} {number(r['goal'])}"
        lines.append(f"| {r['work']} | {number(r['reached'])} {r['unit']} | {goal} | {dict([(True, 'yes'), (False, 'no'), (None, '')])[r['ok']]} | {r['detail']} |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument("--keep", action="store_true", help="write table, JSON and plots to benchmarks/results")
    args = parser.parse_args()
    torch.set_num_threads(1)
    place = machine()
    rows = harmonic_rows() + training_rows() + other_rows() + violin_rows()
    growth = sweeps.measure()
    result = json.dumps({"machine": place, "rows": rows, "growth": growth}, indent=1) + "\n"
    print(result if args.json else table(rows, place))
    if args.keep:
        out = HERE / "results"
        out.mkdir(exist_ok=True)
        (out / "results.json").write_text(result, encoding="utf-8")
        (out / "table.md").write_text(table(rows, place), encoding="utf-8")
        sweeps.plot(growth, out / "growth.png")


if __name__ == "__main__":
    main()
