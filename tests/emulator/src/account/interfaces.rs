//! The addresses of an instance: what its interfaces ask for, and how they are assigned and let go.

use std::collections::HashMap;

use nebius_api::nebius::{
    compute::v1::{
        IpAddressStatus, NetworkInterfaceSpec, NetworkInterfaceStatus, PublicIpAddress,
        PublicIpAddressStatus, public_ip_address,
    },
    vpc::v1::{
        Assignment, NetworkInterfaceAssignment, allocation_status::State, assignment,
        network_interface_assignment::Type,
    },
};

use super::{Account, allocations};
use crate::{
    inventory::{Charges, Lease, Place},
    refusal::Refusal,
    settings::Settings,
};

const MOST_INTERFACES: usize = 8;
const ADDRESSES: &str = "spec.network_interfaces.ip_address";

/// An address that an interface asks for.
#[derive(Clone)]
pub(super) struct Address {
    interface: usize,
    name: String,
    role: Type,
    origin: Origin,
}

#[derive(Clone)]
enum Origin {
    /// One that is there, which takes nothing.
    Existing(String),
    /// One that is made with the instance; a dynamic one comes at each start and goes at each stop.
    New { dynamic: bool },
}

impl Address {
    /// What it takes.
    pub(super) fn charges(&self, settings: &Settings) -> Charges {
        let is_public = self.role == Type::Public;
        match self.origin {
            Origin::Existing(_) => Charges::default(),
            Origin::New { .. } if !is_public && !settings.private_addresses_take_allocations => {
                Charges::default()
            }
            Origin::New { .. } => allocations::charges(is_public),
        }
    }

    pub(super) const fn is_dynamic(&self) -> bool {
        matches!(self.origin, Origin::New { dynamic: true })
    }
}

