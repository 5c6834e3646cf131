//! Sums and averages as MongoDB works them out: integers exactly, doubles with a correction.

use crate::value::Value;

/// A sum of numbers; other values are passed over.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sum {
    integers: i128,
    total: Compensated,
    has_double: bool,
}

impl Sum {
    /// Adds a number; tells whether it was one.
    pub(crate) fn add(&mut self, value: &Value) -> bool {
        match value {
            Value::Int(int) => {
                // Exact for 2^64 integers, more than anyone adds.
                self.integers += i128::from(*int);
                // Two halves, each of which a double holds exactly.
                let high = int / (1 << 32) * (1 << 32);
                self.total.add((int - high) as f64);
                self.total.add(high as f64);
            }
            Value::Double(double) => {
                self.has_double = true;
                self.total.add(*double);
            }
            _ => return false,
        }
        true
    }

    /// Returns the sum: an integer if only integers were added and it is one of 64 bits, else a double.
    pub(crate) fn value(&self) -> Value {
        match i64::try_from(self.integers) {
            Ok(int) if !self.has_double => Value::Int(int),
            _ => Value::Double(self.total.value()),
        }
    }
}

/// The average of numbers; other values are passed over.
#[derive(Clone, Debug, Default)]
pub(crate) struct Average {
    sum: Sum,
    count: u64,
}

impl Average {
    /// Adds a number.
    pub(crate) fn add(&mut self, value: &Value) {
        self.count += u64::from(self.sum.add(value));
    }

    /// Returns the average as a double; null if there was no number.
    pub(crate) fn value(&self) -> Value {
        match self.count {
            0 => Value::Null,
            count => Value::Double(self.sum.total.value() / count as f64),
        }
    }
}

/// A sum of doubles that keeps what rounding cuts off (Knuth's two-sum), as MongoDB's server does.
#[derive(Clone, Copy, Debug, Default)]
struct Compensated {
    sum: f64,
    correction: f64,
    /// The plain sum, right where infinities and NaN are among the numbers.
    plain: f64,
}

impl Compensated {
    fn add(&mut self, number: f64) {
        self.plain += number;
        let (number, correction) = two_sum(number, self.correction);
        let (sum, lost) = two_sum(self.sum, number);
        (self.sum, self.correction) = (sum, correction + lost);
    }

    fn value(&self) -> f64 {
        let value = self.sum + self.correction;
        if value.is_finite() { value } else { self.plain }
    }
}

/// Returns the rounded sum and what the rounding cut off.
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let b_part = sum - a;
    (sum, (a - (sum - b_part)) + (b - b_part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(values: &[Value]) -> Value {
        let mut sum = Sum::default();
        for value in values {
            sum.add(value);
        }
        sum.value()
    }

    #[test]
    fn integers_give_an_integer_while_it_fits() {
        assert_eq!(sum(&[]), 0.into());
        assert_eq!(sum(&[i64::MAX.into(), 1.into(), (-1).into()]), i64::MAX.into());
        assert_eq!(
            sum(&[i64::MAX.into(), 1.into()]),
            9_223_372_036_854_775_808.0.into()
        );
        assert_eq!(sum(&[1.into(), 1.0.into(), "x".into()]), 2.0.into());
    }

    #[test]
    fn doubles_lose_nothing_on_the_way() {
        assert_eq!(sum(&[0.1.into(), 0.2.into(), 0.3.into()]), 0.6.into());
        assert_eq!(sum(&[1e100.into(), 1.0.into(), (-1e100).into()]), 1.0.into());
        assert_eq!(sum(&[f64::INFINITY.into(), 1.0.into()]), f64::INFINITY.into());
        assert_eq!(sum(&[f64::MAX.into(), f64::MAX.into()]), f64::INFINITY.into());
    }

    #[test]
    fn an_average_is_a_double_or_null() {
        let mut average = Average::default();
        assert_eq!(average.value(), Value::Null);
        average.add(&1.into());
        average.add(&Value::Null);
        average.add(&2.into());
        assert_eq!(average.value(), 1.5.into());
    }
}
