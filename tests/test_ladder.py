"""The ladder of priors: z as paths in time, what each rung draws and scores, files, and errors."""
import itertools

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal, norm

from ddsp_course import generation, latents, model as models, runs
from ddsp_course.cli import build_parser
from ddsp_course.ladder import KINDS, LatentPath, LatentPaths, count_transitions, encode_paths, fit_prior, forward_log_likelihood, interpolate, load_prior
from ddsp_course.latent_paths import note_spans
from ddsp_course.model import DDSP, ModelConfig
from ddsp_course.prior import LatentPrior
from ddsp_course.profiles import Profile
from ddsp_course.rungs import conditional_gaussians

Z = 3


def make_paths(n_frames=400, seed=0, z_dims=Z):
    "Two instruments, three recordings each: z is an AR(1) path around the instrument's centre, its first number follows pitch."
    rng, paths, rows = np.random.default_rng(seed), [], []
    for r in range(6):
        group = 'AB'[r % 2]
        f0 = 220 * 2 ** (rng.integers(0, 13, n_frames // 50).repeat(50) / 12)
        wander = np.zeros((n_frames, z_dims))
        for t in range(1, n_frames):
            wander[t] = 0.95 * wander[t - 1] + 0.1 * rng.normal(size=z_dims)
        z = wander + (4 if group == 'B' else 0)
        z[:, 0] += 2 * np.log2(f0 / 311)
        z, f0 = torch.tensor(z, dtype=torch.float32), torch.tensor(f0, dtype=torch.float32)
        notes = torch.ones(n_frames, dtype=torch.bool)
        notes[:10] = notes[-10:] = False
        spans = note_spans(notes, f0, 100)
        note_z = torch.stack([z[a:b].mean(0) for a, b in spans.tolist()])
        paths.append(LatentPath(f'{group}{r}', group, z, f0, torch.full((n_frames,), -30.0) + torch.randn(n_frames), notes.float(), notes, spans, note_z))
        rows += [(part.mean(0), group, f'{group}{r}', float(i)) for i, part in enumerate(z.split(100))]
    z, groups, names, starts = zip(*rows)
    clips = latents.LatentSet(torch.stack(z), list(groups), list(names), torch.tensor(starts), torch.zeros(len(z)), torch.zeros(len(z)))
    return LatentPaths(paths, clips, 100, None)


PATHS = make_paths()
F0 = torch.cat([torch.full((60,), 220.0), torch.zeros(20), torch.full((60,), 330.0), torch.full((60,), 440.0)])
LOUDNESS = torch.where(F0 > 0, -30.0, -80.0)
FITTED = {}


def fitted(kind):
    if kind not in FITTED:
        FITTED[kind] = KINDS[kind].fit(PATHS, seed=0, **({'steps': 40} if kind == 'gru' else {}))
    return FITTED[kind]


# ---- paths of z

@pytest.fixture(scope='module')
def quartet():
    net, dataset = models.load(runs.find_run('quartet')), runs.run_dataset('quartet')
    return net, dataset, encode_paths(net, dataset, 'test')


def test_windows_notes_and_clips_are_what_the_encoder_says(quartet):
    net, dataset, paths = quartet
    path, x, size = paths.paths[1], dataset.get(dataset.split('test')[1]), round(paths.window_s * dataset.frame_rate)
    with torch.no_grad():
        encode = lambda a, b: net.encode({name: x[name][None, a:b] for name in ('mfcc', 'loudness_db')})[0]
        n = len(x['f0_hz'])
        for frame, first in ((0, 0), (1000, 1000 - size // 2), (1501, 1501 - size // 2), (n - 1, n - size)):
            torch.testing.assert_close(path.z[frame], encode(first, first + size), atol=1e-5, rtol=1e-5)
        for note in (0, 7):
            torch.testing.assert_close(path.note_z[note], encode(*path.spans[note].tolist()), atol=1e-5, rtol=1e-5)
    assert torch.equal(paths.clips.z, latents.encode_dataset(net, dataset, 'test').z)
    assert path.z.shape == (n, 4) and torch.equal(path.f0_hz, x['f0_hz']) and path.name == dataset.recordings[dataset.split('test')[1]].name


def test_a_frame_model_keeps_its_own_path(quartet):
    torch.manual_seed(0)
    dataset = quartet[1]
    net = DDSP(ModelConfig(sample_rate=16000, hop_length=160, z_dims=Z, z_pooling='frames', hidden=8, encoder_hidden=8, n_harmonics=5, features=dataset.features))
    paths, i = encode_paths(net, dataset, 'test'), dataset.split('test')[0]
    x, path = dataset.get(i), paths.paths[0]
    with torch.no_grad():
        own = net.encode({name: x[name][None] for name in ('mfcc', 'loudness_db')})[0]
    assert paths.window_s is None and torch.equal(path.z, own)
    a, b = path.spans[3].tolist()
    torch.testing.assert_close(path.note_z[3], own[a:b].mean(0))


def test_note_spans_end_at_gaps_and_steps_and_bear_vibrato():
    t = torch.arange(100) / 100
    vibrato = 440 * 2 ** (0.4 / 12 * torch.sin(2 * torch.pi * 5.5 * t))
    f0 = torch.cat([vibrato, vibrato * 2 ** (2 / 12), torch.zeros(20), vibrato, torch.zeros(5), vibrato[:5]])
    spans = note_spans(f0 > 0, f0, 100)
    assert len(spans) == 3 and spans[0, 0] == 0 and spans[2].tolist() == [220, 320]
    assert spans[0, 1] == spans[1, 0] and abs(int(spans[1, 0]) - 100) <= 5 and spans[1, 1] == 200


def test_profile_notes_are_found():
    assert note_spans(F0 > 0, F0, 100).tolist() == [[0, 60], [80, 140], [140, 200]]


@pytest.mark.parametrize('options, words', [(dict(window_s=0), 'window_s'), (dict(split='all'), 'train')])
def test_encode_paths_refuses(quartet, options, words):
    with pytest.raises(ValueError, match=words):
        encode_paths(*quartet[:2], **options)


# ---- what every rung keeps

@pytest.mark.parametrize('kind', KINDS)
def test_draws_repeat_and_have_the_right_form(kind):
    prior = fitted(kind)
    z = prior.sample(200, F0, LOUDNESS, seed=3)
    assert z.shape == (200, Z) and z.dtype == torch.float32 and torch.isfinite(z).all() and prior.z_dims == Z
    assert torch.equal(z, prior.sample(200, F0, LOUDNESS, seed=3))
    assert not torch.equal(z, prior.sample(200, F0, LOUDNESS, seed=4))
    score = prior.log_prob(z, F0, LOUDNESS)
    assert score.shape == (200,) and torch.isfinite(score).all()


@pytest.mark.parametrize('kind', KINDS)
def test_the_same_fit_twice(kind):
    again = KINDS[kind].fit(PATHS, seed=0, **({'steps': 40} if kind == 'gru' else {}))
    assert all(torch.equal(value, again.tensors[name]) for name, value in fitted(kind).tensors.items())


@pytest.mark.parametrize('kind', KINDS)
def test_files_are_exact(kind, tmp_path):
    prior, path = fitted(kind), tmp_path / 'prior.safetensors'
    prior.save(path)
    again = load_prior(path)
    assert type(again) is type(prior) and [p.name for p in tmp_path.iterdir()] == ['prior.safetensors']
    assert torch.equal(again.sample(200, F0, LOUDNESS, seed=1), prior.sample(200, F0, LOUDNESS, seed=1))
    z = PATHS.paths[0].z[:200]
    assert torch.equal(again.log_prob(z, F0, LOUDNESS), prior.log_prob(z, F0, LOUDNESS))


def test_a_latent_prior_loads_as_clips_and_back(tmp_path):
    old = LatentPrior.fit(PATHS.clips.z, PATHS.clips.phrases())
    old.save(tmp_path / 'old')
    loaded = load_prior(tmp_path / 'old')
    assert loaded.kind == 'clips' and torch.equal(loaded.sample(5, seed=2), old.sample(1, 2).expand(5, -1))
    loaded.save(tmp_path / 'new')
    assert torch.equal(LatentPrior.load(tmp_path / 'new').covariances, old.covariances)


def test_only_frames_jitter_and_held_rungs_hold():
    moves = {kind: fitted(kind).sample(200, F0, LOUDNESS, seed=0).diff(dim=0).norm(dim=1) for kind in KINDS}
    real = PATHS.paths[0].z.diff(dim=0).norm(dim=1)[10:].median()
    assert moves['clips'].max() == 0 == moves['gaussian'].max()
    assert moves['frames'].median() > 5 * real and moves['markov'].median() < 2 * real
    assert (moves['notes'] > 0).sum() <= 2 and (moves['conditional'] > 1e-6).sum() <= 24      # at steps of the melody; in the rest f0 glides
    assert torch.equal(fitted('notes').sample(30, seed=1), fitted('notes').sample(1, seed=1).expand(30, -1))


@pytest.mark.parametrize('kind', ('markov', 'gru'))
def test_other_frame_rates_read_the_same_path(kind):
    prior = fitted(kind)
    slow, fast = prior.sample(100, seed=5), prior.sample(399, seed=5, frame_rate=400)
    torch.testing.assert_close(fast[::4], slow, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(fast[2::4][:99], (slow[:-1] + slow[1:]) / 2, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('options, words', [(dict(n_frames=0), 'n_frames'), (dict(temperature=-1.0), 'temperature'), (dict(temperature=float('nan')), 'temperature'),
                                            (dict(frame_rate=0), 'frame_rate'), (dict(f0_hz=F0[:50]), 'f0_hz'), (dict(loudness_db=torch.full((200,), float('nan'))), 'loudness_db'),
                                            (dict(f0_hz=torch.zeros(200)), 'f0_hz')])
def test_sample_refuses(kind, options, words):
    with pytest.raises(ValueError, match=words):
        fitted(kind).sample(**{**dict(n_frames=200, f0_hz=F0, loudness_db=LOUDNESS), **options})


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('z', [torch.zeros(200, Z + 1), torch.zeros(200), torch.full((200, Z), float('nan')), torch.zeros(0, Z)])
def test_log_prob_refuses(kind, z):
    with pytest.raises(ValueError, match='z must be finite'):
        fitted(kind).log_prob(z, F0, LOUDNESS)


def test_conditional_needs_its_curves():
    for curves in ((None, None), (F0, None), (None, LOUDNESS)):
        with pytest.raises(ValueError, match='conditional'):
            fitted('conditional').sample(200, *curves)


@pytest.mark.parametrize('kind', KINDS)
def test_too_few_rows(kind):
    path = PATHS.paths[0]
    one = path._replace(**{name: getattr(path, name)[20:21] for name in ('z', 'f0_hz', 'loudness_db', 'confidence', 'notes')},
                        spans=torch.tensor([[0, 1]]), note_z=path.note_z[:1])
    clips = latents.LatentSet(*(field[:1] for field in PATHS.clips))
    with pytest.raises(ValueError, match='at least two'):
        fit_prior(LatentPaths([one], clips, 100, None), kind)


def test_unknown_kind_and_strange_files(tmp_path):
    with pytest.raises(ValueError, match='gaussian, frames'):
        fit_prior(PATHS, 'flow')
    from safetensors.torch import save_file
    save_file({'a': torch.zeros(1)}, tmp_path / 'x')
    with pytest.raises(ValueError, match='does not hold a prior'):
        load_prior(tmp_path / 'x')
    with pytest.raises(FileNotFoundError):
        load_prior(tmp_path / 'nothing')


def test_the_command_line_knows_all_kinds():
    for kind in KINDS:
        assert build_parser().parse_args(['fit-prior', 'run', '--kind', kind]).kind == kind


# ---- statistics and densities

@pytest.mark.parametrize('kind', ('gaussian', 'clips', 'frames', 'notes'))
def test_many_draws_have_the_fitted_moments(kind):
    prior = fitted(kind)
    z = prior.sample(4000, seed=1) if kind == 'frames' else torch.cat([prior.sample(1, seed=s) for s in range(4000)])
    m = prior.mixture
    mean = m.weights @ m.means
    second = torch.einsum('k,kij->ij', m.weights, m.covariances + m.means[:, :, None] * m.means[:, None])
    covariance = (second - torch.outer(mean, mean)) * torch.outer(m.scale, m.scale)
    spread = covariance.diagonal().sqrt()
    assert ((z.mean(0) - (m.shift + m.scale * mean)).abs() < 4 * spread / 4000 ** 0.5).all()
    assert ((torch.cov(z.double().T) - covariance).abs() < 0.1 * torch.outer(spread, spread)).all()


def test_markov_draws_keep_the_spread_of_a_single_component():
    one = KINDS['markov']({'shift': torch.tensor([1.0, -2.0]).double(), 'scale': torch.tensor([2.0, 0.5]).double(), 'weights': torch.ones(1).double(),
                           'means': torch.zeros(1, 2).double(), 'covariances': torch.tensor([[[1.0, 0.6], [0.6, 1.0]]]).double(),
                           'transition': torch.ones(1, 1).double(), 'rho': torch.tensor([0.8]).double()}, {'frame_rate': 100})
    z = one.sample(40000, seed=0).double()
    torch.testing.assert_close(torch.cov(z.T), torch.tensor([[4.0, 0.6], [0.6, 0.25]]).double(), rtol=0.08, atol=0)
    lag = ((z[1:] - z.mean(0)) * (z[:-1] - z.mean(0))).mean(0) / z.var(0)
    torch.testing.assert_close(lag, torch.full((2,), 0.8).double(), rtol=0.03, atol=0)
    # and its density is that of one long Gaussian vector
    covariance = np.kron(0.8 ** np.abs(np.subtract.outer(np.arange(6), np.arange(6))), np.array([[4.0, 0.6], [0.6, 0.25]]))
    expected = multivariate_normal(np.tile([1.0, -2.0], 6), covariance).logpdf(z[:6].numpy().ravel())
    assert float(one.log_prob(z[:6]).sum()) == pytest.approx(expected, abs=1e-6)


def test_temperature_scales_the_variance():
    for kind in ('frames', 'clips', 'conditional'):
        draw = lambda t: torch.stack([fitted(kind).sample(200, F0, LOUDNESS, seed=s, temperature=t)[100] for s in range(30)])
        hot, warm, cold = draw(1.0), draw(0.25), draw(0.0)
        torch.testing.assert_close(warm - cold, 0.5 * (hot - cold), atol=1e-4, rtol=1e-4)
        assert len(cold.unique(dim=0)) < 30                        # means alone
    calm = fitted('markov').sample(2000, seed=0, temperature=0.0)
    assert calm.diff(dim=0).abs().median() < 0.1 * fitted('markov').sample(2000, seed=0).diff(dim=0).abs().median()


def test_conditional_gaussians_against_numbers_on_a_grid():
    rng = np.random.default_rng(2)
    a = rng.normal(size=(3, 3, 3))
    covariances, means, weights = a @ a.transpose(0, 2, 1) + 0.3 * np.eye(3), rng.normal(size=(3, 3)), np.array([0.2, 0.5, 0.3])
    x = np.array([[0.3, -0.4], [1.0, 0.8]])
    log_w, mean, covariance = (v.numpy() for v in conditional_gaussians(*(torch.tensor(v) for v in (means, covariances, weights, x))))
    grid = np.linspace(-14, 14, 6001)
    for n in range(2):
        points = np.column_stack([grid, np.tile(x[n], (len(grid), 1))])
        joint = sum(w * multivariate_normal(m, c).pdf(points) for w, m, c in zip(weights, means, covariances))
        mine = sum(np.exp(log_w[n, k]) * norm(mean[n, k, 0], covariance[k, 0, 0] ** 0.5).pdf(grid) for k in range(3))
        np.testing.assert_allclose(mine, joint / np.trapezoid(joint, grid), atol=1e-8)


def test_the_conditional_rung_scores_and_draws_what_the_formula_says():
    prior = fitted('conditional')
    f0, level = torch.full((1,), 300.0), torch.full((1,), -30.0)
    log_w, mean, covariance = prior._given(prior._standardised(f0, level))
    centre = (log_w[0].exp() @ mean[0]) * prior.tensors['scale'][:Z] + prior.tensors['shift'][:Z]
    z = torch.cat([prior.sample(1, f0, level, seed=s) for s in range(1500)])
    assert ((z.mean(0) - centre).abs() < 4 * z.std(0) / 1500 ** 0.5).all()
    # the joint density over z integrates to one: importance weights against a wide Gaussian
    wide = torch.distributions.MultivariateNormal(centre, 4 * torch.cov(z.double().T))
    torch.manual_seed(0)
    points = wide.sample((20000,))
    ratio = (prior.log_prob(points, f0.expand(20000), level.expand(20000)) - wide.log_prob(points)).exp()
    assert float(ratio.mean()) == pytest.approx(1, abs=0.05)
    low, high = (prior.sample(1, torch.full((1,), f), level, seed=0, temperature=0.0)[0, 0] for f in (220.0, 440.0))
    assert 1 < high - low < 3                                          # the data were made with 2 an octave


def test_forward_algorithm_against_all_paths():
    g = torch.Generator().manual_seed(0)
    start, transition, emission = (torch.randn(*s, generator=g, dtype=torch.float64) for s in ((3,), (3, 3), (5, 3)))
    start, transition = start.log_softmax(0), transition.log_softmax(1)
    for n in range(1, 6):
        brute = torch.stack([start[p[0]] + sum(transition[a, b] for a, b in zip(p, p[1:])) + sum(emission[t, k] for t, k in enumerate(p))
                             for p in itertools.product(range(3), repeat=n)]).logsumexp(0)
        torch.testing.assert_close(forward_log_likelihood(start, transition, emission[:n]).sum(), brute)


def test_the_markov_rung_against_all_paths():
    prior, t = fitted('markov'), fitted('markov').tensors
    z = PATHS.paths[1].z[100:104].double()
    x, total = (z - t['shift']) / t['scale'], []
    for p in itertools.product(range(len(t['weights'])), repeat=4):
        value = t['weights'][p[0]].log() + multivariate_normal(t['means'][p[0]], t['covariances'][p[0]]).logpdf(x[0])
        for i in range(1, 4):
            k, rho = p[i], t['rho'][p[i]]
            value += t['transition'][p[i - 1], k].log() + multivariate_normal(t['means'][k] + rho * (x[i - 1] - t['means'][k]), (1 - rho ** 2) * t['covariances'][k]).logpdf(x[i])
        total.append(float(value))
    expected = np.logaddexp.reduce(total) - 4 * float(t['scale'].log().sum())
    assert float(prior.log_prob(z).sum()) == pytest.approx(expected, abs=1e-6)


def test_transitions_are_counted():
    matrix = count_transitions([torch.tensor([0, 0, 1, 1, 1]), torch.tensor([0, 1])], 3, pseudo_count=0.5)
    expected = (torch.tensor([[1.0, 2, 0], [0, 2, 0], [0, 0, 0]]) + 0.5).double()
    torch.testing.assert_close(matrix, expected / expected.sum(1, keepdim=True))


def test_gru_scores_each_frame_by_the_past_alone():
    prior, z = fitted('gru'), PATHS.paths[0].z[50:80].clone()
    score = prior.log_prob(z)
    z[20:] += 1
    assert torch.equal(prior.log_prob(z)[:20], score[:20]) and not torch.equal(prior.log_prob(z)[20:], score[20:])


def test_gru_draws_are_its_own_steps():
    "With temperature 0 each step of a draw is the mean step that the network gives for the path so far."
    prior = fitted('gru')
    t, net = prior.tensors, prior.net()
    z = prior.sample(40, seed=2, temperature=0.0)
    x = ((z - t['shift']) / t['scale']).float()
    with torch.no_grad():
        mean = net(x[None])[0][0, :-1] * net.step_scale
    torch.testing.assert_close(x.diff(dim=0), mean, atol=1e-4, rtol=1e-3)


def test_memory_beats_none_on_moving_paths():
    held_out = make_paths(seed=1).paths[0].z
    score = {kind: float(fitted(kind).log_prob(held_out).mean()) for kind in ('frames', 'markov')}
    assert score['markov'] > score['frames'] + 2


def test_interpolate():
    z = interpolate([0.0, 2.0], torch.tensor([1.0, -2.0]), 5)
    torch.testing.assert_close(z, torch.tensor([[0, 2], [0.25, 1], [0.5, 0], [0.75, -1], [1, -2]]))
    for bad in (([0.0], [1.0, 2.0], 5), ([0.0], [1.0], 1), ([float('nan')], [1.0], 3), ([[0.0]], [[1.0]], 3)):
        with pytest.raises(ValueError, match='z_a and z_b'):
            interpolate(*bad)


# ---- generation takes any rung

def small_net(**choices):
    torch.manual_seed(0)
    return DDSP(ModelConfig(**{**dict(sample_rate=16000, hop_length=160, z_dims=Z, hidden=16, encoder_hidden=8, n_harmonics=10), **choices})).eval()


@pytest.mark.parametrize('kind', KINDS)
def test_generate_hands_z_to_the_decoder(kind):
    net, prior, seen = small_net(), fitted(kind), []
    net.decoder.register_forward_pre_hook(lambda module, arguments: seen.append(arguments[2]))
    sound = generation.generate(net, prior, Profile(F0, LOUDNESS, 100), seed=2, temperature=0.5)
    expected = prior.sample(200, F0, LOUDNESS, seed=2, temperature=0.5)
    torch.testing.assert_close(seen[0].reshape(-1, Z).expand(200, -1), expected)
    assert len(sound) == 200 * 160 and torch.isfinite(sound).all()


def test_generate_from_clips_is_generate_from_a_latent_prior():
    net, prior, profile = small_net(), fitted('clips'), Profile(F0, LOUDNESS, 100)
    for choice in (dict(), dict(component=0, temperature=0.3)):
        assert torch.equal(generation.generate(net, prior, profile, seed=5, **choice), generation.generate(net, prior.mixture, profile, seed=5, **choice))


def test_generate_refuses():
    with pytest.raises(ValueError, match='component'):
        generation.generate(small_net(), fitted('markov'), Profile(F0, LOUDNESS, 100), component=0)
    with pytest.raises(ValueError, match='2 dimensions'):
        generation.generate(small_net(z_dims=2), fitted('markov'), Profile(F0, LOUDNESS, 100))
