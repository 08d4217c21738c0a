"""Typical wrong answers: exercise -> list of (code that replaces the stub, word that the hint must hold).

The code sees the names of the notebook's imports: math, torch, np and the blocks of `layers`.
"""


def network(layers, last="exp_sigmoid(self.out(self.layers(x)[0]))", width=40):
    "Code of a wrong answer to knob_network: recurrent layers and an output layer."
    return ("class Net(torch.nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            f"        self.layers, self.out = {layers}, torch.nn.Linear({width}, 60)\n"
            f"    def forward(self, x):\n        return {last}\nmy_network = Net()")


MISTAKES = {
    "compression": [
        ("def compression(sr, rate, z):\n    return rate * (2 + z)", "control values a second"),
        ("def compression(sr, rate, z):\n    return rate * (2 + z) / sr", "upside down"),
        ("def compression(sr, rate, z):\n    return sr / rate", "counts frames"),
        ("def compression(sr, rate, z):\n    return sr / (rate * (z + 1))", "missing"),
        ("def compression(sr, rate, z):\n    return sr / (2 * rate + z)", "once a second"),
        ("def compression(sr, rate, z):\n    return 3.5", "Called with"),
    ],
    "tracker_delay": [
        ("def tracker_delay(window, hop, sr):\n    return 1000 * (window + hop) / sr", "how much of it lies in the past"),
        ("def tracker_delay(window, hop, sr):\n    return 1000 * window / 2 / sr", "worst case"),
        ("def tracker_delay(window, hop, sr):\n    return 1000 * hop / sr", "wait for the next frame"),
        ("def tracker_delay(window, hop, sr):\n    return 1000 * (hop + window) / 2 / sr", "Half a hop"),
        ("def tracker_delay(window, hop, sr):\n    return (hop + window / 2) / sr", "seconds"),
        ("def tracker_delay(window, hop, sr):\n    return hop + window / 2", "These are samples"),
    ],
    "vibrato": [
        ("def vibrato(f, d, r, n, fr):\n    return f + d * torch.sin(2 * math.pi * r * torch.arange(n) / fr)", "in Hz"),
        ("def vibrato(f, d, r, n, fr):\n    return f * (1 + d / 1200 * torch.sin(2 * math.pi * r * torch.arange(n) / fr))", "straight line"),
        ("def vibrato(f, d, r, n, fr):\n    return f * 2 ** (d / 2400 * torch.sin(2 * math.pi * r * torch.arange(n) / fr))", "half as deep"),
        ("def vibrato(f, d, r, n, fr):\n    return f * 2 ** (d / 1200 * torch.sin(r * torch.arange(n) / fr))", "radians"),
        ("def vibrato(f, d, r, n, fr):\n    return f * 2 ** (d / 1200 * torch.sin(2 * math.pi * r * torch.arange(n, dtype=torch.float64)))", "number of the frame"),
        ("def vibrato(f, d, r, n, fr):\n    return f * 2 ** (d / 1200 * torch.sin(2 * math.pi * r * torch.arange(1, n + 1) / fr))", "time 0"),
        ("def vibrato(f, d, r, n, fr):\n    return f * 2 ** (d / 1200 * torch.sin(2 * math.pi * r * torch.arange(n + 1) / fr))", "one more than wanted"),
    ],
    "blind_loss": [
        ("def blind_loss(x, y):\n    return (x - y).square().mean()", "What has no sign"),
        ("def blind_loss(x, y):\n    return (x.abs() - y.abs()).abs().mean()", "where a wave starts"),
        ("def blind_loss(x, y):\n    return (torch.fft.rfft(x) - torch.fft.rfft(y)).abs().mean()", "What has no sign"),
        ("def blind_loss(x, y):\n    return (x.square().mean() - y.square().mean()).abs()", "keep frequencies apart"),
        ("def blind_loss(x, y):\n    a, b = torch.fft.rfft(x).abs(), torch.fft.rfft(y).abs()\n    return 1 - (a @ b) / (a.norm() * b.norm() + 1e-9)", "hear the level"),
        ("def blind_loss(x, y):\n    return torch.fft.rfft(y).abs().mean()", "should cost nothing"),
        ("def blind_loss(x, y):\n    return 0.0", "not above 0"),
        ("def blind_loss(x, y):\n    return torch.fft.rfft(x).abs() - torch.fft.rfft(y).abs()", "One number"),
    ],
    "hollow": [
        ("amplitudes = 0.3 / torch.arange(1, 12)", "odd ones"),
        ("k = torch.arange(20)\namplitudes = 0.4 * (k % 2) / (k + 1)", "which index holds harmonic 2"),
        ("k = torch.arange(1, 21)\namplitudes = 0.4 * (k % 2) / k", "come back"),
        ("amplitudes = torch.tensor([0.5])", "bare sine"),
        ("k = torch.arange(1, 12)\namplitudes = 1.0 * (k % 2)", "add up to 6"),
        ("k = torch.arange(1, 12)\namplitudes = 0.3 * (k % 2) / k * (-1.0) ** (k // 2)", "not negative"),
    ],
    "squared_error": [
        ("def squared_error(p, t):\n    return (p - t).square().mean()", "every target"),
        ("def squared_error(p, t):\n    return (p[:, 0] - t).square().sum()", "This is the sum"),
        ("def squared_error(p, t):\n    return (p[:, 0] - t).square()", "one number"),
        ("def squared_error(p, t):\n    return (p[:, 0] - t).square().mean().sqrt()", "root"),
        ("def squared_error(p, t):\n    return (p[:, 0] - t).abs().mean()", "absolute"),
        ("def squared_error(p, t):\n    return (p[:, 0] - t).mean() ** 2", "afterwards"),
        ("def squared_error(p, t):\n    p -= t[:, None]\n    return p.square().mean()", "in place"),
    ],
    "overdrive_gradient": [
        ("def overdrive_gradient(g, x, y):\n    return (torch.tanh(g * x) - y).square().mean()", "This is the loss"),
        ("def overdrive_gradient(g, x, y):\n    b = torch.tanh(g * x)\n    return (2 * (b - y) * (1 - b ** 2)).mean()", "stands g x"),
        ("def overdrive_gradient(g, x, y):\n    return (2 * (torch.tanh(g * x) - y) * x).mean()", "tanh between them"),
        ("def overdrive_gradient(g, x, y):\n    b = torch.tanh(g * x)\n    return (2 * (b - y) * (1 - b ** 2) * g).mean()", "respect to x"),
        ("def overdrive_gradient(g, x, y):\n    b = torch.tanh(g * x)\n    return ((b - y) * (1 - b ** 2) * x).mean()", "slope of a square"),
        ("def overdrive_gradient(g, x, y):\n    b = torch.tanh(g * x)\n    return (2 * (b - y) * (1 - b ** 2) * x).sum()", "sum over the samples"),
        ("def overdrive_gradient(g, x, y):\n    b = torch.tanh(g * x)\n    return (2 * (y - b) * (1 - b ** 2) * x).mean()", "downhill"),
    ],
    "inverse_exp_sigmoid": [
        ("def inverse_exp_sigmoid(y):\n    s = (y / 2) ** (1 / math.log(10))\n    return torch.log(s / (1 - s))", "small constant"),
        ("def inverse_exp_sigmoid(y):\n    s = (y - 1e-7) / 2\n    return torch.log(s / (1 - s))", "power ln 10"),
        ("def inverse_exp_sigmoid(y):\n    s = (y - 1e-7) ** (1 / math.log(10))\n    return torch.log(s / (1 - s))", "factor 2"),
        ("def inverse_exp_sigmoid(y):\n    return ((y - 1e-7) / 2) ** (1 / math.log(10))", "value of the sigmoid"),
        ("def inverse_exp_sigmoid(y):\n    return torch.log((y - 1e-7) / 2) / math.log(10)", "exact inverse"),
        ("def inverse_exp_sigmoid(y):\n    return 1 / exp_sigmoid(y)", "not one divided"),
    ],
    "gru_parameters": [
        ("def gru_parameters(i, h):\n    return 3 * (i * h + h * h + h)", "One bias"),
        ("def gru_parameters(i, h):\n    return 3 * (i * h + h * h)", "weights are right"),
        ("def gru_parameters(i, h):\n    return i * h + h * h + 2 * h", "one line"),
        ("def gru_parameters(i, h):\n    return 4 * (i * h + h * h + 2 * h)", "LSTM"),
        ("def gru_parameters(i, h):\n    return 2 * (i * h + h * h + 2 * h)", "candidate"),
        ("def gru_parameters(i, h):\n    return 3 * (2 * i * h + 2 * h)", "which shape"),
    ],
    "in_chunks": [
        ("def in_chunks(gru, x, n):\n    return torch.cat([gru(part, None)[0] for part in x.split(n, 1)], 1)", "remember at a seam"),
        ("def in_chunks(gru, x, n):\n    return gru(x, None)[0]", "at once"),
        ("def in_chunks(gru, x, n):\n    h = None\n    for part in x.split(n, 1): y, h = gru(part, h)\n    return y", "last piece only"),
        ("def in_chunks(gru, x, n):\n    y, h = gru(x[:, :n], None)\n    return torch.cat([y] + [gru(part, h)[0] for part in x[:, n:].split(n, 1)], 1)", "Whose state"),
        ("def in_chunks(gru, x, n):\n    h = None\n    for part in x.split(n, 1): h = gru(part, h)[1]\n    return h", "last state"),
        ("def in_chunks(gru, x, n):\n    h, ys = None, []\n    for part in x.split(n, 1):\n        y, _ = gru(part, h)\n        h = y[:, -1]\n        ys.append(y)\n"
         "    return torch.cat(ys, 1)", "stops with"),
    ],
    "knob_network": [
        (network("torch.nn.GRU(3, 40)"), "axis"),
        (network("torch.nn.GRU(3, 20, batch_first=True, bidirectional=True)"), "look ahead"),
        (network("MLP(3, 40)", "exp_sigmoid(self.out(self.layers(x)))"), "memory"),
        (network("torch.nn.GRU(3, 40, batch_first=True)", "self.out(self.layers(x)[0])"), "any number to an amplitude"),
        (network("torch.nn.GRU(3, 80, batch_first=True)", width=80), "20 000"),
        (network("torch.nn.GRU(2, 40, batch_first=True)", "exp_sigmoid(self.out(self.layers(x[..., :2])[0]))"), "Input 2"),
        (network("torch.nn.GRU(3, 40, batch_first=True)", "exp_sigmoid(self.out(torch.nn.functional.dropout(self.layers(x)[0])))"), "random"),
        (network("torch.nn.GRU(3, 40, batch_first=True)", "self.layers(x)"), "2 things"),
        (network("torch.nn.GRU(3, 40, batch_first=True)", "exp_sigmoid(self.out(self.layers(x)[0]))[..., :59]"), "fewer"),
        ("class Net(torch.nn.Module):\n    pass\nmy_network = Net", "parentheses"),
        ("my_network = 'GRU'", "nn.Module"),
    ],
}
