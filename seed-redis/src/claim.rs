//! Claims that the script can carry out: constant updates of the first documents whose key parts pass.

use bytes::Bytes;
use seed::filter::{Filter, Node};
use seed::key;
use seed::plan::{self, Access, KeyRange, Order, PartTest};
use seed::sort::Sort;
use seed::update::Update;
use seed::value::{Document, limits};

use crate::collection::Collection;
use crate::commit::least_and_greatest;
use crate::layout::{IndexLayout, NO_PARTS};
use crate::packed::{Version, pack_patch, packed_part_len};
use crate::plan::Plan;

/// A larger patch is for the client, which looks whether the document stays within what every store keeps.
const MAX_PATCH: usize = 256 * 1024;

/// A claim that the script can carry out.
#[derive(Debug)]
pub(crate) struct Claim {
    limit: usize,
    version: Version,
    mark: [u8; 4],
    format: String,
    slots: usize,
    patch: Vec<u8>,
    /// The parts that it sets, with their length before them, by their slots.
    sets: Vec<(usize, Vec<u8>)>,
    /// Flags that it sets, and whether they are met then.
    flags: Vec<(usize, bool)>,
    indexes: Vec<Touched>,
    filters: Vec<ClaimFilter>,
}

/// An index that documents may leave or enter.
#[derive(Debug)]
struct Touched {
    index: usize,
    flags: Vec<usize>,
    slots: Vec<usize>,
}

#[derive(Debug)]
struct ClaimFilter {
    tests: Vec<ClaimTest>,
    ranges: Vec<ClaimRange>,
}

#[derive(Debug)]
struct ClaimTest {
    slot: usize,
    /// Whether the part is to be within one of the ranges, or without all.
    is_within: bool,
    ranges: Vec<KeyRange>,
}

#[derive(Debug)]
struct ClaimRange {
    /// None are the ids.
    index: Option<usize>,
    least: Bytes,
    greatest: Bytes,
    is_down: bool,
    /// How much of the members the ranges do not have in common, if they are read side by side.
    prefix: usize,
}

impl Claim {
    /// Works a claim out; none if the script cannot carry it out.
    pub(crate) fn new(
        collection: &Collection,
        version: &Version,
        (filters, sort, limit): (&[Filter], &Sort, usize),
        update: &Update,
    ) -> Option<Self> {
        let layout = &collection.layout;
        if layout.mark == NO_PARTS {
            return None;
        }
        let fields = update.constant()?;
        let patch = pack_patch(fields);
        let set: Document = fields
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), value.clone()?)))
            .collect();
        if patch.len() > MAX_PATCH || limits::check(&set).is_err() {
            return None;
        }
        let is_set = |name: &str| fields.iter().any(|(field, _)| field == name);
        let mut sets: Vec<(usize, Vec<u8>)> = Vec::new();
        for (slot, (path, direction)) in layout.slots.iter().enumerate() {
            if is_set(path.parts()[0].name()) {
                let mut part = vec![0; 2];
                if !key::write_plain_part(&set, path, *direction, &mut part) || part.len() > 0xFFFF {
                    return None;
                }
                let length = packed_part_len(&part[2..]);
                part[..2].copy_from_slice(&length);
                sets.push((slot, part));
            }
        }
        let mut flags = Vec::new();
        for (flag, (at, field)) in layout.flags.iter().enumerate() {
            if is_set(field) {
                let spec = &layout.indexes[*at].spec;
                flags.push((flag, spec.takes_field(field, set.get(field)).ok()?));
            }
        }
        let is_touched = |index: &IndexLayout| {
            sets.iter().any(|(slot, _)| index.slots.contains(slot))
                || flags.iter().any(|(flag, _)| index.flags.contains(flag))
        };
        let indexes = layout.indexes.iter().enumerate();
        let indexes: Vec<_> = indexes.filter(|(_, index)| is_touched(index)).collect();
        // Whether a key is free is for the client to find out.
        if indexes.iter().any(|(_, index)| index.spec.is_unique()) {
            return None;
        }
        let touched = |(at, index): (usize, &IndexLayout)| Touched {
            index: at,
            flags: index.flags.clone(),
            slots: index.slots.clone(),
        };
        let filters = filters
            .iter()
            .map(|filter| ClaimFilter::new(collection, filter, sort));
        Some(Self {
            limit,
            version: *version,
            mark: layout.mark,
            format: layout.format(),
            slots: layout.slots.len(),
            patch,
            sets,
            flags,
            indexes: indexes.into_iter().map(touched).collect(),
            filters: filters.collect::<Option<_>>()?,
        })
    }

    /// Writes it down for the script.
    pub(crate) fn write(&self, plan: &mut Plan) {
        plan.map(10);
        plan.key("limit").number(self.limit);
        plan.key("version").bytes(&self.version);
        plan.key("mark").bytes(&self.mark);
        plan.key("format").bytes(self.format.as_bytes());
        plan.key("slots").number(self.slots);
        plan.key("patch").bytes(&self.patch);
        plan.key("sets").map(self.sets.len());
        for (slot, part) in &self.sets {
            plan.number(slot + 1).bytes(part);
        }
        plan.key("flags").list(self.flags.len());
        for (flag, is_met) in &self.flags {
            plan.list(2).number(flag + 1).flag(*is_met);
        }
        plan.key("indexes").list(self.indexes.len());
        for touched in &self.indexes {
            plan.map(3).key("index").number(touched.index + 1);
            plan.key("flags").positions(&touched.flags);
            plan.key("slots").positions(&touched.slots);
        }
        plan.key("filters").list(self.filters.len());
        for filter in &self.filters {
            filter.write(plan);
        }
    }
}

