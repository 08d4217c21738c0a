"""Distances of clouds against closed forms, SciPy, naive loops and published expectations."""
import math

import numpy as np
import pytest
from scipy import linalg, stats
from scipy.spatial.distance import pdist

from ddsp_course.distribution_metrics import (
    Projection, density_coverage, expected_coverage, frechet_distance, frechet_gaussians, kernel_distance, nearest_distances, nearest_ratio)


def cloud(n, d, seed, shift=0.0, scale=1.0):
    return shift + scale * np.random.default_rng(seed).normal(size=(n, d))


def spread(d, seed):
    "A covariance matrix [d, d]."
    root = np.random.default_rng(seed).normal(size=(d, d))
    return root @ root.T + 0.1 * np.eye(d)


@pytest.mark.parametrize("mean, deviation, expected", [((0, 3), (1, 2), 10.0), ((5, 5), (0.5, 4), 12.25), ((1, -1), (2, 2), 4.0)])
def test_frechet_of_two_normal_distributions_on_a_line(mean, deviation, expected):
    arguments = [(np.array([m]), np.array([[s ** 2]])) for m, s in zip(mean, deviation)]
    assert frechet_gaussians(*arguments[0], *arguments[1]) == pytest.approx(expected)
    assert stats.wasserstein_distance(*[m + s * stats.norm.ppf((np.arange(20000) + 0.5) / 20000) for m, s in zip(mean, deviation)]) ** 2 <= expected + 1e-3    # 1-Wasserstein is the smaller


@pytest.mark.parametrize("d", [1, 2, 5, 12])
def test_frechet_against_scipy(d):
    a, b, m = spread(d, 1), spread(d, 2), np.random.default_rng(3).normal(size=(2, d))
    expected = np.sum((m[0] - m[1]) ** 2) + np.trace(a + b - 2 * linalg.sqrtm(a @ b)).real
    assert frechet_gaussians(m[0], a, m[1], b) == pytest.approx(expected, rel=1e-8)
    assert frechet_gaussians(m[1], b, m[0], a) == pytest.approx(expected, rel=1e-8)


def test_frechet_of_commuting_covariances():
    a, b = np.diag([1.0, 4.0, 9.0]), np.diag([4.0, 4.0, 1.0])
    assert frechet_gaussians(np.zeros(3), a, np.zeros(3), b) == pytest.approx((1 - 2) ** 2 + 0 + (3 - 1) ** 2)


def test_frechet_moves_and_rotations():
    x = cloud(50, 4, 1)
    turn = np.linalg.qr(cloud(4, 4, 2))[0]
    assert frechet_distance(x, x + [3, 0, 4, 0]) == pytest.approx(25)
    assert frechet_distance(x @ turn, 2 * x @ turn + 1) == pytest.approx(frechet_distance(x, 2 * x + np.ones(4) @ turn.T), rel=1e-9)
    assert frechet_distance(x[:3], cloud(3, 4, 3)) >= 0 and math.isfinite(frechet_distance(x[:3], cloud(3, 4, 3)))    # singular covariances


def test_kernel_distance_by_loops():
    x, y, h = cloud(7, 3, 1), cloud(9, 3, 2, 0.5), 1.3
    k = lambda p, q: math.exp(-np.sum((p - q) ** 2) / (2 * h ** 2))
    own = [np.mean([k(a, b) for i, a in enumerate(c) for j, b in enumerate(c) if i != j]) for c in (x, y)]
    assert kernel_distance(x, y, h) == pytest.approx(sum(own) - 2 * np.mean([k(a, b) for a in x for b in y]), rel=1e-12)
    assert kernel_distance(x, y) == pytest.approx(kernel_distance(x, y, float(np.median(pdist(x)))), rel=1e-12)


def test_kernel_distance_has_the_value_of_the_closed_form():
    "Two normal distributions on a line: E k = h / sqrt(h^2 + 2 s^2) exp(-m^2 / (2 (h^2 + 2 s^2)))."
    h, m = 1.0, 1.5
    expected = 2 * h / math.sqrt(h * h + 2) * (1 - math.exp(-m * m / (2 * (h * h + 2))))
    values = [kernel_distance(cloud(100, 1, s), cloud(100, 1, 1000 + s, m), h) for s in range(60)]
    assert np.mean(values) == pytest.approx(expected, abs=4 * np.std(values) / 60 ** 0.5)


def test_kernel_distance_is_unbiased_and_frechet_is_not():
    pairs = [(cloud(12, 3, s), cloud(12, 3, 500 + s)) for s in range(200)]
    kernel, frechet = ([f(x, y) for x, y in pairs] for f in (lambda x, y: kernel_distance(x, y, 1.5), frechet_distance))
    assert abs(np.mean(kernel)) < 4 * np.std(kernel) / 200 ** 0.5 and min(kernel) < 0
    assert np.mean(frechet) > 0.3


