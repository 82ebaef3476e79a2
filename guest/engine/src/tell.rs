//! Findings in words.

use alloc::{collections::BTreeMap, string::String, sync::Arc};

use quotagate_contract::{Detail, Finding, QuotaOutcome, Reason, Verdict};

use crate::{
    answer::NumberedFinding,
    cloud::Cloud,
    here::{Call, Here},
    judgement::{Judgement, Noted},
    reader::Number,
};

/// Turns numbers into names, each looked up once.
#[derive(Default)]
pub(crate) struct Names(BTreeMap<Number, String>);

impl<C: Cloud> Call<'_, C> {
    fn name(&self, names: &mut Names, number: Number) -> Option<String> {
        if number == 0 {
            return None;
        }
        let name = names.0.entry(number);
        Some(name.or_insert_with(|| self.reader.name_of(number)).clone())
    }

    /// A finding in words, with what to do about it.
    pub(crate) fn told(
        &self,
        names: &mut Names,
        titles: &impl Fn(Number) -> Option<String>,
        quota: QuotaOutcome,
        noted: Noted,
    ) -> Finding {
        let Noted {
            finding: numbers,
            detail,
            list,
            ..
        } = noted;
        let mut finding = self.named(names, titles, &numbers);
        finding.detail = detail;
        // One remedy at a time: where a quota blocks, the launch never gets to ask for hardware.
        let is_beside = quota == QuotaOutcome::Blocked && finding.outcome == QuotaOutcome::Fits;
        if !is_beside && !matches!(finding.reason, Reason::Fits | Reason::NotDecisive) {
            finding.remedy = self.cloud.remedy(&finding, list);
        }
        if self.policy.detail == Detail::All {
            let rule = self.cloud.rule(&finding);
            finding.rule = (!rule.is_empty()).then(|| rule.into());
        }
        finding
    }

    fn named(
        &self,
        names: &mut Names,
        titles: &impl Fn(Number) -> Option<String>,
        numbers: &NumberedFinding,
    ) -> Finding {
        Finding {
            quota: self.name(names, numbers.quota),
            title: titles(numbers.quota),
            owner: self.name(names, numbers.owner),
            level: self.name(names, numbers.level),
            region: self.name(names, numbers.region),
            zone: self.name(names, numbers.zone),
            unit: self.name(names, numbers.unit).unwrap_or_default(),
            required: numbers.required,
            limit: numbers.limit,
            usage: numbers.usage,
            usage_at_most: numbers.usage_at_most,
            held: numbers.held,
            headroom: numbers.headroom,
            shortfall: numbers.shortfall,
            minimum_limit: numbers.minimum_limit,
            ..Finding::new(numbers.reason, numbers.outcome)
        }
    }

    /// The verdict on one offer.
    pub(crate) fn verdict(
        &self,
        names: &mut Names,
        here: &Here,
        judgement: &mut Judgement,
    ) -> Verdict {
        let (quota, capacity) = (judgement.quota, judgement.capacity);
        let fits_count = judgement.bound.fits_count();
        let titles = |quota: Number| here.context.title(quota);
        let findings = judgement.shown(self.policy.detail).drain(..);
        Verdict {
            quota,
            capacity,
            fits_count,
            findings: findings
                .map(|noted| Arc::new(self.told(names, &titles, quota, noted)))
                .collect(),
        }
    }
}
