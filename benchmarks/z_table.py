"""Does z matter? Train seven kinds of z on the bundled recordings, with several seeds, and measure how each is used.

    python benchmarks/z_table.py                        # about 25 minutes of CPU time, into data/results/z_table.json
    python benchmarks/z_table.py --seeds 0 --steps 100 --out /tmp/z_table.json

Each finished run is written at once; a second call goes on where the first one stopped. The same versions on the same machine
give the same figures; another machine rounds differently.
"""
import argparse
import dataclasses
import json
import platform
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from ddsp_course import ablation, data, latents, model, runs, training
from ddsp_course.recordings import data_dir
from ddsp_course.storage import write_atomically

VARIANTS = {
    "none": dict(z=False),
    "pooled": dict(),
    "frames": dict(z_pooling="frames"),
    "clip-scaled": dict(mfcc_normalisation="clip"),
    "pooled-kl": dict(kl_weight=0.01),
    "slow": dict(z_pooling="slow"),
    "both": dict(z_pooling="both"),
}
ONE_INSTRUMENT = ("none", "pooled", "frames")           # variants that are also trained on the violin of the quartet alone
Z_DIMS = 8


def settings_of(args):
    "What decides the figures; a file with other settings is not continued."
    train = dataclasses.asdict(runs.TrainConfig(steps=args.steps, eval_every=args.steps))
    return {"train": {k: v for k, v in train.items() if k != "seed"}, "z_dims": Z_DIMS, "variants": VARIANTS, "phrase_seconds": 10.0}


def load_results(path, settings):
    "The results so far."
    if not path.is_file():
        return {"settings": settings, "runs": []}
    results = json.loads(path.read_text(encoding="utf-8"))
    if results["settings"] != settings:
        raise SystemExit(f"{path} was made with other settings: name another file with --out, or remove it")
    return results


def one_violin(folder):
    "Data set of the violin of the quartet alone: three recordings to train on, the same score held out."
    return data.prepare([data_dir() / "quartet" / "violin"], folder, frame_rate=100, held_out="*_common*", workers=1, progress=False)


def run_one(dataset, variant, seed, settings, judge, yardstick):
    "Train and measure one model."
    with TemporaryDirectory() as folder:
        start = time.process_time()
        config = model.configure(dataset, **{"z_dims": Z_DIMS, **VARIANTS[variant]} if variant != "none" else VARIANTS[variant])
        net = training.fit(dataset, config, Path(folder) / "run", runs.TrainConfig(**settings["train"], seed=seed), progress=False)
        trained = time.process_time()
    report = ablation.z_report(net, dataset, judge, yardstick)
    return {"cpu_s_train": round(trained - start, 1), "cpu_s_measure": round(time.process_time() - trained, 1), **report}


def rounded(value):
    "Four digits are enough, and keep the file small."
    if isinstance(value, dict):
        return {name: rounded(v) for name, v in value.items()}
    return float(f"{value:.4g}") if isinstance(value, float) else value


def measure(results, path, seeds):
    "Every run that is not there yet; the file is written after each."
    quartet = runs.bundled_dataset("quartet")
    judge, yardstick = latents.instrument_classifier(quartet), ablation.yardstick_db(quartet)
    heard = [label == p.group for p in ablation.phrases(quartet) for label in latents.classify(judge, p.features["audio"], quartet.sample_rate)]
    results |= {"yardstick_db": rounded(yardstick), "judge_on_recordings": rounded(sum(heard) / len(heard)),
                "made_with": {"torch": torch.__version__, "python": platform.python_version(), "processor": platform.machine(), "threads": torch.get_num_threads()}}
    with TemporaryDirectory() as folder:
        sets = {"quartet": quartet}
        for seed in seeds:
            for name, variant in [("quartet", v) for v in VARIANTS] + [("violin", v) for v in ONE_INSTRUMENT]:
                key = {"data": name, "variant": variant, "seed": seed}
                if any(all(run[k] == v for k, v in key.items()) for run in results["runs"]):
                    continue
                if name not in sets:
                    sets[name] = one_violin(Path(folder) / name)
                figures = rounded(run_one(sets[name], variant, seed, results["settings"], judge, yardstick))
                results["runs"].append({**key, **figures})
                write_atomically(path, lambda file: file.write_text(json.dumps(results, indent=1), encoding="utf-8"))
                print(key, figures, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="one run of each variant with each of these (default 0 1 2)")
    parser.add_argument("--steps", type=int, default=1000, help="training steps a run (default 1000, of 4 crops of 1 s)")
    parser.add_argument("--out", type=Path, default=data_dir() / "results" / "z_table.json", help="default: data/results/z_table.json")
    args = parser.parse_args()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    with training.single_thread():
        measure(load_results(args.out, settings_of(args)), args.out, args.seeds)


if __name__ == "__main__":
    sys.exit(main())
