//! Offers from a file instead of the account: the CSV that gpuhunt writes, or the same as JSON lines.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

use csv::StringRecord;
use quotagate::{Lifecycle, Offer};
use serde::Deserialize;

use crate::gpu::Gpus;

/// An offer of a catalog.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    /// The offer.
    pub(crate) offer: Offer,
    /// Its price per hour, where the catalog has one.
    pub(crate) price: Option<f64>,
    /// The GPUs of one instance, where the catalog says.
    pub(crate) gpus: Option<Gpus>,
}

/// Why a catalog cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum CatalogError {
    /// The file cannot be read.
    #[error("cannot read the catalog `{file}`")]
    Unreadable {
        /// The file.
        file: String,
        /// What the file system says.
        source: io::Error,
    },
    /// A line makes no sense.
    #[error("the catalog `{file}` is malformed at line {line}: {reason}")]
    Malformed {
        /// The file.
        file: String,
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        reason: String,
    },
    /// There is nothing in it.
    #[error("the catalog `{0}` is empty: give a gpuhunt CSV with its header, or JSON lines")]
    Empty(String),
}

/// Reads a catalog; `-` is stdin.
pub(crate) fn read(path: &Path) -> Result<Vec<Entry>, CatalogError> {
    if path.as_os_str() == "-" {
        return parse(BufReader::new(Bounded::new(io::stdin().lock())), "stdin");
    }
    let name = path.display().to_string();
    match File::open(path) {
        Ok(file) => parse(BufReader::new(Bounded::new(file)), &name),
        Err(source) => Err(CatalogError::Unreadable { file: name, source }),
    }
}

/// More than the catalogues of all clouds together have, and little enough for any machine.
const LARGEST: u64 = 64 << 20;

/// What is read, up to the largest catalog; beyond it reading fails.
struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R> Bounded<R> {
    const fn new(inner: R) -> Self {
        Self {
            inner,
            left: LARGEST,
        }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = self
            .left
            .checked_sub(read as u64)
            .ok_or_else(|| io::Error::other("it is larger than 64 MiB, and no catalog is"))?;
        Ok(read)
    }
}

/// Reads a catalog from text: JSON lines where it starts with `{`, else CSV.
fn parse(mut text: impl BufRead, file: &str) -> Result<Vec<Entry>, CatalogError> {
    let unreadable = |source| CatalogError::Unreadable {
        file: file.to_owned(),
        source,
    };
    // The first byte that is not white space decides; what comes before it is of no use to either form.
    let mut lines_before = 0;
    loop {
        let buffer = text.fill_buf().map_err(unreadable)?;
        let Some(first) = buffer.first().copied() else {
            return Err(CatalogError::Empty(file.to_owned()));
        };
        if first == b'{' {
            return json_lines(text, file, lines_before);
        }
        if !first.is_ascii_whitespace() {
            return comma_separated(text, file, lines_before);
        }
        lines_before += u64::from(first == b'\n');
        text.consume(1);
    }
}

/// One line of a catalog, in the names of gpuhunt; those of quotagate's own JSON are taken too.
#[derive(Debug, Deserialize)]
struct Line {
    #[serde(alias = "instance_type")]
    instance_name: String,
    #[serde(alias = "region")]
    location: String,
    price: Option<f64>,
    gpu_count: Option<u32>,
    gpu_name: Option<String>,
    spot: Option<bool>,
    lifecycle: Option<String>,
}

impl Line {
    fn entry(self) -> Result<Entry, String> {
        let filled = |name: &str, value: String| {
            if value.trim().is_empty() {
                Err(format!("`{name}` is empty"))
            } else {
                Ok(value)
            }
        };
        let lifecycle = match (self.lifecycle.as_deref(), self.spot) {
            (None, Some(true)) => Lifecycle::Preemptible,
            (None, Some(false) | None) => Lifecycle::OnDemand,
            (Some(name), spot) => {
                let lifecycle = lifecycle(name)?;
                if spot.is_some_and(|spot| spot != (lifecycle == Lifecycle::Preemptible)) {
                    return Err(String::from("`spot` and `lifecycle` contradict each other"));
                }
                lifecycle
            }
        };
        if let Some(price) = self.price
            && (!price.is_finite() || price < 0.0)
        {
            return Err(format!("the price {price} is none"));
        }
        let gpus = self
            .gpu_count
            .map(|count| Gpus::named(count, self.gpu_name.as_deref()));
        Ok(Entry {
            offer: Offer {
                instance_type: filled("instance_name", self.instance_name)?,
                region: filled("location", self.location)?,
                lifecycle,
            },
            price: self.price,
            gpus,
        })
    }
}

