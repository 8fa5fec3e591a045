"""A network impairment lab: two network namespaces, and an emulated line between them.

`with NetLab() as lab:` makes both; what is started within `lab.box.inside()` or `lab.viewer.inside()` lives at that end
and needs no change. `lab.set(...)` and `lab.play(...)` say what the line does, from now on or by a schedule.
"""
