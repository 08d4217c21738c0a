import librosa
import numpy as np
import pytest
import torch

from ddsp_course.losses import EPSILON, multiscale_spectral_loss, spectral_terms


def noise(seed, n=8192, dtype=torch.float32):
    return torch.randn(2, n, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def test_terms_agree_with_librosa():
    y, x, n_fft = noise(0, dtype=torch.float64), noise(1, dtype=torch.float64), 256
    n_frames = -(-y.shape[-1] // (n_fft // 4))
    s_y, s_x = (np.abs(librosa.stft(a.numpy(), n_fft=n_fft, hop_length=n_fft // 4, pad_mode="constant"))[..., :n_frames] / n_fft**0.5 for a in (y, x))
    linear, logarithmic = spectral_terms(y, x, n_fft)
    assert float(linear) == pytest.approx(np.abs(s_y - s_x).mean(), rel=1e-6)
    assert float(logarithmic) == pytest.approx(np.abs(np.log(s_y + EPSILON) - np.log(s_x + EPSILON)).mean(), rel=1e-6)


def test_is_the_sum_over_sizes():
    y, x = noise(0), noise(1)
    parts = sum(float(multiscale_spectral_loss(y, x, (n,))) for n in (512, 64))
    assert float(multiscale_spectral_loss(y, x, (512, 64))) == pytest.approx(parts, rel=1e-6)


def test_zero_for_equal_and_positive_for_different_sounds():
    x = noise(0)
    assert multiscale_spectral_loss(x, x) < 1e-6
    assert multiscale_spectral_loss(0.5 * x, x) > 1


def test_noise_level_does_not_depend_on_the_size():
    "Division by sqrt(n_fft): the linear term of white noise against silence is the same at every size."
    x = noise(3, 65536)
    values = [float(spectral_terms(torch.zeros_like(x), x, n)[0]) for n in (2048, 256, 64)]
    assert max(values) / min(values) < 1.05


def test_gradient_in_float64():
    x = noise(0, 200, torch.float64)
    y = noise(1, 200, torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda y: multiscale_spectral_loss(y, x, (64, 32)), y)


def test_silence_has_a_finite_gradient():
    y = torch.zeros(1, 4096, requires_grad=True)
    multiscale_spectral_loss(y, noise(0, 4096)[:1]).backward()
    assert y.grad.isfinite().all()


@pytest.mark.parametrize("y, x", [(torch.zeros(2, 0), torch.zeros(2, 0)), (torch.zeros(1, 100), torch.zeros(1, 101))])
def test_bad_shapes(y, x):
    with pytest.raises(ValueError, match="y must have shape|must have the same shape"):
        multiscale_spectral_loss(y, x)
