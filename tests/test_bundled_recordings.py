"""The recordings in data/: format, scores, equal loudness, and that timbre alone tells the instruments apart."""
import csv
import hashlib
import importlib
import re
import sys
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ddsp_course.loudness import loudness_db
from ddsp_course.mel import mfcc

DATA = Path(__file__).resolve().parents[1] / "data"
QUARTET = ("violin", "flute", "clarinet", "trumpet")
PARTS = ("1", "2", "3", "common")
FILES = ([f"quartet/{name}/{name}_{part}" for name in QUARTET for part in PARTS]
         + [f"violin_whole/violin_whole_{part}" for part in range(1, 5)])
FRAME_RATE = 50


def read_score(name):
    with open(DATA / f"{name}.csv", newline="") as file:
        return list(csv.DictReader(file))


def times(note):
    onset = float(note["onset_s"])
    return onset, onset + float(note["duration_s"])


def held_frames(score, n_frames):
    "True where a note is held, from 60 ms after its onset to 30 ms before its end, [F]."
    time = np.arange(n_frames) / FRAME_RATE
    held = np.zeros(n_frames, bool)
    for note in score:
        start, end = times(note)
        held |= (time >= start + 0.06) & (time < end - 0.03)
    return held


@pytest.fixture(scope="module")
def recordings():
    "Audio, score, and measured f0 (MIDI), loudness, MFCC of every file at 50 frames a second."
    found = {}
    for name in FILES:
        audio, sr = soundfile.read(DATA / f"{name}.flac", dtype="float32")
        hop = sr // FRAME_RATE
        level = loudness_db(audio, sr, FRAME_RATE).numpy()
        f0_hz = librosa.yin(audio, fmin=150, fmax=2300, sr=sr, frame_length=1024, hop_length=hop)[:len(level)]
        score = read_score(name)
        found[name.rpartition("/")[2]] = {
            "audio": audio, "score": score, "loudness": level, "f0": librosa.hz_to_midi(f0_hz),
            "mfcc": mfcc(audio, sr, hop_length=hop).numpy(), "held": held_frames(score, len(level))}
    return found


def sounding_loudness(recording):
    "Loudness in dB of the frames in which the score has a note."
    time = np.arange(len(recording["loudness"])) / FRAME_RATE
    sounding = np.any([(time >= start) & (time < end) for start, end in map(times, recording["score"])], axis=0)
    return recording["loudness"][sounding]


@pytest.mark.parametrize("name", FILES)
def test_format_and_score(name):
    info = soundfile.info(DATA / f"{name}.flac")
    assert (info.samplerate, info.channels, info.format, info.subtype) == (16000, 1, "FLAC", "PCM_16")
    assert 28 <= info.duration <= 36
    audio, _ = soundfile.read(DATA / f"{name}.flac")
    assert 0.1 < np.abs(audio).max() < 10 ** (-1 / 20)
    low, high = (55, 96) if "whole" in name else (62, 82)
    end = 0.0
    for note in read_score(name):
        onset, next_end = times(note)
        assert low <= int(note["midi"]) <= high and 1 <= int(note["velocity"]) <= 127
        assert note["articulation"] in ("legato", "detached")
        assert end - 2e-3 <= onset < next_end <= info.duration   # one note at a time
        end = next_end


def test_checksums_and_size():
    listed = dict(reversed(line.split("  ")) for line in (DATA / "SHA256SUMS").read_text().splitlines())
    assert sorted(listed) == sorted(f"{name}.{kind}" for name in FILES for kind in ("flac", "csv"))
    for path, digest in listed.items():
        assert hashlib.sha256((DATA / path).read_bytes()).hexdigest() == digest, path
    assert sum(path.stat().st_size for path in DATA.rglob("*") if path.is_file()) <= 14e6


def test_sources_name_every_file_and_melody(monkeypatch):
    monkeypatch.syspath_prepend(str(DATA))
    melodies = importlib.import_module("melodies").MELODIES
    performance = importlib.import_module("performance")
    sources = (DATA / "SOURCES.md").read_text()
    played = {melody for _, name in performance.all_names() for melody, _, _ in performance.programme(name)[2]}
    assert played == set(melodies) and len(melodies) >= 12
    for melody in melodies.values():
        assert melody.title in sources and melody.origin in sources
    for name in FILES:
        assert name.rpartition("/")[2].rpartition("_")[0] in sources
    assert "Permission is hereby granted, free of charge" in sources and "Frank Wen" in sources


def test_melodies_with_wrong_bars_are_refused(monkeypatch):
    monkeypatch.syspath_prepend(str(DATA))
    melodies = importlib.import_module("melodies")
    with pytest.raises(ValueError, match="bars"):
        melodies.parse(melodies.Melody("x", "", 4, 100, "C4:1 C4 | C4:1 C4 C4 | C4:4"))
    with pytest.raises(ValueError, match="H4"):
        melodies.parse(melodies.Melody("x", "", 4, 100, "H4:1"))


def test_whole_violin_goes_far_beyond_the_shared_range(recordings):
    pitches = [int(note["midi"]) for part in range(1, 5) for note in recordings[f"violin_whole_{part}"]["score"]]
    assert min(pitches) == 55 and max(pitches) == 96


