"""MIDI files: what each event does, the line that is made of many notes, and files that are broken in every way."""
import io
import math
import struct

import mido
import numpy as np
import pytest

from ddsp_course.midi import MidiNote, channel_curve, read_midi, top_line
from ddsp_course.pitch import hz_to_midi
from ddsp_course.profiles import Profile, from_midi


def cc(control, value, time=0, channel=0):
    return mido.Message("control_change", control=control, value=value, time=time, channel=channel)


def on(key, time=0, velocity=80, channel=0):
    return mido.Message("note_on", note=key, velocity=velocity, time=time, channel=channel)


def off(key, time=0, channel=0):
    return mido.Message("note_off", note=key, time=time, channel=channel)


def wheel(pitch, time=0, channel=0):
    return mido.Message("pitchwheel", pitch=pitch, time=time, channel=channel)


@pytest.fixture
def write(tmp_path):
    "Writes tracks of messages; 480 ticks a quarter note and 0.5 s a quarter note unless the messages say otherwise."
    def write(*tracks, name="score", **head):
        file = mido.MidiFile(**head)
        for messages in tracks:
            file.add_track().extend(messages)
        file.save(tmp_path / f"{name}.mid")
        return tmp_path / f"{name}.mid"
    return write


def spans(score):
    return [(n.midi, n.start, n.end) for n in score.notes]


# time

def test_times_are_those_of_mido(write):
    rng = np.random.default_rng(0)
    messages = []
    for key in rng.integers(40, 90, 50).tolist():
        messages += [mido.MetaMessage("set_tempo", tempo=int(rng.integers(2e5, 2e6)), time=int(rng.integers(100))), on(key, int(rng.integers(300))), off(key, int(rng.integers(1, 900)))]
    path = write(messages, ticks_per_beat=333)
    now, expected = 0.0, []
    for message in mido.MidiFile(path):
        now += message.time
        expected += [now] * (message.type == "note_on")
    score = read_midi(path)
    np.testing.assert_allclose([n.start for n in score.notes], expected, atol=1e-9)
    assert score.seconds == pytest.approx(mido.MidiFile(path).length)


def test_smpte_time_ignores_the_tempo(write):
    path = write([mido.MetaMessage("set_tempo", tempo=100000), on(60), off(60, 1000)], ticks_per_beat=-30 * 256 + 80)
    assert spans(read_midi(path)) == [(60, 0, pytest.approx(1000 / 2400))]


@pytest.mark.parametrize("kind, starts", [(0, [0]), (1, [0, 0]), (2, [0, 0.5])])
def test_tracks_of_the_three_types(write, kind, starts):
    tracks = [[on(60), off(60, 480)], [on(67), off(67, 480)]]
    assert [n.start for n in read_midi(write(*tracks[:len(starts)], type=kind)).notes] == starts


def test_type_2_tracks_have_tempos_and_ends_of_their_own(write):
    path = write([mido.MetaMessage("set_tempo", tempo=1000000), on(60), cc(7, 100, 480)], [on(67), off(67, 480)], type=2)
    assert spans(read_midi(path)) == [(60, 0, 1), (67, 1, 1.5)]


def test_running_status(write, tmp_path):
    body = bytes([0, 0x90, 60, 80, 0x83, 0x60, 60, 0, 0, 62, 80, 0x83, 0x60, 62, 0, 0, 0xFF, 0x2F, 0])         # one status byte for four events
    path = tmp_path / "running.mid"
    path.write_bytes(b"MThd" + struct.pack(">LHHH", 6, 0, 1, 480) + b"MTrk" + struct.pack(">L", len(body)) + body)
    assert spans(read_midi(path)) == [(60, 0, 0.5), (62, 0.5, 1)]


# keys and controllers

def test_a_key_struck_again_ends_its_note(write):
    assert spans(read_midi(write([on(60), on(60, 480), off(60, 480)]))) == [(60, 0, 0.5), (60, 0.5, 1)]


