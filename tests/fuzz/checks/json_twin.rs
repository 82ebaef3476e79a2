//! The JSON twins over accounts of extreme numbers. The first line of an input chooses the account, byte by byte; the
//! rest is the request. Without a rest the line chooses the request too.

use std::collections::BTreeSet;

use quotagate_guest::{
    Admission, Detail, Engine, Inventory, Launch, NativeReader, Policy, QuotaOutcome, Reason,
    Verdict,
    engine::{NumberedOffer, Reader as _},
    json::{admit_json, assess_json},
};
use quotagate_plugin_nebius::Nebius;
use serde_json::{Value, json};

use crate::account::{Choices, inventory, lessons, plan};

/// Judges what the input asks, in the account that it describes.
pub(crate) fn check(input: &[u8]) {
    let (choices, request) = match input.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&input[..end], &input[end + 1..]),
        None => (input, &input[..0]),
    };
    let mut choices = Choices(choices);
    let now = choices.number();
    let mut inventory = inventory(&mut choices);
    if let Ok(text) = str::from_utf8(request)
        && !text.is_empty()
    {
        check_requests(inventory, now, text, text);
    } else if request.is_empty() {
        let (policy, plan) = plan(&mut choices);
        inventory.lessons = lessons(&mut choices);
        check_parity(inventory.clone(), now, &plan, &policy);
        let offers: Vec<_> = plan.iter().map(|launch| &launch.offer).collect();
        let first = plan.first().map(|launch| (launch.count, &launch.profile));
        let (count, profile) = first.unzip();
        let offers = json!({
            "offers": offers,
            "count": count.unwrap_or(1),
            "profile": profile.cloned().unwrap_or_default(),
            "policy": policy,
        });
        let plan = json!({"plan": plan, "policy": policy});
        check_requests(inventory, now, &offers.to_string(), &plan.to_string());
    }
}

fn check_requests(inventory: Inventory, now: u64, offers: &str, plan: &str) {
    let reader = NativeReader::new(inventory, now);
    let mut engine = Engine::new(Nebius);
    if let Ok(answer) = assess_json(&mut engine, &reader, offers) {
        check_offers(offers, &answer);
    }
    if let Ok(answer) = admit_json(&mut engine, &reader, plan) {
        check_plan(plan, &answer, &mut engine, &reader);
    }
}

/// The judgements in numbers are those in words, and asking twice changes nothing.
fn check_parity(inventory: Inventory, now: u64, plan: &[Launch], policy: &Policy) {
    let reader = NativeReader::new(inventory, now);
    let mut engine = Engine::new(Nebius);
    for launch in plan {
        let offer = &launch.offer;
        let numbered = NumberedOffer {
            instance_type: reader.number_of(&offer.instance_type),
            region: reader.number_of(&offer.region),
            zone: reader.number_of(offer.zone.as_deref().unwrap_or_default()),
            lifecycle: reader.number_of(&offer.lifecycle),
        };
        let (count, profile) = (launch.count, &launch.profile);
        let answer = engine.assess(&reader, &[numbered], &[], count, profile, policy);
        let again = engine.assess(&reader, &[numbered], &[], count, profile, policy);
        let told = engine.explain(&reader, &[numbered], &[], count, profile, policy);
        assert_eq!(answer, again);
        let (Ok(answer), Ok(told)) = (&answer, &told) else {
            assert_eq!(answer.err(), told.err());
            continue;
        };
        let ([head], [verdict]) = (answer.heads.as_slice(), told.as_slice()) else {
            panic!("one offer: {answer:?} {told:?}");
        };
        assert_eq!(
            (head.quota, head.capacity, head.fits_count),
            (verdict.quota, verdict.capacity, verdict.fits_count),
        );
        let range = head.first as usize..(head.first + head.findings) as usize;
        let places = &answer.references[range];
        assert_eq!(
            places.len(),
            verdict.findings.len(),
            "{answer:?} {verdict:?}"
        );
        for (place, told) in places.iter().zip(&verdict.findings) {
            let finding = &answer.findings[*place as usize];
            assert_eq!(
                (
                    finding.reason,
                    finding.outcome,
                    finding.required,
                    finding.headroom
                ),
                (told.reason, told.outcome, told.required, told.headroom),
            );
        }
    }
}

