"""How long a test waits for what has to come, before it gives up.

Far longer than anything takes on a machine that does ten other things at once, and below the
time-out of a test (`setup.cfg`), so that what was waited for in vain is named. What comes ends the
wait, so a long patience costs nothing but where something is broken.
"""

PATIENCE_S = 120.0
PATIENCE_MS = 1000 * PATIENCE_S
