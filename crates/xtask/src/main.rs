//! Automation: `setup`, `demo`, `test`, `bench`, `dist`.
fn main() {}
