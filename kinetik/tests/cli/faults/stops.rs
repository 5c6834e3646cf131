//! Workers that are told to stop.

use serde_json::json;

use super::{ask_to_stop, start};
use crate::place::{Place, finish, shell};

/// What failed while its worker stopped stayed active (first seen in BullMQ, issue 834).
#[test]
fn a_failure_during_a_stop_is_stored_with_its_retry() {
    let place = Place::new(&[&shell(
        "fails",
        "exec 3< gate; echo up > up; cat <&3; exit 7",
        "attempts = 2",
    )]);
    let (mut up, gate) = (place.bell("up"), place.gate("gate"));
    let id = place.enqueue(&["fails"]);
    let mut worker = start(&place, &[]);
    up.ring();
    ask_to_stop(&mut worker);
    drop(gate);
    assert_eq!(finish(worker).code, Some(0));
    let job = place.job(&id);
    assert_eq!(
        (&job["status"], &job["attempt"]),
        (&json!("delayed"), &json!(1)),
        "{job}"
    );
    assert_eq!(job["error"]["code"], "7");
    assert!(place.json(&["jobs", "-s", "processing"]).is_empty());
}
