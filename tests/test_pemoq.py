"""The model of the ear and PEMO-Q: stage by stage against other programs, all reference pairs, bad input, memory, both kernels.

The stage values come from the C code of the University of Oldenburg, the PEASS toolkit and the Auditory Modeling Toolbox,
run under GNU Octave; the pairs from tests/data/pemoq_pairs.csv (its README says where the numbers are from).
"""
import csv
import json
import math
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import torch
from scipy.signal import lfilter, resample_poly

from ddsp_course import auditory
from ddsp_course.auditory import (REST, Downsampler, adaptation, centre_frequencies, erb_hz, gammatone, hair_cell,
                                  internal_representation, modulation_filter)
from ddsp_course.kernels import enabled, use_kernels
from ddsp_course.kernels_auditory import adaptation_kernel
from ddsp_course.pemoq import PemoqResult, odg_from_psmt, pemoq, psm, psm_over_time, psmt_of
from pemoq_signals import generated_pairs

SR = 48000
ROWS = list(csv.DictReader(open(Path(__file__).parent / "data" / "pemoq_pairs.csv", encoding="utf-8")))
STAGES = ("gated_tone", "click_am_noise", "harmonic_decay")
AMT_LIMIT = [10 * (1 - q) / (1 - 1e-5) for q in (1e-5, *REST[:4])]          # the toolbox bounds each loop by its own resting input


def noise(seconds=0.5, seed=0, level=0.05):
    return level * np.random.default_rng(seed).normal(size=int(seconds * SR))


def worst(found, expected):
    "Largest difference, relative to the largest value."
    assert found.shape == expected.shape
    return np.abs(found - expected).max() / np.abs(expected).max()


# ---- stages against other programs

@pytest.fixture(scope="module", params=STAGES)
def stage(request, quality_folder):
    folder = quality_folder / "pemoq" / "stages"
    return sf.read(folder / f"{request.param}.flac")[0], dict(np.load(folder / f"{request.param}.npz"))


def chosen(values, expected):
    "Bands and samples that were kept."
    return values[expected["bands"]][:, expected["sample_index"]]


def test_filters_agree_with_the_programs(stage):
    audio, expected = stage
    bands = gammatone(audio, SR, centre_frequencies())
    assert np.allclose(centre_frequencies(), expected["fc"], rtol=1e-12)
    assert worst(chosen(bands, expected), expected["gt"]) < 1e-6
    cells = hair_cell(bands, SR)
    assert worst(chosen(cells, expected), expected["hc"]) < 1e-6
    assert worst(chosen(hair_cell(bands, SR, "butterworth"), expected), expected["hc_amt"]) < 1e-6
    for values, name in ((bands, "gt"), (cells, "hc")):
        assert np.allclose(np.sqrt(np.square(values).mean(1)), expected[f"{name}_band_rms"], rtol=1e-9)
        assert np.allclose(values.max(1), expected[f"{name}_band_max"], rtol=1e-9)


def test_adaptation_agrees_with_the_toolbox(stage):
    audio, expected = stage
    cells = hair_cell(gammatone(audio, SR, centre_frequencies()), SR, "butterworth")
    assert worst(chosen(adaptation(cells, SR, floor_states=False), expected), expected["ad_amt_nolimit"]) < 1e-6
    assert worst(chosen(adaptation(cells, SR, AMT_LIMIT, floor_states=False), expected), expected["ad_amt_limit10"]) < 1e-6


def test_adaptation_agrees_with_the_single_precision_program(stage):
    audio, expected = stage
    cells = hair_cell(gammatone(audio, SR, centre_frequencies()), SR)
    for name, limit in (("ad_nolimit", None), ("ad_limit10", 10)):
        found = adaptation(cells, SR, limit)
        assert worst(chosen(found, expected), expected[name]) < 2e-4
        assert np.allclose(np.sqrt(np.square(found).mean(1)), expected[f"{name}_band_rms"], rtol=5e-4)


def test_modulation_stage_agrees_with_peass(stage):
    "The filters exactly, the resampling before them to 3 % of the maximum (another filter there)."
    audio, expected = stage
    assert worst(modulation_filter(expected["res100"].astype(float), "lp")[0], expected["lp100"]) < 1e-6
    assert worst(internal_representation(audio, SR, "lp")[0], expected["lp100"]) < 0.03
    bank = internal_representation(audio, SR, "fb")
    assert worst(bank[:, expected["bands"]].transpose(1, 2, 0), expected["fb800"]) < 0.03
    assert worst(np.sqrt(np.square(bank).mean(2)).T, expected["fb800_rms"]) < 0.02
    assert worst(internal_representation(10 * audio, SR, "lp")[0], expected["peass_lp"]) < 0.03


