//! Hearing that a file is written to, where the system tells: Linux, by inotify.

use std::path::Path;
use std::time::Duration;

/// Tells when somebody writes to a file.
#[derive(Debug)]
pub(crate) struct Notice {
    #[cfg(target_os = "linux")]
    told: std::os::fd::OwnedFd,
}

#[cfg(target_os = "linux")]
impl Notice {
    /// Begins to listen; nothing if the system cannot tell of this file.
    pub(crate) fn of(file: &Path) -> Option<Self> {
        use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};

        let told = init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).ok()?;
        add_watch(&told, file, WatchFlags::MODIFY).ok()?;
        Some(Self { told })
    }

    /// Waits until the file is written to, for so long at the most; tells whether it was.
    pub(crate) fn wait(&self, longest: Duration) -> bool {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};

        let longest = Timespec::try_from(longest).ok();
        let mut waited = [PollFd::new(&self.told, PollFlags::IN)];
        // If waiting fails, the look that follows tells as much.
        let is_told = poll(&mut waited, longest.as_ref()).is_ok_and(|told| told > 0);
        self.forget();
        is_told
    }

    /// Forgets what was told so far.
    fn forget(&self) {
        let mut events = [0_u8; 1024];
        while rustix::io::read(&self.told, &mut events).is_ok_and(|bytes| bytes > 0) {}
    }
}

#[cfg(not(target_os = "linux"))]
impl Notice {
    /// Gives nothing: this system is asked in another way.
    pub(crate) fn of(_file: &Path) -> Option<Self> {
        None
    }

    /// Waits.
    pub(crate) fn wait(&self, longest: Duration) -> bool {
        std::thread::sleep(longest);
        false
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_write_ends_the_wait_and_is_told_once() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let notice = Notice::of(file.path()).unwrap();
        file.write_all(b"one").unwrap();
        assert!(notice.wait(Duration::from_secs(60)));
        assert!(!notice.wait(Duration::ZERO), "what was told is forgotten");
    }

    #[test]
    fn a_file_that_is_not_there_tells_nothing() {
        assert!(Notice::of(Path::new("/nowhere/at/all")).is_none());
    }
}
