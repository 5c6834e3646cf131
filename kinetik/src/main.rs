//! The `kinetik` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    kinetik::cli::main()
}