# ---- the whole measure against other programs

def assert_close(result, row, name, tolerance=1e-6):
    "The values are printed with eight digits."
    expected = float(row[f"{name}_PSMt"])
    assert abs(result.psmt - expected) < tolerance
    assert abs(result.psm - float(row[f"{name}_PSM"])) < tolerance
    assert abs(result.odg - float(row[f"{name}_ODG"])) < 20 * tolerance


@pytest.mark.parametrize("modulation", ["lp", "fb"])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["pair"])
def test_all_reference_pairs(quality_folder, row, modulation):
    files = [quality_folder / "peaq" / row[side] for side in ("ref", "test")]
    assert_close(pemoq(*files, modulation=modulation), row, modulation)
    limited = pemoq(*files, modulation=modulation, overshoot_limit=10)
    assert abs(limited.psmt - float(row[f"{modulation}_limit10_PSMt"])) < 1e-6


@pytest.fixture(scope="module")
def pairs():
    return generated_pairs()


@pytest.mark.parametrize("modulation", ["lp", "fb"])
@pytest.mark.parametrize("row", [row for row in ROWS if row["pair"].startswith(("harm_vibrato__noise", "harm_vibrato__f0", "noise_bursts__delay", "noise_bursts__low"))],
                         ids=lambda row: row["pair"])
def test_generated_pairs(pairs, row, modulation):
    assert_close(pemoq(*pairs[row["pair"]], SR, modulation), row, modulation, 1e-4)           # single bits may differ from the files


def test_generated_signals_are_the_files(quality_folder, pairs):
    for name, sounds in pairs.items():
        row = next(row for row in ROWS if row["pair"] == name)
        for sound, file in zip(sounds, (row["ref"], row["test"])):
            assert np.abs(sound - sf.read(quality_folder / "peaq" / file)[0]).max() <= 1 / 32768


def peass_psmt(x, y, modulation):
    "The measure of the PEASS toolkit: a quarter of the lack forgiven, 100 ms, weights from 1 s, the middle in place of 5 %."
    length = 10 if modulation == "lp" else 80
    y = np.where(np.abs(y) < np.abs(x), 0.25 * x + 0.75 * y, y)
    similarity, weight = [], []
    for start in range(0, x.shape[2] - length + 1, length):
        a, b = x[:, :, start:start + length], y[:, :, start:start + length]
        power = np.square(b).sum((1, 2))
        r = [np.corrcoef(c.ravel(), d.ravel())[0, 1] for c, d in zip(a, b)]
        similarity.append(np.dot(r, power) / power.sum())
        middle = start + length // 2
        weight.append(np.square(y[:, :, max(0, middle - 5 * length):middle + 5 * length]).sum() / (10 * length))
    return psmt_of(np.array(similarity), np.array(weight), share=0.5)


@pytest.mark.parametrize("modulation", ["lp", "fb"])
def test_third_party_scores(quality_folder, modulation):
    "Our representations, judged as PEASS does, against the scores of PEASS itself."
    differences, kept = [], {}
    for row in ROWS[:16]:
        for name in (row["ref"], row["test"]):
            if name not in kept:
                kept[name] = internal_representation(10 * sf.read(quality_folder / "peaq" / name)[0], SR, modulation)
        differences.append(peass_psmt(kept[row["ref"]], kept[row["test"]], modulation) - float(row[f"peass_{modulation}_PSMt"]))
    assert np.sqrt(np.mean(np.square(differences))) < 0.004 and np.abs(differences).max() < 0.015


# ---- the model against theory and a second program

def test_centres():
    published = [236.34, 289.36, 348.42, 414.21, 487.50, 569.15, 660.10, 761.41, 874.27, 1000.00, 1140.06, 1296.07, 1469.87, 1663.48, 1879.16, 2119.41, 2387.05,
                 2685.19, 3017.31, 3387.29, 3799.43, 4258.55, 4769.99, 5339.72, 5974.39, 6681.39, 7468.98, 8346.32, 9323.66, 10412.39, 11625.21, 12976.25, 14481.28]
    assert np.allclose(centre_frequencies(), published, atol=0.005)
    assert np.allclose(centre_frequencies(35)[[0, 1, 2, -2, -1]], [235, 284.66, 339.63, 13075.65, 14500], atol=0.005)
    assert erb_hz(1000) == pytest.approx(132.633, abs=5e-4)
    with pytest.raises(ValueError, match="n_bands must be 33 or 35, got 34"):
        centre_frequencies(34)


