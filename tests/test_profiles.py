"""Performance profiles: the performance rules, melodies, MIDI files good and bad, placement."""
import math
from dataclasses import FrozenInstanceError

import mido
import numpy as np
import pytest
import torch

from ddsp_course.pitch import cents, hz_to_midi, midi_to_hz
from ddsp_course.profiles import FLOOR_DB, Profile, from_midi, from_notes, match_loudness, named, names, transpose


def write_midi(path, *tracks, tempo=100, ticks=480, **options):
    "Each track is a list of messages; a tempo comes first."
    file = mido.MidiFile(ticks_per_beat=ticks, **options)
    for i, messages in enumerate(tracks):
        track = file.add_track()
        if i == 0: track.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(tempo)))
        track.extend(messages)
    file.save(path)
    return path


def note(midi, length, wait=0, velocity=80, channel=0):
    return [mido.Message("note_on", note=midi, velocity=velocity, time=wait, channel=channel),
            mido.Message("note_off", note=midi, time=length, channel=channel)]


def plateau(profile, second):
    "MIDI pitch at a time, without vibrato noise beyond 0.3 semitones."
    return hz_to_midi(profile.f0_hz[round(second * profile.frame_rate)]).item()


# notes

def test_timing_and_pitch_of_notes():
    profile = from_notes([(60, 1), (None, 0.5), (67, 1.5)], tempo=120)
    assert profile.seconds == 1.5 and len(profile.f0_hz) == len(profile.loudness_db) == 375
    sounding = profile.f0_hz > 0
    assert sounding[:125].all() and not sounding[125:188].any() and sounding[188:].all()
    assert (profile.loudness_db[~sounding] == FLOOR_DB).all() and (profile.loudness_db[sounding] > FLOOR_DB).all()
    assert torch.allclose(profile.f0_hz[:60], midi_to_hz(60)) and torch.allclose(profile.f0_hz[190:240], midi_to_hz(67))


@pytest.mark.parametrize("frame_rate", [100, 250, 500])
def test_glide_is_short_smooth_and_centred(frame_rate):
    profile = from_notes([(60, 1), (72, 1)], tempo=60, frame_rate=frame_rate, vibrato_cents=0)
    t = torch.arange(2 * frame_rate) / frame_rate
    midi = hz_to_midi(profile.f0_hz)
    assert torch.allclose(midi[t < 0.98], torch.tensor(60.0), atol=1e-3) and torch.allclose(midi[t > 1.02], torch.tensor(72.0), atol=1e-3)
    assert (midi.diff() > -1e-3).all()
    if frame_rate == 500: assert midi[500].item() == pytest.approx(66, abs=0.1)


def test_vibrato_depth_rate_and_delay():
    swing = cents(from_notes([(69, 4)], tempo=60, vibrato_cents=40.0).f0_hz, 440.0)
    assert swing[:62].abs().max() < 0.1 and swing.max().item() == pytest.approx(40, abs=0.5)
    spectrum = torch.fft.rfft(swing[150:950] - swing[150:950].mean()).abs()
    assert spectrum.argmax().item() * 250 / 800 == pytest.approx(5.5, abs=0.32)
    assert cents(from_notes([(69, 4)], vibrato_cents=0).f0_hz, 440.0).abs().max() < 1e-2


def test_attack_release_dip_and_arch():
    level = from_notes([(60, 2), (60, 2), (None, 1), (64, 1)], tempo=120, loudness_db=-20.0).loudness_db
    assert level[0] < -45 and level[498] < -45                       # out of and into silence
    assert level[250] < level[225] - 3 and level[250] > -35          # a dip separates two equal notes
    assert level[15:480].max() > level[15] + 0.5                     # the arch lies above its start
    assert -22 < level[13] < -18


def test_dynamics_move_a_note_by_that_many_db():
    soft, loud = (from_notes([(60, 1, d)]).loudness_db for d in (-9, 0))
    assert torch.allclose(loud - soft, torch.tensor(9.0), atol=1e-4)


def test_many_tiny_notes_stay_finite_and_in_range():
    profile = from_notes([(60 + i % 12, 0.01) for i in range(300)], tempo=120)
    midi = hz_to_midi(profile.f0_hz)
    assert torch.isfinite(profile.f0_hz).all() and 48 < midi.min() and midi.max() < 84


