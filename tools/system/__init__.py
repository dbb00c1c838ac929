# SPDX-License-Identifier: MIT
"""The whole system as processes: azmon-local, Azurite and the three services. Used by the demo, the soak and tests/e2e."""
