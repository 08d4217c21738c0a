"""Generation without input audio: rests, range, frame rates, repeatability, and the independent check."""
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from ddsp_course.generation import adherence, generate, generate_blocks, resample_profile
from ddsp_course.harmonic import tone
from ddsp_course.loudness import loudness_db
from ddsp_course.model import DDSP, ModelConfig
from ddsp_course.pitch import fill_unvoiced
from ddsp_course.prior import LatentPrior
from ddsp_course.profiles import Profile

STATISTICS = {'loudness_db': {'mean': -30.0, 'std': 5.0}}


def network(**choices):
    torch.manual_seed(0)
    return DDSP(ModelConfig(**{**dict(z_dims=3, hidden=16, encoder_hidden=8, n_harmonics=20, statistics=STATISTICS), **choices})).eval()


def prior(dims=3):
    z = torch.randn(40, dims, generator=torch.Generator().manual_seed(1))
    z[20:] += 8
    return LatentPrior.fit(z, components=2)


def melody(frame_rate=250, level=-30.0):
    "0.4 s at 330 Hz, 0.4 s rest, 0.4 s at 440 Hz."
    n = round(0.4 * frame_rate)
    f0 = torch.cat([torch.full((n,), 330.0), torch.zeros(n), torch.full((n,), 440.0)])
    return Profile(f0, torch.where(f0 > 0, level, -80.0), frame_rate)


def test_length_type_and_repeatability():
    net, p = network(), prior()
    sound = generate(net, p, melody(), seed=3)
    assert sound.shape == (300 * 64,) and sound.dtype == torch.float32 and torch.isfinite(sound).all()
    assert torch.equal(sound, generate(net, p, melody(), seed=3))
    assert not torch.equal(sound, generate(net, p, melody(), seed=4))


def test_rests_are_silent_and_notes_are_not():
    sound = generate(network(), prior(), melody())
    assert sound[64 * 105:64 * 195].abs().max() < 1e-7           # five frames of noise filter and fade on each side
    assert sound[64 * 20:64 * 80].square().mean() > 1e-6 and sound[64 * 220:64 * 280].square().mean() > 1e-6


def test_one_z_is_held_and_comes_from_the_prior():
    net, p, seen = network(), prior(), []
    net.decoder.register_forward_pre_hook(lambda module, arguments: seen.append(arguments[2]))
    generate(net, p, melody(), seed=5, component=1, temperature=0.5)
    torch.testing.assert_close(seen[0], p.sample(1, 5, 0.5, 1))


def test_component_changes_the_sound():
    net, p = network(), prior()
    assert not torch.equal(*(generate(net, p, melody(), component=k) for k in (0, 1)))


def test_loudness_is_limited_to_the_training_range_and_said():
    net, p = network(), prior()
    with pytest.warns(UserWarning, match='200 of 200 voiced frames'):
        loud = generate(net, p, melody(level=0.0))
    with warnings.catch_warnings():
        warnings.simplefilter('error')                            # at the edge and below in rests: nothing to say
        edge = generate(net, p, melody(level=-15.0))
    # before the rest, nothing differs: -15 dB is mean + 3 std
    assert torch.equal(loud[:64 * 90], edge[:64 * 90])


@pytest.mark.parametrize('rate', [50, 100, 250, 333.0, 1000])
def test_profile_frame_rate_does_not_change_the_music(rate):
    f0, level = resample_profile(melody(rate), 250)
    assert abs(len(f0) - 300) <= 1
    wrong = (~torch.isclose(f0[:300], melody().f0_hz[:len(f0)])).float().mean()
    assert wrong < 0.03
    assert len(generate(network(), prior(), melody(rate))) == len(f0) * 64


def test_pitch_is_interpolated_in_octaves_and_never_into_a_rest():
    f0, level = resample_profile(Profile(torch.tensor([100.0, 400.0, 0.0]), torch.tensor([-10.0, -20.0, -80.0]), 10), 20)
    np.testing.assert_allclose(f0, [100, 200, 400, 0, 0, 0], rtol=1e-5)
    np.testing.assert_allclose(level, [-10, -15, -20, -80, -80, -80], rtol=1e-5)


def test_same_rate_is_the_identity():
    f0, level = resample_profile(melody(), 250)
    np.testing.assert_allclose(f0, melody().f0_hz, rtol=1e-6)
    assert torch.equal(level, melody().loudness_db)


def test_harmonic_only_model_and_reverb_model():
    assert generate(network(n_noise=0), prior(), melody()).shape == (19200,)
    assert torch.isfinite(generate(network(reverb='decay', reverb_seconds=0.2), prior(), melody())).all()


@pytest.mark.parametrize('net, p, profile, message', [
    (dict(z_dims=0), 3, melody(), 'z_dims is 0'),
    (dict(), 2, melody(), '3 dimensions'),
    (dict(), 3, SimpleNamespace(f0_hz=torch.zeros(5), loudness_db=torch.zeros(5), frame_rate=250), 'voiced'),
    (dict(), 3, SimpleNamespace(f0_hz=torch.zeros(0), loudness_db=torch.zeros(0), frame_rate=250), 'one length'),
    (dict(), 3, SimpleNamespace(f0_hz=torch.ones(3), loudness_db=torch.zeros(4), frame_rate=250), 'one length'),
    (dict(), 3, SimpleNamespace(f0_hz=torch.tensor([1.0, float('nan')]), loudness_db=torch.zeros(2), frame_rate=250), 'finite'),
])
def test_bad_input_is_refused(net, p, profile, message):
    with pytest.raises(ValueError, match=message):
        generate(network(**net), prior(p), profile)


