//! `kinetik tasks`: what can be done, who can do it, and how much of it there is.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, bail};
use kinetik_core::{JobCount, Status};
use seed::{Document, Filter, Value, doc};

use super::Opened;
use super::args::Tasks;
use super::count::number;
use super::definitions::{Definition, Definitions};
use super::duration;
use super::output::Output;
use super::selection::check_names;

const COLUMNS: [&str; 6] = ["name", "tag", "timeout", "defined by", "jobs", "description"];

/// A task with its jobs.
#[derive(Debug, Default)]
struct Counted {
    definition: Definition,
    counts: Vec<(Status, u64)>,
}

pub(super) async fn run(opened: &Opened, command: &Tasks, output: &Output) -> Result<()> {
    check_names("task", &command.task)?;
    let defined = Definitions::of(&opened.queue).await?;
    let counts = opened.queue.counts(&filter(&command.task)?).await?;
    let mut tasks = joined(defined, counts);
    if !command.task.is_empty() {
        tasks.retain(|name, _| command.task.contains(name));
    }
    if let Some(unknown) = command.task.iter().find(|name| !tasks.contains_key(*name)) {
        bail!(
            "there is no task {unknown:?}: neither the config file nor a worker defines it, and no job is of it"
        );
    }
    if output.is_json() {
        return tasks
            .iter()
            .try_for_each(|(name, task)| output.json(&task.to_document(name)));
    }
    if tasks.is_empty() {
        return output.line("no tasks: write them into kinetik.toml, or start a worker that has some");
    }
    output.table(
        &COLUMNS,
        tasks.iter().map(|(name, task)| task.to_row(name)).collect(),
    )
}

fn filter(names: &[String]) -> Result<Filter> {
    let filter = if names.is_empty() {
        Document::new()
    } else {
        doc! { "task": { "$in": (names.to_vec()) } }
    };
    Ok(Filter::parse(&filter)?)
}

/// Puts the jobs to their tasks; a task that only jobs know is defined by nobody.
fn joined(defined: Definitions, counts: Vec<JobCount>) -> BTreeMap<String, Counted> {
    let with_definition = |definition| Counted {
        definition,
        counts: Vec::new(),
    };
    let mut tasks: BTreeMap<String, Counted> = defined
        .into_tasks()
        .into_iter()
        .map(|(name, definition)| (name, with_definition(definition)))
        .collect();
    for JobCount { task, status, count } in counts {
        tasks.entry(task).or_default().counts.push((status, count));
    }
    tasks
}

impl Counted {
    fn to_row(&self, name: &str) -> Vec<String> {
        let Definition {
            tag,
            description,
            timeout,
            ..
        } = &self.definition;
        let jobs: Vec<String> = self
            .counts
            .iter()
            .map(|(status, count)| format!("{count} {status}"))
            .collect();
        vec![
            name.to_owned(),
            tag.clone().unwrap_or_else(|| "-".to_owned()),
            timeout.map_or_else(|| "-".to_owned(), duration::written),
            self.definition.defined_by(),
            if jobs.is_empty() {
                "-".to_owned()
            } else {
                jobs.join(", ")
            },
            description.clone(),
        ]
    }

    fn to_document(&self, name: &str) -> Document {
        let Definition {
            tag,
            description,
            timeout,
            is_here,
            workers,
        } = &self.definition;
        let counts: Document = self
            .counts
            .iter()
            .map(|(status, count)| (status.name().into(), number(*count).into()))
            .collect();
        let millis = timeout.as_ref().map(Duration::as_millis);
        doc! {
            "name": name,
            "tag": (tag.as_deref().map(Value::from)),
            "description": (description.as_str()),
            "timeout": (millis.map(number).map(Value::from)),
            "here": (*is_here),
            "workers": (number(*workers)),
            "counts": counts
        }
    }
}
