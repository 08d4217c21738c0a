"""One model for a real violin, a real alto saxophone and real voices, whose pitch ranges differ: who decides the timbre, pitch or z?

    python benchmarks/real_sources.py --audio FOLDER [--seeds 0 1 2] [--steps 600] [--out data/results/real_sources.json]

FOLDER holds the recordings (`ddsp-course data fetch` garner-bwv1002, weresax-alto, vocadito-1, sms-voices; found by name in subfolders, too;
vocadito_10 of the same data set is used where it is). About half a minute of CPU time a model. Each finished model is written at once, so a stopped run goes on.

Every held-out performance is played with the z of each other source, at its own pitch and moved to the median pitch of the other source. A second counts as
'heard as the target' when a classifier of real recordings says so. It partly hears pitch: so the distance to the target's own recordings at the same pitch
(`distance_db`, mel bands, level removed) stands beside it.
"""
import argparse
import json
import platform
import time
from pathlib import Path

import numpy as np
import soundfile
import torch
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ddsp_course import data
from ddsp_course.audio_files import read_audio
from ddsp_course.invariance import FiLMDecoder, envelope_loss, reverse_gradient
from ddsp_course.latents import classify, encode_dataset, instrument_classifier
from ddsp_course.losses import multiscale_spectral_loss
from ddsp_course.mel import log_mel
from ddsp_course.model import DDSP, configure
from ddsp_course.pitch import hz_to_midi
from ddsp_course.training import BATCH_KEYS, single_thread

SR, RATE, HOP = 16000, 100, 160
RECIPES = ("none", "pooled", "adversary", "adversary-within", "envelope", "film", "film-envelope")
# source: (pattern of the file name, seconds for training, seconds held out) from the start of each recording
PARTS = {"violin": (("*mov6*", 48, 12), ("*mov8*", 42, 12)),
         "voice": (("*vocadito_1[._]*", 13, 5), ("*vocadito_10.*", 6, 3), ("*singing-female*", 4, 2), ("*vignesh*", 2, 1))}
SAX_NOTES, SAX_PHRASES, SAX_SECONDS = "*_rr1_cnd.*", (9, 2), 10


def find(folder, pattern):
    "Audio files of that name, without the high-rate copies ('hq_...')."
    return sorted(p for p in Path(folder).rglob(pattern) if p.suffix in (".flac", ".wav", ".mp3", ".ogg") and not p.name.startswith("hq_"))


def write(path, audio):
    "Write a piece, its sounding frames brought to -23 dBFS."
    level = audio.unfold(0, 1600, 1600).square().mean(1)
    audio = audio * 0.07 / level[level > 1e-3 * level.max()].mean().sqrt()
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, audio.clamp(-1, 1).numpy(), SR)


def note_order(path):
    "Sort key of a note's file: its pitch in semitones, then its dynamic ('weresax_bb2_f_rr1_cnd': 34, 'f')."
    name, dynamic = path.stem.split("_")[-4:-2]
    letter = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}[name[0]]
    return 12 * int(name[-1]) + letter - name.count("b", 1), dynamic


