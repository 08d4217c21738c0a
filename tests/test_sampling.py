"""sampling: resampling against SciPy, soxr and exact sines; quantisation against theory."""
import math
import resource

import librosa
import numpy as np
import pytest
import scipy.signal
import torch

from ddsp_course.sampling import alias_frequency, bit_rate, quantize, resample, to_mono

RATES = [(96000, 16000), (44100, 16000), (48000, 44100), (16000, 48000), (22050, 16000), (8000, 11025), (4001, 4000)]


def sine(f_hz, sr, seconds=1.0, phase=0.3):
    return torch.sin(2 * math.pi * f_hz * torch.arange(round(seconds * sr), dtype=torch.float64) / sr + phase)


def error_db(y, ideal):
    margin = len(ideal) // 8
    y, ideal = y[margin:-margin], ideal[margin:-margin]
    return 10 * torch.log10((y - ideal).square().mean() / ideal.square().mean()).item()


@pytest.mark.parametrize('sr_in, sr_out', RATES)
@pytest.mark.parametrize('part', [0.01, 0.5, 0.9])
def test_sines_in_the_passband_are_exact_and_not_delayed(sr_in, sr_out, part):
    f = part * min(sr_in, sr_out) / 2
    assert error_db(resample(sine(f, sr_in, 0.3), sr_in, sr_out), sine(f, sr_out, 0.3)) < -80


@pytest.mark.parametrize('sr_in, sr_out', [(96000, 16000), (44100, 16000), (48000, 44100)])
def test_nothing_above_the_new_nyquist_comes_through(sr_in, sr_out):
    f = torch.linspace(sr_out / 2, sr_in / 2 - 50, 20)
    x = torch.stack([sine(v.item(), sr_in, 0.2) for v in f])
    power = resample(x, sr_in, sr_out)[:, 500:-500].square().mean(1)
    assert 10 * math.log10(2 * power.max()) < -80


def test_images_of_upsampling_are_gone():
    y = resample(sine(1000, 8000, 1.0), 8000, 16000)
    level = 20 * torch.log10(torch.fft.rfft(y * torch.hann_window(len(y))).abs() * 4 / len(y) + 1e-12)
    assert level[4000:].max() < -80 and abs(level[1000]) < 0.01


@pytest.mark.parametrize('sr_in, sr_out', RATES)
@pytest.mark.parametrize('n', [1, 2, 999, 1000])
def test_length(sr_in, sr_out, n):
    y = resample(torch.ones(n), sr_in, sr_out)
    assert len(y) == math.ceil(n * sr_out / sr_in) and torch.isfinite(y).all()


def band_limited_noise(sr, f_max, n):
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal(n))
    spectrum[np.fft.rfftfreq(n, 1 / sr) > f_max] = 0
    return np.fft.irfft(spectrum, n) * 0.1


