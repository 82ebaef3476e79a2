//! The account as it is watched, and what changed between two looks at it.

use std::collections::BTreeMap;

use quotagate::{Availability, Inventory, JudgedOffer, Lifecycle, NamedSource, Scope, SourceState};
use serde::Serialize;

use crate::{
    reason,
    render::{quotas, sources},
};

/// One look at an account.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct View {
    rows: BTreeMap<RowKey, Row>,
    sources: BTreeMap<String, Source>,
    offers: BTreeMap<OfferKey, Judged>,
    blocks: BTreeMap<BlockKey, u64>,
}

/// Which block: one cause may block several things.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct BlockKey {
    pub(crate) cause: String,
    pub(crate) region: String,
    /// The quota, or the instance type.
    pub(crate) what: String,
    /// The project, lifecycle and fabric, as far as it is of one.
    #[serde(skip)]
    pub(crate) scope: String,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct RowKey {
    pub(crate) quota: String,
    pub(crate) region: String,
    pub(crate) owner: String,
}

#[derive(Clone, Debug, PartialEq)]
struct Row {
    scope: Scope,
    unit: String,
    limit: Option<u64>,
    /// None where it was not measured.
    usage: Option<u64>,
}

#[derive(Clone, Debug, PartialEq)]
struct Source {
    state: SourceState,
    detail: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct OfferKey {
    pub(crate) instance_type: String,
    pub(crate) region: String,
    pub(crate) lifecycle: &'static str,
    pub(crate) project: String,
}

#[derive(Clone, Debug, PartialEq)]
struct Judged {
    availability: Availability,
    reason: String,
}

/// One thing that changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub(crate) enum Change {
    /// A quota's limit; none where the row sets none.
    Limit {
        #[serde(flatten)]
        row: RowKey,
        scope: Scope,
        unit: String,
        from: Option<u64>,
        to: Option<u64>,
    },
    /// What is used of a quota; none where it was not measured.
    Usage {
        #[serde(flatten)]
        row: RowKey,
        scope: Scope,
        unit: String,
        from: Option<u64>,
        to: Option<u64>,
        limit: Option<u64>,
    },
    /// A source that can be read again, or no longer.
    Source {
        source: String,
        from: SourceState,
        to: SourceState,
        #[serde(skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
    },
    /// An offer's availability; from none where it is new, to none where it is gone.
    Offer {
        #[serde(flatten)]
        offer: OfferKey,
        from: Option<Availability>,
        to: Option<Availability>,
        #[serde(skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// Launches that are blocked because one failed, or no longer.
    Block {
        #[serde(flatten)]
        block: BlockKey,
        /// In milliseconds since the Unix epoch; none where it is over.
        until: Option<u64>,
    },
}

impl View {
    /// Looks at what was read and judged, as far as it is of these regions; all, where none are named.
    pub(crate) fn new(inventory: &Inventory, items: &[JudgedOffer], regions: &[String]) -> Self {
        let is_shown =
            |region: &str| regions.is_empty() || regions.iter().any(|known| known == region);
        let mut view = Self::default();
        let of_projects = inventory
            .projects()
            .filter_map(|id| inventory.project_allowances(id));
        let lists = [(Scope::Tenant, inventory.tenant_allowances())]
            .into_iter()
            .chain(of_projects.map(|list| (Scope::Project, list)));
        for (scope, list) in lists {
            for row in list.rows.iter().filter(|row| is_shown(&row.region)) {
                let key = RowKey {
                    quota: row.name.clone(),
                    region: row.region.clone(),
                    owner: row.owner.clone(),
                };
                let row = Row {
                    scope,
                    unit: row.unit.clone(),
                    limit: row.limit,
                    usage: quotas::used(row),
                };
                view.rows.insert(key, row);
            }
        }
        let of = |source: NamedSource| {
            let read = Source {
                state: source.report.state,
                detail: source.report.detail.clone(),
            };
            (sources::name(&source), read)
        };
        view.sources = inventory.sources().into_iter().map(of).collect();
        for item in items {
            let key = OfferKey {
                instance_type: item.offer.instance_type.clone(),
                region: item.offer.region.clone(),
                lifecycle: match item.offer.lifecycle {
                    Lifecycle::OnDemand => "on-demand",
                    Lifecycle::Preemptible => "preemptible",
                },
                project: item.project.clone(),
            };
            let judged = Judged {
                availability: item.verdict.availability,
                reason: reason::text(&item.verdict),
            };
            view.offers.insert(key, judged);
        }
        for block in inventory
            .blocks()
            .iter()
            .filter(|block| is_shown(&block.region))
        {
            let what = block.quota.as_ref().or(block.instance_type.as_ref());
            let scope =
                [&block.project, &block.fabric].map(|name| name.clone().unwrap_or_default());
            let key = BlockKey {
                cause: block.cause.clone(),
                region: block.region.clone(),
                what: what.cloned().unwrap_or_default(),
                scope: format!("{} {:?}", scope.join(" "), block.lifecycle),
            };
            view.blocks.insert(key, block.until);
        }
        view
    }

