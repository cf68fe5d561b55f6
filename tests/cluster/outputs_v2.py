#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""InfluxDB 2's way to write, /api/v2/write, at a server that answers as its API says (Debian
has no InfluxDB 2); a real InfluxDB 1 stands beside it and must not notice.
"""

import http.server
import json
import re
import threading
import unittest
import urllib.parse

import outputs_databases as databases
from cluster import AGENT, AGGREGATOR, Cluster, Program, fake_host, free_port, wait_for
from outputs_databases import HOSTS, NAMES, SAMPLES, VMS, Running, feed

TOKEN = "5Yq-secret=="
UNITS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9}
CODES = {400: "invalid", 401: "unauthorized", 404: "not found", 413: "request too large",
         422: "unprocessable entity", 429: "too many requests", 503: "unavailable"}


def pieces(text, separator):
    """Split at what is neither escaped nor in quotes."""
    found, quoted, i = [""], False, 0
    while i < len(text):
        if text[i] == "\\" and i + 1 < len(text):
            found[-1] += text[i:i + 2]
            i += 2
            continue
        quoted ^= text[i] == '"'
        if text[i] == separator and not quoted:
            found.append("")
        else:
            found[-1] += text[i]
        i += 1
    return found


def plain(text):
    return re.sub(r"\\([,= ])", r"\1", text)


def number(text):
    if text.startswith('"'):
        return re.sub(r'\\(["\\])', r"\1", text[1:-1])
    return int(text[:-1]) if re.fullmatch(r"-?\d+i", text) else float(text)


class Refusal(Exception):
    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


class Influx2(http.server.ThreadingHTTPServer):
    """.points: (scope, host, uuid, time, field) -> value; .judge(lines) may raise a Refusal."""

    daemon_threads = True

    def __init__(self):
        self.points, self.requests, self.lock = {}, [], threading.Lock()
        self.token, self.bucket, self.judge = TOKEN, "vms", lambda lines: None
        super().__init__(("127.0.0.1", 0), Write)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.shutdown()
        self.server_close()

    def take(self, line, unit):
        head, fields, at = pieces(line, " ")
        measurement, *tags = pieces(head, ",")
        tags = dict(map(plain, pieces(t, "=")) for t in tags)
        for field in pieces(fields, ","):
            key, v = pieces(field, "=")
            self.points[measurement.removeprefix("proxtop_"), tags["host"], tags.get("uuid", ""),
                        int(at) * unit, plain(key)] = number(v)

    def write(self, path, authorization, body):
        where = urllib.parse.urlsplit(path)
        query = dict(urllib.parse.parse_qsl(where.query, strict_parsing=True))
        if where.path != "/api/v2/write":
            raise Refusal(404, "path not found")
        if authorization != "Token " + self.token:
            raise Refusal(401, "unauthorized access")
        if query.pop("org", None) != "our org":
            raise Refusal(404, 'organization name "x" not found')
        if query.pop("bucket", None) != self.bucket:
            raise Refusal(404, 'bucket "vms" not found')
        unit = UNITS[query.pop("precision", "ns")]
        if query:
            raise Refusal(400, "unknown parameters: %s" % query)
        lines = body.decode().splitlines()
        self.judge(lines)
        for line in lines:
            self.take(line, unit)


class Write(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status, answer = 204, b""
        with self.server.lock:
            try:
                self.server.write(self.path, self.headers.get("Authorization"), body)
            except Refusal as e:
                status = e.status
                answer = json.dumps({"code": CODES[status], "message": str(e)}).encode()
            self.server.requests.append(status)
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", str(len(answer)))
            self.send_header("Content-Type", "application/json; charset=utf-8")
        if status == 429:
            self.send_header("Retry-After", "2")
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args):
        pass


class V2(Cluster):
    def setUp(self):
        super().setUp()
        self.influx = Influx2()
        self.sinks.append(self.influx)
        self.token = self.top / "token"
        self.token.touch(0o600)
        self.token.write_text(TOKEN + "\n")

    def url(self, more=""):
        return (f"influx+http://127.0.0.1:{self.influx.port}/api/v2/write?org=our%20org&bucket=vms"
                f"&token-file={self.token}&counters=1&verbose=1{more}")

    def said(self, log, status, message):
        """Once, and in the server's own words."""
        words = "http %d: %s" % (status, json.dumps({"code": CODES[status], "message": message}))
        self.assertEqual(log.count(words), 1, log)
        self.assertNotIn(TOKEN, log)

    def all_there(self, f):
        self.assertEqual((f.done["committed"], f.done["refused"]), (HOSTS * SAMPLES, 0))
        want = f.want()
        self.assertGreater(len(want), HOSTS * VMS * SAMPLES)
        self.assertEqual({k: self.influx.points.get(k) for k in want}, want)

    def test_number_by_number(self):
        f, log = feed(self.url())
        self.assertEqual((f.done["failures"], log, set(self.influx.requests)), (0, "", {204}))
        self.all_there(f)

    def test_precision(self):
        f, log = feed(self.url("&precision=s"))
        self.assertEqual(log, "")
        self.all_there(f)

    def mended(self, status, message):
        """Waits with all of it until somebody has mended what is wrong."""
        running = Running(self.top, self.url(), HOSTS, VMS, SAMPLES)
        self.assertTrue(wait_for(lambda: len(self.influx.requests) >= 3))
        self.assertEqual((set(self.influx.requests), self.influx.points), ({status}, {}))
        with self.influx.lock:
            self.influx.token, self.influx.bucket = TOKEN, "vms"
            self.influx.judge = lambda lines: None
        f, log = running.end()
        self.said(log, status, message)
        self.assertIn("works again", log)
        self.all_there(f)

    def test_token_unknown_yet(self):
        self.influx.token = "another"
        self.mended(401, "unauthorized access")

    def test_bucket_missing_yet(self):
        self.influx.bucket = "another"
        self.mended(404, 'bucket "vms" not found')

    def test_too_many(self):
        def judge(lines):
            raise Refusal(429, "org 1234 has exceeded limited_write plan limit")
        self.influx.judge = judge
        self.mended(429, "org 1234 has exceeded limited_write plan limit")

    def test_never_mended(self):
        """Not for ever: after give-up it is dropped and counted, and the rest at once."""
        self.influx.token = "another"
        f, log = feed(self.url("&give-up=1s"), 1, 2, 3)
        self.assertEqual((f.done["committed"], f.done["refused"]), (3, 9))
        self.assertIn("unauthorized access", log)
        self.assertEqual(log.count("records are dropped"), 1, log)
        self.assertLess(len(self.influx.requests), 20)

    def bad_lines(self, status, message):
        """The lines of one VM are at fault: those alone are dropped, and each is tried once."""
        def judge(lines):
            if any("name=123," in line for line in lines):
                raise Refusal(status, message)
        self.influx.judge = judge
        number = NAMES.index("123")
        f, log = feed(self.url(), 1, VMS, 6, delay=200)
        self.assertEqual((f.done["committed"], f.done["refused"]), (6, 6))
        self.said(log, status, message)
        want = {k: v for k, v in f.want().items() if k[2] != "u0-%d" % number}
        self.assertEqual({k: self.influx.points.get(k) for k in want}, want)
        self.assertFalse([k for k in self.influx.points if k[2] == "u0-%d" % number])
        self.assertLess(len(self.influx.requests), 6 * 12)

    def test_invalid(self):
        self.bad_lines(400, "unable to parse 'proxtop_vm,host=x': missing fields")

    def test_conflict(self):
        self.bad_lines(422, "failure writing points to database: partial write: field type "
                            "conflict: input field \"uptime\" is type integer, already exists as "
                            "type float dropped=1")

    def test_too_large(self):
        """413 above some lines: in smaller bodies all of it."""
        def judge(lines):
            if len(lines) > 20:
                raise Refusal(413, "request too large")
        self.influx.judge = judge
        f, log = feed(self.url())
        self.assertEqual(log, "")
        self.all_there(f)


