"""A-weighting against the standard's table and librosa; the loudness curve against known signals."""
import math

import librosa
import numpy as np
import pytest
import torch

from ddsp_course.features import feature_definition
from ddsp_course.loudness import LOUDNESS_VERSION, a_weighting_db, loudness_db
from ddsp_course.model import DDSP, ModelConfig

SR = 16000
# IEC 61672-1, table of A-weighting: n -> dB at 10 ** (n / 10) Hz (nominally 10 Hz ... 20 kHz)
TABLE = {10: -70.4, 13: -50.5, 15: -39.4, 17: -30.2, 20: -19.1, 21: -16.1, 23: -10.9, 24: -8.6, 27: -3.2, 30: 0.0,
         31: 0.6, 33: 1.2, 34: 1.3, 35: 1.2, 36: 1.0, 37: 0.5, 38: -0.1, 39: -1.1, 40: -2.5, 42: -6.6, 43: -9.3}


def sine(f_hz, seconds=0.5, sr=SR, amplitude=1.0):
    return amplitude * torch.sin(2 * math.pi * f_hz * torch.arange(int(seconds * sr)) / sr)


def test_a_weighting_matches_the_published_table():
    for n, value in TABLE.items():
        assert a_weighting_db(10 ** (n / 10)).item() == pytest.approx(value, abs=0.051)


@pytest.mark.parametrize('octave, value', [(-5, -39.4), (-4, -26.2), (-3, -16.1), (-2, -8.6), (-1, -3.2), (0, 0.0), (1, 1.2), (2, 1.0), (3, -1.1), (4, -6.6)])
def test_a_weighting_at_the_octaves_from_31_5_hz_to_16_khz(octave, value):
    assert a_weighting_db(1000 * 10 ** (0.3 * octave)).item() == pytest.approx(value, abs=0.1)


def test_a_weighting_matches_librosa_and_keeps_shape():
    f_hz = torch.logspace(1, 4.3, 60).reshape(3, 20)
    ours = a_weighting_db(f_hz)
    assert ours.shape == f_hz.shape and ours.dtype == torch.float32
    assert np.abs(ours.numpy() - librosa.A_weighting(f_hz.numpy(), min_db=None)).max() < 0.01
    assert a_weighting_db(0).item() == -math.inf and a_weighting_db(1000).item() == 0


def test_calibration():
    assert LOUDNESS_VERSION == 1
    assert loudness_db(sine(1000), SR)[60] == pytest.approx(-3.01, abs=0.05)
    assert loudness_db(sine(1000, amplitude=0.5), SR)[60] == pytest.approx(-9.03, abs=0.05)
    assert loudness_db(sine(100), SR)[60] == pytest.approx(-3.01 - 19.1, abs=0.5)      # a 32 ms window is short here
    assert loudness_db(sine(100), SR, n_fft=4096)[60] == pytest.approx(-3.01 - 19.1, abs=0.1)
    assert loudness_db(sine(4000), SR)[60] == pytest.approx(-3.01 + 0.96, abs=0.05)


def test_white_noise_reads_its_weighted_power():
    x = 0.1 * torch.randn(10 * SR, generator=torch.Generator().manual_seed(0))
    f_hz = torch.linspace(1, SR / 2, 10000)
    expected = -20 + 10 * (10 ** (a_weighting_db(f_hz) / 10)).mean().log10()
    measured = 10 * (10 ** (loudness_db(x, SR) / 10)).mean().log10()
    assert measured == pytest.approx(expected.item(), abs=0.1)


@pytest.mark.parametrize('sr, frame_rate', [(8000, 250), (22050, 50), (32000, 250), (44100, 100), (48000, 250)])
def test_same_reading_at_every_sample_rate(sr, frame_rate):
    level = loudness_db(sine(1000, sr=sr), sr, frame_rate)
    assert level.shape == (math.ceil(sr // 2 / (sr // frame_rate)),)
    assert (level + 3.01).abs().max() < 0.1


@pytest.mark.parametrize('n_samples', [1, 10, 63, 64, 65, 300, 511, 1000])
def test_edges_and_short_signals(n_samples):
    level = loudness_db(sine(1000, 1.0)[:n_samples] + 1e-3, SR)
    assert level.shape == (math.ceil(n_samples / 64),) and torch.isfinite(level).all()
    if n_samples >= 300:
        assert (level + 3.01).abs().max() < 0.3


def test_events_stay_in_place():
    burst = torch.zeros(SR)
    burst[8000 - 100:8000 + 100] = torch.randn(200, generator=torch.Generator().manual_seed(0))
    assert abs(loudness_db(burst, SR).argmax().item() - 125) <= 1


def test_floor_and_silence():
    silent = torch.zeros(2, 1000, requires_grad=True)
    level = loudness_db(silent, SR)
    assert level.shape == (2, 16) and torch.allclose(level, torch.tensor(-80.0), atol=1e-5)
    level.sum().backward()
    assert (silent.grad == 0).all()
    assert torch.allclose(loudness_db(sine(1000, amplitude=1e-6), SR, floor_db=-60.), torch.tensor(-60.0), atol=1e-5)


def test_gain_moves_the_curve_and_polarity_does_not():
    x = torch.randn(2, 4000, generator=torch.Generator().manual_seed(0)).double()
    assert torch.allclose(loudness_db(10 * x, SR) - loudness_db(x, SR), torch.tensor(20.0).double())
    assert torch.equal(loudness_db(-x, SR), loudness_db(x, SR))
    assert torch.allclose(loudness_db(x, SR)[1], loudness_db(x[1], SR))
    assert loudness_db(x.numpy(), SR).dtype == torch.float64


def test_another_definition_is_another_number():
    "Mean of the decibels of the bins: below the decibels of their mean, by 2.51 dB for white noise. A model trained on one cannot use the other."
    x = 0.1 * torch.randn(10 * SR, generator=torch.Generator().manual_seed(0))
    power = torch.fft.rfft(x.reshape(-1, 500)).abs()[:, 1:-1] ** 2
    assert (10 * power.mean().log10() - (10 * power.log10()).mean()).item() == pytest.approx(10 * np.euler_gamma / math.log(10), abs=0.05)
    definition = feature_definition(SR, 250, 'pyin')
    model = DDSP(ModelConfig(features=definition, hidden=8, encoder_hidden=8))
    model.check_features(definition)
    with pytest.raises(ValueError, match='loudness_version'):
        model.check_features({**definition, 'loudness_version': LOUDNESS_VERSION + 1})


def test_gradcheck():
    x = torch.randn(2, 60, generator=torch.Generator().manual_seed(0)).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: loudness_db(x, 1000, frame_rate=100), x)


@pytest.mark.parametrize('settings, error, name', [
    (dict(sr=0), ValueError, 'sr'), (dict(sr='16k'), TypeError, 'sr'), (dict(frame_rate=300), ValueError, 'frame_rate'),
    (dict(frame_rate=-1), ValueError, 'frame_rate'), (dict(n_fft=60), ValueError, 'n_fft'),
    (dict(n_fft=513), ValueError, 'n_fft'), (dict(audio=torch.zeros(0)), ValueError, 'audio'),
    (dict(audio=torch.tensor([math.nan])), ValueError, 'audio'),
    (dict(audio=torch.zeros(100, dtype=torch.int16)), TypeError, 'audio')])
def test_bad_input(settings, error, name):
    with pytest.raises(error, match=name):
        loudness_db(**{'audio': torch.zeros(1000), 'sr': SR, **settings})


def test_bad_frequency():
    with pytest.raises(ValueError, match='f_hz'):
        a_weighting_db(-5.0)
