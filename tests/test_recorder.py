"""Recordings that come from a browser: what arrives in Python, without one. (tests/browser/test_recorder_in_browser.py presses the button.)"""
import base64
import io
import sys
import types

import numpy as np
import pytest
import soundfile
import torch

from ddsp_course.audio_files import AudioFileError
from ddsp_course.recorder import Takes, from_upload, record, upload

TONE = 0.3 * np.sin(2 * np.pi * 440 * np.arange(48000) / 48000)


def encoded(x, sr=48000, form="WAV", subtype=None):
    buffer = io.BytesIO()
    soundfile.write(buffer, x, sr, format=form, subtype=subtype)
    return buffer.getvalue()


@pytest.mark.parametrize("form, subtype, error", [("WAV", "PCM_16", 1e-4), ("FLAC", "PCM_24", 1e-6), ("OGG", "VORBIS", 0.05), ("MP3", None, 0.05)])
def test_a_file_becomes_a_wav_of_its_own_rate(tmp_path, form, subtype, error):
    take = from_upload(encoded(TONE, 48000, form, subtype), f"take.{form.lower()}", tmp_path)
    written, sr = soundfile.read(take.path)
    assert take.path == tmp_path / "take.wav" and sr == take.sr == 48000 and soundfile.info(take.path).subtype == "PCM_24"
    assert take.audio.dtype == torch.float32 and abs(written - take.audio.numpy()).max() < 1e-6
    if form in ("WAV", "FLAC"):
        assert abs(take.audio.numpy() - TONE).max() < error
    assert abs(20 * np.log10(written.std() / TONE.std())) < 20 * error


def test_two_channels_become_one_and_peaks_are_scaled(tmp_path):
    take = from_upload(encoded(np.stack([TONE, TONE / 2], 1)), "two.wav", tmp_path)
    assert abs(take.audio.numpy() - 0.75 * TONE).max() < 1e-4
    loud = from_upload(encoded(5 * TONE, subtype="FLOAT"), "loud.wav", tmp_path)
    assert abs(loud.audio.abs().max().item() - 1) < 1e-6 and "scaled to full scale" in loud.notes[-1]
    assert abs(soundfile.read(loud.path)[0] - 5 * TONE / 1.5).max() < 1e-5


@pytest.mark.parametrize("name, stem", [("a.wav", "a"), ("../../a.wav", "a"), ("C:\\me\\a.wav", "a"), ("/etc/a.wav", "a"), ("小提琴.wav", "小提琴"),
                                        ("..", "take"), ("", "take"), ("a<b>:c?.wav", "a_b__c_")])
def test_names_stay_in_the_folder(tmp_path, name, stem):
    take = from_upload(encoded(TONE), name, tmp_path / "in")
    assert take.path == tmp_path / "in" / f"{stem}.wav" and [p.name for p in tmp_path.rglob("*.wav")] == [f"{stem}.wav"]


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"mine")
    assert [from_upload(encoded(TONE), "a.wav", tmp_path).path.name for _ in range(2)] == ["a_2.wav", "a_3.wav"]
    assert (tmp_path / "a.wav").read_bytes() == b"mine" and len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("content, reason", [(b"", "nothing has arrived"), (b"Dear Sir or Madam", "not an audio file"), (encoded(TONE[:4800]), "too short"),
                                             (encoded(0 * TONE), "silent"), (encoded(TONE)[:30], "not an audio file"),
                                             (encoded(np.where(np.arange(48000) == 7, np.nan, TONE), subtype="FLOAT"), "NaN")])
def test_bad_content_is_named_and_leaves_nothing(tmp_path, content, reason):
    with pytest.raises(AudioFileError, match=f"^x.wav: .*{reason}"):
        from_upload(content, "x.wav", tmp_path)
    takes = Takes(tmp_path)
    assert not takes.add(content, "x.wav") and reason in takes.message and not takes.takes and not list(tmp_path.iterdir())


def test_wrong_types():
    for content, name in (("text", "a.wav"), (None, "a.wav"), (b"x", None)):
        with pytest.raises(TypeError, match="content must be bytes"):
            from_upload(content, name)


def test_a_folder_that_cannot_be_written_is_a_message(tmp_path):
    (tmp_path / "file").write_text("")
    takes = Takes(tmp_path / "file")
    assert not takes.add(encoded(TONE), "a.wav") and takes.message and not takes.takes


@pytest.mark.parametrize("seconds", [0, -1, 0.5, 60.1, float("nan"), float("inf"), "10", None, True, [1]])
def test_seconds_that_cannot_be_recorded(seconds):
    with pytest.raises(ValueError, match="seconds must be above 0.5 and at most 60"):
        record(seconds)


def test_without_a_browser_a_recording_of_the_course_is_used(tmp_path, capsys):
    for takes in (record(1, tmp_path), upload(tmp_path)):
        assert not takes.takes and "nobody can" in takes.message and "nobody can" in repr(takes)
        take = takes.latest(2)
        assert len(take.audio) == 32000 and take.sr == 16000 and "ships with the course" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


@pytest.fixture
def colab(monkeypatch):
    "google.colab whose JavaScript answers `answer` and whose dialogue gives `chosen`."
    module = types.ModuleType("google.colab")
    module.asked = []
    module.output = types.SimpleNamespace(eval_js=lambda script: module.asked.append(script) or module.answer)
    module.files = types.SimpleNamespace(upload=lambda: module.chosen)
    google = types.ModuleType("google")
    google.colab = module
    monkeypatch.setitem(sys.modules, "google", google)
    monkeypatch.setitem(sys.modules, "google.colab", module)
    return module


def test_colab_records_and_uploads(colab, tmp_path, capsys):
    colab.answer = base64.b64encode(encoded(TONE)).decode()
    takes = record(1, tmp_path, "mine")
    assert colab.asked[0].endswith("(1, text => 0)") and takes.latest().path.name == "mine.wav"
    assert abs(takes.latest().audio.numpy() - TONE).max() < 1e-4 and "1.0 s at 48000 Hz" in capsys.readouterr().out
    colab.chosen = {"a.flac": encoded(TONE, form="FLAC"), "letter.wav": b"Dear Sir"}
    chosen = upload(tmp_path)
    assert [t.path.name for t in chosen.takes] == ["a.wav"] and "not an audio file" in capsys.readouterr().out


@pytest.mark.parametrize("answer, words", [("error:NotAllowedError: Permission denied", "not allowed"), ("error:NotFoundError: none", "no microphone"),
                                           ("error:NotSupportedError: x", "https"), ("error:OddError: what is this", "OddError what is this")])
def test_what_the_browser_says_is_explained(colab, tmp_path, answer, words):
    colab.answer = answer
    takes = record(1, tmp_path)
    assert not takes.takes and "recording failed" in takes.message and words in takes.message


