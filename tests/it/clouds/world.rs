//! An account of an imaginary cloud, put together in a few words.

use quotagate::{
    Attribute, Capacity, ContractInventory, Feed, Grade, Holding, InstanceType, Launch, Limit,
    Offer, Offered, Owner, Place, Profile, Reservation, ReservationsOfProject, Row, RowState,
    SourceReport, SourceState, TypesOfProject, Usage,
};

/// The time of every such account.
pub(super) const NOW: u64 = 1_800_000_000_000;

/// The project of every such account.
pub(super) const PROJECT: &str = "p";

#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) cloud: &'static str,
    pub(super) inventory: ContractInventory,
}

/// `r1` is a region, `r1/a` a zone of it, nothing is everywhere.
pub(super) fn place(text: &str) -> Place {
    match text.split_once('/') {
        Some((region, _)) => Place::zone(region, text),
        None if text.is_empty() => Place::EVERYWHERE,
        None => Place::region(text),
    }
}

impl World {
    /// An account whose project has these owners, by id and level, the project last.
    pub(super) fn new(cloud: &'static str, owners: &[(&str, &str)]) -> Self {
        let owners = owners.iter().map(|(id, level)| Owner {
            id: (*id).to_owned(),
            level: (*level).to_owned(),
            ..Owner::default()
        });
        let mut world = Self {
            cloud,
            inventory: ContractInventory {
                owners: vec![owners.collect()],
                types: vec![TypesOfProject {
                    project: PROJECT.to_owned(),
                    ..TypesOfProject::default()
                }],
                reservations: vec![ReservationsOfProject {
                    project: PROJECT.to_owned(),
                    ..ReservationsOfProject::default()
                }],
                ..ContractInventory::default()
            },
        };
        for (kind, feed) in [
            ("account", Feed::Account),
            ("rows", Feed::Rows),
            ("instances", Feed::Holdings),
            ("types", Feed::Types),
            ("capacities", Feed::Capacities),
            ("reservations", Feed::Reservations),
        ] {
            world.inventory.sources.push(SourceReport {
                key: kind.to_owned(),
                kind: kind.to_owned(),
                feed,
                owner: None,
                place: Place::EVERYWHERE,
                state: SourceState::Complete,
                fetched_at: NOW,
                asked_at: NOW,
                detail: None,
            });
        }
        world
    }

    /// How far one of its lists was read.
    pub(super) fn read(mut self, kind: &str, state: SourceState) -> Self {
        for source in &mut self.inventory.sources {
            if source.kind == kind {
                source.state = state;
            }
        }
        self
    }

    /// A type with GPUs and vCPUs, offered at places under lifecycles.
    pub(super) fn offers(
        mut self,
        name: &str,
        family: &str,
        gpus: u32,
        vcpus: u32,
        places: &[&str],
    ) -> Self {
        let offered = places.iter().map(|text| Offered {
            place: place(text),
            lifecycles: vec!["on-demand".to_owned(), "spot".to_owned()],
            together: true,
            restriction: None,
        });
        self.inventory.types[0].items.push(InstanceType {
            name: name.to_owned(),
            family: family.to_owned(),
            gpus,
            vcpus,
            offered: offered.collect(),
            ..InstanceType::default()
        });
        self
    }

    /// Changes the type that was added last.
    pub(super) fn with_type(mut self, change: impl FnOnce(&mut InstanceType)) -> Self {
        change(self.inventory.types[0].items.last_mut().unwrap());
        self
    }

    /// A row: whose, of which quota, where, its limit and what is used.
    pub(super) fn row(
        mut self,
        owner: &str,
        quota: &str,
        at: &str,
        limit: Limit,
        usage: Usage,
    ) -> Self {
        self.inventory.rows.push(Row {
            key: format!("{owner}|{quota}|{at}"),
            quota: quota.to_owned(),
            owner: owner.to_owned(),
            place: place(at),
            unit: "count".to_owned(),
            state: RowState::InForce,
            limit,
            usage,
            ..Row::default()
        });
        self
    }

    /// A row with a limit and a measured usage.
    pub(super) fn limited(
        self,
        owner: &str,
        quota: &str,
        at: &str,
        limit: u64,
        usage: u64,
    ) -> Self {
        self.row(
            owner,
            quota,
            at,
            Limit::Amount(limit),
            Usage::exactly(usage),
        )
    }

    /// Changes the row that was added last.
    pub(super) fn with_row(mut self, change: impl FnOnce(&mut Row)) -> Self {
        change(self.inventory.rows.last_mut().unwrap());
        self
    }

    /// Instances in a state, with so many vCPUs each.
    pub(super) fn holds(mut self, pieces: u64, vcpus: u64, state: &str, at: &str) -> Self {
        self.inventory.holdings.push(Holding {
            kind: "instance".to_owned(),
            owner: PROJECT.to_owned(),
            place: place(at),
            pieces,
            bytes: 0,
            attributes: vec![
                Attribute::new("vcpus", vcpus.to_string()),
                Attribute::new("state", state),
            ],
        });
        self
    }

    /// A reservation of instances of one type in a zone.
    pub(super) fn reserves(mut self, id: &str, of: &str, at: &str, limit: u64, used: u64) -> Self {
        self.inventory.reservations[0].items.push(Reservation {
            row: Row {
                key: format!("reservation|{id}"),
                quota: id.to_owned(),
                owner: PROJECT.to_owned(),
                place: place(at),
                unit: "instance".to_owned(),
                limit: Limit::Amount(limit),
                usage: Usage::exactly(used),
                ..Row::default()
            },
            instance_type: Some(of.to_owned()),
            state: "active".to_owned(),
            ..Reservation::default()
        });
        self
    }

    /// Changes the reservation that was added last.
    pub(super) fn with_reservation(mut self, change: impl FnOnce(&mut Reservation)) -> Self {
        change(self.inventory.reservations[0].items.last_mut().unwrap());
        self
    }

    /// The cloud's advice.
    pub(super) fn advises(
        mut self,
        of: &str,
        at: &str,
        available: Option<u32>,
        grade: Grade,
    ) -> Self {
        self.inventory.capacities.push(Capacity {
            instance_type: of.to_owned(),
            place: place(at),
            lifecycle: "on-demand".to_owned(),
            available,
            grade,
            fresh: true,
            measured_at: Some(NOW),
            ..Capacity::default()
        });
        self
    }
}

/// A launch at a place.
pub(super) fn launch(count: u32, instance_type: &str, at: &str, lifecycle: &str) -> Launch {
    let Place { region, zone } = place(at);
    Launch {
        offer: Offer {
            instance_type: instance_type.to_owned(),
            region: region.unwrap_or_default(),
            zone,
            lifecycle: lifecycle.to_owned(),
            needs: Vec::new(),
        },
        count,
        profile: Profile {
            project: PROJECT.to_owned(),
            ..Profile::default()
        },
    }
}
