"""layers: blocks against their formulas, their gradients, and bad input."""
import math

import numpy as np
import pytest
import torch
from torch import nn

from ddsp_course.layers import GRU, MLP, count_parameters, exp_sigmoid


def test_exp_sigmoid_values():
    x = torch.linspace(-12, 12, 101, dtype=torch.float64)
    expected = 2 * (1 / (1 + np.exp(-x.numpy()))) ** np.log(10) + 1e-7
    assert np.allclose(exp_sigmoid(x), expected, rtol=1e-12)
    assert exp_sigmoid(torch.tensor(0.0)).item() == pytest.approx(2 * 0.5 ** math.log(10) + 1e-7)


def test_exp_sigmoid_limits_and_slope():
    x = torch.tensor([-1e4, -200.0, -30.0, 0.0, 30.0, 1e4], requires_grad=True)
    y = exp_sigmoid(x)
    y.sum().backward()
    assert y[0].item() == pytest.approx(1e-7) and y[-1].item() == pytest.approx(2)
    assert (y.diff() >= 0).all() and torch.isfinite(x.grad).all() and (x.grad >= 0).all()
    a, b = 20 * torch.log10(exp_sigmoid(torch.tensor([-4.0, -5.0])))
    assert 19.5 < a - b < 20
    assert torch.autograd.gradcheck(exp_sigmoid, torch.linspace(-6, 4, 9, dtype=torch.float64, requires_grad=True))


@pytest.mark.parametrize('x', [1.0, None, np.zeros(3), torch.zeros(3, dtype=torch.int64)])
def test_exp_sigmoid_bad_input(x):
    with pytest.raises(TypeError, match='x must'): exp_sigmoid(x)


def test_mlp_is_linear_norm_leaky_relu_three_times():
    torch.manual_seed(0)
    mlp = MLP(2, 7).double()
    x = torch.randn(3, 5, 2, dtype=torch.float64)
    expected = x.numpy()
    for linear, norm, _ in mlp.layers:
        v = expected @ linear.weight.detach().numpy().T + linear.bias.detach().numpy()
        v = (v - v.mean(-1, keepdims=True)) / np.sqrt(v.var(-1, keepdims=True) + 1e-5)
        expected = np.where(v > 0, v, 0.01 * v)                      # gamma 1, beta 0 at the start
    assert len(mlp.layers) == 3 and mlp(x).shape == (3, 5, 7)
    assert np.allclose(mlp(x).detach(), expected, atol=1e-12)


def test_mlp_treats_frames_apart_and_gradients_are_right():
    torch.manual_seed(0)
    mlp = MLP(3, 5, 2).double()
    x = torch.randn(2, 4, 3, dtype=torch.float64, requires_grad=True)
    changed = x.detach().clone()
    changed[0, 1] += 1
    moved = (mlp(changed) - mlp(x)).abs().sum(-1) > 0
    assert moved.sum() == 1 and moved[0, 1]
    assert torch.autograd.gradcheck(mlp, x)


def test_layers_do_not_share_weights():
    mlp = MLP(6, 6, 3)
    assert count_parameters(mlp) == 3 * (6 * 6 + 6 + 2 * 6)


@pytest.mark.parametrize('args, name, error', [
    ((0, 4), 'n_in', ValueError), ((3, -1), 'n_hidden', ValueError), ((3, 4, 0), 'n_layers', ValueError),
    ((3.0, 4), 'n_in', TypeError), ((3, '4'), 'n_hidden', TypeError), ((3, 4, True), 'n_layers', TypeError)])
def test_mlp_bad_sizes(args, name, error):
    with pytest.raises(error, match=name): MLP(*args)


def test_mlp_says_which_shape_it_wants():
    with pytest.raises(ValueError, match=r'x must have shape \[..., 3\], got \(2, 4\)'): MLP(3, 4)(torch.zeros(2, 4))


def formula(x, weight_ih, weight_hh, bias_ih, bias_hh):
    "The GRU of Cho et al. as PyTorch's documentation writes it, in NumPy: [B, T, I] -> [B, T, H]."
    def sigmoid(v): return 1 / (1 + np.exp(-v))
    h, states = np.zeros((len(x), weight_hh.shape[1])), []
    for x_t in np.swapaxes(x, 0, 1):
        from_x, from_h = (np.split(v @ w.T + b, 3, axis=-1) for v, w, b in ((x_t, weight_ih, bias_ih), (h, weight_hh, bias_hh)))
        r, z = (sigmoid(from_x[i] + from_h[i]) for i in (0, 1))
        h = (1 - z) * np.tanh(from_x[2] + r * from_h[2]) + z * h
        states.append(h)
    return np.stack(states, 1)


def test_gru_is_its_formula_and_torchs():
    torch.manual_seed(1)
    ours, theirs = GRU(3, 5), nn.GRU(3, 5, batch_first=True)
    theirs.load_state_dict(ours.state_dict())                          # same names, same shapes
    x = torch.randn(2, 40, 3)
    assert torch.allclose(ours(x), theirs(x)[0], atol=1e-6)
    assert np.allclose(ours(x).detach(), formula(x.numpy(), *(p.detach().numpy() for p in ours.parameters())), atol=1e-6)


def test_gru_remembers_and_neither_looks_ahead_nor_mixes_clips():
    torch.manual_seed(2)
    network, x = GRU(3, 5).double(), torch.randn(3, 20, 3, dtype=torch.float64)
    changed = x.clone()
    changed[1, 8] += 1
    moved = (network(changed) - network(x)).abs().amax(-1) > 1e-12
    assert moved[1, 8:13].all() and not moved[1, :8].any() and not moved[[0, 2]].any()
    assert (network(x[:, 10:])[:, 0] - network(x)[:, 10]).abs().max() > 1e-3              # each call starts from a zero state


def test_gru_gradients():
    torch.manual_seed(3)
    network, x = GRU(2, 3).double(), torch.randn(2, 4, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x, *weights: torch.func.functional_call(network, dict(zip(dict(network.named_parameters()), weights)), (x,)),
                                    (x, *network.parameters()))


@pytest.mark.parametrize('args, name, error', [((0, 4), 'n_in', ValueError), ((3, 2.0), 'n_hidden', TypeError), ((3, False), 'n_hidden', TypeError)])
def test_gru_bad_sizes(args, name, error):
    with pytest.raises(error, match=name): GRU(*args)


@pytest.mark.parametrize('shape', [(20, 3), (2, 20, 4), (2, 3, 20, 3)])
def test_gru_says_which_shape_it_wants(shape):
    with pytest.raises(ValueError, match=r'x must have shape \[B, T, 3\], got'): GRU(3, 4)(torch.zeros(shape))


@pytest.mark.parametrize('module, n', [(nn.GRU(4, 6), 216), (nn.Linear(3, 2, bias=False), 6), (nn.ReLU(), 0)])
def test_count_parameters(module, n):
    assert count_parameters(module) == n


def test_count_parameters_frozen_shared_and_wrong():
    linear = nn.Linear(3, 2)
    assert count_parameters(nn.Sequential(linear, linear)) == 8
    linear.bias.requires_grad_(False)
    assert count_parameters(linear) == 6
    with pytest.raises(TypeError, match='module'): count_parameters([linear])
