"""What the project costs, as ratios measured side by side in one run: ``make bench``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "plugins"))
