"""The app's panels, one per tab."""
