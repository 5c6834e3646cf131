//! The keys of a server that is spoken to by TLS: an authority of its own, and a certificate by it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

use super::server::HOST;

/// What must be installed.
pub(super) const PROGRAM: &str = "openssl";

/// What the two certificates are for. A client checks the address that it connects to.
const AUTHORITY: &str = "basicConstraints = critical, CA:TRUE\nkeyUsage = critical, keyCertSign\n";
const SERVER: &str =
    "basicConstraints = CA:FALSE\nextendedKeyUsage = serverAuth\nsubjectAltName = DNS:localhost";

const DAYS: &str = "2";

/// The files that a server needs, and the authority's certificate, which clients need too.
pub(super) struct Keys {
    pub(super) authority: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
}

impl Keys {
    /// Makes new ones in a folder.
    pub(super) fn make(folder: &Path) -> anyhow::Result<Self> {
        let file = |name: &str| folder.join(name);
        fs::write(file("authority.ext"), AUTHORITY)?;
        fs::write(file("server.ext"), format!("{SERVER}, IP:{HOST}\n"))?;
        request(folder, "authority")?;
        sign(folder, "authority", &["-signkey", "authority.key"])?;
        request(folder, "server")?;
        let by = [
            "-CA",
            "authority.crt",
            "-CAkey",
            "authority.key",
            "-CAcreateserial",
        ];
        sign(folder, "server", &by)?;
        Ok(Self {
            authority: file("authority.crt"),
            certificate: file("server.crt"),
            key: file("server.key"),
        })
    }

    /// Returns the options of a server that listens by TLS alone.
    pub(super) fn options(&self, port: u16) -> anyhow::Result<Vec<String>> {
        let name = |path: &Path| {
            path.to_str()
                .map(str::to_owned)
                .context("the folder's name is no text")
        };
        let mut options = vec!["--port".into(), "0".into(), "--tls-port".into(), port.to_string()];
        for (option, path) in [
            ("--tls-ca-cert-file", &self.authority),
            ("--tls-cert-file", &self.certificate),
            ("--tls-key-file", &self.key),
        ] {
            options.extend([option.to_owned(), name(path)?]);
        }
        // The password tells who may come in.
        options.extend(["--tls-auth-clients".into(), "no".into()]);
        Ok(options)
    }
}

/// Makes a key, and a request for a certificate for it.
fn request(folder: &Path, name: &str) -> anyhow::Result<()> {
    let (key, request, subject) = (
        format!("{name}.key"),
        format!("{name}.csr"),
        format!("/CN=test {name}"),
    );
    let curve = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ];
    let files = ["-subj", &subject, "-keyout", &key, "-out", &request];
    openssl(folder, &[&["req", "-new"], &curve[..], &files].concat())
}

fn sign(folder: &Path, name: &str, by: &[&str]) -> anyhow::Result<()> {
    let (request, extensions, certificate) = (
        format!("{name}.csr"),
        format!("{name}.ext"),
        format!("{name}.crt"),
    );
    let files = ["-in", &request, "-extfile", &extensions, "-out", &certificate];
    openssl(
        folder,
        &[&["x509", "-req", "-sha256", "-days", DAYS], &files[..], by].concat(),
    )
}

fn openssl(folder: &Path, arguments: &[&str]) -> anyhow::Result<()> {
    let mut command = Command::new(PROGRAM);
    let output = command.args(arguments).current_dir(folder).output();
    let output = output.with_context(|| format!("cannot start {PROGRAM}"))?;
    // What it has to say is progress, unless it fails.
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{PROGRAM} {} failed: {}",
        arguments[0],
        said.trim()
    );
    Ok(())
}
