//! Three servers that share the slots of a cluster.

use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use super::server::{HOST, Server, free_port};

const NODES: usize = 3;

/// How long the nodes may take to find each other.
const LIMIT: Duration = Duration::from_secs(60);

const PAUSE: Duration = Duration::from_millis(50);

/// Starts the nodes, and makes a cluster of them that answers for all slots.
pub(super) fn start(folder: &Path) -> anyhow::Result<Vec<Server>> {
    let nodes = (0..NODES).map(|at| node(&folder.join(at.to_string())));
    let nodes = nodes.collect::<anyhow::Result<Vec<_>>>()?;
    let addresses = nodes.iter().map(|node| format!("{HOST}:{}", node.port()));
    client(
        Command::new("redis-cli")
            .args(["--cluster", "create"])
            .args(addresses)
            .arg("--cluster-yes"),
    )?;
    let end = Instant::now() + LIMIT;
    for node in &nodes {
        while !is_ok(node)? {
            ensure!(
                Instant::now() < end,
                "the nodes have made no cluster in {LIMIT:?}"
            );
            thread::sleep(PAUSE);
        }
    }
    Ok(nodes)
}

fn node(folder: &Path) -> anyhow::Result<Server> {
    std::fs::create_dir(folder)?;
    Server::start(folder, |_| {
        // Unless it is named, it is the port and 10,000, which may be beyond the last one.
        let bus = free_port()?.to_string();
        let options = ["--cluster-enabled", "yes", "--cluster-port", &bus];
        Ok(options.map(str::to_owned).to_vec())
    })
}

fn is_ok(node: &Server) -> anyhow::Result<bool> {
    let port = node.port().to_string();
    let told = client(Command::new("redis-cli").args(["-p", &port, "cluster", "info"]))?;
    Ok(told.contains("cluster_state:ok"))
}

/// Runs the server's own client, and returns what it said.
fn client(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output().context("cannot start redis-cli")?;
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "redis-cli failed: {}", told.trim());
    Ok(told)
}
