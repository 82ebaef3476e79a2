//! The component: the contract's exports on one side, the engine on the other, nothing between them but conversions.
//!
//! Built without `std`, so that it imports nothing but the inventory and the clock. A panic here can only be a bug; it
//! traps, and the host answers with a typed error.

#![allow(
    unsafe_code,
    reason = "an allocator hook and the generated exports need it"
)]

mod convert;
mod runtime;

use alloc::{rc::Rc, string::String, vec::Vec};
use core::cell::RefCell;

use quotagate_engine::{Account, Launch as EngineLaunch, admit, assess};
use wasi::clocks::wall_clock;

use self::bindings::{
    exports::quotagate::plugin::gate::{
        Admission, Descriptor, Diagnosis, ErrorCode, Failure, GateError, Guest, Needs,
    },
    quotagate::plugin::{
        inventory,
        types::{Launch, Offer, Policy, Profile, Verdict},
    },
};
use crate::{
    CLOUD, Nebius, diagnose,
    json::{Refusal, admit_json, assess_json, diagnose_json},
};

#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::use_self,
    reason = "generated code"
)]
mod bindings {
    wit_bindgen::generate!({ path: "../../wit", world: "plugin" });
}

struct Component;

bindings::export!(Component with_types_in bindings);

impl Guest for Component {
    fn describe() -> Descriptor {
        Descriptor {
            cloud: CLOUD.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            needs: Needs::ALLOWANCES
                | Needs::INSTANCE_TYPES
                | Needs::CAPACITIES
                | Needs::RESERVATIONS,
        }
    }

    fn assess(
        offers: Vec<Offer>,
        count: u32,
        profile: Profile,
        policy: Policy,
    ) -> Result<Vec<Verdict>, GateError> {
        let offers: Vec<_> = offers.into_iter().map(convert::offer).collect();
        let profile = convert::profile(profile);
        let policy = convert::policy(policy);
        let account = account(&profile.project);
        assess(
            &Nebius,
            &account,
            now_ms(),
            &offers,
            count,
            &profile,
            &policy,
        )
        .map(|verdicts| verdicts.into_iter().map(convert::verdict).collect())
        .map_err(|why| refuse(why.into()))
    }

    fn assess_json(request: String) -> Result<String, GateError> {
        assess_json(&request, now_ms(), account).map_err(refuse)
    }

    fn admit(plan: Vec<Launch>, policy: Policy) -> Result<Admission, GateError> {
        let plan: Vec<EngineLaunch> = plan.into_iter().map(convert::launch).collect();
        admit(&Nebius, account, now_ms(), &plan, &convert::policy(policy))
            .map(convert::admission)
            .map_err(|why| refuse(why.into()))
    }

    fn admit_json(request: String) -> Result<String, GateError> {
        admit_json(&request, now_ms(), account).map_err(refuse)
    }

    fn diagnose(failure: Failure) -> Diagnosis {
        let failure =
            diagnose::Failure::from_status(failure.code, &failure.message, &failure.details);
        convert::diagnosis(diagnose::diagnose(&failure))
    }

    fn diagnose_json(error: String) -> Result<String, GateError> {
        diagnose_json(&error).map_err(refuse)
    }
}

fn now_ms() -> u64 {
    let now = wall_clock::now();
    now.seconds
        .saturating_mul(1000)
        .saturating_add(u64::from(now.nanoseconds) / 1_000_000)
}

fn refuse(refusal: Refusal) -> GateError {
    let (code, message) = match refusal {
        Refusal::InvalidJson(message) => (ErrorCode::InvalidJson, message),
        Refusal::InvalidLaunch(message) => (ErrorCode::InvalidLaunch, message),
    };
    GateError { code, message }
}

/// What was sorted in one generation, by project: a warm instance reads nothing twice.
struct Kept {
    generation: u64,
    accounts: Vec<(String, Rc<Account>)>,
}

/// A cell for the one thread that a component has.
struct OneThread<T>(RefCell<T>);

// SAFETY: a component instance runs on one thread; the contract lets the host make one call at a time.
unsafe impl<T> Sync for OneThread<T> {}

static KEPT: OneThread<Kept> = OneThread(RefCell::new(Kept {
    generation: 0,
    accounts: Vec::new(),
}));

fn account(project: &str) -> Rc<Account> {
    let mut kept = KEPT.0.borrow_mut();
    let generation = inventory::generation();
    if kept.generation != generation {
        kept.generation = generation;
        kept.accounts.clear();
    }
    let known = kept.accounts.iter_mut().find(|(known, _)| known == project);
    if let Some((_, account)) = known {
        // Nobody else has it between two calls, so this copies nothing.
        let current = Rc::make_mut(account);
        current.set_sources(convert::sources(inventory::get_sources(project)));
        return Rc::clone(account);
    }
    let account = Account::new(
        project,
        convert::allowances(inventory::get_allowances(project)),
        convert::instance_types(inventory::get_instance_types(project)),
        convert::capacities(inventory::get_capacities()),
        convert::reservations(inventory::get_reservations(project)),
    );
    let account = Rc::new(account.with_blocks(convert::blocks(inventory::get_blocks())));
    kept.accounts.push((project.into(), Rc::clone(&account)));
    account
}
