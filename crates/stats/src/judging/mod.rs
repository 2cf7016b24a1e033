//! Intervals and verdict numbers for effects between two sides, from per-window histograms alone.
