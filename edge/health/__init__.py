"""The box's own health: cheap readings, checks on them, findings with suggestions."""
