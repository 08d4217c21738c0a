import math

import numpy as np
import pytest
import torch

from ddsp_course.noise import filtered_noise, impulse_responses
from ddsp_course.stft import overlap_add


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def naive(taps, white, hop):
    """Block by block with np.convolve: taps [F, L], white [F, hop]."""
    n_frames, length = taps.shape
    out = np.zeros(n_frames * hop + length - 1)
    for i in range(n_frames):
        out[i * hop:(i + 1) * hop + length - 1] += np.convolve(white[i], taps[i])
    return out[length // 2:length // 2 + n_frames * hop]


def by_transforms(magnitudes, hop):
    """All blocks by FFT, with the numbers of `seeded()`."""
    taps = impulse_responses(magnitudes)
    n_batch, n_frames, length = taps.shape
    white = torch.rand(n_batch, n_frames, hop, dtype=taps.dtype, generator=seeded()) * 2 - 1
    n_fft = hop + length - 1
    blocks = torch.fft.irfft(torch.fft.rfft(white, n_fft) * torch.fft.rfft(taps, n_fft), n_fft)
    return overlap_add(blocks, hop)[:, length // 2:length // 2 + n_frames * hop]


@pytest.mark.parametrize('n_bands', [2, 3, 65])
def test_taps_are_centred_symmetric_and_windowed(n_bands):
    magnitudes = torch.rand(4, n_bands, dtype=torch.float64, generator=seeded())
    taps, n_taps = impulse_responses(magnitudes), 2 * (n_bands - 1)
    assert taps.shape == (4, n_taps) and torch.allclose(taps[:, 1:], taps[:, 1:].flip(-1), atol=1e-15)
    unwindowed = np.roll(np.fft.irfft(magnitudes.numpy(), n_taps), n_bands - 1, axis=-1)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_taps) / n_taps)
    assert np.allclose(taps, unwindowed * hann, atol=1e-15)


def test_response_is_the_smoothed_magnitudes_without_delay():
    magnitudes = torch.rand(65, dtype=torch.float64, generator=seeded())
    response = torch.fft.rfft(torch.fft.ifftshift(impulse_responses(magnitudes)))
    m = torch.cat([magnitudes[1:2], magnitudes, magnitudes[-2:-1]])
    assert torch.allclose(response.real, m[1:-1] / 2 + (m[:-2] + m[2:]) / 4) and response.imag.abs().max() < 1e-12


@pytest.mark.parametrize('n_bands, hop', [(2, 64), (5, 64), (33, 64), (65, 64), (65, 10), (65, 1), (9, 7)])
def test_equals_the_naive_version(n_bands, hop):
    magnitudes = torch.rand(2, 13, n_bands, dtype=torch.float64, generator=seeded(1))
    white = torch.rand(2, 13, hop, dtype=torch.float64, generator=seeded(2)) * 2 - 1
    audio = filtered_noise(magnitudes, hop, seeded(2))
    assert audio.shape == (2, 13 * hop) and audio.dtype == torch.float64
    for b in range(2):
        assert np.allclose(audio[b], naive(impulse_responses(magnitudes)[b].numpy(), white[b].numpy(), hop), atol=1e-12)


@pytest.mark.parametrize('n_bands, hop, shape', [(65, 64, (4, 50)), (65, 160, (4, 20)), (33, 441, (1, 5)), (2, 3, (1, 1)), (6, 11, (2, 7)), (128, 1, (3, 40))])
def test_sound_and_gradient_equal_those_of_the_transforms(n_bands, hop, shape):
    magnitudes = torch.rand(*shape, n_bands, generator=seeded(1)).requires_grad_()
    wanted = torch.randn(shape[0], shape[1] * hop, generator=seeded(2))
    sounds, gradients = [], []
    for audio in (filtered_noise(magnitudes, hop, seeded()), by_transforms(magnitudes, hop)):
        sounds.append(audio.detach())
        gradients += torch.autograd.grad((audio * wanted).sum(), magnitudes)
    torch.testing.assert_close(sounds[0], sounds[1], rtol=0, atol=1e-6)
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-5, atol=2e-6 * gradients[1].abs().max().item())


