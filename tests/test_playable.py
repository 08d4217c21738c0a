"""The instrument to play: the plane, the pad, the labels, and what the page holds."""
import base64
import json
import re

import numpy as np
import pytest
import torch

from ddsp_course.cli import main
from ddsp_course.instruments import load_instruments
from ddsp_course.model import DDSP, ModelConfig, load
from ddsp_course.playable import component_labels, pad_point, plane, write_page
from ddsp_course.prior import LatentPrior
from ddsp_course.profiles import named
from ddsp_course.runs import find_run

STATISTICS = {"f0_midi": {"mean": 60.0, "std": 4.0}, "loudness_db": {"mean": -30.0, "std": 8.0}}


def small(z_dims=3, **choices):
    torch.manual_seed(0)
    net = DDSP(ModelConfig(hop_length=160, z_dims=z_dims, hidden=8, n_harmonics=6, n_noise=5, statistics=STATISTICS, **choices)).eval()
    z = torch.randn(60, z_dims, generator=torch.Generator().manual_seed(1)) * torch.arange(1, z_dims + 1) + 4 * (torch.arange(60) % 2)[:, None]
    return net, LatentPrior.fit(z, components=2)


def content(page):
    return json.loads(re.search(r'type="application/json">(.*?)</script>', page.read_text(encoding="utf-8"), re.S)[1])


def decoded(text):
    return torch.from_numpy(np.frombuffer(base64.b64decode(text), "<f4").copy())


def test_plane_is_the_pca_of_many_draws():
    _, prior = small()
    mean, axes = plane(prior)
    draws = prior.sample(20000, seed=3).double().numpy()
    principal = np.linalg.svd(draws - draws.mean(0), full_matrices=False)[2][:2]
    assert np.allclose(mean, draws.mean(0), atol=0.1) and np.allclose(axes @ axes.T, np.eye(2), atol=1e-12)
    assert np.linalg.svd(axes @ principal.T)[1].min() > 0.999


def test_pad_gives_each_component_and_lies_near_the_plane_far_away():
    _, prior = small()
    mean, axes = plane(prior)
    for centre in (prior.shift + prior.scale * prior.means).numpy():
        assert np.allclose(pad_point(prior, *((centre - mean) @ axes.T)).numpy(), centre, atol=1e-4)
    far = pad_point(prior, 40.0, -30.0).double().numpy() - mean
    assert np.allclose(far @ axes.T, (40, -30), atol=1e-4)


def test_one_dimension_has_a_pad_too(tmp_path):
    net, prior = small(z_dims=1)
    assert pad_point(prior, 0.5, 3.0).shape == (1,)
    assert len(content(write_page(net, prior, named("scale", 100), tmp_path / "p.html"))["z"]) == 1


def test_labels():
    folder = find_run("quartet")
    prior = LatentPrior.load(folder / "prior.safetensors")
    labels = component_labels(prior, load_instruments(folder))
    assert {label.split(" ")[0] for label in labels} == {"violin", "flute", "clarinet", "trumpet"} and len(set(labels)) == prior.n_components
    assert component_labels(prior) == [f"timbre {k + 1}" for k in range(prior.n_components)]


def test_page_holds_decoder_melody_and_prior(tmp_path):
    net, prior = small()
    melody = named("scale", 250)
    found = content(write_page(net, prior, melody, tmp_path / "new" / "page.html"))
    for name, value in net.decoder.state_dict().items():
        assert torch.equal(decoded(found["weights"][name]), value.flatten()), name
    assert len(found["melody"]["f0"]) == round(melody.seconds * 100) and max(found["melody"]["f0"]) == pytest.approx(float(melody.f0_hz.max()), rel=1e-3)
    assert sum(c["weight"] for c in found["components"]) == pytest.approx(1) and found["room"] is None
    low, high = found["range"]["midi"]
    assert low <= 60 - 8 and high >= 60 + 8 and not {low % 12, high % 12} & {1, 3, 6, 8, 10}


def test_room_goes_in_as_its_impulse_response(tmp_path):
    net, prior = small(reverb="ir", reverb_seconds=0.1)
    found = content(write_page(net, prior, named("scale", 100), tmp_path / "page.html"))
    assert torch.equal(decoded(found["room"]), net.reverb.impulse_response().detach().flatten())


def test_a_script_in_a_name_stays_text(tmp_path):
    net, prior = small()
    text = write_page(net, prior, named("scale", 100).__class__(torch.full((9,), 300.0), torch.full((9,), -30.0), 100, "</script><b>"), tmp_path / "p.html").read_text()
    assert "</script><b>" not in text and content(tmp_path / "p.html")["melody"]["name"] == "</script><b>"


def test_bad_input(tmp_path):
    net, prior = small()
    with pytest.raises(ValueError, match="same size; got 2 and 3"):
        write_page(small(z_dims=2)[0], prior, named("scale"), tmp_path / "p.html")
    with pytest.raises(ValueError, match="same size; got 0"):
        write_page(DDSP(ModelConfig(z_dims=0, hidden=8, statistics=STATISTICS)), prior, named("scale"), tmp_path / "p.html")
    bare = DDSP(ModelConfig(z_dims=3, hidden=8))
    with pytest.raises(ValueError, match="statistics of f0_midi and loudness_db"):
        write_page(bare, prior, named("scale"), tmp_path / "p.html")
    assert not (tmp_path / "p.html").exists()


def test_command(tmp_path, capsys):
    assert main(["play", "quartet", str(tmp_path / "p.html"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["page"] == str(tmp_path / "p.html")
    assert load(find_run("quartet")).config.z_dims == len(content(tmp_path / "p.html")["z"])
    assert main(["play", "nowhere", str(tmp_path / "q.html")]) == 1 and "nowhere" in capsys.readouterr().err