impl ClaimFilter {
    fn new(collection: &Collection, filter: &Filter, sort: &Sort) -> Option<Self> {
        let layout = &collection.layout;
        let conditions = match filter.root() {
            Node::And(nodes) => nodes.as_slice(),
            node => std::slice::from_ref(node),
        };
        let mut tests = Vec::with_capacity(conditions.len());
        for condition in conditions {
            let Node::Field(path, test) = condition else {
                return None;
            };
            let mut slots = layout.slots.iter().enumerate();
            let (slot, (_, direction)) = slots.find(|(_, (slot, _))| slot == path)?;
            let test = PartTest::of(test, *direction)?;
            tests.push(ClaimTest {
                slot,
                is_within: test.is_within,
                ranges: test.ranges,
            });
        }
        let plan = plan::Plan::choose(filter, sort.fields(), &collection.catalogue.views());
        let [scan] = plan.scans() else {
            return None;
        };
        if plan.order() == Order::Sorted || scan.is_multikey {
            return None;
        }
        let (is_down, is_merged) = (plan.order().is_backwards(), plan.order().is_merged());
        let index = match scan.access {
            Access::Primary => None,
            Access::Index(at) => Some(at),
        };
        let ranges = scan.ranges.iter().filter(|range| !range.is_empty());
        let ranges = ranges.map(|range| {
            let (least, greatest) = least_and_greatest(&range.start, range.end.as_deref());
            ClaimRange {
                index,
                least,
                greatest,
                is_down,
                prefix: if is_merged { range.start.len() } else { 0 },
            }
        });
        let mut ranges: Vec<_> = ranges.collect();
        if is_down {
            ranges.reverse();
        }
        Some(Self { tests, ranges })
    }

    fn write(&self, plan: &mut Plan) {
        plan.map(2).key("tests").list(self.tests.len());
        for test in &self.tests {
            plan.map(3).key("slot").number(test.slot + 1);
            plan.key("is_within").flag(test.is_within);
            plan.key("ranges").list(test.ranges.len());
            for range in &test.ranges {
                let end = range.end.as_deref().unwrap_or_default();
                plan.list(2).bytes(&range.start).bytes(end);
            }
        }
        plan.key("ranges").list(self.ranges.len());
        for range in &self.ranges {
            plan.map(5);
            plan.key("index").number(range.index.map_or(0, |at| at + 1));
            plan.key("least").bytes(&range.least);
            plan.key("greatest").bytes(&range.greatest);
            plan.key("is_down").flag(range.is_down);
            plan.key("prefix").number(range.prefix);
        }
    }
}
