//! Sums up the orders of a period with seed's pipelines, and writes the report.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use jiff::civil::Date;
use seed::value::json;
use seed::{Document, Pipeline, doc};

use crate::report::Report;
use crate::{say_result, text};

pub(crate) fn run(data: &Document) -> Result<ExitCode> {
    let (from, to) = (date(data, "from")?, date(data, "to")?);
    let orders = read(Path::new(text(data, "orders")?), from, to)?;
    println!("{} orders between {from} and {to}", orders.len());
    let by_month = sums(
        &orders,
        &[
            doc! { "$group": (group("$month")) },
            doc! { "$sort": { "_id": 1 } },
        ],
    )?;
    println!("::progress 1 3");
    let dearest = doc! { "$sort": { "cents": (-1), "_id": 1 } };
    let by_country = sums(
        &orders,
        &[doc! { "$group": (group("$country")) }, dearest.clone()],
    )?;
    println!("::progress 2 3");
    let best = [
        doc! { "$group": (group("$title")) },
        dearest,
        doc! { "$limit": 5 },
    ];
    let by_title = sums(&orders, &best)?;
    let total = sums(&orders, &[doc! { "$group": (group_all()) }])?
        .into_iter()
        .next()
        .unwrap_or_default();
    println!("::progress 3 3");
    let report = Report {
        from,
        to,
        total,
        by_month,
        by_country,
        by_title,
    };
    let file = Path::new(text(data, "report")?);
    fs::create_dir_all(file.parent().unwrap_or(Path::new(".")))?;
    fs::write(file, report.to_markdown()).with_context(|| format!("cannot write {}", file.display()))?;
    let number = |name: &str| report.total.get(name).cloned().unwrap_or_default();
    say_result(
        &doc! { "orders": (number("orders")), "cents": (number("cents")), "report": (text(data, "report")?) },
    );
    Ok(ExitCode::SUCCESS)
}

fn date(data: &Document, name: &str) -> Result<Date> {
    let day = text(data, name)?;
    day.parse()
        .with_context(|| format!("{name} is not a day: {day:?}"))
}

/// Reads the orders of a period, and notes the month of each.
fn read(path: &Path, from: Date, to: Date) -> Result<Vec<Document>> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut orders = Vec::new();
    for (number, line) in BufReader::new(file).lines().enumerate() {
        let place = || format!("{}:{}", path.display(), number + 1);
        let mut order = json::parse_plain_document(&line.with_context(place)?).with_context(place)?;
        let day = date(&order, "day").with_context(place)?;
        if (from..=to).contains(&day) {
            order.set("month", day.strftime("%Y-%m").to_string());
            orders.push(order);
        }
    }
    Ok(orders)
}

fn group(key: &str) -> Document {
    let mut group = group_all();
    group.set("_id", key);
    group
}

fn group_all() -> Document {
    doc! { "_id": null, "orders": { "$sum": 1 }, "copies": { "$sum": "$copies" }, "cents": { "$sum": "$cents" } }
}

fn sums(orders: &[Document], stages: &[Document]) -> Result<Vec<Document>> {
    let pipeline = Pipeline::parse(stages)?;
    let mut run = pipeline.run();
    for order in orders {
        if run.push(order.clone())?.is_break() {
            break;
        }
    }
    Ok(run.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_made_by_key() {
        let orders = [
            doc! { "country": "DE", "copies": 1, "cents": 100 },
            doc! { "country": "FR", "copies": 2, "cents": 500 },
            doc! { "country": "DE", "copies": 3, "cents": 200 },
        ];
        let stages = [
            doc! { "$group": (group("$country")) },
            doc! { "$sort": { "_id": 1 } },
        ];
        assert_eq!(
            sums(&orders, &stages).unwrap(),
            [
                doc! { "_id": "DE", "orders": 2, "copies": 4, "cents": 300 },
                doc! { "_id": "FR", "orders": 1, "copies": 2, "cents": 500 },
            ]
        );
    }
}