def sax_phrases(files, count, name, folder, generator):
    "Melodies of single notes in small steps, each 0.5 to 1.1 s long, about one rest in ten; the starts spread over the range."
    notes, step = [read_audio(f, SR)[0] for f in files], max(1, len(files) // 10)
    for k in range(count):
        pieces, total, at = [], 0, round((k + 0.5) / count * len(notes))
        while total < SAX_SECONDS * SR:
            size = int(SR * (0.5 + 0.6 * torch.rand((), generator=generator)))
            at = min(max(at + int(torch.randint(-step, step + 1, (), generator=generator)), 0), len(notes) - 1)
            note = notes[at][:size].clone()
            note[-800:] *= torch.linspace(1, 0, 800)
            pieces += [note, torch.zeros(int(SR * 0.3) if torch.rand((), generator=generator) < 0.1 else 160)]
            total += sum(map(len, pieces[-2:]))
        write(folder / "sax" / f"sax_{name}{k}.flac", torch.cat(pieces))


def make_dataset(audio, work):
    "The three sources as a data set; notes and stretches that are held out appear nowhere in training."
    if (work / "dataset" / "dataset.json").exists():
        return data.load(work / "dataset")
    for source, parts in PARTS.items():
        for pattern, train_s, test_s in parts:
            if not (found := find(audio, pattern)):
                print(f"{source}: no file like {pattern} in {audio}, left out")
                continue
            whole, stem = read_audio(found[0], SR)[0], f"{source}_{found[0].stem}"
            write(work / "audio" / source / f"{stem}_train.flac", whole[:train_s * SR])
            write(work / "audio" / source / f"{stem}_test.flac", whole[train_s * SR:(train_s + test_s) * SR])
    notes = sorted(find(audio, SAX_NOTES), key=note_order)
    if len(notes) < 12:
        raise SystemExit(f"--audio: {len(notes)} saxophone notes like {SAX_NOTES} in {audio}; fetch weresax-alto")
    held = notes[3::7]
    generator = torch.Generator().manual_seed(0)
    sax_phrases([n for n in notes if n not in held], SAX_PHRASES[0], "train", work / "audio", generator)
    sax_phrases(held, SAX_PHRASES[1], "test", work / "audio", generator)
    return data.prepare([work / "audio"], work / "dataset", SR, RATE, "crepe-tiny", held_out="*_test*", workers=1, progress=False)


# --- the data -------------------------------------------------------------------------------------------------------------------------


def voiced_midi(dataset, source, split="train"):
    "Pitch of the voiced frames of a source, MIDI numbers."
    parts = [dataset.get(i) for i in dataset.split(split) if dataset.recordings[i].group == source]
    return torch.cat([hz_to_midi(p["f0_hz"][p["confidence"] > 0.5]) for p in parts])


def overlap(a, b):
    "Common area of two pitch histograms in semitones, 0 to 1."
    bins = np.arange(30, 110)
    a, b = (np.histogram(x, bins)[0] / len(x) for x in (a, b))
    return float(np.minimum(a, b).sum())


def context(dataset, split):
    "f0 and loudness a quarter of a second before, now and after, of every tenth voiced frame; and its source."
    x, y = [], []
    for i in dataset.split(split):
        p, n = dataset.get(i), dataset.recordings[i].n_samples // HOP
        both = torch.stack([hz_to_midi(p["f0_hz"]), p["loudness_db"]], 1)
        rows = [t for t in range(25, n - 25, 10) if p["confidence"][t] > 0.5]
        x += [both[[t - 25, t, t + 25]].flatten() for t in rows]
        y += [dataset.recordings[i].group] * len(rows)
    return torch.stack(x).numpy(), np.array(y)


def balanced(y, predicted):
    "Mean over the sources of the share that is right."
    return float(np.mean([(predicted[y == g] == g).mean() for g in np.unique(y)]))


def describe(dataset, classifier):
    "Ranges, overlaps, what f0 and loudness tell, and how good the classifier is on real recordings."
    pitch = {g: voiced_midi(dataset, g) for g in dataset.groups}
    (x, y), (x_test, y_test) = context(dataset, "train"), context(dataset, "test")
    rng = np.random.default_rng(0)
    even = np.concatenate([rng.choice(np.flatnonzero(y == g), 400) for g in dataset.groups])
    teller = make_pipeline(StandardScaler(), MLPClassifier(hidden_layer_sizes=(32, 32), max_iter=2000, random_state=0)).fit(x[even], y[even])
    heard = [(w["source"], w["label"]) for w in windows_of(dataset, classifier)]
    real = np.array([a for a, _ in heard]), np.array([b for _, b in heard])
    quantiles = {g: [round(float(q), 1) for q in torch.quantile(p, torch.tensor([0.05, 0.5, 0.95]))] for g, p in pitch.items()}
    seconds = {s: {g: round(sum(dataset.recordings[i].n_samples for i in dataset.split(s) if dataset.recordings[i].group == g) / SR, 1) for g in pitch} for s in ("train", "test")}
    return {"seconds": seconds, "midi_5_50_95": quantiles, "overlap": {f"{a}-{b}": round(overlap(pitch[a], pitch[b]), 3) for a in pitch for b in pitch if a < b},
            "told_by_f0_and_loudness": round(balanced(y_test, teller.predict(x_test)), 3), "classifier_on_real": round(balanced(*real), 3), "chance": round(1 / len(pitch), 3)}


# --- training -------------------------------------------------------------------------------------------------------------------------


def load_training(dataset):
    "Source -> list of recordings as dicts of arrays (short of memory? three minutes of sound are 20 MB)."
    return {g: [dataset.get(i) for i in dataset.split("train") if dataset.recordings[i].group == g] for g in dataset.groups}


def draw(recordings, batch_size, n_frames, generator):
    "Crops from sources with equal chances, in turn; and the number of the source of each [B]."
    crops, which, names = [], [], list(recordings)
    first = int(torch.randint(len(names), (), generator=generator))
    for k in range(batch_size):
        source = (first + k) % len(names)
        parts = [p for p in recordings[names[source]] if len(p["f0_hz"]) > n_frames + 1]
        p = parts[int(torch.multinomial(torch.tensor([float(len(p["f0_hz"])) for p in parts]), 1, generator=generator))]
        t = int(torch.randint(len(p["f0_hz"]) - n_frames - 1, (), generator=generator))
        crops.append({k: p[k][t * HOP:(t + n_frames) * HOP] if k == "audio" else p[k][t:t + n_frames] for k in BATCH_KEYS})
        which.append(source)
    return {k: torch.stack([c[k] for c in crops]) for k in BATCH_KEYS}, torch.tensor(which)


class Adversary(torch.nn.Module):
    "Predicts mean pitch and loudness of a crop from its z; with `within`, their deviation from the source's own mean."

    def __init__(self, recordings, z_dims, within):
        super().__init__()
        self.net = torch.nn.Sequential(torch.nn.Linear(z_dims, 64), torch.nn.ReLU(), torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 2))
        per_source = [torch.cat([torch.stack([hz_to_midi(p["f0_hz"]), p["loudness_db"]], 1) for p in parts]) for parts in recordings.values()]
        means = torch.stack([s.mean(0) for s in per_source])
        self.means = means if within else means.mean(0).expand_as(means)
        self.scale = torch.stack([(s - m).square().mean(0) for s, m in zip(per_source, self.means)]).mean(0).sqrt()

    def forward(self, z, batch, which, weight):
        target = torch.stack([hz_to_midi(batch["f0_hz"]).mean(1), batch["loudness_db"].mean(1)], 1)
        return (self.net(reverse_gradient(z, weight)) - (target - self.means[which]) / self.scale).square().mean()


