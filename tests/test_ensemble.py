"""Parts of a score, the cast, the stage and the whole performance."""
import json

import mido
import numpy as np
import pytest
import soundfile
import torch

from ddsp_course.cli import main
from ddsp_course.ensemble import cast, channels, mix, perform, place
from ddsp_course.generation import adherence
from ddsp_course.model import load
from ddsp_course.prior import LatentPrior
from ddsp_course.recordings import data_dir
from ddsp_course.runs import find_run

SR = 16000


@pytest.fixture(scope="module")
def run():
    folder = find_run("quartet")
    return load(folder), LatentPrior.load(folder / "prior.safetensors")


def write_midi(path, notes_of_channel):
    file = mido.MidiFile()
    for channel, notes in notes_of_channel.items():
        file.tracks.append(mido.MidiTrack([message for note in notes for message in (
            mido.Message("note_on", channel=channel, note=note, velocity=80, time=0), mido.Message("note_off", channel=channel, note=note, time=960))]))
    file.save(path)
    return path


def noise(*shape, seed=0):
    return 0.3 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_channels(tmp_path):
    assert channels(write_midi(tmp_path / "a.mid", {0: [70], 4: [72], 9: [40], 7: []})) == [1, 5]
    assert channels(data_dir() / "scores" / "canon.mid") == [1, 2, 3, 4]
    with pytest.raises(ValueError, match="holds no notes"):
        channels(write_midi(tmp_path / "drums.mid", {9: [40]}))
    (tmp_path / "text.mid").write_text("la la la")
    with pytest.raises(ValueError, match="text.mid is not a readable MIDI file"):
        channels(tmp_path / "text.mid")
    with pytest.raises(FileNotFoundError):
        channels(tmp_path / "none.mid")


def test_cast_takes_one_of_each_heap():
    "Four heaps far apart: the four players come from four heaps, whatever the seed."
    centres = 10 * torch.tensor([[1.0, 1], [1, -1], [-1, 1], [-1, -1]])
    z = centres.repeat_interleave(20, 0) + noise(80, 2)
    prior = LatentPrior.fit(z, components=4)
    for seed in (0, 100, 200):
        seeds = cast(prior, 4, seed)
        draws = torch.cat([prior.sample(1, s) for s in seeds])
        assert len({tuple(row.sign().tolist()) for row in draws}) == 4 and all(seed <= s < seed + 64 for s in seeds)
    assert cast(prior, 3, 5) == cast(prior, 4, 5)[:3]
    with pytest.raises(ValueError, match="n must be 1 to 32"):
        cast(prior, 33)


@pytest.mark.parametrize("position", (-1.0, -0.3, 0.0, 0.8, 1.0))
def test_place_keeps_the_power(position):
    sound = noise(4000)
    left, right = place(sound, position)
    assert torch.isclose(left.square().sum() + right.square().sum(), sound.square().sum(), rtol=1e-5)
    assert (right.norm() > left.norm()) == (position > 0) or abs(position) < 1e-6


def test_mix():
    sounds = [noise(8000), noise(5000, seed=1)]
    stereo = mix(sounds, [-1.0, 1.0], SR, rt60_s=0.5, peak_db=-6.0)
    assert stereo.shape == (2, 16000) and stereo.abs().max() == pytest.approx(10 ** (-6 / 20), rel=1e-5)
    dry = mix(sounds, [-1.0, 1.0], SR, rt60_s=0.5, wet_db=-200.0)
    assert np.corrcoef(dry[0, :8000], sounds[0])[0, 1] > 0.9999 and dry[:, 8000:].abs().max() < 1e-6
    assert np.corrcoef(dry[1, :5000], sounds[1])[0, 1] > 0.9999
    tail = stereo[:, 9000:12000]                                # the room of each ear is its own
    assert tail.abs().max() > 1e-4 and abs(np.corrcoef(*tail.numpy())[0, 1]) < 0.2
    assert torch.equal(stereo, mix(sounds, [-1.0, 1.0], SR, rt60_s=0.5, peak_db=-6.0))


def test_mix_refuses():
    with pytest.raises(ValueError, match="of the same length"):
        mix([noise(100)], [0.0, 0.5], SR)
    with pytest.raises(ValueError, match="of the same length, at least 1"):
        mix([], [], SR)
    with pytest.raises(ValueError, match="position must be -1"):
        mix([noise(100)], [1.5], SR)
    with pytest.raises(ValueError, match="silent"):
        mix([torch.zeros(100)], [0.0], SR)
    with pytest.raises(ValueError, match=r"shape \[T\]"):
        mix([noise(2, 100)], [0.0], SR)


def test_perform_plays_each_channel(run, tmp_path):
    score = write_midi(tmp_path / "two.mid", {0: [69, 71, 72], 2: [76, 74, 72]})
    audio, parts = perform(*run, score, seed=3)
    assert audio.shape[0] == 2 and audio.shape[1] / SR == pytest.approx(3 + 1.3, abs=0.1) and audio.abs().max() < 1
    assert [part.channel for part in parts] == [1, 3] and len({part.seed for part in parts}) == 2
    for part in parts:
        assert adherence(part.audio, SR, part.profile)["raw_pitch_accuracy"] > 0.9
    again, _ = perform(*run, score, seed=3)
    assert torch.equal(audio, again)


def test_command(tmp_path, capsys):
    score = write_midi(tmp_path / "one.mid", {0: [69, 71]})
    assert main(["ensemble", "quartet", str(tmp_path / "x" / "one.wav"), "--midi", str(score), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert soundfile.info(answer["path"]).channels == 2 and len(answer["parts"]) == 1
    assert main(["ensemble", "quartet", str(tmp_path / "y.wav"), "--midi", str(tmp_path / "no.mid")]) == 1
    assert "no.mid" in capsys.readouterr().err and not (tmp_path / "y.wav").exists()
