//! How far the lists were read that a judgement rests on, and whether they can be believed.

use alloc::{format, string::String, vec::Vec};

use quotagate_contract::{Feed, Place, Policy, Reason, SourceReport, SourceState};

/// The sources as they stand in one call.
#[derive(Clone, Copy)]
pub(crate) struct Sources<'a> {
    pub(crate) all: &'a [SourceReport],
    pub(crate) now: u64,
    pub(crate) policy: &'a Policy,
}

/// Whether a list can be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Readability {
    pub(crate) reading: ListReading,
    /// How far the list was read, for remedies.
    pub(crate) state: SourceState,
    /// The source that decides, by its place among all.
    source: Option<usize>,
}

/// How far a list can be relied on. A later case beats an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ListReading {
    /// It was read to its end.
    Whole,
    /// It was read in part: what it holds is true.
    InPart,
    /// The cloud has no such list.
    Unsupported,
    /// It was read too long ago.
    Stale,
    /// It was not read.
    Unread,
}

impl ListReading {
    /// The reason of findings that rest on it, where it is not to be believed at all.
    pub(crate) const fn unreadable(self) -> Option<Reason> {
        match self {
            Self::Whole | Self::InPart => None,
            Self::Unsupported => Some(Reason::Unsupported),
            Self::Stale => Some(Reason::Stale),
            Self::Unread => Some(Reason::ScopeUnreadable),
        }
    }
}

impl Readability {
    pub(crate) const fn is_whole(self) -> bool {
        matches!(self.reading, ListReading::Whole)
    }

    /// Whether something may be there that was not read.
    pub(crate) const fn may_lack(self) -> bool {
        !matches!(self.reading, ListReading::Whole | ListReading::Unsupported)
    }
}

impl<'a> Sources<'a> {
    /// The sources that bring an owner's rows of one place; an owner's sources alone where it has some, and those of the account.
    pub(crate) fn of_rows(
        self,
        owner: &'a str,
        region: Option<&'a str>,
        zone: Option<&'a str>,
    ) -> impl Iterator<Item = (usize, &'a SourceReport)> {
        self.of_feed(Feed::Rows).filter(move |(_, source)| {
            source.owner.as_deref().is_none_or(|own| own == owner)
                && covers(&source.place, region, zone)
        })
    }

    /// The sources of a feed.
    pub(crate) fn of_feed(self, feed: Feed) -> impl Iterator<Item = (usize, &'a SourceReport)> {
        let all = self.all.iter().enumerate();
        all.filter(move |(_, source)| source.feed == feed)
    }

    /// The sources of a feed that bring something of one region, of the account or of one of these owners.
    pub(crate) fn of_region<'o>(
        self,
        feed: Feed,
        region: &'o str,
        is_owner: impl Fn(&str) -> bool,
    ) -> impl Iterator<Item = (usize, &'a SourceReport)> {
        self.of_feed(feed).filter(move |(_, source)| {
            source.owner.as_deref().is_none_or(&is_owner)
                && source
                    .place
                    .region
                    .as_deref()
                    .is_none_or(|own| own == region)
        })
    }

    /// What several sources together are worth: the worst of them, and unread where there is none. A list that the cloud does not
    /// have takes nothing from one that it has.
    pub(crate) fn weigh(
        self,
        sources: impl Iterator<Item = (usize, &'a SourceReport)>,
    ) -> Readability {
        let mut worst: Option<Readability> = None;
        for (index, source) in sources {
            let found = Readability {
                reading: self.reading(source),
                state: source.state,
                source: Some(index),
            };
            let is_lack = |one: &Readability| one.reading == ListReading::Unsupported;
            worst = Some(match worst {
                None => found,
                Some(known) if is_lack(&known) => found,
                Some(known) if is_lack(&found) || known.reading >= found.reading => known,
                Some(_) => found,
            });
        }
        worst.unwrap_or(Readability {
            reading: ListReading::Unread,
            state: SourceState::Unavailable,
            source: None,
        })
    }

    fn reading(self, source: &SourceReport) -> ListReading {
        match source.state {
            SourceState::Denied | SourceState::Unavailable => ListReading::Unread,
            SourceState::Unsupported => ListReading::Unsupported,
            _ if self.is_old(source) => ListReading::Stale,
            SourceState::Incomplete => ListReading::InPart,
            SourceState::Complete => ListReading::Whole,
        }
    }

    fn is_old(self, source: &SourceReport) -> bool {
        let age = self.now.saturating_sub(source.fetched_at);
        self.policy.max_age_ms.is_some_and(|max_age| age > max_age)
    }

    /// Why a list is not whole, in words.
    pub(crate) fn why(self, readability: Readability) -> String {
        let source = readability.source.and_then(|index| self.all.get(index));
        let detail = source.and_then(|source| source.detail.as_deref());
        match readability.reading {
            ListReading::Whole => String::new(),
            ListReading::InPart => match detail {
                Some(detail) => format!("the list was read in part: {detail}"),
                None => String::from("the list was read in part"),
            },
            ListReading::Unsupported => String::from("the cloud has no such list"),
            ListReading::Stale => {
                let fetched_at = source.map_or(0, |source| source.fetched_at);
                format!(
                    "read {} s ago, older than the {} s that the policy allows",
                    self.now.saturating_sub(fetched_at) / 1000,
                    self.policy.max_age_ms.unwrap_or(0) / 1000
                )
            }
            ListReading::Unread if source.is_none() => String::from("it was not read"),
            ListReading::Unread => detail.unwrap_or("the cloud did not say why").into(),
        }
    }

    /// The sources of holdings that a usage rests on: of these kinds, of the row's owner, and of the row's place.
    pub(crate) fn of_usage<'o>(
        self,
        kinds: &'o [&'static str],
        owner: &'o str,
        region: Option<&'o str>,
    ) -> impl Iterator<Item = (usize, &'a SourceReport)> + use<'a, 'o>
    where
        'a: 'o,
    {
        self.all.iter().enumerate().filter(move |(_, source)| {
            kinds.contains(&source.kind.as_str())
                && source.owner.as_deref().is_none_or(|own| own == owner)
                && (region.is_none()
                    || source.place.region.is_none()
                    || source.place.region.as_deref() == region)
        })
    }

    /// Whether more may be used than was counted, since a list that a usage rests on is not whole.
    pub(crate) fn leave_open(
        self,
        kinds: &[&'static str],
        owner: &str,
        region: Option<&str>,
    ) -> Option<Readability> {
        if kinds.is_empty() {
            return None;
        }
        for kind in kinds {
            let sources: Vec<_> = self
                .of_usage(core::slice::from_ref(kind), owner, region)
                .collect();
            let weighed = self.weigh(sources.into_iter());
            if !weighed.is_whole() {
                return Some(weighed);
            }
        }
        None
    }
}

fn covers(place: &Place, region: Option<&str>, zone: Option<&str>) -> bool {
    match (place.region.as_deref(), region) {
        (None, _) => true,
        (Some(own), Some(region)) => {
            own == region && (place.zone.is_none() || place.zone.as_deref() == zone)
        }
        // What counts everywhere is in lists of no region.
        (Some(_), None) => false,
    }
}
