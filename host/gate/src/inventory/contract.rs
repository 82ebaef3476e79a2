//! An inventory as data: everything that a plugin is shown, in the contract's record, from which hosts of other languages judge.

use std::{collections::BTreeMap, sync::Arc};

use quotagate_contract::{
    Feed, Place, Reservation, ReservationsOfProject, SourceReport, SourceState, TypesOfProject,
};

use super::{Answered, Inventory, Listed, Replacement, Status};
use crate::source::{Account, Answer, Share, SourceId};

impl Inventory {
    /// Everything that a plugin is shown of the account.
    pub fn contract(&self) -> quotagate_contract::Inventory {
        let projects = || self.projects();
        let said = || self.lists.values().filter_map(Listed::said);
        let (mut rows, mut holdings, mut capacities) = (Vec::new(), Vec::new(), Vec::new());
        for answer in said() {
            match answer {
                Answer::Rows(items) => rows.extend(items.iter().cloned()),
                Answer::Holdings(items) => holdings.extend(items.iter().cloned()),
                Answer::Capacities(items) => capacities.extend(items.iter().cloned()),
                _ => {}
            }
        }
        quotagate_contract::Inventory {
            owners: self.account().projects.clone(),
            places: self.account().places.clone(),
            rows,
            holdings,
            types: projects()
                .map(|project| self.types_as_data(project))
                .collect(),
            capacities,
            reservations: projects()
                .map(|project| ReservationsOfProject {
                    project: project.to_string(),
                    items: self.reservations_of(project, None),
                })
                .collect(),
            sources: self.sources(),
            held: self.held().to_vec(),
            lessons: self.lessons().to_vec(),
        }
    }

    fn types_as_data(&self, project: &str) -> TypesOfProject {
        let mut types = TypesOfProject {
            project: project.to_owned(),
            ..TypesOfProject::default()
        };
        for answered in self.shown_to(Feed::Types, project) {
            if let Answer::Types { items, kinds } = &answered.answer {
                types.items.extend(items.iter().cloned());
                types.kinds.extend(kinds.iter().cloned());
            }
        }
        types
    }
}

impl From<quotagate_contract::Inventory> for Inventory {
    /// An account that was written down: plugins are shown just that.
    fn from(written: quotagate_contract::Inventory) -> Self {
        let (held, lessons) = (written.held.clone(), written.lessons.clone());
        let mut inventory = Self::empty(None);
        for Part { report, answer } in parts(written) {
            let listed = Listed {
                id: Arc::new(id_of(&report)),
                answer: Some(Arc::new(Answered::new(answer))),
                read: None,
                status: Status {
                    state: report.state,
                    fetched_at: report.fetched_at,
                    asked_at: report.asked_at,
                    detail: report.detail,
                },
            };
            inventory.replace(Replacement::new(None, listed));
        }
        let mut held = held;
        held.sort_by(|one, other| one.row.cmp(&other.row));
        inventory.promise(held, lessons);
        inventory
    }
}

/// One source of an account that was written down.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) report: SourceReport,
    pub(crate) answer: Answer,
}

pub(crate) fn id_of(report: &SourceReport) -> SourceId {
    SourceId {
        key: report.key.clone(),
        kind: report.kind.clone(),
        feed: report.feed,
        owner: report.owner.clone(),
        place: report.place.clone(),
    }
}

/// Puts what was written down back into the sources that it came from. What no source of it would bring gets one of its own.
pub(crate) fn parts(written: quotagate_contract::Inventory) -> Vec<Part> {
    let quotagate_contract::Inventory {
        owners,
        places,
        rows,
        holdings,
        types,
        capacities,
        reservations,
        sources,
        held: _,
        lessons: _,
    } = written;
    let mut parts = Parts::new(sources);
    let says_whose = !owners.is_empty() || !places.is_empty() || !parts.has(Feed::Account);
    if says_whose
        && let Answer::Account(account) =
            parts.of(Feed::Account, "account", None, &Place::EVERYWHERE)
    {
        *account = Account {
            projects: owners,
            places,
        };
    }
    for row in rows {
        if let Answer::Rows(items) = parts.of(Feed::Rows, "rows", Some(&row.owner), &row.place) {
            items.push(row);
        }
    }
    for item in holdings {
        let owner = Some(item.owner.as_str());
        if let Answer::Holdings(items) = parts.of(Feed::Holdings, "holdings", owner, &item.place) {
            items.push(item);
        }
    }
    for of_project in types {
        let project = Some(of_project.project.as_str());
        let part = parts.of_project(Feed::Types, "types", project);
        if let Answer::Types { items, kinds } = part {
            items.extend(of_project.items);
            kinds.extend(of_project.kinds);
        }
    }
    for item in capacities {
        if let Answer::Capacities(items) =
            parts.of(Feed::Capacities, "capacities", None, &item.place)
        {
            items.push(item);
        }
    }
    parts.put_reservations(reservations);
    parts.parts
}

struct Parts {
    parts: Vec<Part>,
    by_key: BTreeMap<String, usize>,
    read_at: u64,
}

