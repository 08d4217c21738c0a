"""What the agreement of two pitch trackers is worth as a quality flag: on made-up melodies, and on an annotated recording.

    python benchmarks/f0_agreement.py --recording ../shared/audio/voice/vocadito_1_part1.flac ../shared/audio/f0_ground_truth/vocadito_1_part1.f0.csv

White noise is added; its level is that of the pitched part less the signal-to-noise ratio. 100 frames a second. Each finished row is
kept in data/results/f0_agreement.json, and a second call goes on from there. About 1 minute of processor time.
"""
import argparse
import json
import math
import platform
from pathlib import Path

import numpy as np
import torch

from ddsp_course.audio_files import read_audio
from ddsp_course.pitch import estimate_f0
from ddsp_course.validation import flag_report, trusted_frames
from pitch_noise import melody

SR, RATE, SNRS_DB = 16000, 100, (None, 20, 10, 0)
OUT = Path(__file__).resolve().parents[1] / "data" / "results" / "f0_agreement.json"


def row(sounds, snr_db):
    "flag_report over all sounds [(audio, truth)] together, with noise."
    parts = []
    for seed, (audio, truth) in enumerate(sounds):
        if snr_db is not None:
            pitched = audio[(truth > 0).repeat_interleave(SR // RATE)[:len(audio)]]
            noise = torch.randn(len(audio), generator=torch.Generator().manual_seed(seed))
            audio = audio + noise * pitched.square().mean().sqrt() * 10 ** (-snr_db / 20)
        crepe, pyin = (estimate_f0(audio, SR, RATE, method).f0_hz for method in ("crepe-tiny", "pyin"))
        parts.append((crepe, truth, trusted_frames(crepe, pyin)))
    report = flag_report(*(torch.cat(tensors) for tensors in zip(*parts)))
    return {"snr_db": snr_db, **{key: None if value is None else round(value, 4) for key, value in report.items()}}


def annotated(audio_path, annotation_path):
    audio, _ = read_audio(audio_path, SR)
    times, f0 = np.loadtxt(annotation_path, delimiter=",", skiprows=1).T
    frames = np.arange(math.ceil(len(audio) * RATE / SR)) / RATE
    nearest = np.abs(times[None] - frames[:, None]).argmin(1)
    return audio, torch.from_numpy(np.where(frames <= times[-1], f0[nearest], 0.0)).float()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=8, help="number of melodies (default 8)")
    parser.add_argument("--recording", nargs=2, metavar=("AUDIO", "ANNOTATION"), help="sound file, and a CSV file with time_s and f0_hz")
    options = parser.parse_args()
    settings = {"melodies": options.seeds, "frames a second": RATE, "trackers": "crepe-tiny, pyin", "tolerance": "50 cents", "processor": platform.machine()}
    stored = json.loads(OUT.read_text()) if OUT.is_file() else {}
    results = stored["results"] if stored.get("settings") == settings else {}
    sets = {"melodies": [melody(seed) for seed in range(options.seeds)]} | ({"singer": [annotated(*options.recording)]} if options.recording else {})
    for name, sounds in sets.items():
        for snr_db in SNRS_DB[len(results.setdefault(name, [])):]:
            results[name].append(row(sounds, snr_db))
            print(name, results[name][-1])
            OUT.parent.mkdir(parents=True, exist_ok=True)
            OUT.write_text(json.dumps({"settings": settings, "results": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
