//! What every mergeable summary promises, and the bytes it is stored as.
//!
//! A state is built from observations, merged with others of its kind, stored, and read by statistics later. The laws of
//! [`State`] are checked for every implementation by [`state_laws!`](crate::state_laws).

mod bytes;
mod carry;
pub mod laws;

pub use bytes::{Reader, put_f64, put_i64, put_i128, put_u64, put_u128};
pub use carry::{Carry, load_state, save_state};

/// A summary of observations that can be merged with another of its own kind.
///
/// # Laws
/// `merge` is commutative and associative, an empty state is its identity, and `decode(encode(s)) == s`, all bit for bit:
/// every state of this crate holds integers or orders its contents, so there is no accuracy to state. Encodings are
/// canonical: bytes that decode at all are the only encoding of what they decode to, so digests over them are sound.
pub trait State: Clone + PartialEq + Send + Sync + 'static {
    /// Name and version of the encoding, for example `"histogram/1"`; never reused for other bytes.
    const FORMAT: &'static str;

    /// The number of observations summarised, without nulls and non-finite values.
    fn count(&self) -> u64;

    /// Adds what `other` summarises to `self`.
    ///
    /// # Errors
    /// [`MergeError`] when parameters differ or an exact integer would overflow; `self` is then unchanged.
    fn merge(&mut self, other: &Self) -> Result<(), MergeError>;

    /// Appends the canonical encoding to `out`.
    fn encode(&self, out: &mut Vec<u8>);

    /// Reads exactly one encoding that fills `bytes`.
    ///
    /// # Errors
    /// [`DecodeError`] for every other input; no input panics, and memory stays proportional to `bytes.len()`.
    fn decode(bytes: &[u8]) -> Result<Self, DecodeError>;
}

/// A state whose merge has an exact inverse.
///
/// # Laws
/// `(a + b) - b == a`, bit for bit.
pub trait Group: State {
    /// Takes what `other` summarises out of `self`.
    ///
    /// # Errors
    /// [`MergeError::NotContained`] when `self` does not contain `other`; `self` is then unchanged.
    fn subtract(&mut self, other: &Self) -> Result<(), MergeError>;
}

/// Why two states could not be combined.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// A parameter that belongs to the state differs.
    #[error("cannot combine {state}: {parameter} is {left} on one side and {right} on the other")]
    ParameterMismatch {
        /// The format of the state.
        state: &'static str,
        /// The parameter.
        parameter: &'static str,
        /// Its value in `self`.
        left: String,
        /// Its value in `other`.
        right: String,
    },
    /// An exact integer of the result does not fit its type.
    #[error("cannot combine {state}: {quantity} overflows")]
    Overflow {
        /// The format of the state.
        state: &'static str,
        /// The quantity.
        quantity: &'static str,
    },
    /// What was to be subtracted is not part of the state: a count would become negative.
    #[error("cannot subtract from {state}: {quantity} would become negative or inconsistent")]
    NotContained {
        /// The format of the state.
        state: &'static str,
        /// The quantity.
        quantity: &'static str,
    },
}

/// Why bytes are not the encoding of a state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes end inside a field.
    #[error("{state}: the bytes end inside {field}")]
    Truncated {
        /// The format expected.
        state: &'static str,
        /// The field that was being read.
        field: &'static str,
    },
    /// A field holds a value that no state has, or an encoding that is not the canonical one.
    #[error("{state}: {field} holds an impossible value")]
    Invalid {
        /// The format expected.
        state: &'static str,
        /// The field.
        field: &'static str,
    },
    /// Bytes are left over after the state.
    #[error("{state}: {n_bytes} bytes follow the end of the state")]
    TrailingBytes {
        /// The format expected.
        state: &'static str,
        /// How many bytes are left over.
        n_bytes: usize,
    },
}
