//! The component: every export first misbehaves where its input says so, then answers properly.

use alloc::{string::String, vec::Vec};

use self::bindings::{
    exports::quotagate::{
        bad::keeper,
        plugin::gate::{
            Admission, Answer, Descriptor, Diagnosis, Failure, GateError, Guest, Standing,
        },
    },
    quotagate::plugin::{
        inventory,
        types::{Launch, NumberedOffer, OfferNeed, Policy, Profile, Verdict},
    },
};
use crate::{contradict, misbehave::misbehave, proper};

/// The contract and an export besides, whose resource makes handles.
#[cfg(not(any(feature = "spy", feature = "two-contracts")))]
pub(crate) mod bindings {
    wit_bindgen::generate!({
        path: "../../../wit",
        generate_all,
        inline: "
            package quotagate:bad;
            interface keeper { resource thing { constructor(); } }
            world bad { include quotagate:plugin/plugin@0.2.0; export keeper; }
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
            world bad { include quotagate:plugin/plugin@0.2.0; import vault; export keeper; }
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
                include quotagate:plugin/plugin@0.2.0;
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
                bad, plugin0_2_0 as plugin,
            };
        }
    }
    pub(crate) mod quotagate {
        pub(crate) use crate::plugin::generated::quotagate::plugin0_2_0 as plugin;
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
            title: "Bad".into(),
            version: "bad".into(),
            sources: Vec::new(),
            lifecycles: Vec::new(),
            kinds: Vec::new(),
            levels: Vec::new(),
            zone_word: "zone".into(),
            units: Vec::new(),
        }
    }

    fn standings(project: String, only: Option<Vec<u32>>) -> Vec<Standing> {
        misbehave(&project);
        let mut standings = proper::standings(&project, only.as_deref());
        contradict::in_standings(&project, &mut standings);
        standings
    }

    fn assess(
        offers: Vec<NumberedOffer>,
        _: Vec<OfferNeed>,
        count: u32,
        _: Profile,
        _: Policy,
    ) -> Result<Answer, GateError> {
        let mut answer = proper::answer(&offers, count);
        for (place, offer) in offers.iter().enumerate() {
            let deed = inventory::name_of(offer.instance_type);
            misbehave(&deed);
            contradict::in_answer(&deed, &mut answer, place);
        }
        Ok(answer)
    }

    fn explain(
        offers: Vec<NumberedOffer>,
        _: Vec<OfferNeed>,
        count: u32,
        _: Profile,
        _: Policy,
    ) -> Result<Vec<Verdict>, GateError> {
        let mut verdicts = Vec::new();
        for offer in offers {
            misbehave(&inventory::name_of(offer.instance_type));
            verdicts.extend(contradict::explained(offer, count));
        }
        Ok(verdicts)
    }

    fn admit(plan: Vec<Launch>, _: Policy) -> Result<Admission, GateError> {
        let launches = plan.len() as u32;
        let Some(first) = plan.first() else {
            core::arch::wasm32::unreachable();
        };
        let deed = first.offer.instance_type.as_str();
        misbehave(deed);
        let mut admission = proper::admission(first, launches);
        contradict::in_admission(deed, &mut admission, first, launches);
        Ok(admission)
    }

    fn diagnose(failure: Failure, _: Option<Launch>) -> Result<Diagnosis, GateError> {
        let message = match failure {
            Failure::Parts(parts) => parts.message,
            Failure::Text(text) => text,
        };
        misbehave(&message);
        let mut diagnosis = proper::diagnosis(message.clone());
        contradict::in_diagnosis(&message, &mut diagnosis);
        Ok(diagnosis)
    }

    fn alternatives(launch: Launch) -> Result<Vec<Launch>, GateError> {
        misbehave(&launch.offer.instance_type);
        Ok(contradict::alternatives(launch))
    }

    fn assess_json(request: String) -> Result<String, GateError> {
        misbehave(&request);
        Ok(request)
    }

    fn admit_json(request: String) -> Result<String, GateError> {
        misbehave(&request);
        Ok(request)
    }

    fn diagnose_json(request: String) -> Result<String, GateError> {
        misbehave(&request);
        Ok(request)
    }
}
