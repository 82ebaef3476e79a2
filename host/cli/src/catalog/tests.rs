//! Catalogs: what is read, and what is refused and where.

use quotagate::LifecycleKind;

use super::*;

fn cloud() -> Descriptor {
    let kind = |name: &str, aliases: &[&str], preemptible| LifecycleKind {
        name: name.to_owned(),
        aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
        preemptible,
    };
    Descriptor {
        cloud: String::from("nebius"),
        title: String::from("Nebius"),
        lifecycles: vec![
            kind("on-demand", &[], false),
            kind("preemptible", &["spot"], true),
        ],
        ..Descriptor::default()
    }
}

const HEADER: &str = "instance_name,location,price,cpu,memory,gpu_count,gpu_name,gpu_memory,spot,disk_size,gpu_vendor,flags,cpu_arch,provider_data\n";

fn entries(text: &str) -> Vec<Entry> {
    parse(text.as_bytes(), "catalog", &cloud()).unwrap().entries
}

fn refusal(text: &str) -> String {
    parse(text.as_bytes(), "catalog", &cloud())
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
    assert_eq!(one.offer.lifecycle, "on-demand");
    assert_eq!(one.price, Some(23.6));
    assert_eq!(one.gpus, Some(Gpus::named(8, Some("H100"))));
    assert_eq!(other.offer.lifecycle, "preemptible");
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
                entry.offer.lifecycle.as_str(),
                entry.price,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("gpu-h100-sxm 8gpu-128vcpu-1600gb", "on-demand", Some(23.6)),
            (
                "gpu-h100-sxm 8gpu-128vcpu-1600gb",
                "preemptible",
                Some(10.0)
            ),
            ("cpu-d3 4vcpu-16gb", "on-demand", Some(0.1)),
            ("gpu-l40s-a 1gpu-8vcpu-32gb", "preemptible", Some(0.9)),
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
        let read = parse(text.as_bytes(), "catalog", &cloud()).unwrap();
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
        let Ok(catalog) = parse(damaged.as_slice(), "catalog", &cloud()) else {
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
        let lines =
            format!("{{\"instance_name\": \"a\", \"location\": \"r\", \"price\": \"{text}\"}}\n");
        for catalog in [rows, lines] {
            let read = parse(catalog.as_bytes(), "catalog", &cloud()).ok();
            let price = read.and_then(|read| read.entries.first().and_then(|entry| entry.price));
            assert_eq!(price, valid.then_some(expected), "{catalog}");
        }
    }
}

#[test]
fn what_is_no_catalog_is_named() {
    let utf16: Vec<u8> = HEADER.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let said = parse(utf16.as_slice(), "catalog", &cloud())
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

{"instance_type": "b 1gpu", "region": "r", "lifecycle": "spot"}
{"instance_type": "c 1gpu", "region": "r", "price": null}"#;
    let read = entries(text);
    let lifecycles: Vec<_> = read
        .iter()
        .map(|entry| entry.offer.lifecycle.as_str())
        .collect();
    assert_eq!(lifecycles, ["preemptible", "preemptible", "on-demand"]);
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
    let text = refusal("{\"instance_type\": \"a\", \"region\": \"r\"}\n{\"instance_type\": 1}\n");
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
            parse(text.as_bytes(), "catalog", &cloud()),
            Err(CatalogError::Empty(_))
        ));
    }
}
