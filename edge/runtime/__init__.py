"""What every process of the box needs: components, supervision, mailboxes, local IPC, logging."""
