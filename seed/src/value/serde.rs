//! Rust structs become documents and back.
