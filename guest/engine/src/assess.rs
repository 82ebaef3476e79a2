//! Offers, each judged alone.

use alloc::{collections::BTreeMap, rc::Rc, string::String, vec::Vec};

use quotagate_contract::{Need, Profile, Refusal};

use crate::{
    answer::{Answer, Head, NumberedFinding, NumberedOffer},
    capacity::Advised,
    cloud::{Cloud, InvalidLaunch},
    compile::{Asking, Compiled},
    here::{Call, Here, ProjectMoment, invalid},
    judge::Launching,
    judgement::Judgement,
    ledger::Ledger,
    offered::{Wanted, compile},
    reader::Number,
    store::Store,
};

/// Offers of one region and context that are derived and kept at most.
const COMPILED: usize = 50_000;

/// What is asked of every offer.
pub(crate) struct Question<'a> {
    pub(crate) offers: &'a [NumberedOffer],
    pub(crate) needs: &'a [(u32, Need)],
    pub(crate) count: u32,
    pub(crate) profile: &'a Profile,
}

/// A region of the call, or the judgement of an offer that stood before it in the list.
pub(crate) enum Judged<'j> {
    New {
        here: &'j Here,
        judgement: &'j mut Judgement,
    },
    Same {
        as_offer: usize,
    },
}

/// Judges each offer alone, in their order.
pub(crate) fn judge_offers<C: Cloud>(
    call: &Call<'_, C>,
    store: &mut Store,
    question: &Question<'_>,
    mut each: impl FnMut(Judged<'_>),
) -> Result<(), Refusal> {
    let stamp = store.begin();
    check_count(question.count)?;
    let mut needs: BTreeMap<usize, Vec<Need>> = BTreeMap::new();
    for (offer, need) in question.needs {
        let offer = usize::try_from(*offer).unwrap_or(usize::MAX);
        needs.entry(offer).or_default().push(need.clone());
    }
    let mut regions = Regions {
        moment: store.moment(call.reader, &question.profile.project),
        numbers: Vec::new(),
        here: Vec::new(),
    };
    let key = question
        .profile
        .reservation_key
        .as_deref()
        .unwrap_or_default();
    let reservation_key = call.reader.number_of(key);
    let how = Asking::how(question.profile);
    let mut judgement = Judgement::new();
    // Of launches that are judged alone nothing is entered.
    let mut ledger = Ledger::default();
    let judged = question
        .offers
        .iter()
        .enumerate()
        .try_for_each(|(index, offer)| {
            let own_needs = needs.get(&index).map_or(&[][..], Vec::as_slice);
            let asking = Asking {
                instance_type: offer.instance_type,
                lifecycle: offer.lifecycle,
                zone: offer.zone,
                reservation_key,
                how,
            };
            let here = regions.of(call, store, question, offer.region)?;
            let compiled = match own_needs {
                [] => compiled_in_order(call, here, &asking, question.profile),
                _ => compiled(call, here, &asking, question.profile, own_needs),
            };
            let seen = compiled.judged.get();
            if own_needs.is_empty() {
                if seen.call == stamp {
                    each(Judged::Same {
                        as_offer: seen.offer,
                    });
                    return Ok(());
                }
                compiled.judged.set(crate::compile::JudgedIn {
                    call: stamp,
                    offer: index,
                });
            }
            let zonal = here.zonal_part(call, &compiled.zones);
            let zone_name = (offer.zone != 0).then(|| call.reader.name_of(offer.zone));
            let launch = Launching {
                instance_type: offer.instance_type,
                lifecycle: offer.lifecycle,
                zone: offer.zone,
                zone_name: zone_name.as_deref(),
                count: question.count,
                profile: question.profile,
                needs: own_needs,
                compiled,
                zonal,
            };
            judgement.clear();
            call.launch_into(&mut judgement, here, &launch, &mut ledger);
            each(Judged::New {
                here,
                judgement: &mut judgement,
            });
            Ok(())
        });
    for here in regions.here {
        store.give_back(here.context);
    }
    judged
}

/// The regions of one call.
struct Regions {
    moment: ProjectMoment,
    numbers: Vec<Number>,
    /// One a number.
    here: Vec<Here>,
}

impl Regions {
    fn of<C: Cloud>(
        &mut self,
        call: &Call<'_, C>,
        store: &mut Store,
        question: &Question<'_>,
        region: Number,
    ) -> Result<&mut Here, Refusal> {
        let known = self.numbers.iter().position(|known| *known == region);
        let at = known.unwrap_or(self.numbers.len());
        if known.is_none() {
            let name = call.reader.name_of(region);
            let project = question.profile.project.as_str();
            let context = store.take(call.cloud, call.descriptor, call.reader, project, &name);
            let mut here = Here::new(call, context, self.moment.clone());
            if let Err(refusal) = here.set_profile(call, question.profile) {
                store.give_back(here.context);
                return Err(refusal);
            }
            let launch = Launching {
                instance_type: 0,
                lifecycle: 0,
                zone: 0,
                zone_name: None,
                count: question.count,
                profile: question.profile,
                needs: &[],
                compiled: Rc::new(Compiled::default()),
                zonal: None,
            };
            here.judgement = call.judge_profile(&here, &launch, &Ledger::default());
            self.numbers.push(region);
            self.here.push(here);
        }
        self.here
            .get_mut(at)
            .ok_or_else(|| invalid(InvalidLaunch(String::from("an offer of no region"))))
    }
}

/// What was derived of the next offer of a list without needs of its own, or derives it.
fn compiled_in_order<C: Cloud>(
    call: &Call<'_, C>,
    here: &mut Here,
    asking: &Asking,
    profile: &Profile,
) -> Rc<Compiled> {
    let at = here.next_in_order;
    here.next_in_order = at.saturating_add(1);
    if let Some((known, compiled)) = here.context.in_order.get(at)
        && known == asking
    {
        return Rc::clone(compiled);
    }
    let compiled = compiled(call, here, asking, profile, &[]);
    let in_order = &mut here.context.in_order;
    let item = (*asking, Rc::clone(&compiled));
    if let Some(known) = in_order.get_mut(at) {
        *known = item;
    } else if at == in_order.len() && at < COMPILED {
        in_order.push(item);
    }
    compiled
}

/// What was derived of an offer, or derives it.
pub(crate) fn compiled<C: Cloud>(
    call: &Call<'_, C>,
    here: &mut Here,
    asking: &Asking,
    profile: &Profile,
    needs: &[Need],
) -> Rc<Compiled> {
    let is_kept = needs.is_empty();
    if is_kept && let Some(known) = here.compiled(asking) {
        return known;
    }
    let name = call.reader.name_of(asking.instance_type);
    let lifecycle = call.reader.name_of(asking.lifecycle);
    let zone = (asking.zone != 0).then(|| call.reader.name_of(asking.zone));
    let wanted = Wanted {
        instance_type: &name,
        zone: zone.as_deref(),
        lifecycle: &lifecycle,
        needs,
        profile,
    };
    let number = asking.instance_type;
    let context = &mut here.context;
    let mut made = compile(
        context,
        call.cloud,
        call.reader,
        call.descriptor,
        number,
        &wanted,
    );
    made.advised = Advised::of(context, number, asking.lifecycle, asking.zone);
    let made = Rc::new(made);
    if is_kept {
        if context.compiled.len() >= COMPILED {
            context.compiled.clear();
            context.in_order.clear();
        }
        context.compiled.insert(*asking, Rc::clone(&made));
    }
    here.open_up(call);
    made
}

/// A launch has instances.
pub(crate) fn check_count(count: u32) -> Result<(), Refusal> {
    if count > 0 {
        return Ok(());
    }
    Err(invalid(InvalidLaunch(String::from(
        "a launch of no instances: `count` must be at least 1",
    ))))
}

/// An answer that is being made: distinct findings stand once.
#[derive(Default)]
pub(crate) struct AnswerBuilder {
    answer: Answer,
    /// Places in `answer.findings` plus one, by hash; zero is free. The length is a power of two.
    slots: Vec<u32>,
}

impl AnswerBuilder {
    /// An answer for so many offers.
    pub(crate) fn of(offers: usize) -> Self {
        let mut builder = Self::default();
        builder.answer.heads.reserve_exact(offers);
        builder
    }

    pub(crate) fn finish(self) -> Answer {
        self.answer
    }

    /// Adds the judgement of the next offer.
    pub(crate) fn push<C: Cloud>(&mut self, call: &Call<'_, C>, judged: Judged<'_>) {
        let judgement = match judged {
            Judged::Same { as_offer } => {
                let same = self.answer.heads.get(as_offer).copied();
                self.answer.heads.extend(same);
                return;
            }
            Judged::New { judgement, .. } => judgement,
        };
        let mut head = Head {
            quota: judgement.quota,
            capacity: judgement.capacity,
            fits_count: judgement.bound.fits_count(),
            first: length(&self.answer.references),
            findings: 0,
        };
        for noted in judgement.shown(call.policy.detail) {
            let reference = self.finding(noted.finding);
            self.answer.references.push(reference);
            head.findings = head.findings.saturating_add(1);
        }
        self.answer.heads.push(head);
    }

    fn finding(&mut self, finding: NumberedFinding) -> u32 {
        if self.slots.len() < 2 * (self.answer.findings.len() + 1) {
            self.grow();
        }
        let mask = self.slots.len().saturating_sub(1);
        let mut at = hash(&finding) & mask;
        loop {
            let Some(slot) = self.slots.get_mut(at) else {
                return 0;
            };
            let Some(known) = slot.checked_sub(1) else {
                let index = length(&self.answer.findings);
                *slot = index.saturating_add(1);
                self.answer.findings.push(finding);
                return index;
            };
            let index = usize::try_from(known).unwrap_or(usize::MAX);
            if self.answer.findings.get(index) == Some(&finding) {
                return known;
            }
            at = (at + 1) & mask;
        }
    }

    fn grow(&mut self) {
        let size = (4 * (self.answer.findings.len() + 8)).next_power_of_two();
        self.slots.clear();
        self.slots.resize(size, 0);
        for (index, finding) in self.answer.findings.iter().enumerate() {
            let mut at = hash(finding) & (size - 1);
            while self.slots.get(at).is_some_and(|slot| *slot != 0) {
                at = (at + 1) & (size - 1);
            }
            if let Some(slot) = self.slots.get_mut(at) {
                *slot = u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1);
            }
        }
    }
}

fn length<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).unwrap_or(u32::MAX)
}

/// A number that differs for most findings that differ.
fn hash(finding: &NumberedFinding) -> usize {
    const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut sum = u64::from(finding.row) << 32 | u64::from(finding.quota);
    sum ^= (finding.reason as u64) << 24 | (finding.outcome as u64) << 60;
    sum = sum.wrapping_mul(SPREAD).rotate_left(29);
    sum ^= finding.required.unwrap_or(0);
    let spread = sum.wrapping_mul(SPREAD) >> 32;
    usize::try_from(spread).unwrap_or(0)
}