def test_pedal_holds_notes_until_it_is_up(write):
    score = read_midi(write([on(60), cc(64, 64, 240), off(60, 240), on(64), off(64, 240), cc(64, 63, 240)]))
    assert spans(score) == [(60, 0, 1), (64, 0.5, 1)]
    assert [n.release for n in score.notes] == [0.5, 0.75]


def test_pedal_up_leaves_keys_that_are_down(write):
    assert spans(read_midi(write([cc(64, 127), on(60), cc(64, 0, 240), off(60, 240)]))) == [(60, 0, 0.5)]


def test_pedal_of_another_channel_does_nothing(write):
    assert spans(read_midi(write([cc(64, 127, channel=1), on(60), off(60, 480), cc(64, 0, 480, channel=1)]))) == [(60, 0, 0.5)]


@pytest.mark.parametrize("control, end", [(123, 0.5), (127, 0.5), (120, 0.5), (1, 1.0), (122, 1.0)])
def test_all_notes_off(write, control, end):
    assert spans(read_midi(write([on(60), cc(control, 0, 480), off(60, 480)]))) == [(60, 0, end)]


def test_all_notes_off_waits_for_the_pedal_and_all_sound_off_does_not(write):
    for control, end in ((123, 1.0), (120, 0.5)):
        assert spans(read_midi(write([cc(64, 127), on(60), cc(control, 0, 480), cc(64, 0, 480)]))) == [(60, 0, end)]


def test_reset_of_controllers(write):
    score = read_midi(write([cc(64, 127), cc(11, 30), wheel(8000), on(60), off(60, 240), cc(121, 0, 240), cc(1, 5, 480)]))
    assert spans(score) == [(60, 0, 0.5)] and score.levels[-1][2] == pytest.approx(0) and score.bends[-1][2] == 0


def rpn(value, cents=None, number=(0, 0)):
    return [cc(101, number[0]), cc(100, number[1]), cc(6, value)] + ([] if cents is None else [cc(38, cents)])


@pytest.mark.parametrize("setup, semitones", [
    ([], 1.0), (rpn(12), 6.0), (rpn(7, 50), 3.75), (rpn(12, 0) + rpn(127, number=(127, 127)), 6.0),
    (rpn(24, number=(0, 1)), 1.0), (rpn(12) + [cc(99, 1), cc(98, 8), cc(6, 40)], 6.0), ([cc(6, 24)], 1.0)])
def test_bend_range(write, setup, semitones):
    path = write(setup + [on(60), wheel(4096, 240), off(60, 720)])
    assert read_midi(path).bends[-1] == (0.25, 1, pytest.approx(semitones))
    profile = from_midi(path)
    assert hz_to_midi(profile.f0_hz[200]).item() == pytest.approx(60 + semitones, abs=1e-3)
    assert hz_to_midi(profile.f0_hz[20]).item() == pytest.approx(60, abs=1e-3)


def test_a_new_range_moves_a_wheel_that_is_turned(write):
    assert [b[2] for b in read_midi(write([on(60), wheel(8191), *rpn(12), off(60, 480)])).bends] == [pytest.approx(s * 8191 / 8192) for s in (2, 12)]


def test_a_wheel_at_rest_leaves_the_vibrato(write):
    still, turned = (from_midi(write([wheel(0), on(69), wheel(p), off(69, 1920)])) for p in (0, 1))
    assert hz_to_midi(still.f0_hz[150:400]).std() > 0.1 > hz_to_midi(turned.f0_hz[150:400]).std()


