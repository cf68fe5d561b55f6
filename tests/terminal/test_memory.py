# SPDX-License-Identifier: Apache-2.0
"""Where memory is gone the terminal is as it was, too.  Not with a sanitizer, which needs its own."""
import resource
import unittest

import test_ends


class Memory(test_ends.Restored):
    def test_out_of_memory(self):
        """It can have no more: it ends, and says so on the screen that was there before."""
        for options in ((), ("--mouse",)):
            with self.subTest(options=options):
                t = self.begin("--frequency=0.1", *options)
                resource.prlimit(self.pid_in(t), resource.RLIMIT_AS, (4096, 4096))
                self.restored(t, 1)
                self.assertRegex(t.text(), "(?m)^proxtop: error: out of memory$")


if __name__ == "__main__":
    unittest.main()
