"""What a trained network does with one image: pure functions."""
