"""What comes over the wire: actions as the venue signs them, signatures, nonces, decimals."""
