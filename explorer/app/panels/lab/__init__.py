"""The bug lab, its levels and its style sheet."""
