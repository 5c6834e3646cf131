//! The law of key encoding: the order of the bytes is the order of the values.

use proptest::prelude::*;
use seed::value::{Binary, order};
use seed::{DateTime, Document, ObjectId, Value, key};

fn number() -> impl Strategy<Value = Value> {
    // The neighbourhood of 2^53 and 2^63 is where integers and doubles part.
    let near = |power: u32| (-3_i64..3).prop_map(move |by| ((1_i128 << power) + i128::from(by)) as f64);
    prop_oneof![
        any::<i64>().prop_map(Value::Int),
        (-3_i64..3).prop_map(Value::Int),
        ((1_i64 << 53) - 4..(1 << 53) + 5).prop_map(Value::Int),
        (i64::MAX - 2000..i64::MAX).prop_map(Value::Int),
        (i64::MIN..i64::MIN + 2000).prop_map(Value::Int),
        any::<f64>().prop_map(Value::Double),
        near(53).prop_map(Value::Double),
        near(63).prop_map(Value::Double),
        (-3_i64..3).prop_map(|int| Value::Double(int as f64)),
        Just(Value::Double(f64::NAN)),
        Just(Value::Double(-0.0)),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let text = prop_oneof!["[a-c\u{0}]{0,3}".boxed(), any::<String>().boxed()];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        number(),
        text.prop_map(Value::from),
        (0_u8..3, prop::collection::vec(0_u8..3, 0..3))
            .prop_map(|(subtype, bytes)| Binary::new(subtype, bytes).into()),
        any::<i64>().prop_map(|millis| DateTime::from_millis(millis).into()),
        (0_u8..3).prop_map(|byte| ObjectId::from_bytes([byte; 12]).into()),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec(("[ab]{0,2}", inner), 0..3).prop_map(|fields| {
                fields
                    .into_iter()
                    .map(|(name, value)| (name.into(), value))
                    .collect::<Document>()
                    .into()
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn bytes_compare_as_values_do(a in value(), b in value()) {
        prop_assert_eq!(key::encode(&a).cmp(&key::encode(&b)), order::compare(&a, &b));
    }

    #[test]
    fn numbers_compare_as_numbers_do(a in number(), b in number()) {
        prop_assert_eq!(key::encode(&a).cmp(&key::encode(&b)), order::compare(&a, &b));
    }

    #[test]
    fn parts_of_a_compound_key_do_not_run_into_each_other(a in value(), b in value(), c in value(), d in value()) {
        let joined = |first, second| [key::encode(first), key::encode(second)].concat();
        let expected = order::compare(&a, &c).then_with(|| order::compare(&b, &d));
        prop_assert_eq!(joined(&a, &b).cmp(&joined(&c, &d)), expected);
    }

    #[test]
    fn comparison_is_transitive(a in value(), b in value(), c in value()) {
        if order::compare(&a, &b).is_le() && order::compare(&b, &c).is_le() {
            prop_assert!(order::compare(&a, &c).is_le());
        }
    }
}