    /// How many offers are of each availability.
    pub(crate) fn counts(&self) -> Vec<(Availability, usize)> {
        let count = |wanted: &Availability| {
            let offers = self.offers.values();
            offers.filter(|offer| offer.availability == *wanted).count()
        };
        Availability::ALL
            .iter()
            .map(|wanted| (*wanted, count(wanted)))
            .collect()
    }

    /// What is different now. A source that could not be read takes its rows along without their being gone.
    pub(crate) fn changes_to(&self, now: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        for (name, source) in &now.sources {
            let Some(before) = self
                .sources
                .get(name)
                .filter(|before| before.state != source.state)
            else {
                continue;
            };
            changes.push(Change::Source {
                source: name.clone(),
                from: before.state,
                to: source.state,
                detail: source.detail.clone(),
            });
        }
        for (key, row) in &now.rows {
            let Some(before) = self.rows.get(key) else {
                continue;
            };
            if before.limit != row.limit {
                changes.push(Change::Limit {
                    row: key.clone(),
                    scope: row.scope,
                    unit: row.unit.clone(),
                    from: before.limit,
                    to: row.limit,
                });
            }
            if before.usage != row.usage {
                changes.push(Change::Usage {
                    row: key.clone(),
                    scope: row.scope,
                    unit: row.unit.clone(),
                    from: before.usage,
                    to: row.usage,
                    limit: row.limit,
                });
            }
        }
        changes.extend(self.blocks_to(now));
        changes.extend(self.offers_to(now));
        changes
    }

    fn blocks_to(&self, now: &Self) -> Vec<Change> {
        let begun = now
            .blocks
            .iter()
            .filter(|(block, until)| self.blocks.get(*block) != Some(*until));
        let over = self
            .blocks
            .keys()
            .filter(|block| !now.blocks.contains_key(*block));
        begun
            .map(|(block, until)| (block, Some(*until)))
            .chain(over.map(|block| (block, None)))
            .map(|(block, until)| Change::Block {
                block: block.clone(),
                until,
            })
            .collect()
    }

    fn offers_to(&self, now: &Self) -> Vec<Change> {
        let changed = now.offers.iter().filter_map(|(key, offer)| {
            let before = self.offers.get(key).map(|before| before.availability);
            (before != Some(offer.availability)).then(|| Change::Offer {
                offer: key.clone(),
                from: before,
                to: Some(offer.availability),
                reason: offer.reason.clone(),
            })
        });
        let gone = self
            .offers
            .iter()
            .filter(|(key, _)| !now.offers.contains_key(*key));
        let gone = gone.map(|(key, before)| Change::Offer {
            offer: key.clone(),
            from: Some(before.availability),
            to: None,
            reason: String::new(),
        });
        changed.chain(gone).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> RowKey {
        RowKey {
            quota: "gpus".to_owned(),
            region: "here".to_owned(),
            owner: "tenant".to_owned(),
        }
    }

    fn view(limit: u64, usage: u64, availability: Availability, state: SourceState) -> View {
        let row = Row {
            scope: Scope::Tenant,
            unit: "count".to_owned(),
            limit: Some(limit),
            usage: Some(usage),
        };
        let offer = OfferKey {
            instance_type: "big".to_owned(),
            region: "here".to_owned(),
            lifecycle: "on-demand",
            project: "p".to_owned(),
        };
        let judged = Judged {
            availability,
            reason: String::new(),
        };
        let source = Source {
            state,
            detail: None,
        };
        View {
            rows: [(key(), row)].into(),
            sources: [("quotas".to_owned(), source)].into(),
            offers: [(offer, judged)].into(),
            blocks: BTreeMap::new(),
        }
    }

    #[test]
    fn what_stays_the_same_is_no_change() {
        let one = || view(8, 4, Availability::Available, SourceState::Complete);
        assert_eq!(one().changes_to(&one()), []);
    }

    #[test]
    fn every_change_is_told_once() {
        let before = view(8, 4, Availability::Available, SourceState::Complete);
        let mut after = view(16, 12, Availability::NoQuota, SourceState::Denied);
        let blocked = |what: &str| BlockKey {
            cause: "it failed".to_owned(),
            what: what.to_owned(),
            ..BlockKey::default()
        };
        after.blocks.insert(blocked("gpus"), 7);
        // The same cause, of another thing.
        after.blocks.insert(blocked("disks"), 9);
        let changes = before.changes_to(&after);
        assert_eq!(changes.len(), 6, "{changes:#?}");
        let back = after.changes_to(&before);
        assert_eq!(back.len(), 6, "{back:#?}");
        let over = Change::Block {
            block: blocked("gpus"),
            until: None,
        };
        assert!(back.contains(&over));
    }

    #[test]
    fn rows_that_cannot_be_read_for_a_while_are_not_gone() {
        let before = view(8, 4, Availability::Available, SourceState::Complete);
        let mut unread = view(8, 4, Availability::Unknown, SourceState::Unavailable);
        unread.rows.clear();
        let changes = before.changes_to(&unread);
        assert!(
            changes
                .iter()
                .all(|change| matches!(change, Change::Source { .. } | Change::Offer { .. }))
        );
    }
}
