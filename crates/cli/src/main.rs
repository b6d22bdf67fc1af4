//! The binary `once`.
fn main() {}
