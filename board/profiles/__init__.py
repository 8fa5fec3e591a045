"""What is known of boards, as data: one `ID.toml` for each kind; docs/boards.md says what its keys mean."""