@pytest.mark.parametrize("notes,word", [
    ([], "at least one"), ([(None, 1)], "at least one"), ([(60,)], r"notes\[0\]"), ([(60, 1), (60, 0)], r"notes\[1\]"),
    ([(60, -1)], "beats"), ([(200, 1)], "midi"), ([(60, math.nan)], "beats"), ([60, 62], r"notes\[0\]"), ([(60, 1, 99)], "dynamic")])
def test_bad_notes(notes, word):
    with pytest.raises(ValueError, match=word):
        from_notes(notes)


@pytest.mark.parametrize("options", [dict(tempo=0), dict(frame_rate=-1), dict(loudness_db=3), dict(vibrato_cents=-1)])
def test_bad_options(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        from_notes([(60, 1)], **options)
    with pytest.raises(TypeError, match="tempo"):
        from_notes([(60, 1)], tempo="fast")


# the profile itself

def test_profile_is_frozen_and_checked():
    profile = Profile(np.array([440.0, 0.0]), [-20, -80], name="x")
    assert profile.f0_hz.dtype == torch.float32 and profile.frame_rate == 250
    with pytest.raises(FrozenInstanceError):
        profile.name = "y"
    for f0_hz, level in (([], []), ([440.0], [-20.0, -20.0]), ([-1.0], [-20.0]), ([math.nan], [-20.0]), ([440.0], [math.inf]), ([[440.0]], [[-20.0]])):
        with pytest.raises(ValueError, match="f0_hz|loudness_db"):
            Profile(f0_hz, level)


def test_melodies_lie_where_the_instruments_play():
    assert len(names()) >= 6 and names() == sorted(names())
    for name in names():
        profile = named(name)
        midi = hz_to_midi(profile.f0_hz[profile.f0_hz > 0])
        assert 61.7 <= midi.min() and midi.max() <= 82.3 and 5 < profile.seconds < 60 and profile.name == name
    with pytest.raises(ValueError, match="twinkle"):
        named("unknown")


def test_studies_show_what_they_are_named_after():
    assert {"scale", "arpeggio", "crescendo", "vibrato_study"} <= set(names())
    steps = [round(plateau(named("arpeggio"), (i + 0.35) * 60 / 132)) for i in range(7)]
    assert steps == [67, 71, 74, 79, 74, 71, 67]
    swell = named("crescendo", loudness_db=-30.0)
    assert set(hz_to_midi(swell.f0_hz).round().tolist()) == {67} and swell.seconds == 8
    level = swell.loudness_db
    assert level[100] < level[500] - 6 < level[1000] - 14 and level[1900] < level[1000] - 10 and (level[50:900].diff() > -0.02).all()
    study = cents(named("vibrato_study").f0_hz, 440.0)
    assert [round(study[625 * i:625 * i + 480].max().item()) for i in range(4)] == [0, 15, 30, 60]
    assert named("crescendo", 100).frame_rate == named("vibrato_study", 100).frame_rate == 100


def test_ode_to_joy_begins_as_it_should():
    profile = named("ode_to_joy")                                    # 112 beats a minute
    heard = [round(plateau(profile, (i + 0.35) * 60 / 112)) for i in range(8)]
    assert heard == [71, 71, 72, 74, 74, 72, 71, 69]


# MIDI files

def test_midi_timing_follows_the_tempo_map(tmp_path):
    change = [mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(50))]
    path = write_midi(tmp_path / "a.mid", note(60, 480) + change + note(67, 480), tempo=100)
    profile = from_midi(path)
    assert profile.seconds == pytest.approx(0.6 + 1.2, abs=0.004) and profile.name == "a"
    assert plateau(profile, 0.2) == pytest.approx(60, abs=0.01) and plateau(profile, 0.8) == pytest.approx(67, abs=0.01)


def test_midi_equals_the_same_notes(tmp_path):
    path = write_midi(tmp_path / "a.mid", note(60, 480) + note(64, 480) + note(67, 960, wait=480), tempo=100)
    typed = from_notes([(60, 1), (64, 1), (None, 1), (67, 2)], tempo=100)
    profile = from_midi(str(path))
    assert torch.allclose(profile.f0_hz, typed.f0_hz, atol=1e-2) and torch.allclose(profile.loudness_db, typed.loudness_db, atol=1e-3)


def test_velocity_sets_the_level(tmp_path):
    levels = [from_midi(write_midi(tmp_path / "v.mid", note(60, 480, velocity=v))).loudness_db for v in (40, 80)]
    assert torch.allclose(levels[1] - levels[0], torch.tensor(20 * math.log10(2)), atol=1e-3)


