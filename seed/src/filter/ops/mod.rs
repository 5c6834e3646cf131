//! The operators of a filter, a file for each family: how an operand is read, and what passes.

pub mod array;
pub mod bits;
pub(super) mod compare;
pub mod element;
pub(super) mod logic;
pub(super) mod modulo;
pub mod text;
