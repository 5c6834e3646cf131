//! Documents of a job's shape, the same ones on every run and in `benches/peers/mingo/jobs.mjs`.

use seed::value::Array;
use seed::{DateTime, Document, Value, doc};

const TASKS: [&str; 8] = [
    "send email",
    "resize image",
    "make invoice",
    "sync contacts",
    "aggregate sales",
    "index text",
    "call webhook",
    "clean uploads",
];
const TAGS: [&str; 4] = ["notifications", "media", "db aggregation", "default"];
const STATUSES: [&str; 10] = [
    "delayed",
    "queued",
    "queued",
    "processing",
    "completed",
    "completed",
    "completed",
    "completed",
    "failed",
    "timeout",
];
const NAMES: [&str; 8] = [
    "ada", "björn", "chiara", "dmitri", "emre", "fatima", "grace", "haruki",
];
const COUNTRIES: [&str; 8] = ["de", "fr", "gb", "it", "jp", "pl", "tr", "us"];
const DOMAINS: [&str; 4] = ["example.org", "example.com", "example.net", "mail.example"];
const LABELS: [&str; 6] = ["urgent", "weekly", "trial", "internal", "retry", "bulk"];
const LEVELS: [&str; 4] = ["debug", "info", "warning", "error"];

/// 2026-01-01T00:00:00Z.
const START: i64 = 1_767_225_600_000;

/// Makes the first `count` documents.
pub(crate) fn documents(count: i64) -> Vec<Document> {
    let mut chance = Chance(1);
    (0..count).map(|number| document(number, &mut chance)).collect()
}

fn document(number: i64, chance: &mut Chance) -> Document {
    let task = chance.pick(&TASKS);
    let tag = chance.pick(&TAGS);
    let status = chance.pick(&STATUSES);
    let created = START + number * 1_000 + chance.below(1_000);
    let mut document = doc! {
        "_id": (format!("job-{number:032}")), "task": task, "tag": tag, "status": status,
        "priority": (chance.below(21) - 10), "attempt": (chance.below(4)),
        "created": (DateTime::from_millis(created)), "data": (data(chance)), "log": (log(chance))
    };
    if matches!(status, "completed" | "failed" | "timeout") {
        document.push("finished", DateTime::from_millis(created + chance.below(60_000)));
    }
    document
}

fn data(chance: &mut Chance) -> Document {
    let name = chance.pick(&NAMES);
    let country = chance.pick(&COUNTRIES);
    let address = format!("{name}{}@{}", chance.below(1_000), chance.pick(&DOMAINS));
    let bytes = chance.below(1_000_000);
    let labels: Array = (0..chance.below(4))
        .map(|_| Value::from(chance.pick(&LABELS)))
        .collect();
    doc! { "to": {"name": name, "country": country, "address": address}, "bytes": bytes, "labels": labels }
}

fn log(chance: &mut Chance) -> Array {
    let lines = 1 + chance.below(3);
    let line = |_| doc! { "level": (chance.pick(&LEVELS)), "code": (100 + chance.below(500)), "message": "an attempt" };
    (0..lines).map(line).map(Value::from).collect()
}

/// The generator of Park and Miller, whose products JavaScript's numbers hold exactly.
struct Chance(i64);

impl Chance {
    fn below(&mut self, bound: i64) -> i64 {
        self.0 = self.0 * 48_271 % 2_147_483_647;
        self.0 % bound
    }

    fn pick(&mut self, from: &[&'static str]) -> &'static str {
        let at = self.below(i64::try_from(from.len()).unwrap());
        from[usize::try_from(at).unwrap()]
    }
}
