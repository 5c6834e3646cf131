//! What is looked at when a store is opened: whether the server can serve at all, and what a job should know of it.

use std::collections::HashMap;

use bytes::Bytes;
use fred::types::{Resp3Frame, Value};
use seed::{Error, ErrorKind, Result};

use crate::commit::{array, blob};
use crate::error;
use crate::link::Link;
use crate::options::Options;

/// The first version with everything that is used here.
const LEAST_MAJOR: u32 = 7;

/// Checks the server, and returns what the user should be warned of.
pub(crate) async fn check(link: &Link, options: &Options) -> Result<Vec<String>> {
    let answer = link.call("INFO", None, Vec::new()).await?;
    let text = blob(answer)
        .and_then(|bytes| String::from_utf8(bytes.to_vec()).ok())
        .ok_or_else(|| error::unexpected(&options.shown))?;
    let info: HashMap<&str, &str> = text.lines().filter_map(|line| line.split_once(':')).collect();
    refuse(&info, options)?;
    let mut warnings = Vec::new();
    if let Some(policy) = info
        .get("maxmemory_policy")
        .filter(|policy| **policy != "noeviction")
    {
        warnings.push(format!(
            "the server at {} throws keys away when its memory is full (maxmemory-policy is {policy}), and jobs with \
             them: set it to noeviction",
            options.shown
        ));
    }
    warnings.extend(persistence(link, options, &info).await);
    Ok(warnings)
}

fn refuse(info: &HashMap<&str, &str>, options: &Options) -> Result<()> {
    let url = &options.shown;
    let version = info.get("redis_version").copied().unwrap_or("unknown");
    let major = version
        .split('.')
        .next()
        .and_then(|major| major.parse::<u32>().ok());
    if major.is_none_or(|major| major < LEAST_MAJOR) {
        let message = format!("the server at {url} is Redis {version}: version 7 or later is needed");
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    if info.get("role") == Some(&"slave") && !options.is_cluster() {
        let message = format!("the server at {url} is a read-only replica: name the primary in the URL");
        return Err(Error::new(ErrorKind::ReadOnly, message));
    }
    if info.get("redis_mode") == Some(&"cluster") && !options.is_cluster() {
        let message = format!("the server at {url} is one of a cluster: write redis-cluster:// in the URL");
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    Ok(())
}

/// Says what the server's way of keeping data on disk means for a job.
async fn persistence(link: &Link, options: &Options, info: &HashMap<&str, &str>) -> Option<String> {
    let url = &options.shown;
    if info.get("aof_enabled") == Some(&"1") {
        let is_left_to_system = setting(link, "appendfsync").await.as_deref() == Some("no");
        return is_left_to_system.then(|| {
            format!(
                "the server at {url} leaves it to the system when its log reaches the disk (appendfsync no): a crash \
                 of the machine may lose the jobs of half a minute; everysec loses at most the last second"
            )
        });
    }
    Some(match setting(link, "save").await.as_deref() {
        Some("") => format!(
            "the server at {url} keeps nothing on disk: all jobs are lost when it stops; set appendonly yes"
        ),
        _ => format!(
            "the server at {url} saves to disk only now and then: jobs since the last snapshot are lost when it \
             crashes; set appendonly yes"
        ),
    })
}

/// Returns a setting of the server, if it tells.
async fn setting(link: &Link, name: &'static str) -> Option<String> {
    let words = [b"GET".as_slice(), name.as_bytes()];
    let words = words.map(|word| Value::Bytes(Bytes::from_static(word))).to_vec();
    let answer: Vec<Resp3Frame> = array(link.call("CONFIG", None, words).await.ok()?)?;
    let value = blob(answer.into_iter().nth(1)?)?;
    String::from_utf8(value.to_vec()).ok()
}