impl Parts {
    fn new(sources: Vec<SourceReport>) -> Self {
        let mut parts = Self {
            read_at: sources
                .iter()
                .map(|source| source.fetched_at)
                .max()
                .unwrap_or(0),
            parts: Vec::new(),
            by_key: BTreeMap::new(),
        };
        for report in sources {
            parts.add(report);
        }
        parts
    }

    fn add(&mut self, report: SourceReport) -> usize {
        let place = self.parts.len();
        let answer = match report.feed {
            Feed::Account => Answer::Account(Account::default()),
            Feed::Rows => Answer::Rows(Vec::new()),
            Feed::Holdings => Answer::Holdings(Vec::new()),
            Feed::Types => Answer::Types {
                items: Vec::new(),
                kinds: Vec::new(),
            },
            Feed::Capacities => Answer::Capacities(Vec::new()),
            Feed::Reservations => Answer::Reservations(Vec::new()),
        };
        self.by_key.insert(report.key.clone(), place);
        self.parts.push(Part { report, answer });
        place
    }

    fn has(&self, feed: Feed) -> bool {
        self.parts.iter().any(|part| part.report.feed == feed)
    }

    /// The source of a feed that would bring something of this owner and place.
    fn of(&mut self, feed: Feed, kind: &str, owner: Option<&str>, place: &Place) -> &mut Answer {
        let is_of = |part: &Part| {
            let (of, at) = (&part.report.owner, &part.report.place.region);
            part.report.feed == feed
                && (of.is_none() || owner.is_none() || of.as_deref() == owner)
                && (at.is_none() || *at == place.region)
        };
        let found = self.parts.iter().position(is_of);
        let at = found.unwrap_or_else(|| self.add_own(feed, kind, None));
        self.answer(at)
    }

    fn of_project(&mut self, feed: Feed, kind: &str, project: Option<&str>) -> &mut Answer {
        let is_of = |part: &Part, owner: Option<&str>| {
            part.report.feed == feed && part.report.owner.as_deref() == owner
        };
        let own = self.parts.iter().position(|part| is_of(part, project));
        let found = own.or_else(|| self.parts.iter().position(|part| is_of(part, None)));
        let at = found.unwrap_or_else(|| self.add_own(feed, kind, project));
        self.answer(at)
    }

    /// Makes a source for what none brings.
    fn add_own(&mut self, feed: Feed, kind: &str, project: Option<&str>) -> usize {
        let id = match project {
            Some(project) => SourceId::of_project(kind, feed, project),
            None => SourceId::of_account(kind, feed),
        };
        if let Some(known) = self.by_key.get(&id.key) {
            let is_same = self
                .parts
                .get(*known)
                .is_some_and(|part| part.report.feed == feed);
            if is_same {
                return *known;
            }
        }
        self.add(SourceReport {
            key: id.key,
            kind: id.kind,
            feed,
            owner: id.owner,
            place: id.place,
            state: SourceState::Complete,
            fetched_at: self.read_at,
            asked_at: self.read_at,
            detail: None,
        })
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "places come from `add` and `position`"
    )]
    fn answer(&mut self, at: usize) -> &mut Answer {
        &mut self.parts[at].answer
    }

    /// Reservations are the account's where every project is shown the same, and a project's own otherwise.
    fn put_reservations(&mut self, reservations: Vec<ReservationsOfProject>) {
        let bare = |of_project: &ReservationsOfProject| -> Vec<Reservation> {
            let items = of_project.items.iter().cloned();
            items
                .map(|item| Reservation {
                    share: None,
                    share_unread: false,
                    ..item
                })
                .collect()
        };
        let Some(common) = reservations.first().map(bare) else {
            return;
        };
        let is_common = reservations
            .iter()
            .all(|of_project| bare(of_project) == common);
        let is_of_all =
            |part: &Part| part.report.feed == Feed::Reservations && part.report.owner.is_none();
        let of_all = self.parts.iter().position(is_of_all);
        if is_common && !common.is_empty() {
            let at =
                of_all.unwrap_or_else(|| self.add_own(Feed::Reservations, "reservations", None));
            *self.answer(at) = Answer::Reservations(common);
        }
        for ReservationsOfProject { project, items } in reservations {
            if items.is_empty() {
                continue;
            }
            let is_unread = items.iter().any(|item| item.share_unread);
            let own = self.parts.iter().position(|part| {
                part.report.feed == Feed::Reservations
                    && part.report.owner.as_deref() == Some(&project)
            });
            let shares: Vec<Share> = items
                .iter()
                .filter_map(|item| {
                    Some(Share {
                        reservation: item.row.key.clone(),
                        row: item.share.clone()?,
                    })
                })
                .collect();
            if is_common && shares.is_empty() && !is_unread && own.is_none() {
                continue;
            }
            let at = own.unwrap_or_else(|| {
                self.add_own(Feed::Reservations, "reservation_shares", Some(&project))
            });
            if is_unread
                && own.is_none()
                && let Some(part) = self.parts.get_mut(at)
            {
                part.report.state = SourceState::Unavailable;
            }
            *self.answer(at) = if is_common {
                Answer::Shares(shares)
            } else {
                Answer::Reservations(items)
            };
        }
    }
}
