use std::collections::{BTreeMap, HashMap};

use serde::de::DeserializeOwned;
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_test::{Compact, Configure, Token, assert_de_tokens, assert_ser_tokens};

use super::*;
use crate::error::ErrorKind;
use crate::value::{Binary, DateTime, ObjectId, json};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Mail {
    to: String,
    copies: Option<u8>,
    at: DateTime,
    state: State,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum State {
    New,
    Failed(String),
    Sent { by: String, tries: u32 },
    Moved(i64, i64),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Meters(f64);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Marker;

fn mail(state: State) -> Mail {
    Mail {
        to: "ada".into(),
        copies: None,
        at: DateTime::from_millis(5),
        state,
    }
}

/// Writes, compares with the expected value, and reads again.
fn there_and_back<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(
    from: &T,
    expected: impl Into<Value>,
) {
    let value = to_value(from).unwrap();
    assert_eq!(value, expected.into());
    assert_eq!(&from_value::<T>(&value).unwrap(), from);
}

#[test]
fn a_struct_becomes_a_document_and_back() {
    let failed = mail(State::Failed("full".into()));
    let expected = doc! {
        "to": "ada", "copies": null, "at": DateTime::from_millis(5), "state": {"failed": "full"}
    };
    assert_eq!(to_document(&failed).unwrap(), expected);
    assert_eq!(from_document::<Mail>(&expected).unwrap(), failed);
}

#[test]
fn enums_are_tagged_by_the_name_of_their_variant() {
    there_and_back(&State::New, "new");
    there_and_back(&State::Failed("x".into()), doc! {"failed": "x"});
    there_and_back(
        &State::Sent {
            by: "x".into(),
            tries: 2,
        },
        doc! {"sent": {"by": "x", "tries": 2}},
    );
    there_and_back(&State::Moved(1, 2), doc! {"moved": [1, 2]});
}

#[test]
fn every_simple_type_goes_in_and_out() {
    there_and_back(&0.1_f32, f64::from(0.1_f32));
    there_and_back(&f32::MIN_POSITIVE, f64::from(f32::MIN_POSITIVE));
    there_and_back(&Meters(1.5), 1.5);
    there_and_back(&Marker, Value::Null);
    there_and_back(&'é', "é");
    there_and_back(
        &(1_u8, "a".to_owned(), true),
        vec![Value::Int(1), "a".into(), true.into()],
    );
    there_and_back(&9_u64, 9);
    there_and_back(&i128::from(i64::MIN), i64::MIN);
    there_and_back(&Some(Some(3_i16)), 3);
}

#[test]
fn keys_are_the_text_of_what_they_were() {
    there_and_back(&HashMap::from([(u64::MAX, 1)]), doc! {"18446744073709551615": 1});
    there_and_back(&HashMap::from([(-7_i8, 1)]), doc! {"-7": 1});
    there_and_back(&HashMap::from([(true, 1)]), doc! {"true": 1});
    there_and_back(&HashMap::from([('x', 1)]), doc! {"x": 1});
    there_and_back(
        &HashMap::from([(u128::MAX, 1)]),
        doc! {"340282366920938463463374607431768211455": 1},
    );
    let id = ObjectId::from_bytes([7; 12]);
    there_and_back(&HashMap::from([(id, 1)]), doc! {"070707070707070707070707": 1});
    assert_eq!(
        to_value(&BTreeMap::from([((), 1)])).unwrap_err().kind(),
        ErrorKind::Mismatch
    );
}

#[test]
fn an_integer_beyond_64_bits_is_refused_by_name() {
    let error = to_document(&BTreeMap::from([("a", [u64::MAX])])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(
        error.to_string(),
        "the number 18446744073709551615 does not fit in 64 bits (at \"a.0\")"
    );
    assert_eq!(to_value(&u128::MAX).unwrap_err().kind(), ErrorKind::Unsupported);
    assert!(serde_json::from_str::<Value>("9223372036854775808").is_err());
}

#[test]
fn a_whole_double_is_read_as_an_integer() {
    assert_eq!(from_value::<u8>(&Value::Double(3.0)).unwrap(), 3);
    assert!(from_value::<u8>(&Value::Double(3.5)).is_err());
    assert!(from_value::<u8>(&Value::Double(300.0)).is_err());
}

#[test]
fn an_error_names_the_path_of_the_field() {
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only read")]
    struct Job {
        data: Vec<Mail>,
    }
    let place = |document: Document| {
        let error = from_document::<Job>(&document).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Mismatch);
        (
            error.place().path.clone().unwrap_or_default(),
            error.message().to_owned(),
        )
    };
    let path = |document| place(document).0;
    assert_eq!(place(doc! {}), ("data".into(), "the field is missing".into()));
    assert_eq!(path(doc! {"data": [{}]}), "data.0.to");
    assert_eq!(
        place(doc! {"data": [{"to": 5}]}),
        (
            "data.0.to".into(),
            "invalid type: integer `5`, expected a string".into()
        )
    );
    let sent = doc! {"to": "a", "at": DateTime::from_millis(0), "state": {"sent": {"by": "x", "tries": -1}}};
    assert_eq!(path(doc! {"data": [sent]}), "data.0.state.sent.tries");
    assert_eq!(path(doc! {"data": [], "dat": 1}), "dat");
    let at = doc! {"to": "a", "at": {"$date": 0}, "state": "new"};
    assert_eq!(path(doc! {"data": [at]}), "data.0.at");
}

#[test]
fn a_key_that_stands_twice_is_refused() {
    struct Twice;
    impl Serialize for Twice {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(None)?;
            map.serialize_entry("a", &1)?;
            map.serialize_entry("a", &2)?;
            map.end()
        }
    }
    assert_eq!(
        to_value(&[Twice]).unwrap_err().place().path.as_deref(),
        Some("0.a")
    );
    assert!(serde_json::from_str::<Document>(r#"{"a":1,"a":2}"#).is_err());
}

#[test]
fn a_hundred_levels_are_taken_and_no_more() {
    let nested = |levels: usize| (0..levels).fold(Value::Null, |inner, _| Value::from(vec![inner]));
    assert_eq!(to_value(&nested(100)).unwrap(), nested(100));
    assert_eq!(from_value::<Value>(&nested(100)).unwrap(), nested(100));
    assert_eq!(to_value(&nested(101)).unwrap_err().kind(), ErrorKind::Limit);
    assert_eq!(
        from_value::<Value>(&nested(101)).unwrap_err().kind(),
        ErrorKind::Limit
    );
    let text = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(serde_json::from_str::<Value>(&text(100)).is_ok());
    assert!(serde_json::from_str::<Value>(&text(101)).is_err());
}

fn every_type() -> Document {
    doc! {
        "int": 1, "double": 1.0, "text": "x", "null": null, "bool": true, "list": [1, {"a": []}],
        "date": DateTime::from_millis(1), "far": DateTime::from_millis(i64::MIN),
        "id": ObjectId::from_bytes([1; 12]), "bytes": Binary::generic(&[1, 2]), "uuid": Binary::new(4, [9; 16]),
        "looks": {"$date": 0}
    }
}

#[test]
fn our_own_types_stay_themselves() {
    let document = every_type();
    assert_eq!(to_document(&document).unwrap(), document);
    assert_eq!(from_document::<Document>(&document).unwrap(), document);
    there_and_back(&DateTime::from_millis(i64::MAX), DateTime::from_millis(i64::MAX));
    there_and_back(&ObjectId::from_bytes([1; 12]), ObjectId::from_bytes([1; 12]));
    there_and_back(&Binary::new(4, [1, 2]), Binary::new(4, [1, 2]));
    there_and_back(&Some(DateTime::from_millis(1)), DateTime::from_millis(1));
}

#[test]
fn our_own_types_stay_themselves_through_the_buffers_of_serde() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Flat {
        int: i64,
        #[serde(flatten)]
        rest: Document,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Either {
        Text(String),
        Dated {
            at: Option<DateTime>,
            id: ObjectId,
            bytes: Binary,
            any: Value,
        },
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "kind")]
    enum Tagged {
        Holds { value: Either },
    }
    let flat: Flat = from_document(&every_type()).unwrap();
    assert_eq!(to_document(&flat).unwrap(), every_type());
    let (date, id) = (DateTime::from_millis(3), ObjectId::from_bytes([1; 12]));
    let dated = Either::Dated {
        at: Some(date),
        id,
        bytes: Binary::new(4, [1]),
        any: date.into(),
    };
    let expected = doc! {"at": date, "id": id, "bytes": Binary::new(4, [1]), "any": date};
    there_and_back(
        &Tagged::Holds { value: dated },
        doc! {"kind": "Holds", "value": expected},
    );
}

#[test]
fn other_formats_are_given_what_plain_json_shows() {
    let document = every_type();
    let text = serde_json::to_string(&document).unwrap();
    assert_eq!(text, json::document_to_plain(&document));
    assert_eq!(serde_json::to_string(&Value::Double(f64::NAN)).unwrap(), "null");
    assert_eq!(
        serde_json::from_str::<Value>(&text).unwrap(),
        json::parse_plain(&text).unwrap()
    );
}

#[test]
fn our_own_types_are_read_from_what_other_formats_show() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Own {
        date: DateTime,
        far: DateTime,
        id: ObjectId,
        bytes: Binary,
    }
    let own = Own {
        date: DateTime::from_millis(1),
        far: DateTime::from_millis(i64::MAX),
        id: ObjectId::from_bytes([1; 12]),
        bytes: Binary::generic(&[1, 2]),
    };
    let text = serde_json::to_string(&own).unwrap();
    assert_eq!(serde_json::from_str::<Own>(&text).unwrap(), own);
    assert_eq!(
        serde_json::from_str::<DateTime>("5").unwrap(),
        DateTime::from_millis(5)
    );
    for text in ["true", "\"now\"", "1.5", "{\"$date\":0}"] {
        assert!(serde_json::from_str::<DateTime>(text).is_err(), "{text}");
    }
}

#[test]
fn a_compact_format_is_given_numbers_and_bytes() {
    fn written<T>(own: T, name: &'static str, content: &[Token])
    where
        T: Configure + Copy,
        Compact<T>: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
    {
        let tokens: Vec<_> = [Token::NewtypeStruct { name }]
            .iter()
            .chain(content)
            .copied()
            .collect();
        assert_ser_tokens(&own.compact(), &tokens);
        assert_de_tokens(&own.compact(), content);
    }
    written(DateTime::from_millis(5), "seed::DateTime", &[Token::I64(5)]);
    written(
        ObjectId::from_bytes([1; 12]),
        "seed::ObjectId",
        &[Token::Bytes(&[1; 12])],
    );
    let parts = [
        Token::Tuple { len: 2 },
        Token::U8(4),
        Token::Bytes(&[1, 2]),
        Token::TupleEnd,
    ];
    let binary = Binary::new(4, [1, 2]);
    assert_ser_tokens(
        &(&binary).compact(),
        &[&[Token::NewtypeStruct { name: "seed::Binary" }], &parts[..]].concat(),
    );
    assert_de_tokens(&binary.compact(), &parts);
}

#[test]
fn readers_that_know_no_dates_get_text_or_extended_json() {
    let value = Value::from(vec![DateTime::from_millis(0)]);
    assert_eq!(
        from_value::<Vec<String>>(&value).unwrap(),
        ["1970-01-01T00:00:00.000Z"]
    );
    let shown: serde_json::Value = from_value(&value).unwrap();
    assert_eq!(shown, serde_json::json!([{"$date": 0}]));
    assert!(from_value::<Vec<HashMap<String, i64>>>(&value).is_err());
}

#[test]
fn bytes_are_binary_data() {
    struct Bytes(Vec<u8>);
    impl Serialize for Bytes {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_bytes(&self.0)
        }
    }
    assert_eq!(
        to_value(&Bytes(vec![1])).unwrap(),
        Value::Binary(Binary::generic(&[1]))
    );
    let binary = Value::from(Binary::generic(b"abc"));
    assert_eq!(from_value::<&[u8]>(&binary).unwrap(), b"abc");
}

#[test]
fn strings_can_be_borrowed_and_everything_must_be_taken() {
    let value = Value::from("x".repeat(100));
    assert_eq!(from_value::<&str>(&value).unwrap().len(), 100);
    assert!(from_value::<(i64, i64)>(&vec![1, 2, 3].into()).is_err());
    assert!(from_value::<(i64, i64)>(&vec![1].into()).is_err());
    assert!(from_value::<State>(&doc! {"new": 1}.into()).is_err());
    assert!(from_value::<State>(&doc! {"new": null, "x": 1}.into()).is_err());
}

#[test]
fn only_a_struct_or_a_map_makes_a_document() {
    assert_eq!(to_document(&5).unwrap_err().kind(), ErrorKind::Mismatch);
    assert_eq!(to_document(&Marker).unwrap_err().kind(), ErrorKind::Mismatch);
}
