//! The calls of a plugin. A call takes a warm instance where one is idle, else a fresh one, and gives it back only after it
//! succeeded: a trap, a host error, a limit that was hit or an answer that cannot be true poisons the whole store, so the store
//! goes out of scope on every such path. An instance between calls keeps no snapshot.

use std::sync::Arc;

use quotagate_contract::{
    Admission, Diagnosis, Failure, Launch, Offer, Policy, Profile, Standing, Verdict,
};
use wasmtime::Store;

use super::{
    CallError, Loaded, Plugin, Shown,
    answer::{admission, diagnosis, projects, standing, text, verdict},
    convert::lower,
    error::is_out_of_memory,
    instance::{Instance, Unshown},
    linker::State,
    nothing::nothing,
};
use crate::{
    bindings::exports::quotagate::plugin::gate::{self, Guest},
    clock::Clock,
};

/// A question about offers.
#[derive(Clone, Debug)]
pub(crate) struct AssessCall {
    /// The offers. A list that stays the same from call to call is numbered once.
    pub(crate) offers: Arc<[Offer]>,
    /// How many instances of each.
    pub(crate) count: u32,
    /// What each brings with it, and in which project.
    pub(crate) profile: Profile,
    /// How to judge.
    pub(crate) policy: Policy,
}

impl AssessCall {
    fn asked(&self) -> verdict::Asked {
        verdict::Asked {
            offers: self.offers.len(),
            count: self.count,
            detail: self.policy.detail,
        }
    }
}

/// What the exports give, but for those that cannot be refused.
type Answered<T> = wasmtime::Result<Result<T, gate::GateError>>;

impl Plugin {
    /// Judges each offer alone, in numbers: findings without words; see `assess` in `wit/gate.wit`. Equal findings are one, and
    /// so are equal verdicts.
    ///
    /// # Errors
    /// See [`CallError`]; a shortage is a verdict, never an error. [`super::unknown_verdicts`] makes verdicts of it.
    pub(crate) fn assess(
        &self,
        shown: &Arc<dyn Shown>,
        clock: &Clock,
        call: &AssessCall,
    ) -> Result<Vec<Arc<Verdict>>, CallError> {
        let numbered = self.0.lists.number(&call.offers)?;
        let profile = (&call.profile).into();
        let policy = (&call.policy).into();
        self.0.ask(
            shown,
            clock,
            |gate, store| {
                let (offers, needs) = (&numbered.offers, &numbered.needs);
                gate.call_assess(store, offers, needs, call.count, &profile, policy)
            },
            |answer, instance| {
                let seen = &instance.store.data().seen;
                let unshown = verdict::check_answer(&answer, call.asked(), seen)?;
                self.0
                    .ask_about(instance, &[&call.profile.project], &[unshown])?;
                verdict::lift_answer(&answer)
            },
        )
    }

    /// The same judgement in words; see `explain` in `wit/gate.wit`.
    ///
    /// # Errors
    /// As for [`Plugin::assess`].
    pub(crate) fn explain(
        &self,
        shown: &Arc<dyn Shown>,
        clock: &Clock,
        call: &AssessCall,
    ) -> Result<Vec<Verdict>, CallError> {
        let numbered = self.0.lists.number(&call.offers)?;
        let profile = (&call.profile).into();
        let policy = (&call.policy).into();
        self.0.ask(
            shown,
            clock,
            |gate, store| {
                let (offers, needs) = (&numbered.offers, &numbered.needs);
                gate.call_explain(store, offers, needs, call.count, &profile, policy)
            },
            |verdicts, instance| {
                let seen = &instance.store.data().seen;
                let unshown = verdict::check_told(&verdicts, call.asked(), seen)?;
                self.0
                    .ask_about(instance, &[&call.profile.project], &[unshown])?;
                verdict::lift_told(verdicts)
            },
        )
    }

