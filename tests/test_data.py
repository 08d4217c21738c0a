"""Preparing data sets: grid, splits, statistics, crops, and being killed."""
import hashlib
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile as sf
import torch

from ddsp_course import data, features, storage
from ddsp_course.data import Recording, load, prepare
from ddsp_course.features import extract_features
from ddsp_course.pitch import hz_to_midi
from ddsp_course.storage import split_recordings

SR = 16000


def tone(f0=220.0, seconds=1.0):
    t = np.arange(round(seconds * SR)) / SR
    return (sum(np.sin(2 * np.pi * f0 * k * t) / k for k in range(1, 6)) * 0.2).astype(np.float32)


def write_tones(folder, count, seconds=1.0):
    for i in range(count):
        sf.write(folder / f"tone_{i}.wav", tone(220 * 2 ** (i / 12), seconds), SR)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two groups: four tones, and one recording alone."""
    folder = tmp_path_factory.mktemp("source")
    (folder / "four").mkdir()
    (folder / "one").mkdir()
    write_tones(folder / "four", 4)
    sf.write(folder / "one" / "glide.wav", np.concatenate([tone(300, 1.2), np.zeros(3210, np.float32), tone(400, 1.2)]), SR)
    return folder, prepare(folder, tmp_path_factory.mktemp("out") / "set", workers=1, progress=False)


def test_grid_types_and_known_pitch(made):
    _, dataset = made
    assert (dataset.sample_rate, dataset.frame_rate, dataset.hop_length) == (16000, 250, 64)
    for i, r in enumerate(dataset.recordings):
        x = dataset.get(i)
        assert x["audio"].shape == (r.n_samples,)
        frames = -(-r.n_samples // 64)
        assert {k: tuple(v.shape) for k, v in x.items() if k != "audio"} == {
            "f0_hz": (frames,), "confidence": (frames,), "loudness_db": (frames,), "mfcc": (frames, 30)}
        assert all(v.dtype == torch.float32 and torch.isfinite(v).all() for v in x.values())
        assert (x["f0_hz"] > 0).all()
        if r.group == "four":
            expected = 220 * 2 ** (int(r.name[-1]) / 12)
            assert x["f0_hz"][x["confidence"] > 0].median().item() == pytest.approx(expected, rel=0.01)


def test_unvoiced_frames_have_confidence_zero_and_a_filled_pitch(made):
    _, dataset = made
    x = dataset.get(next(i for i, r in enumerate(dataset.recordings) if r.name == "glide"))
    rest = slice(int(1.24 * 250), int(1.36 * 250))
    assert (x["confidence"][rest] == 0).all()
    assert ((x["f0_hz"][rest] > 290) & (x["f0_hz"][rest] < 410)).all()


def test_features_do_not_depend_on_the_chunks(monkeypatch):
    audio = torch.from_numpy(np.concatenate([tone(220, 1.7), np.zeros(4000, np.float32), tone(330, 1.4), 3e-4 * tone(247, 2.3)]))       # the end is 70 dB softer: unvoiced in every chunk
    whole = extract_features(audio)
    monkeypatch.setattr(features, "_CHUNK_SECONDS", 2)
    parts = extract_features(audio)
    assert parts.keys() == whole.keys()
    assert (parts["loudness_db"] - whole["loudness_db"]).abs().max() < 1e-3
    assert (parts["mfcc"] - whole["mfcc"]).abs().max() < 1e-2
    assert ((parts["confidence"] > 0) == (whole["confidence"] > 0)).float().mean() > 0.99
    assert (whole["confidence"][-500:] == 0).all() and (parts["confidence"][-500:] == 0).all()
    voiced = (parts["confidence"] > 0) & (whole["confidence"] > 0)
    assert (hz_to_midi(parts["f0_hz"]) - hz_to_midi(whole["f0_hz"]))[voiced].abs().quantile(0.99) < 0.05


def test_features_are_aligned():
    audio = torch.cat([torch.zeros(SR), torch.from_numpy(tone(440, 1.0))])
    x = extract_features(audio)
    loud = (x["loudness_db"] > x["loudness_db"].max() - 10).float().argmax().item() / 250
    voiced = (x["confidence"] > 0).float().argmax().item() / 250
    assert loud == pytest.approx(1.0, abs=0.016) and voiced == pytest.approx(1.0, abs=0.033)


@pytest.mark.parametrize("bad", [dict(sample_rate=44100), dict(frame_rate=0), dict(f0="yin")])
def test_extract_features_checks_its_arguments(bad):
    with pytest.raises(ValueError):
        extract_features(torch.zeros(1000), **bad)


def test_statistics_are_those_of_the_training_frames(made):
    _, dataset = made
    train = [dataset.get(i) for i in dataset.split("train")]
    f0 = torch.cat([hz_to_midi(x["f0_hz"])[x["confidence"] > 0] for x in train]).double()
    level = torch.cat([x["loudness_db"] for x in train]).double()
    timbre = torch.cat([x["mfcc"] for x in train]).double()[level > -60]
    s = dataset.statistics
    for name, values in (("f0_midi", f0), ("loudness_db", level[level > -80]), ("mfcc", timbre)):
        assert torch.allclose(torch.tensor(s[name]["mean"]).double(), values.mean(0), atol=1e-3), name
        assert torch.allclose(torch.tensor(s[name]["std"]).double(), values.std(0, unbiased=False).clamp_min(0.1), atol=1e-3), name
    assert len(s["mfcc"]["mean"]) == len(s["mfcc"]["std"]) == 30


def rec(name, seconds, group="g"):
    return Recording(name, group, "train", seconds * SR, name + ".wav", hashlib.sha256(name.encode()).hexdigest(), name)


@pytest.mark.parametrize("seed", range(20))
def test_split_of_three_or_more_holds_out_whole_recordings(seed):
    generator = np.random.default_rng(seed)
    group = [rec(f"{seed} {i}", int(generator.integers(1, 200))) for i in range(generator.integers(3, 12))]
    result = split_recordings(group, 64)
    total, held = sum(r.n_samples for r in group), sum(r.n_samples for r in result if r.split == "test")
    assert 0 < held <= total / 2
    shuffled = split_recordings([group[i] for i in generator.permutation(len(group))], 64)
    assert set(shuffled) == set(result)
    assert [r._replace(split="train") for r in result] == group


def test_split_of_one_and_of_groups_and_by_name():
    result = split_recordings([rec("solo", 10)], 64)
    assert [(r.name, r.split, r.start, r.n_samples) for r in result] == [("solo", "train", 0, 128000), ("solo[end]", "test", 128000, 32000)]
    two = split_recordings([rec("a", 3, "x"), rec("b", 3, "x"), *[rec(f"c{i}", 3, "y") for i in range(6)]], 64)
    assert all(any(r.group == g and r.split == s for r in two) for g in "xy" for s in ("train", "test"))
    named = split_recordings([rec("a_1", 3), rec("a_2", 3), rec("b_2", 3)], 64, held_out="*_2*")
    assert [r.split for r in named] == ["train", "test", "test"]


def test_end_of_a_recording_joins_its_beginning(made):
    _, dataset = made
    i, j = (next(k for k, r in enumerate(dataset.recordings) if r.name == name) for name in ("glide", "glide[end]"))
    with storage._opened(dataset.folder / "arrays" / dataset.recordings[i].array) as file:
        for key, value in dataset.get(i).items():
            assert torch.equal(torch.cat([value, dataset.get(j)[key]]), file.get_tensor(key))


def test_crops(made):
    _, dataset = made
    whole, last = dataset.get(0), len(dataset.get(0)["f0_hz"])
    crop = dataset.crop(0, 50, 100)
    assert torch.equal(crop["audio"], whole["audio"][3200:9600]) and torch.equal(crop["mfcc"], whole["mfcc"][50:150])
    over = dataset.crop(0, last - 10, 30)
    assert over["audio"].shape == (30 * 64,) and (over["audio"][10 * 64:] == 0).all()
    assert all(len(v) == 30 for k, v in over.items() if k != "audio")
    assert (over["confidence"][10:] == 0).all() and (over["loudness_db"][10:] == -80).all()
    assert (over["f0_hz"][10:] == over["f0_hz"][9]).all() and (over["mfcc"][10:] == over["mfcc"][9]).all()
    for bad in ((0, last + 1, 5), (0, -1, 5), (0, 0, 0)):
        with pytest.raises(ValueError):
            dataset.crop(*bad)
    with pytest.raises(ValueError, match="train"):
        dataset.split("validation")


def test_load_equals_what_prepare_returned(made):
    _, dataset = made
    again = load(dataset.folder)
    assert again.recordings == dataset.recordings and again.statistics == dataset.statistics and again.features == dataset.features
    assert again.groups == ["four", "one"] and json.dumps(again.summary())


def test_load_names_what_is_wrong(made, tmp_path):
    _, dataset = made
    text = (dataset.folder / "dataset.json").read_text()
    (tmp_path / "arrays").mkdir()
    (tmp_path / "dataset.json").write_text(text.replace('"version": 2', '"version": 3'))
    with pytest.raises(ValueError, match="features version 2 needed, got 3: prepare again"):
        load(tmp_path)
    (tmp_path / "dataset.json").write_text(text)
    with pytest.raises(ValueError, match="missing or damaged"):
        load(tmp_path)
    for r in dataset.recordings:
        content = (dataset.folder / "arrays" / r.array).read_bytes()
        (tmp_path / "arrays" / r.array).write_bytes(content[:len(content) // 2])
    with pytest.raises(ValueError, match="missing or damaged"):
        load(tmp_path)


def test_changed_definition_is_computed_anew_and_back_is_free(made):
    folder, dataset = made
    before = {p: p.stat().st_mtime_ns for p in (dataset.folder / "arrays").iterdir()}
    other = prepare(folder / "four", dataset.folder, frame_rate=125, workers=1, progress=False)
    assert other.hop_length == 128 and len(other.get(0)["f0_hz"]) == 125
    again = prepare(folder, dataset.folder, workers=1, progress=False)
    assert again.recordings == dataset.recordings
    assert all(p.stat().st_mtime_ns == t for p, t in before.items())


SCRIPT = "import sys; from ddsp_course.data import prepare; prepare(sys.argv[1], sys.argv[2], workers=int(sys.argv[3]), progress=False)"


def start(source, out, workers):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, "-c", SCRIPT, str(source), str(out), str(workers)], env=environment,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def kill_when(process, out, count):
    """SIGKILL as soon as `count` arrays are finished (or the process is)."""
    while process.poll() is None and len(list((out / "arrays").glob("*.safetensors"))) < count:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_killed_twice_and_called_again_equals_an_unbroken_run(tmp_path):
    source = tmp_path / "tones"
    source.mkdir()
    write_tones(source, 6, 1.5)
    unbroken = prepare(source, tmp_path / "unbroken", workers=1, progress=False)
    out = tmp_path / "killed"
    finished = {}
    for count in (1, 3):
        kill_when(start(source, out, 1), out, count)
        assert not (out / "dataset.json").exists(), "finished before it could be killed"
        assert all(path.stat().st_mtime_ns == when for path, when in finished.items())
        finished = {path: path.stat().st_mtime_ns for path in (out / "arrays").glob("*.safetensors")}
        assert len(finished) >= count
    (out / "arrays" / "half.safetensors.123.tmp").write_bytes(b"rubbish")
    dataset = prepare(source, out, workers=1, progress=False)
    assert all(path.stat().st_mtime_ns == when for path, when in finished.items())
    assert (out / "dataset.json").read_bytes() == (tmp_path / "unbroken" / "dataset.json").read_bytes()
    assert list(out.rglob("*.tmp")) == []
    for i in range(len(unbroken)):
        a, b = unbroken.get(i), dataset.get(i)
        assert all(torch.equal(a[key], b[key]) for key in a)


def test_an_array_cut_in_half_is_made_again(made):
    folder, dataset = made
    path = dataset.folder / "arrays" / dataset.recordings[0].array
    content = path.read_bytes()
    path.write_bytes(content[:1000])
    prepare(folder, dataset.folder, workers=1, progress=False)
    assert path.read_bytes() == content


class Deadly:
    """Ends the process that receives it."""

    def __reduce__(self):
        return os._exit, (9,)


def test_a_dying_worker_costs_only_its_file(tmp_path):
    write_tones(tmp_path, 2)
    good = [data._Job(tmp_path / f"tone_{i}.wav", tmp_path / f"{i}.safetensors", SR, 250, "crepe-tiny") for i in range(2)]
    results = data._run([good[0], good[1]._replace(path=Deadly()), good[1]], workers=2, progress=False)
    assert "died" in results[1]["reason"]
    assert [r.get("n_samples") for r in results] == [SR, None, SR]
    alone = data._do(good[0]._replace(target=tmp_path / "same.safetensors"))
    assert alone == results[0] and (tmp_path / "same.safetensors").read_bytes() == (tmp_path / "0.safetensors").read_bytes()


def test_a_script_without_main_guard_works(tmp_path):
    write_tones(tmp_path, 2)
    script = tmp_path / "script.py"
    script.write_text(f"from ddsp_course.data import prepare\nprint(len(prepare({str(tmp_path)!r}, {str(tmp_path / 'out')!r}, workers=2, progress=False)))\n")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert done.returncode == 0 and done.stdout.strip().endswith("4"), done.stderr
