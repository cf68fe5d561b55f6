#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""https: an InfluxDB and a plain server with certificates of a private authority.  Who has the
right one and the right name gets everything; others get nothing, one line says why, and what
they missed comes once it is mended.

Needs root (a private /etc/ssl/certs) and packages.txt.
"""

import pathlib
import shutil
import ssl
import subprocess
import tempfile
import time
import unittest

import outputs_databases as databases
from cluster import HttpSink, wait_for
from outputs_databases import FEED, HOSTS, SAMPLES, VMS, Feed, Running, feed

WAITS = "; trying again, samples wait"
REFUSED = ": the server's certificate is not accepted: "


def openssl(*args):
    done = subprocess.run(["openssl", *map(str, args)], capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise AssertionError("openssl %s: %s" % (" ".join(map(str, args)), done.stderr))


class Authority:
    """Who signs certificates: .pem is what others are told to believe."""

    def __init__(self, top, name):
        self.top, self.name = top, name
        self.pem, self.key = top / (name + ".pem"), top / (name + ".key")
        self.make(self.pem, self.key, name, "-addext", "basicConstraints=critical,CA:TRUE")

    def make(self, pem, key, subject, *args):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                "-nodes", "-days", 2, "-subj", "/CN=" + subject, "-keyout", key, "-out", pem, *args)

    def sign(self, file, names):
        """A server's certificate and key, for names as DNS:a or IP:b."""
        pem, key = self.top / (file + ".pem"), self.top / (file + ".key")
        self.make(pem, key, "server", "-CA", self.pem, "-CAkey", self.key, "-addext",
                  "basicConstraints=critical,CA:FALSE", "-addext", "subjectAltName=" + names)
        return pem, key


def system_believes(authority, directory, command):
    """The command, to be run where the system's certificates are the authority's alone."""
    directory.mkdir()
    shutil.copy(authority.pem, directory / "ours.pem")
    shutil.copy(authority.pem, directory / "ca-certificates.crt")
    openssl("rehash", directory)
    return ["unshare", "--mount", "--propagation", "private", "sh", "-ec",
            'mount --bind "$0" /etc/ssl/certs; exec "$@"', directory, *command]


