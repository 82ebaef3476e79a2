//! The plugin for Nebius: what a launch draws on there, and what to do about a shortage.
//!
//! Everything that all clouds share is in the engine, everything that all plugins share in the SDK. This crate says what the
//! cloud is (`describe`), which quotas a launch takes (`demand`, `storage`), how rows are read (`reading`), whose launches go
//! through (`owner`), what reservations serve (`reservation`), what a person can do about a finding (`remedy`), which rule was
//! applied (`rule`), and what a launch error means (`diagnose`). Compiled to WebAssembly it is the component; compiled
//! natively it is the same rules without a sandbox, for tests and measurements. `RULES.md` beside it has the rules in words,
//! by number.

#![cfg_attr(target_family = "wasm", no_std)]

extern crate alloc;

mod demand;
mod describe;
mod diagnose;
mod owner;
mod reading;
mod remedy;
mod reservation;
mod rule;
mod storage;
mod title;

use alloc::{string::String, vec::Vec};

use quotagate_guest::{
    Asked, Cloud, Demand, Descriptor, Diagnosis, Failure, Finding, Holding, InstanceType,
    InvalidLaunch, Launch, LevelRules, Owner, OwnerState, Profile, Reading, Refusal, Remedy,
    Reservation, Row, Serves, SourceState,
};

/// The cloud's name in the contract.
pub const CLOUD: &str = "nebius";

/// The rules of Nebius, for the engine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nebius;

quotagate_guest::export!(Nebius);

impl Cloud for Nebius {
    fn descriptor(&self) -> Descriptor {
        describe::descriptor()
    }

    fn level_rules(&self, level: &str) -> LevelRules {
        owner::level_rules(level)
    }

    fn instance_demands<'a>(&self, asked: &Asked<'a>) -> Vec<Demand<'a>> {
        demand::of_instances(asked)
    }

    fn profile_demands(&self, profile: &Profile) -> Result<Vec<Demand<'static>>, InvalidLaunch> {
        demand::of_needs(&profile.needs, profile.restart)
    }

    fn reading(&self, row: &Row, _: &[Holding]) -> Reading {
        reading::of(row)
    }

    fn may_be_reserved(&self, asked: &Asked<'_>) -> bool {
        reservation::may_serve(asked)
    }

    fn serves(&self, asked: &Asked<'_>, reservation: &Reservation) -> Option<Serves> {
        reservation::serves(asked, reservation)
    }

    fn owner_state(&self, owner: &Owner) -> OwnerState {
        owner::state(owner)
    }

    fn is_alike(&self, one: &InstanceType, other: &InstanceType) -> bool {
        demand::is_alike(one, other)
    }

    fn list_name(&self, level: &str) -> String {
        owner::list_name(level)
    }

    fn title(&self, quota: &str) -> Option<&'static str> {
        title::of(quota)
    }

    fn remedy(&self, finding: &Finding, list: Option<SourceState>) -> Option<Remedy> {
        remedy::of(finding, list)
    }

    fn rule(&self, finding: &Finding) -> &'static str {
        rule::of(finding)
    }

    fn not_checked(&self, asked: &Asked<'_>) -> &[&'static str] {
        rule::not_checked(asked)
    }

    fn diagnose(&self, failure: &Failure, _: Option<&Launch>) -> Result<Diagnosis, Refusal> {
        diagnose::of(failure)
    }
}
