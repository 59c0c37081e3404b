//! Collectors that turn packets and socket tables into observations.
