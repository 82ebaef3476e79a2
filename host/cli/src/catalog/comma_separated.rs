//! Catalogs as CSV, with the columns of gpuhunt or SkyPilot.

use std::{collections::HashMap, io::BufRead};

use csv::StringRecord;
use quotagate::Descriptor;

use super::{
    Catalog, CatalogError,
    line::{Line, is_of_another},
    malformed,
};

/// The columns of a CSV that each field of a line is read from.
const COLUMNS: [(&str, &[&str]); 9] = [
    ("instance_name", &["instance_name", "InstanceType"]),
    ("location", &["location", "Region"]),
    ("provider", &["provider", "backend", "cloud", "Cloud"]),
    ("price", &["price", "Price"]),
    ("SpotPrice", &["SpotPrice"]),
    ("gpu_count", &["gpu_count", "AcceleratorCount"]),
    ("gpu_name", &["gpu_name", "AcceleratorName"]),
    ("spot", &["spot"]),
    ("lifecycle", &["lifecycle"]),
];

/// Reads the rows of a catalog, whose first line names their columns.
pub(super) fn read(
    text: impl BufRead,
    file: &str,
    cloud: &Descriptor,
    lines_before: u64,
) -> Result<Catalog, CatalogError> {
    let mut reader = csv::ReaderBuilder::new().flexible(false).from_reader(text);
    let line_of = |error: &csv::Error| error.position().map_or(1, csv::Position::line);
    let header: Vec<String> = match reader.headers() {
        Ok(header) => header.iter().map(|name| name.trim().to_owned()).collect(),
        Err(error) => {
            let line = lines_before + line_of(&error);
            return Err(malformed(file, line, reason(&error)));
        }
    };
    let mut columns = HashMap::new();
    for (field, names) in COLUMNS {
        let mut found = header
            .iter()
            .zip(0..)
            .filter(|(name, _)| names.contains(&name.as_str()));
        if let Some((_, column)) = found.next() {
            columns.insert(field, column);
        }
        if let Some((twice, _)) = found.next() {
            let reason = format!("the header has a second column for `{field}`, `{twice}`");
            return Err(malformed(file, lines_before + 1, reason));
        }
    }
    for (field, skypilot) in [("instance_name", "InstanceType"), ("location", "Region")] {
        if !columns.contains_key(field) {
            let reason = format!(
                "the header has no column `{field}` (or `{skypilot}`, as SkyPilot names it)"
            );
            return Err(malformed(file, lines_before + 1, reason));
        }
    }
    let mut catalog = Catalog::default();
    for record in reader.records() {
        let record = record
            .map_err(|error| malformed(file, lines_before + line_of(&error), reason(&error)))?;
        let number = record.position().map_or(1, csv::Position::line);
        csv_line(&record, &columns, cloud)
            .and_then(|line| catalog.add(line, cloud))
            .map_err(|reason| malformed(file, lines_before + number, reason))?;
    }
    Ok(catalog)
}

fn csv_line(
    record: &StringRecord,
    columns: &HashMap<&str, usize>,
    cloud: &Descriptor,
) -> Result<Line, String> {
    let field = |name: &str| {
        let value = record.get(*columns.get(name)?)?.trim();
        (!value.is_empty()).then_some(value)
    };
    let number = |name: &str| {
        let parsed = field(name).map(|value| {
            value
                .parse::<f64>()
                .map_err(|_| format!("`{name}` is `{value}`, which is no number"))
        });
        parsed.transpose()
    };
    let provider = field("provider").map(str::to_owned);
    if provider
        .as_ref()
        .is_some_and(|name| is_of_another(name, cloud))
    {
        // What another cloud's columns hold is not for this one to judge.
        return Ok(Line {
            provider,
            ..Line::default()
        });
    }
    let spot = match field("spot") {
        None => None,
        Some("True" | "true") => Some(true),
        Some("False" | "false") => Some(false),
        Some(other) => return Err(format!("`spot` is `{other}`, neither True nor False")),
    };
    Ok(Line {
        instance_name: Some(field("instance_name").unwrap_or_default().to_owned()),
        location: Some(field("location").unwrap_or_default().to_owned()),
        provider,
        price: number("price")?,
        spot_price: number("SpotPrice")?,
        gpu_count: number("gpu_count")?,
        gpu_name: field("gpu_name").map(str::to_owned),
        spot,
        lifecycle: field("lifecycle").map(str::to_owned),
    })
}

/// What the CSV parser says, without its own line number.
fn reason(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => {
            format!("it has {len} fields, the header {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => String::from("it is not UTF-8"),
        _ => error.to_string(),
    }
}
