"""The Gaussian mixture over timbre vectors: against scikit-learn and SciPy, exact storage, bad input."""
import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from sklearn.mixture import GaussianMixture

from ddsp_course import prior as prior_module
from ddsp_course.prior import LatentPrior, choose_components, n_parameters, selection_table


def clusters(n_groups=3, clips=6, crops=4, dimensions=4, spread=0.1, seed=0):
    "Well separated groups; crops of one clip differ by `spread` -> z, group, clip."
    rng = np.random.default_rng(seed)
    centres = 6 * rng.normal(size=(n_groups, 1, 1, dimensions))
    z = centres + rng.normal(size=(n_groups, clips, 1, dimensions)) + spread * rng.normal(size=(n_groups, clips, crops, dimensions))
    group = np.repeat(np.arange(n_groups), clips * crops)
    clip = np.repeat(np.arange(n_groups * clips), crops)
    return z.reshape(-1, dimensions), group, clip


def test_log_likelihood_is_the_mixture_density_in_units_of_z():
    z, _, _ = clusters()
    prior = LatentPrior.fit(z, components=3)
    density = sum(w * multivariate_normal((prior.shift + prior.scale * m).numpy(), (c * torch.outer(prior.scale, prior.scale)).numpy()).pdf(z)
                  for w, m, c in zip(prior.weights.tolist(), prior.means, prior.covariances))
    np.testing.assert_allclose(prior.log_likelihood(z), np.log(density), atol=1e-8)


@pytest.mark.parametrize('covariance', ['full', 'diag'])
def test_agrees_with_scikit_learn(covariance):
    z, _, _ = clusters()
    prior = LatentPrior.fit(z, components=3, covariance=covariance)
    x = (z - z.mean(0)) / z.std(0)
    gmm = GaussianMixture(3, covariance_type=covariance, reg_covar=1e-3, n_init=3, random_state=0).fit(x)
    np.testing.assert_allclose(prior.log_likelihood(z), gmm.score_samples(x) - np.log(z.std(0)).sum(), atol=1e-8)
    np.testing.assert_allclose(prior.responsibilities(z), gmm.predict_proba(x), atol=1e-8)


@pytest.mark.parametrize('covariance', ['full', 'diag'])
def test_many_rows_give_the_same_prior(covariance, monkeypatch):
    z, _, clip = clusters(4, clips=40, crops=1)
    few = LatentPrior.fit(z, groups=clip, covariance=covariance)
    monkeypatch.setattr(prior_module, 'MANY_ROWS', 100)
    many = LatentPrior.fit(z, groups=clip, covariance=covariance)
    assert many.n_components == few.n_components == 4 and many.covariances.shape == few.covariances.shape
    np.testing.assert_allclose(many.log_likelihood(z).mean(), few.log_likelihood(z).mean(), atol=1e-3)
    assert [row['bic'] for row in many.selection[:4]] == pytest.approx([row['bic'] for row in few.selection[:4]], rel=1e-3)


def test_scikit_learn_gives_way_at_100_000_rows(monkeypatch):
    rows, original = [], prior_module.fit_mixture
    monkeypatch.setattr(prior_module, 'fit_mixture', lambda x, *args: rows.append(len(x)) or original(x, *args))
    z = np.random.default_rng(0).normal(size=(100_000, 2)).astype(np.float32)
    LatentPrior.fit(z[:-1], components=1)
    assert rows == []
    found = LatentPrior.fit(z, components=1)
    assert rows == [100_000]
    np.testing.assert_allclose(found.log_likelihood(z[:9]), multivariate_normal(z.mean(0), np.cov(z.T)).logpdf(z[:9]), atol=5e-3)


def test_bic_matches_scikit_learn():
    x = np.random.default_rng(0).normal(size=(80, 3))
    row, = selection_table(x, list(range(80)), [2])
    assert row['bic'] == pytest.approx(GaussianMixture(2, reg_covar=1e-3, max_iter=300, random_state=0).fit(x).bic(x), rel=1e-9)


def test_density_integrates_to_one():
    z, _, _ = clusters(dimensions=1)
    prior = LatentPrior.fit(z, components=3)
    grid = torch.linspace(-60, 60, 60001, dtype=torch.float64)[:, None]
    assert torch.trapezoid(prior.log_likelihood(grid).exp(), grid[:, 0]).item() == pytest.approx(1, abs=1e-4)


def test_finds_the_groups_and_names_them():
    z, group, clip = clusters(4, clips=15, crops=2, dimensions=2, spread=1.0, seed=2)
    prior = LatentPrior.fit(z, groups=clip)
    assert prior.n_components == 4
    names = prior.component_names(z, group)
    assert {row['name'] for row in names} == {'0', '1', '2', '3'} and all(row['purity'] == 1 for row in names)
    assert [row['components'] for row in prior.selection] == list(range(1, 9))


def test_repeated_crops_fool_bic_but_not_held_out_clips():
    z, _, clip = clusters(2, clips=20, crops=10, dimensions=2)
    table = selection_table((z - z.mean(0)) / z.std(0), clip, range(1, 9))
    assert min(table, key=lambda row: row['bic'])['components'] > 2
    assert choose_components(table) == 2


def test_choice_without_held_out_scores_is_bic():
    table = [{'components': k, 'bic': 5.0 - k, 'held_out': None, 'folds': []} for k in (1, 2)]
    assert choose_components(table) == 2


