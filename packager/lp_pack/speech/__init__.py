"""Speech whose phoneme timing is known, and the face motion that belongs to it."""
