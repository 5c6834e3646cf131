//! What holds for all values and all structs, tried on random ones.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::*;
use crate::value::{Binary, DateTime, ObjectId, json};

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z$.0-9]{0,3}", "\\PC{0,20}"]
}

fn any_value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(|bits| f64::from_bits(bits).into()),
        any_text().prop_map(Value::from),
        any::<i64>().prop_map(|millis| DateTime::from_millis(millis).into()),
        any::<[u8; 12]>().prop_map(|bytes| ObjectId::from_bytes(bytes).into()),
        (any::<u8>(), any::<Vec<u8>>()).prop_map(|(subtype, bytes)| Binary::new(subtype, bytes).into()),
    ];
    scalar.prop_recursive(4, 40, 6, |inner| {
        let fields = prop::collection::vec((any_text(), inner.clone()), 0..6);
        prop_oneof![
            prop::collection::vec(inner, 0..6).prop_map(Value::from),
            fields.prop_map(|fields| {
                let named = fields.into_iter().map(|(name, value)| (name.into(), value));
                Value::Document(named.collect())
            }),
        ]
    })
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum State {
    New,
    Failed(String),
    Sent { by: String, tries: u32 },
    Moved(i64, i64),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Everything {
    small: i8,
    large: i64,
    float: f32,
    text: Option<String>,
    state: Vec<State>,
    named: BTreeMap<u64, (bool, char)>,
    value: Value,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

fn any_state() -> impl Strategy<Value = State> {
    prop_oneof![
        Just(State::New),
        any_text().prop_map(State::Failed),
        (any_text(), any::<u32>()).prop_map(|(by, tries)| State::Sent { by, tries }),
        any::<(i64, i64)>().prop_map(|(x, y)| State::Moved(x, y)),
    ]
}

prop_compose! {
    fn everything()(
        small in any::<i8>(),
        large in any::<i64>(),
        float in -1e30_f32..1e30,
        text in prop::option::of(any_text()),
        state in prop::collection::vec(any_state(), 0..4),
        named in any::<BTreeMap<u64, (bool, char)>>(),
        value in any_value(),
        rest in prop::collection::btree_map("x[a-z]{0,3}", any_value(), 0..3),
    ) -> Everything {
        Everything { small, large, float, text, state, named, value, rest }
    }
}

proptest! {
    #[test]
    fn every_value_comes_back_as_it_was(value in any_value()) {
        prop_assert_eq!(&to_value(&value).unwrap(), &value);
        prop_assert_eq!(&from_value::<Value>(&value).unwrap(), &value);
    }

    #[test]
    fn every_struct_comes_back_as_it_was(from in everything()) {
        let document = to_document(&from).unwrap();
        prop_assert_eq!(from_document::<Everything>(&document).unwrap(), from);
    }

    #[test]
    fn other_formats_show_what_plain_json_shows(value in any_value()) {
        // Doubles are written with other exponents, so the values are compared and not the texts.
        let theirs = serde_json::to_string(&value).unwrap();
        let ours = json::to_plain(&value);
        prop_assert_eq!(json::parse_plain(&theirs).unwrap(), json::parse_plain(&ours).unwrap());
    }
}
