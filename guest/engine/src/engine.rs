//! The engine's public face.

use alloc::vec::Vec;

use quotagate_contract::{
    Admission, Descriptor, Detail, Diagnosis, Failure, Launch, Need, Policy, Profile, RESERVED,
    Refusal, Standing, Verdict,
};

use crate::{
    admit::admit,
    alternatives::alternatives,
    answer::{Answer, NumberedOffer},
    assess::{AnswerBuilder, Judged, Question, judge_offers},
    cloud::Cloud,
    diagnose::complete,
    here::{Call, CommonWords},
    judgement::Collecting,
    reader::{Number, Reader},
    standing::standings,
    store::Store,
    tell::Names,
};

/// Judges for one cloud, and keeps what it derived of what it was shown.
///
/// One is enough for every project of an account. What it keeps is bounded, and is believed only within a generation.
pub struct Engine<C> {
    cloud: C,
    descriptor: Option<Descriptor>,
    store: Store,
}

impl<C: Cloud> Engine<C> {
    /// An engine that knows no account yet.
    pub const fn new(cloud: C) -> Self {
        Self {
            cloud,
            descriptor: None,
            store: Store::new(),
        }
    }

    /// The cloud's rules.
    pub const fn cloud(&self) -> &C {
        &self.cloud
    }

    /// Judges each offer alone: could `count` instances of it, each with `profile`, be launched now? `needs` are those of offers, by
    /// place in the list.
    ///
    /// # Errors
    /// When the launch makes no sense in this cloud.
    pub fn assess(
        &mut self,
        reader: &dyn Reader,
        offers: &[NumberedOffer],
        needs: &[(u32, Need)],
        count: u32,
        profile: &Profile,
        policy: &Policy,
    ) -> Result<Answer, Refusal> {
        let question = Question {
            offers,
            needs,
            count,
            profile,
        };
        let mut answer = AnswerBuilder::of(offers.len());
        let collecting = Collecting {
            detail: policy.detail,
            words: false,
        };
        let (call, store) = self.call(reader, policy, collecting);
        judge_offers(&call, store, &question, |judged| answer.push(&call, judged))?;
        Ok(answer.finish())
    }

    /// The same judgement in words, for offers that somebody looks at. Verdicts in the order of the offers.
    ///
    /// # Errors
    /// As [`Engine::assess`].
    pub fn explain(
        &mut self,
        reader: &dyn Reader,
        offers: &[NumberedOffer],
        needs: &[(u32, Need)],
        count: u32,
        profile: &Profile,
        policy: &Policy,
    ) -> Result<Vec<Verdict>, Refusal> {
        let question = Question {
            offers,
            needs,
            count,
            profile,
        };
        let collecting = Collecting {
            detail: policy.detail,
            words: true,
        };
        let (call, store) = self.call(reader, policy, collecting);
        let mut names = Names::default();
        let mut verdicts: Vec<Verdict> = Vec::with_capacity(offers.len());
        judge_offers(&call, store, &question, |judged| {
            let verdict = match judged {
                Judged::Same { as_offer } => verdicts.get(as_offer).cloned(),
                Judged::New { here, judgement } => Some(call.verdict(&mut names, here, judgement)),
            };
            verdicts.extend(verdict);
        })?;
        Ok(verdicts)
    }

    /// Judges launches together, in their order: they draw on the same rows.
    ///
    /// # Errors
    /// When the plan is empty or one of its launches makes no sense; the message says which.
    pub fn admit(
        &mut self,
        reader: &dyn Reader,
        plan: &[Launch],
        policy: &Policy,
    ) -> Result<Admission, Refusal> {
        let (call, store) = self.call(reader, policy, EVERYTHING);
        admit(&call, store, plan)
    }

    /// The rows that launches of a project may draw on, as the cloud's rules read them; `only` those, where it is given.
    pub fn standings(
        &mut self,
        reader: &dyn Reader,
        project: &str,
        only: Option<&[Number]>,
    ) -> Vec<Standing> {
        let (call, store) = self.call(reader, &ANY_AGE, EVERYTHING);
        standings(&call, store, project, only)
    }

    /// Says what a failure means, and what it teaches of launches like the one that failed.
    ///
    /// # Errors
    /// When the text holds no failure.
    pub fn diagnose(
        &mut self,
        reader: &dyn Reader,
        failure: &Failure,
        launch: Option<&Launch>,
    ) -> Result<Diagnosis, Refusal> {
        let diagnosis = self.cloud.diagnose(failure, launch)?;
        let (call, store) = self.call(reader, &ANY_AGE, EVERYTHING);
        Ok(complete(&call, store, diagnosis, launch))
    }

    /// Launches that do what one does, elsewhere or otherwise, nearest first; among those that its project is offered.
    ///
    /// # Errors
    /// None yet.
    pub fn alternatives(
        &mut self,
        reader: &dyn Reader,
        launch: &Launch,
    ) -> Result<Vec<Launch>, Refusal> {
        let (call, store) = self.call(reader, &ANY_AGE, EVERYTHING);
        Ok(alternatives(&call, store, launch))
    }

    fn call<'c>(
        &'c mut self,
        reader: &'c dyn Reader,
        policy: &'c Policy,
        collecting: Collecting,
    ) -> (Call<'c, C>, &'c mut Store) {
        let cloud = &self.cloud;
        let call = Call {
            cloud,
            reader,
            descriptor: self.descriptor.get_or_insert_with(|| cloud.descriptor()),
            now: reader.now_ms(),
            policy,
            collecting,
            words: CommonWords {
                instance: reader.number_of("instance"),
                count: reader.number_of("count"),
                reserved: reader.number_of(RESERVED),
            },
        };
        (call, &mut self.store)
    }
}

/// For calls whose sources count whatever their age.
const ANY_AGE: Policy = Policy {
    detail: Detail::All,
    max_age_ms: None,
};

const EVERYTHING: Collecting = Collecting {
    detail: Detail::All,
    words: true,
};

impl<C: core::fmt::Debug> core::fmt::Debug for Engine<C> {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter
            .debug_struct("Engine")
            .field("cloud", &self.cloud)
            .finish_non_exhaustive()
    }
}
