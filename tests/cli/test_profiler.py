# SPDX-License-Identifier: Apache-2.0
"""proxprofiler as people start it: options, CSV files, this host, recordings, feeds, sinks."""

import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time

import cli
import profiler_kit as kit

AGENT = os.environ.get("PROXTOP_AGENT", "build/bin/proxtop-agent")

USAGE = [
    # arguments, what the one line says
    (["--states=1"], "--states=1 is not possible; allowed: a number from 2 to 64"),
    (["--states=65"], "allowed: a number from 2 to 64"),
    (["--states=four"], "allowed: a number from 2 to 64"),
    (["--buffersize=0"], "allowed: a number from 1 to 1000000"),
    (["--history=0"], "allowed: a number from 1 to 4"),
    (["--history=5"], "allowed: a number from 1 to 4"),
    (["--states=64", "--history=4"], "states"),
    (["--filterstddevs=x"], "allowed: a decimal number from -1 to 1000"),
    (["--filterstddevs=-2"], "allowed: a decimal number from -1 to 1000"),
    (["--periodsize=2,,4"], "--periodsize=2,,4 is not possible"),
    (["--periodsize=2,x"], "--periodsize=x is not possible"),
    (["--periodsize=1"], "--periodsize=1 is not possible"),
    (["--periodsize=2,2,2,2,2"], "at most 4"),
    (["--periodsize=1000,1000"], "1024"),
    (["--phase-likeliness=1.5"], "allowed: a decimal number from 0 to 1"),
    (["--outputFreq=0"], "allowed: a time with ms, s, m, h or d"),
    (["--outputFreq=60x"], "allowed: a time with ms, s, m, h or d"),
    (["--printer=text"], "--printer=text is not possible; allowed: json"),
    (["--output=tcp"], "--output=tcp needs --target=HOST:PORT"),
    (["--output=file"], "--output=file needs --target=PATH"),
    (["--output=tcp", "--target=nohost"], "nohost"),
    (["--input=x.csv", "--replay=y"], "exclude each other"),
    (["--input=x.csv", "--connect=tcp://127.0.0.1:1"], "exclude each other"),
    (["--connect=http://127.0.0.1:1"], "is not possible; allowed: tcp://HOST:PORT"),
    (["--connect=tcp://192.0.2.1:7411"], "--key-file"),
    (["--fixedmin=1"], "are for --input with --fixedbound only"),
    (["--input=x.csv", "--fixedmax=1"], "are for --input with --fixedbound only"),
    (["--input=x.csv", "--fixedbound", "--fixedmin=5", "--fixedmax=5"], "--fixedmin, --fixedmax"),
    (["--input=x.csv", "--fixedbound", "--fixedmin=nan"], "allowed: a decimal number"),
    (["--compare", "a.json"], "--compare needs two files: --compare A B"),
    (["a.json"], "surplus argument a.json"),
    (["--compare", "a", "b", "c"], "surplus argument c"),
    (["--compare", "a", "b", "--predict=3"], "exclude each other"),
    (["--capacity", "--predict=3"], "exclude each other"),
    (["--simulate=3", "--predict=3"], "exclude each other"),
    (["--compare", "a", "b", "--input=c"], "--compare takes two files of profiles"),
    (["--predict=0"], "allowed: a number from 1 to"),
    (["--simulate=-1"], "allowed: a number from 1 to"),
    (["--seed=3"], "--seed is for --simulate only"),
    (["--stats=4"], "unknown option --stats; did you mean --states?"),
]

FAILS = [
    (["--input=/nowhere.csv"], "--input=/nowhere.csv: No such file or directory"),
    (["--input=/"], "Is a directory"),
    (["--input=/dev/null"], "/dev/null: there is no line in it"),
    (["--replay=/nowhere"], "/nowhere"),
    (["--replay=/etc/hostname"], "/etc/hostname"),
    (["--procfs=/nowhere"], "--procfs=/nowhere: No such file or directory"),
    (["--compare", "/nowhere/a", "/nowhere/b"], "/nowhere/a"),
    (["--input=/dev/null", "--output=file", "--target=/nowhere/x"], "/nowhere/x"),
]

