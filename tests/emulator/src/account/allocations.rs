//! Addresses as resources of their own, and the subnet that they are from.

use std::{borrow::Cow, collections::HashMap};

use nebius_api::nebius::{
    common::v1::{Operation, ResourceMetadata},
    vpc::v1::{
        Allocation, AllocationDetails, AllocationSpec, AllocationStatus, CreateAllocationRequest,
        IPv4PrivateAllocationSpec, IPv4PublicAllocationSpec, Subnet, SubnetSpec, SubnetStatus,
        allocation_spec::IpSpec, allocation_status::State, i_pv4_private_allocation_spec,
        i_pv4_public_allocation_spec, subnet_status,
    },
};

use super::{
    Account, Rows, must_be_new,
    operations::{Change, End, Kind},
};
use crate::{
    inventory::{Charges, Held, Lease, Place},
    refusal::Refusal,
};

const COUNT: &str = "vpc.allocation.count";
const PUBLIC: &str = "vpc.ipv4-address.public.count";
const PRIVATE_CIDR: &str = "10.0.0.0/16";
/// Reserved for measurements, so that no address is anyone's.
const PUBLIC_CIDR: &str = "198.18.0.0/16";

/// What one address takes: an allocation and, if it is public, a public address besides.
pub(super) fn charges(public: bool) -> Charges {
    Charges::of([(COUNT, 1), (PUBLIC, u64::from(public))])
}

/// The id of the one subnet that a project has.
pub(super) fn subnet_id(project_id: &str) -> String {
    let routing = project_id.strip_prefix("project-").unwrap_or(project_id);
    format!("vpcsubnet-{routing}")
}

impl Account {
    pub(crate) fn create_allocation(
        &mut self,
        request: &CreateAllocationRequest,
    ) -> Result<Operation, Refusal> {
        const DESCRIPTION: &str = "Create allocation";
        let metadata = request.metadata.clone().unwrap_or_default();
        let place = self.new_place(&metadata.parent_id)?;
        let allocations = &self.inventory.allocations;
        must_be_new(
            &metadata.name,
            allocations.named(&place.project_id, &metadata.name),
        )?;
        let spec = request.spec.as_ref().and_then(|spec| spec.ip_spec.as_ref());
        let public = match spec {
            Some(IpSpec::Ipv4Private(_)) => false,
            Some(IpSpec::Ipv4Public(_)) => true,
            None => return Err(Refusal::invalid("spec.ip_spec", "is required")),
        };
        let quotas = self.violations(&place, &charges(public));
        if !quotas.is_empty() {
            let refusal = Refusal::over_quota(quotas);
            return self.refuse(Kind::Allocation, None, DESCRIPTION, refusal);
        }
        let named = (metadata.name.as_str(), metadata.labels);
        let id = self.put_allocation(&place, public, named, Lease::default());
        Ok(self.begin(Change {
            kind: Kind::Allocation,
            resource_id: id,
            description: DESCRIPTION,
            failure: None,
            end: End::Ready,
        }))
    }

    pub(crate) fn delete_allocation(&mut self, id: &str) -> Result<Operation, Refusal> {
        let held = self.inventory.allocations.get(id)?;
        self.must_be_idle(id)?;
        if is_assigned(&held.shown) {
            return Err(Refusal::State {
                resource_id: id.to_owned(),
                message: "the allocation is assigned",
            });
        }
        if let Some(held) = self.inventory.allocations.get_mut(id) {
            let status = held.shown.status.get_or_insert_default();
            status.set_state(State::Deleting);
        }
        Ok(self.begin(Change {
            kind: Kind::Allocation,
            resource_id: id.to_owned(),
            description: "Delete allocation",
            failure: None,
            end: End::Removed,
        }))
    }

