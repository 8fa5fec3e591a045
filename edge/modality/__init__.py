"""The imaging device beside us: its presets."""