impl Account {
    /// Reads what the interfaces of an instance ask for and checks that addresses that exist are free.
    pub(super) fn addresses(
        &self,
        place: &Place,
        interfaces: &[NetworkInterfaceSpec],
    ) -> Result<Vec<Address>, Refusal> {
        if interfaces.is_empty() || interfaces.len() > MOST_INTERFACES {
            return Err(Refusal::invalid(
                "spec.network_interfaces",
                "must be 1 to 8",
            ));
        }
        let mut addresses = Vec::new();
        for (index, interface) in interfaces.iter().enumerate() {
            if interface.subnet_id != allocations::subnet_id(&place.project_id) {
                return Err(Refusal::NotFound(interface.subnet_id.clone()));
            }
            let private = interface.ip_address.as_ref();
            let private = private.ok_or_else(|| Refusal::invalid(ADDRESSES, "is required"))?;
            let mut wanted = vec![(Type::Primary, private.allocation_id.as_str(), false)];
            if let Some(public) = &interface.public_ip_address {
                wanted.push((Type::Public, allocation_of(public), !public.r#static));
            }
            for alias in &interface.aliases {
                wanted.push((Type::Alias, &alias.allocation_id, false));
            }
            addresses.extend(wanted.into_iter().map(|(role, id, dynamic)| Address {
                interface: index,
                name: interface.name.clone(),
                role,
                origin: if id.is_empty() {
                    Origin::New { dynamic }
                } else {
                    Origin::Existing(id.to_owned())
                },
            }));
        }
        self.check_existing(place, &addresses)?;
        Ok(addresses)
    }

    fn check_existing(&self, place: &Place, addresses: &[Address]) -> Result<(), Refusal> {
        let mut named = Vec::new();
        for address in addresses {
            let Origin::Existing(id) = &address.origin else {
                continue;
            };
            let held = self.inventory.allocations.get_in(&place.project_id, id)?;
            self.must_be_idle(id)?;
            if allocations::is_public(&held.shown) != (address.role == Type::Public) {
                return Err(Refusal::invalid(
                    ADDRESSES,
                    "is an allocation of the other kind",
                ));
            }
            if allocations::is_assigned(&held.shown) || named.contains(&id) {
                return Err(Refusal::State {
                    resource_id: id.clone(),
                    message: "the allocation is assigned",
                });
            }
            named.push(id);
        }
        Ok(())
    }

    /// The addresses that an instance gets anew at each start.
    pub(super) fn addresses_at_start(&self, instance_id: &str) -> Vec<Address> {
        let held = self.inventory.instances.get(instance_id).ok();
        let spec = held.and_then(|held| held.shown.spec.as_ref());
        let interfaces = spec.map_or(&[][..], |spec| &spec.network_interfaces);
        let dynamic = interfaces
            .iter()
            .enumerate()
            .filter_map(|(index, interface)| {
                let public = interface.public_ip_address.as_ref()?;
                let dynamic = !public.r#static && allocation_of(public).is_empty();
                dynamic.then(|| Address {
                    interface: index,
                    name: interface.name.clone(),
                    role: Type::Public,
                    origin: Origin::New { dynamic },
                })
            });
        dynamic.collect()
    }

    /// Gives an instance its addresses.
    pub(super) fn assign(&mut self, place: &Place, instance_id: &str, addresses: Vec<Address>) {
        for address in addresses {
            let id = match &address.origin {
                Origin::Existing(id) => id.clone(),
                Origin::New { dynamic } => {
                    let lease = Lease {
                        instance_id: Some(instance_id.to_owned()),
                        dynamic: *dynamic,
                    };
                    let public = address.role == Type::Public;
                    self.put_allocation(place, public, ("", HashMap::new()), lease)
                }
            };
            let Some(held) = self.inventory.allocations.get_mut(&id) else {
                continue;
            };
            let status = held.shown.status.get_or_insert_default();
            status.set_state(State::Assigned);
            let interface = NetworkInterfaceAssignment {
                instance_id: instance_id.to_owned(),
                name: address.name.clone(),
                r#type: address.role.into(),
            };
            status.assignment = Some(Assignment {
                r#type: Some(assignment::Type::NetworkInterface(interface)),
            });
            let kept = status.r#static;
            let details = status.details.clone().unwrap_or_default();
            self.show(instance_id, &address, id, details.allocated_cidr, kept);
        }
    }

    /// Puts an address into the status of its instance.
    fn show(
        &mut self,
        instance_id: &str,
        address: &Address,
        allocation_id: String,
        cidr: String,
        kept: bool,
    ) {
        let Some(held) = self.inventory.instances.get_mut(instance_id) else {
            return;
        };
        let interfaces = &mut held.status().network_interfaces;
        while interfaces.len() <= address.interface {
            interfaces.push(NetworkInterfaceStatus {
                index: i32::try_from(interfaces.len()).unwrap_or(i32::MAX),
                ..NetworkInterfaceStatus::default()
            });
        }
        let Some(interface) = interfaces.get_mut(address.interface) else {
            return;
        };
        address.name.clone_into(&mut interface.name);
        match address.role {
            Type::Primary => {
                interface.ip_address = Some(IpAddressStatus {
                    address: cidr,
                    allocation_id,
                });
            }
            Type::Public => {
                interface.public_ip_address = Some(PublicIpAddressStatus {
                    address: cidr,
                    allocation_id,
                    r#static: kept,
                });
            }
            Type::Alias | Type::Unspecified => {}
        }
    }

    /// A stopped instance has no dynamic address.
    pub(super) fn release_dynamic_addresses(&mut self, instance_id: &str) {
        self.inventory.allocations.retain(|held| {
            let own = held.more.instance_id.as_deref() == Some(instance_id);
            !(own && held.more.dynamic)
        });
        let dynamic = self.addresses_at_start(instance_id);
        if let Some(held) = self.inventory.instances.get_mut(instance_id) {
            let interfaces = &mut held.status().network_interfaces;
            for address in dynamic {
                if let Some(interface) = interfaces.get_mut(address.interface) {
                    interface.public_ip_address = None;
                }
            }
        }
    }

    /// The addresses made for an instance go with it, the others are free again.
    pub(super) fn release_addresses(&mut self, instance_id: &str) {
        let allocations = &mut self.inventory.allocations;
        allocations.retain(|held| held.more.instance_id.as_deref() != Some(instance_id));
        for held in allocations.iter_mut() {
            let status = held.shown.status.get_or_insert_default();
            let assigned = status.assignment.as_ref();
            let holder = assigned.and_then(|assigned| assigned.r#type.as_ref());
            if let Some(assignment::Type::NetworkInterface(holder)) = holder
                && holder.instance_id == instance_id
            {
                status.assignment = None;
                status.set_state(State::Allocated);
            }
        }
    }
}

fn allocation_of(public: &PublicIpAddress) -> &str {
    match &public.allocation {
        Some(public_ip_address::Allocation::AllocationId(id)) => id,
        None => "",
    }
}
