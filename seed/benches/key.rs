//! Values as bytes that sort as the values do.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use seed::{Document, Sort, Value, doc, key};

use crate::jobs;

const DOCUMENTS: i64 = 10_000;

pub(crate) fn bench(criterion: &mut Criterion) {
    let documents = jobs::documents(DOCUMENTS);
    let mut group = criterion.benchmark_group("key");
    group.throughput(Throughput::Elements(documents.len() as u64));
    for field in ["_id", "priority", "data"] {
        let values: Vec<&Value> = documents
            .iter()
            .map(|document| document.get(field).unwrap())
            .collect();
        group.bench_function(field, |bencher| {
            bencher.iter(|| {
                values
                    .iter()
                    .map(|value| key::encode(black_box(value)).len())
                    .sum::<usize>()
            });
        });
    }
    let sort = Sort::parse(&doc! { "tag": 1, "priority": (-1), "data.labels": 1 }).unwrap();
    group.bench_function("index of three fields", |bencher| {
        bencher.iter(|| documents.iter().for_each(|document| index(document, &sort)));
    });
    group.finish();
}

fn index(document: &Document, sort: &Sort) {
    black_box(key::index_keys(document, sort.fields()).unwrap());
}
