//! Updates applied to documents: what a store does between reading one and writing it.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use seed::update::Context;
use seed::{DateTime, Document, Update, doc};

use crate::jobs;

const DOCUMENTS: i64 = 10_000;

pub(crate) fn bench(criterion: &mut Criterion) {
    let documents = jobs::documents(DOCUMENTS);
    let mut group = criterion.benchmark_group("update");
    group.throughput(Throughput::Elements(documents.len() as u64));
    for (name, update) in updates() {
        let update = Update::parse(&update, &[]).unwrap();
        group.bench_function(name, |bencher| {
            bencher.iter(|| documents.iter().for_each(|document| apply(&update, document)));
        });
    }
    group.finish();
}

fn updates() -> [(&'static str, Document); 3] {
    let line = doc! { "level": "info", "code": 200, "message": "done" };
    [
        (
            "claim",
            doc! { "$set": {"status": "processing", "session": "s", "token": "t"} },
        ),
        (
            "count and log",
            doc! { "$inc": {"attempt": 1}, "$push": {"log": {"$each": [line], "$slice": (-100)}} },
        ),
        (
            "deep path",
            doc! { "$set": {"data.to.country": "nl"}, "$max": {"data.bytes": 500_000} },
        ),
    ]
}

fn apply(update: &Update, document: &Document) {
    let context = Context::at(DateTime::from_millis(0));
    black_box(update.apply(black_box(document), &context).unwrap());
}
