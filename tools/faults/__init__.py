# SPDX-License-Identifier: MIT
"""Faults on a connection, on purpose: `proxy.py` stands between a client and the server that it takes for real."""
