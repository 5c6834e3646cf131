//! Choosing an index and its ranges.

use std::hint::black_box;

use criterion::Criterion;
use seed::plan::{IndexView, Plan};
use seed::{Document, Filter, IndexSpec, Sort, doc};

pub(crate) fn bench(criterion: &mut Criterion) {
    let indexes = indexes();
    let views: Vec<_> = indexes
        .iter()
        .map(|spec| {
            Some(IndexView {
                spec,
                is_multikey: false,
            })
        })
        .collect();
    let mut group = criterion.benchmark_group("plan");
    for (name, filter, sort) in queries() {
        let (filter, sort) = (Filter::parse(&filter).unwrap(), Sort::parse(&sort).unwrap());
        group.bench_function(name, |bencher| {
            bencher.iter(|| Plan::choose(black_box(&filter), sort.fields(), &views));
        });
    }
    group.finish();
}

/// Indexes as those of a queue.
fn indexes() -> [IndexSpec; 3] {
    let index = |name: &str, fields: Document, partial: Document| {
        IndexSpec::new(name, &fields).unwrap().partial(&partial).unwrap()
    };
    [
        index(
            "queued",
            doc! {"tag": 1, "priority": (-1)},
            doc! {"status": "queued"},
        ),
        index("processing", doc! {"session": 1}, doc! {"status": "processing"}),
        index(
            "finished",
            doc! {"task": 1, "status": 1, "finished": 1},
            doc! {"finished": {"$exists": true}},
        ),
    ]
}

fn queries() -> [(&'static str, Document, Document); 3] {
    let by_priority = doc! {"priority": (-1), "_id": 1};
    let history = doc! {"task": "send email", "status": "failed", "finished": {"$gte": 0, "$lt": 9}};
    let branches = doc! {"$or": [{"status": "processing", "session": "s"}, {"status": "queued", "tag": "a"}]};
    [
        (
            "claim",
            doc! {"status": "queued", "tag": "notifications"},
            by_priority,
        ),
        ("history", history, doc! {"finished": 1}),
        ("or", branches, doc! {}),
    ]
}