fn lifecycle(name: &str) -> Result<Lifecycle, String> {
    let mut all = Lifecycle::ALL.iter().copied();
    all.find(|lifecycle| lifecycle.as_str() == name)
        .ok_or_else(|| format!("the lifecycle `{name}` is neither on-demand nor preemptible"))
}

fn json_lines(
    text: impl BufRead,
    file: &str,
    lines_before: u64,
) -> Result<Vec<Entry>, CatalogError> {
    let mut entries = Vec::new();
    for (line, number) in text.lines().zip(lines_before + 1..) {
        let line = line.map_err(|source| CatalogError::Unreadable {
            file: file.to_owned(),
            source,
        })?;
        if line.trim().is_empty() {
            continue;
        }
        let entry = serde_json::from_str::<Line>(&line)
            .map_err(|error| without_place(&error))
            .and_then(Line::entry);
        entries.push(entry.map_err(|reason| malformed(file, number, reason))?);
    }
    Ok(entries)
}

/// What the parser says, without its own line number: it was given one line.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((reason, _)) => format!("{reason} (column {})", error.column()),
        None => text,
    }
}

fn comma_separated(
    text: impl BufRead,
    file: &str,
    lines_before: u64,
) -> Result<Vec<Entry>, CatalogError> {
    let mut reader = csv::ReaderBuilder::new().flexible(false).from_reader(text);
    let line_of = |error: &csv::Error| error.position().map_or(1, csv::Position::line);
    let columns: HashMap<String, usize> = match reader.headers() {
        Ok(header) => header
            .iter()
            .map(|name| name.trim().trim_start_matches('\u{feff}').to_owned())
            .zip(0..)
            .collect(),
        Err(error) => {
            return Err(malformed(
                file,
                lines_before + line_of(&error),
                reason(&error),
            ));
        }
    };
    for column in ["instance_name", "location"] {
        if !columns.contains_key(column) {
            let reason = format!("the header has no column `{column}`");
            return Err(malformed(file, lines_before + 1, reason));
        }
    }
    let mut entries = Vec::new();
    for record in reader.records() {
        let record = record
            .map_err(|error| malformed(file, lines_before + line_of(&error), reason(&error)))?;
        let number = record.position().map_or(1, csv::Position::line);
        let entry = csv_line(&record, &columns).and_then(Line::entry);
        entries.push(entry.map_err(|reason| malformed(file, lines_before + number, reason))?);
    }
    Ok(entries)
}

