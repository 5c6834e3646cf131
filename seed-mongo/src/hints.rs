//! Which index the server is told to use, where it would not come upon it.
//!
//! A query that a partial index takes whole, with no condition on the index's first field, is served by nothing in the
//! eyes of the server, and would read the whole collection. Our planner sees that the index holds just what is asked for.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use seed::plan::{Access, CollectionSpec, IndexSpec, IndexView, KeyRange, Plan};
use seed::value::Text;
use seed::{Filter, Sort};

use crate::names;

/// What was declared through a handle.
#[derive(Debug, Default)]
pub(crate) struct Declared(Mutex<HashMap<Text, Vec<IndexSpec>>>);

impl Declared {
    /// Keeps a declaration in mind. Another process may have declared something later: a hint that the server does not
    /// know is left out when the command is repeated.
    pub(crate) fn keep(&self, spec: &CollectionSpec) {
        let mut declared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        declared.insert(spec.name.clone(), spec.indexes.clone());
    }

    /// Forgets a collection.
    pub(crate) fn forget(&self, collection: &str) {
        let mut declared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        declared.remove(collection);
    }

    /// Returns the name on the server of the partial index that holds just what is asked for, if there is one.
    pub(crate) fn hint(&self, collection: &str, filter: &Filter, sort: &Sort) -> Option<String> {
        let declared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let indexes = declared.get(collection)?;
        // What is not known of arrays in it makes no difference to a whole index.
        let view = |spec| {
            Some(IndexView {
                spec,
                is_multikey: true,
            })
        };
        let views: Vec<Option<IndexView<'_>>> = indexes.iter().map(view).collect();
        let plan = Plan::choose(filter, sort.fields(), &views);
        let [scan] = plan.scans() else { return None };
        let Access::Index(at) = scan.access else {
            return None;
        };
        let index = &indexes[at];
        let is_whole = index.partial_filter().is_some() && scan.ranges == [KeyRange::all()];
        is_whole.then(|| names::of_index(index))
    }
}

#[cfg(test)]
mod tests {
    use seed::doc;

    use super::*;

    fn declared() -> Declared {
        let running = IndexSpec::new("running", &doc! { "session": 1 }).unwrap();
        let running = running.partial(&doc! { "status": "running" }).unwrap();
        let spec = CollectionSpec::new("jobs")
            .index(running)
            .index(IndexSpec::new("task", &doc! { "task": 1 }).unwrap());
        let declared = Declared::default();
        declared.keep(&spec);
        declared
    }

    fn hint(filter: &seed::Document) -> Option<String> {
        let filter = Filter::parse(filter).unwrap();
        let hint = declared().hint("jobs", &filter, &Sort::default());
        hint.and_then(|name| names::declared_by(&name))
    }

    #[test]
    fn a_partial_index_is_named_where_it_holds_just_what_is_asked_for() {
        assert_eq!(hint(&doc! { "status": "running" }).as_deref(), Some("running"));
        let others = doc! { "status": "running", "session": { "$ne": "a" } };
        assert!(matches!(hint(&others).as_deref(), Some("running") | None));
    }

    #[test]
    fn what_the_server_finds_by_itself_is_left_to_it() {
        for filter in [
            doc! { "status": "running", "session": "a" },
            doc! { "task": "a" },
            doc! { "status": "queued" },
            doc! { "_id": 1, "status": "running" },
            doc! {},
        ] {
            assert_eq!(hint(&filter), None, "{filter}");
        }
    }
}
