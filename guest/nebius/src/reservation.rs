//! What a reservation does for a launch (nebius rules 28 and 29).

use quotagate_guest::{Asked, Reservation, Serves};

use crate::describe::ON_DEMAND;

/// The cloud's word for one that serves.
const ACTIVE: &str = "ACTIVE";

/// Only regular GPU instances use reserved capacity.
pub(crate) fn may_serve(asked: &Asked<'_>) -> bool {
    asked.instance_type.gpus > 0 && asked.lifecycle == ON_DEMAND
}

/// An active one serves whole instances of its own platform.
pub(crate) fn serves(asked: &Asked<'_>, reservation: &Reservation) -> Option<Serves> {
    let is_active = reservation.state == ACTIVE;
    let is_its_hardware = reservation.family.as_deref() == Some(&asked.instance_type.family);
    (is_active && is_its_hardware && may_serve(asked)).then(|| Serves {
        each: asked.instance_type.gpus.into(),
        is_certain: true,
    })
}
