import math

import numpy as np
import pytest
import torch

from ddsp_course.harmonic import (angular_phase, exact_loudness_db, harmonic_amplitudes, harmonic_synth,
                                  silent_above_nyquist, tone, upsample_hann, upsample_linear)
from ddsp_course.loudness import loudness_db

SR, HOP = 16000, 64


def reference_synth(f0_hz, amplitudes, sr, hop):
    """The formula word by word in float64: f0_hz [F], amplitudes [F, K]."""
    n, at = np.arange(len(f0_hz) * hop), np.arange(len(f0_hz)) * hop
    phase = 2 * np.pi * np.cumsum(np.interp(n, at, f0_hz) / sr)
    y = np.zeros(len(n))
    for k in range(1, amplitudes.shape[1] + 1):
        y += np.interp(n, at, np.where(k * f0_hz < sr / 2, amplitudes[:, k - 1], 0)) * np.sin(k * phase)
    return y


def controls(n_batch=2, n_frames=100, n_harmonics=20, low=60., high=3000., seed=0):
    rng = np.random.default_rng(seed)
    f0 = np.exp(rng.uniform(np.log(low), np.log(high), (n_batch, n_frames)))
    return torch.tensor(f0), torch.tensor(rng.random((n_batch, n_frames, n_harmonics)) / n_harmonics)


