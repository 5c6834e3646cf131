//! Which index serves a query best.

use super::predicates::{Predicate, Predicates};
use super::ranges::Bounds;
use super::{Access, IndexView, KeyRange, Order, Plan, Scan, or_branches};
use crate::filter::{Filter, Node};
use crate::key;
use crate::path::Path;
use crate::sort::Direction;

/// How many ranges a scan may have before a list of values is read as one range from the least to the greatest.
const MAX_RANGES: usize = 1_000;

/// How many ranges are read side by side for the order of the ids alone, which is cheap to make. Each page begins all anew.
const MAX_UNASKED: usize = 16;

type Fields<'a> = &'a [(Path, Direction)];

pub(super) fn choose(filter: &Filter, sort: Fields<'_>, indexes: &[Option<IndexView<'_>>]) -> Plan {
    let root = filter.root();
    let single = best(&[root], sort, indexes);
    if single.scans[0].is_selective() || single.order != Order::Sorted && !sort.is_empty() {
        return single;
    }
    match or_branches(root) {
        Some(branches) if branches.len() > 1 => union(root, branches, sort, indexes).unwrap_or(single),
        _ => single,
    }
}

pub(super) fn full(sort: Fields<'_>) -> Plan {
    let scan = Scan {
        access: Access::Primary,
        ranges: vec![KeyRange::all()],
        is_exact: false,
        is_multikey: false,
        equalities: 0,
        is_limited: false,
    };
    let order = order_given(&scan, &[], sort);
    Plan {
        scans: vec![scan],
        order,
    }
}

/// Plans each branch of an `$or` on its own; only if each then reads less than everything is it worth it.
fn union(
    root: &Node,
    branches: &[Node],
    sort: Fields<'_>,
    indexes: &[Option<IndexView<'_>>],
) -> Option<Plan> {
    let mut scans = Vec::with_capacity(branches.len());
    for branch in branches {
        // The other conditions hold beside each branch.
        let scan = best(&[branch, root], sort, indexes).scans.remove(0);
        if !scan.is_selective() {
            return None;
        }
        // A branch is not the whole filter, so its documents are always looked at.
        scans.push(Scan {
            is_exact: false,
            ..scan
        });
    }
    Some(Plan {
        scans,
        order: Order::Sorted,
    })
}

fn best(nodes: &[&Node], sort: Fields<'_>, indexes: &[Option<IndexView<'_>>]) -> Plan {
    let predicates = Predicates::of(nodes);
    let mut best = Candidate::primary(&predicates, sort);
    for (at, index) in indexes.iter().enumerate() {
        let Some(index) = index else { continue };
        if implies(&predicates, index) {
            let candidate = Candidate::index(at, index, &predicates, sort);
            if candidate.score(sort) > best.score(sort) {
                best = candidate;
            }
        }
    }
    let mut scan = best.scan;
    if predicates.is_never {
        scan.ranges.clear();
    }
    Plan {
        scans: vec![scan],
        order: best.order,
    }
}

/// Tells whether an index has everything that matches.
pub(super) fn implies(predicates: &Predicates<'_>, index: &IndexView<'_>) -> bool {
    index
        .spec
        .partial_filter()
        .is_none_or(|partial| predicates.imply(partial.root()))
}

struct Candidate {
    scan: Scan,
    order: Order,
    is_unique: bool,
    is_partial: bool,
}

impl Candidate {
    fn primary(predicates: &Predicates<'_>, sort: Fields<'_>) -> Self {
        let fields = [(Path::new("_id"), Direction::Ascending)];
        let scan = scan(Access::Primary, &fields, false, predicates, None);
        let order = order_given(&scan, &[], sort);
        Self {
            scan,
            order,
            is_unique: true,
            is_partial: false,
        }
    }

    fn index(at: usize, index: &IndexView<'_>, predicates: &Predicates<'_>, sort: Fields<'_>) -> Self {
        let partial = index.spec.partial_filter().map(Filter::root);
        let scan = scan(
            Access::Index(at),
            index.spec.fields(),
            index.is_multikey,
            predicates,
            partial,
        );
        let order = order_given(&scan, index.spec.fields(), sort);
        let is_unique = index.spec.is_unique() && scan.equalities == index.spec.fields().len();
        Self {
            scan,
            order,
            is_unique,
            is_partial: partial.is_some(),
        }
    }

