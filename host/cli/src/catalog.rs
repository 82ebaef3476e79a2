//! Offers from a file instead of the account: the CSV that gpuhunt or SkyPilot writes, or the same as JSON lines.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

use csv::StringRecord;
use nebius_api::text::{self, NotJson};
use quotagate::{Lifecycle, Offer};
use serde::{Deserialize, Deserializer, de::Error as _};

use crate::{gpu::Gpus, launch};

/// The offers of a catalog.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Catalog {
    /// Those of the account's cloud, and those that name no cloud.
    pub(crate) entries: Vec<Entry>,
    /// How many rows name another cloud.
    pub(crate) of_other_clouds: usize,
}

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
    #[error(
        "the catalog `{0}` is empty: give a CSV of gpuhunt or SkyPilot with its header, or JSON lines"
    )]
    Empty(String),
    /// It is something else.
    #[error("the catalog `{file}` {what}; give a CSV of gpuhunt or SkyPilot, or JSON lines")]
    Other {
        /// The file.
        file: String,
        /// What it is.
        what: NotJson,
    },
}

/// Reads the offers of a cloud from a catalog; `-` is stdin.
pub(crate) fn read(path: &Path, cloud: &str) -> Result<Catalog, CatalogError> {
    if path.as_os_str() == "-" {
        let stdin = BufReader::new(Bounded::new(io::stdin().lock()));
        return parse(stdin, "stdin", cloud);
    }
    let name = path.display().to_string();
    match File::open(path) {
        Ok(file) => parse(BufReader::new(Bounded::new(file)), &name, cloud),
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

/// The mark that some editors put before UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads a catalog from text: JSON lines where it starts with `{`, else CSV.
fn parse(mut text: impl BufRead, file: &str, cloud: &str) -> Result<Catalog, CatalogError> {
    let unreadable = |source| CatalogError::Unreadable {
        file: file.to_owned(),
        source,
    };
    let start = text.fill_buf().map_err(unreadable)?;
    if let Some(what) = text::unlike_text(start) {
        return Err(CatalogError::Other {
            file: file.to_owned(),
            what,
        });
    }
    if start.starts_with(MARK) {
        text.consume(MARK.len());
    }
    // The first byte that is not white space decides; what comes before it is of no use to either form.
    let mut lines_before = 0;
    loop {
        let buffer = text.fill_buf().map_err(unreadable)?;
        let Some(first) = buffer.first().copied() else {
            return Err(CatalogError::Empty(file.to_owned()));
        };
        if first == b'{' {
            return json_lines(text, file, cloud, lines_before);
        }
        if first == b'[' {
            let reason =
                String::from("it is a JSON list: give a line for each item (`jq -c '.[]'`)");
            return Err(malformed(file, lines_before + 1, reason));
        }
        if !first.is_ascii_whitespace() {
            return comma_separated(text, file, cloud, lines_before);
        }
        lines_before += u64::from(first == b'\n');
        text.consume(1);
    }
}

/// One line of a catalog, in the names of gpuhunt; those of SkyPilot and of quotagate's own JSON are taken too.
#[derive(Debug, Default, Deserialize)]
struct Line {
    #[serde(alias = "instance_type", alias = "InstanceType")]
    instance_name: Option<String>,
    #[serde(alias = "region", alias = "Region")]
    location: Option<String>,
    #[serde(alias = "backend", alias = "cloud", alias = "Cloud")]
    provider: Option<String>,
    #[serde(default, alias = "Price", deserialize_with = "number_in_json")]
    price: Option<f64>,
    /// SkyPilot has the price of a preemptible instance beside the usual one, in one row.
    #[serde(default, rename = "SpotPrice", deserialize_with = "number_in_json")]
    spot_price: Option<f64>,
    #[serde(
        default,
        alias = "AcceleratorCount",
        deserialize_with = "number_in_json"
    )]
    gpu_count: Option<f64>,
    #[serde(alias = "AcceleratorName")]
    gpu_name: Option<String>,
    spot: Option<bool>,
    lifecycle: Option<String>,
}

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

