"""Recorded runs as a folder that any web server shows: sliders, figures and a drawing pad, without Python."""
