"""The encoder of z: against naive loops, torch.distributions and finite differences; chance only from the step's generator."""
import dataclasses
import json

import numpy as np
import pytest
import torch

from ddsp_course import encoder, instruments, latents, model, runs, training
from ddsp_course.encoder import Encoder, frame_dims, held_z, kl_divergence
from ddsp_course.model import DDSP, ModelConfig
from ddsp_course.processes import Group
from ddsp_course.training import TrainConfig, draw_batch, step_generator, train_step

SMALL = dict(hidden=16, encoder_hidden=8, n_harmonics=12, n_noise=9, hop_length=160, z_dims=5)
KINDS = [dict(), dict(z_pooling="frames"), dict(z_pooling="slow"), dict(z_pooling="both"), dict(mfcc_normalisation="clip"), dict(kl_weight=0.1),
         dict(z_pooling="both", kl_weight=0.1), dict(z_pooling="slow", kl_weight=0.1), dict(z_pooling="frames", kl_weight=0.1)]


def make(seed=0, **choices):
    torch.manual_seed(seed)
    statistics = {"mfcc": {"mean": torch.linspace(-1, 1, 30).tolist(), "std": torch.linspace(0.5, 2, 30).tolist()}}
    return Encoder(ModelConfig(**{**SMALL, **choices}, statistics=statistics))


def features(batch=2, frames=53, seed=0, dtype=torch.float32):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(batch, frames, 30, generator=g).to(dtype), (-50 + 40 * torch.rand(batch, frames, generator=g)).to(dtype)


def outputs(net, mfcc):
    "Outputs of the GRU [B, n, H], its input scaled by hand."
    x = mfcc[:, :: net.stride]
    scaled = (x - x.mean(1, keepdim=True)) / (x.var(1, keepdim=True, correction=0) + 1e-5).sqrt() if net.config.mfcc_normalisation == "clip" else \
        (x - net.mfcc_mean) / net.mfcc_std
    return net.gru(scaled)


