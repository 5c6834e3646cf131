//! `kinetik show`

use crate::place::{Place, log, shell, steady};

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

#[test]
fn people_see_it_as_a_list_of_facts() {
    let place = Place::new(&[&shell(
        "send",
        r#"echo "::progress 1 2"; echo sending; echo "::error {\"message\": \"no such user\", \"code\": 550}"; exit 1"#,
        "tag = \"mail\"\nattempts = 1",
    )]);
    let id = place.enqueue(&["send", r#"{"to": "ada@example.org"}"#, "--priority", "5"]);
    place.ok(&["work", "--drain"]);
    let shown = steady(&place.ok(&["show", &id]));
    let shown = regex::Regex::new("ran for .*")
        .unwrap()
        .replace(&shown, "ran for   <a while>");
    insta::assert_snapshot!(shown, @r#"
    id        <an id                             >
    task      send
    tag       mail
    status    failed
    priority  5
    attempts  1 of 1
    created   <a time                >
    started   <a time                >
    finished  <a time                >
    ran for   <a while>
    progress  1 of 2
    data      {"to":"ada@example.org"}
    error     no such user
    code      550
    kind      failed

    <a time                >  created
    <a time                >  attempt 1 started
    <a time                >  sending
    <a time                >  failed: no such user
    "#);
}
