//! Claims that the script can carry out: constant updates of the first documents whose key parts pass.

use seed::filter::{Filter, Node};
use seed::key;
use seed::plan::{Access, Order, PartTest, Plan};
use seed::sort::Sort;
use seed::update::Update;
use seed::value::{Document, Text, Value, limits};

use crate::collection::Collection;
use crate::commit::least_and_greatest;
use crate::instructions::Instructions;
use crate::layout::{IndexLayout, Layout, NO_PARTS};
use crate::packed::{Version, pack_patch, packed_part_len};

/// A larger patch is for the client, which looks whether the document stays within what every store keeps.
const MAX_PATCH: usize = 256 * 1024;

/// Writes a claim down for the script; none if the script cannot carry it out.
pub(crate) fn instructions(
    collection: &Collection,
    version: &Version,
    (filters, sort, limit): (&[Filter], &Sort, usize),
    update: &Update,
) -> Option<Instructions> {
    let layout = &collection.layout;
    if layout.mark == NO_PARTS {
        return None;
    }
    let mut out = Instructions::default();
    out.list(10);
    out.number(limit).bytes(version).bytes(&layout.mark);
    out.bytes(layout.format().as_bytes()).number(layout.slots.len());
    write_patch(&mut out, layout, update.constant()?)?;
    out.list(filters.len());
    for filter in filters {
        write_filter(&mut out, collection, filter, sort)?;
    }
    Some(out)
}

/// Writes what is changed: the patch, the parts and flags that are set, and the indexes that are touched by them.
fn write_patch(out: &mut Instructions, layout: &Layout, fields: &[(Text, Option<Value>)]) -> Option<()> {
    let patch = pack_patch(fields);
    let set: Document = fields
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), value.clone()?)))
        .collect();
    if patch.len() > MAX_PATCH || limits::check(&set).is_err() {
        return None;
    }
    out.bytes(&patch);
    let is_set = |name: &str| fields.iter().any(|(field, _)| field == name);
    let mut parts = Vec::new();
    for (slot, (path, direction)) in layout.slots.iter().enumerate() {
        if is_set(path.parts()[0].name()) {
            let mut part = vec![0; 2];
            if !key::write_plain_part(&set, path, *direction, &mut part) || part.len() > 0xFFFF {
                return None;
            }
            let length = packed_part_len(&part[2..]);
            part[..2].copy_from_slice(&length);
            parts.push((slot, part));
        }
    }
    out.map(parts.len());
    for (slot, part) in &parts {
        out.number(slot + 1).bytes(part);
    }
    let mut flags = vec![b'?'; layout.flags.len()];
    for (flag, (at, field)) in flags.iter_mut().zip(&layout.flags) {
        if is_set(field) {
            let is_met = layout.indexes[*at].spec.takes_field(field, set.get(field)).ok()?;
            *flag = if is_met { b'1' } else { b'0' };
        }
    }
    out.bytes(&flags);
    let is_touched = |index: &IndexLayout| {
        parts.iter().any(|(slot, _)| index.slots.contains(slot))
            || index.flags.iter().any(|flag| flags[*flag] != b'?')
    };
    let indexes = layout.indexes.iter().enumerate();
    let touched: Vec<_> = indexes.filter(|(_, index)| is_touched(index)).collect();
    out.list(3 * touched.len());
    for (at, index) in touched {
        // Whether a key is free is for the client to find out.
        if index.spec.is_unique() {
            return None;
        }
        out.number(at + 1).positions(&index.flags).positions(&index.slots);
    }
    Some(())
}

fn write_filter(out: &mut Instructions, collection: &Collection, filter: &Filter, sort: &Sort) -> Option<()> {
    let layout = &collection.layout;
    let conditions = match filter.root() {
        Node::And(nodes) => nodes.as_slice(),
        node => std::slice::from_ref(node),
    };
    out.list(2).list(conditions.len());
    for condition in conditions {
        let Node::Field(path, test) = condition else {
            return None;
        };
        let mut slots = layout.slots.iter().enumerate();
        let (slot, (_, direction)) = slots.find(|(_, (slot, _))| slot == path)?;
        let test = PartTest::of(test, *direction)?;
        out.list(2 + 2 * test.ranges.len());
        out.number(slot + 1).flag(test.is_within);
        for range in &test.ranges {
            out.bytes(&range.start)
                .bytes(range.end.as_deref().unwrap_or_default());
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
    let index = match scan.access {
        Access::Primary => 0,
        Access::Index(at) => at + 1,
    };
    let mut ranges: Vec<_> = scan.ranges.iter().filter(|range| !range.is_empty()).collect();
    if is_backwards {
        ranges.reverse();
    }
    out.list(ranges.len());
    for range in ranges {
        let (least, greatest) = least_and_greatest(&range.start, range.end.as_deref());
        out.list(5).number(index).bytes(&least).bytes(&greatest);
        out.flag(is_backwards)
            .number(if is_merged { range.start.len() } else { 0 });
    }
    Some(())
}
