"""Mel scale, filter bank and MFCC against librosa and SciPy."""
import math
import warnings

import librosa
import numpy as np
import pytest
import scipy.fft
import torch

from ddsp_course.mel import LOG_FLOOR, dct_matrix, hz_to_mel, log_mel, mel_filterbank, mel_to_hz, mfcc

SR = 16000


def noise(*shape, seed=0):
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize('htk', [False, True])
def test_scales_equal_librosa_and_invert(htk):
    f_hz = np.array([0, 20, 440, 999.9, 1000, 1000.1, 4000, 22050])
    mels = hz_to_mel(f_hz, htk)
    assert np.allclose(mels, librosa.hz_to_mel(f_hz, htk=htk), rtol=1e-12)
    assert np.allclose(mel_to_hz(mels, htk), f_hz, rtol=1e-10, atol=1e-10)


def test_published_points_of_the_scales():
    assert hz_to_mel(1000.0).item() == pytest.approx(15)
    assert hz_to_mel(6400.0).item() == pytest.approx(42)                    # 27 steps for a factor 6.4
    assert hz_to_mel(1000.0, htk=True).item() == pytest.approx(1000, abs=0.02)


@pytest.mark.parametrize('sr, n_fft, settings', [
    (16000, 1024, dict(n_mels=128, fmin=20., fmax=8000.)), (16000, 1024, dict(n_mels=40, fmin=0., fmax=None)),
    (44100, 2048, dict(n_mels=80, fmin=55., fmax=7600.)), (8000, 512, dict(n_mels=1, fmin=0., fmax=4000.))])
def test_filterbank_equals_librosa(sr, n_fft, settings):
    ours = mel_filterbank(sr, n_fft, **settings)
    theirs = librosa.filters.mel(sr=sr, n_fft=n_fft, **settings)
    assert ours.dtype == torch.float32 and ours.shape == theirs.shape
    assert np.abs(ours.numpy() - theirs).max() < 1e-5 * theirs.max()


def test_filterbank_warns_of_empty_filters_only():
    with pytest.warns(UserWarning, match='no FFT bin'):
        mel_filterbank(SR, 256, 128)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        mel_filterbank(SR, 1024, 128)


@pytest.mark.parametrize('n_samples', [8000, 8001])
def test_log_mel_equals_librosa(n_samples):
    x = noise(2, n_samples).double()                         # in double, as float32 rounds near the floor
    ours = log_mel(x, SR)
    power = librosa.feature.melspectrogram(y=x.numpy(), sr=SR, n_fft=1024, hop_length=64, fmin=20.)
    assert ours.shape == (2, 128, math.ceil(n_samples / 64))
    assert np.abs(ours.numpy() - np.log(power + LOG_FLOOR)[..., :ours.shape[-1]]).max() < 1e-4
    assert (log_mel(x.float(), SR) - ours).abs().max() < 1e-3


def test_dct_equals_scipy_and_is_orthonormal():
    x = np.random.default_rng(0).normal(size=(5, 40))
    assert np.allclose(x @ dct_matrix(13, 40).double().numpy().T, scipy.fft.dct(x, norm='ortho')[:, :13], atol=1e-5)
    full = dct_matrix(40, 40)
    assert torch.allclose(full @ full.T, torch.eye(40), atol=1e-6)


def test_mfcc_equals_librosa():
    x = noise(SR)
    ours = mfcc(x, SR).numpy()
    settings = dict(sr=SR, n_fft=1024, hop_length=64, n_mels=128, fmin=20., fmax=8000.)
    theirs = librosa.feature.mfcc(y=x.numpy(), n_mfcc=30, **settings).T[:len(ours)] * math.log(10) / 10
    assert ours.shape == (250, 30)
    assert np.abs(ours - theirs).max() < 1e-2                 # the floors differ, the signal is far above both
    bands = np.log(librosa.feature.melspectrogram(y=x.numpy(), **settings) + LOG_FLOOR)
    assert np.abs(ours - librosa.feature.mfcc(S=bands, n_mfcc=30).T[:len(ours)]).max() < 1e-4         # the same floor


def test_doubling_the_amplitude_moves_c0_only():
    x = noise(3, SR)
    change = mfcc(2 * x, SR, 13, 40) - mfcc(x, SR, 13, 40)
    assert torch.allclose(change[..., 0], torch.tensor(math.log(4) * math.sqrt(40)), atol=1e-2)
    assert change[..., 1:].abs().max() < 1e-2


def test_silence_and_low_sample_rates():
    silent = torch.zeros(1000, requires_grad=True)
    out = mfcc(silent, SR)
    assert torch.allclose(out[:, 0].detach(), torch.tensor(math.log(LOG_FLOOR) * math.sqrt(128)), rtol=1e-5)
    out.sum().backward()
    assert torch.isfinite(silent.grad).all()
    assert torch.isfinite(mfcc(noise(1000), 8000)).all()      # fmax is clipped to 4 kHz


def test_gradcheck():
    x = noise(1, 64).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: mfcc(x, 1000, 4, 6, n_fft=32, hop_length=16), x)


@pytest.mark.parametrize('settings', [
    dict(sr=0), dict(n_fft=-4), dict(n_mels=0), dict(fmin=-1.), dict(fmin=9000.), dict(fmax=9000.),
    dict(fmin=100., fmax=50.), dict(fmax=math.nan)])
def test_bad_filterbank_settings(settings):
    with pytest.raises(ValueError, match=list(settings)[-1]):
        mel_filterbank(**{'sr': SR, 'n_fft': 1024, **settings})


def test_bad_input():
    with pytest.raises(ValueError, match='audio'):
        mfcc(torch.tensor([math.nan, 1.0]), SR)
    with pytest.raises(ValueError, match='n_out'):
        mfcc(noise(100), SR, n_mfcc=41, n_mels=40)
    with pytest.raises(ValueError, match='f_hz'):
        hz_to_mel(-1.0)
    with pytest.raises(TypeError, match='n_out'):
        dct_matrix('4', 8)
