//! Text to documents, and documents to filters and updates.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use seed::value::json;
use seed::{Document, Filter, Update, doc};

use crate::jobs;

pub(crate) fn bench(criterion: &mut Criterion) {
    bench_json(criterion);
    let mut group = criterion.benchmark_group("parse");
    let filter = claim_filter();
    group.bench_function("filter", |bencher| {
        bencher.iter(|| Filter::parse(black_box(&filter)).unwrap())
    });
    let update = doc! {
        "$set": {"status": "completed", "result": "sent"}, "$unset": {"session": ""},
        "$push": {"log": {"$each": [{"message": "done"}], "$slice": (-100)}}
    };
    group.bench_function("update", |bencher| {
        bencher.iter(|| Update::parse(black_box(&update), &[]).unwrap())
    });
    group.finish();
}

fn bench_json(criterion: &mut Criterion) {
    let text = jobs::documents(1).remove(0).to_string();
    let mut group = criterion.benchmark_group("json");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("extended", |bencher| {
        bencher.iter(|| json::parse_extended_document(black_box(&text)).unwrap());
    });
    group.bench_function("plain", |bencher| {
        bencher.iter(|| json::parse_plain_document(black_box(&text)).unwrap());
    });
    group.finish();
}

fn claim_filter() -> Document {
    doc! { "status": "queued", "tag": {"$in": ["notifications", "default"]}, "priority": {"$gte": 0} }
}
