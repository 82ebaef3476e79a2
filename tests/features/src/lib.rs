//! Holds no code: its manifest gives `cargo run` and `cargo test` one set of features.
