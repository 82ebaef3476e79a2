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

use alloc::{rc::Rc, string::String, sync::Arc, vec::Vec};
use core::cell::RefCell;

use quotagate_engine::{Account, Block, Launch as EngineLaunch, Tenant, admit, assess};
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

/// Projects whose accounts are kept. A list walks through all projects of a tenant, and few tenants have more.
const MOST_ACCOUNTS: usize = 64;

/// What was sorted in one generation: a warm instance reads nothing twice.
struct Kept {
    generation: u64,
    /// What the projects share; none until the first is asked for.
    shared: Option<Shared>,
    /// By project, the one that was used last at the end.
    accounts: Vec<(String, Rc<Account>)>,
}

/// What is the same for every project of a tenant.
struct Shared {
    /// Whose rows they are, how many, and a digest of their numbers: a host that shows projects of several tenants, or each
    /// project another state of its tenant, gets what it shows.
    tenant: (String, usize, u64),
    sorted: Tenant,
    blocks: Arc<[Block]>,
}

/// A cell for the one thread that a component has.
struct OneThread<T>(RefCell<T>);

// SAFETY: a component instance runs on one thread; the contract lets the host make one call at a time.
unsafe impl<T> Sync for OneThread<T> {}

static KEPT: OneThread<Kept> = OneThread(RefCell::new(Kept {
    generation: 0,
    shared: None,
    accounts: Vec::new(),
}));

fn account(project: &str) -> Rc<Account> {
    KEPT.0.borrow_mut().account(project)
}

impl Kept {
    fn account(&mut self, project: &str) -> Rc<Account> {
        let generation = inventory::generation();
        if self.generation != generation {
            self.generation = generation;
            self.shared = None;
            self.accounts.clear();
        }
        let known = self.accounts.iter().position(|(known, _)| known == project);
        let (project, account) = match known {
            Some(index) => {
                let (project, mut account) = self.accounts.remove(index);
                // Nobody else has it between two calls, so this copies nothing.
                let sources = convert::sources(inventory::get_sources(&project));
                Rc::make_mut(&mut account).set_sources(sources);
                (project, account)
            }
            None => {
                if self.accounts.len() >= MOST_ACCOUNTS {
                    self.accounts.remove(0);
                }
                (project.into(), Rc::new(self.read(project)))
            }
        };
        self.accounts.push((project, Rc::clone(&account)));
        account
    }

    /// Asks for what one project is shown, and sorts it. The tenant's part is sorted for the first project, and shared.
    fn read(&mut self, project: &str) -> Account {
        let inventory::Allowances {
            tenant,
            project: own,
        } = inventory::get_allowances(project);
        let whose = (tenant.owner.clone(), tenant.rows.len(), digest(&tenant));
        let known = self.shared.as_ref().filter(|shared| shared.tenant == whose);
        let (sorted, blocks) = match known {
            Some(shared) => {
                drop(tenant);
                (shared.sorted.clone(), Arc::clone(&shared.blocks))
            }
            None => {
                let sorted = Tenant::new(
                    convert::allowance_list(tenant),
                    convert::capacities(inventory::get_capacities()),
                );
                let blocks: Arc<[Block]> = convert::blocks(inventory::get_blocks()).into();
                self.shared = Some(Shared {
                    tenant: whose,
                    sorted: sorted.clone(),
                    blocks: Arc::clone(&blocks),
                });
                (sorted, blocks)
            }
        };
        let mut account = Account::of_tenant(
            project,
            &sorted,
            convert::allowance_list(own),
            convert::instance_types(inventory::get_instance_types(project)),
            convert::reservations(inventory::get_reservations(project)),
        );
        // The shared part is as old as when the first project asked for it; what a judgement goes by is as it stands now.
        account.set_sources(convert::sources(inventory::get_sources(project)));
        account.with_blocks(blocks)
    }
}

/// A number that nearly always differs where the numbers of the rows do.
fn digest(list: &inventory::AllowanceList) -> u64 {
    const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |sum: u64, number: u64| (sum ^ number).wrapping_mul(SPREAD).rotate_left(29);
    list.rows.iter().fold(0, |sum, row| {
        let limit = row.limit.map_or(1, |limit| limit.wrapping_mul(2));
        let fraction = row.usage_fraction.iter().flat_map(|text| text.bytes());
        [limit, row.usage, row.held, row.held_at_most]
            .into_iter()
            .chain(fraction.map(u64::from))
            .fold(sum, mix)
    })
}
