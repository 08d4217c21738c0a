"""Latents and their use, on toy instruments whose timbre is known: a model that obeys z and one that ignores it."""
import types

import numpy as np
import pytest
import torch

from ddsp_course.harmonic import harmonic_amplitudes, harmonic_synth
from ddsp_course.latents import classify, encode_dataset, instrument_classifier, swap_accuracy, z_use
from ddsp_course.model import Controls

SLOPES = {'bright': 0.5, 'dull': 3.0}             # harmonic k has the amplitude k ** -slope
FRAMES = 1250                                       # 5 s


def spectrum(slope):
    return torch.arange(1, 11.0) ** -slope


class ToyDataset:
    "Two recordings a group and split, notes of a random scale; mfcc[..., 0] holds the slope, mfcc[..., 1] the pitch."
    sample_rate, frame_rate, hop_length, features = 16000, 250, 64, {}

    def __init__(self, groups=('bright', 'dull'), silent=0.0):
        self.groups, self.recordings, self.data = list(groups), [], []
        generator = torch.Generator().manual_seed(0)
        for group in groups:
            for split in ('train', 'train', 'test'):
                f0 = 220 * 2 ** (torch.randint(12, (FRAMES // 125,), generator=generator) / 12).repeat_interleave(125)
                amplitudes = harmonic_amplitudes(torch.full((FRAMES,), 0.3), spectrum(SLOPES[group]).expand(FRAMES, 10), f0, 16000)
                mfcc = torch.zeros(FRAMES, 30)
                mfcc[:, 0], mfcc[:, 1] = SLOPES[group], torch.log2(f0 / 220)
                voiced = torch.ones(FRAMES)
                voiced[FRAMES - round(silent * FRAMES):] = 0
                audio = harmonic_synth(f0[None], amplitudes[None], 16000, 64)[0][:-10]
                self.data.append({'audio': audio, 'f0_hz': f0, 'confidence': voiced, 'loudness_db': torch.full((FRAMES,), -20.0), 'mfcc': mfcc})
                self.recordings.append(types.SimpleNamespace(name=f'{group}{len(self.data)}', group=group, split=split))

    def split(self, name):
        return [i for i, r in enumerate(self.recordings) if r.split == name]

    def get(self, i):
        return dict(self.data[i])


class ToyModel(torch.nn.Module):
    "Plays z[0] as the slope of the spectrum if `obeys`, else a slope of its own; `frames`: z a frame."

    def __init__(self, obeys=True, frames=False, z_dims=2):
        super().__init__()
        self.obeys, self.frames = obeys, frames
        self.config = types.SimpleNamespace(z_dims=z_dims, z_pooling='frames' if frames else 'clip', sample_rate=16000, hop_length=64)

    def check_features(self, features):
        pass

    def encode(self, features):
        z = features['mfcc'][..., :2]
        return z if self.frames else z.mean(1)

    def forward(self, features):
        z = features['z'] if 'z' in features else self.encode(features)
        f0 = features['f0_hz']
        slope = (z if z.ndim == 3 else z[:, None].expand(-1, f0.shape[1], -1))[..., :1] if self.obeys else torch.full((*f0.shape, 1), 1.5)
        amplitudes = harmonic_amplitudes(torch.full_like(f0, 0.3), torch.arange(1, 11.0) ** -slope, f0, 16000)
        return Controls(f0, amplitudes, None, z)

    def synthesize_parts(self, controls, generator=None):
        harmonic = harmonic_synth(controls.f0_hz, controls.amplitudes, 16000, 64)
        return {'harmonic': harmonic, 'noise': 0 * harmonic, 'dry': harmonic, 'wet': harmonic}

    def synthesize(self, controls, generator=None):
        return self.synthesize_parts(controls)['wet']


@pytest.fixture(scope='module')
def dataset():
    return ToyDataset()


@pytest.fixture(scope='module')
def judge(dataset):
    return instrument_classifier(dataset)


def test_crops_are_separate_and_complete(dataset):
    latents = encode_dataset(ToyModel(), dataset, 'train', seconds=2.0)
    assert latents.z.shape == (8, 2) and latents.start_s.tolist() == [0.0, 2.0] * 4        # 4 recordings of 5 s, 2 whole crops each
    assert latents.groups == ['bright'] * 4 + ['dull'] * 4
    assert latents.recordings[:4] == ['bright1', 'bright1', 'bright2', 'bright2']
    torch.testing.assert_close(latents.z[:, 0], torch.tensor([0.5] * 4 + [3.0] * 4))
    expected = 57 + 12 * torch.stack([dataset.get(0)['mfcc'][a:a + 500, 1].mean() for a in (0, 500)])    # MIDI 57 = 220 Hz
    torch.testing.assert_close(latents.f0_midi[:2], expected, rtol=0, atol=1e-3)
    assert (latents.loudness_db == -20).all()


def test_frame_wise_z_is_averaged(dataset):
    torch.testing.assert_close(encode_dataset(ToyModel(frames=True), dataset).z, encode_dataset(ToyModel(), dataset).z)


def test_silent_crops_are_left_out():
    assert len(encode_dataset(ToyModel(), ToyDataset(silent=0.5), 'train').z) == 4          # the second crop: voiced 2.0 to 2.5 s
    with pytest.raises(ValueError, match='voiced'):
        encode_dataset(ToyModel(), ToyDataset(silent=1.0), 'train')


def test_a_recording_shorter_than_a_crop_is_one_crop(dataset):
    assert len(encode_dataset(ToyModel(), dataset, 'test', seconds=60.0).z) == 2


def test_judge_knows_held_out_audio_at_any_level(dataset, judge):
    for i in dataset.split('test'):
        for gain in (1.0, 0.01):
            labels = classify(judge, gain * dataset.get(i)['audio'], 16000)
            assert labels == [dataset.recordings[i].group] * len(labels) and len(labels) == 4


def test_judge_of_silence_says_nothing(judge):
    assert classify(judge, torch.zeros(32000), 16000) == []


def test_silent_windows_are_not_judged(dataset, judge):
    audio = dataset.get(0)['audio'].clone()
    audio[16000:32000] = 0
    assert len(classify(judge, audio, 16000)) == 3


def test_swap_succeeds_if_the_model_obeys_z(dataset, judge):
    swap = swap_accuracy(ToyModel(), dataset, judge)
    assert swap['swapped'] == swap['own'] == swap['real'] == 1 and swap['chance'] == 0.5
    assert set(swap['pairs']) == {'bright with z of dull', 'dull with z of bright'} and swap['reason'] is None
    assert swap['windows'] == 2 * 4 * 5                                                    # recordings x draws x seconds


def test_swap_fails_if_the_model_ignores_z(dataset, judge):
    swap = swap_accuracy(ToyModel(obeys=False), dataset, judge)
    assert swap['swapped'] == pytest.approx(0.5, abs=0.2)        # one sound for all: right in one direction, wrong in the other


def test_swap_needs_two_groups(judge):
    swap = swap_accuracy(ToyModel(), ToyDataset(groups=('dull',)), judge)
    assert swap['swapped'] is None and 'two groups' in swap['reason']
    with pytest.raises(ValueError, match='two groups'):
        instrument_classifier(ToyDataset(groups=('dull',)))


def test_z_use_separates_a_listening_from_a_deaf_model(dataset):
    listening, deaf = z_use(ToyModel(), dataset), z_use(ToyModel(obeys=False), dataset)
    assert listening['n'] == 4 and listening['own'] < 0.6         # not 0: a crop does not begin at phase 0
    assert listening['other_phrase'] == pytest.approx(listening['own'], abs=0.01)
    assert min(listening[name] for name in ('other_group', 'mean', 'zero')) > listening['own'] + 1
    assert len({deaf[name] for name in ('own', 'other_phrase', 'other_group', 'mean', 'zero')}) == 1


def test_z_use_with_one_group_has_no_other_group():
    use = z_use(ToyModel(), ToyDataset(groups=('dull',)), split='train')
    assert use['other_group'] is None and use['other_phrase'] is not None


@pytest.mark.parametrize('call', [
    lambda m, d: encode_dataset(m, d), lambda m, d: z_use(m, d), lambda m, d: swap_accuracy(m, d, None)])
def test_a_model_without_z_is_refused(dataset, call):
    with pytest.raises(ValueError, match='z_dims is 0'):
        call(ToyModel(z_dims=0), dataset)


def test_bad_crop_length_is_refused(dataset):
    with pytest.raises(ValueError, match='seconds'):
        encode_dataset(ToyModel(), dataset, seconds=0)


def test_real_model_of_both_kinds_fits_in(dataset):
    from ddsp_course.model import DDSP, ModelConfig
    for pooling in ('clip', 'frames'):
        torch.manual_seed(0)
        net = DDSP(ModelConfig(z_dims=3, z_pooling=pooling, hidden=8, encoder_hidden=8, n_harmonics=10)).eval()
        assert encode_dataset(net, dataset).z.shape == (8, 3)
        use = z_use(net, dataset)
        assert all(np.isfinite(use[name]) for name in ('own', 'other_phrase', 'other_group', 'mean', 'zero'))


def test_phrases_group_neighbouring_crops(dataset):
    latents = encode_dataset(ToyModel(), dataset, seconds=1.0)
    assert latents.phrases(2.0)[:5] == ['bright1 0', 'bright1 0', 'bright1 1', 'bright1 1', 'bright1 2']
