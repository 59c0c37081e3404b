//! Pure views of a map: text in, nothing else.
