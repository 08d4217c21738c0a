"""Profiles that are drawn or taken from a recording: interpolation, strokes, bad points, known tones, the circle, the pad."""
import json
import math

import numpy as np
import pytest
import torch

from ddsp_course import curves
from ddsp_course.curves import draw_profile, from_points, from_recording
from ddsp_course.generation import generate
from ddsp_course.harmonic import tone
from ddsp_course.pitch import cents, hz_to_midi
from ddsp_course.profiles import FLOOR_DB, Profile, from_notes

LINE = {"pitch": [[(0.0, 60), (1.0, 60)]]}


def midi(profile):
    return hz_to_midi(profile.f0_hz).numpy()


# drawn

def test_curve_passes_through_the_points_and_is_monotone_between_them():
    rng = np.random.default_rng(0)
    t, v = np.arange(20) * 0.1, rng.uniform(40, 90, 20)
    profile = from_points({"pitch": [np.stack([t, v], 1)]}, 1.9, frame_rate=100)
    got = midi(profile)
    np.testing.assert_allclose(got[::10], v[:19], atol=1e-3)
    for i in range(18):
        piece = np.diff(got[10 * i:10 * i + 11])
        assert (piece * np.sign(v[i + 1] - v[i]) > -1e-3).all()


def test_equals_fritsch_and_butland_by_hand():
    t, v = np.array([0, 0.3, 1.0]), np.array([60, 63, 65.0])
    h, d = np.diff(t), np.diff(v) / np.diff(t)
    w = 2 * h[1] + h[0], h[1] + 2 * h[0]
    slope = sum(w) / (w[0] / d[0] + w[1] / d[1])                                    # weighted harmonic mean at the inner point
    got = midi(from_points({"pitch": [np.stack([t, v], 1)]}, 1.0, frame_rate=10000))
    assert (got[3010] - got[2990]) / 20e-4 == pytest.approx(slope, rel=0.03)


def test_rests_lie_where_nothing_is_drawn():
    profile = from_points({"pitch": [[(0.1, 60), (0.4, 62)], [(0.6, 64), (0.9, 64)]], "loudness": [[(0, -30), (1, -30)]]}, 1.0)
    expected = np.zeros(250, dtype=bool)
    expected[25:100] = expected[150:225] = True
    np.testing.assert_array_equal(profile.f0_hz.numpy() > 0, expected)
    np.testing.assert_allclose(profile.loudness_db, np.where(expected, -30, FLOOR_DB), atol=1e-4)


def test_loudness_is_one_curve_with_held_ends():
    level = from_points({**LINE, "loudness": [[(0.25, -20), (0.5, -40)], [(0.5, -40), (0.75, -10)]]}, 1.0, 100).loudness_db
    np.testing.assert_allclose(level[[0, 20, 25, 50, 75, 99]], [-20, -20, -20, -40, -10, -10], atol=1e-4)
    assert from_points(LINE, 1.0, loudness_db=-33).loudness_db[10] == -33 and from_points(LINE, 2.0).seconds == 2


@pytest.mark.parametrize("points, word", [
    ({}, "nothing is drawn"), ({"pitch": None}, "list of strokes"), ({"pitch": 3}, "list of strokes"), ({"pitch": []}, "nothing is drawn"), ({"loudness": [[(0, -20), (1, -20)]]}, "nothing is drawn"), ([], "dict"), ({"pitches": []}, "pitch, loudness"), (None, "dict"),
    ({"pitch": [[(0, 60)]]}, r"\['pitch'\]\[0\] must hold at least two"), ({"pitch": [[(0, 60), (0.5, 60)], "ab"]}, r"\['pitch'\]\[1\]"), ({"pitch": [[(0, 60), (0.5, math.nan)]]}, "finite"), ({"pitch": [[1, 2, 3]]}, "two finite points"),
    ({"pitch": [[(0, 60), (0.5, None)]]}, "finite"), ({"pitch": [[(0.5, 60), (0.2, 60)]]}, "growing"), ({"pitch": [[(0.2, 60), (0.2, 61)]]}, "growing"), ({"pitch": [[(0, 60), (0.5, 60)], [(0.4, 60), (0.6, 60)]]}, "from 0.5"),
    ({"pitch": [[(0, 60), (1.5, 60)]]}, "to 1 s"), ({"pitch": [[(-0.1, 60), (0.5, 60)]]}, "growing"), ({"pitch": [[(0, 10), (1, 60)]]}, r"\[24, 108\], got 10"), ({**LINE, "loudness": [[(0, -20), (1, 3)]]}, r"\[-80, 0\]")])
def test_bad_points_are_named(points, word):
    with pytest.raises(ValueError, match=word):
        from_points(points, 1.0)


@pytest.mark.parametrize("options", [{"seconds": 0}, {"seconds": math.nan}, {"seconds": 1e9}, {"seconds": 1, "frame_rate": 0}])
def test_bad_lengths(options):
    with pytest.raises(ValueError, match="seconds must be"):
        from_points(LINE, **options)


# recorded

