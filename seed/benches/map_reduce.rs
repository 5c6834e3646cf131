//! Sums by group over 100,000 documents, held in a hash and streamed.

use criterion::{Criterion, Throughput};
use seed::hash::MapReduce;
use seed::{Document, Hash, Value};

use crate::jobs;

const DOCUMENTS: i64 = 100_000;

pub(crate) fn bench(criterion: &mut Criterion) {
    let documents = jobs::documents(DOCUMENTS);
    let mut hash: Hash<Document> = Hash::with_capacity(documents.len());
    for (number, document) in documents.iter().enumerate() {
        hash.set(number.to_string(), document.clone());
    }
    let mut group = criterion.benchmark_group("map_reduce");
    group
        .throughput(Throughput::Elements(documents.len() as u64))
        .sample_size(20);
    group.bench_function("hash", |bencher| {
        bencher.iter(|| {
            hash.map_reduce(
                |_, job, emit| emit(task(job), bytes(job)),
                |_, all| all.iter().sum::<i64>(),
            )
        });
    });
    group.bench_function("streamed", |bencher| {
        bencher.iter(|| {
            let map = |_: &str, job: &Document, emit: &mut dyn FnMut(&str, i64)| emit(task(job), bytes(job));
            let mut sums = MapReduce::new(map, |_, all| all.iter().sum());
            documents.iter().for_each(|job| sums.push("", job));
            sums.finish()
        });
    });
    group.finish();
}

fn task(job: &Document) -> &str {
    job.get("task").and_then(Value::as_str).unwrap()
}

fn bytes(job: &Document) -> i64 {
    job.get("data")
        .and_then(Value::as_document)
        .and_then(|data| data.get("bytes"))
        .and_then(Value::as_i64)
        .unwrap()
}
