"""Files and folders as people have them: each bad one is named with a reason, the rest is used."""
import shutil

import numpy as np
import pytest
import soundfile as sf
import soxr
import torch

from ddsp_course.audio_files import AudioFileError, check_recording, find_audio, read_audio
from ddsp_course.data import load, prepare

SR = 16000


def tone(f0=220.0, seconds=1.0, sr=SR):
    t = np.arange(round(seconds * sr)) / sr
    return (sum(np.sin(2 * np.pi * f0 * k * t) / k for k in range(1, 6)) * 0.2).astype(np.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of good, odd and bad files."""
    folder = tmp_path_factory.mktemp("takes") / "my takes"
    (folder / "sub").mkdir(parents=True)
    (folder / ".ipynb_checkpoints").mkdir()
    x = tone()
    sf.write(folder / "8 bit.wav", tone(200), SR, subtype="PCM_U8")
    sf.write(folder / "24 bit.flac", tone(210), SR, subtype="PCM_24")
    sf.write(folder / "sub" / "小提琴 96k.wav", np.stack([tone(230, sr=96000)] * 2, 1), 96000)
    sf.write(folder / "opposite.wav", np.stack([x, -0.99 * x], 1), SR)
    sf.write(folder / "low rate.wav", tone(240, sr=8000), 8000)
    sf.write(folder / "clipped.wav", np.clip(20 * x, -1, 1), SR)
    sf.write(folder / "loud.wav", 6 * x, SR, subtype="FLOAT")
    sf.write(folder / "silent.wav", 0 * x, SR)
    sf.write(folder / "hiss.wav", 3e-5 * np.random.default_rng(0).uniform(-1, 1, SR), SR, subtype="FLOAT")
    sf.write(folder / "nan.wav", np.where(np.arange(SR) == 4000, np.nan, x), SR, subtype="FLOAT")
    sf.write(folder / "inf.wav", np.where(np.arange(SR) == 12000, np.inf, x), SR, subtype="FLOAT")
    sf.write(folder / "short.wav", x[:320], SR)
    sf.write(folder / "header only.wav", x[:0], SR)
    (folder / "empty.wav").touch()
    (folder / "text.wav").write_text("this is not audio")
    (folder / "noise.mp3").write_bytes(b"%PDF-1.4 not audio either")
    (folder / "notes.md").write_text("# notes")
    sf.write(folder / ".ipynb_checkpoints" / "hidden.wav", x, SR)
    sf.write(folder / "._mac.wav", x, SR)
    sf.write(folder / "whole.flac", tone(250, 2) + 0.01 * np.random.default_rng(1).standard_normal(2 * SR), SR)
    cut = (folder / "whole.flac").read_bytes()
    (folder / "cut.flac").write_bytes(cut[:len(cut) // 2])
    sf.write(folder / "whole.wav", tone(260, 2), SR)
    cut = (folder / "whole.wav").read_bytes()
    (folder / "cut.wav").write_bytes(cut[:len(cut) // 2])
    shutil.copy(folder / "24 bit.flac", folder / "zz copy.flac")
    return folder


@pytest.fixture(scope="module")
def dataset(folder, tmp_path_factory):
    return prepare([folder, folder / "notes.md"], tmp_path_factory.mktemp("out"), workers=1, progress=False)


REJECTED = {"silent.wav": "silent: peak -inf dBFS", "hiss.wav": "silent: peak -9", "nan.wav": "0.250 s", "inf.wav": "0.750 s",
            "short.wav": "too short: 20 ms", "header only.wav": "no samples", "empty.wav": "0 bytes", "text.wav": "not an audio file",
            "noise.mp3": "not an audio file", "zz copy.flac": "same content as 24 bit.flac", "notes.md": "not an audio file"}
WARNED = {"opposite.wav": "opposite phase", "low rate.wav": "8000 Hz", "clipped.wav": "clipped", "loud.wav": "full scale",
          "cut.flac": "truncated: first", "cut.wav": "of 2.0 s used"}
USED = {"8 bit.wav", "24 bit.flac", "sub/小提琴 96k.wav", "whole.flac", "whole.wav"}


def test_every_file_gets_its_verdict(dataset):
    report = {e["name"]: e for e in dataset.report}
    assert set(report) == set(REJECTED) | set(WARNED) | USED and len(dataset.report) == len(report)
    for expected, status in ((REJECTED, "rejected"), (WARNED, "used with a warning"), (dict.fromkeys(USED, ""), "used")):
        for name, part in expected.items():
            assert report[name]["status"] == status, report[name]
            assert part in report[name]["reason"], report[name]
            assert (report[name]["seconds"] > 0) == (status != "rejected")


def test_what_is_used_is_right(dataset):
    by_source = {}
    for i, r in enumerate(dataset.recordings):
        by_source.setdefault(r.source, []).append(dataset.get(i))
    assert set(by_source) == USED | set(WARNED)
    assert {r.group for r in dataset.recordings} == {"my takes", "sub"}
    for name, f0 in {"8 bit.wav": 200, "24 bit.flac": 210, "sub/小提琴 96k.wav": 230, "opposite.wav": 220, "low rate.wav": 240}.items():
        x = by_source[name][0]
        voiced = x["confidence"] > 0
        assert voiced.float().mean() > 0.8, name
        assert x["f0_hz"][voiced].median().item() == pytest.approx(f0, rel=0.01), name
        assert all(torch.isfinite(value).all() and value.dtype == torch.float32 for value in x.values())


def test_table_and_summary_name_everything(dataset):
    assert all(e["name"] in dataset.table() for e in dataset.report)
    files = dataset.summary()["files"]
    assert files == {"used": len(USED), "used with a warning": len(WARNED), "rejected": len(REJECTED)}


def test_nothing_usable_lists_the_reasons(tmp_path):
    (tmp_path / "a.wav").write_text("text")
    sf.write(tmp_path / "b.wav", np.zeros(SR), SR)
    with pytest.raises(ValueError, match=r"(?s)a\.wav: not an audio file.*b\.wav: silent"):
        prepare(tmp_path, tmp_path / "out", workers=1, progress=False)
    assert not (tmp_path / "out" / "dataset.json").exists()


def test_no_audio_at_all(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "notes.md").write_text("x")
    with pytest.raises(ValueError, match="no audio file was found"):
        prepare(tmp_path / "in", tmp_path / "out", progress=False)


def test_noise_has_no_pitch(tmp_path):
    sf.write(tmp_path / "wind.wav", 0.1 * np.random.default_rng(0).standard_normal(SR), SR)
    with pytest.raises(ValueError, match="wind.wav: no pitch"):
        prepare(tmp_path / "wind.wav", tmp_path / "out", progress=False)


@pytest.mark.parametrize("bad, match", [(dict(sample_rate=16000, frame_rate=300), "whole"), (dict(f0="yin"), "crepe-tiny, crepe, pyin"),
                                        (dict(sample_rate=-1), "sample_rate"), (dict(frame_rate=0), "frame_rate"), (dict(workers=0), "workers"),
                                        (dict(held_out="nothing*"), "matches no"), (dict(held_out="*"), "matches every")])
def test_bad_arguments(tmp_path, bad, match):
    sf.write(tmp_path / "a.wav", tone(), SR)
    with pytest.raises(ValueError, match=match):
        prepare(tmp_path / "a.wav", tmp_path / "out", **bad, progress=False)


def test_missing_path(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        prepare(tmp_path / "nowhere.wav", tmp_path / "out")


def test_m4a_through_ffmpeg(tmp_path, monkeypatch):
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed")
    import subprocess
    sf.write(tmp_path / "a.wav", tone(seconds=2, sr=44100), 44100)
    subprocess.run(["ffmpeg", "-v", "error", "-i", str(tmp_path / "a.wav"), "-c:a", "aac", str(tmp_path / "a.m4a")], check=True)
    audio, notes = read_audio(tmp_path / "a.m4a")
    assert notes == [] and abs(len(audio) / SR - 2) < 0.1
    spectrum = torch.fft.rfft(audio[4000:20000])
    assert abs(spectrum.abs().argmax().item() - 220) <= 1
    (tmp_path / "bad.m4a").write_bytes(b"nothing")
    with pytest.raises(AudioFileError, match="neither by libsndfile nor by ffmpeg"):
        read_audio(tmp_path / "bad.m4a")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(AudioFileError, match="needs the program ffmpeg"):
        read_audio(tmp_path / "a.m4a")


@pytest.mark.parametrize("channels, subtype", [(1, None), (2, None), (2, "OPUS"), (1, "VORBIS")])
def test_a_compressed_file_is_read_whole_though_in_blocks(tmp_path, channels, subtype):
    x = np.stack([0.3 * np.sin(2 * np.pi * 440 * np.arange(144000) / 48000)] * channels, 1)
    path = tmp_path / ("a.mp3" if subtype is None else "a.ogg")
    sf.write(path, x, 48000, subtype=subtype)
    audio, notes = read_audio(path, 48000)
    assert not notes and abs(audio.numpy() - sf.read(path, dtype="float32", always_2d=True)[0].mean(1)).max() < 1e-6
    assert abs(20 * np.log10(audio.numpy().std() / x.std())) < 0.5


@pytest.mark.parametrize("sr", [8000, 22050, 44100, 48000, 96000])
def test_streamed_resampling_equals_one_piece(tmp_path, sr):
    x = tone(seconds=2.3, sr=sr)
    sf.write(tmp_path / "a.wav", x, sr, subtype="FLOAT")
    audio, _ = read_audio(tmp_path / "a.wav")
    reference = soxr.resample(x, sr, SR, "VHQ")
    assert len(audio) == len(reference) == round(2.3 * SR)
    assert np.abs(audio.numpy() - reference).max() < 1e-6


def test_mono_mix_is_the_mean(tmp_path):
    x, y = tone(220), tone(300)
    sf.write(tmp_path / "a.wav", np.stack([x, y], 1), SR, subtype="FLOAT")
    audio, notes = read_audio(tmp_path / "a.wav")
    assert notes == [] and np.abs(audio.numpy() - (x + y) / 2).max() < 1e-7


def test_limits_of_check_recording():
    check_recording(torch.full((8000,), 2e-4), SR)
    with pytest.raises(AudioFileError, match="499|500"):
        check_recording(torch.full((7999,), 0.5), SR)
    with pytest.raises(AudioFileError, match="silent"):
        check_recording(torch.full((8000,), 9e-5), SR)


def test_find_audio_groups(tmp_path):
    for name in ("a/x/1.wav", "b/2.FLAC", "3.mp3", "b/.hidden/4.wav", "b/table.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found, refused = find_audio([tmp_path, tmp_path / "b" / "2.FLAC", tmp_path / "b" / "table.csv"])
    assert [(f.name, f.group) for f in found] == [("3.mp3", tmp_path.name), ("a/x/1.wav", "a"), ("b/2.FLAC", "b")]
    assert refused == [("table.csv", "skipped: not an audio file (.csv)")]
    found, _ = find_audio(tmp_path / "b" / "2.FLAC")
    assert [(f.name, f.group) for f in found] == [("2.FLAC", "b")]


def test_load_refuses_what_is_not_a_data_set(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such folder"):
        load(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="not a data set"):
        load(tmp_path)
    (tmp_path / "arrays").mkdir()
    with pytest.raises(FileNotFoundError, match="not finished"):
        load(tmp_path)
    for text in ("{", "[]", "{}", "\udcff"):
        (tmp_path / "dataset.json").write_bytes(text.encode("utf-8", "surrogateescape"))
        with pytest.raises(ValueError, match="damaged"):
            load(tmp_path)
