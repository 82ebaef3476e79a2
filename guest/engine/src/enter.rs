//! What a launch takes, entered into the book of its plan.

use alloc::vec::Vec;

use quotagate_contract::ReservationUse;

use crate::{
    cloud::{Cloud, Draws},
    compile::{Entry, target_at},
    here::{Call, Here},
    judge::{Launching, drawing_count},
    ledger::Ledger,
    reservation::ReservationCover,
};

impl<C: Cloud> Call<'_, C> {
    /// Enters what a launch takes that cannot be judged and may be made nevertheless, as far as it is known.
    pub(crate) fn enter_unjudged(&self, here: &Here, launch: &Launching<'_>, ledger: &mut Ledger) {
        let cover = self.cover(here, launch, ledger);
        self.enter_all(here, launch, cover.as_ref(), ledger);
    }

    /// Enters what a launch takes of rows and of reservations.
    pub(crate) fn enter_all(
        &self,
        here: &Here,
        launch: &Launching<'_>,
        cover: Option<&ReservationCover>,
        ledger: &mut Ledger,
    ) {
        let drawing = self.drawing(here, launch);
        // What is certain of a row stands in the entries beside what may be taken of it.
        for entry in &drawing.entries {
            self.enter(here, launch, entry, cover, ledger);
        }
        for alternatives in &drawing.alternatives {
            let mut entered: Vec<u32> = Vec::new();
            for entry in alternatives.options.iter().flatten() {
                let is_beside = drawing
                    .entries
                    .iter()
                    .any(|known| known.target == entry.target);
                if is_beside || entered.contains(&entry.target) {
                    continue;
                }
                entered.push(entry.target);
                let of_all = alternatives
                    .options
                    .iter()
                    .all(|option| option.iter().any(|other| other.target == entry.target));
                let mut entry = entry.clone();
                if !of_all {
                    entry.sum = entry.sum.perhaps();
                }
                self.enter(here, launch, &entry, cover, ledger);
            }
        }
        if let Some(cover) = cover {
            cover.take(&self.cover_question(here, launch), ledger);
        }
    }

    /// Enters what a launch takes: rows that do not decide are not drawn on, and reserved capacity spares those that it covers.
    fn enter(
        &self,
        here: &Here,
        launch: &Launching<'_>,
        entry: &Entry,
        cover: Option<&ReservationCover>,
        ledger: &mut Ledger,
    ) {
        let Some(target) = target_at(&here.context, entry.target) else {
            return;
        };
        let is_drawn_on = match entry.sum.draws {
            Draws::Never => false,
            Draws::WhereListed => target.is_listed(),
            Draws::Always => {
                let insists = launch.profile.reservation == ReservationUse::Strict;
                !(entry.sum.is_reservable && insists && launch.compiled.may_be_reserved)
            }
        };
        if is_drawn_on {
            let count = drawing_count(launch, entry, cover);
            let amount = entry.sum.each.times(count).plus(entry.sum.once);
            ledger.take(&target.ledger_key, amount);
        }
    }
}
