"""The boto3 script that quickstart prints, run as it is."""

import ast
import os
import subprocess
import sys
import unittest


class QuickstartTest(unittest.TestCase):
    def test_the_script(self):
        script = os.environ["NEREID_QUICKSTART_SCRIPT"]
        output = subprocess.run([sys.executable, script], check=True, capture_output=True, text=True).stdout
        json_scores, binary_scores = (ast.literal_eval(line) for line in output.splitlines())
        for scores in (json_scores, binary_scores):
            dark, bright = scores
            self.assertGreater(bright, dark)


if __name__ == "__main__":
    unittest.main()
