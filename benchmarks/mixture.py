"""Expectation-maximisation of a Gaussian mixture: two matrix products a step against scikit-learn.

    python benchmarks/mixture.py

Process CPU seconds of one step (E and M, full covariances, 16 dimensions) on one thread, both from the same start. The last
column is the difference of the mean log-likelihoods after the same steps, in nats.
"""
import time
import warnings

import numpy as np
import torch
from sklearn.mixture import GaussianMixture

from ddsp_course.mixture import Mixture, em


def clusters(n_rows, components, n_dims=16, seed=0):
    "Clusters of different shapes, standardised [n_rows, n_dims]."
    rng = np.random.default_rng(seed)
    centres, shapes = 2 * rng.normal(size=(components, n_dims)), 0.3 * rng.normal(size=(components, n_dims, n_dims))
    label, x = rng.integers(components, size=n_rows), rng.normal(size=(n_rows, n_dims))
    for k in range(components):
        x[label == k] = centres[k] + x[label == k] @ shapes[k]
    return (x - x.mean(0)) / x.std(0)


def cpu_s(call):
    "CPU seconds of a call, and its result."
    start = time.process_time()
    result = call()
    return time.process_time() - start, result


def ours(x, start, steps):
    "CPU seconds a step, mixture after `steps`."
    seconds, found = cpu_s(lambda: em(x, start, reg_covar=1e-3, tol=0, max_iter=steps))
    return seconds / steps, found


def scikit_learn(x, start, steps):
    "The same by scikit-learn, whose `fit` ends with one more E step: `score` costs as much and is taken off."
    gmm = GaussianMixture(len(start.weights), reg_covar=1e-3, tol=0, max_iter=steps, weights_init=start.weights.numpy(),
                          means_init=start.means.numpy(), precisions_init=np.linalg.inv(start.covariances.numpy()))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")                                         # stopped early on purpose
        fit_s, gmm = cpu_s(lambda: gmm.fit(x))
    score_s, level = cpu_s(lambda: gmm.score(x))
    return (fit_s - score_s) / steps, level


def one_case(n_rows, components, steps, against_scikit_learn=True):
    "dict(name, ours_s, sklearn_s, ratio, log_likelihood_difference); the last three None without scikit-learn."
    x = clusters(n_rows, components)
    start = Mixture(torch.full((components,), 1 / components, dtype=torch.float64), torch.tensor(x[:components]), torch.eye(16, dtype=torch.float64).repeat(components, 1, 1))
    ours_s, found = ours(x, start, steps)
    row = {"name": f"{n_rows:,} x 16, K = {components}", "ours_s": ours_s, "sklearn_s": None, "ratio": None, "log_likelihood_difference": None}
    if against_scikit_learn:
        sklearn_s, level = scikit_learn(x, start, steps)
        row.update(sklearn_s=sklearn_s, ratio=sklearn_s / ours_s, log_likelihood_difference=found.score(x) - level)
    return row


def measure():
    "list of dict(name, ours_s, sklearn_s, ratio, log_likelihood_difference)"
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    rows = [one_case(100_000, 32, 3), one_case(300_000, 64, 1)]
    rows += [one_case(100_000, k, 3, against_scikit_learn=False) for k in (4, 8, 16, 64, 128)]
    torch.set_num_threads(threads)
    return rows


def main():
    print(f"{'a step':24s} {'ours':>9s} {'sklearn':>9s} {'ratio':>6s} {'difference':>11s}")
    for row in measure():
        theirs = "" if row["ratio"] is None else f" {row['sklearn_s']:7.2f} s {row['ratio']:6.1f} {row['log_likelihood_difference']:11.1e}"
        print(f"{row['name']:24s} {row['ours_s']:7.3f} s{theirs}")


if __name__ == "__main__":
    main()