fn check_offers(request: &str, answer: &str) {
    let request: Value = serde_json::from_str(request).expect("it was read before");
    let mut answer: Value = serde_json::from_str(answer).expect("the answer is JSON");
    let verdicts: Vec<Verdict> =
        serde_json::from_value(answer["verdicts"].take()).expect("verdicts");
    // A request may also be an array, in the order of the fields.
    if let Some(offers) = request["offers"].as_array() {
        assert_eq!(verdicts.len(), offers.len(), "a verdict for each offer");
    }
    for verdict in &verdicts {
        check_verdict(verdict, &request);
    }
    if request.is_object() {
        let count = request["count"].as_u64().unwrap_or(1);
        for verdict in &verdicts {
            let fits = verdict.fits_count.map(u64::from);
            match verdict.quota {
                QuotaOutcome::Fits => assert!(fits.is_none_or(|fits| fits >= count), "{verdict:?}"),
                QuotaOutcome::Blocked => {
                    assert!(fits.is_none_or(|fits| fits < count), "{verdict:?}")
                }
                QuotaOutcome::Unknown => {}
            }
        }
    }
}

fn check_plan(request: &str, answer: &str, engine: &mut Engine<Nebius>, reader: &NativeReader) {
    let request: Value = serde_json::from_str(request).expect("it was read before");
    let admission: Admission = serde_json::from_str(answer).expect("the answer is an admission");
    check_verdict(&admission.verdict, &request);
    assert_eq!(
        admission.breaks_at.is_none(),
        admission.verdict.quota == QuotaOutcome::Fits,
        "a plan breaks where it does not fit: {admission:?}"
    );
    let keys = admission.takes.iter().map(|take| {
        assert!(take.at_least <= take.at_most, "{take:?}");
        take.row.as_str()
    });
    let keys: BTreeSet<_> = keys.collect();
    assert_eq!(keys.len(), admission.takes.len(), "each row once");
    let shown = &reader.inventory().sources;
    for key in &admission.rests_on {
        assert!(shown.iter().any(|source| source.key == *key), "{key}");
    }
    if let (Some(breaks_at), Some(plan)) = (admission.breaks_at, request["plan"].as_array()) {
        let launch = plan.get(breaks_at.index as usize);
        assert!(launch.is_some(), "it breaks inside the plan");
    }
    let Some(plan) = request["plan"].as_array() else {
        return;
    };
    let only: Vec<u32> = keys.iter().map(|key| reader.number_of(key)).collect();
    let mut stand = BTreeSet::new();
    for launch in plan {
        let project = launch["profile"]["project"].as_str().unwrap_or_default();
        let standings = engine.standings(reader, project, Some(&only));
        let keys: BTreeSet<_> = standings.iter().map(|standing| &standing.key).collect();
        assert_eq!(keys.len(), standings.len(), "each row stands once");
        stand.extend(standings.into_iter().map(|standing| standing.key));
    }
    for key in keys {
        assert!(stand.contains(key), "what is taken from stands: {key}");
    }
}

fn check_verdict(verdict: &Verdict, request: &Value) {
    let worst = verdict.findings.iter().map(|finding| finding.outcome).max();
    if request["policy"]["detail"] != Detail::None.as_str() {
        assert_eq!(
            verdict.quota,
            worst.unwrap_or(QuotaOutcome::Fits),
            "the lattice: {verdict:?}"
        );
    }
    for finding in &verdict.findings {
        let is_measured = finding.usage.is_some() && finding.usage == finding.usage_at_most;
        if finding.reason == Reason::Shortage && is_measured {
            assert!(finding.shortfall.is_some(), "{finding:?}");
        }
        if let (Some(limit), Some(usage), Some(headroom)) =
            (finding.limit, finding.usage, finding.headroom)
        {
            assert!(headroom <= limit.saturating_sub(usage), "{finding:?}");
        }
        if let (Some(headroom), Some(shortfall)) = (finding.headroom, finding.shortfall) {
            assert!(shortfall > 0, "{finding:?}");
            assert!(
                finding.required.is_some_and(|required| required == u64::MAX
                    || required.checked_sub(headroom) == Some(shortfall)),
                "{finding:?}"
            );
        }
    }
}