def test_volume_and_expression_are_levels(write):
    base = from_midi(write([on(60), off(60, 960)])).loudness_db
    for control, value, level in ((11, 64, 40 * math.log10(64 / 127)), (7, 127, 40 * math.log10(1.27)), (7, 50, 40 * math.log10(0.5))):
        moved = from_midi(write([cc(control, value), on(60), off(60, 960)])).loudness_db
        np.testing.assert_allclose(moved - base, level, atol=1e-4)
    silent = from_midi(write([cc(11, 0), on(60), off(60, 960)]))
    assert (silent.loudness_db == -80).all() and (silent.f0_hz > 0).all()


def test_a_level_does_not_touch_rests(write):
    profile = from_midi(write([cc(7, 127), on(60), off(60, 480), on(60, 480), off(60, 480)]))
    assert (profile.loudness_db[profile.f0_hz == 0] == -80).all()


def test_program_and_drums_are_ignored(write):
    plain = from_midi(write([on(60), off(60, 480)]))
    other = from_midi(write([mido.Message("program_change", program=40), on(60), on(35, channel=9), off(35, 10, channel=9), off(60, 470)]))
    np.testing.assert_array_equal(plain.f0_hz, other.f0_hz)
    with pytest.raises(ValueError, match="no notes"):
        read_midi(write([on(35, channel=9), off(35, 480, channel=9)]))


# one line

def naive_line(notes, times):
    "The rule, moment by moment."
    line = []
    for t in times:
        down = [n for n in notes if n.start <= t < n.release]
        held = [n for n in notes if n.release <= t < n.end]
        line.append(max(down, key=lambda n: (n.midi, n.start)).midi if down else max(held, key=lambda n: (n.start, n.midi)).midi if held else None)
    return line


@pytest.mark.parametrize("seed", range(5))
def test_top_line_is_the_rule_applied_everywhere(seed):
    rng, notes = np.random.default_rng(seed), []
    for _ in range(40):
        start, down, held = rng.integers(0, 100), rng.integers(1, 20), rng.integers(0, 20) * rng.integers(0, 2)
        notes.append(MidiNote(float(start), float(start + down + held), int(rng.integers(50, 70)), 80, 1, float(start + down)))
    line, times = top_line(sorted(notes)), np.arange(140) + 0.5
    assert all(a.end <= b.start for a, b in zip(line, line[1:]))
    assert [next((n.midi for n in line if n.start <= t < n.end), None) for t in times] == naive_line(notes, times)


def test_channel_curve_holds_the_last_value_of_the_channel():
    line = [MidiNote(0.1, 0.4, 60, 80, 1, 0.4), MidiNote(0.4, 0.6, 60, 80, 2, 0.6), MidiNote(0.7, 0.9, 60, 80, 1, 0.9)]
    curve = channel_curve(line, [(0.2, 1, 3.0), (0.3, 2, 9.0), (0.5, 1, 5.0)], 10, 10)
    np.testing.assert_array_equal(curve, [0, 0, 3, 3, 9, 9, 0, 5, 5, 0])
    assert not channel_curve(line, [], 10, 10).any()


# broken files

HEAD = b"MThd" + struct.pack(">LHHH", 6, 0, 1, 480)


def track(body):
    return b"MTrk" + struct.pack(">L", len(body)) + body


