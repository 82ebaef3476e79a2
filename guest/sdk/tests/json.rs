//! The JSON twins over a cloud of one quota, natively.

#![allow(clippy::unwrap_used, reason = "tests take what they know to be there")]

use quotagate_guest::{
    Asked, Cloud, Demand, Descriptor, Diagnosis, Engine, ErrorCode, Failure, FailureKind, Feed,
    InstanceType, InvalidLaunch, Inventory, Launch, LevelRules, LifecycleKind, Limit, Meaning,
    NativeReader, NeedKind, Offered, Owner, Place, PlaceOffered, Profile, Refusal, Row,
    SourceReport, SourceState, TypesOfProject, Usage,
    json::{admit_json, assess_json, diagnose_json},
};
use serde_json::{Value, json};

/// Instances take one of `instances`, disks one of `disks`.
struct Counted;

impl Cloud for Counted {
    fn descriptor(&self) -> Descriptor {
        Descriptor {
            lifecycles: vec![LifecycleKind {
                name: "usual".into(),
                ..LifecycleKind::default()
            }],
            kinds: vec![NeedKind {
                kind: "disk.plain".into(),
                ..NeedKind::default()
            }],
            levels: vec!["account".into()],
            ..Descriptor::default()
        }
    }

    fn level_rules(&self, _: &str) -> LevelRules {
        LevelRules {
            absent: Meaning::Unknown,
            unset: Meaning::Unknown,
            changing: Meaning::Unknown,
            suspended: Meaning::Blocks,
            gone: Meaning::Unknown,
        }
    }

    fn instance_demands<'a>(&self, asked: &Asked<'a>) -> Vec<Demand<'a>> {
        let disks: u32 = asked.needs.iter().map(|need| need.pieces).sum();
        let mut demands = vec![Demand::each("instances", &["count"], 1)];
        if disks > 0 {
            demands.push(Demand::each("disks", &["count"], disks.into()));
        }
        demands
    }

    fn profile_demands(&self, profile: &Profile) -> Result<Vec<Demand<'static>>, InvalidLaunch> {
        match profile.needs.first() {
            Some(need) => Err(InvalidLaunch(format!("no {} here", need.kind))),
            None => Ok(Vec::new()),
        }
    }

    fn diagnose(&self, failure: &Failure, _: Option<&Launch>) -> Result<Diagnosis, Refusal> {
        let bytes = match failure {
            Failure::Parts(parts) => parts.details.iter().map(|detail| detail.value.len()).sum(),
            Failure::Text(text) => text.len(),
        };
        Ok(Diagnosis {
            kind: FailureKind::Transient,
            retry: true,
            findings: Vec::new(),
            remedy: Some(format!("{bytes} bytes").as_str().into()),
            lessons: Vec::new(),
            contradicts: Vec::new(),
        })
    }
}

fn reader() -> NativeReader {
    let source = |kind: &str, feed| SourceReport {
        key: kind.into(),
        kind: kind.into(),
        feed,
        owner: None,
        place: Place::EVERYWHERE,
        state: SourceState::Complete,
        fetched_at: 0,
        asked_at: 0,
        detail: None,
    };
    let row = |quota: &str, limit| Row {
        key: quota.into(),
        quota: quota.into(),
        owner: "account-1".into(),
        place: Place::region("west"),
        unit: "count".into(),
        limit: Limit::Amount(limit),
        usage: Usage::exactly(0),
        ..Row::default()
    };
    let inventory = Inventory {
        owners: vec![vec![Owner {
            id: "account-1".into(),
            level: "account".into(),
            ..Owner::default()
        }]],
        places: vec![PlaceOffered {
            place: Place::region("west"),
            restriction: None,
        }],
        rows: vec![row("instances", 6), row("disks", 3)],
        types: vec![TypesOfProject {
            project: "account-1".into(),
            items: vec![InstanceType {
                name: "small".into(),
                offered: vec![Offered {
                    place: Place::region("west"),
                    lifecycles: vec!["usual".into()],
                    ..Offered::default()
                }],
                ..InstanceType::default()
            }],
            kinds: Vec::new(),
        }],
        sources: vec![
            source("account", Feed::Account),
            source("rows", Feed::Rows),
            source("types", Feed::Types),
        ],
        ..Inventory::default()
    };
    NativeReader::new(inventory, 0)
}

