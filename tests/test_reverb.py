import math

import numpy as np
import pytest
import scipy.signal
import torch

from ddsp_course.reverb import Reverb, convolve, energy_decay_db, rt60, synthetic_ir

SR = 16000


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize('n_samples, n_taps', [(1, 1), (1000, 1), (1000, 200), (1000, 1000), (300, 1000), (1, 50)])
def test_convolve_equals_scipy(n_samples, n_taps):
    x = torch.randn(2, n_samples, dtype=torch.float64, generator=seeded())
    h = torch.randn(n_taps, dtype=torch.float64, generator=seeded(1))
    y = convolve(x, h)
    assert y.shape == x.shape and y.dtype == torch.float64
    for b in range(2):
        assert np.allclose(y[b], scipy.signal.fftconvolve(x[b], h)[:n_samples], atol=1e-10)
    assert torch.allclose(convolve(x[0], h), y[0])


def test_convolve_is_linear_not_circular():
    x, h = torch.zeros(100), torch.zeros(50)
    x[90], h[0], h[30] = 1, 1, 0.5
    y = convolve(x, h)
    assert torch.allclose(y, x, atol=1e-6)                                              # the echo at 120 is cut, not wrapped


def test_convolve_gradients():
    x = torch.randn(2, 9, dtype=torch.float64, generator=seeded()).requires_grad_()
    h = torch.randn(12, dtype=torch.float64, generator=seeded(1)).requires_grad_()
    assert torch.autograd.gradcheck(convolve, (x, h))


@pytest.mark.parametrize('true', [0.2, 1.0, 3.0])
def test_rt60_of_an_exact_decay(true):
    time = torch.arange(int(3 * true * SR), dtype=torch.float64) / SR
    for fall_db in (20, 30.0):
        assert rt60(10 ** (-3 * time / true), SR, fall_db) == pytest.approx(true, rel=1e-3)


@pytest.mark.parametrize('fall_db', [20, 30])
def test_rt60_is_the_line_through_its_range(fall_db):
    time = np.arange(3 * SR) / SR
    taps = 10 ** (-3 * time / 0.4) + 0.02 * 10 ** (-3 * time / 2.0)                     # two slopes: T20 and T30 differ
    curve = 10 * np.log10(np.cumsum(taps[::-1] ** 2)[::-1] / np.sum(taps ** 2))
    chosen = (curve <= -5) & (curve >= -5 - fall_db)
    slope = np.polyfit(time[chosen], curve[chosen], 1)[0]
    assert rt60(torch.tensor(taps), SR, fall_db) == pytest.approx(-60 / slope, rel=1e-6)
    assert rt60(torch.tensor(taps), SR, 30) > 1.1 * rt60(torch.tensor(taps), SR, 20)


@pytest.mark.parametrize('true', [0.3, 1.0, 2.0])
def test_synthetic_room_has_its_rt60_and_energy_one(true):
    room = synthetic_ir(true, 2 * true, SR, seeded())
    assert room.shape == (round(2 * true * SR),) and room.dtype == torch.float32
    assert room.square().sum().item() == pytest.approx(1, rel=1e-4)
    assert rt60(room, SR) == pytest.approx(true, rel=0.1)
    assert torch.equal(room, synthetic_ir(true, 2 * true, SR, seeded()))


def test_noise_floor_and_cut_mislead_t20():
    clean = synthetic_ir(1.0, 4.0, SR, seeded()).double()
    noise = torch.randn(len(clean), dtype=torch.float64, generator=seeded(1)) * clean[:100].std() * 10 ** -1.5
    assert rt60(clean + noise, SR) > 3 and 0.6 < rt60(clean[:int(0.3 * SR)], SR) < 0.85


def test_energy_decay_curve():
    level = energy_decay_db(torch.tensor([3.0, 0.0, 4.0]))
    assert torch.allclose(level, 10 * torch.log10(torch.tensor([25, 16, 16], dtype=torch.float64) / 25))


@pytest.mark.parametrize('kind', ['ir', 'decay'])
def test_reverb_starts_near_silence_and_keeps_the_dry_sound(kind):
    reverb, x = Reverb(SR, 0.5, kind), torch.randn(2, 4000, generator=seeded())
    h = reverb.impulse_response()
    assert h.shape == (8000,) and h[0] == 1 and 0 < h[1:].square().sum() < 0.01
    assert (reverb(x) - x).norm() < 0.1 * x.norm()
    click = torch.zeros(1, 8000)
    click[0, 0] = 1
    assert torch.allclose(reverb(click)[0], h, atol=1e-6)