    /// Stores an address that nobody has yet and returns its id.
    pub(super) fn put_allocation(
        &mut self,
        place: &Place,
        public: bool,
        (name, labels): (&str, HashMap<String, String>),
        lease: Lease,
    ) -> String {
        let id = self.mint(Kind::Allocation.id_type());
        let subnet_id = subnet_id(&place.project_id);
        let ip_spec = if public {
            let pool = i_pv4_public_allocation_spec::Pool::SubnetId(subnet_id.clone());
            IpSpec::Ipv4Public(IPv4PublicAllocationSpec {
                cidr: String::new(),
                pool: Some(pool),
            })
        } else {
            let pool = i_pv4_private_allocation_spec::Pool::SubnetId(subnet_id.clone());
            IpSpec::Ipv4Private(IPv4PrivateAllocationSpec {
                cidr: String::new(),
                pool: Some(pool),
            })
        };
        let prefix = if public { "198.18" } else { "10.0" };
        let [.., high, low] = self.minted.to_be_bytes();
        let is_free = !public
            && lease.instance_id.is_some()
            && !self.settings.private_addresses_take_allocations;
        let held = Held {
            place: place.clone(),
            charges: if is_free {
                Charges::default()
            } else {
                charges(public)
            },
            shown: Allocation {
                metadata: Some(self.metadata(&id, place, name, labels)),
                spec: Some(AllocationSpec {
                    ip_spec: Some(ip_spec),
                }),
                status: Some(AllocationStatus {
                    state: State::Allocated.into(),
                    details: Some(AllocationDetails {
                        allocated_cidr: format!("{prefix}.{high}.{low}/32"),
                        subnet_id,
                    }),
                    assignment: None,
                    r#static: !lease.dynamic,
                }),
            },
            more: lease,
        };
        self.inventory.allocations.insert(id.clone(), held);
        id
    }

    /// Every project has one subnet, which the emulator does not count, since the world's rows already do.
    pub(crate) fn subnets(&self, parent_id: &str) -> Result<Rows<'static, Subnet>, Refusal> {
        let place = self.place(parent_id)?;
        Ok(Rows {
            items: Cow::Owned(vec![subnet(&place.project_id)]),
            complete: true,
        })
    }

    pub(crate) fn subnet(&self, id: &str) -> Result<Subnet, Refusal> {
        let files = self.world.by_project.keys().map(String::as_str);
        let listed = self.world.projects.answer();
        let listed = listed.map_or(&[][..], |list| &list.items).iter();
        let listed = listed.map(|project| super::id_of(project.metadata.as_ref()));
        let mut projects = files.chain(listed);
        projects
            .find(|project_id| subnet_id(project_id) == id)
            .map(subnet)
            .ok_or_else(|| Refusal::NotFound(id.to_owned()))
    }
}

pub(super) fn is_assigned(allocation: &Allocation) -> bool {
    let status = allocation.status.as_ref();
    status.is_some_and(|status| status.assignment.is_some())
}

pub(super) fn is_public(allocation: &Allocation) -> bool {
    let spec = allocation.spec.as_ref();
    let spec = spec.and_then(|spec| spec.ip_spec.as_ref());
    matches!(spec, Some(IpSpec::Ipv4Public(_)))
}

/// Clients look for it by the start of its name.
fn subnet(project_id: &str) -> Subnet {
    let id = subnet_id(project_id);
    let name = id.replacen("vpcsubnet-", "default-subnet-", 1);
    Subnet {
        metadata: Some(ResourceMetadata {
            id,
            parent_id: project_id.to_owned(),
            name,
            ..ResourceMetadata::default()
        }),
        spec: Some(SubnetSpec {
            network_id: subnet_id(project_id).replacen("vpcsubnet-", "vpcnetwork-", 1),
        }),
        status: Some(SubnetStatus {
            state: subnet_status::State::Ready.into(),
            ipv4_private_cidrs: vec![PRIVATE_CIDR.to_owned()],
            ipv4_public_cidrs: vec![PUBLIC_CIDR.to_owned()],
        }),
    }
}
