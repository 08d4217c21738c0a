import dataclasses
import json

import pytest
import torch

from ddsp_course import model
from ddsp_course.features import FEATURE_VERSION
from ddsp_course.layers import count_parameters
from ddsp_course.losses import multiscale_spectral_loss
from ddsp_course.model import DDSP, ModelConfig

SMALL = dict(hidden=16, encoder_hidden=8, n_harmonics=12, n_noise=9, hop_length=160)


def features(batch=2, frames=50, seed=0):
    g = torch.Generator().manual_seed(seed)
    return {
        "f0_hz": 300 + 200 * torch.rand(batch, frames, generator=g),
        "loudness_db": -50 + 40 * torch.rand(batch, frames, generator=g),
        "mfcc": torch.randn(batch, frames, 30, generator=g),
    }


@pytest.mark.parametrize("choices", [
    dict(n_noise=0, z_dims=0), dict(z_dims=0), dict(), dict(reverb="ir", reverb_seconds=0.2), dict(reverb="decay", reverb_seconds=0.2), dict(z_pooling="frames"),
])
def test_every_variant_learns_everywhere(choices):
    torch.manual_seed(0)
    net, f = DDSP(ModelConfig(**{**SMALL, **choices})), features()
    controls = net(f)
    parts = net.synthesize_parts(controls, torch.Generator().manual_seed(0))
    assert parts["wet"].shape == (2, 50 * 160)
    assert torch.allclose(parts["harmonic"] + parts["noise"], parts["dry"])
    multiscale_spectral_loss(parts["wet"], torch.randn(2, 8000, generator=torch.Generator().manual_seed(1)), (256, 64)).backward()
    without = [name for name, p in net.named_parameters() if p.grad is None or not p.grad.isfinite().all() or not p.grad.abs().sum() > 0]
    assert not without


def test_harmonics_above_nyquist_are_silent_and_level_is_kept():
    torch.manual_seed(0)
    net = DDSP(ModelConfig(**SMALL))
    f = features()
    f["f0_hz"] = torch.full_like(f["f0_hz"], 1500.0)
    controls = net(f)
    assert (controls.amplitudes[..., 5:] == 0).all() and (controls.amplitudes[..., :5] > 0).all()
    low = net.decoder(torch.full_like(f["f0_hz"], 100.0), f["loudness_db"], controls.z).amplitudes
    assert (low > 0).all()


def test_pooled_z_ignores_silence():
    torch.manual_seed(0)
    net, f = DDSP(ModelConfig(**SMALL)), features(1, 100)
    f["loudness_db"][:] = -20.0
    f["loudness_db"][:, 50:] = -120.0
    other = {**f, "mfcc": f["mfcc"].clone()}
    other["mfcc"][:, 60:] += 5
    assert torch.allclose(net.encode(f), net.encode(other), atol=1e-4)


@pytest.mark.parametrize("frames", [1, 2, 7, 100])
def test_frame_z_has_one_vector_a_frame(frames):
    net = DDSP(ModelConfig(**SMALL, z_pooling="frames"))
    assert net.encode(features(1, frames)).shape == (1, frames, 6)


def test_given_z_replaces_the_encoder():
    torch.manual_seed(0)
    net, f = DDSP(ModelConfig(**SMALL)), features()
    z = net.encode(f)
    given = {"f0_hz": f["f0_hz"], "loudness_db": f["loudness_db"], "z": z}
    assert torch.equal(net(f).amplitudes, net(given).amplitudes)
    assert not torch.equal(net(f).amplitudes, net({**given, "z": z + 1}).amplitudes)


def test_batch_does_not_mix_clips():
    torch.manual_seed(0)
    net, f = DDSP(ModelConfig(**SMALL)), features()
    alone = net({name: value[1:] for name, value in f.items()})
    assert torch.allclose(net(f).amplitudes[1:], alone.amplitudes, atol=1e-6)


@pytest.mark.parametrize("change, message", [
    (lambda f: f.pop("mfcc"), "missing"), (lambda f: f.update(f0_hz=f["f0_hz"][:, :-1]), "both be"),
    (lambda f: f.update(f0_hz=torch.zeros(2, 50)), "above 0"), (lambda f: f.update(f0_hz=torch.full((2, 50), float("nan"))), "above 0"),
    (lambda f: f.update(f0_hz=torch.ones(2, 0), loudness_db=torch.ones(2, 0)), "both be"),
])
def test_bad_features(change, message):
    f = features()
    change(f)
    with pytest.raises(ValueError, match=message):
        DDSP(ModelConfig(**SMALL))(f)


@pytest.mark.parametrize("field, value", [("reverb", "hall"), ("z_pooling", "mean"), ("n_harmonics", 0), ("n_noise", 1), ("z_dims", -1), ("hidden", 0)])
def test_bad_configuration(field, value):
    with pytest.raises(ValueError, match=field):
        ModelConfig(**{field: value})


def test_paper_size():
    "512 wide, three-layer MLPs, 16-dimensional z a frame: about 7 million parameters, as in the authors' program."
    wide = ModelConfig(hidden=512, encoder_hidden=512, mlp_layers=3, n_harmonics=100, z_dims=16, z_pooling="frames")
    assert 6e6 < count_parameters(DDSP(wide)) < 8e6


def test_save_and_load(tmp_path):
    torch.manual_seed(0)
    statistics = {"loudness_db": {"mean": -30.0, "std": 9.0}, "mfcc": {"mean": [0.5] * 30, "std": [2.0] * 30}}
    net = DDSP(ModelConfig(**SMALL, reverb="ir", reverb_seconds=0.1, statistics=statistics, features={"version": FEATURE_VERSION})).eval()
    model.save(tmp_path / "run", net)
    again = model.load(tmp_path / "run")
    assert again.config == net.config
    f = features()
    with torch.no_grad():
        a, b = (m.synthesize(m(f), torch.Generator().manual_seed(0)) for m in (net, again))
    assert torch.equal(a, b)
    assert not list((tmp_path / "run").glob(".*"))


def test_load_says_what_is_wrong(tmp_path):
    with pytest.raises(FileNotFoundError, match="config.json"):
        model.load(tmp_path / "none")
    model.save(tmp_path, DDSP(ModelConfig(**SMALL)))
    whole = (tmp_path / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="no readable DDSP model"):
        model.load(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(whole)
    config = dataclasses.asdict(ModelConfig(**{**SMALL, "hidden": 17}))
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match="size mismatch"):
        model.load(tmp_path)


def test_refuses_other_features():
    net = DDSP(ModelConfig(**SMALL, features={"version": 1, "loudness": "A-weighted"}))
    net.check_features({"version": 1, "loudness": "A-weighted"})
    with pytest.raises(ValueError, match="version is 2, the model needs 1"):
        net.check_features({"version": 2, "loudness": "A-weighted"})
