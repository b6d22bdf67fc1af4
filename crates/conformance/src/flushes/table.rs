//! What was measured, as a table: medians over the rounds, and the ratios that count.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// One broker under one workload, once.
pub(super) struct Row {
    /// So much a second.
    pub(super) rate: f64,
    pub(super) unit: &'static str,
    /// How long each request took that the workload is about.
    pub(super) took: Vec<Duration>,
}

/// One broker under one workload, in all rounds.
#[derive(Default)]
struct Cell {
    unit: &'static str,
    rates: Vec<f64>,
    /// The median of each round, in milliseconds.
    took: Vec<f64>,
    /// The median of the probe around each round, in milliseconds.
    probed: Vec<f64>,
}

/// All of them, in the order in which they came.
#[derive(Default)]
pub(super) struct Table {
    order: Vec<(String, &'static str)>,
    cells: BTreeMap<(String, &'static str), Cell>,
}

impl Table {
    pub(super) fn add(
        &mut self,
        workload: &str,
        rival: &'static str,
        row: Row,
        probed: Vec<Duration>,
    ) {
        let key = (workload.to_owned(), rival);
        if !self.cells.contains_key(&key) {
            self.order.push(key.clone());
        }
        let cell = self.cells.entry(key).or_default();
        cell.unit = row.unit;
        cell.rates.push(row.rate);
        cell.took.extend(median_ms(row.took));
        cell.probed.extend(median_ms(probed));
    }
}

fn median_ms(took: Vec<Duration>) -> Option<f64> {
    let took = took.iter().map(|took| took.as_secs_f64() * 1_000.0);
    median(took.collect())
}

/// The middle one; of an even number the lower of the two.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len().checked_sub(1)? / 2).copied()
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| workload | broker | a second: median [least–most] | answered, p50 ms | probe, p50 ms | answered / probe |"
        )?;
        writeln!(f, "|---|---|---|---|---|---|")?;
        for key in &self.order {
            let Some(cell) = self.cells.get(key) else {
                continue;
            };
            let (least, most) = cell
                .rates
                .iter()
                .fold((f64::MAX, 0_f64), |(least, most), rate| {
                    (rate.min(least), rate.max(most))
                });
            let rate = median(cell.rates.clone()).unwrap_or_default();
            let took = median(cell.took.clone()).unwrap_or_default();
            let (workload, rival) = key;
            write!(
                f,
                "| {workload} | {rival} | {rate:.0} [{least:.0}–{most:.0}] {} | {took:.3} ",
                cell.unit
            )?;
            match median(cell.probed.clone()) {
                Some(probed) => writeln!(f, "| {probed:.3} | {:.2} |", took / probed)?,
                None => writeln!(f, "| | |")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_medians_and_the_ratio_to_the_probe() {
        let mut table = Table::default();
        for (rate, took) in [(10.0, 4), (30.0, 8), (20.0, 6)] {
            let took = vec![Duration::from_millis(took)];
            let row = Row {
                rate,
                unit: "commits/s",
                took,
            };
            table.add("w", "once", row, vec![Duration::from_millis(2)]);
        }
        let text = table.to_string();
        let row = "| w | once | 20 [10–30] commits/s | 6.000 | 2.000 | 3.00 |";
        assert!(text.contains(row), "{text}");
    }
}