class Beside(databases.Influx):
    """The real one gets everything while the other refuses all, and is named."""

    def test_beside(self):
        self.create()
        other = Influx2()
        self.addCleanup(other.close)
        other.token = "another"
        token = self.top / "token"
        token.touch(0o600)
        token.write_text(TOKEN)
        host = fake_host(self.top / "host")
        listen, pages = free_port(), free_port()
        centre = Program([AGGREGATOR, f"--listen=tcp://127.0.0.1:{listen}", "--feed=none",
                          f"--http=127.0.0.1:{pages}",
                          "--output=" + self.at("/write?db=x").replace("http", "influx+http"),
                          "--output=" + self.at("/api/v2/write?org=o&bucket=x&required=no").replace(
                              "http", "influx+http"),
                          f"--output=influx+http://127.0.0.1:{other.port}/api/v2/write?org=o"
                          f"&bucket=x&token-file={token}&give-up=1s"], self.top / "centre.log")
        self.addCleanup(centre.stop)
        agent = Program([AGENT, *host, "--host-id=h", "--host-name=h", "--frequency=0.1",
                         "--feed=none", f"--aggregator=tcp://127.0.0.1:{listen}"],
                        self.top / "agent.log")
        self.addCleanup(agent.stop)

        def outputs():
            status, text = databases.http(f"http://127.0.0.1:{pages}/hosts")
            return json.loads(text) if status == 200 else {"outputs": [], "hosts": []}
        self.assertTrue(wait_for(lambda: any(h["committed"] >= 50 for h in outputs()["hosts"])),
                        centre.messages())
        real, no_v2, refusing = outputs()["outputs"]
        self.assertEqual((real["refused"], real["failures"], real.get("error")), (0, 0, None))
        self.assertIn("http 404: 404 page not found", no_v2["error"])
        self.assertIn("unauthorized access", refusing["error"])
        self.assertGreater(refusing["refused"], 20)
        times = {k[3] for k in self.have()}
        self.assertGreaterEqual(len(times), 50)

    test_http = test_precision = test_udp = test_killed_and_back = None
    test_no_database_yet = test_type_conflict = None


if __name__ == "__main__":
    unittest.main(verbosity=2)
