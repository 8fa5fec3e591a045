"""The guest's tests run in the machine only: test_vm_ring.py reports them."""

from __future__ import annotations

collect_ignore = ["guest"]
