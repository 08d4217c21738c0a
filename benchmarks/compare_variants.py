"""One table for all variants: same data, same steps, several seeds, held-out recordings.

    python benchmarks/compare_variants.py violin --work WORK         the bundled violin, sizes included
    python benchmarks/compare_variants.py real_violin --work WORK    a real violin in a reverberant room

The real recordings are those of `ddsp-course data fetch`: violin_train/ in the folder of the environment variable DDSP_COURSE_AUDIO,
else in ../shared/audio beside the repository. One movement is trained on, another is held out. Finished runs in WORK are kept, so the
program may be stopped and started again. Judging takes as long as training, so only the beginning of each held-out recording is judged
(--judged 1000 for all of it). The result goes to data/results/compare_NAME.json.
"""
import argparse
import json
import os
from pathlib import Path

from ddsp_course import comparison, data, runs
from ddsp_course.runs import TrainConfig
from ddsp_course.storage import write_atomically

ROOT = Path(__file__).resolve().parents[1]
TRAINED, HELD_OUT = "violin_garner_bwv1002_mov6.flac", "violin_garner_bwv1002_mov8_part1.flac"
SIZES = {"harmonic-noise@tiny": 3, "harmonic-noise@paper": 1}       # seeds at most; the large one is slow


def real_violin(folder):
    "Data set of two movements, prepared once."
    if not (folder / "dataset.json").is_file():
        audio = Path(os.environ.get("DDSP_COURSE_AUDIO", ROOT.parent / "shared" / "audio")) / "violin_train"
        data.prepare([audio / TRAINED, audio / HELD_OUT], folder, frame_rate=100, held_out=HELD_OUT)
    return data.load(folder)


def shortened(dataset, seconds):
    "The data set with at most the first `seconds` of each held-out recording."
    longest = round(seconds * dataset.frame_rate) * dataset.hop_length
    dataset.recordings = [r._replace(n_samples=min(r.n_samples, longest)) if r.split == "test" else r for r in dataset.recordings]
    return dataset


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=("violin", "real_violin"))
    parser.add_argument("--work", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--judged", type=float, default=20.0, metavar="SECONDS", help="of each held-out recording (default 20)")
    args = parser.parse_args()
    dataset = runs.bundled_dataset("violin") if args.name == "violin" else real_violin(args.work / "dataset")
    dataset = shortened(dataset, args.judged)
    train = TrainConfig(steps=args.steps, eval_every=max(1, args.steps // 8))
    result = comparison.compare(dataset, args.work / "runs", comparison.COMPARED, args.seeds, train, progress=False)
    for name, seeds in SIZES.items() if args.name == "violin" else ():
        result["runs"] += comparison.compare(dataset, args.work / "runs", [name], min(seeds, args.seeds), train, progress=False)["runs"]
    path = ROOT / "data" / "results" / f"compare_{args.name}.json"
    write_atomically(path, lambda file: file.write_text(json.dumps(result) + "\n", encoding="utf-8"))
    print(f"{len(result['runs'])} runs; written to {path}")


if __name__ == "__main__":
    main()