def known_tone(sr=16000):
    "2 s at 440 Hz with vibrato of 20 cents, 0.3 s silence in the middle; f0 [200] and the sound."
    t = torch.arange(200) / 100
    f0 = 440 * 2 ** (0.2 / 12 * torch.sin(2 * torch.pi * 5 * t))
    level = 0.1 * ((t < 0.8) | (t >= 1.1)).float()[:, None] / torch.arange(1, 5)
    return f0, tone(f0, level, sr, sr // 100)


@pytest.mark.parametrize("method", ["crepe-tiny", "pyin"])
def test_pitch_and_rests_of_a_known_tone(method):
    f0, audio = known_tone()
    profile = from_recording(audio, 16000, 100, method)
    voiced = profile.f0_hz > 0
    inside = torch.cat([torch.arange(5, 75), torch.arange(115, 195)])
    assert voiced[inside].all() and not voiced[85:106].any() and (profile.loudness_db[~voiced] == FLOOR_DB).all()
    assert cents(profile.f0_hz, f0)[inside].abs().max() < 10


def test_loudness_of_a_known_tone():
    "A sine of 1 kHz and amplitude a has 20 log10(a) - 3.01 dB: A-weighting is 0 dB there."
    t = torch.arange(32000) / 16000
    audio = (0.02 + 0.1 * t) * torch.sin(2 * torch.pi * 1000 * t)
    profile = from_recording(audio, 16000, 100)
    expected = 20 * torch.log10(0.02 + 0.1 * torch.arange(200) / 100) - 3.01
    assert (profile.loudness_db - expected)[10:190].abs().max() < 0.3


def test_short_gaps_are_bridged_and_short_blips_dropped():
    flags = torch.tensor([0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0], dtype=torch.bool)
    assert curves._drop_short(flags, 3).int().tolist() == [0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0]
    assert curves._drop_short(torch.ones(4, dtype=torch.bool), 9).sum() == 0 and curves._drop_short(torch.zeros(4, dtype=torch.bool), 3).sum() == 0
    _, audio = known_tone()
    audio[8000:8320] = 0                                             # 20 ms of silence: a dropout, not a rest
    assert (from_recording(audio, 16000, 100).f0_hz[5:75] > 0).all()


@pytest.mark.parametrize("audio, sr, error", [
    (torch.zeros(16000), 16000, "no such stretch"), (torch.full((16000,), math.nan), 16000, "audio"), (torch.zeros(2, 16000), 16000, "audio"),
    (torch.zeros(0), 16000, "audio"), (np.zeros(16000, np.int16), 16000, "audio|float"), (torch.randn(16000), 44100, "whole|frame_rate")])
def test_bad_recordings(audio, sr, error):
    with pytest.raises((ValueError, TypeError), match=error):
        from_recording(audio, sr, 250 if sr == 16000 else 256)


def test_out_and_back():
    "Generated by the shipped model from a profile, and the profile taken from the sound."
    from ddsp_course import model, runs
    from ddsp_course.prior import LatentPrior

    run = runs.find_run("quartet")
    net, prior = model.load(run), LatentPrior.load(run / "prior.safetensors")
    asked = from_notes([(67, 1), (71, 1), (None, 1), (74, 2)], 120, 100, net.config.statistics["loudness_db"]["mean"])
    back = from_recording(generate(net, prior, asked, seed=2), 16000, 100)
    both = (asked.f0_hz > 0) & (back.f0_hz > 0)
    assert both.sum() > 0.95 * (asked.f0_hz > 0).sum() and len(back.f0_hz) == len(asked.f0_hz)
    assert cents(back.f0_hz, asked.f0_hz)[both].abs().median() < 10
    assert (back.loudness_db - asked.loudness_db)[both].abs().median() < 1
    assert (back.f0_hz[105:145] == 0).all()


# the pad

def test_without_a_front_end_it_shows_the_points_and_says_how_to_draw(capsys):
    seen = []
    pad = draw_profile(lambda profile: seen.append(profile) or "", LINE, seconds=1.0, frame_rate=100)
    assert seen == [pad.profile] and isinstance(pad.profile, Profile) and len(pad.profile.f0_hz) == 100


def test_the_button_takes_what_the_text_box_holds(monkeypatch):
    widgets = pytest.importorskip("ipywidgets")
    monkeypatch.setattr(curves, "has_front_end", lambda: True)
    shown, seen = [], []
    monkeypatch.setattr("IPython.display.display", lambda *objects: shown.extend(objects))
    pad = draw_profile(lambda profile: seen.append(profile) or "<b>x</b>", LINE, seconds=1.0)
    box, button, output = shown[1].children
    assert isinstance(box, widgets.Textarea) and box._dom_classes[-1] in shown[0].data and "CONFIG" not in shown[0].data
    drawn = {"pitch": [[[0.2, 70], [0.6, 72]]], "loudness": []}
    box.value = json.dumps(drawn)
    button.click()
    assert pad.points == drawn and pad.profile is seen[-1] and len(seen) == 2 and (pad.profile.f0_hz > 0).sum() == 100
    for nothing in ("{}", "not JSON"):
        box.value = nothing
        button.click()
        assert pad.points == drawn and len(seen) == 2                # an empty pad changes nothing


def test_pad_refuses_bad_points_and_keeps_the_old_ones():
    pad = curves.DrawPad(LINE, 1.0)
    with pytest.raises(ValueError, match="nothing is drawn"):
        pad.use({"pitch": []})
    assert pad.points == LINE
