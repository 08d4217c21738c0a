"""Picture and sounds of the README, from a finished demo run.

    ddsp-course demo --out demo
    python benchmarks/readme_media.py demo nbs/media
"""
import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import soundfile
import torch

from ddsp_course import data, display, metrics, model
from ddsp_course.stft import spectrogram, to_db


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("demo", type=Path, help="folder of the demo")
    parser.add_argument("out", type=Path, help="folder for result.png and the MP3 files")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    net, dataset = model.load(args.demo / "run"), data.load(args.demo / "dataset")
    index = dataset.split("test")[0]
    features, sr = dataset.get(index), dataset.sample_rate
    melodies = sorted((args.demo / "melodies").glob("*.wav"))
    sounds = {
        f"held-out recording: {dataset.recordings[index].name}": features["audio"],
        "its resynthesis by the model": metrics.resynthesize(net, features)["wet"],
        f"new: {melodies[0].stem.replace('_', ' ')}": torch.from_numpy(soundfile.read(melodies[0], dtype="float32")[0]),
        f"new: {melodies[-1].stem.replace('_', ' ')}": torch.from_numpy(soundfile.read(melodies[-1], dtype="float32")[0]),
    }
    fig, axes = plt.subplots(2, 2, figsize=(10, 5), sharex=True, sharey=True)
    for ax, (title, audio) in zip(axes.flat, sounds.items()):
        audio = audio[: 8 * sr]
        level = to_db(spectrogram(audio, 1024, 128) / 256)
        display.plot_spectrogram(level, (0, len(audio) / sr), (0, sr / 2), ax=ax, title=title, vmin=float(level.max()) - 70, vmax=float(level.max()))
        ax.label_outer()
    fig.tight_layout()
    fig.savefig(args.out / "result.png", dpi=80)
    for name, audio in zip(("recording", "resynthesis"), list(sounds.values())[:2]):
        soundfile.write(args.out / f"{name}.mp3", audio[: 8 * sr].clamp(-1, 1).numpy(), sr, format="MP3")
    for path in melodies:
        soundfile.write(args.out / f"melody_{path.stem.split('_')[-1]}.mp3", soundfile.read(path)[0], sr, format="MP3")


if __name__ == "__main__":
    main()
