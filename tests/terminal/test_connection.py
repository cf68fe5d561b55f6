# SPDX-License-Identifier: Apache-2.0
"""A connection that breaks, or never was: said on the screen, and mended by itself."""
import re
import unittest

from console_case import Case, cluster


class Connection(Case):
    def test_lost(self):
        """The aggregator is killed: no connection, with the age of what is on screen; hosts
        become silent and their ages go on; with a new aggregator all is as before."""
        aggregator, ports, _, connect = self.cluster_of_two()
        t = self.proxtop(connect, "--frequency=1", host=False)
        good = t.wait(lambda s: len(re.findall(r"^[> ] web +(alpha|beta) .* 0\.00", s, re.M)) == 2)
        self.assertNotIn("NO CONNECTION", good)
        aggregator.kill()
        t.wait(r"NO CONNECTION for \ds")
        screen = t.wait(r"NO CONNECTION for [4-9]s")
        self.assertIn("trying again", screen)
        self.assertEqual(len(re.findall(r"^[> ] web ", screen, re.M)), 2, "rows stay: " + screen)
        screen = t.wait(lambda s: len(re.findall(r"^[> ] web +~\w+ ~([5-9]|1\d)s", s, re.M)) == 2)
        self.assertRegex(screen, r"2 silent!")
        self.assertNotRegex(screen, r"(?m)^[> ] web .* 0\.00", "no rate of a time that is over")
        # It is still a console.
        t.keys("c")
        t.wait("View: CPU")
        t.keys("a{Enter}", 0.1)
        t.wait(r"^ VM web on")
        t.keys("{Esc}")
        aggregator = self.aggregator(*ports)
        screen = t.wait(lambda s: "NO CONNECTION" not in s and "silent" not in s and
                        len(re.findall(r"^[> ] web +(alpha|beta) .* 0\.00", s, re.M)) == 2, 30)
        t.keys("q")
        self.assertEqual(t.dead(), "0")

    def test_never(self):
        """Nobody there: says so and with which address, keeps trying, and finds who comes."""
        uplink, feed = cluster.free_port(), cluster.free_port()
        t = self.proxtop(f"--connect=tcp://127.0.0.1:{feed}", "--frequency=1", host=False)
        screen = t.wait("NO CONNECTION")
        self.assertNotRegex(screen, r"for \d+d", "no age of what never was")
        screen = t.wait("trying again")
        self.assertIn(f"127.0.0.1:{feed}", screen)
        self.aggregator(uplink, feed)
        self.agents(uplink)
        screen = t.wait(lambda s: len(re.findall(r"^[> ] web +(alpha|beta) ", s, re.M)) == 2, 30)
        self.assertNotIn("NO CONNECTION", screen)

    def test_agent(self):
        """One agent instead of an aggregator, killed and started again."""
        feed = cluster.free_port()
        options = [*self.host, "--frequency=1", f"--feed=tcp://127.0.0.1:{feed}"]
        agent = self.start("agent", cluster.AGENT, *options)
        t = self.proxtop(f"--connect=tcp://127.0.0.1:{feed}", "--frequency=1", host=False)
        t.wait(r"^[> ] web .* 0\.00")
        agent.kill()
        t.wait(r"NO CONNECTION for [2-9]s")
        self.start("again", cluster.AGENT, *options)
        t.wait(lambda s: "NO CONNECTION" not in s and re.search(r"^[> ] web .* 0\.00", s, re.M), 30)

    def test_quit_while_lost(self):
        t = self.proxtop(f"--connect=tcp://127.0.0.1:{cluster.free_port()}", host=False)
        t.wait("NO CONNECTION")
        t.keys("q")
        self.assertEqual(t.dead(5), "0")


if __name__ == "__main__":
    unittest.main()
