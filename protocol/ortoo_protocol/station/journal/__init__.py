"""The journal as auditors ask for it: pages of entries, one entry, proofs that leave the house."""