fn csv_line(record: &StringRecord, columns: &HashMap<String, usize>) -> Result<Line, String> {
    let field = |name: &str| {
        let value = record.get(*columns.get(name)?)?.trim();
        (!value.is_empty()).then_some(value)
    };
    fn number<T: std::str::FromStr>(name: &str, value: Option<&str>) -> Result<Option<T>, String> {
        let parsed = value.map(|value| {
            value
                .parse()
                .map_err(|_| format!("`{name}` is `{value}`, which is no number"))
        });
        parsed.transpose()
    }
    let spot = match field("spot") {
        None => None,
        Some("True" | "true") => Some(true),
        Some("False" | "false") => Some(false),
        Some(other) => return Err(format!("`spot` is `{other}`, neither True nor False")),
    };
    Ok(Line {
        instance_name: field("instance_name").unwrap_or_default().to_owned(),
        location: field("location").unwrap_or_default().to_owned(),
        price: number("price", field("price"))?,
        gpu_count: number("gpu_count", field("gpu_count"))?,
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

fn malformed(file: &str, line: u64, reason: String) -> CatalogError {
    CatalogError::Malformed {
        file: file.to_owned(),
        line,
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "instance_name,location,price,cpu,memory,gpu_count,gpu_name,gpu_memory,spot,disk_size,gpu_vendor,flags,cpu_arch,provider_data\n";

    fn entries(text: &str) -> Vec<Entry> {
        parse(text.as_bytes(), "catalog").unwrap()
    }

    fn refusal(text: &str) -> String {
        parse(text.as_bytes(), "catalog").unwrap_err().to_string()
    }

    #[test]
    fn a_gpuhunt_catalog() {
        let rows = "gpu-h100-sxm 8gpu-128vcpu-1600gb,eu-north1,23.6,128,1600,8,H100,80,False,,nvidia,,x86,{}\n\
                    gpu-h100-sxm 1gpu-16vcpu-200gb,eu-north1,1.25,16,200,1,H100,80,True,,nvidia,\"a,b\",x86,\"{\"\"k\"\": 1}\"\n";
        let read = entries(&format!("{HEADER}{rows}"));
        let [one, other] = read.as_slice() else {
            panic!("{read:?}");
        };
        assert_eq!(one.offer.instance_type, "gpu-h100-sxm 8gpu-128vcpu-1600gb");
        assert_eq!(one.offer.lifecycle, Lifecycle::OnDemand);
        assert_eq!(one.price, Some(23.6));
        assert_eq!(one.gpus, Some(Gpus::named(8, Some("H100"))));
        assert_eq!(other.offer.lifecycle, Lifecycle::Preemptible);
    }

    #[test]
    fn json_lines_in_both_vocabularies() {
        let text = r#"
{"instance_name": "a 1gpu", "location": "r", "price": 1, "spot": true, "gpu_count": 1, "gpu_name": "H100", "flags": []}

{"instance_type": "b 1gpu", "region": "r", "lifecycle": "preemptible"}
{"instance_type": "c 1gpu", "region": "r", "price": null}"#;
        let read = entries(text);
        let lifecycles: Vec<_> = read.iter().map(|entry| entry.offer.lifecycle).collect();
        assert_eq!(
            lifecycles,
            [
                Lifecycle::Preemptible,
                Lifecycle::Preemptible,
                Lifecycle::OnDemand
            ]
        );
        assert_eq!(
            read.iter().map(|entry| entry.price).collect::<Vec<_>>(),
            [Some(1.0), None, None]
        );
    }

    #[test]
    fn a_malformed_line_is_named() {
        let row = |price: &str, spot: &str| {
            format!("{HEADER}a,r,1,1,1,0,,,False,,,,,\nb,r,{price},1,1,0,,,{spot},,,,,\n")
        };
        for (price, spot) in [
            ("NaN", "False"),
            ("-1", "False"),
            ("inf", "False"),
            ("x", "False"),
            ("1", "maybe"),
        ] {
            let text = refusal(&row(price, spot));
            assert!(text.contains("`catalog` is malformed at line 3"), "{text}");
        }
        let text = refusal(&format!("{HEADER}a,r,1\n"));
        assert!(text.contains("line 2: it has 3 fields"), "{text}");
        let text = refusal("name,place\na,r\n");
        assert!(
            text.contains("line 1: the header has no column `instance_name`"),
            "{text}"
        );
        let text =
            refusal("{\"instance_type\": \"a\", \"region\": \"r\"}\n{\"instance_type\": 1}\n");
        assert!(text.contains("line 2"), "{text}");
        let text = refusal("\n{\"instance_type\": \"a\", \"region\": \"r\", \"price\": -0.5}\n");
        assert!(text.contains("line 2: the price -0.5 is none"), "{text}");
        let text = refusal("{\"instance_type\": \"a\", \"region\": \" \"}\n");
        assert!(text.contains("`location` is empty"), "{text}");
        let text = refusal(
            "{\"instance_type\": \"a\", \"region\": \"r\", \"spot\": true, \"lifecycle\": \"on-demand\"}\n",
        );
        assert!(text.contains("contradict"), "{text}");
        for text in ["", " \n\n"] {
            assert!(matches!(
                parse(text.as_bytes(), "catalog"),
                Err(CatalogError::Empty(_))
            ));
        }
    }
}
