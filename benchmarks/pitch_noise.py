"""How right and how sure the pitch trackers are in noise: on made-up melodies of exactly known f0, and on an annotated recording.

    python benchmarks/pitch_noise.py
    python benchmarks/pitch_noise.py --recording ../shared/audio/voice/vocadito_1_part1.flac ../shared/audio/f0_ground_truth/vocadito_1_part1.f0.csv

White noise is added; its level is that of the pitched part less the signal-to-noise ratio. 100 frames a second. With a recording
two tables follow: the scores as for the melodies, and what other rules for voicing and for reading the network would do.
"""
import argparse
import json
from pathlib import Path
from statistics import mean, stdev

import librosa
import numpy as np
import soundfile
import torch

from ddsp_course import pitch
from ddsp_course.metrics import raw_pitch_accuracy
from ddsp_course.pitch import cents, estimate_f0
from ddsp_course.stft import frame

SR, RATE, METHODS, SNRS_DB = 16000, 100, ("pyin", "crepe-tiny", "crepe"), (None, 20, 10, 0)
TIMBRES = ({k: 1 / k for k in range(1, 9)}, {3: 1, 4: 1, 5: 1}, {1: 1, 3: 0.6, 5: 0.3, 7: 0.15}, {1: 1, 2: 0.3})
SCORES = ("accuracy", "recall", "false_alarm", "octave_errors", "confidence", "confidence_in_rests")