@pytest.mark.parametrize('sr_in, sr_out', [(96000, 16000), (44100, 16000), (48000, 44100), (16000, 48000)])
def test_agrees_with_soxr_and_scipy(sr_in, sr_out):
    x = band_limited_noise(sr_in, 0.8 * min(sr_in, sr_out) / 2, sr_in // 2)
    y = resample(x, sr_in, sr_out)
    soxr = librosa.resample(x, orig_sr=sr_in, target_sr=sr_out, res_type='soxr_vhq')
    g = math.gcd(sr_in, sr_out)
    up, down = sr_out // g, sr_in // g
    taps = scipy.signal.firwin(240 * max(up, down) + 1, 0.95 / max(up, down), window=('kaiser', 9.0))
    poly = scipy.signal.resample_poly(x, up, down, window=taps)
    assert len(y) == len(soxr) == len(poly)
    assert error_db(y, torch.as_tensor(soxr)) < -60 and error_db(y, torch.as_tensor(poly)) < -60


def test_block_and_group_borders_do_not_show():
    x = torch.randn(40_000, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    whole = resample(x, 1601, 1600)                                # several groups of phases
    part = resample(x[1601:], 1601, 1600)                         # one second later: whole samples on both clocks
    assert (whole[1600:][200:] - part[200:]).abs().max() < 1e-12
    long = resample(x.repeat(10), 6, 1)                              # several blocks
    assert (long[7000:8000] - resample(x.repeat(3), 6, 1)[7000:8000]).abs().max() < 1e-12


def test_batch_dtype_and_device_of_the_input_are_kept():
    x = torch.randn(2, 3, 500, generator=torch.Generator().manual_seed(0))
    y = resample(x, 3, 2)
    assert y.shape == (2, 3, 334) and y.dtype == torch.float32
    assert torch.allclose(y[1, 2], resample(x[1, 2], 3, 2), atol=1e-6)
    assert resample(x.double(), 3, 2).dtype == torch.float64
    assert resample(x, 16000, 16000).equal(x)
    assert resample(x.numpy(), 3, 2).equal(y)


def test_linear_and_differentiable():
    x = torch.randn(1, 30, dtype=torch.float64, requires_grad=True, generator=torch.Generator().manual_seed(0))
    assert torch.autograd.gradcheck(lambda a: resample(a, 3, 2), x)
    assert torch.autograd.gradcheck(lambda a: resample(a, 2, 3), x)


def test_memory_stays_bounded():
    x = torch.randn(96000 * 20)
    resample(x[:96000], 96000, 16000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    resample(x, 96000, 16000)
    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown_mb < 120                                            # frames at full length would be 900 MB


@pytest.mark.parametrize('audio, error', [
    (torch.zeros(0), ValueError), (torch.zeros(3, 0), ValueError), (torch.tensor([0.0, math.nan]), ValueError),
    (torch.tensor([math.inf]), ValueError), (torch.tensor(0.5), ValueError), (torch.zeros(9, dtype=torch.int16), TypeError),
    (np.zeros(9, np.int16), TypeError), ('a.wav', TypeError), (None, TypeError)])
@pytest.mark.parametrize('function', [lambda x: resample(x, 3, 2), lambda x: quantize(x, 8), to_mono])
def test_bad_audio(function, audio, error):
    with pytest.raises(error, match='audio'): function(audio)


@pytest.mark.parametrize('sr, error', [(0, ValueError), (-8000, ValueError), (44100.5, ValueError), (math.nan, ValueError),
                                       (math.inf, ValueError), ('16000', TypeError), (None, TypeError), (True, TypeError)])
def test_bad_rates(sr, error):
    with pytest.raises(error, match='sr_in'): resample(torch.zeros(9), sr, 16000)
    with pytest.raises(error, match='sr_out'): resample(torch.zeros(9), 16000, sr)


def test_whole_rates_of_other_types():
    x = torch.ones(90)
    assert resample(x, 48000.0, np.int64(16000)).equal(resample(x, 48000, 16000))


@pytest.mark.parametrize('f, sr, alias', [(9000, 16000, 7000), (7, 10, 3), (0, 10, 0), (5, 10, 5), (16000, 16000, 0), (-3, 10, 3), (25, 10, 5)])
def test_alias_frequency(f, sr, alias):
    assert alias_frequency(f, sr) == alias
    assert alias_frequency(torch.tensor([float(f)]), sr).tolist() == [alias]
    n = torch.arange(50, dtype=torch.float64)                        # the definition: the samples are the same
    assert torch.allclose(torch.cos(2 * math.pi * f / sr * n), torch.cos(2 * math.pi * alias / sr * n), atol=1e-9)


def test_alias_frequency_bad_input():
    with pytest.raises(ValueError, match='sr'): alias_frequency(5, 0)
    with pytest.raises(ValueError, match='f_hz'): alias_frequency(math.nan, 10)


@pytest.mark.parametrize('bits', [8, 12, 16, 20])
def test_quantize_has_the_noise_of_theory(bits):
    x = sine(997, 16000, 2.0) * 0.99
    snr = 10 * torch.log10(x.square().mean() / (quantize(x, bits) - x).square().mean())
    assert abs(snr - (6.02 * bits + 1.76)) < 0.5


def test_quantize_values_and_clipping():
    y = quantize(torch.tensor([-2.0, -1.0, -0.3, 0.0, 0.3, 0.9, 2.0]), 3)
    assert y.tolist() == [-1.0, -1.0, -0.25, 0.0, 0.25, 0.75, 0.75]
    assert len(quantize(torch.linspace(-1.2, 1.2, 5000), 4).unique()) == 16


def test_dither_makes_the_error_independent_of_the_signal():
    g = torch.Generator().manual_seed(0)
    step = 2.0 ** -7
    for value in (0.0, 0.25, 0.5):                                    # position between two steps
        x = torch.full((200_000,), 0.3 + 0, dtype=torch.float64).fill_(step * (10 + value))
        error = quantize(x, 8, dither=True, generator=g) - x
        assert abs(error.mean()) < 0.01 * step                        # first moment: no bias
        assert error.var().item() == pytest.approx(step ** 2 / 4, rel=0.02)   # second: triangular + rounding, 1/6 + 1/12
    a, b = (quantize(x, 8, True, torch.Generator().manual_seed(5)) for _ in range(2))
    assert a.equal(b)


@pytest.mark.parametrize('bits, error', [(1, ValueError), (25, ValueError), (0, ValueError), (8.0, TypeError), ('8', TypeError), (True, TypeError)])
def test_quantize_bad_bits(bits, error):
    with pytest.raises(error, match='bits'): quantize(torch.zeros(4), bits)


def test_bit_rate_and_mono():
    assert bit_rate(44100, 16, 2) == 1_411_200
    with pytest.raises(ValueError, match='bits'): bit_rate(44100, -16)
    x = torch.tensor([[1.0, 2.0, 3.0], [-1.0, 0.0, 1.0]])
    assert to_mono(x).tolist() == [0, 1, 2] and to_mono(x[0]).equal(x[0]) and to_mono(x.numpy()).tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match='channels first'): to_mono(torch.zeros(100, 2))
    with pytest.raises(ValueError, match=r'\[C, T\]'): to_mono(torch.zeros(2, 2, 100))
