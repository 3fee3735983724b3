"""A run as a file: script, table, weights or report. Pure builders: records and arrays in, text or bytes out."""