    /// Judges launches together; see `admit` in `wit/gate.wit`.
    ///
    /// # Errors
    /// See [`CallError`]; a shortage is a verdict, never an error.
    pub(crate) fn admit(
        &self,
        shown: &Arc<dyn Shown>,
        clock: &Clock,
        plan: &[Launch],
        policy: &Policy,
    ) -> Result<Admission, CallError> {
        let launches: Vec<_> = plan.iter().map(Into::into).collect();
        self.0.ask(
            shown,
            clock,
            |gate, store| gate.call_admit(store, &launches, policy.into()),
            |answer, instance| {
                let seen = &instance.store.data().seen;
                let unshown = admission::check(&answer, plan, policy.detail, shown.as_ref(), seen)?;
                self.0.ask_about(instance, &projects(plan), &unshown)?;
                admission::lift(answer)
            },
        )
    }

    /// The rows that launches of a project may draw on, as the plugin reads them; those of these keys, where keys are given. See
    /// `standings` in `wit/gate.wit`.
    ///
    /// # Errors
    /// See [`CallError`].
    pub(crate) fn standings(
        &self,
        shown: &Arc<dyn Shown>,
        clock: &Clock,
        project: &str,
        only: Option<&[String]>,
    ) -> Result<Vec<Standing>, CallError> {
        let number = |keys: &[String]| {
            let keys = keys.iter().map(|key| lower::number(Some(key)));
            keys.collect::<Result<Vec<_>, _>>()
        };
        let only = only.map(number).transpose()?;
        let only = only.as_deref();
        self.0.run(
            shown,
            clock,
            |gate, store| gate.call_standings(store, project, only),
            |standings, _| {
                standing::check(&standings, project, only, shown.as_ref())?;
                Ok(standing::lift(standings))
            },
        )
    }

    /// Says what a failure means; see `diagnose` in `wit/gate.wit`.
    ///
    /// # Errors
    /// See [`CallError`]; an error that is not understood is a diagnosis too.
    pub(crate) fn diagnose(
        &self,
        shown: &Arc<dyn Shown>,
        clock: &Clock,
        failure: &Failure,
        launch: Option<&Launch>,
    ) -> Result<Diagnosis, CallError> {
        let failure = failure.into();
        let lowered = launch.map(Into::into);
        let project = launch.map_or("", |launch| launch.profile.project.as_str());
        self.0.ask(
            shown,
            clock,
            |gate, store| gate.call_diagnose(store, &failure, lowered.as_ref()),
            |answer, instance| {
                let seen = &instance.store.data().seen;
                let unshown = diagnosis::check(&answer, project, shown.as_ref(), seen)?;
                self.0.ask_about(instance, &[project], &unshown)?;
                diagnosis::lift(answer)
            },
        )
    }

    /// Launches of what a launch launches, elsewhere or otherwise; see `alternatives` in `wit/gate.wit`.
    ///
    /// # Errors
    /// See [`CallError`].
    pub(crate) fn alternatives(
        &self,
        shown: &Arc<dyn Shown>,
        clock: &Clock,
        launch: &Launch,
    ) -> Result<Vec<Launch>, CallError> {
        let launch = launch.into();
        self.0.ask(
            shown,
            clock,
            |gate, store| gate.call_alternatives(store, &launch),
            |alternatives, _| diagnosis::lift_alternatives(alternatives),
        )
    }

    /// The JSON twin of [`Plugin::explain`]; see `assess-json` in `wit/gate.wit`. Only the outer shape of the text is checked, and
    /// that it has a verdict for each offer: what stands in it is the plugin's own word.
    ///
    /// # Errors
    /// See [`CallError`].
    pub(crate) fn assess_json(
        &self,
        shown: &Arc<dyn Shown>,
        clock: &Clock,
        request: &str,
    ) -> Result<String, CallError> {
        self.0.ask(
            shown,
            clock,
            |gate, store| gate.call_assess_json(store, request),
            |answer, _| text::check_verdicts(request, &answer).map(|()| answer),
        )
    }

