//! Claims that the script can carry out: constant updates of the first documents whose key parts pass.

use bytes::Bytes;
use seed::filter::{Filter, Node};
use seed::key;
use seed::plan::{Access, Order, PartTest, Plan};
use seed::sort::Sort;
use seed::update::Update;
use seed::value::{Document, Text, Value, limits};

use crate::collection::Collection;
use crate::commit::least_and_greatest;
use crate::layout::{Layout, NO_PARTS};
use crate::packed::{Version, pack_patch, packed_part_len};
use crate::scripts::number;

/// A larger patch is for the client, which looks whether the document stays within what every store keeps.
const MAX_PATCH: usize = 256 * 1024;

/// Works out the arguments of a claim; none if the script cannot carry it out.
pub(crate) fn arguments(
    collection: &Collection,
    version: &Version,
    (filters, sort, limit): (&[Filter], &Sort, usize),
    update: &Update,
) -> Option<Vec<Bytes>> {
    let layout = &collection.layout;
    if layout.mark == NO_PARTS {
        return None;
    }
    let mut out = vec![
        number(limit),
        Bytes::copy_from_slice(version),
        Bytes::copy_from_slice(&layout.mark),
        Bytes::from(layout.format()),
        number(layout.slots.len()),
    ];
    push_patch(&mut out, layout, update.constant()?)?;
    out.push(number(filters.len()));
    for filter in filters {
        push_filter(&mut out, collection, filter, sort)?;
    }
    Some(out)
}

fn push_patch(out: &mut Vec<Bytes>, layout: &Layout, fields: &[(Text, Option<Value>)]) -> Option<()> {
    let patch = pack_patch(fields);
    let set: Document = fields
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), value.clone()?)))
        .collect();
    if patch.len() > MAX_PATCH || limits::check(&set).is_err() {
        return None;
    }
    out.push(Bytes::from(patch));
    let is_set = |name: &str| fields.iter().any(|(field, _)| field == name);
    let mut slots = Vec::new();
    for (slot, (path, direction)) in layout.slots.iter().enumerate() {
        if is_set(path.parts()[0].name()) {
            let mut part = vec![0; 2];
            if !key::write_plain_part(&set, path, *direction, &mut part) || part.len() > 0xFFFF {
                return None;
            }
            let length = packed_part_len(&part[2..]);
            part[..2].copy_from_slice(&length);
            slots.push((slot, Bytes::from(part)));
        }
    }
    let mut flags = Vec::new();
    for (flag, (at, field)) in layout.flags.iter().enumerate() {
        if is_set(field) {
            let is_met = layout.indexes[*at].spec.takes_field(field, set.get(field)).ok()?;
            flags.push((flag, is_met));
        }
    }
    let touched: Vec<_> = layout
        .indexes
        .iter()
        .enumerate()
        .filter(|(_, index)| {
            slots.iter().any(|(slot, _)| index.slots.contains(slot))
                || flags.iter().any(|(flag, _)| index.flags.contains(flag))
        })
        .collect();
    // Whether a key is free is for the client to find out.
    if touched.iter().any(|(_, index)| index.spec.is_unique()) {
        return None;
    }
    out.push(number(slots.len()));
    for (slot, part) in slots {
        out.push(number(slot + 1));
        out.push(part);
    }
    out.push(number(flags.len()));
    for (flag, is_met) in flags {
        out.push(number(flag + 1));
        out.push(number(usize::from(is_met)));
    }
    out.push(number(touched.len()));
    for (at, index) in touched {
        out.push(number(at + 1));
        push_numbers(out, &index.flags);
        push_numbers(out, &index.slots);
    }
    Some(())
}

fn push_numbers(out: &mut Vec<Bytes>, numbers: &[usize]) {
    out.push(number(numbers.len()));
    out.extend(numbers.iter().map(|at| number(at + 1)));
}

fn push_filter(out: &mut Vec<Bytes>, collection: &Collection, filter: &Filter, sort: &Sort) -> Option<()> {
    let layout = &collection.layout;
    let conditions = match filter.root() {
        Node::And(nodes) => nodes.as_slice(),
        node => std::slice::from_ref(node),
    };
    out.push(number(conditions.len()));
    for condition in conditions {
        let Node::Field(path, test) = condition else {
            return None;
        };
        let mut slots = layout.slots.iter().enumerate();
        let (slot, (_, direction)) = slots.find(|(_, (slot, _))| slot == path)?;
        let test = PartTest::of(test, *direction)?;
        out.push(number(slot + 1));
        out.push(Bytes::from_static(if test.is_within { b"in" } else { b"out" }));
        out.push(number(test.ranges.len()));
        for range in test.ranges {
            out.push(Bytes::from(range.start));
            out.push(Bytes::from(range.end.unwrap_or_default()));
        }
    }
    let plan = Plan::choose(filter, sort.fields(), &collection.catalogue.views());
    let [scan] = plan.scans() else {
        return None;
    };
    if plan.order() == Order::Sorted || scan.is_multikey {
        return None;
    }
    let (is_backwards, is_merged) = (plan.order().is_backwards(), plan.order().is_merged());
    let direction: &'static [u8] = if is_backwards { b"down" } else { b"up" };
    let index = match scan.access {
        Access::Primary => 0,
        Access::Index(at) => at + 1,
    };
    let mut ranges: Vec<_> = scan.ranges.iter().filter(|range| !range.is_empty()).collect();
    if is_backwards {
        ranges.reverse();
    }
    out.push(number(ranges.len()));
    for range in ranges {
        let (least, greatest) = least_and_greatest(&range.start, range.end.as_deref());
        out.push(number(index));
        out.push(least);
        out.push(greatest);
        out.push(Bytes::from_static(direction));
        out.push(number(if is_merged { range.start.len() } else { 0 }));
    }
    Some(())
}