def build(dataset, recipe, seed):
    "The model of a recipe."
    torch.manual_seed(seed)
    config = configure(dataset, z=recipe != "none")
    net = DDSP(config)
    if "film" in recipe:
        net.decoder = FiLMDecoder(config)
    return net


def train(dataset, recordings, recipe, seed, steps, batch_size=4, n_frames=100, adversary_weight=1.0, envelope_weight=1.0):
    "A trained model; its loss is the spectral one plus what the recipe adds."
    net, generator = build(dataset, recipe, seed), torch.Generator().manual_seed(seed)
    adversary = Adversary(recordings, net.config.z_dims, recipe.endswith("within")) if "adversary" in recipe else None
    groups = [{"params": net.parameters(), "lr": 1e-3}] + ([{"params": adversary.parameters(), "lr": 3e-3}] if adversary else [])
    optimizer = torch.optim.Adam(groups)
    for step in range(steps):
        batch, which = draw(recordings, batch_size, n_frames, generator)
        controls = net(batch)
        loss = multiscale_spectral_loss(net.synthesize(controls, generator), batch["audio"])
        if adversary:
            loss = loss + adversary(controls.z, batch, which, adversary_weight * min(1.0, 3 * step / steps))
        if "envelope" in recipe:                                         # the same z at another crop's pitch and loudness
            f0_hz, loudness_db = batch["f0_hz"].roll(1, 0), batch["loudness_db"].roll(1, 0)
            loss = loss + envelope_weight * envelope_loss(controls, net.decoder(f0_hz, loudness_db, controls.z), batch["loudness_db"], loudness_db, SR)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 3.0)
        optimizer.step()
        for settings, start in zip(optimizer.param_groups, (1e-3, 3e-3)):
            settings["lr"] = start * 0.1 ** (step / steps)
    return net.eval()


# --- measures -------------------------------------------------------------------------------------------------------------------------


def colour(audio):
    "Mean log-mel spectrum [64] in dB, at most 50 dB below its peak, its level removed."
    mel = 10 / np.log(10) * log_mel(audio, SR, n_fft=1024, hop_length=256, n_mels=64).mean(1)
    mel = mel.clamp(min=float(mel.max()) - 50)
    return mel - mel.mean()


def rms(a):
    return float(a.square().mean().sqrt())


def seconds_of(features, midi=None):
    "(start in frames, mean pitch) of each second of a performance that is voiced for at least half its length."
    midi = hz_to_midi(features["f0_hz"]) if midi is None else midi
    for t in range(0, len(midi) - RATE + 1, RATE):
        voiced = features["confidence"][t:t + RATE] > 0.5
        if voiced.float().mean() >= 0.5:
            yield t, float(midi[t:t + RATE][voiced].mean())


