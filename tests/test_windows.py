"""windows: against SciPy and torch, and their numbers against theory and Harris (1978)."""
import math

import numpy as np
import pytest
import scipy.signal
import torch

from ddsp_course import windows
from ddsp_course.windows import blackman, hamming, hann, rectangular, window, window_metrics

NAMES = {'rectangular': 'boxcar', 'hann': 'hann', 'hamming': 'hamming', 'blackman': 'blackman'}


@pytest.mark.parametrize('name', NAMES)
@pytest.mark.parametrize('length', [1, 2, 3, 8, 255, 1024])
@pytest.mark.parametrize('periodic', [True, False])
def test_equal_to_scipy(name, length, periodic):
    w = window(name, length, periodic)
    assert w.dtype == torch.float32 and w.shape == (length,) and (w >= 0).all()
    assert np.allclose(w, scipy.signal.get_window(NAMES[name], length, fftbins=periodic), atol=1e-7)
    assert getattr(windows, name)(length, periodic).equal(w)


def test_periodic_is_the_default():
    assert hann(8)[1].item() == pytest.approx(0.1464, abs=1e-4) and hann(8, periodic=False)[1].item() == pytest.approx(0.1883, abs=1e-4)
    assert hann(8, periodic=False)[-1] == 0 and hamming(64)[0].item() == pytest.approx(0.08)


@pytest.mark.parametrize('w, hop, total', [(hann, 512, 1.0), (hann, 256, 2.0), (hamming, 512, 1.08), (blackman, 256, 1.68), (rectangular, 512, 2.0)])
def test_periodic_windows_add_up_to_a_constant(w, hop, total):
    assert torch.allclose(w(1024).reshape(-1, hop).sum(0), torch.full((hop,), total), atol=1e-6)


def test_symmetric_hann_ripples():
    s = hann(1024, periodic=False).reshape(2, 512).sum(0)
    assert 1e-3 < s.max() - s.min() < 2e-3


@pytest.mark.parametrize('name, lobe, side, roll_off, gain, enbw, scalloping', [       # Harris 1978, table I; Hamming, Blackman with a = 0.54, 0.42
    ('rectangular', 2, -13.3, -6, 1.0, 1.0, 3.92), ('hann', 4, -31.5, -18, 0.5, 1.5, 1.42),
    ('hamming', 4, -42.7, -6, 0.54, 1.363, 1.75), ('blackman', 6, -58.1, -18, 0.42, 1.727, 1.10)])
@pytest.mark.parametrize('length', [512, 1001])
def test_metrics(name, lobe, side, roll_off, gain, enbw, scalloping, length):
    m = window_metrics(window(name, length))
    assert m['main_lobe_bins'] == pytest.approx(lobe, abs=0.05)
    assert m['side_lobe_db'] == pytest.approx(side, abs=0.15)
    assert m['roll_off_db'] == pytest.approx(roll_off, abs=0.3)
    assert m['coherent_gain'] == pytest.approx(gain, abs=1e-3)
    assert m['enbw_bins'] == pytest.approx(enbw, abs=1e-3)
    assert m['scalloping_db'] == pytest.approx(scalloping, abs=0.01)


def test_metrics_do_not_depend_on_scale_but_for_the_gain():
    a, b = window_metrics(hann(256)), window_metrics(3 * hann(256).numpy())
    assert b.pop('coherent_gain') == pytest.approx(3 * a.pop('coherent_gain'))
    assert a == pytest.approx(b, rel=1e-4)


def test_roll_off_of_a_triangle_and_of_short_windows():
    assert window_metrics(scipy.signal.get_window('bartlett', 1000))['roll_off_db'] == pytest.approx(-12, abs=0.3)      # a kink at the edge
    assert math.isnan(window_metrics(hann(255))['roll_off_db']) and not math.isnan(window_metrics(hann(256))['roll_off_db'])


def test_metrics_of_a_flat_top():
    m = window_metrics(scipy.signal.get_window('flattop', 512))
    assert m['main_lobe_bins'] == pytest.approx(10, abs=0.1) and m['scalloping_db'] < 0.02 and m['side_lobe_db'] < -85
    assert all(type(v) is float and math.isfinite(v) for v in m.values())


@pytest.mark.parametrize('length, error', [(0, ValueError), (-4, ValueError), (8.0, TypeError), ('8', TypeError), (True, TypeError), (None, TypeError)])
def test_bad_length(length, error):
    with pytest.raises(error, match='length'): hann(length)


@pytest.mark.parametrize('name', ['hanning', '', None, 3, ['hann']])
def test_bad_name(name):
    with pytest.raises((ValueError, TypeError), match='name must be one of'): window(name, 8)


@pytest.mark.parametrize('w', [torch.ones(7), torch.ones(2, 16), torch.zeros(16), -torch.ones(16), torch.full((16,), math.nan), []])
def test_bad_window_for_metrics(w):
    with pytest.raises(ValueError, match='w must'): window_metrics(w)
