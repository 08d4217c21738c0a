"""Pitch learnt with the rest of the autoencoder: five ways, on the bundled violin recordings.

    python benchmarks/unsupervised_pitch.py                        # all rows, about 12 CPU minutes; goes on where it was stopped
    python benchmarks/unsupervised_pitch.py --rows joint --seeds 1 --steps 50 --out try.json

Rows: `given` (f0 from CREPE), `joint` (encoder and model from scratch on the spectral loss), `joint-crepe` (with 0.1 times the
distance of CREPE activations), `joint-transport` (with the transport distance of the spectra), `pretrained` (encoder
from synthetic tones, no recording) and, from that encoder, `pretrained-joint`; beside them `constant`, the median training pitch.
"""
import argparse
import json
import platform
import time
from pathlib import Path

import numpy as np
import soundfile
import torch

from ddsp_course import metrics, model, runs
from ddsp_course.features import extract_features
from ddsp_course.harmonic import tone
from ddsp_course.pitch import hz_to_midi, midi_to_hz
from ddsp_course.pitch_encoder import PitchEncoder, crepe_distance, pitch_errors, pretrain, spectral_transport, train_jointly
from ddsp_course.recordings import data_dir
from ddsp_course.storage import write_atomically

ROWS = ("given", "joint", "joint-crepe", "joint-transport", "pretrained", "pretrained-joint")
REACH = 4                                     # bins either side of the peak, for the local reading
CREPE_WEIGHT, HZ = 0.1, 200.0                 # weight of the CREPE distance; transport that costs as much as a loss of 1
RATES = {"scratch": 1e-3, "pretrained": 1e-4}
GLIDE_MIDI = (40.0, 90.0)


def extra_loss(row, sr):
    "The further loss of a row, or None."
    if row == "joint-crepe":
        return lambda y, x, generator: CREPE_WEIGHT * crepe_distance(y, x, generator)
    if row == "joint-transport":
        return lambda y, x, generator: spectral_transport(y, x, sr) / HZ
    return None


def mean_errors(rows):
    "Mean of each measure over recordings; None where no recording has it."
    values = {key: [row[key] for row in rows if np.isfinite(row[key])] for key in rows[0]}
    return {key: round(float(np.mean(v)), 5) if v else None for key, v in values.items()}


@torch.no_grad()
def judge_curves(encoder, dataset, reach):
    "Mean errors of the encoder's curves on the held-out recordings, and the curves."
    curves, rows = {}, []
    for i in dataset.split("test"):
        x = dataset.get(i)
        f0_hz = encoder.f0_hz(x["audio"][None], reach)[0]
        rows.append(pitch_errors(x["f0_hz"], f0_hz, x["confidence"] >= 0.85, dataset.frame_rate))
        curves[dataset.recordings[i].name] = f0_hz
    return mean_errors(rows), curves


@torch.no_grad()
def judge_resynthesis(net, dataset, curves=None):
    "Mean errors of the pitch that CREPE hears in the resynthesis, and the multi-scale loss."
    rows = []
    for i in dataset.split("test"):
        x = dataset.get(i)
        parts = metrics.resynthesize(net, {**x, "f0_hz": curves[dataset.recordings[i].name]} if curves else x)
        heard = extract_features(parts["wet"], dataset.sample_rate, dataset.frame_rate, "crepe-tiny")
        errors = pitch_errors(x["f0_hz"], heard["f0_hz"], x["confidence"] >= 0.85, dataset.frame_rate)
        loss = float(metrics.multiscale_spectral_loss(parts["wet"], x["audio"]))
        harmonic, noise = (float(parts[name].square().mean()) for name in ("harmonic", "noise"))
        rows.append({**errors, "multiscale_loss": loss, "harmonic_to_noise_db": 10 * np.log10(harmonic / noise)})
    return mean_errors(rows)


@torch.no_grad()
def pictures(encoder, dataset, curves):
    "Numbers to draw: MIDI of a phrase and its reference, points of all recordings, and what the encoder says over a glide."
    phrase = slice(200, 600, 2)
    names = {dataset.recordings[i].name: dataset.get(i) for i in dataset.split("test")}
    points = [(a, b) for name, x in names.items() for a, b, c in zip(hz_to_midi(x["f0_hz"]), hz_to_midi(curves[name]), x["confidence"]) if c >= 0.85]
    glide = torch.linspace(*GLIDE_MIDI, 400)
    audio = tone(midi_to_hz(glide), 0.1 / torch.arange(1.0, 9), dataset.sample_rate, dataset.hop_length)
    rounded = lambda values: [round(float(v), 2) for v in values]
    return {"phrase_reference": rounded(hz_to_midi(names["violin_common"]["f0_hz"])[phrase]), "phrase": rounded(hz_to_midi(curves["violin_common"])[phrase]),
            "points": [rounded(p) for p in points[::24]], "glide": rounded(hz_to_midi(encoder.f0_hz(audio[None])[0])[::4])}