def test_sine_at_a_centre_keeps_its_amplitude():
    f = centre_frequencies()[[0, 9, 20, 32]]
    for b, f_hz in enumerate(f):
        tone = 0.3 * np.sin(2 * np.pi * f_hz * np.arange(SR // 2) / SR)
        assert gammatone(tone, SR, f)[b, SR // 4:].max() == pytest.approx(0.3, rel=0.002)


def test_loops_settle_on_a_32nd_root():
    levels = np.array([20.0, 40, 60, 80, 100])
    steady = adaptation(np.repeat(10 ** ((levels[:, None] - 100) / 20), 30000, 1), 500)[:, -1]
    assert np.allclose(steady, [17.23, 35.75, 55.64, 77.02, 100], atol=0.005)
    assert np.allclose(REST, [0.00316228, 0.05623413, 0.23713737, 0.48696753, 0.69783058], atol=5e-9)


def test_overshoot_is_bounded_by_the_limit():
    step = np.concatenate([np.full(2000, 1e-5), np.full(2000, 1.0)])[None]
    free, bounded = adaptation(step, SR).max(), adaptation(step, SR, 10).max()
    assert bounded < 0.01 * free
    assert np.allclose(adaptation(step, SR, 1e12), adaptation(step, SR), rtol=1e-5)
    for bad in (1, 0, -3, math.nan, math.inf):
        with pytest.raises(ValueError, match="overshoot_limit must be above 1"):
            adaptation(step, SR, bad)


def second_program(audio, modulation, sr=SR):
    "The representation in one piece from SciPy and a loop: no blocks, no kernels."
    out = []
    a = np.exp(-1 / (sr * np.array([0.005, 0.05, 0.129, 0.253, 0.5])))
    for f_hz in centre_frequencies():
        radius = math.exp(-2 * math.pi * (24.7 + f_hz / 9.265) / (5 * math.pi / 16) / sr)
        y = 2 * (1 - radius) ** 4 * audio
        for _ in range(4):
            y = lfilter([1], [1, -radius * np.exp(2j * np.pi * f_hz / sr)], y)
        pole = math.exp(-2 * math.pi * 1000 / sr)
        out.append(np.maximum(lfilter([1 - pole], [1, -pole], np.maximum(y.real, 0)), 1e-5))
    v, states = np.array(out), [np.full(33, 1e-5 ** (0.5 ** (j + 1))) for j in range(5)]
    for n in range(v.shape[1]):
        for j in range(5):
            v[:, n] /= states[j]
            states[j] = np.maximum(a[j] * states[j] + (1 - a[j]) * v[:, n], 1e-5 ** (0.5 ** (j + 1)))
    units = (v - 1e-5 ** (1 / 32)) * 100 / (1 - 1e-5 ** (1 / 32))
    if modulation == "lp":
        p = math.exp(-math.pi * 0.1592)
        return lfilter([1 - p], [1, -p], resample_poly(units, 100, sr, axis=1))[None]
    slow, channels = resample_poly(units, 800, sr, axis=1), []
    for f_hz, width in zip([0, 5, 10, 50 / 3, 250 / 9, 1250 / 27, 6250 / 81, 31250 / 243], [5, 5, 5, 25 / 3, 125 / 9, 625 / 27, 3125 / 81, 15625 / 243]):
        g = math.exp(-math.pi * width / 800)
        y = lfilter([1 - g], [1, -g * np.exp(2j * np.pi * f_hz / 800)], slow)
        channels.append(y.real if f_hz <= 10 else np.abs(y))
    return np.array(channels)


@pytest.mark.parametrize("modulation", ["lp", "fb"])
@pytest.mark.parametrize("sr, samples", [(48000, 14400), (44100, 13230), (48000, 480)])
def test_blocks_equal_a_program_without_blocks(modulation, sr, samples):
    audio = noise(samples / SR) * np.linspace(0, 1, samples)
    assert worst(internal_representation(audio, sr, modulation), second_program(audio, modulation, sr)) < 1e-10


@pytest.mark.parametrize("modulation", ["lp", "fb"])
def test_plain_version_and_kernels_agree(modulation):
    x, y = noise(0.15), noise(0.15) + noise(0.15, 1, 0.01)
    for limit in (None, 10):
        with use_kernels(True):
            assert enabled(adaptation_kernel)
            fast = pemoq(x, y, SR, modulation, overshoot_limit=limit)
        with use_kernels(False):
            assert not enabled(adaptation_kernel)
            plain = pemoq(x, y, SR, modulation, overshoot_limit=limit)
        assert fast.psm == pytest.approx(plain.psm, abs=1e-9) and fast.psmt == pytest.approx(plain.psmt, abs=1e-9)


@pytest.mark.parametrize("reach", [10, 20])
@pytest.mark.parametrize("sr, rate, up, down", [(48000, 100, 1, 480), (48000, 800, 1, 60), (44100, 100, 1, 441), (44100, 800, 8, 441), (96000, 800, 1, 120)])
def test_downsampler_is_resample_poly_in_pieces(sr, rate, up, down, reach):
    hop = sr // 100
    x = np.random.default_rng(0).normal(size=(3, 23 * hop))
    sampler = Downsampler(sr, rate, 3, reach)
    cuts = [0, 1, 2, 9, 20, 23]
    found = np.concatenate([*(sampler(x[:, a * hop:b * hop]) for a, b in zip(cuts, cuts[1:])), sampler.finish()], 1)
    half = reach * max(up, down)
    taps = np.sinc(np.arange(-half, half + 1) / max(up, down)) * np.kaiser(2 * half + 1, 5.0)
    assert worst(found, resample_poly(x, up, down, axis=1, window=taps / taps.sum())) < 1e-12
    if reach == 10:
        assert worst(found, resample_poly(x, up, down, axis=1)) < 1e-12


# ---- the parts of the score

def test_similarity_of_whole_and_slices_by_numpy():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 4, 32))
    y = x + rng.normal(size=x.shape)
    z = np.where(np.abs(y) < np.abs(x), (x + y) / 2, y)
    r = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(x, z)]
    assert psm(x, y) == pytest.approx(np.average(r, weights=np.square(z).sum((1, 2))), abs=1e-12)
    over_time, activity = psm_over_time(x, y, 8)
    for i in range(4):
        part = slice(8 * i, 8 * i + 8)
        assert over_time[i] == pytest.approx(psm(x[:, :, part], y[:, :, part]), abs=1e-12)
        assert activity[i] == pytest.approx(max(0, y[:, :, part].mean()), abs=1e-12)


