//! Building the stand-in, once for all that need it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Missing, missing};

/// Returns what Java needs to find the stand-in, which is built if it was not yet.
pub(crate) fn class_path() -> Result<String, Missing> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("java");
    let target = target();
    let unwritable =
        |cause: std::io::Error| missing(&format!("cannot write to {}", target.display()), &cause);
    fs::create_dir_all(&target).map_err(unwritable)?;
    // Tests of several programs may want it at the same time.
    let lock = File::create(target.join("lock")).map_err(unwritable)?;
    lock.lock().map_err(unwritable)?;
    let built = target.join("built");
    let stamp = stamp(&source).map_err(|cause| missing("the stand-in's source cannot be read", &cause))?;
    if fs::read_to_string(&built).ok().as_deref() != Some(&stamp) {
        build(&source, &target)?;
        fs::write(&built, stamp).map_err(unwritable)?;
    }
    Ok(format!(
        "{}:{}/*",
        target.join("classes").display(),
        target.join("lib").display()
    ))
}

/// Returns where it is built: beside what cargo builds. The program that asks lies in TARGET/PROFILE or its folder `deps`.
fn target() -> PathBuf {
    let here = std::env::current_exe().unwrap_or_default();
    let mut folders = here.ancestors().skip(1);
    let profile = folders.find(|folder| !folder.ends_with("deps"));
    let target = profile.and_then(Path::parent);
    target
        .map_or_else(std::env::temp_dir, Path::to_owned)
        .join("mongo-standin")
}

/// Returns what tells one state of the source from another.
fn stamp(source: &Path) -> std::io::Result<String> {
    let mut texts = vec![fs::read_to_string(source.join("pom.xml"))?];
    let mut files: Vec<PathBuf> = fs::read_dir(source.join("src/main/java"))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.sort();
    for file in files {
        texts.push(fs::read_to_string(file)?);
    }
    Ok(texts.concat())
}

fn build(source: &Path, target: &Path) -> Result<(), Missing> {
    let output = Command::new("mvn")
        .args(["--quiet", "--batch-mode", "--file"])
        .arg(source.join("pom.xml"))
        .arg(format!("-DbuildFolder={}", target.display()))
        .args([
            "compile",
            "dependency:copy-dependencies",
            "-DincludeScope=runtime",
        ])
        .arg(format!("-DoutputDirectory={}", target.join("lib").display()))
        .output()
        .map_err(|cause| {
            missing(
                "Maven cannot be started to build the stand-in (install Java 17 and Maven)",
                &cause,
            )
        })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stdout);
    Err(Missing(format!("the stand-in cannot be built: {}", said.trim())))
}
