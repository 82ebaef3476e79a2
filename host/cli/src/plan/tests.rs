//! Plans: what is read, and what is refused and where.

use super::*;

fn read(text: &str) -> Result<Vec<Planned>, PlanError> {
    parse(&Input {
        name: String::from("plan.json"),
        bytes: text.into(),
    })
}

fn refused(text: &str) -> String {
    read(text).unwrap_err().to_string()
}

#[test]
fn what_is_left_out_means_what_the_options_mean() {
    let plan = read(r#"{"launches": [{"instance_type": "a/b", "region": "r"}]}"#).unwrap();
    let launch = &plan[0];
    assert_eq!(launch.instance_type, "a/b");
    assert_eq!(launch.lifecycle, None);
    assert_eq!(launch.options.count, 1);
    assert_eq!(launch.options.public_ip, None);
    let disks = |options: &LaunchOptions| (options.disk.len(), options.no_disk);
    assert_eq!(disks(&launch.options), (0, false));
    let plan = read(r#"{"launches": [{"instance_type": "a b", "region": "r", "disks": []}]}"#);
    assert_eq!(disks(&plan.unwrap()[0].options), (0, true));
    let plan = read(
        r#"{"launches": [{"instance_type": "a", "region": "r", "fabric": "z", "accelerators": ["a100:2"]}]}"#,
    )
    .unwrap();
    assert_eq!(plan[0].options.zone.as_deref(), Some("z"));
    assert_eq!(plan[0].accelerators, ["a100:2".parse().unwrap()]);
}

#[test]
fn errors_name_the_line_the_launch_and_the_field() {
    let launch = |field: &str| {
        refused(&format!(
            "{{\"launches\": [\n  {{\"instance_type\": \"a b\", \"region\": \"r\"}},\n  {{\"instance_type\": \"a b\", \"region\": \"r\",\n   {field}}}\n]}}"
        ))
    };
    for (field, words) in [
        (r#""count": "2""#, ["line 4", "launch 2, `count`"]),
        (r#""count": 0"#, ["line 4", "launch 2, `count`"]),
        (
            r#""reservation": "maybe""#,
            ["`maybe` is none of auto, forbid, strict", "`reservation`"],
        ),
        (
            r#""accelerators": ["a100"]"#,
            ["launch 2, `accelerators`", "KIND:COUNT"],
        ),
        (
            r#""disks": ["network-ssd:1GB"]"#,
            ["launch 2, `disks`", "1GiB"],
        ),
        (r#""regoin": "x""#, ["line 4", "unknown field `regoin`"]),
        (
            r#""count": 1, "count": 2"#,
            ["launch 2", "duplicate field `count`"],
        ),
    ] {
        let error = launch(field);
        for word in words {
            assert!(error.contains(word), "{word}: {error}");
        }
    }
    let error = read(r#"{"launches": [{"regoin": "r"}]}"#).unwrap_err();
    assert!(error.hint().contains("`region`"), "{}", error.hint());
}

#[test]
fn what_is_no_plan_is_refused() {
    for (text, word) in [
        ("", "EOF"),
        ("[]", "an object with a list `launches`"),
        ("{}", "missing field `launches`"),
        (r#"{"launches": [1]}"#, "a launch, which is an object"),
        (r#"{"launches": []} x"#, "trailing"),
        (
            r#"{"launches": [{"region": "r"}]}"#,
            "missing field `instance_type`",
        ),
        (r#"{"launches": []}"#, "no launches"),
    ] {
        let error = refused(text);
        assert!(error.contains(word), "{text}: {error}");
        assert!(error.contains("plan.json"), "{error}");
    }
}

/// What reads of a damaged plan stands in it: nothing is made up, and no launch is lost.
#[test]
fn damaged_plans_are_read_as_they_stand_or_refused() {
    let seed = r#"{"launches": [{"instance_type": "gpu-a/1gpu", "region": "eu-1", "count": 12, "disks": ["network-ssd:100GiB"]},
        {"instance_type": "b c", "region": "eu-1", "lifecycle": "preemptible", "public_ip": "static", "restart": true}]}"#;
    let (mut read_whole, mut refused) = (0, 0);
    for run in 0..5_000 {
        let bytes = crate::catalog::mutate::mutated(seed.as_bytes(), run);
        let input = Input {
            name: String::from("plan.json"),
            bytes,
        };
        let Ok(launches) = parse(&input) else {
            refused += 1;
            continue;
        };
        read_whole += 1;
        let stands: serde_json::Value = {
            let text = input
                .bytes
                .strip_prefix(b"\xef\xbb\xbf")
                .unwrap_or(&input.bytes);
            serde_json::from_slice(text).unwrap()
        };
        let stands = stands["launches"].as_array().unwrap();
        assert_eq!(launches.len(), stands.len());
        for (launch, stands) in launches.iter().zip(stands) {
            assert_eq!(Some(launch.region.as_str()), stands["region"].as_str());
            let count = stands["count"].as_u64().unwrap_or(1);
            assert_eq!(u64::from(launch.options.count), count);
            assert_eq!(
                stands["restart"].as_bool().unwrap_or_default(),
                launch.options.restart
            );
        }
    }
    assert!(read_whole > 200 && refused > 200, "{read_whole} {refused}");
}