impl Line {
    /// The offers of a line; none where it is of another cloud, whatever else it says.
    fn entries(self, cloud: &str) -> Result<Option<Vec<Entry>>, String> {
        let provider = self.provider.as_deref().map(str::trim).unwrap_or_default();
        if !provider.is_empty() && !provider.eq_ignore_ascii_case(cloud) {
            return Ok(None);
        }
        let filled = |name: &str, value: Option<String>| match value {
            Some(value) if !value.trim().is_empty() => Ok(value),
            Some(_) => Err(format!("`{name}` is empty")),
            None => Err(format!("there is no `{name}`")),
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
        for price in [self.price, self.spot_price].into_iter().flatten() {
            if !price.is_finite() || price < 0.0 {
                return Err(format!("the price {price} is none"));
            }
        }
        let gpus = self.gpu_count.map(whole).transpose()?;
        let gpus = gpus.map(|count| Gpus::named(count, self.gpu_name.as_deref()));
        let usual = Entry {
            offer: Offer {
                instance_type: launch::type_name(&filled("instance_name", self.instance_name)?),
                region: filled("location", self.location)?,
                lifecycle,
            },
            price: self.price,
            gpus,
        };
        let spot = self.spot_price.map(|price| Entry {
            offer: Offer {
                lifecycle: Lifecycle::Preemptible,
                ..usual.offer.clone()
            },
            price: Some(price),
            ..usual.clone()
        });
        // A row of SkyPilot without the usual price is of an instance that is sold as preemptible only.
        let is_spot_only = spot.is_some() && self.price.is_none();
        let usual = (!is_spot_only).then_some(usual);
        Ok(Some(usual.into_iter().chain(spot).collect()))
    }
}

impl Catalog {
    fn add(&mut self, line: Line, cloud: &str) -> Result<(), String> {
        match line.entries(cloud)? {
            Some(entries) => self.entries.extend(entries),
            None => self.of_other_clouds += 1,
        }
        Ok(())
    }
}

/// A number of GPUs, which some write as a fraction.
fn whole(count: f64) -> Result<u32, String> {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole and within bounds"
    )]
    if count.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&count) {
        Ok(count as u32)
    } else {
        Err(format!(
            "`gpu_count` is {count}, which is no number of GPUs"
        ))
    }
}

/// A number, also as text.
fn number_in_json<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a number")]
    enum Number {
        Number(f64),
        Text(String),
    }
    Ok(match Option::deserialize(deserializer)? {
        None => None,
        Some(Number::Number(number)) => Some(number),
        Some(Number::Text(text)) if text.trim().is_empty() => None,
        Some(Number::Text(text)) => {
            let number = text.trim().parse();
            Some(number.map_err(|_| D::Error::custom(format_args!("`{text}` is no number")))?)
        }
    })
}

fn lifecycle(name: &str) -> Result<Lifecycle, String> {
    let mut all = Lifecycle::ALL.iter().copied();
    all.find(|lifecycle| lifecycle.as_str() == name)
        .ok_or_else(|| format!("the lifecycle `{name}` is neither on-demand nor preemptible"))
}