@pytest.mark.parametrize("k", [1, 3, 5])
def test_density_and_coverage_by_loops(k):
    x, y = cloud(20, 2, 1), cloud(15, 2, 2, 0.4)
    radius = [sorted(np.linalg.norm(p - q) for j, q in enumerate(x) if j != i)[k - 1] for i, p in enumerate(x)]
    inside = [[np.linalg.norm(p - q) < r for q in y] for p, r in zip(x, radius)]
    density, coverage = density_coverage(x, y, k)
    assert density == pytest.approx(sum(map(sum, inside)) / (k * 15)) and coverage == pytest.approx(np.mean([any(row) for row in inside]))


@pytest.mark.parametrize("n, m, k", [(40, 40, 5), (30, 60, 3), (60, 20, 1)])
def test_equal_distributions_have_the_published_expectations(n, m, k):
    "Naeem et al., 2020: E density = 1 and E coverage = 1 - (N-1)...(N-k) / ((M+N-1)...(M+N-k)), whatever the distribution."
    found = np.array([density_coverage(cloud(n, 3, s), cloud(m, 3, 700 + s), k) for s in range(150)])
    error = 4 * found.std(0) / 150 ** 0.5
    assert found.mean(0)[0] == pytest.approx(1, abs=error[0]) and found.mean(0)[1] == pytest.approx(expected_coverage(n, m, k), abs=error[1])


def test_a_dropped_mode_lowers_coverage_and_a_wide_one_density():
    middles = np.array([[0, 0], [9, 0], [0, 9], [9, 9]])
    real, other = (np.concatenate([m + cloud(40, 2, 10 * s + i) for i, m in enumerate(middles)]) for s in (1, 2))
    full = density_coverage(real, other)
    dropped = density_coverage(real, other[40:])
    wide = density_coverage(real, 4.5 + 4.6 * cloud(160, 2, 5))
    assert dropped[1] == pytest.approx(0.75 * full[1], abs=0.04) and dropped[0] == pytest.approx(full[0], abs=0.2)
    assert wide[0] < 0.5 * full[0]


def test_nearest_neighbours():
    train, points = np.array([[0.0], [10.0]]), np.array([[1.0], [7.0], [11.0]])
    distance, place = nearest_distances(points, train)
    assert distance.tolist() == [1, 3, 1] and place.tolist() == [0, 1, 1]
    assert nearest_ratio(train, points, train) == 0
    assert nearest_ratio(np.array([[2.0]]), points, train) == pytest.approx(2 / (5 / 3))


def test_projection_keeps_what_varies():
    x = cloud(60, 2, 1) @ np.random.default_rng(2).normal(size=(2, 6))
    x = np.concatenate([x, np.full((60, 1), 3.0)], 1)                       # and a feature that never varies
    p = Projection(x, 8)
    assert p(x).shape == (60, 2) and p.explained == pytest.approx(1)
    z = (x[:, :6] - x[:, :6].mean(0)) / x[:, :6].std(0)
    np.testing.assert_allclose(pdist(p(x)), pdist(z), rtol=1e-9)            # nothing but a rotation of the standardised cloud
    assert Projection(cloud(30, 5, 3), 2).explained < 0.9


@pytest.mark.parametrize("call, message", [
    (lambda: frechet_distance(np.zeros(5), np.zeros((5, 1))), "x must have shape"),
    (lambda: frechet_distance(np.zeros((1, 2)), np.zeros((5, 2))), "N >= 2"),
    (lambda: frechet_distance(np.zeros((5, 2)), np.zeros((5, 3))), "one dimension"),
    (lambda: kernel_distance(np.full((5, 2), np.nan), np.zeros((5, 2))), "finite"),
    (lambda: kernel_distance(np.zeros((5, 2)), np.zeros((5, 2))), "bandwidth"),
    (lambda: kernel_distance(cloud(5, 2, 1), cloud(5, 2, 2), 0.0), "bandwidth"),
    (lambda: density_coverage(cloud(5, 2, 1), cloud(9, 2, 2)), "from 1 to 4"),
    (lambda: density_coverage(cloud(9, 2, 1), cloud(9, 2, 2), 0), "k must"),
    (lambda: density_coverage(cloud(9, 2, 1), cloud(9, 2, 2), 1.5), "k must"),
    (lambda: nearest_ratio(cloud(3, 2, 1), cloud(3, 2, 2), cloud(3, 2, 2)), "held_out"),
    (lambda: Projection(np.ones((4, 3))), "different points"),
])
def test_bad_clouds_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