def melody(seed, n_notes=8):
    "Notes of 0.4 s from 80 to 1200 Hz with vibrato, in four timbres at the same level, and rests of 0.2 s: audio [T], f0 of each frame [F]."
    generator, t = torch.Generator().manual_seed(seed), torch.arange(int(0.4 * SR), dtype=torch.float64) / SR
    rest, audio, f0_hz = torch.zeros(int(0.2 * SR), dtype=torch.float64), [], []
    fade = ((t / 0.005).clamp(max=1) * ((0.4 - t) / 0.005).clamp(max=1)).sqrt()
    for i in range(n_notes):
        f = 80 * 15 ** torch.rand(1, generator=generator, dtype=torch.float64) * 2 ** (torch.sin(2 * torch.pi * 5.5 * t) / 24)
        phase = 2 * torch.pi * torch.cumsum(f / SR, 0)
        note = sum(a * torch.sin(k * phase) for k, a in TIMBRES[i % 4].items() if k * f.max() < SR / 2)
        audio += [0.1 * fade * note / note.square().mean().sqrt(), rest]
        f0_hz += [f, rest]
    return torch.cat(audio).float(), torch.cat(f0_hz)[:: SR // RATE].float()


def annotated(recording, annotation):
    "A recording and its annotated f0 (time_s, f0_hz; 0 = unvoiced), the nearest one for each frame."
    audio, sr = soundfile.read(recording, dtype="float32")
    times, f0_hz = np.loadtxt(annotation, delimiter=",", skiprows=1).T
    frames = np.arange(-(-len(audio) * RATE // sr)) / RATE
    nearest = np.abs(times[None] - frames[:, None]).argmin(1)
    return torch.as_tensor(audio), sr, torch.as_tensor(f0_hz[nearest]).float()


def add_noise(audio, sr, truth_hz, snr_db, seed):
    "Audio with white noise snr_db below its voiced part (None: as it is)."
    if snr_db is None:
        return audio
    voiced = (truth_hz > 0).repeat_interleave(sr // RATE)[:len(audio)]
    level = audio[:len(voiced)][voiced].square().mean().sqrt() * 10 ** (-snr_db / 20)
    return audio + level * torch.randn(len(audio), generator=torch.Generator().manual_seed(1000 + seed))


def scores(truth_hz, f0_hz, confidence):
    "The measures of `SCORES` for one track."
    sung, found, error = truth_hz > 0, f0_hz > 0, cents(f0_hz, truth_hz).abs()
    return dict(accuracy=raw_pitch_accuracy(truth_hz, f0_hz), recall=float(found[sung].float().mean()),
                false_alarm=float(found[~sung].float().mean()), octave_errors=float((error[sung] > 600).float().mean()),
                confidence=float(confidence[sung].mean()), confidence_in_rests=float(confidence[~sung].mean()))


def measure(sounds):
    "Scores of each method at each signal-to-noise ratio; sounds: list of (audio, sr, truth_hz)."
    rows = []
    for snr_db in SNRS_DB:
        for method in METHODS:
            found = []
            for seed, (audio, sr, truth_hz) in enumerate(sounds):
                track = estimate_f0(add_noise(audio, sr, truth_hz, snr_db, seed), sr, RATE, method)
                found.append(scores(truth_hz, track.f0_hz, track.confidence))
            row = {name: mean(s[name] for s in found) for name in SCORES}
            error = 1.96 * stdev(s["accuracy"] for s in found) / len(found) ** 0.5 if len(found) > 2 else None
            rows.append(dict(snr_db=snr_db, method=method, sounds=len(found), **row, accuracy_ci95=error))
    return rows


@torch.no_grad()
def variants(audio, sr, truth_hz):
    "CREPE tiny read in other ways: three thresholds of confidence, and the most probable path instead of the highest output."
    audio = pitch.resample(audio, sr, SR)
    activations = torch.cat([pitch.crepe_activations(part) for part in frame(audio, 1024, SR // RATE).split(64)])[:len(truth_hz)]
    loud = pitch._loud_enough(audio, SR, len(truth_hz), SR // RATE)
    f0_hz, confidence = pitch._decode(activations, 50, 2000)
    rows = [dict(rule=f"confidence at least {t}", **scores(truth_hz, f0_hz * ((confidence >= t) & loud), confidence)) for t in (0.3, 0.5, 0.7)]
    step = np.maximum(0, 12 - np.abs(np.subtract.outer(np.arange(360), np.arange(360)))).astype(float)      # at most 240 cents a frame
    path = librosa.sequence.viterbi((activations / activations.sum(1, keepdim=True)).T.numpy(), step / step.sum(1, keepdims=True))
    near = (torch.arange(360) - torch.as_tensor(path.astype(int))[:, None]).abs() <= 4
    along = pitch._decode(activations * near, 50, 2000)[0]
    return [*rows, dict(rule="at least 0.5, along a path", **scores(truth_hz, along * ((confidence >= 0.5) & loud), confidence))]


def show(rows, first):
    "Print a table."
    print(f'{first:28s}{"within 50 c":>14s}{"recall":>8s}{"false al.":>10s}{"octave":>8s}{"confidence":>11s}{"in rests":>9s}')
    for row in rows:
        name = row.get("rule") or f'{"no noise added" if row["snr_db"] is None else str(row["snr_db"]) + " dB":15s} {row["method"]}'
        half = f' ±{100 * row["accuracy_ci95"]:4.1f}' if row.get("accuracy_ci95") is not None else " " * 6
        print(f'{name:28s}{100 * row["accuracy"]:6.1f}{half} %{100 * row["recall"]:6.1f} %{100 * row["false_alarm"]:8.1f} %'
              f'{100 * row["octave_errors"]:6.1f} %{row["confidence"]:11.2f}{row["confidence_in_rests"]:9.2f}')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=8, help="melodies")
    parser.add_argument("--recording", type=Path, nargs=2, metavar=("AUDIO", "ANNOTATION"))
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    result = {"melodies": measure([(audio, SR, f0_hz) for audio, f0_hz in map(melody, range(args.seeds))])}
    if args.recording:
        sound = annotated(*args.recording)
        result["recording"], result["variants"] = measure([sound]), variants(*sound)
    if args.json:
        print(json.dumps(result, indent=1))
        return
    show(result["melodies"], f"{args.seeds} melodies of known f0")
    if args.recording:
        print()
        show(result["recording"], args.recording[0].name[:27])
        print()
        show(result["variants"], "crepe-tiny, other rules")


if __name__ == "__main__":
    main()
