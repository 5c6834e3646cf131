//! Ids of jobs: UUIDv7, ascending within a process.

use std::sync::{Mutex, PoisonError};

use seed::DateTime;

/// The 42 bits behind the milliseconds count up within one of them.
const COUNTER_BITS: u32 = 42;

/// Makes ids that sort in the order in which they were made, also within a millisecond and when the clock steps back.
#[derive(Debug, Default)]
pub struct JobIds(Mutex<(u64, u64)>);

impl JobIds {
    /// Makes the id of a job that is created now.
    pub fn next(&self, now: DateTime, random: u64) -> String {
        let (millis, count) = self.advance(now, random);
        let mut bytes = [0; 10];
        // 12 bits go before the variant and 30 behind it, which leaves 32 random ones.
        let tail = (count & 0x3FFF_FFFF) << 32 | random & 0xFFFF_FFFF;
        bytes[..2].copy_from_slice(&((count >> 30) as u16).to_be_bytes());
        bytes[2..].copy_from_slice(&tail.to_be_bytes());
        uuid::Builder::from_unix_timestamp_millis(millis, &bytes)
            .into_uuid()
            .hyphenated()
            .to_string()
    }

    fn advance(&self, now: DateTime, random: u64) -> (u64, u64) {
        let now = u64::try_from(now.as_millis()).unwrap_or(0);
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *last = if now > last.0 {
            // It begins in the lower half, so that there is room to count.
            (now, random >> (64 - COUNTER_BITS + 1))
        } else if last.1 + 1 < 1 << COUNTER_BITS {
            (last.0, last.1 + 1)
        } else {
            (last.0 + 1, 0)
        };
        *last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_ascend_whatever_the_clock_does() {
        let ids = JobIds::default();
        let mut random = 0x9E37_79B9_7F4A_7C15_u64;
        let mut last = String::new();
        for millis in [1_000, 1_000, 1_001, 900, 900, 5_000] {
            for _ in 0..100 {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let id = ids.next(DateTime::from_millis(millis), random);
                assert!(id > last, "{id} > {last}");
                last = id;
            }
        }
    }

    #[test]
    fn an_id_is_a_lower_case_uuid_of_version_7() {
        let id = JobIds::default().next(DateTime::from_millis(1_700_000_000_000), u64::MAX);
        assert_eq!(id.len(), 36);
        assert_eq!(id, id.to_lowercase());
        assert_eq!(id.as_bytes()[14], b'7');
        assert!(matches!(id.as_bytes()[19], b'8' | b'9' | b'a' | b'b'), "{id}");
        assert!(id.starts_with("018bcfe5-6800-7"), "{id}");
    }
}