def test_highest_note_wins_and_channels_can_be_chosen(tmp_path):
    path = write_midi(tmp_path / "p.mid", note(72, 480) + note(74, 480, wait=480), note(48, 1440, channel=1), note(35, 1440, channel=9))
    both, upper, lower = from_midi(path), from_midi(path, channel=1), from_midi(path, channel=2)
    assert [round(plateau(both, s)) for s in (0.3, 0.9, 1.5)] == [72, 48, 74]
    assert [round(plateau(upper, s)) for s in (0.3, 0.9, 1.5)] == [72, 0, 74]
    assert [round(plateau(lower, s)) for s in (0.3, 0.9, 1.5)] == [48, 48, 48]
    with pytest.raises(ValueError, match="no notes in channel 5"):
        from_midi(path, channel=5)
    with pytest.raises(ValueError, match="channel"):
        from_midi(path, channel=0)


def test_pitch_bend_is_followed_and_replaces_the_vibrato(tmp_path):
    bend = [mido.Message("note_on", note=60, velocity=80), mido.Message("pitchwheel", pitch=4096, time=480),
            mido.Message("note_off", note=60, time=960)]
    profile = from_midi(write_midi(tmp_path / "b.mid", bend))
    assert plateau(profile, 0.5) == pytest.approx(60, abs=1e-3) and plateau(profile, 0.7) == pytest.approx(61, abs=1e-3)
    assert plateau(profile, 1.5) == pytest.approx(61, abs=1e-3)


def test_velocity_zero_ends_a_note_and_open_notes_end_with_the_file(tmp_path):
    messages = [mido.Message("note_on", note=60, velocity=80), mido.Message("note_on", note=60, velocity=0, time=480),
                mido.Message("note_on", note=64, velocity=80, time=480), mido.Message("control_change", control=7, value=1, time=480)]
    profile = from_midi(write_midi(tmp_path / "o.mid", messages))
    assert [round(plateau(profile, s)) for s in (0.3, 0.9, 1.5)] == [60, 0, 64]


def test_bad_midi_files(tmp_path):
    good = write_midi(tmp_path / "good.mid", note(60, 480)).read_bytes()
    for name, content in (("empty", b""), ("text", b"do re mi fa so la ti do " * 10), ("cut", good[: len(good) // 2]), ("header", good[:14])):
        path = tmp_path / f"{name}.mid"
        path.write_bytes(content)
        with pytest.raises(ValueError, match=name):
            from_midi(path)
    with pytest.raises(FileNotFoundError):
        from_midi(tmp_path / "none.mid")
    with pytest.raises(ValueError, match="no notes"):
        from_midi(write_midi(tmp_path / "silent.mid", []))
    with pytest.raises(ValueError, match="3600"):
        from_midi(write_midi(tmp_path / "long.mid", note(60, 480 * 60 * 100, wait=0), tempo=60))


# placement

def test_transpose_moves_pitch_and_leaves_rests():
    profile = from_notes([(60, 1), (None, 1), (64, 1)])
    up = transpose(profile, -12)
    assert torch.allclose(up.f0_hz, profile.f0_hz / 2) and torch.equal(up.loudness_db, profile.loudness_db) and up.name == profile.name
    assert torch.allclose(transpose(transpose(profile, 3.5), -3.5).f0_hz, profile.f0_hz, rtol=1e-5)
    with pytest.raises(ValueError, match="semitones"):
        transpose(profile, math.nan)


def test_match_loudness_reaches_the_statistics():
    profile = named("twinkle")
    matched = match_loudness(profile, -35.0, 4.0)
    sounding = profile.f0_hz > 0
    assert matched.loudness_db[sounding].mean().item() == pytest.approx(-35, abs=0.1)
    assert matched.loudness_db[sounding].std().item() == pytest.approx(4, abs=0.1)
    assert (matched.loudness_db[~sounding] == FLOOR_DB).all() and torch.equal(matched.f0_hz, profile.f0_hz)
    assert match_loudness(profile, -1.0, 30.0).loudness_db.max() <= 0
    flat = match_loudness(Profile([440.0] * 5, [-20.0] * 5), -30.0, 5.0)
    assert flat.loudness_db.tolist() == [-30.0] * 5
    with pytest.raises(ValueError, match="sounding"):
        match_loudness(Profile([0.0], [-80.0]), -30, 5)
    with pytest.raises(ValueError, match="std_db"):
        match_loudness(profile, -30, -1)