def windows_of(dataset, classifier, split="test"):
    "Every voiced second of the real recordings: source, pitch, colour and what the classifier hears."
    found = []
    for i in dataset.split(split):
        p = dataset.get(i)
        for t, midi in seconds_of(p):
            audio = p["audio"][t * HOP:(t + RATE) * HOP]
            found.append({"source": dataset.recordings[i].group, "midi": midi, "colour": colour(audio), "label": classify(classifier, audio, SR)[0]})
    return found


def reference(real, source, midi, reach=2.0):
    "Mean colour of the source's training seconds within `reach` semitones; None where it has fewer than three."
    near = [w["colour"] for w in real if w["source"] == source and abs(w["midi"] - midi) <= reach]
    return torch.stack(near).mean(0) if len(near) >= 3 else None


@torch.no_grad()
def render(net, features, f0_hz, z, seed=0):
    batch = {"f0_hz": f0_hz[None], "loudness_db": features["loudness_db"][None]} | ({} if z is None else {"z": z[None]})
    return net.synthesize(net(batch), torch.Generator().manual_seed(seed))[0]


def played(net, dataset, i, target, median, z_of, draws, generator):
    "(pitch, z, sound, f0) of recording i for both pitches and both z."
    p, own = dataset.get(i), dataset.recordings[i].group
    shift = 2 ** ((median[target] - median[own]) / 12)
    for pitch, f0_hz in (("own", p["f0_hz"]), ("target", p["f0_hz"] * shift)):
        if z_of is None:
            yield pitch, "none", render(net, p, f0_hz, None), f0_hz
            continue
        for which, pool in (("own", z_of[own]), ("target", z_of[target])):
            for k in torch.randint(len(pool), (draws,), generator=generator).tolist():
                yield pitch, which, render(net, p, f0_hz, pool[k]), f0_hz


def swaps(net, dataset, classifier, real, median, span, draws=2, seed=0):
    "A row for every second of every swap: who, pitch, z, heard as the target?, in the target's range?, distances in dB."
    latents = encode_dataset(net, dataset) if net.encoder is not None else None
    z_of = None if latents is None else {g: latents.z[[k for k, s in enumerate(latents.groups) if s == g]] for g in dataset.groups}
    generator, rows = torch.Generator().manual_seed(seed), []
    for i in dataset.split("test"):
        own, p = dataset.recordings[i].group, dataset.get(i)
        for target in sorted(set(dataset.groups) - {own}):
            before = {}
            for pitch, which, audio, f0_hz in played(net, dataset, i, target, median, z_of, draws, generator):
                for t, midi in seconds_of(p, hz_to_midi(f0_hz)):
                    sound = audio[t * HOP:(t + RATE) * HOP]
                    now, goal = colour(sound), reference(real, target, midi)
                    if which == "own":
                        before[pitch, t] = now
                    rows.append({"source": own, "target": target, "pitch": pitch, "z": which, "hit": classify(classifier, sound, SR)[0] == target,
                                 "inside": span[target][0] <= midi <= span[target][1], "distance_db": None if goal is None else rms(now - goal),
                                 "moved_db": rms(now - before[pitch, t]) if which == "target" else None})
    return rows


def mean(rows, name):
    values = [r[name] for r in rows if r[name] is not None]
    return {"mean": round(float(np.mean(values)), 3), "n": len(values)} if values else None


def summarise(rows):
    "Pair, pitch and z -> share heard as the target (all, inside and outside the target's range), distance, change."
    table = {}
    for key in sorted({(r["source"], r["target"], r["pitch"], r["z"]) for r in rows}):
        here = [r for r in rows if (r["source"], r["target"], r["pitch"], r["z"]) == key]
        table["|".join(key)] = {"hit": mean(here, "hit"), "hit_inside": mean([r for r in here if r["inside"]], "hit"), "hit_outside": mean([r for r in here if not r["inside"]], "hit"),
                                "distance_db": mean(here, "distance_db"), "moved_db": mean(here, "moved_db")}
    return table


def r2(x, z, groups):
    "R2 of z from x, a straight line, cross-validated over groups of crops."
    predicted = cross_val_predict(make_pipeline(StandardScaler(), LinearRegression()), x, z, groups=groups, cv=GroupKFold(min(5, len(set(groups)))))
    return round(float(1 - ((z - predicted) ** 2).sum() / ((z - z.mean(0)) ** 2).sum()), 3)