@pytest.mark.parametrize("scaling", ["dataset", "clip"])
@torch.no_grad()
def test_pooled_z_is_the_loudness_weighted_mean(scaling):
    net, (mfcc, loudness) = make(mfcc_normalisation=scaling), features()
    h = outputs(net, mfcc)
    for b in range(2):
        weights = [10 ** (float(level) / 20) for level in loudness[b, ::2]]
        mean = sum(w * row for w, row in zip(weights, h[b])) / sum(weights)
        torch.testing.assert_close(net(mfcc, loudness).z[b], net.to_z(mean), rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_slow_z_is_a_polygon_through_means_of_100_ms():
    net, (mfcc, loudness) = make(z_pooling="slow"), features(frames=53)
    assert net.stride * net.block == 10                                              # at 100 frames a second
    h = outputs(net, mfcc)[0]
    knots = torch.stack([net.to_z(h[k:k + 5].mean(0)) for k in range(0, len(h), 5)]).numpy()
    centres, frames = 10 * np.arange(len(knots)) + 4.5, np.arange(53)
    expected = np.stack([np.interp(frames, centres, column) for column in knots.T], 1)  # np.interp holds the ends, too
    assert net(mfcc, loudness).z.shape == (2, 53, 5)
    np.testing.assert_allclose(net(mfcc, loudness).z[0].numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("rate, hop", [(100, 160), (250, 64), (50, 320), (62.5, 256)])
def test_slow_z_comes_about_every_100_ms(rate, hop):
    net = make(z_pooling="slow", hop_length=hop)
    assert abs(net.stride * net.block / rate - 0.1) < 0.021


@torch.no_grad()
def test_both_has_a_fixed_and_a_moving_part():
    net, (mfcc, loudness) = make(z_pooling="both"), features()
    z = net(mfcc, loudness).z
    assert frame_dims(net.config) == 2 and z.shape == (2, 53, 5)
    assert (z[..., :3] == z[:, :1, :3]).all() and (z[..., 3:].std(1) > 0).all()
    pooled, frames = (make(z_pooling=kind)(mfcc, loudness).z for kind in ("clip", "frames"))     # the same weights
    torch.testing.assert_close(z[:, 0, :3], pooled[:, :3])
    torch.testing.assert_close(z[..., 3:], frames[..., 3:])
    held = held_z(net.config, z)
    torch.testing.assert_close(held[:, :3], pooled[:, :3])
    assert (held[:, 3:] == 0).all() and held.shape == (2, 5)


def test_held_z_of_the_other_kinds():
    z = torch.randn(3, 7, 5, generator=torch.Generator().manual_seed(0))
    for kind in ("frames", "slow"):
        torch.testing.assert_close(held_z(ModelConfig(**SMALL, z_pooling=kind), z), z.mean(1))
    assert torch.equal(held_z(ModelConfig(**SMALL), z[:, 0]), z[:, 0])


def test_scaling_by_clip_forgets_level_and_spread_of_each_coefficient():
    mfcc, loudness = features()
    other = 3 * mfcc + torch.arange(30)
    with torch.no_grad():
        by_clip, by_data = make(mfcc_normalisation="clip"), make()
        torch.testing.assert_close(by_clip(mfcc, loudness).z, by_clip(other, loudness).z, rtol=1e-3, atol=1e-4)
        assert (by_data(mfcc, loudness).z - by_data(other, loudness).z).abs().max() > 0.1


@pytest.mark.parametrize("frames", [1, 2, 3, 9, 10, 11])
@pytest.mark.parametrize("kind", KINDS)
def test_any_length(kind, frames):
    z, kl = make(**kind)(*features(frames=frames))
    assert z.shape == ((2, 5) if kind.get("z_pooling", "clip") == "clip" else (2, frames, 5)) and z.isfinite().all() and kl.shape == (2,)


def test_divergence_is_that_of_torch():
    g = torch.Generator().manual_seed(0)
    mean, log_variance = torch.randn(2, 100, generator=g, dtype=torch.float64)
    normal = torch.distributions.Normal
    expected = torch.distributions.kl_divergence(normal(mean, (log_variance / 2).exp()), normal(torch.zeros(100).double(), torch.ones(100).double()))
    torch.testing.assert_close(kl_divergence(mean, log_variance), expected)


@torch.no_grad()
def test_draws_have_the_mean_and_deviation_of_the_encoder():
    net, (mfcc, loudness) = make(kl_weight=0.1), features(1)
    n = 20000
    noise = torch.randn(n, 53, 5, generator=torch.Generator().manual_seed(0))
    z, kl = net(mfcc.expand(n, -1, -1), loudness.expand(n, -1), z_noise=noise)
    h = outputs(net, mfcc)
    pooled = net._pooled(h, loudness)
    mean, log_variance = net.to_z(pooled)[0].split(5)
    torch.testing.assert_close(z.mean(0), mean, atol=0.03, rtol=0)
    torch.testing.assert_close(z.std(0), (log_variance / 2).exp(), atol=0.03, rtol=0)
    torch.testing.assert_close(net(mfcc, loudness).z[0], mean)
    torch.testing.assert_close(kl[0], kl_divergence(mean, log_variance).sum())


@pytest.mark.parametrize("kind", KINDS)
def test_gradients(kind):
    "All parts of the encoder but the GRU kernel (tested on its own) against finite differences, in float64."
    net = make(**kind).double()
    net.gru = torch.nn.Linear(30, 8).double()
    mfcc, loudness = features(frames=13, dtype=torch.float64)
    draws = {name: value.double() for name, value in net.draw(2, 13, torch.Generator().manual_seed(3)).items()}
    parameters = [mfcc.requires_grad_(), loudness.requires_grad_(), net.to_z.weight]
    def run(mfcc, loudness, weight):
        latent = torch.func.functional_call(net, {"to_z.weight": weight}, (mfcc, loudness), draws)
        return latent.z, latent.kl
    assert torch.autograd.gradcheck(run, parameters, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_chance_comes_from_the_generator_alone(kind):
    net, (mfcc, loudness) = make(**kind), features()
    draws = [net.draw(2, 53, torch.Generator().manual_seed(seed)) for seed in (0, 0, 4)]
    a, b, c = (net(mfcc, loudness, **d).z for d in draws)
    torch.manual_seed(5)
    plain = net(mfcc, loudness).z
    torch.manual_seed(6)
    assert torch.equal(a, b) and torch.equal(plain, net(mfcc, loudness).z) and torch.equal(plain, net.train().eval()(mfcc, loudness).z)
    random = bool(kind.get("kl_weight")) or kind.get("z_pooling") == "both"
    assert bool(draws[0]) == random and torch.equal(a, plain) == (not random)
    if kind.get("kl_weight"):
        assert not torch.equal(a, c)


def test_half_of_the_clips_lose_their_frame_part():
    net, (mfcc, loudness) = make(z_pooling="both"), features(400, 5)
    keep = net.draw(400, 5, torch.Generator().manual_seed(0))["z_keep"]
    assert set(keep.tolist()) == {0.0, 1.0} and abs(float(keep.mean()) - 0.5) < 0.1
    whole, dropped = net(mfcc, loudness).z, net(mfcc, loudness, z_keep=keep).z
    assert torch.equal(dropped[..., :3], whole[..., :3]) and torch.equal(dropped[keep == 1], whole[keep == 1])
    assert (dropped[keep == 0][..., 3:] == 0).all()


@pytest.mark.parametrize("kind", [dict(kl_weight=0.1), dict(z_pooling="both", kl_weight=0.1), dict(z_pooling="both")])
def test_each_process_draws_its_rows_of_the_whole_batch(kind):
    "Two processes with half of the batch each see the same numbers as one with all of it."
    config = ModelConfig(**SMALL, **kind)
    net = DDSP(config)
    batch = {"f0_hz": torch.full((4, 20), 300.0)}
    whole = training._latent_draws(net, batch, step_generator(0, 3), Group())
    for rank in (0, 1):
        own = training._latent_draws(net, {"f0_hz": batch["f0_hz"][:2]}, step_generator(0, 3), Group(rank, 2))
        assert own.keys() == whole.keys() and all(torch.equal(own[name], whole[name][2 * rank:2 * rank + 2]) for name in own)


@pytest.mark.parametrize("kind", [dict(kl_weight=0.1), dict(z_pooling="both", kl_weight=0.05), dict(z_pooling="slow", mfcc_normalisation="clip")])
def test_resumed_run_equals_an_unbroken_one(tone_dataset, tmp_path, monkeypatch, kind):
    config = model.configure(tone_dataset, **{name: value for name, value in SMALL.items() if name != "hop_length"}, **kind)
    settings = TrainConfig(steps=4, batch_size=2, crop_seconds=0.3, eval_every=4)
    whole = training.fit(tone_dataset, config, tmp_path / "whole", settings, progress=False)
    step, calls = training.train_step, []
    def stop(*arguments, **named):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return step(*arguments, **named)
    monkeypatch.setattr(training, "train_step", stop)
    with pytest.raises(KeyboardInterrupt):
        training.fit(tone_dataset, config, tmp_path / "broken", settings, progress=False)
    monkeypatch.undo()
    again = training.fit(tone_dataset, config, tmp_path / "broken", settings, resume=True, progress=False)
    assert all(torch.equal(a, b) for a, b in zip(whole.state_dict().values(), again.state_dict().values()))
    loaded = model.load(tmp_path / "broken")
    assert loaded.config == config and all(torch.equal(a, b) for a, b in zip(whole.state_dict().values(), loaded.state_dict().values()))
    assert ("kl" in runs.read_log(tmp_path / "whole")[0]) == bool(config.kl_weight)


def test_divergence_is_added_to_the_loss_with_its_weight(tone_dataset):
    "The weight enters the gradient linearly."
    batch = draw_batch(tone_dataset, tone_dataset.split("train"), 30, 2, step_generator(0, 0))
    gradients = {}
    for weight in (1e-6, 0.5, 1.0):
        torch.manual_seed(0)
        net = DDSP(ModelConfig(**SMALL, kl_weight=weight))
        optimizer = torch.optim.SGD(net.parameters(), 0.0)
        values = train_step(net, optimizer, batch, TrainConfig(clip_norm=1e9), 0)
        gradients[weight] = net.encoder.to_z.weight.grad.clone()
        assert values["kl"] > 0
    difference = gradients[1.0] - gradients[1e-6]
    assert difference.abs().max() > 0
    torch.testing.assert_close(gradients[0.5] - gradients[1e-6], 0.5 * difference, rtol=1e-3, atol=1e-4 * float(difference.abs().max()))


def test_prior_and_instruments_take_the_held_z(tone_dataset):
    torch.manual_seed(0)
    net = DDSP(model.configure(tone_dataset, hidden=16, encoder_hidden=8, n_harmonics=12, n_noise=9, z_dims=4, z_pooling="both")).eval()
    z = latents.encode_dataset(net, tone_dataset, seconds=1.0).z
    assert (z[:, 2:] == 0).all() and (z[:, :2].std(0) > 0).all()
    assert all(entry.z[2:] == [0, 0] for entry in instruments.learn_instruments(net, tone_dataset).values())


@pytest.mark.parametrize("field, value", [("mfcc_normalisation", "batch"), ("kl_weight", -0.1), ("kl_weight", float("nan")), ("z_pooling", "note")])
def test_bad_choices(field, value):
    with pytest.raises(ValueError, match=field):
        ModelConfig(**{field: value})


def test_both_needs_two_numbers():
    with pytest.raises(ValueError, match="z_dims"):
        ModelConfig(z_pooling="both", z_dims=1)


def test_old_and_newer_configurations(tmp_path):
    "A run of an older version lacks the new fields; one of a newer version has fields that we do not know."
    for name in ("quartet", "violin"):
        saved = json.loads((runs.find_run(name) / "config.json").read_text(encoding="utf-8"))
        config = model.load(runs.find_run(name)).config
        assert (config.z_pooling, config.mfcc_normalisation, config.kl_weight) == ("clip", "dataset", 0.0)
        assert saved.items() <= dataclasses.asdict(config).items()
    net = DDSP(ModelConfig(**SMALL))
    model.save(tmp_path, net)
    text = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**text, "z_from_the_future": 1}))
    with pytest.raises(ValueError, match="unknown fields \\['z_from_the_future'\\].*newer version"):
        model.load(tmp_path)
    (tmp_path / "train.json").write_text(json.dumps({"model": {**text, "z_from_the_future": 1}, "train": {}, "dataset": "x"}))
    with pytest.raises(ValueError, match="z_from_the_future"):
        runs.load_settings(tmp_path)


@torch.no_grad()
def test_shipped_encoder_is_the_formula_it_was_trained_with():
    "Bit for bit what the encoder was before it had choices: scale, every other frame, GRU, weighted mean, linear layer."
    net = model.load(runs.find_run("quartet"))
    mfcc, loudness = features(2, 200)
    old = net.encoder
    h = old.gru((mfcc[:, ::2] - old.mfcc_mean) / old.mfcc_std)
    weight = 10 ** (loudness[:, ::2, None] / 20)
    assert torch.equal(net.encode({"mfcc": mfcc, "loudness_db": loudness}), old.to_z((h * weight).sum(1) / weight.sum(1)))
    assert encoder.frame_dims(net.config) == 0