@pytest.mark.parametrize('hop', [1, 7, 64])
def test_linear_is_interpolation_with_the_end_held(hop):
    values = torch.randn(2, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    up = upsample_linear(values, hop)
    for row, got in zip(values, up):
        assert np.allclose(np.interp(np.arange(9 * hop), np.arange(9) * hop, row), got, atol=1e-12)
    columns = upsample_linear(values[..., None].expand(2, 9, 3), hop)
    assert columns.shape == (2, 9 * hop, 3) and torch.allclose(columns[..., 2], up)


def test_hann_is_overlap_add_of_windows():
    values = np.random.default_rng(0).standard_normal(9)
    window = 0.5 - 0.5 * np.cos(np.pi * np.arange(2 * HOP) / HOP)
    total = np.zeros(11 * HOP)
    for i, v in enumerate([*values, values[-1]]):
        total[i * HOP:(i + 2) * HOP] += v * window
    assert np.allclose(upsample_hann(torch.tensor(values)[None], HOP)[0], total[HOP:10 * HOP], atol=1e-12)


@pytest.mark.parametrize('upsample', [upsample_linear, upsample_hann])
def test_upsampling_keeps_frames_and_constants(upsample):
    values = torch.rand(1, 12, 2, generator=torch.Generator().manual_seed(0))
    assert torch.equal(upsample(values, HOP)[:, ::HOP], values)
    assert torch.equal(upsample(torch.full((1, 5), 0.3), HOP), torch.full((1, 5 * HOP), 0.3))


@pytest.mark.parametrize('f0_hz', [440.1, 1999.7])
def test_phase_does_not_drift_in_ten_minutes(f0_hz):
    f0 = torch.full((1, 600 * SR // HOP), f0_hz)
    phase = angular_phase(f0, SR, HOP)[0]
    n = torch.arange(1, len(phase) + 1, dtype=torch.float64)
    error = (phase / (2 * math.pi) - f0[0, 0].double() * n / SR + 0.5) % 1 - 0.5
    assert phase.dtype == torch.float64 and 0 <= phase.min() and phase.max() < 2 * math.pi
    assert 2 * math.pi * error.abs().max() < 1e-5


def test_phase_is_the_inclusive_sum_of_interpolated_f0():
    f0 = np.linspace(100, 1000, 20)
    exact = np.cumsum(np.interp(np.arange(20 * HOP), np.arange(20) * HOP, f0)) / SR
    assert np.allclose(angular_phase(torch.tensor(f0)[None], SR, HOP)[0] / (2 * np.pi), exact % 1, atol=1e-9)


def test_nothing_at_or_above_nyquist():
    f0 = torch.tensor([[999.9, 1000.0, 1000.1, 8000.0]])
    masked = silent_above_nyquist(torch.ones(1, 4, 10), f0, SR)
    assert masked.sum(-1).tolist() == [[8, 7, 7, 0]]
    assert torch.equal(masked[0, 1], torch.tensor([1.] * 7 + [0.] * 3))


def test_amplitudes_sum_to_total_after_the_mask():
    f0 = torch.tensor([[200., 900., 5000., 9000.]])
    shares = torch.rand(1, 4, 30, generator=torch.Generator().manual_seed(0), requires_grad=True)
    total = torch.tensor([[0.5, 0.2, 1.0, 1.0]])
    amplitudes = harmonic_amplitudes(total, shares, f0, SR)
    assert torch.allclose(amplitudes.sum(-1), torch.tensor([[0.5, 0.2, 1.0, 0.0]]))
    assert (amplitudes[0, 1, 8:] == 0).all() and (amplitudes[0, 1, :8] > 0).all()
    amplitudes.square().sum().backward()
    assert torch.isfinite(shares.grad).all() and (shares.grad[0, 3] == 0).all()


@pytest.mark.parametrize('sr, hop, n_harmonics', [(16000, 64, 20), (16000, 160, 60), (44100, 49, 5), (800, 1, 1)])
def test_synth_equals_the_formula(sr, hop, n_harmonics):
    f0, amplitudes = controls(n_harmonics=n_harmonics)
    audio = harmonic_synth(f0, amplitudes, sr, hop)
    single = harmonic_synth(f0.float(), amplitudes.float(), sr, hop)
    assert audio.dtype == torch.float64 and single.dtype == torch.float32
    for b in range(2):
        exact = reference_synth(f0[b].numpy(), amplitudes[b].numpy(), sr, hop)
        assert np.allclose(audio[b], exact, atol=1e-9)
        exact = reference_synth(f0[b].float().double().numpy(), amplitudes[b].numpy(), sr, hop)
        assert np.allclose(single[b], exact, atol=1e-4)


def test_synth_stays_exact_after_minutes():
    f0, amplitudes = torch.full((1, 15000), 441.3), torch.full((1, 15000, 18), 1 / 18)
    audio = harmonic_synth(f0, amplitudes, SR, HOP)[0]
    n = torch.arange(len(audio) - 1000, len(audio), dtype=torch.float64) + 1
    exact = sum(torch.sin(2 * math.pi * k * f0[0, 0].double() * n / SR) for k in range(1, 19)) / 18
    assert (audio[-1000:] - exact).abs().max() < 1e-4


def test_silent_columns_change_nothing():
    f0 = torch.full((1, 30), 700.0)
    amplitudes = torch.rand(1, 30, 60, generator=torch.Generator().manual_seed(0), requires_grad=True)
    audio = harmonic_synth(f0, amplitudes, SR, HOP)
    assert torch.equal(audio, harmonic_synth(f0, amplitudes[..., :11], SR, HOP))       # 12 * 700 > 8000
    audio.square().sum().backward()
    assert (amplitudes.grad[..., 11:] == 0).all() and (amplitudes.grad[..., :11] != 0).all()


def test_all_above_nyquist_is_silence_with_gradients():
    f0, amplitudes = torch.full((1, 4), 9000.0, requires_grad=True), torch.rand(1, 4, 3, requires_grad=True)
    audio = harmonic_synth(f0, amplitudes, SR, HOP)
    audio.sum().backward()
    assert audio.shape == (1, 256) and (audio == 0).all() and (amplitudes.grad == 0).all() and (f0.grad == 0).all()


def test_gradients_are_exact():
    f0 = torch.tensor([[51., 70, 90], [121, 303, 290]], dtype=torch.float64, requires_grad=True)
    amplitudes = torch.rand(2, 3, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    assert torch.autograd.gradcheck(lambda f, a: harmonic_synth(f, a, 800, 8), (f0, amplitudes))
    total = torch.rand(2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda t, d: harmonic_amplitudes(t, d, f0.detach(), 800), (total, amplitudes))
    assert torch.autograd.gradcheck(lambda f: upsample_hann(f, 5), f0)


def test_float32_gradients_near_float64():
    f0, amplitudes = (x.requires_grad_() for x in controls(n_frames=200, low=200, high=900))
    weights = torch.randn(2, 200 * HOP, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    exact = torch.autograd.grad((harmonic_synth(f0, amplitudes, SR, HOP) * weights).sum(), (f0, amplitudes))
    single = [x.detach().float().requires_grad_() for x in (f0, amplitudes)]
    got = torch.autograd.grad((harmonic_synth(*single, SR, HOP) * weights.float()).sum(), single)
    for e, g in zip(exact, got):
        assert (e - g).abs().max() < 1e-4 * e.abs().max()


def test_zero_amplitudes_still_learn():
    amplitudes = torch.zeros(1, 20, 5, requires_grad=True)
    (harmonic_synth(torch.full((1, 20), 220.), amplitudes, SR, HOP) - 0.1).square().sum().backward()
    assert (amplitudes.grad != 0).all()


def test_batch_entries_are_independent():
    f0, amplitudes = controls(n_batch=3)
    alone = torch.cat([harmonic_synth(f0[b:b + 1], amplitudes[b:b + 1], SR, HOP) for b in range(3)])
    assert torch.allclose(harmonic_synth(f0, amplitudes, SR, HOP), alone, atol=1e-12)


def test_tone_has_its_pitch_and_harmonics():
    audio = tone(np.full(250, 500.0), np.array([0.4, 0.0, 0.1]), SR, HOP)              # NumPy in; 1 s: bins of 1 Hz
    amplitude = torch.fft.rfft(audio).abs() / (SR / 2)
    assert audio.shape == (SR,)
    assert torch.allclose(amplitude[[500, 1000, 1500, 2000]], torch.tensor([0.4, 0, 0.1, 0], dtype=torch.float64), atol=1e-6)
    assert torch.equal(audio, tone(torch.full((250,), 500.0, dtype=torch.float64), torch.tensor([[0.4, 0, 0.1]] * 250, dtype=torch.float64), SR, HOP))


def test_exact_loudness():
    assert exact_loudness_db(torch.tensor([1000.0]), torch.tensor([1.0])).item() == pytest.approx(-3.01, abs=0.005)
    assert exact_loudness_db(torch.tensor([100.0]), torch.tensor([1.0])).item() == pytest.approx(-3.01 - 19.1, abs=0.1)  # IEC 61672 table
    assert exact_loudness_db(torch.tensor([500.0]), torch.zeros(3)).item() == -80
    f0, amplitudes = torch.linspace(150, 600, 250), torch.tensor([0.3, 0.2, 0.1, 0.2])
    measured = loudness_db(tone(f0, amplitudes, SR, HOP), SR)
    assert (exact_loudness_db(f0, amplitudes) - measured)[8:-8].abs().max() < 0.2


F0, AMPLITUDES = torch.full((1, 4), 200.0), torch.ones(1, 4, 3)


@pytest.mark.parametrize('call, error, word', [
    (lambda: harmonic_synth(F0[:, :3], AMPLITUDES, SR, HOP), ValueError, 'f0_hz'),
    (lambda: harmonic_synth(F0[0], AMPLITUDES[0], SR, HOP), ValueError, 'f0_hz'),
    (lambda: harmonic_synth(-F0, AMPLITUDES, SR, HOP), ValueError, 'f0_hz'),
    (lambda: harmonic_synth(F0 * math.nan, AMPLITUDES, SR, HOP), ValueError, 'f0_hz'),
    (lambda: harmonic_synth(F0.int(), AMPLITUDES, SR, HOP), TypeError, 'f0_hz'),
    (lambda: harmonic_synth(F0, AMPLITUDES * math.inf, SR, HOP), ValueError, 'amplitudes'),
    (lambda: harmonic_synth(F0[:, :0], AMPLITUDES[:, :0], SR, HOP), ValueError, 'f0_hz'),
    (lambda: harmonic_synth(F0, AMPLITUDES, SR, -64), ValueError, 'hop_length'),
    (lambda: harmonic_synth(F0, AMPLITUDES, 0, HOP), ValueError, 'sr'),
    (lambda: harmonic_amplitudes(F0[0], AMPLITUDES, F0, SR), ValueError, 'total'),
    (lambda: harmonic_amplitudes(F0, AMPLITUDES[:, :2], F0, SR), ValueError, 'amplitudes|distribution'),
    (lambda: upsample_linear(F0[0], HOP), ValueError, 'controls'),
    (lambda: upsample_hann(F0, 1.5), ValueError, 'hop_length'),
    (lambda: tone(F0, AMPLITUDES[0, 0], SR, HOP), ValueError, 'f0_hz'),
    (lambda: tone(F0[0], AMPLITUDES[0, :3], SR, HOP), ValueError, 'amplitudes'),
    (lambda: exact_loudness_db(F0[0], AMPLITUDES[0, :3]), ValueError, 'amplitudes'),
])
def test_bad_input_names_the_parameter(call, error, word):
    with pytest.raises(error, match=word):
        call()
