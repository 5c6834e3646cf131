//! The order in which documents are wanted.

/// Whether a field sorts upwards or downwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The least first, written `1`.
    Ascending,
    /// The greatest first, written `-1`.
    Descending,
}
