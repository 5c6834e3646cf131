//! `kinetik show`

use crate::place::{Place, log};

#[test]
fn everything_about_a_job_is_shown() {
    let place = Place::new(&["name = \"note\"\nrun = [\"echo\", \"hello\"]"]);
    let id = place.enqueue(&["note", r#"{"to": "ada"}"#]);
    place.ok(&["work", "--drain"]);
    assert_eq!(
        log(&place.job(&id)),
        ["created", "attempt 1 started", "hello", "completed"]
    );
    let shown = place.ok(&["show", &id]);
    for part in [&id, "note", "completed", "1 of 1", "ada", "hello"] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
}

#[test]
fn an_unknown_id_is_an_error() {
    let place = Place::new(&[]);
    let error = place.fails(1, &["show", "no-such-id"]);
    assert!(error.contains("no-such-id"), "{error}");
    place.fails(2, &["show"]);
}
