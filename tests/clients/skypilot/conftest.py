"""SkyPilot keeps its state in the home folder: one of its own for the tests, before anything of it is imported."""

import os
import tempfile

os.environ["HOME"] = tempfile.mkdtemp(prefix="quotagate-skypilot-")
