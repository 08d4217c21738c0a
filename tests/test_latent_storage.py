"""z on disk: exactly what was saved, the encoder's own, and clear errors; the page of points."""
import json

import pytest
import torch

from ddsp_course.latent_paths import LatentPaths, encode_paths
from ddsp_course.latent_storage import encoder_fingerprint, load_latents, save_latents, write_map
from ddsp_course.model import DDSP, configure


@pytest.fixture(scope="module")
def made(tone_dataset):
    torch.manual_seed(0)
    net = DDSP(configure(tone_dataset, z_dims=3, hidden=8, encoder_hidden=6)).eval()
    return net, encode_paths(net, tone_dataset)


def same(a, b):
    return torch.equal(a, b) if torch.is_tensor(a) else a == b


def test_round_trip_is_exact(made, tmp_path):
    net, paths = made
    save_latents(tmp_path / "new" / "z", paths, net)
    back = load_latents(tmp_path / "new" / "z", net)
    assert back.frame_rate == paths.frame_rate and back.window_s == paths.window_s and len(back.paths) == len(paths.paths) > 1
    for a, b in zip(back.paths, paths.paths):
        assert all(same(getattr(a, name), getattr(b, name)) for name in a._fields)
    assert all(same(getattr(back.clips, name), getattr(paths.clips, name)) for name in back.clips._fields)
    assert not list((tmp_path / "new" / "z").glob("*.tmp*")) and not list((tmp_path / "new" / "z").glob("*.pkl"))


def test_stored_z_is_what_the_encoder_says(made, tone_dataset, tmp_path):
    net, paths = made
    save_latents(tmp_path, paths, net)
    back = load_latents(tmp_path)
    by_name = {r.name: i for i, r in enumerate(tone_dataset.recordings)}
    for path in back.paths:
        x = tone_dataset.get(by_name[path.name])
        for (a, b), z in zip(path.spans.tolist(), path.note_z):
            live = net.encode({name: x[name][None, a:b] for name in ("mfcc", "loudness_db")})[0]
            assert torch.allclose(z, live, atol=1e-5)
    k = 1
    x = tone_dataset.get(by_name[back.clips.recordings[k]])
    start = round(float(back.clips.start_s[k]) * tone_dataset.frame_rate)
    live = net.encode({name: x[name][None, start:start + 2 * tone_dataset.frame_rate] for name in ("mfcc", "loudness_db")})[0]
    assert torch.allclose(back.clips.z[k], live, atol=1e-5)


def test_another_model_is_refused(made, tone_dataset, tmp_path):
    net, paths = made
    save_latents(tmp_path, paths, net)
    torch.manual_seed(1)
    other = DDSP(configure(tone_dataset, z_dims=3, hidden=8, encoder_hidden=6))
    assert encoder_fingerprint(other) != encoder_fingerprint(net) and len(encoder_fingerprint(net)) == 64
    with pytest.raises(ValueError, match="another model"):
        load_latents(tmp_path, other)
    with pytest.raises(ValueError, match="no latent vector"):
        encoder_fingerprint(DDSP(configure(tone_dataset, z=False, hidden=8)))


def test_damage_is_named(made, tmp_path):
    net, paths = made
    with pytest.raises(FileNotFoundError, match="latents.json"):
        load_latents(tmp_path)
    save_latents(tmp_path, paths, net)
    whole = (tmp_path / "000.safetensors").read_bytes()
    (tmp_path / "000.safetensors").write_bytes(whole[:100])
    with pytest.raises(ValueError, match="000.safetensors is damaged"):
        load_latents(tmp_path)
    (tmp_path / "000.safetensors").unlink()
    with pytest.raises(FileNotFoundError):
        load_latents(tmp_path)
    (tmp_path / "000.safetensors").write_bytes(whole)
    about = json.loads((tmp_path / "latents.json").read_text())
    (tmp_path / "latents.json").write_text(json.dumps(about)[:80])
    with pytest.raises(ValueError, match="latents.json is damaged"):
        load_latents(tmp_path)
    del about["clips"]
    (tmp_path / "latents.json").write_text(json.dumps(about))
    with pytest.raises(ValueError, match="damaged: KeyError: 'clips'"):
        load_latents(tmp_path)


def test_an_unfinished_folder_is_not_read(made, tmp_path, monkeypatch):
    "Killed while the arrays are written: no latents.json yet."
    net, paths = made
    bad = paths.paths[-1]._replace(z="not a tensor")
    with pytest.raises(AttributeError):
        save_latents(tmp_path, LatentPaths([*paths.paths[:-1], bad], *paths[1:]), net)
    with pytest.raises(FileNotFoundError, match="unfinished"):
        load_latents(tmp_path)


def test_map(tmp_path):
    sounds = [0.1 * torch.randn(4000, generator=torch.Generator().manual_seed(i)) for i in range(3)]
    page = write_map(tmp_path / "map.html", [[0, 0], [1, 2], [3, -1]], ["a", "b", "a<i>"], ["one", "two </script>", "three"], sounds, 16000, "z & co")
    text = page.read_text(encoding="utf-8")
    assert text.count("<circle") == 3 and text.count("</script>") == 1 and "a&lt;i&gt;" in text and "z &amp; co" in text
    assert json.loads(text.split("sounds = ")[1].split(", player")[0])[1]["label"] == "two </script>"
    with pytest.raises(ValueError, match="belong together"):
        write_map(page, [[0, 0]], ["a"], ["x", "y"], sounds[:1], 16000)
    with pytest.raises(ValueError, match="belong together"):
        write_map(page, [], [], [], [], 16000)