def test_the_common_score_is_the_same_for_all_and_held_out(recordings):
    scores = [recordings[f"{name}_common"]["score"] for name in QUARTET]
    assert all(score == scores[0] for score in scores)
    for name in QUARTET:
        assert recordings[f"{name}_1"]["score"] != recordings[f"{name}_common"]["score"]


def test_all_four_share_the_pitch_range(recordings):
    "Time spent on each third of the range differs by less than 12 % between instruments."
    shares = []
    for name in QUARTET:
        notes = [note for part in PARTS[:3] for note in recordings[f"{name}_{part}"]["score"]]
        pitch = [int(note["midi"]) for note in notes]
        assert min(pitch) == 62 and max(pitch) == 82
        length = [float(note["duration_s"]) for note in notes]
        shares.append(np.histogram(pitch, bins=(61.5, 68.5, 75.5, 82.5), weights=length)[0] / sum(length))
    assert np.ptp(shares, axis=0).max() < 0.12


def test_mean_loudness_is_equal_and_its_range_wide(recordings):
    for parts in (PARTS[:3], PARTS[3:]):
        level = [np.concatenate([sounding_loudness(recordings[f"{name}_{part}"]) for part in parts]) for name in QUARTET]
        assert np.ptp([x.mean() for x in level]) < 1.0
        assert np.ptp([x.std() for x in level]) < 2.0
    for name in QUARTET:
        held = np.concatenate([recordings[f"{name}_{part}"]["loudness"][recordings[f"{name}_{part}"]["held"]] for part in PARTS])
        assert np.ptp(np.percentile(held, (0.5, 99.5))) > 28


def test_the_sound_has_the_pitch_of_the_score(recordings):
    for name, recording in recordings.items():
        time = np.arange(len(recording["f0"])) / FRAME_RATE
        written = np.zeros(len(time))
        for note in recording["score"]:
            start, end = times(note)
            written[(time >= start) & (time < end)] = int(note["midi"])
        error = np.abs(recording["f0"] - written)[recording["held"]]
        assert np.mean(error < 0.5) > (0.85 if "whole" in name else 0.95), name   # YIN errs on high fast notes


def test_no_clicks(recordings):
    "No jump stands out of its neighbourhood: second differences against their rms over 20 ms."
    def worst(audio):
        jumps = np.abs(np.diff(audio.astype(float), 2))
        rms = np.sqrt(np.convolve(jumps**2, np.ones(320) / 320, "same")) + 2e-4
        return (jumps / rms).max()
    for name, recording in recordings.items():
        assert worst(recording["audio"]) < 9, name
    clicked = recordings["flute_1"]["audio"].copy()
    clicked[100_000] += 0.1
    assert worst(clicked) > 9


def instrument_accuracy(recordings, with_timbre):
    "Train a small network to name the instrument on files 1-3, test it on the common score."
    def table(parts):
        rows, labels = [], []
        for label, name in enumerate(QUARTET):
            for part in parts:
                recording = recordings[f"{name}_{part}"]
                held = np.flatnonzero(recording["held"])
                context = np.clip(held[:, None] + np.arange(-12, 13, 2), 0, len(recording["f0"]) - 1)  # +-240 ms
                columns = [recording["f0"][context], recording["loudness"][context]]
                columns += [recording["mfcc"][held]] if with_timbre else []
                rows.append(np.hstack(columns))
                labels += [label] * len(held)
        return np.concatenate(rows), np.array(labels)

    network = make_pipeline(StandardScaler(), MLPClassifier(
        hidden_layer_sizes=(32,), alpha=0.01, early_stopping=True, max_iter=40, random_state=0))
    network.fit(*table(PARTS[:3]))
    rows, labels = table(PARTS[3:])
    named = network.predict(rows)
    return np.mean([np.mean(named[labels == label] == label) for label in range(4)])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_pitch_and_loudness_do_not_tell_the_instrument_but_timbre_does(recordings):
    blind = instrument_accuracy(recordings, with_timbre=False)
    hearing = instrument_accuracy(recordings, with_timbre=True)
    print(f"accuracy from f0 and loudness {blind:.3f} (chance 0.25), with MFCC {hearing:.3f}")
    assert blind < 0.40
    assert hearing > 0.80


@pytest.mark.skipif(sys.platform != "linux", reason="the samples are reproduced with Debian's FluidSynth")
def test_the_script_reproduces_the_samples(monkeypatch):
    try:
        fluidsynth = importlib.import_module("fluidsynth")
    except ImportError as error:
        pytest.skip(f"FluidSynth or pyfluidsynth is not installed: {error}")
    monkeypatch.syspath_prepend(str(DATA))
    render = importlib.import_module("render")
    if not Path(render.SOUNDFONT).is_file():
        pytest.skip(f"the soundfont {render.SOUNDFONT} is not installed")
    version = fluidsynth._fl.fluid_version_str
    version.restype = importlib.import_module("ctypes").c_char_p
    recorded = re.search(r"FluidSynth (\d+\.\d+\.\d+)", (DATA / "SOURCES.md").read_text()).group(1)
    if version().decode() != recorded:
        pytest.skip(f"made with FluidSynth {recorded}, here is {version().decode()}")
    audio, _ = render.render("trumpet_common")
    committed, _ = soundfile.read(DATA / "quartet/trumpet/trumpet_common.flac", dtype="int16")
    np.testing.assert_array_equal(audio, committed)