def test_constant_slices_are_left_out():
    x = np.random.default_rng(1).normal(size=(1, 5, 4))
    x[..., 1] = 0.0
    y = x + 0.1
    over_time, _ = psm_over_time(x, y, 1)
    assert np.isnan(over_time).tolist() == [False, True, False, False]
    assert psmt_of(over_time, np.ones(4)) == np.nanmin(over_time)
    assert math.isnan(psmt_of(np.array([0.5, np.nan]), np.array([0.0, 1.0])))
    assert math.isnan(psm(np.zeros_like(x), y))


@pytest.mark.parametrize("psmt, odg", [(1, 0), (0.9, -1.64), (0.864, -2.2304), (0.5, -3.6716667), (0, -3.9055102), (-1, -4.0188889 + 0.0188889)])
def test_grades(psmt, odg):
    assert odg_from_psmt(psmt) == pytest.approx(odg, abs=1e-6)


# ---- behaviour

@pytest.mark.parametrize("modulation", ["lp", "fb"])
def test_identical_sounds_and_gain(modulation):
    x = noise()
    for y in (x, 0.25 * x):
        result = pemoq(x, y, SR, modulation)
        assert result.psm == pytest.approx(1, abs=1e-9) and result.psmt == pytest.approx(1, abs=1e-9) and -1e-6 < result.odg <= 0
    assert pemoq(x, 0.25 * x, SR, modulation, align_level=False).psmt < 1 - 1e-4


