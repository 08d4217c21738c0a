"""PEAQ and PEMO-Q of a model's copies, and the command that grades two files."""
import json
import math

import numpy as np
import pytest
import soundfile
import torch

from ddsp_course import cli, perceptual
from ddsp_course.peaq import peaq
from ddsp_course.pemoq import pemoq
from ddsp_course.perceptual import PERCEPTUAL_UNITS, perceptual_measures, perceptual_report

SR = 16000


def sound(seconds=1.5, seed=0):
    t = np.arange(int(seconds * SR)) / SR
    tone = sum(np.sin(2 * np.pi * 330 * k * t) / k for k in range(1, 12))
    return (0.1 * tone * np.exp(-t) + 1e-3 * np.random.default_rng(seed).normal(size=len(t))).astype(np.float32)


def test_numbers_are_those_of_the_two_measures():
    x, y = sound(), sound() + 0.01 * np.random.default_rng(1).normal(size=len(sound())).astype(np.float32)
    found, a, b = perceptual_measures(x, y, SR), peaq(x, y, SR, "advanced"), pemoq(x, y, SR)
    assert [found[key] for key in PERCEPTUAL_UNITS] == [a.odg, a.di, b.psmt, b.odg]
    assert found["peaq"]["movs"] == a.movs and found["pemoq"]["psm"] == b.psm
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize("x, y", [(np.zeros(24000, np.float32), sound()), (sound(0.01), sound(0.01))])
def test_a_pair_without_a_grade_gives_the_reason(x, y):
    found = perceptual_measures(x, y, SR)
    assert all(found[key] is None or math.isfinite(found[key]) for key in PERCEPTUAL_UNITS)
    assert found["peaq_odg"] is None and len(found["peaq"]["reason"]) > 20


class Copier:
    "Stands in for a model: hands back the recording, with hiss."

    def __init__(self, hiss): self.hiss = hiss

    def check_features(self, features): pass


def test_report_has_the_form_of_the_others(tone_dataset, monkeypatch):
    def copy(model, features, seed):
        return {"wet": features["audio"] + model.hiss * torch.randn(len(features["audio"]), generator=torch.Generator().manual_seed(seed))}
    monkeypatch.setattr(perceptual, "resynthesize", copy)
    perfect, noisy = (perceptual_report(Copier(hiss), tone_dataset) for hiss in (0.0, 0.02))
    for key, unit in PERCEPTUAL_UNITS.items():
        assert perfect[key]["unit"] == unit and perfect[key]["n"] == len(perfect["perceptual_rows"]) == 2
        assert perfect[key]["mean"] > noisy[key]["mean"]
    assert perfect["pemoq_psmt"]["mean"] == pytest.approx(1, abs=1e-9) and perfect["peaq_odg"]["mean"] > 0
    with pytest.raises(ValueError, match="'none'"):
        perceptual_report(Copier(0.0), type("Empty", (), {"split": lambda self, name: []})(), split="none")


@pytest.fixture
def files(tmp_path):
    paths = tmp_path / "reference.wav", tmp_path / "test.wav"
    soundfile.write(paths[0], sound(), SR, subtype="FLOAT")
    soundfile.write(paths[1], np.concatenate([np.zeros(40, np.float32), 0.5 * sound()])[:len(sound())], SR, subtype="FLOAT")
    return list(map(str, paths))


def test_score_reports_grades_delay_and_gain(files, capsys):
    assert cli.main(["score", *files, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["alignment"]["delay_samples"] == 40 and answer["alignment"]["gain_db"] == pytest.approx(-6.02, abs=0.05)
    assert set(answer["peaq"]["movs"]) >= {"BandwidthRefB", "ADBB"} and answer["pemoq"]["psmt"] <= 1
    assert cli.main(["score", *files, "--metric", "peaq", "--version", "advanced"]) == 0
    text = capsys.readouterr().out
    assert "peaq" in text and "pemoq" not in text and "40 samples late" in text


def test_score_of_a_missing_or_unfit_file_fails_with_its_name(files, tmp_path, capsys):
    assert cli.main(["score", files[0], str(tmp_path / "nowhere.wav")]) == 1
    assert "nowhere.wav" in capsys.readouterr().err
    soundfile.write(tmp_path / "stereo.wav", np.stack([sound(), sound()], 1), SR)
    assert cli.main(["score", files[0], str(tmp_path / "stereo.wav")]) == 1
    assert "channel" in capsys.readouterr().err
    with pytest.raises(SystemExit) as wrong:
        cli.main(["score", files[0], files[1], "--metric", "pesq"])
    assert wrong.value.code == 2
