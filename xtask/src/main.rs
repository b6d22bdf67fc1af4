//! Tidy, ci and schema extraction.
fn main() {}