def test_unknown_component_is_refused():
    with pytest.raises(ValueError, match='component'):
        generate(network(), prior(), melody(), component=7)


@pytest.fixture(scope='module')
def played():
    "A tone that follows the melody exactly, with rests."
    profile = melody()
    amplitudes = 0.1 / torch.arange(1, 6) * (profile.f0_hz > 0)[:, None]
    filled = torch.where(profile.f0_hz > 0, profile.f0_hz, 440.0)
    return tone(filled, amplitudes, 16000, 64)


def test_adherence_of_the_right_sound(played):
    profile = Profile(melody().f0_hz, loudness_db(played, 16000, frame_rate=250))
    check = adherence(played, 16000, profile)
    assert check['raw_pitch_accuracy'] > 0.9 and check['f0_l1_midi'] < 0.2 and check['tracker'] == 'pyin'
    assert check['loudness_l1_db'] < 0.5 and check['voiced_frames'] == 80                     # 0.8 s at 100 frames a second


def test_adherence_of_a_wrong_pitch_and_level(played):
    profile = Profile(melody().f0_hz * 2 ** (0.7 / 12), loudness_db(played, 16000, frame_rate=250) - 6)
    check = adherence(played, 16000, profile)
    assert check['raw_pitch_accuracy'] < 0.05 and check['f0_l1_midi'] == pytest.approx(0.7, abs=0.2)
    assert check['loudness_l1_db'] == pytest.approx(6, abs=0.5)


def test_adherence_needs_the_whole_sound(played):
    with pytest.raises(ValueError, match='cover'):
        adherence(played[:8000], 16000, melody())


# blocks

class Drawn:
    "A rung of the ladder that draws what it is given: [F, Z], or one row for all frames."

    def __init__(self, z):
        self.z = z

    def sample(self, n_frames, f0_hz=None, loudness_db=None, seed=0, temperature=1.0, frame_rate=100):
        return self.z.expand(n_frames, -1) if len(self.z) == 1 else self.z


@torch.no_grad()
def one_piece(net, z, profile, seed):
    "All frames and samples at once, by the model's own functions."
    f0, level = resample_profile(profile, profile.frame_rate)
    controls = net({'f0_hz': fill_unvoiced(f0)[None], 'loudness_db': level.clamp(-45, -15)[None], 'z': z})
    gate = (f0 > 0).float()[None, :, None]
    noise = None if controls.noise_magnitudes is None else controls.noise_magnitudes * gate
    return net.synthesize(controls._replace(amplitudes=controls.amplitudes * gate, noise_magnitudes=noise), torch.Generator().manual_seed(seed))[0]


@pytest.mark.parametrize('choices', [{}, {'n_noise': 0}, {'reverb': 'decay', 'reverb_seconds': 0.2}, {'hop_length': 160}])
@pytest.mark.parametrize('z', [torch.full((1, 3), 0.7), torch.linspace(-2, 2, 900).reshape(300, 3)], ids=['held', 'moving'])
def test_blocks_equal_one_piece(choices, z):
    net = network(**choices)
    profile = melody(16000 / net.config.hop_length)
    z = z if len(z) == 1 else z[:len(profile.f0_hz)]
    expected = one_piece(net, z if len(z) == 1 else z[None], profile, 3)
    torch.testing.assert_close(generate(net, Drawn(z), profile, 3), expected, rtol=0, atol=1e-5)       # 3.5e-6 without the kernels
    for block in (1, 37, 120, 10000):
        parts = list(generate_blocks(net, Drawn(z), profile, 3, block=block))
        assert [len(part) for part in parts[:-1]] == [block * net.config.hop_length] * (len(parts) - 1)
        torch.testing.assert_close(torch.cat(parts), expected, rtol=0, atol=1e-5)


def test_blocks_complain_before_the_first_block():
    for z in (torch.zeros(2, 3), torch.zeros(301, 3)):
        with pytest.raises(ValueError, match='each of the 300 frames'):
            generate_blocks(network(), Drawn(z), melody())
    with pytest.warns(UserWarning, match='200 of 200'):
        generate_blocks(network(), prior(), melody(level=0.0))


def test_the_work_in_memory_does_not_grow_with_the_length():
    "The decoder, whose outputs are the largest arrays, never sees more than a block, however long the piece is."
    net, p, peaks = network(hidden=8, n_harmonics=4, n_noise=5, hop_length=160), prior(), []
    for repeats in (50, 500):
        one = melody(100)
        profile = Profile(one.f0_hz.repeat(repeats), one.loudness_db.repeat(repeats), 100)
        sizes = []
        hook = net.decoder.mix.register_forward_hook(lambda module, x, y: sizes.append(y.numel()))
        total = sum(len(part) for part in generate_blocks(net, p, profile, block=500))
        hook.remove()
        assert total == len(profile.f0_hz) * 160
        peaks.append(max(sizes))
    assert peaks[0] == peaks[1] and len(sizes) > 100
