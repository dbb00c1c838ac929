# SPDX-License-Identifier: MIT
"""Bicep without its compiler, which is not to be had from Debian, PyPI, npm or the Go proxy: parsed by tree-sitter, checked against the
shapes of the resource types, and evaluated, so that tests can look at what each app really gets. The compiler itself runs in CI at GitHub.
"""
