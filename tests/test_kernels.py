"""The fast kernels: equal to the plain reference in value and gradient, switched by one switch, never a condition for anything."""
import subprocess
import sys
import warnings

import pytest
import torch

from ddsp_course import kernels, kernels_harmonic, kernels_training
from ddsp_course.harmonic import harmonic_synth
from ddsp_course.kernels import use_kernels
from ddsp_course.layers import GRU
from ddsp_course.losses import multiscale_spectral_loss, spectral_target
from ddsp_course.model import DDSP, ModelConfig

SR = 16000


def random(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def relative(a, b):
    "Largest difference of two tensors, relative to the largest value of b."
    return float((a.double() - b.double()).abs().max() / b.abs().max().clamp_min(1e-9))


def gradients(function, weight, *inputs):
    "Value of function(*inputs) and gradients of its product with `weight`, all inputs and weights in the inputs' dtype."
    inputs = [x.detach().clone().requires_grad_() for x in inputs]
    y = function(*inputs)
    (y * weight.to(y.dtype)).sum().backward()
    return y.detach(), [x.grad for x in inputs]


@pytest.fixture(autouse=True)
def kernels_on():
    with use_kernels(True):
        yield


def test_kernels_are_used():
    x = torch.ones(1)
    for kernel in (kernels_harmonic.harmonic, kernels_training.spectral_loss, kernels_training.gru):
        assert kernels.enabled(kernel, x)
        assert not kernels.enabled(kernel, x.double())
        with use_kernels(False):
            assert not kernels.enabled(kernel, x)
        assert kernels.enabled(kernel, x)


@pytest.mark.parametrize("hop", [64, 160, 256])
@pytest.mark.parametrize("low, high", [(20, 25), (60, 80), (200, 900), (50, 12000), (0, 100)])
def test_harmonic_value_and_gradients(low, high, hop):
    n_harmonics = 100
    f0_hz = low + (high - low) * random(3, 31)
    f0_hz[0, :20] = low                                                     # also steady, and for low = 0 standing still
    amplitudes, weight = random(3, 31, n_harmonics, seed=1) / n_harmonics, random(3, 31 * hop, seed=2) - 0.5
    run = lambda f, a: harmonic_synth(f, a, SR, hop)
    y, (grad_f0, grad_a) = gradients(run, weight, f0_hz, amplitudes)
    reference, (reference_f0, reference_a) = gradients(run, weight, f0_hz.double(), amplitudes.double())
    assert (y - reference).abs().max() < 5e-6
    assert relative(grad_f0, reference_f0) < 1e-5 and relative(grad_a, reference_a) < 1e-5


@pytest.mark.parametrize("n_batch, n_frames, n_harmonics, hop", [(1, 1, 1, 1), (1, 2, 7, 3), (5, 3, 8, 65), (2, 7, 61, 64)])
def test_harmonic_odd_sizes(n_batch, n_frames, n_harmonics, hop):
    f0_hz, amplitudes = 100 + 300 * random(n_batch, n_frames), random(n_batch, n_frames, n_harmonics)
    weight, run = random(n_batch, n_frames * hop, seed=3), lambda f, a: harmonic_synth(f, a, SR, hop)
    y, grads = gradients(run, weight, f0_hz, amplitudes)
    reference, reference_grads = gradients(run, weight, f0_hz.double(), amplitudes.double())
    assert y.shape == reference.shape and (y - reference).abs().max() < 5e-6 * n_harmonics
    assert all(relative(g, r) < 2e-5 for g, r in zip(grads, reference_grads))


def test_harmonic_on_the_edge_of_nyquist():
    "Harmonics that touch half the sample rate are silent in the kernel exactly where they are in the reference."
    f0_hz = torch.tensor([[100.0, 80.0, 8000.0, 7999.9995, 8000.001, 160.0, 1e-30, 0.0]])
    amplitudes = torch.ones(1, 8, 100)
    fast = harmonic_synth(f0_hz, amplitudes, SR, 16)
    with use_kernels(False):
        plain = harmonic_synth(f0_hz, amplitudes, SR, 16)
    assert (fast - plain).abs().max() < 1e-3 and torch.isfinite(fast).all()


def test_harmonic_without_drift():
    "Ten minutes of one sine, against the closed form of its phase."
    f0, hop = 440.1, 160
    f0_hz = torch.full((1, 600 * SR // hop), f0)
    y = harmonic_synth(f0_hz, torch.ones(1, f0_hz.shape[1], 1), SR, hop)[0]
    n = torch.arange(len(y) - SR, len(y), dtype=torch.float64)
    assert (y[-SR:] - torch.sin(2 * torch.pi * (f0_hz[0, 0].double() * (n + 1) / SR % 1))).abs().max() < 5e-6


def test_harmonic_gradient_only_to_amplitudes():
    f0_hz, amplitudes = 100 + random(2, 5), random(2, 5, 9).requires_grad_()
    harmonic_synth(f0_hz, amplitudes, SR, 64).sum().backward()
    assert f0_hz.grad is None and torch.isfinite(amplitudes.grad).all()


@pytest.mark.parametrize("shape", [(2, 16000), (3, 1001), (1, 63), (4, 1), (5000,), (2, 2, 700)])
def test_loss_value_and_gradient(shape):
    y, x = 0.2 * (random(*shape) - 0.5), 0.2 * (random(*shape, seed=1) - 0.5)
    loss, (grad,) = gradients(lambda y: multiscale_spectral_loss(y, x), torch.ones(()), y)
    reference, (reference_grad,) = gradients(lambda y: multiscale_spectral_loss(y, x.double()), torch.ones(()), y.double())
    assert float(loss) == pytest.approx(float(reference), rel=1e-6)
    error = (grad.double() - reference_grad).norm() / reference_grad.norm()
    assert error < 1e-3, "beyond the rounding of 1 / magnitude where a bin is nearly silent"


def test_loss_of_silence_is_finite():
    silent, sound = torch.zeros(1, 2000), random(1, 2000)
    for y, x in ((silent, silent), (silent, sound), (sound, silent)):
        loss, (grad,) = gradients(lambda y: multiscale_spectral_loss(y, x), torch.ones(()), y)
        assert torch.isfinite(loss) and torch.isfinite(grad).all()
    assert float(multiscale_spectral_loss(silent, silent)) < 1e-6 and float(multiscale_spectral_loss(sound, sound)) < 1e-6


def test_loss_with_a_prepared_target():
    y, x = random(2, 3000), random(2, 3000, seed=1)
    target = spectral_target(x, (512, 64))
    assert multiscale_spectral_loss(y, target) == multiscale_spectral_loss(y, x, (512, 64))
    with use_kernels(False):                                                # a target of one kind serves the other
        assert float(multiscale_spectral_loss(y, target)) == pytest.approx(float(multiscale_spectral_loss(y, x, (512, 64))), rel=1e-5)
    with pytest.raises(ValueError, match="same shape"):
        multiscale_spectral_loss(y[:, 1:], target)
    with pytest.raises(ValueError, match="n_ffts"):
        spectral_target(x, (63,))


def test_loss_still_has_a_gradient_to_the_reference_sound():
    y, x = random(1, 900), random(1, 900, seed=1).requires_grad_()
    multiscale_spectral_loss(y, x, (64,)).backward()
    assert x.grad.abs().sum() > 0


@pytest.mark.parametrize("n_batch, n_frames, n_in, n_hidden", [(4, 40, 20, 16), (3, 17, 5, 7), (1, 9, 30, 64), (5, 21, 40, 30), (2, 1, 1, 1)])
def test_gru_value_and_gradients(n_batch, n_frames, n_in, n_hidden):
    torch.manual_seed(0)
    fast, reference = GRU(n_in, n_hidden), torch.nn.GRU(n_in, n_hidden, batch_first=True)
    reference.load_state_dict(fast.state_dict())
    reference, x, weight = reference.double(), 2 * random(n_batch, n_frames, n_in) - 1, random(n_batch, n_frames, n_hidden, seed=1)
    y, (grad,) = gradients(fast, weight, x)
    expected, (expected_grad,) = gradients(lambda x: reference(x)[0], weight, x.double())
    assert (y - expected).abs().max() < 2e-6 and relative(grad, expected_grad) < 1e-5
    for name, parameter in fast.named_parameters():
        assert relative(parameter.grad, dict(reference.named_parameters())[name].grad) < 1e-5, name


def test_gru_with_large_weights_saturates_without_nan():
    network = GRU(3, 4)
    with torch.no_grad():
        for p in network.parameters():
            p.mul_(1e4)
    x = random(2, 6, 3).requires_grad_()
    y = network(x)
    y.sum().backward()
    assert torch.isfinite(y).all() and y.abs().max() <= 1 and torch.isfinite(x.grad).all()


def test_threads_share_the_batch(monkeypatch):
    "With two threads and work that pays, the result is the same to the bit."
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    seen = []
    kernels.by_rows(lambda first, last: seen.append((first, last)), 5, 1e9)
    assert sorted(seen) == [(0, 2), (2, 5)]
    f0_hz, amplitudes = 100 + 300 * random(3, 400), random(3, 400, 100)
    two = gradients(lambda f, a: harmonic_synth(f, a, SR, 160), torch.ones(()), f0_hz, amplitudes)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    one = gradients(lambda f, a: harmonic_synth(f, a, SR, 160), torch.ones(()), f0_hz, amplitudes)
    assert torch.equal(one[0], two[0]) and all(torch.equal(a, b) for a, b in zip(one[1], two[1]))


def test_an_error_in_a_thread_is_not_lost(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    with pytest.raises(ZeroDivisionError):
        kernels.by_rows(lambda first, last: 1 / (first - 2), 4, 1e9)


def test_a_kernel_that_fails_is_replaced_and_says_so_once():
    def broken(x):
        raise AssertionError("never called")

    def trial():
        raise RuntimeError("no compiler")
    broken.trial = trial
    with pytest.warns(UserWarning, match="no compiler"):
        assert not kernels.enabled(broken, torch.ones(1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not kernels.enabled(broken, torch.ones(1))


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_first_use_without_gradients(mode):
    "The trial needs gradients even where the caller does not."
    kernels._works.cache_clear()
    with mode():
        assert all(kernels.enabled(k, torch.ones(1)) for k in (kernels_harmonic.harmonic, kernels_training.spectral_loss, kernels_training.gru))
        assert float(multiscale_spectral_loss(GRU(4, 9)(random(2, 64, 4))[..., 0], random(2, 64), (16,))) > 0


def test_without_numba():
    "The library works without numba: one warning a kernel, the plain result."
    code = """
import sys
sys.modules["numba"] = None
import warnings
import torch
from ddsp_course.harmonic import harmonic_synth
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    for _ in range(2):
        y = harmonic_synth(torch.full((1, 4), 100.0), torch.ones(1, 4, 3), 16000, 64)
assert len(caught) == 1 and "numba" in str(caught[0].message), caught
print(float(y.abs().sum()))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    with use_kernels(False):
        expected = harmonic_synth(torch.full((1, 4), 100.0), torch.ones(1, 4, 3), SR, 64).abs().sum()
    assert float(done.stdout) == pytest.approx(float(expected), rel=1e-6)


def test_fast_matmul_only_where_it_is_exact(monkeypatch):
    assert kernels.matmul_error("highest") < 1e-6
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    before = torch.get_float32_matmul_precision()
    for amd, medium_error, expected in ((False, 1e-7, before), (True, 1e-7, "medium"), (True, 1e-3, before)):
        monkeypatch.setattr(kernels, "_is_amd", lambda: amd)
        monkeypatch.setattr(kernels, "matmul_error", lambda precision: medium_error if precision == "medium" else 1e-7)
        with kernels.fast_matmul():
            assert torch.get_float32_matmul_precision() == expected
        assert torch.get_float32_matmul_precision() == before


def test_one_training_step_is_the_same_with_and_without():
    "Loss and all gradients of the whole model."
    features = {"f0_hz": 200 + 300 * random(2, 50), "loudness_db": -40 + 20 * random(2, 50, seed=1), "mfcc": random(2, 50, 30, seed=2)}
    audio, results = 0.1 * (random(2, 50 * 160, seed=3) - 0.5), []
    for on in (True, False):
        torch.manual_seed(0)
        net = DDSP(ModelConfig(hop_length=160, n_harmonics=40, hidden=32))
        with use_kernels(on):
            loss = multiscale_spectral_loss(net.synthesize(net(features), torch.Generator().manual_seed(1)), audio)
            loss.backward()
        results.append((loss.item(), torch.cat([p.grad.flatten() for p in net.parameters()])))
    (loss, grad), (plain_loss, plain_grad) = results
    assert loss == pytest.approx(plain_loss, rel=1e-5)
    assert (grad - plain_grad).norm() / plain_grad.norm() < 1e-3