fn assess(request: &Value) -> Result<Value, Refusal> {
    let answer = assess_json(&mut Engine::new(Counted), &reader(), &request.to_string())?;
    Ok(serde_json::from_str(&answer).unwrap())
}

fn small() -> Value {
    json!({"instance_type": "small", "region": "west", "lifecycle": "usual"})
}

#[test]
fn offers_are_judged_in_words_by_what_their_own_needs_add() {
    let profile = json!({"project": "account-1"});
    let mut with_disks = small();
    with_disks["needs"] = json!([{"kind": "disk.plain"}]);
    let answer = assess(&json!({
        "offers": [small(), with_disks], "count": 4, "profile": profile, "policy": {"detail": "all"}
    }));
    let verdicts = &answer.unwrap()["verdicts"];
    assert_eq!(verdicts[0]["quota"], "fits", "{verdicts}");
    assert_eq!(verdicts[0]["fits_count"], 6);
    assert_eq!(verdicts[0]["findings"][0]["quota"], "instances");
    assert_eq!(verdicts[1]["quota"], "blocked", "{verdicts}");
    assert_eq!(verdicts[1]["fits_count"], 3);
}

#[test]
fn a_plan_is_admitted_with_what_it_takes_by_key() {
    let launch = json!({"offer": small(), "count": 2, "profile": {"project": "account-1"}});
    let request = json!({"plan": [launch, launch]}).to_string();
    let answer = admit_json(&mut Engine::new(Counted), &reader(), &request).unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["verdict"]["quota"], "fits", "{answer}");
    assert_eq!(
        answer["takes"],
        json!([{"row": "instances", "at_least": 4, "at_most": 4}])
    );
    assert_eq!(answer["breaks_at"], Value::Null);
}

#[test]
fn what_is_not_understood_is_the_callers_to_mend() {
    for (request, code, words) in [
        (json!([]), ErrorCode::InvalidText, "not understood"),
        (
            json!({"offer": []}),
            ErrorCode::InvalidText,
            "unknown field `offer`",
        ),
        (
            json!({"offers": [small()], "profile": {"project": "account-1", "needs": [{"kind": "disk.odd"}]}}),
            ErrorCode::InvalidLaunch,
            "disk.odd",
        ),
    ] {
        let refusal = assess(&request).unwrap_err();
        assert_eq!(refusal.code, code, "{request}");
        assert!(refusal.message.contains(words), "{}", refusal.message);
    }
}

fn diagnose(request: &Value) -> Result<Value, Refusal> {
    let answer = diagnose_json(&mut Engine::new(Counted), &reader(), &request.to_string())?;
    Ok(serde_json::from_str(&answer).unwrap())
}

#[test]
fn a_failure_comes_as_text_or_in_parts_with_bytes_in_base64() {
    let text = diagnose(&json!({"failure": {"text": "refused"}})).unwrap();
    assert_eq!(text["remedy"]["text"], "7 bytes");
    let parts = json!({"code": "8", "details": [{"type_name": "status", "value": "AAEC"}]});
    let parts = diagnose(&json!({"failure": {"parts": parts}, "launch": null})).unwrap();
    assert_eq!(parts["remedy"]["text"], "3 bytes");
    let odd = json!({"details": [{"type_name": "status", "value": "no base64!"}]});
    let refusal = diagnose(&json!({"failure": {"parts": odd}})).unwrap_err();
    assert_eq!(refusal.code, ErrorCode::InvalidText);
    assert!(refusal.message.contains("status"), "{}", refusal.message);
    for neither in [
        json!({}),
        json!({"failure": {}}),
        json!({"failure": "refused"}),
    ] {
        let refusal = diagnose(&neither).unwrap_err();
        assert_eq!(refusal.code, ErrorCode::InvalidText, "{neither}");
    }
}