def test_held_out_scores_overrule_bic_only_beyond_their_noise():
    def table(second):
        return [{'components': k, 'bic': 5.0 - k, 'held_out': float(np.mean(f)), 'folds': f} for k, f in ((1, [0.0, 0.0, 0.0]), (2, second))]
    assert choose_components(table([-2.0, -2.1, -1.9])) == 1
    assert choose_components(table([-2.0, 2.1, -1.0])) == 2


def test_parameter_count_matches_scikit_learn():
    x = np.random.default_rng(0).normal(size=(50, 3))
    for kind in ('full', 'diag'):
        assert n_parameters(2, 3, kind) == GaussianMixture(2, covariance_type=kind).fit(x)._n_parameters()


def test_samples_have_the_fitted_moments():
    z, _, _ = clusters(1, clips=200, crops=1)
    drawn = LatentPrior.fit(z, components=1).sample(40000, seed=1)
    assert drawn.dtype == torch.float32 and drawn.shape == (40000, 4)
    np.testing.assert_allclose(drawn.mean(0), z.mean(0), atol=0.05)
    np.testing.assert_allclose(np.cov(drawn.numpy().T), np.cov(z.T), atol=0.06)


def test_sampling_seed_component_temperature():
    z, group, clip = clusters()
    prior = LatentPrior.fit(z, groups=clip)
    assert torch.equal(prior.sample(6, seed=2), prior.sample(6, seed=2))
    assert not torch.equal(prior.sample(6, seed=2), prior.sample(6, seed=3))
    for k in range(prior.n_components):
        assert (prior.responsibilities(prior.sample(50, component=k)).argmax(1) == k).all()
        cold = prior.sample(3, component=k, temperature=0.0)
        torch.testing.assert_close(cold, (prior.shift + prior.scale * prior.means[k]).float().expand(3, -1))
    wide, narrow = (prior.sample(2000, component=0, temperature=t).std(0) for t in (1.0, 0.25))
    torch.testing.assert_close(wide, 2 * narrow, rtol=1e-3, atol=1e-3)


def test_component_shares_follow_the_weights():
    z = np.concatenate([np.random.default_rng(0).normal(size=(90, 2)), 20 + np.random.default_rng(1).normal(size=(10, 2))])
    drawn = LatentPrior.fit(z, components=2).sample(5000, seed=0)
    assert (drawn[:, 0] > 10).double().mean().item() == pytest.approx(0.1, abs=0.02)


def test_same_seed_same_fit():
    z, _, clip = clusters()
    a, b = (LatentPrior.fit(z, groups=clip, seed=5) for _ in range(2))
    assert torch.equal(a.means, b.means) and a.selection == b.selection


def test_save_and_load_are_exact(tmp_path):
    z, _, clip = clusters()
    prior = LatentPrior.fit(z, groups=clip)
    prior.save(tmp_path / 'prior.safetensors')
    again = LatentPrior.load(tmp_path / 'prior.safetensors')
    for name in ('shift', 'scale', 'weights', 'means', 'covariances'):
        assert torch.equal(getattr(prior, name), getattr(again, name))
    assert again.selection == prior.selection
    assert torch.equal(again.sample(3, seed=1), prior.sample(3, seed=1))
    assert [p.name for p in tmp_path.iterdir()] == ['prior.safetensors']


def test_load_refuses_a_foreign_file(tmp_path):
    from safetensors.torch import save_file
    save_file({'a': torch.zeros(1)}, tmp_path / 'x.safetensors')
    with pytest.raises(ValueError, match='LatentPrior'):
        LatentPrior.load(tmp_path / 'x.safetensors')


def test_constant_dimension_keeps_its_value():
    z, _, _ = clusters()
    z[:, 2] = 7.0
    prior = LatentPrior.fit(z, components=2)
    assert torch.isfinite(prior.log_likelihood(z)).all()
    np.testing.assert_allclose(prior.sample(100)[:, 2], 7.0, atol=0.01)


def test_few_vectors_reduce_the_candidates():
    z = np.random.default_rng(0).normal(size=(12, 16))
    assert [row['components'] for row in LatentPrior.fit(z).selection] == [1]


@pytest.mark.parametrize('z, options, message', [
    (np.zeros((4, 2)), {}, 'vary'),
    (np.ones((1, 2)), {}, 'vary'),
    (np.zeros((0, 2)), {}, 'vary'),
    (np.zeros(4), {}, 'matrix'),
    (np.array([[1.0, np.nan], [0.0, 1.0]]), {}, 'finite'),
    (np.eye(3), {'components': 4}, 'components'),
    (np.eye(3), {'components': 0}, 'components'),
    (np.eye(3), {'components': 2.0}, 'components'),
    (np.eye(3), {'covariance': 'tied'}, 'covariance'),
    (np.eye(3), {'groups': ['a', 'b']}, 'groups'),
])
def test_bad_fits_are_refused(z, options, message):
    with pytest.raises(ValueError, match=message):
        LatentPrior.fit(z, **options)


@pytest.mark.parametrize('options', [{'n': 0}, {'n': 2, 'temperature': -1.0}, {'n': 2, 'component': 9}, {'n': 2, 'component': -1}])
def test_bad_draws_are_refused(options):
    prior = LatentPrior.fit(clusters()[0], components=2)
    with pytest.raises(ValueError):
        prior.sample(**options)


def test_wrong_dimension_is_refused():
    prior = LatentPrior.fit(clusters()[0], components=2)
    with pytest.raises(ValueError, match='4 dimensions'):
        prior.log_likelihood(np.zeros((2, 5)))
