"""A network impairment lab: two network namespaces and an emulated line between them."""
