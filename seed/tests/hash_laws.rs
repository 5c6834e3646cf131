//! What holds for every `Hash`, tried on random ones.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use proptest::prelude::*;
use seed::hash::MapReduce;
use seed::sort::Direction;
use seed::value::{Text, order};
use seed::{Document, Filter, Hash, Value, doc};

fn any_key() -> impl Strategy<Value = String> {
    "[a-d]{0,2}"
}

fn any_scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3_i64..3).prop_map(Value::from),
        (-3_i8..3).prop_map(|half| (f64::from(half) / 2.0).into()),
        Just(Value::from(f64::NAN)),
        "[ab]{0,2}".prop_map(Value::from),
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    any_scalar().prop_recursive(2, 8, 3, |inner| {
        let fields = prop::collection::vec(("[ab]", inner.clone()), 0..3);
        prop_oneof![
            prop::collection::vec(inner, 0..3).prop_map(Value::from),
            fields.prop_map(|fields| {
                let named = fields.into_iter().map(|(name, value)| (name.into(), value));
                Value::Document(named.collect())
            }),
        ]
    })
}

fn any_hash() -> impl Strategy<Value = Hash> {
    prop::collection::vec((any_key(), any_value()), 0..20).prop_map(|entries| {
        entries
            .into_iter()
            .map(|(key, value)| (key.into(), value))
            .collect()
    })
}

fn any_query() -> impl Strategy<Value = Document> {
    let operator = prop_oneof![Just("$gt"), Just("$lte"), Just("$eq"), Just("$ne")];
    let name = prop_oneof![
        Just("a"),
        Just("a.b"),
        Just("value"),
        Just("value.0"),
        Just("_id")
    ];
    (name, operator, any_value()).prop_map(|(name, operator, value)| doc! {name: {operator: value}})
}

fn any_direction() -> impl Strategy<Value = Direction> {
    prop_oneof![Just(Direction::Ascending), Just(Direction::Descending)]
}

/// One change to a hash.
#[derive(Debug, Clone)]
enum Change {
    Set(String, i64),
    Del(String),
    Flush,
}

fn any_change() -> impl Strategy<Value = Change> {
    prop_oneof![
        8 => (any_key(), any::<i64>()).prop_map(|(key, value)| Change::Set(key, value)),
        4 => any_key().prop_map(Change::Del),
        1 => Just(Change::Flush),
    ]
}

/// Does to a plain list of pairs what [`Hash`] promises to do.
fn apply(list: &mut Vec<(String, i64)>, change: Change) -> Option<i64> {
    match change {
        Change::Set(key, value) => match list.iter_mut().find(|(other, _)| *other == key) {
            Some((_, old)) => Some(std::mem::replace(old, value)),
            None => {
                list.push((key, value));
                None
            }
        },
        Change::Del(key) => {
            let at = list.iter().position(|(other, _)| *other == key)?;
            Some(list.remove(at).1)
        }
        Change::Flush => {
            list.clear();
            None
        }
    }
}

fn apply_to_hash(hash: &mut Hash<i64>, change: Change) -> Option<i64> {
    match change {
        Change::Set(key, value) => hash.set(key, value),
        Change::Del(key) => hash.del(&key),
        Change::Flush => {
            hash.flush();
            None
        }
    }
}

/// Groups pairs in the order of their first, without combining anything on the way.
fn grouped(pairs: &[(String, i64)]) -> Vec<(&str, Vec<i64>)> {
    let mut groups: Vec<(&str, Vec<i64>)> = Vec::new();
    for (key, value) in pairs {
        match groups.iter_mut().find(|(other, _)| other == key) {
            Some((_, values)) => values.push(*value),
            None => groups.push((key, vec![*value])),
        }
    }
    groups
}

/// Maps and reduces pairs one by one, each emitted under its own key as what `emitted` makes of it.
fn reduced(pairs: &[(String, i64)], emitted: fn(i64) -> i64, reduce: fn(&[i64]) -> i64) -> Hash<i64> {
    let mut stream = MapReduce::new(
        |key: &str, value: &i64, emit| emit(key, emitted(*value)),
        |_, values| reduce(values),
    );
    pairs.iter().for_each(|(key, value)| stream.push(key, value));
    stream.finish()
}

