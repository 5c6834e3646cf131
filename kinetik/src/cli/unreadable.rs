//! What is stored and cannot be read: told of once all the rest is dealt with.

use anyhow::{Result, bail};
use seed::{Error, ErrorKind};

/// The faults of documents that were passed over.
#[derive(Debug, Default)]
pub(super) struct Unreadable {
    first: Option<Error>,
    others: u64,
}

impl Unreadable {
    /// Passes over what cannot be read, and gives all else back.
    pub(super) fn pass_over<T>(&mut self, found: seed::Result<T>) -> seed::Result<Option<T>> {
        match found {
            Ok(found) => Ok(Some(found)),
            Err(fault) if fault.kind() == ErrorKind::Unreadable => {
                match self.first {
                    None => self.first = Some(fault),
                    Some(_) => self.others += 1,
                }
                Ok(None)
            }
            Err(fault) => Err(fault),
        }
    }

    /// Fails if anything was passed over.
    pub(super) fn finish(self) -> Result<()> {
        let Some(first) = self.first else {
            return Ok(());
        };
        match self.others {
            0 => bail!("{first}; all others are dealt with"),
            1 => bail!("{first}, nor can another one; all others are dealt with"),
            others => bail!("{first}, nor can {others} others; all the rest is dealt with"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_told_of_at_the_end_and_other_faults_at_once() {
        let mut unreadable = Unreadable::default();
        let fault = |kind| Error::new(kind, "no");
        assert_eq!(unreadable.pass_over(Ok(1)).unwrap(), Some(1));
        assert!(
            unreadable
                .pass_over::<()>(Err(fault(ErrorKind::Unavailable)))
                .is_err()
        );
        for _ in 0..3 {
            let passed = unreadable.pass_over::<()>(Err(fault(ErrorKind::Unreadable)));
            assert_eq!(passed.unwrap(), None);
        }
        let told = unreadable.finish().unwrap_err().to_string();
        assert_eq!(told, "no, nor can 2 others; all the rest is dealt with");
        assert!(Unreadable::default().finish().is_ok());
    }
}