    /// Ranks a candidate: a single document first, then by how many fields are held and whether the order is given.
    fn score(&self, sort: Fields<'_>) -> (bool, usize, bool, bool) {
        let is_single = self.is_unique && self.scan.equalities > 0;
        // An order that was asked for is worth more than a range, for it spares collecting all and often most of the
        // scan; the order by `_id` that every answer has is worth less, for ids are cheap to sort.
        let order = match self.order {
            Order::Sorted => 0,
            _ if sort.is_empty() => 1,
            _ => 3,
        };
        // A partial index without any range still leaves out all that its filter does.
        let is_limited = self.scan.is_limited || self.is_partial;
        let held = self.scan.equalities * 4 + usize::from(is_limited) * 2 + order;
        (is_single, held, self.is_partial, self.scan.is_exact)
    }
}

impl Scan {
    /// Tells whether the scan leaves something out.
    pub(super) fn is_selective(&self) -> bool {
        self.equalities > 0 || self.is_limited || self.ranges.is_empty()
    }
}

/// Finds the ranges of one index, field by field, until one is not held to single values.
pub(super) fn scan(
    access: Access,
    fields: Fields<'_>,
    is_multikey: bool,
    predicates: &Predicates<'_>,
    partial: Option<&Node>,
) -> Scan {
    let mut used = vec![false; predicates.list.len()];
    let mut held = Held {
        prefixes: vec![Vec::new()],
        equalities: 0,
        limit: None,
        is_exact: true,
    };
    for (at, (path, direction)) in fields.iter().enumerate() {
        let earlier = &fields[..at];
        let Some(bounds) = field_bounds(path, earlier, is_multikey, predicates, &mut used) else {
            break;
        };
        if !held.add(bounds.directed(*direction)) {
            break;
        }
    }
    let covered = |(predicate, used): (&Predicate<'_>, &bool)| {
        *used || partial.is_some_and(|partial| predicates.is_in(partial, predicate))
    };
    let is_exact = held.is_exact
        && !is_multikey
        && predicates.is_complete
        && predicates.list.iter().zip(&used).all(covered);
    let (equalities, is_limited) = (held.equalities, held.limit.is_some());
    Scan {
        access,
        ranges: held.ranges(),
        is_exact,
        is_multikey,
        equalities,
        is_limited,
    }
}

/// What the fields so far are held to.
struct Held {
    prefixes: Vec<Vec<u8>>,
    equalities: usize,
    limit: Option<Vec<KeyRange>>,
    is_exact: bool,
}

impl Held {
    /// Adds the bounds of the next field; says whether a field after it can still be held.
    fn add(&mut self, bounds: Bounds) -> bool {
        self.is_exact &= bounds.are_exact;
        let is_few = self.prefixes.len() * bounds.ranges.len() <= MAX_RANGES;
        if !bounds.are_points || !is_few {
            let hull = |ranges: &[KeyRange]| {
                let (first, last) = (ranges.first()?, ranges.last()?);
                Some(vec![KeyRange {
                    start: first.start.clone(),
                    end: last.end.clone(),
                }])
            };
            let ranges = if is_few {
                bounds.ranges
            } else {
                hull(&bounds.ranges).unwrap_or_default()
            };
            self.is_exact &= is_few;
            self.limit = Some(ranges);
            return false;
        }
        let point = |prefix: &Vec<u8>, range: &KeyRange| key::joined(prefix, &range.start);
        let product = |prefix| bounds.ranges.iter().map(move |range| point(prefix, range));
        self.prefixes = self.prefixes.iter().flat_map(product).collect();
        // Only a single value leaves the order of the fields behind it as it is.
        self.equalities += 1;
        !self.prefixes.is_empty()
    }

    fn ranges(&self) -> Vec<KeyRange> {
        let within = |prefix: &Vec<u8>| match &self.limit {
            None => vec![KeyRange::of_prefix(prefix)],
            Some(ranges) => ranges.iter().map(|range| below(prefix, range)).collect(),
        };
        self.prefixes.iter().flat_map(within).collect()
    }
}

fn below(prefix: &[u8], range: &KeyRange) -> KeyRange {
    let end = match &range.end {
        Some(end) => Some(key::joined(prefix, end)),
        None => key::after_prefix(prefix),
    };
    KeyRange {
        start: key::joined(prefix, &range.start),
        end,
    }
}

