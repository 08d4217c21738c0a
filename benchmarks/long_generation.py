"""Generation of long pieces: peak memory, speed, and the blocks against one piece.

    python benchmarks/long_generation.py [--minutes 1 10] [--out data/results/long_generation.json]

A MIDI file of the wanted length is written, performed, and played by the shipped `quartet`, each case in a fresh process on one
thread: in blocks that go to a file as they come, and in one piece. Memory is the growth of the peak resident set over what the
process had after loading the model and playing one second.
"""
import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import mido
import soundfile
import torch

from ddsp_course import generation, model, profiles, runs
from ddsp_course.pitch import fill_unvoiced
from ddsp_course.prior import LatentPrior
from parts import peak_mb


def write_score(path, minutes):
    "Quarter notes up and down a scale with a rest now and then, 120 beats a minute."
    file = mido.MidiFile()
    track = file.add_track()
    for i in range(round(120 * minutes)):
        key, wait = 67 + (0, 2, 4, 5, 7, 5, 4, 2)[i % 8], 240 * (i % 8 == 7)
        track += [mido.Message("note_on", note=key, velocity=60 + i % 40, time=wait), mido.Message("note_off", note=key, time=480 - wait)]
    file.save(path)


@torch.no_grad()
def one_piece(net, prior, profile, seed=0):
    "All controls and all samples at once, without blocks: the model's own functions."
    f0_hz, loudness = generation.resample_profile(profile, net.config.sample_rate / net.config.hop_length)
    level = net.config.statistics["loudness_db"]
    loudness = loudness.clamp(level["mean"] - 3 * level["std"], level["mean"] + 3 * level["std"])
    controls = net({"f0_hz": fill_unvoiced(f0_hz)[None], "loudness_db": loudness[None], "z": prior.sample(1, seed)})
    gate = (f0_hz > 0).float()[None, :, None]
    controls = controls._replace(amplitudes=controls.amplitudes * gate, noise_magnitudes=controls.noise_magnitudes * gate)
    return net.synthesize(controls, torch.Generator().manual_seed(seed))[0]


def play(minutes, way, folder):
    "Play `minutes` in one way; dict of seconds of sound, speed, memory and the file."
    torch.set_num_threads(1)
    run = runs.find_run("quartet")
    net, prior = model.load(run), LatentPrior.load(run / "prior.safetensors")
    sr = net.config.sample_rate
    write_score(folder / "score.mid", minutes)
    generation.generate(net, prior, profiles.from_notes([(67, 1)]))
    before, start = peak_mb(), time.process_time()
    profile, out = profiles.from_midi(folder / "score.mid"), folder / f"{way}.wav"
    if way == "blocks":
        with soundfile.SoundFile(out, "w", sr, 1, "FLOAT") as file:
            for block in generation.generate_blocks(net, prior, profile):
                file.write(block.numpy())
    else:
        soundfile.write(out, one_piece(net, prior, profile).numpy(), sr, "FLOAT")
    spent = time.process_time() - start
    return {"minutes": minutes, "way": way, "memory_mb": round(peak_mb() - before, 1), "x_real_time": round(60 * minutes / spent, 1)}


def compare(folder):
    "Largest difference of the two files, read piece by piece."
    files = [soundfile.SoundFile(folder / f"{way}.wav") for way in ("blocks", "one piece")]
    worst = 0.0
    while len(x := files[0].read(1 << 18)):
        worst = max(worst, float(abs(x - files[1].read(1 << 18)).max()))
    return worst if not len(files[1].read(1)) else float("inf")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, nargs="+", default=[1, 10])
    parser.add_argument("--out", type=Path, help="JSON file to write")
    parser.add_argument("--case", nargs=3, help=argparse.SUPPRESS)                     # one case, in a process of its own
    args = parser.parse_args()
    if args.case:
        print(json.dumps(play(float(args.case[0]), args.case[1], Path(args.case[2]))))
        return
    rows = []
    for minutes in args.minutes:
        with tempfile.TemporaryDirectory() as folder:
            for way in ("blocks", "one piece"):
                done = subprocess.run([sys.executable, __file__, "--case", str(minutes), way, folder], capture_output=True, text=True, check=True)
                rows.append(json.loads(done.stdout.splitlines()[-1]))
                print(rows[-1], flush=True)
            rows[-2]["largest_difference"] = compare(Path(folder))
            print("largest difference:", rows[-2]["largest_difference"])
    result = {"script": "benchmarks/long_generation.py", "model": "quartet", "processor": platform.machine(), "threads": 1, "torch": torch.__version__, "rows": rows}
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
