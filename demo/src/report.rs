//! The report as Markdown.

use std::fmt::Write;

use jiff::civil::Date;
use seed::{Document, Value};

/// What is known about the orders of a period.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) from: Date,
    pub(crate) to: Date,
    pub(crate) total: Document,
    pub(crate) by_month: Vec<Document>,
    pub(crate) by_country: Vec<Document>,
    pub(crate) by_title: Vec<Document>,
}

impl Report {
    pub(crate) fn to_markdown(&self) -> String {
        let mut text = format!("# Orders from {} to {}\n\n", self.from, self.to);
        let total = &self.total;
        let (orders, copies) = (number(total, "orders"), number(total, "copies"));
        let _ = writeln!(
            text,
            "{orders} orders, {copies} copies, {} in all.",
            money(number(total, "cents"))
        );
        for (title, key, rows) in [
            ("By month", "month", &self.by_month),
            ("By country", "country", &self.by_country),
            ("The five best titles", "title", &self.by_title),
        ] {
            let _ = write!(
                text,
                "\n## {title}\n\n| {key} | orders | copies | revenue |\n|---|---:|---:|---:|\n"
            );
            for row in rows {
                let name = row.id().and_then(Value::as_str).unwrap_or("?");
                let (orders, copies) = (number(row, "orders"), number(row, "copies"));
                let _ = writeln!(
                    text,
                    "| {name} | {orders} | {copies} | {} |",
                    money(number(row, "cents"))
                );
            }
        }
        text
    }
}

fn number(row: &Document, name: &str) -> i64 {
    row.get(name).and_then(Value::as_i64).unwrap_or_default()
}

fn money(cents: i64) -> String {
    format!("{}.{:02} €", cents / 100, cents % 100)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use seed::doc;

    use super::*;

    #[test]
    fn a_report_has_its_tables() {
        let sums = doc! { "_id": "2025-01", "orders": 2, "copies": 3, "cents": 4905 };
        let report = Report {
            from: date(2025, 1, 1),
            to: date(2025, 1, 31),
            total: sums.clone(),
            by_month: vec![sums],
            by_country: vec![],
            by_title: vec![],
        };
        let text = report.to_markdown();
        assert!(
            text.starts_with(
                "# Orders from 2025-01-01 to 2025-01-31\n\n2 orders, 3 copies, 49.05 € in all.\n"
            )
        );
        assert!(text.contains("| 2025-01 | 2 | 3 | 49.05 € |"), "{text}");
    }
}
