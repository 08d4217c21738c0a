"""display: what a player or picture carries can be read back; bad input is refused by name."""
import base64
import io
import subprocess
import sys

import matplotlib
import numpy as np
import pytest
import soundfile as sf
import torch

from ddsp_course import display

matplotlib.use('Agg')
SR = 16000
TONE = 0.5 * np.sin(2 * np.pi * 440 * np.arange(SR) / SR)


@pytest.fixture(autouse=True)
def close_figures():
    yield
    import matplotlib.pyplot as plt
    plt.close('all')


def decode(page):
    return sf.read(io.BytesIO(base64.b64decode(page.split('base64,')[1].split('"')[0])), always_2d=True)


@pytest.mark.parametrize('sr, mime', [(16000, 'audio/mpeg'), (44100, 'audio/mpeg'), (96000, 'audio/wav'), (7000, 'audio/wav')])
def test_player_carries_the_sound(sr, mime):
    page = display.audio_html(TONE, sr)
    audio, rate = decode(page)
    assert mime in page and rate == sr and len(audio) == len(TONE)
    assert np.sqrt(np.mean((audio[:, 0] - TONE) ** 2)) < 0.02


@pytest.mark.parametrize('audio', [TONE, TONE.astype('float32'), torch.tensor(TONE), torch.tensor(TONE, requires_grad=True), list(TONE)])
def test_accepts_arrays_tensors_and_lists(audio):
    assert '<audio controls' in display.play(audio, SR).data


def test_stereo_keeps_channels_in_order():
    audio, _ = decode(display.audio_html(np.stack([TONE, 0 * TONE]), 96000))
    assert audio.shape == (SR, 2) and np.abs(audio[:, 1]).max() == 0 and np.abs(audio[:, 0]).max() > 0.4


def test_loud_audio_is_scaled_and_says_so_quiet_is_left():
    page = display.audio_html(4 * TONE, 96000, 'loud')
    assert 'loud (scaled by -6.0 dB)' in page and np.abs(decode(page)[0]).max() <= 1
    page = display.audio_html(0.01 * TONE, 96000, 'quiet')
    assert 'scaled' not in page and np.abs(decode(page)[0]).max() == pytest.approx(0.005, rel=0.02)


def test_title_is_escaped():
    page = display.audio_html(TONE, SR, '<script>"x"')
    assert '<script>' not in page and '&lt;script&gt;&quot;x&quot;' in page


@pytest.mark.parametrize('audio, error', [
    ([], ValueError), (np.array([0.1, np.nan]), ValueError), (np.array([0.1, np.inf]), ValueError),
    (np.zeros((SR, 2)), ValueError), (np.zeros((2, 2, 9)), ValueError), (np.float32(0.1), ValueError),
    (np.zeros(9, np.int16), TypeError), ('sound.wav', TypeError), (TONE * 1j, TypeError)])
@pytest.mark.parametrize('function', [display.audio_html, display.plot_waveform])
def test_bad_audio(function, audio, error):
    with pytest.raises(error, match='audio'): function(audio, SR)


@pytest.mark.parametrize('sr, error', [(0, ValueError), (-1, ValueError), (float('nan'), ValueError), ('16000', TypeError), (None, TypeError)])
def test_bad_sample_rate(sr, error):
    with pytest.raises(error, match='sr'): display.audio_html(TONE, sr)


def test_waveform_part():
    ax = display.plot_waveform(np.stack([TONE, TONE]), SR, start=0.25, duration=0.5, title='x')
    t = ax.lines[0].get_xdata()
    assert len(ax.lines) == 2 and len(t) == 8000 and t[0] == 0.25 and ax.get_xlabel() == 'time (s)'
    with pytest.raises(ValueError, match='start=2'): display.plot_waveform(TONE, SR, start=2)


def test_spectrum_overlays_are_told_apart():
    ax = display.plot_spectrum([1., 2.], [0., -6.], label='a')
    assert display.plot_spectrum([1., 2.], [0., -9.], ax=ax, label='b') is ax
    a, b = ax.lines
    assert a.get_color() != b.get_color() and a.get_linestyle() != b.get_linestyle()
    with pytest.raises(ValueError, match='level_db'): display.plot_spectrum([1., 2.], [1.])


def test_spectrogram_cells_lie_around_their_centres():
    level = torch.arange(12.).reshape(3, 4)
    ax = display.plot_spectrogram(level, (1.0, 4.0), (100.0, 300.0))
    assert ax.get_xlim() == (0.5, 4.5) and ax.get_ylim() == (50, 350)
    ax = display.plot_spectrogram(level, freqs_hz=[100, 200, 400])            # uneven, as on a mel scale
    assert ax.get_ylim() == (50, 500) and ax.get_xlabel() == 'frame'
    display.plot_spectrogram(level[:, :1], (0.0, 1.0)[:1])


@pytest.mark.parametrize('kwargs, name', [(dict(times_s=[0., 1., 2.]), 'times_s'), (dict(freqs_hz=(5., 1.)), 'freqs_hz')])
def test_spectrogram_bad_axes(kwargs, name):
    with pytest.raises(ValueError, match=name): display.plot_spectrogram(np.zeros((3, 4)), **kwargs)
    with pytest.raises(ValueError, match='level_db'): display.plot_spectrogram(np.zeros(4))


def test_tracks_allow_nan_only_in_values():
    ax = display.plot_tracks([0., 1., 2.], {'f0': [1., np.nan, 2.]}, 'f0 (Hz)')
    assert np.isnan(ax.lines[0].get_ydata()[1]) and ax.get_ylabel() == 'f0 (Hz)'
    for times, tracks, name in [([0., np.nan], {'a': [1., 2.]}, 'times_s'), ([0., 1.], {'a': [1.]}, "'a'"), ([0.], {}, 'tracks')]:
        with pytest.raises(ValueError, match=name): display.plot_tracks(times, tracks, 'y')
    with pytest.raises(TypeError, match='tracks'): display.plot_tracks([0.], [1.], 'y')


def test_figure_html_closes_the_figure_and_is_reproducible():
    import matplotlib.pyplot as plt
    pages = [display.figure_html(display.plot_waveform(TONE, SR, title='a < b').figure) for _ in range(2)]
    assert pages[0] == pages[1] and 'alt="a &lt; b"' in pages[0] and not plt.get_fignums()
    data = base64.b64decode(pages[0].split('base64,')[1].split('"')[0])
    assert data[:8] == b'\x89PNG\r\n\x1a\n'
    with pytest.raises(TypeError, match='fig'): display.figure_html(plt.subplots()[1])


def test_import_is_light():
    code = ("import sys, ddsp_course.display; "
            "sys.exit(any(m in sys.modules for m in ('matplotlib.pyplot', 'IPython', 'torch')))")
    assert subprocess.run([sys.executable, '-c', code]).returncode == 0