fn json_lines(
    text: impl BufRead,
    file: &str,
    cloud: &str,
    lines_before: u64,
) -> Result<Catalog, CatalogError> {
    let mut catalog = Catalog::default();
    for (line, number) in text.lines().zip(lines_before + 1..) {
        let line = line.map_err(|source| CatalogError::Unreadable {
            file: file.to_owned(),
            source,
        })?;
        if line.trim().is_empty() {
            continue;
        }
        serde_json::from_str::<Line>(&line)
            .map_err(|error| without_place(&error))
            .and_then(|line| catalog.add(line, cloud))
            .map_err(|reason| malformed(file, number, reason))?;
    }
    Ok(catalog)
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
    cloud: &str,
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
    cloud: &str,
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
        .is_some_and(|name| !name.eq_ignore_ascii_case(cloud))
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

fn malformed(file: &str, line: u64, reason: String) -> CatalogError {
    CatalogError::Malformed {
        file: file.to_owned(),
        line,
        reason,
    }
}

#[cfg(test)]
#[path = "../../../tests/fuzz/checks/mutate.rs"]
pub(crate) mod mutate;

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "instance_name,location,price,cpu,memory,gpu_count,gpu_name,gpu_memory,spot,disk_size,gpu_vendor,flags,cpu_arch,provider_data\n";

    fn entries(text: &str) -> Vec<Entry> {
        parse(text.as_bytes(), "catalog", "nebius").unwrap().entries
    }

    fn refusal(text: &str) -> String {
        parse(text.as_bytes(), "catalog", "nebius")
            .unwrap_err()
            .to_string()
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
    fn a_catalog_of_skypilot_has_both_prices_in_a_row() {
        let header = "InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,Price,Region,GpuInfo,SpotPrice\n";
        let rows = "gpu-h100-sxm_8gpu-128vcpu-1600gb,H100,8.0,128.0,1600.0,23.6,eu-north1,\"{'Gpus': []}\",10.0\n\
                    cpu-d3_4vcpu-16gb,,,4.0,16.0,0.1,eu-north1,,\n\
                    gpu-l40s-a_1gpu-8vcpu-32gb,L40S,1,8,32,,eu-north1,,0.9\n";
        let read = entries(&format!("\u{feff}{header}{rows}"));
        let told: Vec<_> = read
            .iter()
            .map(|entry| {
                (
                    entry.offer.instance_type.as_str(),
                    entry.offer.lifecycle,
                    entry.price,
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                (
                    "gpu-h100-sxm 8gpu-128vcpu-1600gb",
                    Lifecycle::OnDemand,
                    Some(23.6)
                ),
                (
                    "gpu-h100-sxm 8gpu-128vcpu-1600gb",
                    Lifecycle::Preemptible,
                    Some(10.0)
                ),
                ("cpu-d3 4vcpu-16gb", Lifecycle::OnDemand, Some(0.1)),
                (
                    "gpu-l40s-a 1gpu-8vcpu-32gb",
                    Lifecycle::Preemptible,
                    Some(0.9)
                ),
            ]
        );
        assert_eq!(read[0].gpus, Some(Gpus::named(8, Some("H100"))));
        let line =
            r#"{"InstanceType": "a_1gpu", "Region": "r", "Price": "1.5", "AcceleratorCount": 1.0}"#;
        let [entry] = entries(line).try_into().unwrap();
        assert_eq!(
            (entry.offer.instance_type.as_str(), entry.price),
            ("a 1gpu", Some(1.5))
        );
        let text = refusal(&format!("{header}a_1gpu,H100,0.5,1,1,1,r,,\n"));
        assert!(text.contains("`gpu_count` is 0.5"), "{text}");
    }

    #[test]
    fn rows_of_other_clouds_are_passed_over_and_counted() {
        let csv = "provider,instance_name,location,price\nnebius,a 1gpu,r,1\naws,p5.48xlarge,,dear\n,b 1gpu,r,1\nNEBIUS,c 1gpu,r,1\n";
        let json = "{\"backend\": \"gcp\"}\n{\"backend\": \"nebius\", \"instance_name\": \"a\", \"location\": \"r\"}\n";
        for (text, own) in [(csv, 3), (json, 1)] {
            let read = parse(text.as_bytes(), "catalog", "nebius").unwrap();
            assert_eq!((read.entries.len(), read.of_other_clouds), (own, 1));
        }
    }

    /// A price reads as it stands there or its line is refused, and nothing of a damaged catalog is made up.
    #[test]
    fn damaged_catalogs_are_read_as_they_stand_or_refused() {
        let own = "InstanceType,AcceleratorName,AcceleratorCount,Price,Region,SpotPrice\ngpu-a_1gpu,A,1.0,2.5,r,1.5\n";
        let csv = format!(
            "{HEADER}a 1gpu,r,23.6,1,1,1,H100,80,False,,nvidia,,x86,\nb,r,1,1,1,0,,,True,,,,,\n"
        );
        let json = "{\"instance_name\": \"a\", \"location\": \"r\", \"price\": 2.5, \"gpu_count\": 1}\n{\"instance_type\": \"b\", \"region\": \"r\", \"lifecycle\": \"preemptible\", \"cloud\": \"nebius\"}\n";
        let seeds = [own, &csv, json];
        let mut read = 0;
        for (run, seed) in (0..5_000).zip(seeds.iter().cycle()) {
            let damaged = mutate::mutated(seed.as_bytes(), run);
            let Ok(catalog) = parse(damaged.as_slice(), "catalog", "nebius") else {
                continue;
            };
            read += 1;
            let text = String::from_utf8_lossy(&damaged);
            for entry in catalog.entries {
                let parts = [entry.offer.region.as_str()];
                let name = entry.offer.instance_type.split(' ');
                for part in parts.into_iter().chain(name) {
                    let escaped = text.contains('\\') || text.contains("\"\"");
                    assert!(escaped || text.contains(part), "{part:?} of {text:?}");
                }
                assert!(
                    entry
                        .price
                        .is_none_or(|price| price.is_finite() && price >= 0.0)
                );
            }
        }
        assert!(read > 500, "{read}");
        for run in 0..5_000 {
            let mut chance = mutate::Chance::new(run);
            let price = chance.any() >> chance.below(64);
            let text = match chance.below(4) {
                0 => price.to_string(),
                1 => format!("{price}.5"),
                2 => format!("-{price}.5"),
                _ => format!("{price}e999"),
            };
            let expected: f64 = text.parse().unwrap();
            let valid = expected.is_finite() && expected >= 0.0;
            let rows = format!("instance_name,location,price\na,r,{text}\n");
            let lines = format!(
                "{{\"instance_name\": \"a\", \"location\": \"r\", \"price\": \"{text}\"}}\n"
            );
            for catalog in [rows, lines] {
                let read = parse(catalog.as_bytes(), "catalog", "nebius").ok();
                let price =
                    read.and_then(|read| read.entries.first().and_then(|entry| entry.price));
                assert_eq!(price, valid.then_some(expected), "{catalog}");
            }
        }
    }

    #[test]
    fn what_is_no_catalog_is_named() {
        let utf16: Vec<u8> = HEADER.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let said = parse(utf16.as_slice(), "catalog", "nebius")
            .unwrap_err()
            .to_string();
        assert!(said.contains("is UTF-16"), "{said}");
        assert!(refusal("<html>").contains("is a web page"));
        assert!(refusal("[{}]").contains("jq -c"));
        let twice = refusal("instance_name,Region,location\na,r,s\n");
        assert!(twice.contains("second column for `location`"), "{twice}");
        // A mark before the text hides neither form.
        let marked = "\u{feff}{\"instance_type\": \"a\", \"region\": \"r\"}";
        assert_eq!(entries(marked).len(), 1);
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
                parse(text.as_bytes(), "catalog", "nebius"),
                Err(CatalogError::Empty(_))
            ));
        }
    }
}
