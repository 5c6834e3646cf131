//! The `kinetik` program.

use std::process::ExitCode;

/// Jobs are many small allocations that one thread makes and another gives back; the system's allocator spends a third
/// of a worker's time on them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    kinetik::cli::main()
}
