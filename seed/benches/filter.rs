//! Ten filters over 100,000 documents: those that `benches/peers/mingo` measures too.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use seed::value::json;
use seed::{Document, Filter, Value};

use crate::jobs;

const DOCUMENTS: i64 = 100_000;

pub(crate) fn bench(criterion: &mut Criterion) {
    let documents = jobs::documents(DOCUMENTS);
    let mut group = criterion.benchmark_group("filter");
    group
        .throughput(Throughput::Elements(documents.len() as u64))
        .sample_size(20);
    for case in cases() {
        let field = |name: &str| case.get(name).unwrap();
        let filter = Filter::parse(field("filter").as_document().unwrap()).unwrap();
        let name = field("name").as_str().unwrap();
        assert_eq!(
            Value::Int(count(&filter, &documents)),
            *field("matches"),
            "matches of {name}"
        );
        group.bench_function(name, |bencher| {
            bencher.iter(|| count(black_box(&filter), &documents))
        });
        group.bench_function(format!("{name}, on one core"), |bencher| {
            bencher.iter(|| count_on_one_core(black_box(&filter), &documents))
        });
        group.bench_function(format!("{name}, one by one"), |bencher| {
            bencher.iter(|| count_one_by_one(black_box(&filter), &documents))
        });
    }
    group.finish();
}

fn cases() -> Vec<Document> {
    let cases = json::parse_extended(include_str!("filters.json")).unwrap();
    cases
        .as_array()
        .unwrap()
        .iter()
        .map(|case| case.as_document().unwrap().clone())
        .collect()
}

fn count(filter: &Filter, documents: &[Document]) -> i64 {
    filter.positions(documents).unwrap().len() as i64
}

fn count_on_one_core(filter: &Filter, documents: &[Document]) -> i64 {
    filter.select(documents).map(|found| found.map_or(0, |_| 1)).sum()
}

fn count_one_by_one(filter: &Filter, documents: &[Document]) -> i64 {
    documents
        .iter()
        .map(|document| i64::from(filter.matches(document).unwrap()))
        .sum()
}