    /// The JSON twin of [`Plugin::admit`]; see `admit-json` in `wit/gate.wit`. Only the outer shape of the text is checked.
    ///
    /// # Errors
    /// See [`CallError`].
    pub(crate) fn admit_json(
        &self,
        shown: &Arc<dyn Shown>,
        clock: &Clock,
        request: &str,
    ) -> Result<String, CallError> {
        self.0.ask(
            shown,
            clock,
            |gate, store| gate.call_admit_json(store, request),
            |answer, _| text::check_admission(&answer).map(|()| answer),
        )
    }

    /// The JSON twin of [`Plugin::diagnose`]; see `diagnose-json` in `wit/gate.wit`. Only the outer shape of the text is checked.
    ///
    /// # Errors
    /// When the text holds no failure, and see [`CallError`].
    pub(crate) fn diagnose_json(
        &self,
        shown: &Arc<dyn Shown>,
        clock: &Clock,
        request: &str,
    ) -> Result<String, CallError> {
        self.0.ask(
            shown,
            clock,
            |gate, store| gate.call_diagnose_json(store, request),
            |answer, _| text::check_diagnosis(&answer).map(|()| answer),
        )
    }
}

impl Loaded {
    /// One call that the plugin may refuse. A refusal is an answer: the instance serves on.
    fn ask<T, U>(
        &self,
        shown: &Arc<dyn Shown>,
        clock: &Clock,
        call: impl Fn(&Guest, &mut Store<State>) -> Answered<T>,
        take: impl FnOnce(T, &mut Instance) -> Result<U, CallError>,
    ) -> Result<U, CallError> {
        self.run(shown, clock, call, |answer, instance| match answer {
            Ok(answer) => take(answer, instance).map(Ok),
            Err(refusal) => Ok(Err(refusal)),
        })?
        .map_err(|refusal| CallError::Refused(refusal.into()))
    }

    /// One call in its turn, on a warm instance or a fresh one, whose answer is checked and made ours by `take`. An instance that
    /// failed goes out of scope here.
    ///
    /// What a warm instance keeps of earlier calls may be what fills its memory: where it runs out, the call is made once
    /// more, on a fresh one and with the whole time again.
    pub(super) fn run<T, U>(
        &self,
        shown: &Arc<dyn Shown>,
        clock: &Clock,
        call: impl Fn(&Guest, &mut Store<State>) -> wasmtime::Result<T>,
        take: impl FnOnce(T, &mut Instance) -> Result<U, CallError>,
    ) -> Result<U, CallError> {
        let limits = &self.limits;
        let _turn = self.slots.take(limits.time).ok_or(CallError::Busy {
            calls: limits.concurrent_calls.max(1),
            waited: limits.time,
        })?;
        let on = |mut instance: Instance| {
            instance.start_call(limits)?;
            let (gate, store) = instance.gate();
            let answer = call(gate, store)?;
            Ok((answer, instance))
        };
        let fresh = || {
            let new_names = Arc::clone(&self.new_names);
            let state = State::new(Arc::clone(shown), clock.clone(), new_names, limits);
            Instance::new(&self.pre, state, limits).and_then(on)
        };
        let called = match self.warm.take() {
            Some(mut warm) => {
                let state = warm.store.data_mut();
                state.serve(Arc::clone(shown), clock.clone());
                match on(warm) {
                    Err(error) if is_out_of_memory(&error) => fresh(),
                    called => called,
                }
            }
            None => fresh(),
        };
        let (answer, mut instance) = called.map_err(|error| CallError::classify(error, limits))?;
        let taken = take(answer, &mut instance)?;
        instance.store.data_mut().serve(nothing(), clock.clone());
        self.warm.give_back(instance);
        Ok(taken)
    }

    fn ask_about(
        &self,
        instance: &mut Instance,
        projects: &[&str],
        unshown: &[Unshown],
    ) -> Result<(), CallError> {
        unshown
            .iter()
            .try_for_each(|unshown| instance.ask_about(projects, unshown, &self.limits))
    }
}
