//! `$bitsAllSet $bitsAnySet $bitsAllClear $bitsAnyClear`: the bits of whole numbers and binary values.

use crate::error::{Error, Result};
use crate::value::{Binary, Value};

/// Which bits are looked at, and what must hold of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BitTest {
    demand: Demand,
    mask: Mask,
    /// The mask as a number is asked: negative numbers have endless set high bits, so all bits above are the highest.
    number: u64,
}

/// What must hold of the bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// `$bitsAllSet`
    AllSet,
    /// `$bitsAnySet`
    AnySet,
    /// `$bitsAllClear`
    AllClear,
    /// `$bitsAnyClear`
    AnyClear,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Mask {
    Positions(Vec<u32>),
    Bytes(Binary),
}

impl BitTest {
    /// Reads the bits: an array of positions, a number whose set bits they are, or binary data likewise.
    ///
    /// # Errors
    /// [`ErrorKind::Query`](crate::ErrorKind::Query) if it is anything else, or a number is negative or not whole.
    pub fn parse(demand: Demand, operand: &Value) -> Result<Self> {
        let (mask, number) = match operand {
            Value::Array(positions) => {
                let positions = positions.iter().map(position).collect::<Result<Vec<u32>>>()?;
                let number = positions.iter().fold(0, |number, &at| number | 1 << at.min(63));
                (Mask::Positions(positions), number)
            }
            Value::Int(_) | Value::Double(_) => {
                let number = operand.as_i64().and_then(|number| u64::try_from(number).ok());
                let number = number.ok_or_else(|| Error::query("a mask is a whole number, zero or above"))?;
                (Mask::Bytes(Binary::generic(&number.to_le_bytes())), number)
            }
            Value::Binary(bytes) => (Mask::Bytes(bytes.clone()), number_of(bytes.bytes())),
            _ => {
                return Err(Error::query(
                    "an array of positions, a number or binary data is expected",
                ));
            }
        };
        Ok(Self { demand, mask, number })
    }

    /// Tells whether the value is a whole number within 64 bits, or binary data, and its bits are as demanded.
    pub fn passes(&self, value: &Value) -> bool {
        match value {
            Value::Binary(binary) => self.bytes_pass(binary.bytes()),
            other => other
                .as_i64()
                .is_some_and(|number| self.number_passes(number as u64)),
        }
    }

    fn number_passes(&self, number: u64) -> bool {
        let mask = self.number;
        match self.demand {
            Demand::AllSet => number & mask == mask,
            Demand::AnySet => number & mask != 0,
            Demand::AllClear => !number & mask == mask,
            Demand::AnyClear => !number & mask != 0,
        }
    }

    /// Bit 0 is the lowest of the first byte; beyond the end all bits are clear.
    fn bytes_pass(&self, bytes: &[u8]) -> bool {
        let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
        match &self.mask {
            Mask::Positions(positions) => {
                let pairs = positions.iter().map(|&at| (byte(at as usize / 8), 1 << (at % 8)));
                self.pairs_pass(pairs)
            }
            Mask::Bytes(mask) => {
                let pairs = mask
                    .bytes()
                    .iter()
                    .enumerate()
                    .map(|(at, &mask)| (byte(at), mask));
                self.pairs_pass(pairs)
            }
        }
    }

    fn pairs_pass(&self, mut pairs: impl Iterator<Item = (u8, u8)>) -> bool {
        match self.demand {
            Demand::AllSet => pairs.all(|(byte, mask)| byte & mask == mask),
            Demand::AnySet => pairs.any(|(byte, mask)| byte & mask != 0),
            Demand::AllClear => pairs.all(|(byte, mask)| byte & mask == 0),
            Demand::AnyClear => pairs.any(|(byte, mask)| !byte & mask != 0),
        }
    }
}

fn position(value: &Value) -> Result<u32> {
    let within = value.as_i64().filter(|at| (0..=i64::from(i32::MAX)).contains(at));
    let position = within.and_then(|at| u32::try_from(at).ok());
    position.ok_or_else(|| {
        Error::query(format!(
            "the position of a bit is a whole number from 0 on, not {value}"
        ))
    })
}

fn number_of(mask: &[u8]) -> u64 {
    let (low, high) = mask.split_at(mask.len().min(8));
    let low = low
        .iter()
        .rev()
        .fold(0, |number, &byte| number << 8 | u64::from(byte));
    if high.iter().any(|&byte| byte != 0) {
        low | 1 << 63
    } else {
        low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(demand: Demand, operand: impl Into<Value>, value: impl Into<Value>) -> bool {
        BitTest::parse(demand, &operand.into())
            .unwrap()
            .passes(&value.into())
    }

    #[test]
    fn negative_numbers_have_endless_set_high_bits() {
        assert!(passes(Demand::AllSet, [0, 63, 200], -1));
        assert!(passes(Demand::AnyClear, [200], 5));
        assert!(!passes(Demand::AllSet, [2, 64], 4));
    }

    #[test]
    fn only_whole_numbers_have_bits() {
        assert!(passes(Demand::AllSet, 4, 4.0) && passes(Demand::AllClear, 1, -0.0));
        assert!(!passes(Demand::AnyClear, 1, 0.5) && !passes(Demand::AllClear, 1, 1e300));
        assert!(!passes(Demand::AllClear, 1, "0") && !passes(Demand::AllClear, 1, f64::NAN));
    }

    #[test]
    fn of_no_bits_all_are_set_and_none_is() {
        let none = || Value::Array(Default::default());
        assert!(passes(Demand::AllSet, none(), 0) && passes(Demand::AllClear, none(), 7));
        assert!(!passes(Demand::AnySet, none(), 7) && !passes(Demand::AnyClear, none(), 0));
    }

    #[test]
    fn binary_data_is_clear_beyond_its_end() {
        let bytes = |bytes: &[u8]| Value::from(Binary::generic(bytes));
        assert!(passes(Demand::AllSet, [0, 9], bytes(&[1, 2])));
        assert!(passes(Demand::AnyClear, [9], bytes(&[255])));
        assert!(passes(Demand::AllClear, bytes(&[0, 0, 1]), bytes(&[255, 255])));
        assert!(passes(Demand::AllSet, 3, bytes(&[3])));
        assert!(passes(Demand::AnySet, bytes(&[0, 0, 0, 0, 0, 0, 0, 0, 1]), -1));
    }

    #[test]
    fn other_masks_are_refused() {
        let operands: [Value; 5] = [(-1).into(), 1.5.into(), [-1].into(), [1.5].into(), "x".into()];
        for operand in operands {
            assert!(BitTest::parse(Demand::AllSet, &operand).is_err(), "{operand}");
        }
    }
}