class Influx(databases.Influx):
    """One that speaks https alone."""

    def setUp(self):
        self.certificates = tempfile.TemporaryDirectory(prefix="proxtop-tls-")
        self.addCleanup(self.certificates.cleanup)
        self.made = pathlib.Path(self.certificates.name)
        self.ours, self.other = (Authority(self.made, n) for n in ("ours", "other"))
        self.pem, self.key = self.ours.sign("server", "IP:127.0.0.1")
        context = ssl.create_default_context(cafile=str(self.ours.pem))
        opener = databases.urllib.request.build_opener(
            databases.urllib.request.HTTPSHandler(context=context))
        before = databases.urllib.request._opener
        databases.urllib.request.install_opener(opener)
        self.addCleanup(databases.urllib.request.install_opener, before)
        super().setUp()

    def start(self):
        conf = self.top / "conf"
        text = conf.read_text()
        if "https-enabled" not in text:
            conf.write_text(text.replace("  auth-enabled", f"""  https-enabled = true
  https-certificate = "{self.pem}"
  https-private-key = "{self.key}"
  auth-enabled"""))
        super().start()

    def at(self, path):
        return f"https://127.0.0.1:{self.port}{path}"

    def url(self, ca=None, host="127.0.0.1", give_up=""):
        return (f"influx+https://{host}:{self.port}/write?db=x&verbose=1&counters=1{give_up}" +
                (f"&ca-file={ca}" if ca else ""))

    def all_there(self, f):
        self.assertEqual((f.done["committed"], f.done["refused"]), (HOSTS * SAMPLES, 0))
        self.compare(f.want(), self.have())

    def no_more_than(self, log, shown, *why):
        """One line, and that names what is wrong."""
        self.assertEqual(log.count("\n"), 1, log)
        self.assertIn("output influx+https://%s:%d/write" % (shown, self.port), log)
        for text in (REFUSED, *why, WAITS):
            self.assertIn(text, log)

    def refused(self, url, shown, *why, prefix=()):
        """Nothing of it arrives, and that is said once."""
        with open(self.top / "err", "w") as err, open(self.top / "out", "w") as out:
            p = subprocess.Popen([*prefix, FEED, url, "1", "2", "3"], stdout=out, stderr=err)
        try:
            self.assertTrue(wait_for(lambda: WAITS in (self.top / "err").read_text(), 20))
            time.sleep(1.5)  # some more attempts
            self.assertIsNone(p.poll())
        finally:
            p.kill()
            p.wait()
        self.no_more_than((self.top / "err").read_text(), shown, *why)
        self.assertEqual(Feed((self.top / "out").read_text()).done, None)
        self.assertEqual(self.query("SELECT * FROM proxtop_vm"), [])

    def test_http(self):
        """The right authority: number by number."""
        self.create()
        f, log = feed(self.url(self.ours.pem))
        self.assertEqual((f.done["failures"], log), (0, ""))
        self.all_there(f)

    def test_wrong_authority(self):
        self.create()
        self.refused(self.url(self.other.pem), "127.0.0.1", "unable to get local issuer")
        self.refused(self.url(), "127.0.0.1", "unable to get local issuer")

    def test_wrong_name(self):
        self.create()
        self.refused(self.url(self.ours.pem, "localhost"), "localhost",
                     "certificate subject name matches target")

    def test_systems_authorities(self):
        """Without ca-file the system's are believed; with it, these are not."""
        self.create()
        command = system_believes(self.ours, self.made / "certs", [])
        self.refused(self.url(self.other.pem), "127.0.0.1", "unable to get local issuer",
                     prefix=command)
        done = subprocess.run([*command, FEED, self.url(), str(HOSTS), str(VMS), str(SAMPLES)],
                              capture_output=True, text=True, timeout=120)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.all_there(Feed(done.stdout))

    def test_mended(self):
        """The file is replaced while it runs: nothing was lost."""
        self.create()
        ca = self.made / "ca.pem"
        shutil.copy(self.other.pem, ca)
        running = Running(self.top, self.url(ca), HOSTS, VMS, SAMPLES)
        self.assertTrue(wait_for(lambda: WAITS in running.err.read_text(), 20))
        time.sleep(1)
        shutil.copy(self.ours.pem, self.made / "new.pem")
        (self.made / "new.pem").rename(ca)
        f, log = running.end()
        self.assertEqual(log.count("\n"), 2, log)
        self.assertIn("works again", log)
        self.all_there(f)

    def test_no_file(self):
        """No such file, or nothing in it: said before anything starts."""
        (self.made / "empty").touch()
        for name, why in (("none", "No such file or directory"), ("empty", "is empty"),
                          ("", "Is a directory")):
            done = subprocess.run([FEED, self.url(self.made / name), "1", "1", "1"],
                                  capture_output=True, text=True, timeout=30)
            self.assertEqual((done.returncode, done.stderr), (
                1, "--output: ca-file: %s: %s\n" % (self.made / name, why)))

    def test_http_to_https(self):
        """Who forgets the s is told by the server."""
        self.create()
        f, log = feed(self.url().replace("https", "http"), 1, 1, 1)
        self.assertEqual(f.done["refused"], 2)
        self.assertIn("http 400: Client sent an HTTP request to an HTTPS server", log)

    # Run without TLS by outputs_databases.py.
    test_precision = test_udp = test_killed_and_back = None
    test_no_database_yet = test_type_conflict = None


class Json(unittest.TestCase):
    """json to any server: the token goes over TLS."""

    def test_json(self):
        with tempfile.TemporaryDirectory(prefix="proxtop-tls-") as top:
            top = pathlib.Path(top)
            ours = Authority(top, "ours")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*ours.sign("server", "DNS:localhost"))
            token = top / "token"
            token.touch(0o600)
            token.write_text("open-sesame\n")
            sink = HttpSink(tls=context)
            try:
                f, log = feed(f"json+https://localhost:{sink.port}/in?ca-file={ours.pem}"
                              f"&token-file={token}")
            finally:
                sink.close()
            self.assertEqual((f.done["committed"], f.done["failures"], log),
                             (HOSTS * SAMPLES, 0, ""))
            self.assertEqual(sink.authorizations, {"Bearer open-sesame"})
            self.assertEqual(sink.streams(), {("id%d" % h, 1): list(range(1, SAMPLES + 1))
                                              for h in range(HOSTS)})
            self.assertEqual(sink.repeated(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