CSV_FINE = [
    # what it is, the file, {metric: number of values}
    ("one column", b"1\n2\n3\n", {"metric_0": 3}),
    ("no end of the last line", b"1\n2", {"metric_0": 2}),
    ("a header", b"cpu,net\n1,2\n3,4\n", {"cpu": 2, "net": 2}),
    ("CRLF", b"cpu,net\r\n1,2\r\n3,4\r\n", {"cpu": 2, "net": 2}),
    ("empty cells are absent", b"cpu,net\n1,\n,4\n,\n", {"cpu": 1, "net": 1}),
    ("NaN is absent", b"cpu,net\n1,nan\nNaN,4\n", {"cpu": 1, "net": 1}),
    ("an empty line of one column is absent", b"1\n\n2\n", {"metric_0": 2}),
    ("large", b"1e308\n-1e308\n1e308\n", {"metric_0": 3}),
    ("names in quotes, a byte order mark", b'\xef\xbb\xbf"a,b",c\n1,2\n', {"a,b": 1, "c": 1}),
    ("all absent", b"a\nnan\nnan\n", {"a": 0}),
    ("a header alone", b"a,b\n", {"a": 0, "b": 0}),
]

CSV_WRONG = [
    (b"", "there is no line in it"),
    (b"\n\n", "there is no line in it"),
    (b"1,2\n3\n", "line 2: 1 columns; wanted: 2, as in the first line"),
    (b"1,2\n3,4,5\n", "line 2: 3 columns; wanted: 2, as in the first line"),
    (b"1\n1e309\n", 'line 2, column 1 (metric_0): "1e309" is too large'),
    (b"1\ninf\n", 'line 2, column 1 (metric_0): "inf" is no number'),
    (b"cpu\n1\ntwo\n", 'line 3, column 1 (cpu): "two" is no number'),
    (b"cpu\n1,5\n", "line 2: 2 columns; wanted: 1"),
    (b"cpu,cpu\n1,2\n", "line 1: two columns have the same name"),
    (b"1\n2\0\n", "line 2: a byte that is no text"),
    (b'1\n"2\n', "line 2: a \" that does not end"),
]

ORIGINAL = ["--cpu", "--net", "--io", "--printer=json", "--states=4", "--history=1",
            "--outputFreq=60s"]


def documents(text):
    return [json.loads(line) for line in text.splitlines()]


def root(document):
    return {m["metric"]: m for m in document["profile"]["roottx"]}