def leak(net, dataset):
    "What z has of pitch and loudness, over all crops and around each source's own means; and its share between sources."
    if net.encoder is None:
        return None
    latents = encode_dataset(net, dataset, seconds=1.0)
    x, z, source = torch.stack([latents.f0_midi, latents.loudness_db], 1).numpy(), latents.z.numpy(), np.array(latents.groups)
    inner_x, inner_z = x.copy(), z.copy()
    for g in dataset.groups:
        inner_x[source == g] -= x[source == g].mean(0)
        inner_z[source == g] -= z[source == g].mean(0)
    phrases = np.array(latents.phrases(4.0))
    return {"r2_all": r2(x, z, phrases), "r2_within": r2(inner_x, inner_z, phrases), "between_share": round(float(1 - (inner_z ** 2).sum() / ((z - z.mean(0)) ** 2).sum()), 3)}


@torch.no_grad()
def held_out(net, dataset):
    "Multi-scale loss of the held-out recordings, mean of each source."
    losses = {}
    for i in dataset.split("test"):
        p = dataset.get(i)
        n = len(p["f0_hz"]) // RATE * RATE
        batch = {k: p[k][:n].reshape(-1, RATE, *p[k].shape[1:]) for k in ("f0_hz", "loudness_db", "mfcc")}
        audio = torch.nn.functional.pad(p["audio"], (0, max(0, n * HOP - len(p["audio"]))))[:n * HOP].reshape(-1, RATE * HOP)
        sound = net.synthesize(net(batch), torch.Generator().manual_seed(0))
        losses.setdefault(dataset.recordings[i].group, []).extend(float(multiscale_spectral_loss(a, b)) for a, b in zip(sound, audio))
    return {g: round(float(np.mean(v)), 3) for g, v in losses.items()}


def yardsticks(real, held):
    "Distances of real held-out seconds of one source to the reference of another at the same pitch (dB): how far apart they are."
    table = {}
    for a in sorted({w["source"] for w in real}):
        for b in sorted({w["source"] for w in real}):
            found = [rms(w["colour"] - goal) for w in held if w["source"] == a and (goal := reference(real, b, w["midi"])) is not None]
            table[f"{a}|{b}"] = {"mean": round(float(np.mean(found)), 2), "n": len(found)} if found else None
    return table


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audio", required=True, help="folder of the recordings")
    parser.add_argument("--work", default="real_sources", help="folder for the prepared data set (default: real_sources)")
    parser.add_argument("--out", default="data/results/real_sources.json", help="result, continued if it exists")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--recipes", nargs="+", default=list(RECIPES), choices=RECIPES)
    return parser.parse_args()


@single_thread()
def main():
    args = parse()
    out = Path(args.out)
    result = json.loads(out.read_text()) if out.exists() else {"settings": {}, "models": []}
    if result["settings"].get("steps", args.steps) != args.steps:
        raise SystemExit(f"--steps: {out} has models of {result['settings']['steps']} steps; choose another --out")
    start = time.process_time()
    dataset = make_dataset(args.audio, Path(args.work))
    classifier = instrument_classifier(dataset)
    real, held = windows_of(dataset, classifier, "train"), windows_of(dataset, classifier)
    result["data"] = describe(dataset, classifier) | {"distance_of_real_db": yardsticks(real, held)}
    result["settings"] = {"steps": args.steps, "batch": "4 crops of 1 s, sources in turn", "frame_rate": RATE, "z_dims": 6, "added_losses": "weight 1, the adversary's rising to it in a third of the steps", "device": "CPU, one thread", "processor": platform.machine(), "torch": torch.__version__}
    print(f"data {time.process_time() - start:.0f} CPU s", json.dumps(result["data"]), flush=True)
    spans = result["data"]["midi_5_50_95"]
    median, span = {g: q[1] for g, q in spans.items()}, {g: (q[0], q[2]) for g, q in spans.items()}
    recordings = load_training(dataset)
    for seed in args.seeds:
        for recipe in args.recipes:
            if any(m["recipe"] == recipe and m["seed"] == seed for m in result["models"]):
                continue
            start = time.process_time()
            net = train(dataset, recordings, recipe, seed, args.steps)
            spent = time.process_time() - start
            table = summarise(swaps(net, dataset, classifier, real, median, span, seed=seed))
            result["models"].append({"recipe": recipe, "seed": seed, "train_cpu_s": round(spent, 1), "held_out_loss": held_out(net, dataset), "leak": leak(net, dataset), "swaps": table})
            out.parent.mkdir(parents=True, exist_ok=True)
            out.write_text(json.dumps(result))
            print(f"{recipe} {seed}: {spent:.0f} + {time.process_time() - start - spent:.0f} CPU s", flush=True)


if __name__ == "__main__":
    main()
