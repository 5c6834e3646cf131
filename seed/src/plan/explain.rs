//! A plan as a document that a person or a test can read.

use super::{Access, IndexView, Order, Plan, Scan};
use crate::value::{Array, Document, Value};

impl Plan {
    /// Shows the plan: each scan with its index and number of ranges, and how the order comes about.
    ///
    /// Fields: `scans` (each `index`, `ranges`, `exact`, `multikey`, `full` if it reads everything), `order`
    /// (`forwards`, `backwards`, `merged` from several ranges, `sorted`).
    pub fn explain(&self, indexes: &[Option<IndexView<'_>>]) -> Document {
        let scans: Array = self
            .scans
            .iter()
            .map(|scan| Value::from(explain_scan(scan, indexes)))
            .collect();
        let order = match self.order {
            Order::Forwards => "forwards",
            Order::Backwards => "backwards",
            Order::Merged | Order::MergedBackwards => "merged",
            Order::Sorted => "sorted",
        };
        doc! { "scans": scans, "order": order }
    }
}

fn explain_scan(scan: &Scan, indexes: &[Option<IndexView<'_>>]) -> Document {
    let name = match scan.access {
        Access::Primary => "_id",
        Access::Index(at) => indexes[at].as_ref().map_or("", |index| index.spec.name()),
    };
    let ranges = i64::try_from(scan.ranges.len()).unwrap_or(i64::MAX);
    let is_full = !scan.is_selective();
    doc! {
        "index": name, "ranges": ranges, "exact": (scan.is_exact), "multikey": (scan.is_multikey), "full": is_full
    }
}
