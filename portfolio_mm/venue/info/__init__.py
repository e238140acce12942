"""What can be asked: `POST /info` and the views behind it."""