def test_more_noise_is_worse():
    x = noise() * np.sin(2 * np.pi * 4 * np.arange(SR // 2) / SR)
    for modulation in ("lp", "fb"):
        scores = [pemoq(x, x + noise(seed=1, level=level), SR, modulation).psmt for level in (0, 1e-4, 1e-3, 1e-2)]
        assert scores == sorted(scores, reverse=True) and scores[-1] < 0.95


def test_missing_counts_less_than_added():
    t = np.arange(SR // 2) / SR
    low, high = 0.1 * np.sin(2 * np.pi * 500 * t), 0.1 * np.sin(2 * np.pi * 3000 * t)
    assert pemoq(low + high, low, SR).psmt > pemoq(low, low + high, SR).psmt


def test_array_tensor_file_and_float32_give_the_same(tmp_path):
    x, y = noise().astype(np.float32), (noise() + noise(seed=1, level=0.01)).astype(np.float32)
    expected = pemoq(x, y, SR)
    assert pemoq(torch.from_numpy(x), torch.from_numpy(y), SR) == expected
    for name, sound in (("x", x), ("y", y)):
        sf.write(tmp_path / f"{name}.wav", sound, SR, subtype="FLOAT")
    assert pemoq(tmp_path / "x.wav", str(tmp_path / "y.wav")) == expected
    assert pemoq(x[:-100], y, SR).psmt == pytest.approx(expected.psmt, abs=0.05)


def test_stereo_takes_the_worst_channel():
    x = np.stack([noise(), noise(seed=1)])
    y = x + np.stack([noise(seed=2, level=1e-4), noise(seed=3, level=0.02)])
    result = pemoq(x, y, SR)
    singles = [pemoq(a, b, SR).psmt for a, b in zip(x, y)]
    assert result.channels == tuple(singles) and result.channel == 1 and result.psmt == min(singles)
    x[0] = y[0] = 0                                                               # a channel that is silent in both does not count
    assert pemoq(x, y, SR).psmt == singles[1] and math.isnan(pemoq(x, y, SR).channels[0])


def test_result_can_be_written():
    result = pemoq(noise(), noise() + noise(seed=1, level=0.01), SR)
    found = json.loads(json.dumps(result.to_dict()))
    assert found["odg"] == result.odg and found["psmt"] == result.psmt and found["seconds"] == 0.5 and found["metric"] == "pemoq"
    assert "independent implementation" in found["note"] and isinstance(result, PemoqResult)
    assert len(result.psm_t) == len(result.activity) == 50
    silent = np.stack([np.zeros(SR), noise(1)])
    assert json.dumps(pemoq(silent, silent, SR).to_dict(), allow_nan=False)


def test_silent_test_has_no_similarity():
    for modulation in ("lp", "fb"):
        result = pemoq(noise(), np.zeros(SR // 2), SR, modulation)
        assert (result.psm, result.psmt) == (0, 0) and result.odg == odg_from_psmt(0)


@pytest.mark.parametrize("modulation", ["lp", "fb"])
def test_silence_around_the_sound_changes_nothing_much(modulation):
    x, y = noise(), noise() + noise(seed=1, level=0.01)
    pad = lambda a: np.concatenate([np.zeros(4800), a, np.zeros(24000)])
    assert pemoq(pad(x), pad(y), SR, modulation).psmt == pytest.approx(pemoq(x, y, SR, modulation).psmt, abs=0.02)


def test_other_rates():
    "16 kHz goes up to 48 kHz; the same sound at 48 kHz scores the same, and 96 kHz runs."
    from ddsp_course.sampling import resample
    x, y = noise(0.5)[:8000], noise(0.5)[:8000] + noise(seed=1, level=0.01)[:8000]
    up = [resample(a, 16000, 48000) for a in (x, y)]
    assert pemoq(x, y, 16000).psmt == pytest.approx(pemoq(*up, 48000).psmt, abs=1e-4)            # the level is aligned before resampling here
    assert 0 < pemoq(noise(), noise() + noise(seed=1, level=0.01), 96000).psmt < 1
    assert 0 < pemoq(noise(), noise() + noise(seed=1, level=0.01), 44056).psmt < 1


def test_over_full_scale_is_just_loud():
    x = 30 * noise()
    result = pemoq(x, x + 30 * noise(seed=1, level=0.005), SR)
    assert np.abs(x).max() > 1 and 0.5 < result.psmt < 1


LONG = np.ones(4800) * 0.1
BAD = {
    "lengths": ((noise(), noise()[:-481], SR), ValueError, "10 ms in length, got 24000 and 23519"),
    "channels": ((np.stack([noise()] * 2), noise(), SR), ValueError, "same channels, got 2 and 1"),
    "short": ((noise()[:479], noise()[:479], SR), ValueError, "at least 10 ms, got 479"),
    "empty": ((noise()[:0], noise()[:0], SR), ValueError, "reference must have shape"),
    "NaN": ((noise(), np.where(np.arange(SR // 2) == 5, np.nan, noise()), SR), ValueError, "test must be finite"),
    "infinity": ((np.full(4800, np.inf), LONG, SR), ValueError, "reference must be finite"),
    "integers": ((np.ones(4800, int), LONG, SR), TypeError, "reference must hold floating point"),
    "silent reference": ((0 * noise(), noise(), SR), ValueError, "reference is silent"),
    "both silent": ((0 * noise(), 0 * noise(), SR), ValueError, "reference is silent"),
    "inaudible reference": ((noise(level=1e-7), noise(), SR), ValueError, "reference is silent or below the threshold"),
    "no rate": ((noise(), noise()), ValueError, "sr is needed"),
    "odd rate": ((noise(), noise(), 44100.5), ValueError, "sr must be a whole number"),
    "no such rate": ((noise(), noise(), 10), ValueError, "sr must be a whole number >= 1000"),
    "axes swapped": ((noise()[:, None], noise()[:, None], SR), ValueError, r"\[C, T\]"),
    "modulation": ((noise(), noise(), SR, "bf"), ValueError, "modulation must be 'lp' or 'fb', got 'bf'"),
    "no file": (("missing.wav", "missing.wav"), ValueError, "reference: cannot read missing.wav"),
}


@pytest.mark.parametrize("arguments, error, message", BAD.values(), ids=BAD)
def test_bad_input_gets_a_clear_error(arguments, error, message):
    with pytest.raises(error, match=message):
        pemoq(*arguments)


def test_bad_options():
    for options, message in ((dict(n_bands=34), "n_bands"), (dict(overshoot_limit=0.5), "overshoot_limit"), (dict(resampling_reach=0), "resampling_reach")):
        with pytest.raises(ValueError, match=message):
            pemoq(noise(), noise(), SR, **options)


def test_files_with_other_rates(tmp_path):
    sf.write(tmp_path / "a.wav", noise(), 48000)
    sf.write(tmp_path / "b.wav", noise(), 44100)
    with pytest.raises(ValueError, match="one sample rate, got 48000 and 44100"):
        pemoq(tmp_path / "a.wav", tmp_path / "b.wav")
    with pytest.raises(ValueError, match="reference has a sample rate of 48000 Hz, but sr is 16000"):
        pemoq(tmp_path / "a.wav", tmp_path / "a.wav", 16000)


def test_memory_does_not_grow_with_the_sound():
    "Beyond the audio (tracemalloc sees NumPy, the tensors of the caller are not counted)."
    def peak(seconds):
        x = torch.from_numpy(noise(seconds))
        y = x + 0.001 * torch.from_numpy(noise(seconds, 1, 1.0))
        tracemalloc.start()
        pemoq(x, y, SR, "fb")
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found
    audio = 8 * SR                                                                 # bytes of a second in float64
    assert peak(12.0) - peak(4.0) < 3 * 8 * audio                                  # two padded copies; the bank alone would need 34 audio-seconds a second


def test_state_carries_over_block_borders():
    x, f = noise(0.1), centre_frequencies()
    states = np.zeros((8, 33)), np.zeros(33), np.repeat(REST[:, None], 33, 1)
    pieces = [adaptation(hair_cell(gammatone(p, SR, f, states[0]), SR, state=states[1]), SR, state=states[2]) for p in np.split(x, [1, 700, 4000])]
    assert worst(np.concatenate(pieces, 1), adaptation(hair_cell(gammatone(x, SR, f), SR), SR)) < 1e-12
    with use_kernels(False):
        states = np.zeros((8, 33)), np.zeros(33)
        pieces = [hair_cell(gammatone(p, SR, f, states[0]), SR, state=states[1]) for p in np.split(x, [1, 700, 4000])]
    assert worst(np.concatenate(pieces, 1), hair_cell(gammatone(x, SR, f), SR)) < 1e-12


def test_auditory_refuses_what_it_cannot_use():
    for bad in ([0.0], [24000.0], [[500.0]]):
        with pytest.raises(ValueError, match="centres_hz"):
            gammatone(noise(), SR, bad)
    with pytest.raises(ValueError, match="kind must be"):
        hair_cell(np.zeros((1, 10)), SR, "chebyshev")
    with pytest.raises(ValueError, match=r"audio must have shape \[T\]"):
        internal_representation(np.zeros((2, 4800)), SR)
    with pytest.raises(ValueError, match="modulation"):
        next(auditory.representation_blocks(noise(), SR, "none"))
