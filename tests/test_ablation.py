"""What z does, on toy models whose use of z is known: one obeys it, one ignores it, one needs the z of the very phrase."""
import math
import types

import numpy as np
import pytest
import scipy.stats
import torch

from ddsp_course import ablation, latents, model, runs
from ddsp_course.ablation import LatentRows
from ddsp_course.harmonic import harmonic_amplitudes, harmonic_synth
from ddsp_course.mel import mel_filterbank
from ddsp_course.model import Controls
from ddsp_course.stft import spectrogram

SLOPES = {"bright": 0.5, "dull": 2.0}               # harmonic k has the amplitude k ** -slope
RATE, SR, FRAMES = 100, 16000, 600                    # 6 s


def sound(f0, slope):
    amplitudes = harmonic_amplitudes(torch.full_like(f0, 0.3), torch.arange(1, 11.0) ** -slope[..., None], f0, SR)
    return harmonic_synth(f0, amplitudes, SR, SR // RATE)


class ToyDataset:
    "Two training recordings a group, and a held-out one of the same score for all; mfcc[..., 0] is the slope, mfcc[..., 1] the pitch."
    sample_rate, frame_rate, hop_length, features = SR, RATE, SR // RATE, {}

    def __init__(self, groups=tuple(SLOPES)):
        self.groups, self.recordings, self.data = sorted(groups), [], []
        for g, group in enumerate(groups):
            for split, seed in (("train", 10 * g), ("train", 10 * g + 1), ("test", 99)):
                generator = torch.Generator().manual_seed(seed)
                f0 = 220 * 2 ** (torch.randint(12, (FRAMES // 50,), generator=generator) / 12).repeat_interleave(50)
                mfcc = torch.zeros(FRAMES, 30)
                mfcc[:, 0], mfcc[:, 1] = SLOPES[group], torch.log2(f0 / 220)
                loudness = -20 - 10 * torch.rand(FRAMES, generator=generator)
                self.data.append({"audio": sound(f0[None], mfcc[None, :, 0])[0], "f0_hz": f0, "confidence": torch.ones(FRAMES), "loudness_db": loudness, "mfcc": mfcc})
                self.recordings.append(types.SimpleNamespace(name=f"{group}{len(self.data)}", group=group, split=split))

    def split(self, name):
        return [i for i, r in enumerate(self.recordings) if r.split == name]

    def get(self, i):
        return dict(self.data[i])


class ToyModel(torch.nn.Module):
    "z = (slope, pitch). 'obeys' plays the slope, 'ignores' one of its own, 'content' plays it only where the pitch in z is the pitch that is played."

    def __init__(self, kind="obeys", pooling="clip"):
        super().__init__()
        self.kind, self.config = kind, types.SimpleNamespace(z_dims=0 if kind == "none" else 2, z_pooling=pooling, sample_rate=SR, hop_length=SR // RATE)

    def check_features(self, features):
        pass

    def encode(self, features):
        z = features["mfcc"][..., :2]
        return None if self.kind == "none" else z if self.config.z_pooling == "frames" else z.mean(1)

    def forward(self, features):
        f0 = features["f0_hz"]
        if self.kind in ("ignores", "none"):
            slope = torch.full_like(f0, 1.2)
        else:
            z = features["z"] if features["z"].ndim == 3 else features["z"][:, None].expand(-1, f0.shape[1], -1)
            slope = z[..., 0] + (2.0 * (z[..., 1] - torch.log2(f0 / 220)).abs() if self.kind == "content" else 0)
        return Controls(f0, slope, None, None)

    def synthesize(self, controls, generator=None):
        return sound(controls.f0_hz, controls.amplitudes)


@pytest.fixture(scope="module")
def dataset():
    return ToyDataset()


@pytest.fixture(scope="module")
def judge(dataset):
    return latents.instrument_classifier(dataset)


def audio(seed=0, seconds=1.0):
    g = torch.Generator().manual_seed(seed)
    noise = torch.randn(round(seconds * SR), generator=g)
    return torch.nn.functional.conv1d(noise[None, None], torch.randn(1, 1, 31, generator=g), padding=15)[0, 0]


def test_distance_is_the_naive_one():
    a, b = audio(0), audio(1)
    a[4000:9000] *= 1e-4                                        # frames below the active ones
    shapes, filters = [], mel_filterbank(SR, 1024, 64).double().numpy()
    for x in (a, b):
        level = 10 * np.log10(np.maximum(filters @ spectrogram(x, 1024, 256, power=2.0).double().numpy(), 1e-20))
        level = np.maximum(level, level.max(0) - 60)
        shapes.append(level - level.mean(0))
    frame = 10 * np.log10((filters @ spectrogram(a, 1024, 256, power=2.0).double().numpy()).sum(0))
    expected = [math.sqrt(sum((shapes[0][k, t] - shapes[1][k, t]) ** 2 for k in range(64)) / 64) for t in range(len(frame)) if frame[t] > frame.max() - 40]
    assert len(expected) < 0.85 * len(frame)
    assert ablation.timbre_distance_db(a, b, SR) == pytest.approx(np.mean(expected), rel=1e-4)


@pytest.mark.parametrize("gain", [1.0, 1e-3, 20.0, -1.0])
def test_distance_ignores_gain_and_sign(gain):
    assert ablation.timbre_distance_db(audio(0), gain * audio(0), SR) == pytest.approx(0, abs=2e-3)
    assert ablation.timbre_distance_db(audio(0), gain * audio(1), SR) == pytest.approx(ablation.timbre_distance_db(audio(0), audio(1), SR), rel=1e-3)


def test_distance_of_unequal_lengths_and_bad_input():
    assert ablation.timbre_distance_db(audio(0), audio(0, 1.0)[:-300], SR) == pytest.approx(0, abs=0.3)
    for a, b, name in ((torch.zeros(16000), audio(), "reference"), (audio(), torch.zeros(16000), "estimate"), (audio(), audio()[None], "estimate")):
        with pytest.raises(ValueError, match=name):
            ablation.timbre_distance_db(a, b, SR)


def test_phrases_are_whole_separate_and_aligned(dataset):
    found = ablation.phrases(dataset, "test", 2.5)
    assert [(p.group, p.start) for p in found] == [("bright", 0), ("bright", 250), ("dull", 0), ("dull", 250)]
    whole = dataset.get(dataset.split("test")[0])
    assert torch.equal(found[1].features["audio"], whole["audio"][40000:80000]) and torch.equal(found[1].features["f0_hz"], whole["f0_hz"][250:500])
    with pytest.raises(ValueError, match="seconds"):
        ablation.phrases(dataset, "test", 7.0)


def test_yardstick_is_the_distance_of_the_two_instruments(dataset):
    a, b = (dataset.get(i)["audio"] for i in dataset.split("test"))
    assert ablation.yardstick_db(dataset, 6.0) == pytest.approx(ablation.timbre_distance_db(a, b, SR))
    with pytest.raises(ValueError, match="two groups"):
        ablation.yardstick_db(ToyDataset(["dull"]), 6.0)


def test_a_model_that_obeys_z(dataset, judge):
    report = ablation.replaced_z(ToyModel("obeys"), dataset, 6.0)
    assert report["distance_db"] < 0.01 and report["moved_other_db"] < 0.01 < 1 < report["moved_mean_db"]
    assert report["loss_mean"] > report["loss_other"] == pytest.approx(report["loss"])
    swap = ablation.phrase_swap(ToyModel("obeys"), dataset, judge, 6.0)
    assert all(swap[name]["target"] == 1 and swap[name]["distance_db"] < 0.01 for name in ("same_score", "other_phrase"))


@pytest.mark.parametrize("kind", ["ignores", "none"])
def test_a_model_that_ignores_z(dataset, judge, kind):
    report = ablation.replaced_z(ToyModel(kind), dataset, 6.0)
    assert report["distance_db"] > 1
    assert ("moved_mean_db" not in report) if kind == "none" else (report["moved_mean_db"] == report["moved_other_db"] == 0 and report["loss_mean"] == report["loss"])
    swap = ablation.phrase_swap(ToyModel(kind), dataset, judge, 6.0)
    assert swap["same_score"] == swap["other_phrase"] and swap["other_phrase"]["target"] <= 0.5 and swap["other_phrase"]["distance_db"] > 1


def test_content_in_z_shows_only_with_another_phrase(dataset, judge):
    "Perfect with its own z and with z of the same score, far off with z of another phrase: the swap of one score would not have seen it."
    net = ToyModel("content", "frames")
    report, swap = ablation.replaced_z(net, dataset, 6.0), ablation.phrase_swap(net, dataset, judge, 6.0)
    assert report["distance_db"] < 0.01 and report["moved_other_db"] > 1
    assert swap["same_score"]["target"] == 1 and swap["same_score"]["distance_db"] < 0.01 and swap["other_phrase"]["distance_db"] > 1


@pytest.mark.parametrize("pooling, n", [("clip", 12), ("frames", 240)])
def test_rows_follow_the_kind_of_z(dataset, pooling, n):
    rows = ablation.latent_rows(ToyModel("obeys", pooling), dataset, "train", 6.0)
    assert len(rows.z) == n and all(len(column) == n for column in rows)                  # 4 recordings of 6 s: crops of 2 s, or every 100 ms
    assert set(zip(rows.groups.tolist(), np.round(rows.z[:, 0], 3).tolist())) == {("bright", 0.5), ("dull", 2.0)}
    assert set(rows.recordings) == {"bright1", "bright2", "dull4", "dull5"}
    if pooling == "frames":
        np.testing.assert_allclose(rows.f0_midi, 57 + 12 * rows.z[:, 1], atol=1e-3)


def rows_of(z, f0, loudness, groups, recordings):
    return LatentRows(np.asarray(z, float), np.asarray(f0, float), np.asarray(loudness, float), np.asarray(groups), np.asarray(recordings))


def test_leak_finds_functions_of_pitch_and_loudness_and_no_others():
    rng = np.random.default_rng(0)
    f0, loudness, recordings = rng.uniform(60, 80, 600), rng.uniform(-40, -10, 600), np.repeat(list("abcdef"), 100)
    told = np.stack([f0 ** 2 / 100, loudness * f0 / 20], 1)
    assert ablation.leak_r2(rows_of(told, f0, loudness, recordings, recordings)) > 0.99
    assert abs(ablation.leak_r2(rows_of(rng.normal(size=(600, 2)), f0, loudness, recordings, recordings))) < 0.06
    half = told / told.std(0) + rng.normal(size=told.shape)                                # half of the variance is noise
    assert ablation.leak_r2(rows_of(half, f0, loudness, recordings, recordings)) == pytest.approx(0.5, abs=0.08)


def test_leak_holds_recordings_out():
    "Each recording has its own pitch and its own constant z: the relation is learnt by heart and does not hold for the next recording."
    rng = np.random.default_rng(1)
    names = np.repeat([f"r{i}" for i in range(10)], 60)
    f0, z = (np.repeat(rng.normal(size=10), 60) + 0.01 * rng.normal(size=600) for _ in range(2))
    assert ablation.leak_r2(rows_of(z[:, None], f0, rng.normal(size=600), names, names)) < 0.1


def test_between_share_is_that_of_the_analysis_of_variance():
    rng = np.random.default_rng(2)
    groups = np.repeat(list("abc"), (20, 30, 10))
    z = rng.normal(size=(60, 1)) + np.repeat([0.0, 1.0, -1.0], (20, 30, 10))[:, None]
    f = scipy.stats.f_oneway(*(z[groups == g, 0] for g in "abc")).statistic
    assert ablation.between_share(z, groups) == pytest.approx(2 * f / (2 * f + 57))          # eta squared, 2 and 57 degrees of freedom
    assert ablation.between_share(np.repeat(np.eye(3), 5, 0), np.repeat([0, 1, 2], 5)) == pytest.approx(1)
    assert ablation.between_share(np.tile([[1.0], [-1.0]], (6, 1)), np.repeat([0, 1, 2], 4)) == pytest.approx(0)


def test_instrument_from_z_is_judged_on_other_recordings():
    rng = np.random.default_rng(3)
    groups = np.array(list("abcd") * 50)
    z = np.eye(4)[[0, 1, 2, 3] * 50] + 0.1 * rng.normal(size=(200, 4))
    told, random = (rows_of(x, groups == "a", groups == "a", groups, groups) for x in (z, rng.normal(size=(200, 4))))
    new = rows_of(z + 0.01, groups == "a", groups == "a", groups, groups)
    assert ablation.instrument_from_z(told, new) == 1 and ablation.instrument_from_z(random, new) < 0.5


def test_brightness_moves_with_a_z_that_is_slope(dataset):
    moved, fixed = (ablation.centroid_range_hz(ToyModel(kind), dataset, 6.0) for kind in ("obeys", "ignores"))
    assert moved["low"] < 0.8 * moved["mean"] < moved["mean"] < moved["high"] and fixed["low"] == pytest.approx(fixed["high"])


def test_report_of_the_shipped_run_and_of_one_instrument():
    "The shipped quartet passes the tests of the lesson; with one group the figures about instruments are left out."
    data = runs.bundled_dataset("quartet")
    report = ablation.z_report(model.load(runs.find_run("quartet")), data, latents.instrument_classifier(data))
    assert report["swap"]["other_phrase"]["target"] > 0.9 and report["to_mean"] > 0.5 > 0.3 > report["shuffle"] and report["between_share"] > 0.7
    one = ablation.z_report(ToyModel("obeys"), LongDull(), yardstick=10.0)
    assert not {"swap", "between_share", "instrument_from_z"} & one.keys() and one["shuffle"] < 0.01 and one["to_mean"] < 0.01


class LongDull(ToyDataset):
    "One instrument, recordings of 12 s."

    def __init__(self):
        super().__init__(["dull"])
        self.data = [{name: torch.cat([value, value]) for name, value in entry.items()} for entry in self.data]
