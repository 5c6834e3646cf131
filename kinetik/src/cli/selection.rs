//! Which jobs a command means.

use anyhow::{Context, Result};
use kinetik_core::{Status, check_name};
use seed::value::json;
use seed::{Document, Filter, doc};

use super::args::Selection;

/// Checks the names of tasks or tags, whichever they are.
pub(super) fn check_names<'a>(what: &str, names: impl IntoIterator<Item = &'a String>) -> Result<()> {
    let mut names = names.into_iter();
    names.try_for_each(|name| check_name(what, name))?;
    Ok(())
}

impl Selection {
    /// Returns the filter of the jobs that are meant; all of them if nothing was said.
    pub(super) fn filter(&self) -> Result<Filter> {
        self.filter_among(&Status::ALL)
    }

    /// Returns the filter of the jobs that are meant, as far as they stand at one of these statuses.
    pub(super) fn filter_among(&self, statuses: &[Status]) -> Result<Filter> {
        let mut clauses: Vec<Document> = Vec::new();
        let names = [("task", &self.task), ("tag", &self.tag)];
        for (field, names) in names.into_iter().filter(|(_, names)| !names.is_empty()) {
            check_names(field, names)?;
            clauses.push(doc! { field: { "$in": (names.clone()) } });
        }
        let wanted = self.status.iter().filter(|status| statuses.contains(status));
        if !self.status.is_empty() {
            clauses.push(among(wanted));
        } else if statuses.len() < Status::ALL.len() {
            clauses.push(among(statuses.iter()));
        }
        if let Some(query) = &self.query {
            let query = json::parse_extended_document(query).context("--query cannot be read")?;
            // Read alone, so that a fault is named as it was typed.
            Filter::parse(&query).context("--query is no filter")?;
            clauses.push(query);
        }
        let all = if clauses.is_empty() {
            Document::new()
        } else {
            doc! { "$and": clauses }
        };
        Ok(Filter::parse(&all)?)
    }
}

fn among<'a>(statuses: impl Iterator<Item = &'a Status>) -> Document {
    let names: Vec<&str> = statuses.map(|status| status.name()).collect();
    doc! { "status": { "$in": names } }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(status: &[Status]) -> Selection {
        Selection {
            task: vec!["mail".to_owned()],
            tag: Vec::new(),
            status: status.to_vec(),
            query: None,
        }
    }

    #[test]
    fn all_that_was_said_must_hold() {
        let mut selection = selection(&[Status::Failed]);
        selection.query = Some(r#"{"data.n": {"$gt": 1}}"#.to_owned());
        let expected = doc! { "$and": [
            { "task": { "$in": ["mail"] } }, { "status": { "$in": ["failed"] } }, { "data.n": { "$gt": 1 } }
        ] };
        assert_eq!(selection.filter().unwrap().source(), &expected);
    }

    #[test]
    fn only_some_statuses_are_open_to_a_change() {
        let open = [Status::Failed, Status::Timeout];
        let source = |status: &[Status]| selection(status).filter_among(&open).unwrap().source().clone();
        let with = |statuses: &[&str]| {
            doc! { "$and": [
                { "task": { "$in": ["mail"] } }, { "status": { "$in": (statuses.to_vec()) } }
            ] }
        };
        assert_eq!(source(&[]), with(&["failed", "timeout"]));
        assert_eq!(source(&[Status::Queued, Status::Failed]), with(&["failed"]));
    }

    #[test]
    fn a_name_that_nothing_can_have_is_refused() {
        let mut selection = selection(&[]);
        selection.tag = vec!["a:b".to_owned()];
        assert!(selection.filter().unwrap_err().to_string().contains("a:b"));
    }
}
