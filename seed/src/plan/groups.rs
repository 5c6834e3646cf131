//! Which index has the documents of each group side by side, so that they can be counted without being read.

use super::choose::{implies, scan};
use super::predicates::Predicates;
use super::{Access, IndexView, KeyRange};
use crate::filter::Filter;
use crate::path::Path;
use crate::sort::Direction;
use crate::value::Text;

/// A range of an index in which entries of one group share the parts of the leading fields.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupScan {
    /// The position of the index in the list that was planned with.
    pub index: usize,
    /// Exactly the entries of the documents that match.
    pub range: KeyRange,
    /// How many leading fields make a group.
    pub depth: usize,
}

/// Chooses an index for counting what matches by some top-level fields.
pub fn choose(filter: &Filter, by: &[Text], indexes: &[Option<IndexView<'_>>]) -> Option<GroupScan> {
    let predicates = Predicates::of(&[filter.root()]);
    if predicates.is_never {
        return None;
    }
    let mut fitting = indexes.iter().enumerate().filter_map(|(at, index)| {
        let index = index.as_ref().filter(|index| implies(&predicates, index))?;
        let partial = index.spec.partial_filter().map(Filter::root);
        let fields = index.spec.fields();
        let scan = scan(Access::Index(at), fields, index.is_multikey, &predicates, partial);
        let [range] = scan.ranges.as_slice() else {
            return None;
        };
        // An array has an entry for each element, and would be counted as often.
        if !scan.is_exact || scan.is_limited || scan.is_multikey {
            return None;
        }
        let is_in =
            |fields: &[(Path, Direction)], name: &Text| fields.iter().any(|(path, _)| path.as_str() == name);
        let held = &fields[..scan.equalities];
        let depth = scan.equalities + by.iter().filter(|name| !is_in(held, name)).count();
        let together = fields.get(..depth)?;
        by.iter().all(|name| is_in(together, name)).then(|| GroupScan {
            index: at,
            range: range.clone(),
            depth,
        })
    });
    fitting.next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::IndexSpec;
    use crate::{Document, key};

    fn chosen(filter: &Document, by: &[&str], is_multikey: bool) -> Option<GroupScan> {
        let waiting = IndexSpec::new("waiting", &doc! {"task": 1})
            .and_then(|index| index.partial(&doc! {"status": "queued"}))
            .unwrap();
        let finished = IndexSpec::new("finished", &doc! {"task": 1, "status": 1, "at": 1})
            .and_then(|index| index.partial(&doc! {"at": {"$exists": true}}))
            .unwrap();
        let view = |spec| Some(IndexView { spec, is_multikey });
        let by: Vec<Text> = by.iter().map(|name| (*name).into()).collect();
        let filter = Filter::parse(filter).unwrap();
        choose(&filter, &by, &[view(&waiting), view(&finished)])
    }

    #[test]
    fn an_index_that_begins_with_the_key_is_chosen_if_it_holds_just_what_matches() {
        let all = KeyRange::of_prefix(&[]);
        let scan = |index, range: &KeyRange, depth| {
            Some(GroupScan {
                index,
                range: range.clone(),
                depth,
            })
        };
        assert_eq!(
            chosen(&doc! {"status": "queued"}, &["task"], false),
            scan(0, &all, 1)
        );
        let finished = doc! {"at": {"$exists": true}};
        assert_eq!(chosen(&finished, &["status", "task"], false), scan(1, &all, 2));
        let mail = KeyRange::of_prefix(&key::encode(&"mail".into()));
        let of_task = doc! {"task": "mail", "at": {"$exists": true}};
        assert_eq!(chosen(&of_task, &["task", "status"], false), scan(1, &mail, 2));
        assert_eq!(chosen(&of_task, &["status"], false), scan(1, &mail, 2));
    }

    #[test]
    fn no_index_is_chosen_that_would_count_wrong() {
        let finished = doc! {"at": {"$exists": true}};
        // The groups would be torn apart, or more would be counted than matches.
        assert_eq!(chosen(&finished, &["status"], false), None);
        assert_eq!(chosen(&doc! {}, &["task"], false), None);
        assert_eq!(chosen(&doc! {"status": "queued", "n": 1}, &["task"], false), None);
        assert_eq!(chosen(&doc! {"status": "queued"}, &["tag"], false), None);
        let from_m = doc! {"at": {"$exists": true}, "task": {"$gt": "m"}};
        assert_eq!(chosen(&from_m, &["task"], false), None);
        assert_eq!(chosen(&finished, &["task"], true), None);
    }
}
