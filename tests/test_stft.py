"""Framing, STFT and its inverse against torch, librosa and plain loops."""
import math

import librosa
import numpy as np
import pytest
import torch

from ddsp_course.stft import (as_audio, check_whole, frame, istft, n_frames, overlap_add, spectrogram,
                              stft, to_db)


def noise(*shape, dtype=torch.float32, seed=0):
    return torch.rand(*shape, dtype=dtype, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@pytest.mark.parametrize('n_samples, hop_length, expected',
                         [(0, 64, 0), (1, 64, 1), (64, 64, 1), (65, 64, 2), (64000, 64, 1000)])
def test_n_frames_is_ceil(n_samples, hop_length, expected):
    assert n_frames(n_samples, hop_length) == expected


@pytest.mark.parametrize('length', [1, 5, 63, 64, 65, 300])
@pytest.mark.parametrize('frame_length, hop_length', [(32, 8), (33, 8), (16, 16), (5, 12)])
def test_frame_is_centred_on_multiples_of_the_hop(length, frame_length, hop_length):
    x, left = noise(length), frame_length // 2
    frames = frame(x, frame_length, hop_length)
    assert frames.shape == (math.ceil(length / hop_length), frame_length)
    for i, row in enumerate(frames):
        for n in range(frame_length):
            at = i * hop_length - left + n
            assert row[n] == (x[at] if 0 <= at < length else 0)


def test_overlap_add_equals_a_loop_and_is_the_adjoint_of_framing():
    frames = noise(2, 3, 7, 20, dtype=torch.float64)
    expected = torch.zeros(2, 3, 6 * 8 + 20, dtype=torch.float64)
    for i in range(7):
        expected[..., i * 8:i * 8 + 20] += frames[..., i, :]
    assert torch.allclose(overlap_add(frames, 8), expected)


@pytest.mark.parametrize('n_fft, hop_length', [(1024, 256), (64, 16), (100, 30), (65, 16)])
@pytest.mark.parametrize('length', [4000, 4096, 4097])
def test_stft_equals_torch_and_librosa(n_fft, hop_length, length):
    x = noise(2, length)
    ours = stft(x, n_fft, hop_length)
    assert ours.shape == (2, n_fft // 2 + 1, math.ceil(length / hop_length))
    theirs = torch.stft(x, n_fft, hop_length, window=torch.hann_window(n_fft), center=True,
                        pad_mode='constant', return_complex=True)
    both = min(ours.shape[-1], theirs.shape[-1])
    assert both >= ours.shape[-1] - 1
    assert torch.allclose(ours[..., :both], theirs[..., :both], atol=1e-4)
    reference = librosa.stft(x.numpy(), n_fft=n_fft, hop_length=hop_length, pad_mode='constant')
    assert np.abs(ours[..., :both].numpy() - reference[..., :both]).max() < 1e-4


@pytest.mark.parametrize('window', ['hann', 'hamming', 'rectangular', 'blackman'])
def test_windows_by_name(window):
    tone = torch.cos(2 * math.pi * 8 / 64 * torch.arange(640.0))
    peak = stft(tone, 64, 16, window)[8, 20].abs()
    gain = {'hann': 0.5, 'hamming': 0.54, 'rectangular': 1.0, 'blackman': 0.42}[window]
    assert peak == pytest.approx(gain * 32, rel=0.01)


@pytest.mark.parametrize('n_fft, hop_length', [(1024, 256), (512, 64), (1024, 480), (101, 25)])
def test_round_trip_float32_any_length(n_fft, hop_length):
    for length in [*range(1, 40), hop_length, hop_length + 1, n_fft, 3 * n_fft, 5000]:
        x = noise(2, length)
        y = istft(stft(x, n_fft, hop_length), n_fft, hop_length, length)
        assert y.shape == x.shape and (y - x).abs().max() < 1e-5, length


@pytest.mark.parametrize('n_fft', [64, 101, 1024])
@pytest.mark.parametrize('window', ['hann', 'rectangular'])
def test_round_trip_at_half_overlap_float64(n_fft, window):
    hop_length = n_fft // 2
    for length in [1, hop_length - 1, hop_length, hop_length + 1, 4 * hop_length]:
        x = noise(length, dtype=torch.float64)
        y = istft(stft(x, n_fft, hop_length, window), n_fft, hop_length, length, window)
        assert (y - x).abs().max() < 1e-8, length


def test_istft_equals_torch_away_from_the_tail():
    spec = torch.complex(noise(513, 30, seed=1), noise(513, 30, seed=2))
    theirs = torch.istft(spec, 1024, 256, window=torch.hann_window(1024), center=True)
    ours = istft(spec, 1024, 256, 30 * 256)
    assert torch.allclose(ours[:6000], theirs[:6000], atol=1e-5)


def test_spectrogram_scale_and_db():
    tone = 0.5 * torch.sin(2 * math.pi * 1000 * torch.arange(16000) / 16000)
    assert spectrogram(tone)[64, 20] == pytest.approx(0.5 * 512 / 2, rel=1e-3)
    x = spectrogram(tone)
    assert torch.allclose(spectrogram(tone, power=2.0), x ** 2)
    assert torch.allclose(to_db(x), to_db(x ** 2, power=2.0), atol=1e-3)
    assert to_db(torch.tensor([0.0, 1.0, 10.0, 0.5])).tolist() == pytest.approx([-100, 0, 20, -6.0206], abs=1e-3)
    assert to_db(torch.tensor([0.0]), floor_db=-60.0).item() == pytest.approx(-60)


def test_gradients():
    x = noise(2, 40, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: spectrogram(x, 16, 4), x)
    assert torch.autograd.gradcheck(lambda x: istft(stft(x, 16, 4), 16, 4, 40), x)
    silent = torch.zeros(100, requires_grad=True)
    to_db(spectrogram(silent, 16, 4)).sum().backward()
    assert torch.isfinite(silent.grad).all()


def test_keeps_dtype_and_accepts_numpy():
    assert stft(np.zeros(100), 16, 4).dtype == torch.complex128
    assert stft(np.zeros(100, dtype=np.float32), 16, 4).dtype == torch.complex64


@pytest.mark.parametrize('audio, error', [
    (torch.tensor([]), ValueError), (torch.tensor(1.0), ValueError), (torch.tensor([1.0, math.nan]), ValueError),
    (torch.tensor([math.inf]), ValueError), (torch.ones(9, dtype=torch.int16), TypeError),
    (torch.ones(9, dtype=torch.complex64), TypeError), ('sound', TypeError)])
def test_bad_audio(audio, error):
    with pytest.raises(error, match='audio' if not isinstance(audio, str) else None):
        stft(audio, 16, 4)


@pytest.mark.parametrize('value, error', [(0, ValueError), (-1, ValueError), (2.5, ValueError), (math.nan, ValueError),
                                          ('4', TypeError), (None, TypeError), (True, TypeError)])
def test_bad_hop(value, error):
    with pytest.raises(error, match='hop_length'):
        stft(torch.zeros(100), 16, value)


def test_bad_spectra():
    spec = stft(torch.zeros(100), 16, 4)
    with pytest.raises(ValueError, match='spec'):
        istft(spec, 16, 4, 200)
    with pytest.raises(ValueError, match='hop_length'):
        istft(stft(torch.zeros(100), 16, 9), 16, 9, 100)
    with pytest.raises(TypeError, match='magnitude'):
        to_db(spec)
    with pytest.raises(ValueError, match='negative'):
        to_db(torch.tensor([-1.0]))
    with pytest.raises(ValueError, match='power'):
        spectrogram(torch.zeros(100), power=0)


def test_checks_return_what_they_checked():
    assert check_whole(np.int64(3), 'n') == 3 and isinstance(check_whole(3.0, 'n'), int)
    x = torch.zeros(3, requires_grad=True)
    assert as_audio(x) is x
