//! The plugin for Nebius: what a launch draws on there, and what to do about a shortage.
//!
//! Everything that all clouds share is in the engine. This crate says which quotas a Nebius launch takes (`demand`,
//! `storage`), in which states a project launches (`project`), what a person can do about a finding (`remedy`), which rule
//! was applied (`rule`), what a launch error means ([`mod@diagnose`]), and speaks the JSON twins of the contract
//! ([`json`]). Compiled to WebAssembly it is the component itself (`component`); compiled natively it is the same rules
//! without a sandbox, for tests and measurements. `RULES.md` beside it has the rules in words, by number.

#![cfg_attr(target_family = "wasm", no_std)]

extern crate alloc;

mod demand;
pub mod diagnose;
pub mod json;
mod project;
mod remedy;
mod rule;
mod storage;

#[cfg(target_family = "wasm")]
mod component;

use alloc::vec::Vec;

use quotagate_engine::{
    Cloud, Demand, Finding, InstanceType, InvalidLaunch, Launch, Profile, ProjectState, Remedy,
    SourceState,
};

/// The cloud's name in the contract.
pub const CLOUD: &str = "nebius";

/// The rules of Nebius, for the engine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nebius;

impl Cloud for Nebius {
    fn instance_demands<'a>(
        &self,
        launch: &Launch,
        instance_type: &'a InstanceType,
    ) -> Vec<Demand<'a>> {
        demand::of_instances(launch, instance_type)
    }

    fn profile_demands(&self, profile: &Profile) -> Result<Vec<Demand<'static>>, InvalidLaunch> {
        demand::of_profile(profile)
    }

    fn remedy(&self, finding: &Finding, list: Option<SourceState>) -> Option<Remedy> {
        remedy::of(finding, list)
    }

    fn project_state(&self, state: &str) -> ProjectState {
        project::state(state)
    }

    fn rule(&self, finding: &Finding) -> &'static str {
        rule::of(finding)
    }

    fn not_checked(&self, launch: &Launch, instance_type: &InstanceType) -> &[&'static str] {
        rule::not_checked(launch, instance_type)
    }
}
