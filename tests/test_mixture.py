"""Expectation-maximisation by matrix products: against scikit-learn, SciPy and the textbook; memory, bad input."""
import warnings

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from sklearn.mixture import GaussianMixture

from ddsp_course import mixture
from ddsp_course.mixture import Mixture, em, fit_mixture


def clusters(n, n_dims, components, spread=0.4, seed=0):
    "Overlapping clusters of different shapes [n, n_dims]."
    rng = np.random.default_rng(seed)
    centres, shapes = 1.5 * rng.normal(size=(components, n_dims)), spread * rng.normal(size=(components, n_dims, n_dims))
    label = rng.integers(components, size=n)
    return centres[label] + np.einsum('ni,nij->nj', rng.normal(size=(n, n_dims)), shapes[label])


def start_at_rows(x, components, covariance='full'):
    "Equal round components at the first rows."
    n_dims = x.shape[1]
    round_one = torch.eye(n_dims, dtype=torch.float64) if covariance == 'full' else torch.ones(n_dims, dtype=torch.float64)
    return Mixture(torch.full((components,), 1 / components, dtype=torch.float64), torch.tensor(np.asarray(x[:components], np.float64)),
                   round_one.expand(components, *round_one.shape))


def scikit_learn(x, start, covariance, **options):
    precisions = np.linalg.inv(start.covariances.numpy()) if covariance == 'full' else 1 / start.covariances.numpy()
    gmm = GaussianMixture(len(start.weights), covariance_type=covariance, weights_init=start.weights.numpy(),
                          means_init=start.means.numpy(), precisions_init=precisions, **options)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')                                         # stopped early on purpose
        return gmm.fit(x)


@pytest.mark.parametrize('covariance', ['full', 'diag'])
def test_same_path_as_scikit_learn(covariance):
    x = clusters(20000, 8, 6)
    start = start_at_rows(x, 6, covariance)
    ours, theirs = em(x, start, tol=0, max_iter=20), scikit_learn(x, start, covariance, tol=0, max_iter=20)
    assert len(ours.history) == 20 and not ours.converged
    assert ours.score(x) == pytest.approx(theirs.score(x), abs=1e-8)
    np.testing.assert_allclose(ours.weights, theirs.weights_, atol=1e-8)
    np.testing.assert_allclose(ours.means, theirs.means_, atol=1e-6)
    np.testing.assert_allclose(ours.covariances, theirs.covariances_, atol=1e-6)


def test_stops_where_scikit_learn_stops():
    x = clusters(3000, 3, 4)
    start = start_at_rows(x, 4)
    for tol in (1e-2, 1e-3, 1e-5):
        ours, theirs = em(x, start, reg_covar=1e-3, tol=tol), scikit_learn(x, start, 'full', reg_covar=1e-3, tol=tol, max_iter=300)
        assert ours.converged and len(ours.history) == theirs.n_iter_
        assert ours.history[-1] == pytest.approx(theirs.lower_bound_, abs=1e-9)


def test_float32_rows_far_from_zero_and_tight_clusters():
    x = clusters(20000, 4, 5, spread=0.02)
    far = x + 300
    ours = em(far.astype(np.float32), start_at_rows(far, 5), tol=0, max_iter=10)
    theirs = scikit_learn(far.astype(np.float32).astype(np.float64), start_at_rows(far, 5), 'full', tol=0, max_iter=10)
    assert ours.score(far.astype(np.float32)) == pytest.approx(theirs.score(far.astype(np.float32).astype(np.float64)), abs=1e-3)


@pytest.mark.parametrize('covariance', ['full', 'diag'])
def test_likelihood_never_falls(covariance):
    x = clusters(5000, 5, 4, spread=0.1)
    history = em(x, start_at_rows(x, 4, covariance), tol=0, max_iter=60, reg_covar=0).history
    assert np.diff(history).min() > -1e-9 and history[-1] > history[0] + 1


def test_score_is_the_mean_log_density():
    x = clusters(50, 3, 2)
    found = em(x, start_at_rows(x, 2), max_iter=5, tol=0, reg_covar=1e-3)
    density = sum(w * multivariate_normal(m.numpy(), c.numpy()).pdf(x) for w, m, c in zip(found.weights.tolist(), found.means, found.covariances))
    assert found.score(x) == pytest.approx(np.log(density).mean(), abs=1e-9)