@torch.no_grad()
def judge_voice(encoder, recording, truth, reach):
    "Errors on a recording with an annotated f0 (CSV: seconds, Hz)."
    audio, sr = soundfile.read(recording, dtype="float32")
    f0_hz = encoder.f0_hz(torch.from_numpy(audio)[None], reach)[0]
    times, annotated = np.loadtxt(truth, delimiter=",", skiprows=1).T
    nearest = np.abs(times[None] - np.arange(len(f0_hz))[:, None] * encoder.hop_length / sr).argmin(1)
    reference = torch.from_numpy(annotated[nearest]).float()
    return mean_errors([pitch_errors(reference, f0_hz, reference > 0, sr / encoder.hop_length)])


def describe(row, seed, dataset, net, encoder, losses, cpu_s, voice):
    "Entry of the table for a trained encoder or model."
    entry = {"row": row, "seed": seed, "cpu_s": round(cpu_s, 1), "losses": [round(float(np.mean(part)), 3) for part in np.array_split(losses, 30)]}
    curves = None
    if encoder is not None:
        entry["curve"], curves = judge_curves(encoder, dataset, None)
        entry["curve_local"], _ = judge_curves(encoder, dataset, REACH)
        if voice:
            entry["voice"], entry["voice_local"] = (judge_voice(encoder, *voice, reach) for reach in (None, REACH))
        if seed == 0:
            entry["pictures"] = pictures(encoder, dataset, curves)
    if net is not None:
        entry["resynthesis"] = judge_resynthesis(net, dataset, curves)
    return entry


def judge_constant(dataset):
    "Entry for an 'encoder' that always says the median training pitch: what knowing nothing costs."
    train = [dataset.get(i) for i in dataset.split("train")]
    median = torch.cat([x["f0_hz"][x["confidence"] >= 0.85] for x in train]).median()
    rows = [pitch_errors(x["f0_hz"], median.expand_as(x["f0_hz"]), x["confidence"] >= 0.85, dataset.frame_rate) for x in map(dataset.get, dataset.split("test"))]
    return {"row": "constant", "seed": 0, "median_midi": round(float(hz_to_midi(median)), 2), "curve": mean_errors(rows)}


def timed(function, *args, **kwargs):
    "Result and CPU seconds."
    start = time.process_time()
    return function(*args, **kwargs), time.process_time() - start


def run(row, seed, dataset, steps, pretrain_steps, voice):
    "Entry of one row and seed."
    torch.manual_seed(seed)
    encoder, net = None if row == "given" else PitchEncoder(dataset.sample_rate, dataset.hop_length), None
    if row.startswith("pretrained"):
        losses, cpu_s = timed(pretrain, encoder, pretrain_steps, seed=seed)
    if row != "pretrained":
        net = model.DDSP(model.configure(dataset, z=False))
        rate = RATES["pretrained" if row == "pretrained-joint" else "scratch"]
        losses, cpu_s = timed(train_jointly, dataset, net, encoder, steps, encoder_rate=rate, extra=extra_loss(row, dataset.sample_rate), seed=seed)
        net.eval()
    return describe(row, seed, dataset, net, encoder, losses, cpu_s, voice)


def add(out, settings, entries):
    "Entries into the table, which another process may be writing, too."
    table = json.loads(out.read_text(encoding="utf-8")) if out.exists() else {"settings": settings, "rows": []}
    if table["settings"] != settings:
        raise SystemExit(f"{out} was made with other settings: remove it, or choose another --out")
    known = {(entry["row"], entry["seed"]): entry for entry in [*entries, *table["rows"]]}
    table["rows"] = [known[key] for key in sorted(known)]
    out.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(out, lambda file: file.write_text(json.dumps(table), encoding="utf-8"))
    return set(known)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=ROWS)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--steps", type=int, default=600, help="of training with recordings")
    parser.add_argument("--pretrain-steps", type=int, default=700)
    parser.add_argument("--voice", nargs=2, type=Path, metavar=("AUDIO", "F0_CSV"), help="a 16 kHz recording with annotated f0")
    parser.add_argument("--out", type=Path, default=data_dir() / "results" / "unsupervised_pitch.json")
    args = parser.parse_args()
    dataset = runs.bundled_dataset("violin")
    settings = {"data": "bundled violin", "train_seconds": round(sum(dataset.recordings[i].n_samples for i in dataset.split("train")) / dataset.sample_rate),
                "held_out": [dataset.recordings[i].name for i in dataset.split("test")], "sample_rate": dataset.sample_rate, "frame_rate": dataset.frame_rate,
                "steps": args.steps, "batch": "4 crops of 1 s", "learning_rate": 3e-3, "encoder_rates": RATES, "crepe_weight": CREPE_WEIGHT,
                "transport_hz": HZ, "pretrain_steps": args.pretrain_steps, "pretrain_batch": "32 tones of 0.2 s", "reach_bins": REACH,
                "glide_midi": GLIDE_MIDI, "voice": args.voice[0].stem if args.voice else None, "processor": platform.machine(), "torch": torch.__version__}
    settings = json.loads(json.dumps(settings))
    done = add(args.out, settings, [])
    if ("constant", 0) not in done:
        done = add(args.out, settings, [judge_constant(dataset)])
    for seed in range(args.seeds):
        for row in args.rows:
            if (row, seed) not in done:
                done = add(args.out, settings, [run(row, seed, dataset, args.steps, args.pretrain_steps, args.voice)])
                print(row, "seed", seed, "done", flush=True)


if __name__ == "__main__":
    main()
