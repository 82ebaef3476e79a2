//! Rows as a plugin reads them.

use std::collections::HashSet;

use quotagate_contract::{Limit, Standing};

use super::check_sources;
use crate::{
    bindings::exports::quotagate::plugin::gate,
    plugin::{
        CallError, Contradiction, Shown,
        names::{Known, NAMES, Number},
    },
};

/// The most rows that may stand in an answer.
const MOST_STANDINGS: usize = 100_000;

/// Checks standings of a project's rows; of some alone, where only those were asked for.
pub(in crate::plugin) fn check(
    standings: &[gate::Standing],
    project: &str,
    only: Option<&[Number]>,
    shown: &dyn Shown,
) -> Result<(), CallError> {
    if standings.len() > MOST_STANDINGS {
        let what = Contradiction::TooManyStandings;
        return Err(CallError::at(MOST_STANDINGS, what));
    }
    let only: Option<HashSet<Number>> = only.map(|only| only.iter().copied().collect());
    let mut rows = HashSet::with_capacity(standings.len());
    let known = NAMES.known();
    for (index, standing) in standings.iter().enumerate() {
        check_one(standing, &known).map_err(|what| CallError::at(index, what))?;
        if !rows.insert(standing.row) {
            return Err(CallError::at(index, Contradiction::StandsTwice));
        }
        if only
            .as_ref()
            .is_some_and(|only| !only.contains(&standing.row))
        {
            return Err(CallError::at(index, Contradiction::StandsUnasked));
        }
    }
    drop(known);
    let keys = standings.iter().enumerate().flat_map(|(index, standing)| {
        let keys = standing.rests_on.iter();
        keys.map(move |key| (index, key))
    });
    check_sources(keys, &[project], shown)
}

fn check_one(standing: &gate::Standing, known: &Known<'_>) -> Result<(), Contradiction> {
    let key = known
        .name_of(standing.row)
        .ok_or(Contradiction::UnknownName)?;
    if standing.row == 0 || key.as_ref() != standing.key {
        return Err(Contradiction::StandsUnderAnotherKey);
    }
    let usage = standing.usage;
    if usage
        .at_most
        .is_some_and(|at_most| at_most < usage.at_least)
    {
        return Err(Contradiction::StandsUpsideDown);
    }
    if let (Some(limit), Some(headroom)) = (Limit::from(standing.limit).number(), standing.headroom)
        && headroom > limit.saturating_sub(usage.at_least)
    {
        return Err(Contradiction::StandsTooTall);
    }
    Ok(())
}

/// The contract's records of standings that were checked.
pub(in crate::plugin) fn lift(standings: Vec<gate::Standing>) -> Vec<Standing> {
    standings.into_iter().map(Into::into).collect()
}