/// Joins what the predicates say about one field, and marks those that are used up.
fn field_bounds(
    path: &Path,
    earlier: Fields<'_>,
    is_multikey: bool,
    predicates: &Predicates<'_>,
    used: &mut [bool],
) -> Option<Bounds> {
    let on_path = |at: &usize| predicates.list[*at].path == *path;
    let ats: Vec<usize> = (0..predicates.list.len()).filter(on_path).collect();
    let bounds = |at: usize| Bounds::of(predicates.list[at].test);
    if !is_multikey {
        let mut all: Option<Bounds> = None;
        for at in ats {
            if let Some(bounds) = bounds(at) {
                used[at] = true;
                all = Some(match all {
                    Some(so_far) => so_far.and(&bounds),
                    None => bounds,
                });
            }
        }
        return all;
    }
    // Two fields of one array are held together only by one element; which one it is, a key does not say.
    let root = path.parts()[0].name();
    let shares_array = |(other, _): &(Path, Direction)| other.parts()[0].name() == root;
    if earlier.iter().any(shares_array) {
        return None;
    }
    // Different elements may meet two predicates, so one alone limits the field; the narrowest is the best.
    let candidates = ats.into_iter().filter_map(|at| Some((at, bounds(at)?)));
    let (at, first) = candidates.min_by_key(|(_, bounds)| (!bounds.are_points, bounds.ranges.len()))?;
    let element = predicates.list[at].element;
    let mates = (0..predicates.list.len()).filter(|&other| {
        other != at && element.is_some() && predicates.list[other].element == element && on_path(&other)
    });
    Some(mates.filter_map(bounds).fold(first, |all, next| all.and(&next)))
}

/// Tells whether a scan gives the wanted order, documents that tie being ordered by `_id`.
fn order_given(scan: &Scan, fields: Fields<'_>, sort: Fields<'_>) -> Order {
    let id = (Path::new("_id"), Direction::Ascending);
    let wanted = wanted_order(sort, &id);
    let is_primary = scan.access == Access::Primary;
    let given: Vec<_> = if is_primary {
        vec![&id]
    } else {
        fields.iter().chain([&id]).collect()
    };
    if scan.is_multikey && !multikey_order_holds(scan, fields, &wanted) {
        return Order::Sorted;
    }
    let is_one_range = scan.ranges.len() <= 1;
    // Fields held to a single value are all equal; several values are apart and come in the index's order.
    let held = match is_primary || !is_one_range {
        true => &[],
        false => &fields[..scan.equalities.min(fields.len())],
    };
    if let Some(order) = gives(&given[held.len()..], held, &wanted) {
        return order;
    }
    // Behind the prefixes that hold the first fields to single values, the entries of each range are in order.
    let are_prefixes = !is_primary && !is_one_range && !scan.is_limited && !scan.is_multikey;
    let are_few = !sort.is_empty() || scan.ranges.len() <= MAX_UNASKED;
    if !are_prefixes || !are_few {
        return Order::Sorted;
    }
    match gives(&given[scan.equalities..], &[], &wanted) {
        Some(Order::Backwards) => Order::MergedBackwards,
        Some(_) => Order::Merged,
        None => Order::Sorted,
    }
}

/// Completes a sort by `_id`, which no two documents share, and cuts it behind it.
fn wanted_order<'a>(sort: Fields<'a>, id: &'a (Path, Direction)) -> Vec<&'a (Path, Direction)> {
    let is_id = |field: &&(Path, Direction)| field.0.as_str() == "_id";
    let mut wanted: Vec<_> = sort.iter().collect();
    match wanted.iter().position(is_id) {
        Some(at) => wanted.truncate(at + 1),
        None => wanted.push(id),
    }
    wanted
}

/// Says which way the given fields must be read for the wanted order, if either; those that are held are all equal.
fn gives(given: &[&(Path, Direction)], held: Fields<'_>, wanted: &[&(Path, Direction)]) -> Option<Order> {
    let is_held = |path: &Path| held.iter().any(|(held, _)| held == path);
    let is_given = |is_reversed: bool| {
        let mut given = given.iter();
        let mut wanted = wanted.iter().filter(|(path, _)| !is_held(path));
        wanted.all(|(path, direction)| {
            given.next().is_some_and(|(has, has_direction)| {
                has == path && (has_direction != direction) == is_reversed
            })
        })
    };
    let ways = [(Order::Forwards, false), (Order::Backwards, true)];
    ways.into_iter()
        .find_map(|(order, is_reversed)| is_given(is_reversed).then_some(order))
}

/// In a multikey index a document comes at the least of its keys, which is its place in the order only if no range
/// limits an array that is sorted by.
fn multikey_order_holds(scan: &Scan, fields: Fields<'_>, wanted: &[&(Path, Direction)]) -> bool {
    let limited = &fields[..(scan.equalities + usize::from(scan.is_limited)).min(fields.len())];
    let root = |path: &Path| path.parts()[0].name().clone();
    wanted
        .iter()
        .all(|(path, _)| !limited.iter().any(|(other, _)| root(other) == root(path)))
}