class Profiler(cli.Cli):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="proxprofiler-")
        self.addCleanup(directory.cleanup)
        self.dir = pathlib.Path(directory.name)

    def csv(self, data, *args):
        path = self.dir / "x.csv"
        path.write_bytes(data)
        return self.run_program(f"--input={path}", *args, host=False)

    def profile_of(self, data, *args):
        done = self.csv(data, *args)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout.count("\n"), 1, done.stdout)
        return json.loads(done.stdout)

    def recording(self, name, lines):
        path = self.dir / name
        kit.make_recording(path, lines)
        return path

    def sink(self):
        sink = kit.Sink()
        self.addCleanup(sink.close)
        return sink

    # ---- options ----

    def test_usage(self):
        for args, says in USAGE:
            with self.subTest(args=args):
                done = self.run_program(*args, "--log-level=error")
                self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
                self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
                self.assertIn(says, done.stderr)

    def test_failures(self):
        for args, says in FAILS:
            with self.subTest(args=args):
                done = self.run_program(*args, "--log-level=error")
                self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
                self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
                self.assertIn(says, done.stderr)

    def test_help_and_version(self):
        done = self.run_program("--help", host=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for option in ("--states=N", "--buffersize=N", "--history=N", "--filterstddevs=X",
                       "--fixedbound", "--periodsize=N", "--outputFreq=DURATION", "--compare=A B"):
            self.assertIn(option, done.stdout)
        done = self.run_program("--version", host=False)
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"^proxprofiler \d+\.\d+\.\d+\n$")

    def test_examples(self):
        """The README's examples: commands behind "$ ", and exactly what they print."""
        text = (cli.SOURCE / "console/proxprofiler/README.md").read_text(encoding="utf-8")
        env = cli.environment()
        env["PATH"] = os.path.dirname(os.path.abspath(cli.PROGRAM)) + ":" + env["PATH"]
        steps = 0
        for block in re.findall(r"^```console\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
            for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                command, printed = step.split("\n", 1)
                done = subprocess.run(["bash", "-c", command], cwd=self.dir, env=env, text=True,
                                      capture_output=True, timeout=cli.TIMEOUT, check=False)
                self.assertEqual((done.returncode, done.stderr, done.stdout), (0, "", printed),
                                 command)
                steps += 1
        self.assertGreaterEqual(steps, 5)

    def test_environment(self):
        path = self.dir / "x.csv"
        path.write_text("1\n2\n3\n4\n")
        env = {"PROXPROFILER_INPUT": path, "PROXPROFILER_STATES": 3, "PROXPROFILER_BUFFERSIZE": 1,
               "PROXPROFILER_STATE": 7}
        done = self.run_program("--states=5", env=env, host=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("PROXPROFILER_STATE", done.stderr)
        settings = json.loads(done.stdout)["profile"]["settings"]
        self.assertEqual((settings["states"], settings["buffersize"]), (5, 1))

    # ---- CSV ----

    def test_csv(self):
        for what, data, counts in CSV_FINE:
            with self.subTest(what):
                document = self.profile_of(data)
                self.assertEqual({k: v["stats"]["count"] for k, v in root(document).items()},
                                 counts)

    def test_csv_wrong(self):
        for data, says in CSV_WRONG:
            with self.subTest(data=data):
                done = self.csv(data)
                self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
                self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
                self.assertIn("x.csv", done.stderr)
                self.assertIn(says, done.stderr)

    def test_csv_matrix(self):
        """0 and 100 in turn, one value a state: each is followed by the other."""
        document = self.profile_of(b"v\n" + b"0\n100\n" * 50, "--states=2", "--buffersize=1",
                                   "--fixedbound")
        self.assertEqual(document["profile"]["name"], "x.csv")
        v = root(document)["v"]
        self.assertEqual(v["transitions"]["0"]["nextProbs"], [0, 100])
        self.assertEqual(v["transitions"]["1"]["nextProbs"], [100, 0])
        stats = v["stats"]
        self.assertEqual([stats[k] for k in ("min", "max", "avg", "stddev", "count")],
                         [0, 100, 50, 50, 100])

    def test_csv_bounds(self):
        """Where the states are: given, 0 to 100, or grown."""
        rows = b"150\n160\n170\n180\n" * 20
        states = "--states=4", "--buffersize=1"
        at_the_end = root(self.profile_of(rows, *states, "--fixedbound"))["metric_0"]
        self.assertEqual(list(at_the_end["transitions"]), ["3"])
        given = root(self.profile_of(rows, *states, "--fixedbound", "--fixedmin=145",
                                     "--fixedmax=185"))["metric_0"]
        self.assertEqual(sorted(given["transitions"]), ["0", "1", "2", "3"])
        self.assertEqual(given["transitions"]["3"]["nextProbs"], [100, 0, 0, 0])

    def test_csv_of_a_pipe(self):
        done = self.run_program("--input=-", "--buffersize=1", host=False, input="1\n2\n3\n")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        document = json.loads(done.stdout)
        self.assertEqual(document["profile"]["name"], "stdin")
        self.assertEqual(root(document)["metric_0"]["stats"]["count"], 3)

    def test_csv_signal(self):
        """A pipe that says nothing more: what came is the profile, and the program ends."""
        process = self.start("--input=-", stdin=subprocess.PIPE)
        process.stdin.write("1\n2\n")
        process.stdin.flush()
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=cli.TIMEOUT), 0)
        self.assertEqual(root(json.loads(process.stdout.read()))["metric_0"]["stats"]["count"], 2)

    def test_csv_to_a_sink(self):
        sink = self.sink()
        done = self.csv(b"1\n2\n", "--output=tcp", f"--target=127.0.0.1:{sink.port}")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.assertEqual(json.loads(sink.wait_lines(1)[0])["profile"]["name"], "x.csv")

    def test_predict(self):
        """0 and 100 in turn: known one step ahead, but for where in a state a value is; a value
        that stays would be wrong by 100 each time."""
        document = self.profile_of(b"v\n" + b"0\n100\n" * 500, "--states=2", "--buffersize=1",
                                   "--fixedbound", "--predict=4")
        prediction = document["prediction"]
        self.assertEqual((prediction["name"], prediction["step"], prediction["inside"]),
                         ("x.csv", 1, 0.9))
        v = prediction["metrics"][0]
        self.assertEqual([len(v[k]) for k in ("expectation", "low", "high")], [4] * 3)
        for i, low in enumerate((0, 50, 0, 50)):
            self.assertTrue(low <= v["expectation"][i] <= low + 50, v)
        self.assertTrue(all(a <= b <= c for a, b, c in
                            zip(v["low"], v["expectation"], v["high"])), v)
        self.assertEqual(v["error"]["last_value_stays"], 100)
        self.assertLess(v["error"]["model"], 30)
        self.assertGreater(v["error"]["steps"], 900)

    def test_capacity(self):
        """8 hours at 10, 4 at 60, again and again: a third of the time above 50, for 4 steps."""
        rows = b"v\n" + (b"10\n" * 8 + b"60\n" * 4) * 50
        document = self.profile_of(rows, "--buffersize=1", "--fixedbound", "--periodsize=12",
                                   "--capacity")
        v = document["capacity"]["metrics"][0]
        self.assertEqual((v["metric"], v["values"], v["greatest"]), ("v", 600, 60))
        self.assertEqual([level["from"] for level in v["levels"]], [0, 25, 50, 75])
        for level, share in zip(v["levels"], (1, 200 / 599, 200 / 599, 0)):
            self.assertAlmostEqual(level["share"], share, places=6)
        # The last stay has no end: 199 transitions from 60, 49 of them to 10.
        for level in v["levels"][1:3]:
            self.assertAlmostEqual(level["spell"], 199 / 49, places=6)
        self.assertIsNone(v["levels"][3]["spell"])
        self.assertTrue(0 <= v["quantiles"]["0.5"] < 25 and 50 <= v["quantiles"]["0.9"] <= 60, v)
        self.assertEqual([hour > 50 for hour in v["periods"]], [False] * 8 + [True] * 4)

    def test_predict_nothing(self):
        """Without a transition there is nothing to predict by."""
        v = self.profile_of(b"1\n", "--predict=3")["prediction"]["metrics"][0]
        self.assertEqual(v["expectation"], [])
        self.assertEqual(v["error"], {"model": None, "last_value_stays": None, "steps": 0})

    def test_simulate(self):
        def series(*args):
            rows = b"a,b\n" + b"10,10\n30,30\n90,90\n" * 100
            document = self.profile_of(rows, "--buffersize=1", "--fixedbound", *args)
            return [m["values"] for m in document["simulation"]["metrics"]]

        first, again, other = series("--simulate=300"), series("--simulate=300"), \
            series("--simulate=300", "--seed=2")
        self.assertEqual(first, again)
        self.assertNotEqual(first, other)
        self.assertNotEqual(first[0], first[1], "each metric draws its own numbers")
        for values in (*first, *other):
            # The states are as they were, one after the other.
            self.assertEqual([int(v // 25) for v in values], [0, 1, 3] * 100)

    def test_predict_vms(self):
        path = self.recording("r", kit.square_wave(401))
        done = self.run_program(f"--replay={path}", "--predict=2", "--cpu", host=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for i, document in enumerate(documents(done.stdout)):
            self.assertEqual(document["uuid"], kit.UUID % (100 + i))
            metric = document["prediction"]["metrics"][0]
            self.assertEqual((metric["metric"], len(metric["expectation"])), ("cpu", 2))
            # 400 ticks are 40 states, two of a kind each time: all but the first two are
            # predicted, and every second one is another than the last.
            error = metric["error"]
            self.assertEqual(error["steps"], 38)
            self.assertAlmostEqual(error["last_value_stays"], (80 - i) / 2, delta=2)

    # ---- recordings ----

    def test_replay(self):
        """The same documents twice, in one order, with the values that were recorded."""
        path = self.recording("r", kit.square_wave(401))
        runs = [self.run_program(f"--replay={path}", host=False) for _ in range(2)]
        self.assertEqual((runs[0].returncode, runs[0].stderr), (0, ""))
        self.assertEqual(runs[0].stdout, runs[1].stdout)
        all_documents = documents(runs[0].stdout)
        self.assertEqual([d["profile"]["name"] for d in all_documents], ["vm100", "vm101"])
        self.assertEqual([d["uuid"] for d in all_documents], [kit.UUID % 100, kit.UUID % 101])
        for i, document in enumerate(all_documents):
            values = root(document)
            self.assertEqual(list(values), ["cpu", "net", "io"])
            cpu, net = values["cpu"]["stats"], values["net"]["stats"]
            self.assertEqual(cpu["count"], 400)
            self.assertAlmostEqual(cpu["avg"], (90 + 10 + i) / 2, places=3)
            self.assertAlmostEqual(net["max"], 50e6, delta=1)
            self.assertAlmostEqual(values["io"]["stats"]["avg"], 1e6, delta=1)

    def test_replay_by_its_own_time(self):
        """--outputFreq in a recording: 400 s are 6 times a minute, and the end."""
        path = self.recording("r", kit.square_wave(201, vms=1))
        done = self.run_program(f"--replay={path}", "--outputFreq=1m", host=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        counts = [root(d)["cpu"]["stats"]["count"] for d in documents(done.stdout)]
        self.assertEqual(counts, [30, 60, 90, 120, 150, 180, 200])

    def test_some_vms(self):
        path = self.recording("r", kit.square_wave(41, vms=3))
        done = self.run_program(f"--replay={path}", "--vm=VM10[12]", "--mem", "--cpu", host=False)
        all_documents = documents(done.stdout)
        self.assertEqual([d["profile"]["name"] for d in all_documents], ["vm101", "vm102"])
        self.assertEqual(list(root(all_documents[0])), ["cpu", "mem"])
        self.assertEqual(root(all_documents[0])["mem"]["stats"]["count"], 0)

    def test_frequency(self):
        """Samples that come more often than --frequency: their rates cover all the time."""
        path = self.recording("r", kit.square_wave(401, vms=1))
        done = self.run_program(f"--replay={path}", "-f", "40", host=False)
        cpu = root(json.loads(done.stdout))["cpu"]["stats"]
        # From 32 s after the last one on they are far enough apart.
        self.assertEqual(cpu["count"], 800 // 30)
        self.assertAlmostEqual(cpu["avg"], 50, delta=3)

    def test_link_speed(self):
        """50 MB/s are two fifths of 1 Gbit/s, which is taken when no speed is known: no speed
        is not no traffic.  They are almost nothing of 100 Gbit/s."""
        states = "--states=10", "--buffersize=1", "--fixedbound", "--net"
        for speed, state in ((None, "4"), (10_000, "0"), (1_000, "4"), (100, "9")):
            with self.subTest(speed=speed):
                path = self.recording(f"r{speed}", kit.square_wave(101, vms=1, speed=speed))
                done = self.run_program(f"--replay={path}", *states, host=False)
                net = root(json.loads(done.stdout))["net"]
                self.assertIn(state, net["transitions"])
                self.assertEqual(set(net["transitions"]), {"0", state})

    def test_migration(self):
        """A VM that moves to another host has one profile."""
        def lines():
            hosts, vm = (kit.Host("h1"), kit.Host("h2")), kit.Vm(100)
            for step in range(200):
                for i, host in enumerate(hosts):
                    yield from host.frame(step * 2, [vm] if (step >= 100) == i else [])
                vm.go(2, 40, 1e3, 1e3)

        path = self.recording("r", lines())
        done = self.run_program(f"--replay={path}", host=False)
        all_documents = documents(done.stdout)
        self.assertEqual(len(all_documents), 1)
        cpu = root(all_documents[0])["cpu"]["stats"]
        # A first sample has no rates, nor has the first one on the new host.
        self.assertEqual(cpu["count"], 198)
        self.assertAlmostEqual(cpu["avg"], 40, places=3)

    # ---- the original's command line ----

    def test_original_command_line(self):
        """Into a tcp sink that reads lines: the original's kind of document."""
        sink = self.sink()
        path = self.recording("r", kit.square_wave(61))
        done = self.run_program(*ORIGINAL, "--output=tcp", f"--target=127.0.0.1:{sink.port}",
                                f"--replay={path}", host=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        # 120 s: twice a minute's, and the end; of two VMs.
        lines = sink.wait_lines(6)
        self.assertEqual(len(lines), 6)
        for document in map(json.loads, lines):
            self.check_original(document["profile"])

    def check_original(self, profile):
        for key in ("name", "roottx", "periodTree", "phases", "settings"):
            self.assertIn(key, profile)
        self.assertEqual([m["metric"] for m in profile["roottx"]], ["cpu", "net", "io"])
        for metric in profile["roottx"]:
            known = {"min", "max", "stddev", "avg", "count"} if metric["stats"]["count"] else set()
            self.assertTrue(known <= set(metric["stats"]), metric["stats"])
            for transition in metric["transitions"].values():
                self.assertEqual(len(transition["nextProbs"]), 4)
                self.assertTrue(all(isinstance(n, int) for n in transition["nextProbs"]))
                self.assertIsInstance(transition["probability"], int)
        settings = profile["settings"]
        self.assertEqual([settings[k] for k in ("states", "buffersize", "history",
                                                "filterstddevs", "fixbound")],
                         [4, 10, 1, -1, False])

    def test_this_host(self):
        """The original's command line on a host with a VM, until a signal comes."""
        kit.add_vm(self.root)
        self.addCleanup(self.remove_vm)
        process = self.start(*ORIGINAL, "--outputFreq=500ms", "-f0.1")
        first = process.stdout.readline()
        self.assertEqual(json.loads(first)["profile"]["name"], "web")
        status, out, err = self.finish(process)
        self.assertEqual((status, err), (0, ""))
        last = documents(out)[-1]
        self.check_original(last["profile"])
        self.assertEqual(last["uuid"], kit.UUID % 100)
        self.assertGreaterEqual(root(last)["cpu"]["stats"]["count"], 2)

    def remove_vm(self):
        for name in ("root/etc/pve/qemu-server/100.conf", "root/var/run/qemu-server/100.pid"):
            (self.root / name).unlink()
        subprocess.run(["rm", "-r", str(self.root / "proc/4711")], check=True)

    def test_no_vms(self):
        process = self.run_program("-r", "2", "-f0.1")
        self.assertEqual((process.returncode, process.stdout), (0, ""))
        self.assertIn("No VMs detected", process.stderr)

    def test_reader_is_gone(self):
        kit.add_vm(self.root)
        self.addCleanup(self.remove_vm)
        process = self.start("--outputFreq=100ms", "-f0.1")
        process.stdout.readline()
        process.stdout.close()
        self.assertEqual(process.wait(timeout=cli.TIMEOUT), 0)

    # ---- a feed ----

    def test_feed(self):
        kit.add_vm(self.root)
        self.addCleanup(self.remove_vm)
        port = kit.free_port()
        agent = subprocess.Popen(
            [AGENT, *self.host, "--host-id=h1", "-f0.1", f"--feed=tcp://127.0.0.1:{port}"],
            env=cli.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(agent.wait)
        self.addCleanup(agent.kill)
        process = subprocess.Popen(
            [cli.PROGRAM, f"--connect=tcp://127.0.0.1:{port}", "--outputFreq=500ms", "-f0.1",
             "--log-level=error"],
            env=cli.environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        counts = [root(json.loads(process.stdout.readline()))["cpu"]["stats"]["count"]
                  for _ in range(4)]
        self.assertEqual(sorted(counts), counts)
        # Every sample counts: 5 in half a second.
        self.assertGreaterEqual(counts[3] - counts[0], 10)
        status, out, err = self.finish(process)
        self.assertEqual((status, err), (0, ""))
        self.assertGreaterEqual(root(documents(out)[-1])["cpu"]["stats"]["count"], counts[-1])

    def test_feed_that_is_not_there(self):
        process = self.start(f"--connect=tcp://127.0.0.1:{kit.free_port()}", "--log-level=warning")
        line = ""
        while "not reachable" not in line:
            line = process.stderr.readline()
            self.assertTrue(line, "it said nothing")
        status, out, _ = self.finish(process)
        self.assertEqual((status, out), (0, ""))


if __name__ == "__main__":
    cli.main()
