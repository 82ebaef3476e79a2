//! The component: every export first misbehaves where its input says so, then answers properly.

use alloc::{format, string::String, vec, vec::Vec};

use self::bindings::{
    exports::quotagate::{
        bad::keeper,
        plugin::gate::{
            Admission, Descriptor, Diagnosis, Failure, FailureKind, GateError, Guest, Needs,
        },
    },
    quotagate::plugin::types::{
        Availability, CapacityOutcome, Finding, Launch, Offer, Policy, Profile, QuotaOutcome,
        Reason, Verdict,
    },
};
use crate::{contradict, misbehave::misbehave};

/// The contract and an export besides, whose resource makes handles.
#[cfg(not(any(feature = "spy", feature = "two-contracts")))]
pub(crate) mod bindings {
    wit_bindgen::generate!({
        path: "../../../wit",
        generate_all,
        inline: "
            package quotagate:bad;
            interface keeper { resource thing { constructor(); } }
            world bad { include quotagate:plugin/plugin@0.1.0; export keeper; }
        ",
    });
}

/// The same with an import that no plugin is given.
#[cfg(feature = "spy")]
pub(crate) mod bindings {
    wit_bindgen::generate!({
        path: "../../../wit",
        generate_all,
        inline: "
            package quotagate:bad;
            interface keeper { resource thing { constructor(); } }
            interface vault { resource secret { constructor(); } }
            world bad { include quotagate:plugin/plugin@0.1.0; import vault; export keeper; }
        ",
    });
}

/// The contract behind another version of it. With two versions the generated names carry them.
#[cfg(feature = "two-contracts")]
mod generated {
    wit_bindgen::generate!({
        path: "../../../wit",
        generate_all,
        inline: "
            package quotagate:bad;
            interface keeper { resource thing { constructor(); } }
            world bad {
                export quotagate:plugin/gate@0.9.0;
                include quotagate:plugin/plugin@0.1.0;
                export keeper;
            }
            package quotagate:plugin@0.9.0 {
                interface gate { judge: func(everything: list<string>) -> bool; }
            }
        ",
    });
}

/// The same under the names that they have without another version.
#[cfg(feature = "two-contracts")]
pub(crate) mod bindings {
    pub(crate) mod exports {
        pub(crate) mod quotagate {
            pub(crate) use crate::plugin::generated::exports::quotagate::{
                bad, plugin0_1_0 as plugin,
            };
        }
    }
    pub(crate) mod quotagate {
        pub(crate) use crate::plugin::generated::quotagate::plugin0_1_0 as plugin;
    }
}

#[cfg(feature = "two-contracts")]
impl generated::exports::quotagate::plugin0_9_0::gate::Guest for Component {
    fn judge(everything: Vec<String>) -> bool {
        everything.is_empty()
    }
}

struct Component;

#[cfg(not(feature = "two-contracts"))]
bindings::export!(Component with_types_in bindings);
#[cfg(feature = "two-contracts")]
generated::export!(Component with_types_in generated);

pub(crate) struct Kept;

impl keeper::Guest for Component {
    type Thing = Kept;
}

impl keeper::GuestThing for Kept {
    fn new() -> Self {
        Self
    }
}

impl Guest for Component {
    fn describe() -> Descriptor {
        #[cfg(feature = "speechless")]
        core::arch::wasm32::unreachable();
        #[cfg(feature = "spy")]
        core::mem::forget(bindings::quotagate::bad::vault::Secret::new());
        Descriptor {
            cloud: "nebius".into(),
            version: "bad".into(),
            needs: Needs::empty(),
        }
    }

    fn assess(
        offers: Vec<Offer>,
        count: u32,
        _: Profile,
        _: Policy,
    ) -> Result<Vec<Verdict>, GateError> {
        let mut verdicts = Vec::new();
        for offer in offers {
            let deed = offer.instance_type.clone();
            misbehave(&deed);
            let mut verdict = proper(offer, count);
            contradict::in_verdict(&deed, &mut verdict);
            match deed.as_str() {
                "short" => {}
                "long" => verdicts.extend([verdict.clone(), verdict]),
                _ => verdicts.push(verdict),
            }
        }
        Ok(verdicts)
    }

    fn assess_json(request: String) -> Result<String, GateError> {
        misbehave(&request);
        Ok(request)
    }

    fn admit(plan: Vec<Launch>, _: Policy) -> Result<Admission, GateError> {
        let launches = plan.len() as u32;
        let Some(first) = plan.into_iter().next() else {
            core::arch::wasm32::unreachable();
        };
        let deed = first.offer.instance_type.clone();
        misbehave(&deed);
        let (project, region) = (first.profile.project, first.offer.region.clone());
        let mut admission = Admission {
            verdict: proper(first.offer, launches),
            demands: Vec::new(),
            reserved: Vec::new(),
            breaks_at: None,
        };
        contradict::in_verdict(&deed, &mut admission.verdict);
        contradict::in_admission(&deed, &mut admission, launches);
        contradict::in_demands(&deed, &mut admission, &project, &region);
        Ok(admission)
    }

    fn admit_json(request: String) -> Result<String, GateError> {
        misbehave(&request);
        Ok(request)
    }

    fn diagnose(failure: Failure) -> Diagnosis {
        misbehave(&failure.message);
        Diagnosis {
            kind: FailureKind::Ambiguous,
            findings: contradict::in_diagnosis(&failure.message),
            retry: false,
            remedy: Some(failure.message),
        }
    }

    fn diagnose_json(error: String) -> Result<String, GateError> {
        misbehave(&error);
        Ok(error)
    }
}

/// A verdict that cannot be taken for that of another offer.
pub(crate) fn proper(offer: Offer, count: u32) -> Verdict {
    let finding = Finding {
        reason: Reason::Fits,
        outcome: QuotaOutcome::Fits,
        quota: None,
        scope: None,
        owner: None,
        region: offer.region,
        unit: "count".into(),
        required: Some(count.into()),
        limit: None,
        usage: None,
        held: 0,
        headroom: None,
        shortfall: None,
        minimum_limit: None,
        detail: Some(format!("{count} of {}", offer.instance_type)),
        remedy: None,
        command: Vec::new(),
        rule: None,
    };
    Verdict {
        quota: QuotaOutcome::Fits,
        capacity: CapacityOutcome::Likely,
        availability: Availability::Available,
        fits_count: Some(count),
        visible: true,
        findings: vec![finding],
    }
}