def test_constants_made_in_inference_serve_training():
    with torch.inference_mode():
        filtered_noise(torch.rand(1, 2, 47), 29)                                        # sizes that no other test uses
    magnitudes = torch.rand(1, 2, 47, requires_grad=True)
    filtered_noise(magnitudes, 29).square().sum().backward()
    assert magnitudes.grad.abs().min() > 0


def test_gain_one_is_white_uniform_noise():
    audio = filtered_noise(torch.ones(1, 2000, 65), 64, seeded())[0]
    white = (torch.rand(1, 2000, 64, generator=seeded()) * 2 - 1).flatten()
    assert torch.allclose(audio, white, atol=1e-5)                                      # delay compensated
    assert 10 * torch.log10(audio.square().mean()).item() == pytest.approx(-4.77, abs=0.05)


def test_spectrum_is_the_wanted_one():
    wanted = np.exp(-((np.linspace(0, 1, 65) - 0.3) / 0.15) ** 2) + 0.05
    audio = filtered_noise(torch.tensor(wanted).expand(1, 8000, 65), 64, seeded())[0].numpy()
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1024) / 1024)
    power = (np.abs(np.fft.rfft(audio.reshape(-1, 1024) * hann)) ** 2).mean(0) / np.sum(hann ** 2)
    gain = np.sqrt(3 * power)
    assert np.abs(20 * np.log10(gain[8:-8] / np.interp(np.linspace(0, 1, 513), np.linspace(0, 1, 65), wanted)[8:-8])).max() < 1.5


def test_tails_ring_into_the_next_block():
    magnitudes = torch.zeros(1, 3, 65)
    magnitudes[0, 1, 10] = 1                                                            # only the middle block sounds
    audio = filtered_noise(magnitudes, 64, seeded())[0]
    assert audio[:64].abs().max() > 1e-4 and audio[128:].abs().max() > 1e-4             # zero phase: both sides


def test_seed_repeats_and_differs():
    magnitudes = torch.rand(1, 20, 9, generator=seeded())
    first = filtered_noise(magnitudes, 32, seeded(5))
    assert torch.equal(first, filtered_noise(magnitudes, 32, seeded(5)))
    assert not torch.equal(first, filtered_noise(magnitudes, 32, seeded(6)))
    state = torch.get_rng_state()
    filtered_noise(magnitudes, 32, seeded(5))
    assert torch.equal(state, torch.get_rng_state())                                    # torch's own source is left alone


def test_gradient_reaches_the_magnitudes_exactly():
    magnitudes = torch.rand(2, 3, 5, dtype=torch.float64, generator=seeded()).requires_grad_()
    for hop in (1, 4, 13):                                                              # shorter and longer than the 8 taps
        assert torch.autograd.gradcheck(lambda m: filtered_noise(m, hop, seeded()), magnitudes)
    assert torch.autograd.gradcheck(impulse_responses, magnitudes)


def test_numpy_in_and_float32_out():
    assert filtered_noise(np.ones((1, 4, 9), np.float32), 16, seeded()).dtype == torch.float32


@pytest.mark.parametrize('magnitudes, hop, error, word', [
    (torch.ones(1, 4, 1), 64, ValueError, 'magnitudes'),
    (torch.ones(4, 9), 64, ValueError, 'magnitudes'),
    (torch.ones(1, 0, 9), 64, ValueError, 'magnitudes'),
    (torch.full((1, 4, 9), math.nan), 64, ValueError, 'magnitudes'),
    (torch.tensor([0.5, 1.0, -math.inf]).expand(1, 4, 3), 64, ValueError, 'magnitudes'),
    (torch.ones(1, 4, 9, dtype=torch.int64), 64, TypeError, 'magnitudes'),
    (torch.ones(1, 4, 9), 0, ValueError, 'hop_length'),
    (torch.ones(1, 4, 9), 'long', TypeError, 'hop_length'),
])
def test_bad_input_names_the_parameter(magnitudes, hop, error, word):
    with pytest.raises(error, match=word):
        filtered_noise(magnitudes, hop)