fn expected(pairs: &[(String, i64)], combine: fn(&[i64]) -> i64) -> Hash<i64> {
    let groups = grouped(pairs).into_iter();
    groups
        .map(|(key, values)| (Text::from(key), combine(&values)))
        .collect()
}

fn sum(values: &[i64]) -> i64 {
    values.iter().sum()
}

fn greatest(values: &[i64]) -> i64 {
    values.iter().copied().max().unwrap_or(i64::MIN)
}

proptest! {
    #[test]
    fn a_hash_is_a_list_of_pairs_with_distinct_keys(changes in prop::collection::vec(any_change(), 0..60)) {
        let mut hash = Hash::new();
        let mut list = Vec::new();
        for change in changes {
            prop_assert_eq!(apply_to_hash(&mut hash, change.clone()), apply(&mut list, change));
            let pairs: Vec<_> = hash.iter().map(|(key, value)| (key.to_owned(), *value)).collect();
            prop_assert_eq!(&pairs, &list);
        }
        for (at, (key, value)) in list.iter().enumerate() {
            prop_assert_eq!(hash.index(key), Some(at));
            prop_assert_eq!(hash.at(at), Some((key.as_str(), value)));
            prop_assert_eq!(hash.get(key), Some(value));
        }
    }

    #[test]
    fn a_streaming_map_reduce_equals_a_grouping(
        pairs in prop::collection::vec(("[ab]", -1000_i64..1000), 0..600),
    ) {
        prop_assert_eq!(reduced(&pairs, |value| value, sum), expected(&pairs, sum));
        prop_assert_eq!(reduced(&pairs, |value| value, greatest), expected(&pairs, greatest));
        prop_assert_eq!(reduced(&pairs, |_| 1, sum), expected(&pairs, |values| values.len() as i64));
    }

    #[test]
    fn a_sort_is_an_ordered_and_stable_permutation(hash in any_hash(), direction in any_direction()) {
        let mut sorted = hash.clone();
        sorted.sort(direction);
        let place = |key: &str| hash.index(key).expect("a sort brings no new key");
        let entries: Vec<_> = sorted.iter().collect();
        for pair in entries.windows(2) {
            let [(a_key, a), (b_key, b)] = pair else { unreachable!("windows of two") };
            let order = match direction {
                Direction::Ascending => order::compare(a, b),
                Direction::Descending => order::compare(b, a),
            };
            prop_assert!(order == Ordering::Less || (order == Ordering::Equal && place(a_key) < place(b_key)));
        }
        let by_key = |hash: &Hash| hash.clone().into_iter().collect::<BTreeMap<_, _>>();
        prop_assert_eq!(by_key(&sorted), by_key(&hash));
        sorted.sort_by(|(a, _), (b, _)| place(a).cmp(&place(b)));
        prop_assert_eq!(&sorted, &hash);
    }

    #[test]
    fn find_gives_what_the_filter_matches(hash in any_hash(), query in any_query()) {
        let filter = Filter::parse(&query).expect("the queries tried here have a meaning");
        let asked = |key: &str, value: &Value| match value {
            Value::Document(document) => filter.matches(document),
            other => filter.matches(&doc! {"_id": key, "value": other}),
        };
        let expected = hash.filter(|key, value| asked(key, value).expect("no expression is tried here"));
        prop_assert_eq!(&hash.find(&query).unwrap(), &expected);
        prop_assert_eq!(&hash.find_by(&filter).unwrap(), &expected);
    }

    #[test]
    fn an_array_of_its_entries_makes_the_same_hash(hash in any_hash()) {
        prop_assert_eq!(&Hash::from_array(&hash.to_array()).unwrap(), &hash);
        prop_assert_eq!(&Hash::from(Document::from(hash.clone())), &hash);
    }
}

#[test]
fn a_map_reduce_of_a_hash_emits_what_it_likes() {
    let jobs: Hash = Hash::from(doc! {"a": {"tags": ["x", "y"]}, "b": {"tags": []}, "c": {"tags": ["y"]}});
    let counts = jobs.map_reduce(
        |_, job, emit| {
            let tags = job
                .as_document()
                .and_then(|job| job.get("tags"))
                .and_then(Value::as_array);
            tags.into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .for_each(|tag| emit(tag, 1));
        },
        |_, counts| counts.iter().sum(),
    );
    assert_eq!(counts.iter().collect::<Vec<_>>(), [("x", &1), ("y", &2)]);
}
