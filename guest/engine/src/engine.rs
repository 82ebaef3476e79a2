//! The engine's public face.

use alloc::vec::Vec;

use quotagate_contract::{
    Admission, Diagnosis, Failure, Launch, Need, Policy, Profile, Refusal, Standing, Verdict,
};

use crate::{
    answer::{Answer, NumberedOffer},
    cloud::Cloud,
    reader::{Number, Reader},
};

/// Judges for one cloud, and keeps what it derived of what it was shown.
#[derive(Debug)]
pub struct Engine<C> {
    cloud: C,
}

impl<C: Cloud> Engine<C> {
    /// An engine that knows no account yet.
    pub const fn new(cloud: C) -> Self {
        Self { cloud }
    }

    /// The cloud's rules.
    pub const fn cloud(&self) -> &C {
        &self.cloud
    }

    #[allow(missing_docs, clippy::todo, clippy::missing_errors_doc, clippy::too_many_arguments)]
    pub fn assess(&mut self, reader: &dyn Reader, offers: &[NumberedOffer], needs: &[(u32, Need)], count: u32, profile: &Profile, policy: &Policy) -> Result<Answer, Refusal> {
        let _ = (reader, offers, needs, count, profile, policy);
        todo!()
    }
    #[allow(missing_docs, clippy::todo, clippy::missing_errors_doc, clippy::too_many_arguments)]
    pub fn explain(&mut self, reader: &dyn Reader, offers: &[NumberedOffer], needs: &[(u32, Need)], count: u32, profile: &Profile, policy: &Policy) -> Result<Vec<Verdict>, Refusal> {
        let _ = (reader, offers, needs, count, profile, policy);
        todo!()
    }
    #[allow(missing_docs, clippy::todo, clippy::missing_errors_doc)]
    pub fn admit(&mut self, reader: &dyn Reader, plan: &[Launch], policy: &Policy) -> Result<Admission, Refusal> {
        let _ = (reader, plan, policy);
        todo!()
    }
    #[allow(missing_docs, clippy::todo)]
    pub fn standings(&mut self, reader: &dyn Reader, project: &str, only: Option<&[Number]>) -> Vec<Standing> {
        let _ = (reader, project, only);
        todo!()
    }
    #[allow(missing_docs, clippy::todo, clippy::missing_errors_doc)]
    pub fn diagnose(&mut self, reader: &dyn Reader, failure: &Failure, launch: Option<&Launch>) -> Result<Diagnosis, Refusal> {
        let _ = (reader, failure, launch);
        todo!()
    }
    #[allow(missing_docs, clippy::todo, clippy::missing_errors_doc)]
    pub fn alternatives(&mut self, reader: &dyn Reader, launch: &Launch) -> Result<Vec<Launch>, Refusal> {
        let _ = (reader, launch);
        todo!()
    }
}
