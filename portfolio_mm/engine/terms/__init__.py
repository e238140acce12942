"""Terms of the quote, one file each: what a part of the coin adds to a distance, in bps, outwards positive."""