END = bytes([0, 0xFF, 0x2F, 0])
NOTE = bytes([0, 0x90, 60, 80, 0x83, 0x60, 0x80, 60, 0])
BROKEN = {
    "empty": (b"", "ends too early"), "text": (b"do re mi fa so la ti do " * 10, "MThd"), "header": (HEAD, "ends too early"), "no_tracks": (HEAD[:10] + b"\0\0" + HEAD[12:], "no notes"),
    "cut": (HEAD + track(NOTE + END)[:12], "ends too early"), "no_division": (HEAD[:12] + b"\0\0" + track(NOTE + END), "ZeroDivision"), "no_film_ticks": (HEAD[:12] + b"\xe7\0" + track(NOTE + END), "ZeroDivision"),
    "type": (HEAD[:8] + b"\0\7" + HEAD[10:] + track(NOTE + END), "type 7"), "silent": (HEAD + track(END), "no notes"), "only_on": (HEAD + track(NOTE[:4] + END), "no notes"),
    "status": (HEAD + track(bytes([0, 60, 80]) + END), "running status"), "wav": (b"RIFF\x24\0\0\0WAVEfmt " + bytes(40), "MThd"),
    "endless": (HEAD + track(NOTE + b"\xff" * 100000 + END), "1000 bytes"), "delta": (HEAD + track(b"\xff" * 900 + b"\x7f" + NOTE + END), "MIDI file"),
    "zero_tempo": (HEAD + track(bytes([0, 0xFF, 0x51, 3, 0, 0, 0]) + NOTE + END), "no notes"),
    "hours": (HEAD + track(NOTE + bytes([0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0x2F, 0])), "3600"), "big": (HEAD + track(bytes([0, 0xF0, 0x81, 0, *range(127), 0xF7]) * 40000), "5000000"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_are_named_with_the_reason(tmp_path, name):
    data, reason = BROKEN[name]
    (tmp_path / f"{name}.mid").write_bytes(data)
    for read in (read_midi, from_midi):
        with pytest.raises(ValueError, match=reason) as error:
            read(tmp_path / f"{name}.mid")
        assert f"{name}.mid" in str(error.value)


def test_missing_file_folder_and_channel(tmp_path, write):
    with pytest.raises(FileNotFoundError, match="none.mid"):
        read_midi(tmp_path / "none.mid")
    with pytest.raises(OSError, match="folder"):
        (tmp_path / "folder").mkdir()
        read_midi(tmp_path / "folder")
    path = write([on(60), off(60, 480)])
    for channel in (0, 17, "1", 1.5):
        with pytest.raises(ValueError, match="channel must be"):
            read_midi(path, channel)


def test_a_note_shorter_than_a_frame(write):
    path = write([on(60, 1), off(60, 1), cc(1, 0, 480)])
    assert len(read_midi(path).notes) == 1
    with pytest.raises(ValueError, match="as long as a frame"):
        from_midi(path)


def seeds_for_damage(write):
    "Three valid files that use everything."
    full = [mido.MetaMessage("set_tempo", tempo=400000), mido.MetaMessage("text", text="a song"), *rpn(12, 30), cc(64, 127), on(60), wheel(3000, 100), cc(11, 40, 50), off(60, 100), on(67, 10), off(67, 300),
            cc(64, 0, 20), mido.Message("sysex", data=[1, 2, 3]), cc(123, 0), on(48, 5, channel=3), off(48, 480, channel=3)]
    yield write(full, [on(72, 30, channel=1), off(72, 200, channel=1)]).read_bytes()
    yield write([on(60), off(60, 480), *full], type=0).read_bytes()
    yield write(full, full, type=2, ticks_per_beat=-25 * 256 + 40).read_bytes()


def test_random_damage_gives_a_profile_or_a_value_error(write, tmp_path):
    rng, outcome, path = np.random.default_rng(7), {"profile": 0, "error": 0}, tmp_path / "damaged.mid"
    for data in list(seeds_for_damage(write)):
        mido.MidiFile(file=io.BytesIO(data))
        for _ in range(250):
            changed = bytearray(data)
            for at in rng.integers(len(changed), size=rng.integers(1, 6)):
                changed[at] ^= 1 << int(rng.integers(8)) if rng.random() < 0.5 else int(rng.integers(1, 256))
            if rng.random() < 0.1:
                changed = changed[: rng.integers(len(changed))]
            path.write_bytes(changed)
            try:
                profile = from_midi(path, frame_rate=50)
            except ValueError as error:
                assert "damaged.mid" in str(error)
                outcome["error"] += 1
            else:
                assert isinstance(profile, Profile) and len(profile.f0_hz) <= 50 * 3601
                outcome["profile"] += 1
    assert outcome["profile"] > 100 and outcome["error"] > 100
