//! The component: the contract's exports on one side, the engine on the other, nothing between them but conversions.
//!
//! Built without `std`, so that it imports nothing but the inventory and the clock. A panic here can only be a bug; it
//! traps, and the host answers with a typed error.

#![allow(
    unsafe_code,
    reason = "an allocator hook and the generated exports need it"
)]

mod convert;
mod imports;
mod runtime;

use alloc::{string::String, vec::Vec};
use core::cell::RefCell;

use quotagate_contract::{ErrorCode, Refusal};
use quotagate_engine::{Cloud, Engine};

use self::{
    bindings::{
        exports::quotagate::plugin::gate::{
            Admission, Answer, Descriptor, Diagnosis, Failure, GateError, Guest, Standing,
        },
        quotagate::plugin::types::{Launch, NumberedOffer, OfferNeed, Policy, Profile, Verdict},
    },
    imports::Imports,
};
use crate::json;

#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::use_self,
    reason = "generated code"
)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "wit",
        world: "plugin",
        pub_export_macro: true,
    });
}

/// The one engine of a component instance.
#[derive(Debug)]
pub struct Instance<C>(RefCell<Engine<C>>);

// SAFETY: a component instance runs on one thread; the contract lets the host make one call at a time.
unsafe impl<C> Sync for Instance<C> {}

impl<C: Cloud> Instance<C> {
    /// An engine that knows no account yet.
    pub const fn new(cloud: C) -> Self {
        Self(RefCell::new(Engine::new(cloud)))
    }

    fn call<T>(
        &self,
        call: impl FnOnce(&mut Engine<C>) -> Result<T, Refusal>,
    ) -> Result<T, GateError> {
        call(&mut self.0.borrow_mut()).map_err(convert::refusal)
    }
}

/// What [`crate::export`] makes of a cloud.
pub trait Plugin: 'static {
    /// Its rules.
    type Cloud: Cloud;

    /// The engine of this component instance.
    fn instance() -> &'static Instance<Self::Cloud>;
}

impl<P: Plugin> Guest for P {
    fn describe() -> Descriptor {
        convert::descriptor(P::instance().0.borrow().cloud().descriptor())
    }

    fn standings(project: String, only: Option<Vec<u32>>) -> Vec<Standing> {
        let mut engine = P::instance().0.borrow_mut();
        convert::standings(engine.standings(&Imports, &project, only.as_deref()))
    }

    fn assess(
        offers: Vec<NumberedOffer>,
        needs: Vec<OfferNeed>,
        count: u32,
        profile: Profile,
        policy: Policy,
    ) -> Result<Answer, GateError> {
        let offers = convert::offers(offers);
        let needs = convert::needs_of(needs, offers.len())?;
        let (profile, policy) = (convert::profile(profile), convert::policy(policy));
        P::instance()
            .call(|engine| engine.assess(&Imports, &offers, &needs, count, &profile, &policy))
            .map(convert::answer)
    }

    fn explain(
        offers: Vec<NumberedOffer>,
        needs: Vec<OfferNeed>,
        count: u32,
        profile: Profile,
        policy: Policy,
    ) -> Result<Vec<Verdict>, GateError> {
        let offers = convert::offers(offers);
        let needs = convert::needs_of(needs, offers.len())?;
        let (profile, policy) = (convert::profile(profile), convert::policy(policy));
        P::instance()
            .call(|engine| engine.explain(&Imports, &offers, &needs, count, &profile, &policy))
            .map(convert::verdicts)
    }

    fn admit(plan: Vec<Launch>, policy: Policy) -> Result<Admission, GateError> {
        let (plan, policy) = (convert::plan(plan), convert::policy(policy));
        P::instance()
            .call(|engine| engine.admit(&Imports, &plan, &policy))
            .map(convert::admission)
    }

    fn diagnose(failure: Failure, launch: Option<Launch>) -> Result<Diagnosis, GateError> {
        let (failure, launch) = (convert::failure(failure), launch.map(convert::launch));
        P::instance()
            .call(|engine| engine.diagnose(&Imports, &failure, launch.as_ref()))
            .map(convert::diagnosis)
    }

    fn alternatives(launch: Launch) -> Result<Vec<Launch>, GateError> {
        let launch = convert::launch(launch);
        P::instance()
            .call(|engine| engine.alternatives(&Imports, &launch))
            .map(convert::launches)
    }

    fn assess_json(request: String) -> Result<String, GateError> {
        P::instance().call(|engine| json::assess_json(engine, &Imports, &request))
    }

    fn admit_json(request: String) -> Result<String, GateError> {
        P::instance().call(|engine| json::admit_json(engine, &Imports, &request))
    }

    fn diagnose_json(request: String) -> Result<String, GateError> {
        P::instance().call(|engine| json::diagnose_json(engine, &Imports, &request))
    }
}

/// What a caller asked for that makes no sense in any cloud.
fn invalid(message: String) -> GateError {
    convert::refusal(Refusal {
        code: ErrorCode::InvalidLaunch,
        message,
    })
}