@pytest.mark.parametrize('kind, n_parameters', [('ir', 799), ('decay', 2)])
def test_gradient_reaches_every_parameter(kind, n_parameters):
    reverb = Reverb(SR, 0.05, kind)
    reverb(torch.randn(1, 2000, generator=seeded())).square().sum().backward()
    assert sum(p.numel() for p in reverb.parameters()) == n_parameters
    assert all((p.grad != 0).all() for p in reverb.parameters())


@pytest.mark.parametrize('kind', ['ir', 'decay'])
def test_reverb_gradcheck(kind):
    reverb = Reverb(100, 0.08, kind).double()
    x = torch.randn(1, 6, dtype=torch.float64, generator=seeded())
    names, values = zip(*reverb.named_parameters())
    def wet(*values): return torch.func.functional_call(reverb, dict(zip(names, values)), (x,))
    assert torch.autograd.gradcheck(wet, tuple(v.detach().requires_grad_() for v in values))


@pytest.mark.parametrize('kind', ['ir', 'decay'])
def test_state_round_trip(kind, tmp_path):
    reverb = Reverb(SR, 0.1, kind, seed=3)
    torch.save(reverb.state_dict(), tmp_path / 'r.pt')
    other = Reverb(SR, 0.1, kind)
    assert not torch.equal(other.impulse_response(), reverb.impulse_response())
    other.load_state_dict(torch.load(tmp_path / 'r.pt', weights_only=True))
    assert torch.equal(other.impulse_response(), reverb.impulse_response())


def test_seed_repeats():
    assert torch.equal(Reverb(SR, 0.1, seed=1).tail, Reverb(SR, 0.1, seed=1).tail)


def test_reverb_recovers_a_known_room():
    truth = torch.cat([torch.zeros(1), 0.5 * synthetic_ir(0.05, 0.06, 4000, seeded())[1:]])
    dry = torch.randn(4, 2000, generator=seeded(1)) * 0.3
    wet, reverb = dry + convolve(dry, truth), Reverb(4000, 0.06)
    optimizer = torch.optim.Adam(reverb.parameters(), 5e-3)
    for _ in range(150):
        optimizer.zero_grad()
        (reverb(dry) - wet).square().mean().backward()
        optimizer.step()
    assert (reverb.impulse_response()[1:] - truth[1:]).norm() < 0.05 * truth.norm()


@pytest.mark.parametrize('call, error, word', [
    (lambda: convolve(torch.zeros(0), torch.ones(3)), ValueError, 'audio'),
    (lambda: convolve(torch.ones(9), torch.ones(2, 3)), ValueError, 'impulse_response'),
    (lambda: convolve(torch.ones(9) * math.nan, torch.ones(3)), ValueError, 'audio'),
    (lambda: convolve(torch.ones(9).int(), torch.ones(3)), TypeError, 'audio'),
    (lambda: Reverb(0), ValueError, 'sr'),
    (lambda: Reverb(SR, -1.0), ValueError, 'seconds'),
    (lambda: Reverb(SR, '1'), TypeError, 'seconds'),
    (lambda: Reverb(SR, 1e-5), ValueError, 'seconds'),
    (lambda: Reverb(SR, kind='plate'), ValueError, 'kind'),
    (lambda: rt60(torch.zeros(100), SR), ValueError, 'impulse_response'),
    (lambda: rt60(torch.tensor([1.0, 0.0]), SR), ValueError, 'impulse_response'),
    (lambda: rt60(torch.ones(2, 100), SR), ValueError, 'impulse_response'),
    (lambda: rt60(torch.ones(100), SR, -20), ValueError, 'fall_db'),
    (lambda: rt60(torch.ones(100), SR, '20'), TypeError, 'fall_db'),
    (lambda: synthetic_ir(0.0, 1.0, SR), ValueError, 'rt60_s'),
    (lambda: synthetic_ir(1.0, math.nan, SR), ValueError, 'seconds'),
])
def test_bad_input_names_the_parameter(call, error, word):
    with pytest.raises(error, match=word):
        call()
