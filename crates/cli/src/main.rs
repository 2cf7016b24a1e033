//! The verismo command.
fn main() {}
