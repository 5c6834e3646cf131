//! Which names are operators, and what is said of those that are not.

use crate::error::{Error, ErrorKind};
use crate::suggest::did_you_mean;

/// Those in the place of a field. The ones that cannot be given here are among them: they too tell a query from a row of operators.
const TOP_LEVEL_OPERATORS: [&str; 11] = [
    "$and",
    "$or",
    "$nor",
    "$expr",
    "$comment",
    "$alwaysTrue",
    "$alwaysFalse",
    "$jsonSchema",
    "$sampleRate",
    "$text",
    "$where",
];

/// Those on the values of a field.
const FIELD_OPERATORS: [&str; 21] = [
    "$eq",
    "$ne",
    "$gt",
    "$gte",
    "$lt",
    "$lte",
    "$in",
    "$nin",
    "$not",
    "$exists",
    "$type",
    "$size",
    "$all",
    "$elemMatch",
    "$mod",
    "$regex",
    "$options",
    "$bitsAllSet",
    "$bitsAnySet",
    "$bitsAllClear",
    "$bitsAnyClear",
];

/// Tells whether the name is an operator that joins whole filters, or one that stands in their place.
pub(super) fn is_top_level_operator(name: &str) -> bool {
    TOP_LEVEL_OPERATORS.contains(&name)
}

/// Tells whether the name is an operator on the values of a field.
pub(super) fn is_field_operator(name: &str) -> bool {
    FIELD_OPERATORS.contains(&name)
}

/// Makes the error about a name that stands in the place of an operator on whole filters.
pub(super) fn unknown_top_level(name: &str) -> Error {
    if is_field_operator(name) {
        return Error::query(format!(
            "{name} stands under a field, as in {{\"field\": {{{name:?}: …}}}}"
        ));
    }
    refused(name).unwrap_or_else(|| {
        Error::query(format!(
            "unknown operator {name}{}",
            did_you_mean(name, TOP_LEVEL_OPERATORS)
        ))
    })
}

/// Makes the error about a name that stands in the place of an operator on a field.
pub(super) fn unknown_on_field(name: &str) -> Error {
    if !name.starts_with('$') {
        return Error::query(format!(
            "the field {name:?} cannot stand beside operators: name it by its path"
        ));
    }
    refused(name).unwrap_or_else(|| {
        if is_top_level_operator(name) {
            return Error::query(format!(
                "{name} joins whole filters: it stands beside fields, not under one"
            ));
        }
        Error::query(format!(
            "unknown operator {name}{}",
            did_you_mean(name, FIELD_OPERATORS)
        ))
    })
}

/// Makes the error about an operator that MongoDB has and that cannot be given here.
fn refused(name: &str) -> Option<Error> {
    let reason = match name {
        "$where" => "it runs a script; write the condition as an $expr",
        "$text" => "it needs an index of words; a $regex finds text",
        "$near" | "$nearSphere" | "$geoNear" | "$geoWithin" | "$within" | "$geoIntersects"
        | "$maxDistance" | "$minDistance" => "it needs an index of places",
        "$jsonSchema" => "a schema is declared beside the store, not in a filter",
        "$sampleRate" => "it takes documents by chance",
        _ => return None,
    };
    Some(Error::new(
        ErrorKind::Unsupported,
        format!("{name} is not supported: {reason}"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::Filter;
    use crate::value::Document;

    fn fault(filter: &Document) -> Error {
        Filter::parse(filter).expect_err(&filter.to_string())
    }

    #[test]
    fn an_unknown_operator_is_named_with_its_place_and_a_near_one() {
        let error = fault(&doc! {"a.b": {"$gtt": 1}});
        assert_eq!(
            error.to_string(),
            "unknown operator $gtt: did you mean $gt? ($gtt at \"a.b\")"
        );
        assert!(fault(&doc! {"$andd": [{}]}).message().contains("$and?"));
        assert!(fault(&doc! {"$in": [1]}).message().contains("under a field"));
        assert!(
            fault(&doc! {"a": {"$gt": 1, "b": 2}})
                .message()
                .contains("beside operators")
        );
    }

    #[test]
    fn what_cannot_be_given_is_refused_by_name() {
        for filter in [
            doc! {"$where": "true"},
            doc! {"$text": {"$search": "x"}},
            doc! {"a": {"$near": [0, 0]}},
            doc! {"$jsonSchema": {}},
            doc! {"a": {"$elemMatch": {"$where": "true"}}},
        ] {
            assert_eq!(fault(&filter).kind(), ErrorKind::Unsupported, "{filter}");
        }
    }
}
