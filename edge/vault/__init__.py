"""Keys, signatures, the keyring of trusted controllers, encryption at rest. The only home of cryptography."""
