//! What is asked: offers, launches, failures.

use alloc::{format, vec::Vec};

use quotagate_contract as contract;
use quotagate_engine as engine;

use super::each;
use crate::component::{
    bindings::{exports::quotagate::plugin::gate as wit_gate, quotagate::plugin::types as wit},
    invalid,
};

cases!(per: wit::Per => contract::Per { Instance, Launch });
cases!(reservation_use: wit::ReservationUse => contract::ReservationUse { Auto, Forbid, Strict });
cases!(detail: wit::Detail => contract::Detail { None, Deciding, All });

fn need(need: wit::Need) -> contract::Need {
    fields!(need => contract::Need {
        kind,
        pieces,
        bytes,
        numbers: |numbers| each(numbers, |number: wit::NeedNumber| {
            fields!(number => contract::NeedNumber { name, value })
        }),
        per: per,
    })
}

fn needs(needs: Vec<wit::Need>) -> Vec<contract::Need> {
    each(needs, need)
}

/// Needs of the offers of a list of this length.
pub(in super::super) fn needs_of(
    needs: Vec<wit::OfferNeed>,
    offers: usize,
) -> Result<Vec<(u32, contract::Need)>, wit_gate::GateError> {
    let is_of_none =
        |need: &&wit::OfferNeed| !usize::try_from(need.offer).is_ok_and(|place| place < offers);
    if let Some(stray) = needs.iter().find(is_of_none) {
        return Err(invalid(format!(
            "a need of the offer {}, counted from zero, in a list of {offers}",
            stray.offer
        )));
    }
    Ok(each(needs, |of_offer| {
        (of_offer.offer, need(of_offer.need))
    }))
}

pub(in super::super) fn offers(offers: Vec<wit::NumberedOffer>) -> Vec<engine::NumberedOffer> {
    each(
        offers,
        |offer| fields!(offer => engine::NumberedOffer { instance_type, region, zone, lifecycle }),
    )
}

pub(in super::super) fn profile(profile: wit::Profile) -> contract::Profile {
    fields!(profile => contract::Profile {
        project,
        reservation: reservation_use,
        reservation_key,
        needs: needs,
        restart,
        together,
    })
}

pub(in super::super) fn policy(policy: wit::Policy) -> contract::Policy {
    fields!(policy => contract::Policy { detail: detail, max_age_ms })
}

fn offer(offer: wit::Offer) -> contract::Offer {
    fields!(offer => contract::Offer { instance_type, region, zone, lifecycle, needs: needs })
}

pub(in super::super) fn launch(launch: wit::Launch) -> contract::Launch {
    fields!(launch => contract::Launch { offer: offer, count, profile: profile })
}

pub(in super::super) fn plan(plan: Vec<wit::Launch>) -> Vec<contract::Launch> {
    each(plan, launch)
}

pub(in super::super) fn failure(failure: wit_gate::Failure) -> contract::Failure {
    match failure {
        wit_gate::Failure::Text(text) => contract::Failure::Text(text),
        wit_gate::Failure::Parts(parts) => {
            contract::Failure::Parts(fields!(parts => contract::FailureParts {
                code,
                http_status,
                message,
                details: |details| each(details, |item: wit_gate::FailureDetail| {
                    fields!(item => contract::FailureDetail { type_name, value })
                }),
            }))
        }
    }
}
