//! From options to what the gate is asked: the launch, with its type, project and profile.

use quotagate::{Disk, Inventory, Launch, Offer, Profile};

use crate::{
    args::{KindSize, LaunchOptions, PublicIp},
    error::CliError,
    known,
};

/// The launch of an offer that the options describe, in the project that they name, else in the usual one where that is
/// in the region. Refuses names that the account does not know.
pub(crate) fn launch(
    offer: Offer,
    options: &LaunchOptions,
    inventory: &Inventory,
    usual_project: Option<&String>,
) -> Result<Launch, CliError> {
    if let Some(project) = &options.project {
        known::project(inventory, project)?;
    }
    let homes = inventory.projects_in(&offer.region);
    if homes.is_empty() {
        known::region(inventory, &offer.region)?;
    }
    known::instance_type(inventory, &offer.instance_type)?;
    let mut profile = profile(options);
    if let Some(usual) = usual_project
        && profile.project.is_empty()
        && homes.contains(usual)
    {
        profile.project.clone_from(usual);
    }
    Ok(Launch {
        offer,
        count: options.count,
        profile,
    })
}

/// The profile that the options describe: by default one boot disk of 100 GiB and one private address.
pub(crate) fn profile(options: &LaunchOptions) -> Profile {
    let disks = |kinds: &[KindSize]| {
        let disks = kinds.iter().map(|disk| Disk {
            kind: disk.kind.clone(),
            bytes: disk.bytes,
            count: 1,
        });
        disks.collect::<Vec<_>>()
    };
    Profile {
        project: options.project.clone().unwrap_or_default(),
        reservation: options.reservation,
        disks: if options.no_disk {
            Vec::new()
        } else {
            disks(&options.disk)
        },
        filesystems: disks(&options.filesystem),
        private_addresses: 1,
        dynamic_public_addresses: u32::from(options.public_ip == PublicIp::Dynamic),
        static_public_addresses: u32::from(options.public_ip == PublicIp::Static),
        restart: options.restart,
        new_cluster: options.new_cluster,
        node_group: options.node_group,
        fabric: options.fabric.clone(),
    }
}

/// The name of a type as it was typed: platform and preset, with white space, a slash or, as SkyPilot has it, an underscore
/// between.
pub(crate) fn type_name(typed: &str) -> String {
    let mut parts = typed
        .split(|character: char| character.is_whitespace() || matches!(character, '/' | '_'))
        .filter(|part| !part.is_empty());
    match (parts.next(), parts.next(), parts.next()) {
        (Some(platform), Some(preset), None) => format!("{platform} {preset}"),
        _ => typed.trim().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_a_platform_and_a_preset() {
        for typed in [
            "gpu-x 1gpu",
            "gpu-x/1gpu",
            "gpu-x_1gpu",
            "  gpu-x   1gpu ",
            "gpu-x / 1gpu",
        ] {
            assert_eq!(type_name(typed), "gpu-x 1gpu");
        }
        assert_eq!(type_name("gpu-x"), "gpu-x");
        assert_eq!(type_name("a/b/c"), "a/b/c");
    }
}