def test_one_dimension_full_and_diagonal_agree():
    x = clusters(500, 1, 2)
    full, diagonal = (em(x, start_at_rows(x, 2, kind), tol=0, max_iter=10) for kind in ('full', 'diag'))
    np.testing.assert_allclose(full.covariances[:, :, 0], diagonal.covariances, atol=1e-12)


def test_chunks_make_no_difference(monkeypatch):
    x = clusters(1000, 3, 3)
    whole = em(x, start_at_rows(x, 3), tol=0, max_iter=4)
    monkeypatch.setattr(mixture, '_CHUNK', 17)
    pieces = em(x, start_at_rows(x, 3), tol=0, max_iter=4)
    torch.testing.assert_close(whole.covariances, pieces.covariances, rtol=1e-10, atol=1e-12)


def test_largest_array_does_not_grow_with_the_rows(monkeypatch):
    sizes, original = [], mixture._features
    monkeypatch.setattr(mixture, '_features', lambda *args: sizes.append(original(*args).numel()) or original(*args))
    for n in (5000, 20000):
        x = clusters(n, 3, 2)
        em(x, start_at_rows(x, 2), tol=0, max_iter=1)
    assert max(sizes) == mixture._CHUNK * 10


def test_a_point_far_from_all_components_and_an_empty_component():
    x = np.concatenate([clusters(500, 2, 1), [[1e4, 1e4]]])
    start = start_at_rows(x, 2)
    start.means[1] = 1e6                                                        # owns no point
    found = em(x, start, tol=0, max_iter=5, reg_covar=1e-3)
    assert all(torch.isfinite(t).all() for t in found[:3]) and np.isfinite(found.score(x))


@pytest.mark.parametrize('covariance', ['full', 'diag'])
def test_fit_is_as_good_as_scikit_learns(covariance):
    x = clusters(30000, 4, 4)
    found = fit_mixture(x, 4, covariance, starts=3)
    gmm = GaussianMixture(4, covariance_type=covariance, n_init=3, random_state=0).fit(x)
    assert found.converged and found.score(x) > gmm.score(x) - 5e-3
    again = fit_mixture(x, 4, covariance, starts=3)
    assert torch.equal(found.means, again.means)


def test_unfinished_fit_warns():
    x = clusters(2000, 2, 3)
    with pytest.warns(UserWarning, match='did not converge'):
        em(x, start_at_rows(x, 3), tol=1e-9, max_iter=2)


@pytest.mark.parametrize('x', [np.zeros(4), np.zeros((0, 2)), np.zeros((4, 0)), np.array([[0.0, np.nan], [1, 2]]), np.array([[0.0, np.inf], [1, 2]]), np.eye(3, dtype=int)])
def test_bad_rows_are_refused(x):
    with pytest.raises(ValueError, match='x must'):
        fit_mixture(x, 1)
    with pytest.raises(ValueError, match='x must'):
        em(x, start_at_rows(np.eye(2), 1))


@pytest.mark.parametrize('options, word', [
    ({'components': 0}, 'components'), ({'components': 11}, 'components'), ({'components': 2.0}, 'components'), ({'components': True}, 'components'),
    ({'components': 2, 'covariance': 'tied'}, 'covariance'), ({'components': 2, 'starts': 0}, 'starts'), ({'components': 2, 'reg_covar': -1.0}, 'reg_covar'),
])
def test_bad_options_are_refused(options, word):
    with pytest.raises(ValueError, match=word):
        fit_mixture(clusters(10, 2, 2), **options)


def test_bad_start_and_collapse_are_refused():
    x = clusters(100, 3, 2)
    with pytest.raises(ValueError, match='start'):
        em(x, start_at_rows(clusters(10, 2, 2), 2))
    with pytest.raises(ValueError, match='max_iter'):
        em(x, start_at_rows(x, 2), max_iter=0)
    for covariance in ('full', 'diag'):
        with pytest.raises(ValueError, match='reg_covar'):
            em(np.ones((50, 3)), start_at_rows(x, 2, covariance), reg_covar=0, tol=0)
