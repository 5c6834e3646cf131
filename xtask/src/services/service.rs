//! The kinds of service, and how each is started.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use anyhow::Context;
use clap::ValueEnum;
use tempfile::TempDir;

use super::server::{self, HOST, Server};
use super::tls::Keys;
use super::{AUTHORITY, PROGRAM_STORE, URL, cluster, install, tls};

/// What a service is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// One server that keeps everything in memory
    Plain,
    /// One server that answers a write once it is on the disk
    Durable,
    /// Three servers that are a cluster
    Cluster,
    /// One server by TLS, with a password
    Tls,
    /// A MongoDB server, or a stand-in for it
    Mongo,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value().expect("no kind is left out");
        f.pad(value.get_name())
    }
}

/// Shows how it is reached.
impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:8} {}", self.kind, self.url)?;
        self.authority
            .iter()
            .try_for_each(|path| write!(f, " {AUTHORITY}={}", path.display()))
    }
}

/// A running service. Its servers and their data are gone once it is dropped.
#[derive(Debug)]
pub(crate) struct Service {
    kind: Kind,
    url: String,
    /// The certificate of who vouches for the server, by TLS.
    authority: Option<PathBuf>,
    servers: Servers,
}

/// What serves. Servers are dropped before the folder that they write to.
#[derive(Debug)]
enum Servers {
    Redis { servers: Vec<Server>, _folder: TempDir },
    Mongo(mongo_standin::Server),
}

impl Service {
    /// Starts a service, installs what it needs if that is not there, and says what it runs on.
    pub(crate) fn start(kind: Kind) -> anyhow::Result<Self> {
        if kind == Kind::Mongo {
            return Self::mongo();
        }
        install::require(server::PROGRAM)?;
        let folder = tempfile::tempdir().context("no folder for the servers")?;
        let service = match kind {
            Kind::Plain => Self::single(kind, folder, &[]),
            Kind::Durable => Self::single(kind, folder, &["--appendonly", "yes", "--appendfsync", "always"]),
            Kind::Cluster => Self::cluster(folder),
            Kind::Tls => Self::tls(folder),
            Kind::Mongo => Self::mongo(),
        }?;
        eprintln!(
            "{kind}: {} on {}",
            install::version(server::PROGRAM)?,
            service.ports()
        );
        Ok(service)
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Returns what a command needs in its environment to use the service.
    pub(crate) fn environment(&self) -> Vec<(&'static str, OsString)> {
        let server = match self.servers {
            Servers::Redis { .. } => URL,
            Servers::Mongo(_) => mongo_standin::URL,
        };
        let mut variables = vec![(server, self.url().into()), (PROGRAM_STORE, self.url().into())];
        variables.extend(self.authority.iter().map(|path| (AUTHORITY, path.into())));
        variables
    }

    /// Kills all its servers, and starts them again on the same ports and data.
    pub(crate) fn crash(&mut self) -> anyhow::Result<()> {
        match &mut self.servers {
            Servers::Redis { servers, .. } => {
                servers.iter_mut().try_for_each(Server::kill)?;
                servers.iter_mut().try_for_each(Server::restart)
            }
            Servers::Mongo(server) => {
                server.kill();
                Ok(server.start_again()?)
            }
        }
    }

    fn single(kind: Kind, folder: TempDir, options: &[&str]) -> anyhow::Result<Self> {
        let options = || options.iter().map(|&option| option.to_owned()).collect();
        let server = Server::start(folder.path(), |_| Ok(options()))?;
        Ok(Self {
            kind,
            url: format!("redis://{HOST}:{}/", server.port()),
            authority: None,
            servers: Servers::Redis {
                servers: vec![server],
                _folder: folder,
            },
        })
    }

    fn cluster(folder: TempDir) -> anyhow::Result<Self> {
        let servers = cluster::start(folder.path())?;
        let nodes: Vec<String> = servers
            .iter()
            .map(|node| format!("{HOST}:{}", node.port()))
            .collect();
        // One is enough to find the others by; they are named for when it is away.
        let others = nodes[1..].iter().map(|node| format!("node={node}"));
        let others = others.collect::<Vec<_>>().join("&");
        Ok(Self {
            kind: Kind::Cluster,
            url: format!("redis-cluster://{}?{others}", nodes[0]),
            authority: None,
            servers: Servers::Redis {
                servers,
                _folder: folder,
            },
        })
    }

    fn tls(folder: TempDir) -> anyhow::Result<Self> {
        install::require(tls::PROGRAM)?;
        let keys = Keys::make(folder.path())?;
        let password = format!("{:032x}", rand::random::<u128>());
        let server = Server::start(folder.path(), |port| {
            let mut options = keys.options(port)?;
            options.extend(["--requirepass".to_owned(), password.clone()]);
            Ok(options)
        })?;
        Ok(Self {
            kind: Kind::Tls,
            url: format!("rediss://default:{password}@{HOST}:{}/", server.port()),
            authority: Some(keys.authority),
            servers: Servers::Redis {
                servers: vec![server],
                _folder: folder,
            },
        })
    }

    fn mongo() -> anyhow::Result<Self> {
        let server = mongo_standin::Server::start()?;
        eprintln!("{}: {} on {}", Kind::Mongo, server.kind(), server.url());
        Ok(Self {
            kind: Kind::Mongo,
            url: server.url().to_owned(),
            authority: None,
            servers: Servers::Mongo(server),
        })
    }

    fn ports(&self) -> String {
        let Servers::Redis { servers, .. } = &self.servers else {
            return self.url.clone();
        };
        let addresses = servers.iter().map(|server| format!("{HOST}:{}", server.port()));
        addresses.collect::<Vec<_>>().join(", ")
    }
}
