//! Replacement: a whole new document that keeps the old one's `_id`.

use crate::error::{Error, Result};
use crate::value::{Document, order};

/// Checks a replacement document on its own.
pub(super) fn check(source: &Document, array_filters: &[Document]) -> Result<()> {
    if let Some(name) = source.keys().find(|name| name.starts_with('$')) {
        let message =
            format!("{name} stands beside fields: an update is made of operators or of fields, not of both");
        return Err(Error::update(message).at_operator(name));
    }
    if !array_filters.is_empty() {
        return Err(Error::update(
            "a document that replaces another has no use for array filters",
        ));
    }
    Ok(())
}

/// Puts the source in the document's place; none if it is the same with its `_id` and all.
pub(super) fn replace(source: &Document, document: &Document) -> Result<Option<Document>> {
    if source == document {
        return Ok(None);
    }
    with_id_of(source, document).map(Some)
}

/// Returns the source with an `_id`, which comes first: its own, which has to equal the document's, or the document's.
pub(super) fn with_id_of(source: &Document, document: &Document) -> Result<Document> {
    let id = match (source.id(), document.id()) {
        (Some(new), Some(old)) if !order::equal(new, old) => {
            let message = format!("the _id {old} cannot be changed to {new}: insert a new document");
            return Err(Error::update(message).at_path("_id"));
        }
        (new, old) => new.or(old),
    };
    let mut replaced = source.clone();
    if let Some(id) = id {
        replaced.set_first("_id", id);
    }
    Ok(replaced)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_kept_and_comes_first() {
        let old = doc! {"a": 1, "_id": 7};
        assert_eq!(
            replace(&doc! {"b": 1}, &old).unwrap(),
            Some(doc! {"_id": 7, "b": 1})
        );
        assert_eq!(
            replace(&doc! {"b": 1, "_id": 7}, &old).unwrap(),
            Some(doc! {"_id": 7, "b": 1})
        );
        assert!(replace(&doc! {"_id": 8}, &old).is_err());
        assert_eq!(replace(&old, &old).unwrap(), None);
    }

    #[test]
    fn operators_within_it_are_refused() {
        assert!(check(&doc! {"a": 1, "$set": {}}, &[]).is_err());
        assert!(check(&doc! {"a": {"$set": 1}}, &[]).is_ok());
        assert!(check(&doc! {}, &[]).is_ok());
    }
}
