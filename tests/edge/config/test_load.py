"""Loading: the layers, and for each bad input the exact message."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edge.config.load import load, load_layers
from edge.config.model import Config
from edge.config.section import require_origin
from edge.config.source import SourceKind
from edge.model.errors import Invalid
from edge.model.inputs import Input


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return tmp_path / "edge.toml"


def test_without_any_file_the_defaults_hold(base: Path) -> None:
    assert load(base=base) == Config()


def test_each_layer_overrules_the_one_before(base: Path, tmp_path: Path) -> None:
    put(base, "[web]\nport = 1\n[mqtt]\nport = 11\n[encoder]\ngop_s = 1\n[source.sim]\nfps = 25\n")
    put(tmp_path / "edge.d/10-first.toml", "[web]\nport = 2\n[mqtt]\nport = 12\n[encoder]\ngop_s = 2.5\n")
    put(tmp_path / "edge.d/20-second.toml", "[web]\nport = 3\n[mqtt]\nport = 13\n")
    put(tmp_path / "edge.d/notes.txt", "not a setting")
    own = put(tmp_path / "own.toml", "[web]\nport = 4\n")
    config = load(base=base, files=[own], sets=["web.host=0.0.0.0"])
    assert (config.source.sim.fps, config.encoder.gop_s, config.mqtt.port, config.web.port) == (25, 2.5, 13, 4)
    assert config.web.host == "0.0.0.0"


def test_drop_ins_hold_without_a_base_file(base: Path, tmp_path: Path) -> None:
    put(tmp_path / "edge.d/a.toml", "[web]\nport = 2\n")
    assert load(base=base).web.port == 2


def test_set_overrules_files(base: Path) -> None:
    put(base, "[web]\nport = 1\n")
    assert load(base=base, sets=["web.port=5", "web.port=6"]).web.port == 6


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ("web.port=9090", "web.port", 9090),
        ("encoder.gop_s=1", "encoder.gop_s", 1.0),
        ("source.url.loop=true", "source.url.loop", True),
        ("mqtt.host=broker.example", "mqtt.host", "broker.example"),
        ("mqtt.host=10.0.0.1", "mqtt.host", "10.0.0.1"),
        ('mqtt.host="quoted"', "mqtt.host", "quoted"),
        ("mqtt.host=", "mqtt.host", ""),
        ("paths.run_dir=/run/x", "paths.run_dir", Path("/run/x")),
        ('webrtc.ice_servers=["stun:a:1"]', "webrtc.ice_servers", ("stun:a:1",)),
        (
            'web.embed_origins=["https://a.b-c:8443", "http://[::1]"]',
            "web.embed_origins",
            ("https://a.b-c:8443", "http://[::1]"),
        ),
        ("source.url.url=udp://h:1?a=b", "source.url.url", "udp://h:1?a=b"),
        ("source.url.url=a\nport = 3", "source.url.url", "a\nport = 3"),
        (" web.port = 9091 ", "web.port", 9091),
        ("srt=[]", "srt", ()),
    ],
)
def test_set_takes_toml_or_a_bare_word(base: Path, text: str, path: str, expected: object) -> None:
    found: object = load(base=base, sets=[text])
    for part in path.split("."):
        found = getattr(found, part)
    assert found == expected


def test_set_reaches_into_an_array_and_leaves_its_neighbours(base: Path) -> None:
    put(base, '[[srt]]\nname = "a"\n[[srt]]\nname = "b"\nlatency_ms = 200\n')
    config = load(base=base, sets=["srt.1.latency_ms=300"])
    assert [(sink.name, sink.latency_ms) for sink in config.srt] == [("a", 0), ("b", 300)]


def test_array_in_a_later_file_replaces_the_whole_array(base: Path, tmp_path: Path) -> None:
    put(base, '[[srt]]\nname = "a"\n[[srt]]\nname = "b"\n')
    own = put(tmp_path / "own.toml", '[[srt]]\nname = "c"\n')
    assert [sink.name for sink in load(base=base, files=[own]).srt] == ["c"]


def test_loading_twice_does_not_carry_settings_over(base: Path) -> None:
    load(base=base, sets=["srt.0.latency_ms=300", "web.port=1"])
    assert load(base=base) == Config()


def test_relative_paths_stay_relative_to_the_working_directory(base: Path) -> None:
    put(base, '[source]\nkind = "sim"\n[source.sim]\nscript = "a.txt"\n')
    assert load(base=base).source.sim.script == Path("a.txt")
    assert load(base=base).source.kind is SourceKind.SIM


def test_origins_name_the_layer(base: Path) -> None:
    put(base, "[web]\nport = 1\n")
    loaded = load_layers(base=base, sets=["web.host=h"])
    assert loaded.origins == {("web", "port"): str(base), ("web", "host"): "--set"}


@dataclass(frozen=True)
class Bad:
    """A file `edge.toml`, `--set` texts, and the message with `@` for the file."""

    text: str
    message: str
    sets: tuple[str, ...] = field(default=())


BAD = {
    "unknown key": Bad("[web]\nprt = 1", "@: web.prt: unknown key; did you mean port?"),
    "unknown table": Bad("[encodr]\na = 1", "@: encodr: unknown key; did you mean encoder?"),
    "key in the wrong table": Bad("bitrate_bps = 1", "@: bitrate_bps: unknown key; did you mean encoder.bitrate_bps?"),
    "key like nothing": Bad("zzz = 1", "@: zzz: unknown key"),
    "unknown key in an array": Bad(
        "[[srt]]\nlatncy_ms = 3", "@: srt.0.latncy_ms: unknown key; did you mean latency_ms?"
    ),
    "text for a number": Bad('[web]\nport = "80"', '@: web.port: must be a whole number (got "80")'),
    "truth for a number": Bad("[web]\nport = true", "@: web.port: must be a whole number (got true)"),
    "fraction": Bad("[web]\nport = 80.5", "@: web.port: must be a whole number (got 80.5)"),
    "date": Bad("[web]\nport = 2026-01-01", '@: web.port: must be a whole number (got "2026-01-01")'),
    "text for a float": Bad('[encoder]\ngop_s = "x"', '@: encoder.gop_s: must be a number (got "x")'),
    "certificate without its key": Bad(
        "[mqtt]\nhost = 'b'\nca_file = 'a'\ncertificate_file = 'c'",
        "@: mqtt: key_file: is missing; ca_file, certificate_file and key_file go together",
    ),
    "certificates for no broker": Bad(
        "[mqtt]\nca_file = 'a'\ncertificate_file = 'c'\nkey_file = 'k'",
        "@: mqtt: host: is missing; certificates are for the broker that it names",
    ),
    "number for text": Bad("[mqtt]\nhost = 3", "@: mqtt.host: must be text (got 3)"),
    "number for a path": Bad("[paths]\nrun_dir = 3", "@: paths.run_dir: must be text (got 3)"),
    "text for truth": Bad('[source.url]\nloop = "yes"', '@: source.url.loop: must be true or false (got "yes")'),
    "value for a table": Bad("web = 3", "@: web: must be a table (got 3)"),
    "table for a value": Bad("[web.port]\na = 1", "@: web.port: must be a whole number"),
    "table for an array": Bad("[srt]\nname = 'a'", "@: srt: must be an array"),
    "text for an array": Bad("[webrtc]\nice_servers = 'a'", '@: webrtc.ice_servers: must be an array (got "a")'),
    "password in an address": Bad(
        '[webrtc]\nice_servers = ["turn:me:hunter2@a:1"]',
        "@: webrtc.ice_servers: must be the address of a server without its secret: not `stun:HOST:PORT`, "
        "`turn:HOST:PORT?transport=udp|tcp` or `turns:HOST:PORT`",
    ),
    "STUN where TURN belongs": Bad(
        '[[webrtc.turn]]\nurl = "stun:a"\nuser = "u"\nsecret_file = "f"',
        '@: webrtc.turn.0.url: must be a TURN server, turn: or turns: (got "stun:a")',
    ),
    "TURN without its secret": Bad(
        '[[webrtc.turn]]\nurl = "turn:a"\nuser = "u"', "@: webrtc.turn.0: secret_file: is missing"
    ),
    "TURN without a user": Bad(
        '[[webrtc.turn]]\nurl = "turn:a"\nsecret_file = "f"', "@: webrtc.turn.0: user: is missing"
    ),
    "TURN with the secret itself": Bad(
        '[[webrtc.turn]]\nurl = "turn:a"\nuser = "u"\nsecret_file = "f"\nsecret = "hunter2"',
        "@: webrtc.turn.0.secret: unknown key; did you mean secret_file?",
    ),
    "WHIP without an address": Bad('[[whip]]\nname = "hub"', '@: whip.0.url: must start with https:// (got "")'),
    "WHIP with a token": Bad(
        '[[whip]]\nurl = "https://a"\ntoken = "hunter2"', "@: whip.0.token: unknown key; did you mean token_file?"
    ),
    "WHIP under the name of another output": Bad(
        '[[whip]]\nname = "srt"\nurl = "https://a"', "@: whip: two outputs have the name 'srt'"
    ),
    "WHIP of a rung that is not there": Bad(
        '[[whip]]\nname = "x"\nurl = "https://a"\nrung = "second"',
        "@: whip: output 'x' has the rung 'second', but second.enabled is false",
    ),
    "address for viewers with a path": Bad(
        '[web]\npublic_url = "https://a/b"',
        '@: web.public_url: must match ^(https?://[A-Za-z0-9.:\\[\\]-]+)?$ (got "https://a/b")',
    ),
    "number in an array": Bad("[webrtc]\nice_servers = ['a', 3]", "@: webrtc.ice_servers.1: must be text (got 3)"),
    "too small": Bad("[web]\nport = 0", "@: web.port: must be 1 or more (got 0)"),
    "too large": Bad("[web]\nport = 65536", "@: web.port: must be 65535 or less (got 65536)"),
    "not a multiple": Bad("[source.sim]\nwidth = 330", "@: source.sim.width: must be a multiple of 16 (got 330)"),
    "no such kind": Bad(
        "[source]\nkind = 'hdmi'", "@: source.kind: must be 'sim', 'url', 'v4l2' or 'picamera' (got \"hdmi\")"
    ),
    "no such level": Bad(
        "log_level = 'debug'", "@: log_level: must be 'DEBUG', 'INFO', 'WARNING' or 'ERROR' (got \"debug\")"
    ),
    "empty host": Bad("[web]\nhost = ''", '@: web.host: must not be empty (got "")'),
    "name": Bad("[[srt]]\nname = 'A b'", '@: srt.0.name: must match ^[a-z0-9][a-z0-9-]{0,39}$ (got "A b")'),
    "name of WebRTC": Bad('[[srt]]\nname = "webrtc"', "@: srt: 'webrtc' is the name of the built-in WebRTC output"),
    "same name twice": Bad("[[srt]]\n[[srt]]", "@: srt: two outputs have the name 'srt'"),
    "hasty srt": Bad(
        "[[srt]]\nlatency_ms = 19",
        "@: srt.0.latency_ms: must be 20 or more, or 0 for what the path needs (got 19)",
    ),
    "not an origin": Bad(
        "[web]\nembed_origins = ['https://a.example/']",
        "@: web.embed_origins: 'https://a.example/' is not a site: https://HOST or https://HOST:PORT, in small "
        "letters, nothing behind",
    ),
    "origin with its own port": Bad(
        "[web]\nembed_origins = ['https://a.example:443']",
        "@: web.embed_origins: 'https://a.example:443' must not name port 443, which browsers leave out",
    ),
    "peer without a passphrase": Bad(
        "[[srt]]\n[[srt.peers]]\nname = 'a'", "@: srt.0.peers: peer 'a' needs a passphrase_file"
    ),
    "peer twice": Bad(
        "[[srt]]\n[[srt.peers]]\npassphrase_file = 'a'\n[[srt.peers]]\npassphrase_file = 'b'",
        "@: srt.0.peers: two peers have the name 'peer'",
    ),
    "peer of another input": Bad(
        "[[srt]]\n[[srt.peers]]\npassphrase_file = 'a'\nrung = 'second'",
        "@: srt.0.peers: peer 'peer' has the rung 'second', which is of another input",
    ),
    "peer of a rung that is off": Bad(
        "[view]\nenabled = false\n[[srt]]\n[[srt.peers]]\npassphrase_file = 'a'\nrung = 'view'",
        "@: srt: peer 'peer' has the rung 'view', but view.enabled is false",
    ),
    "peer with an unknown role": Bad(
        "[[srt]]\n[[srt.peers]]\npassphrase_file = 'a'\nrole = 'boss'",
        "@: srt.0.peers.0.role: must be 'guide' or 'observer' (got \"boss\")",
    ),
    "not srt": Bad("[[srt]]\nurl = 'udp://a:1'", '@: srt.0.url: must start with srt:// (got "udp://a:1")'),
    "srt without port": Bad(
        "[[srt]]\nurl = 'srt://a'", '@: srt.0.url: must name a port, as in srt://HOST:PORT (got "srt://a")'
    ),
    "url kind without url": Bad("[source]\nkind = 'url'", "@: source: kind 'url' needs an address in url.url"),
    "second url without url": Bad(
        "[second]\nenabled = true\n[second.source]\nkind = 'url'",
        "@: second.source: kind 'url' needs an address in url.url",
    ),
    "second above its ceiling": Bad(
        "[second.encoder]\nbitrate_bps = 30000000", "@: second.encoder: bitrate_bps is above max_bitrate_bps"
    ),
    "second mask outside its picture": Bad(
        "[second.mask]\nof = [640, 480]\nrects = [[600, 0, 64, 64]]",
        "@: second.mask: rects: [600, 0, 64, 64] does not lie inside the picture of 640x480",
    ),
    "second on the same device": Bad(
        "[source]\nkind = 'v4l2'\n[second]\nenabled = true\n[second.source]\nkind = 'v4l2'",
        "@: second: its source is the first input's device; one device gives one picture",
    ),
    "second on the same camera": Bad(
        "[source]\nkind = 'picamera'\n[second]\nenabled = true\n[second.source]\nkind = 'picamera'",
        "@: second: its source is the first input's device; one device gives one picture",
    ),
    "second mistyped": Bad("[second]\nenable = true", "@: second.enable: unknown key; did you mean enabled?"),
    "no such rung": Bad(
        "[[srt]]\nrung = 'third'", "@: srt.0.rung: must be 'main', 'archive', 'view' or 'second' (got \"third\")"
    ),
    "rung without its input": Bad(
        "[[srt]]\nrung = 'second'", "@: srt: output 'srt' has the rung 'second', but second.enabled is false"
    ),
    "above the ceiling": Bad("[encoder]\nbitrate_bps = 30000000", "@: encoder: bitrate_bps is above max_bitrate_bps"),
    "long value": Bad(f"[web]\nport = '{'x' * 80}'", f'@: web.port: must be a whole number (got "{"x" * 56}...)'),
    "syntax": Bad("[web]\nport = = 3", "@: is not TOML: Invalid value (at line 2, column 8)"),
    "key twice": Bad("[web]\nport = 1\nport = 2\n", "@: is not TOML: Cannot overwrite a value (at line 3, column 9)"),
    "set without value": Bad("", "--set: web.port: must be KEY=VALUE, as in web.port=8080", ("web.port",)),
    "set without key": Bad("", "--set: (nothing): must be KEY=VALUE, as in web.port=8080", ("=3",)),
    "set with empty part": Bad("", "--set: web..port: must be KEY=VALUE, as in web.port=8080", ("web..port=3",)),
    "set unknown": Bad("", "--set: web.prot: unknown key; did you mean port?", ("web.prot=3",)),
    "set below a value": Bad("", "--set: web.port: must be a whole number", ("web.port.x=3",)),
    "set outside an array": Bad("", "--set: srt.1: the array has 1 element(s), counted from 0", ("srt.1.name=a",)),
    "set wrong type": Bad("", '--set: web.port: must be a whole number (got "http")', ("web.port=http",)),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_named_exactly(base: Path, name: str) -> None:
    bad = BAD[name]
    put(base, bad.text)
    with pytest.raises(Invalid) as caught:
        load(base=base, sets=bad.sets)
    assert str(caught.value) == bad.message.replace("@", str(base))
    assert caught.value.code == "config"


def test_every_problem_of_every_layer_is_listed(base: Path, tmp_path: Path) -> None:
    put(base, "[web]\nport = 0\nprt = 1\n")
    broken = put(tmp_path / "broken.toml", "a =")
    with pytest.raises(Invalid) as caught:
        load(base=base, files=[broken, tmp_path / "absent.toml"], sets=["nothing", "mqtt.port=0"])
    assert str(caught.value).splitlines() == [
        f"{broken}: is not TOML: Invalid value (at end of document)",
        f"{tmp_path}/absent.toml: cannot be read: No such file or directory",
        "--set: nothing: must be KEY=VALUE, as in web.port=8080",
        f"{base}: web.port: must be 1 or more (got 0)",
        f"{base}: web.prt: unknown key; did you mean port?",
        "--set: mqtt.port: must be 1 or more (got 0)",
    ]


def test_directory_in_place_of_a_file_is_named(tmp_path: Path, base: Path) -> None:
    with pytest.raises(Invalid, match="cannot be read: Is a directory"):
        load(base=base, files=[tmp_path])


def test_file_that_is_not_text_is_named(base: Path) -> None:
    base.write_bytes(b"# caf\xe9\n")
    with pytest.raises(Invalid, match=r"edge.toml: is not UTF-8 text \(byte 5\)"):
        load(base=base)


@pytest.mark.parametrize(
    ("text", "sets"),
    [
        ("[[srt]]\npassphrase = 'hunter2-hunter2'", ()),
        ("[[srt]]\npasphrase = 'hunter2-hunter2'", ()),
        ("[mqtt]\npassword = 'hunter2-hunter2'", ()),
        ("[[srt]]\nurl = 'srt://h:1?passphrase=hunter2-hunter2'", ()),
        ("[[srt]]\nurl = 'rtsp://me:hunter2-hunter2@h'", ()),
        ("", ("srt.0.passphrase=hunter2-hunter2",)),
        ("", ("source.url.url=rtsp://me:hunter2-hunter2@h", "source.kind=nonsense")),
    ],
)
def test_secrets_are_not_in_messages(base: Path, text: str, sets: tuple[str, ...]) -> None:
    put(base, text)
    with pytest.raises(Invalid) as caught:
        load(base=base, sets=sets)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "[source]\nkind = 'v4l2'\n[second.source]\nkind = 'v4l2'",
        "[source]\nkind = 'v4l2'\n[second]\nenabled = true\n[second.source]\nkind = 'v4l2'\nv4l2.device = 'b'",
        "[second]\nenabled = true",
    ],
)
def test_second_input_may_be_off_or_another_device_or_simulated_too(base: Path, text: str) -> None:
    put(base, text)
    assert load(base=base).second.source.kind


def test_box_has_one_input_until_the_second_is_enabled(base: Path) -> None:
    assert list(load(base=base).inputs) == ["main"]
    put(base, "[second]\nenabled = true\n[second.source.sim]\nfps = 25\n[[srt]]\nrung = 'second'")
    config = load(base=base)
    assert list(config.inputs) == ["main", "second"]
    assert config.inputs[Input.MAIN].encoder is config.encoder
    assert (config.inputs[Input.SECOND].source.sim.fps, config.source.sim.fps) == (25, 60)
    assert config.srt[0].rung == "second"


@pytest.mark.parametrize(
    "origin", ["*", "null", "", "https://", "a.example", "ftp://a", "https://A.example", "https://*.a", "https://a b"]
)
def test_what_is_no_origin_may_not_embed(origin: str) -> None:
    with pytest.raises(ValueError, match="is not a site"):
        require_origin(origin)
