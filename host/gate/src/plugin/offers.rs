//! Offers by numbers, as they cross. A list that is asked about again is numbered once.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use quotagate_contract::Offer;

use super::names::{NAMES, NamesFull, Number};
use crate::bindings::exports::quotagate::plugin::gate::{NumberedOffer, OfferNeed};

/// A list of offers as it crosses.
pub(super) struct Numbered {
    pub(super) offers: Vec<NumberedOffer>,
    pub(super) needs: Vec<OfferNeed>,
}

/// The lists that were asked about last.
#[derive(Default)]
pub(super) struct NumberedLists(Mutex<Vec<KnownList>>);

/// A list by whose memory it is.
type KnownList = (Weak<[Offer]>, Arc<Numbered>);

/// How many lists are remembered: one a project of an account, as a rule.
const MOST_LISTS: usize = 16;

impl NumberedLists {
    /// The list by numbers.
    pub(super) fn number(&self, offers: &Arc<[Offer]>) -> Result<Arc<Numbered>, NamesFull> {
        let lists = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same =
            |(list, _): &&(Weak<[Offer]>, _)| std::ptr::eq(list.as_ptr(), Arc::as_ptr(offers));
        // While a list is remembered, no other one can stand where it stood.
        if let Some((_, numbered)) = lists().iter().find(same) {
            return Ok(Arc::clone(numbered));
        }
        let numbered = Arc::new(Numbered::new(offers)?);
        let mut lists = lists();
        lists.retain(|(list, _)| list.strong_count() > 0);
        if lists.len() >= MOST_LISTS {
            lists.remove(0);
        }
        lists.push((Arc::downgrade(offers), Arc::clone(&numbered)));
        drop(lists);
        Ok(numbered)
    }
}

impl Numbered {
    fn new(offers: &[Offer]) -> Result<Self, NamesFull> {
        let mut columns: [Column<'_>; 4] = [Column::default(); 4];
        let [types, regions, zones, lifecycles] = &mut columns;
        let mut numbered = Self {
            offers: Vec::with_capacity(offers.len()),
            needs: Vec::new(),
        };
        for (index, offer) in offers.iter().enumerate() {
            numbered.offers.push(NumberedOffer {
                instance_type: types.number(&offer.instance_type)?,
                region: regions.number(&offer.region)?,
                zone: zones.number(offer.zone.as_deref().unwrap_or_default())?,
                lifecycle: lifecycles.number(&offer.lifecycle)?,
            });
            let index = u32::try_from(index).map_err(|_| NamesFull)?;
            numbered
                .needs
                .extend(offer.needs.iter().map(|need| OfferNeed {
                    offer: index,
                    need: need.into(),
                }));
        }
        Ok(numbered)
    }
}

/// The last name of a column and its number: lists of offers repeat themselves.
#[derive(Clone, Copy, Default)]
struct Column<'a> {
    name: &'a str,
    number: Number,
}

impl<'a> Column<'a> {
    fn number(&mut self, name: &'a str) -> Result<Number, NamesFull> {
        if self.name != name {
            self.number = NAMES.number_of(name)?;
            self.name = name;
        }
        Ok(self.number)
    }
}

#[cfg(test)]
mod tests {
    use quotagate_contract::Need;

    use super::*;

    fn offer(instance_type: &str, zone: Option<&str>) -> Offer {
        Offer {
            instance_type: instance_type.to_owned(),
            region: "here".to_owned(),
            zone: zone.map(str::to_owned),
            lifecycle: "on-demand".to_owned(),
            needs: Vec::new(),
        }
    }

    #[test]
    fn equal_names_have_equal_numbers_and_needs_their_offers_place() {
        let mut needing = offer("small", None);
        needing.needs = vec![Need::pieces("card", 2)];
        let offers = [offer("small", None), offer("large", Some("a")), needing];
        let Numbered { offers, needs } = Numbered::new(&offers).unwrap();
        assert_eq!(offers[0], offers[2]);
        assert_ne!(offers[0].instance_type, offers[1].instance_type);
        assert_eq!((offers[0].zone, offers[0].region), (0, offers[1].region));
        assert_ne!(offers[1].zone, 0);
        assert_eq!((needs.len(), needs[0].offer), (1, 2));
    }

    #[test]
    fn a_list_is_numbered_once_and_forgotten_with_its_last_user() {
        let lists = NumberedLists::default();
        let offers: Arc<[Offer]> = Arc::new([offer("small", None)]);
        let first = lists.number(&offers).unwrap();
        assert!(Arc::ptr_eq(&first, &lists.number(&offers).unwrap()));
        drop(offers);
        let others: Vec<Arc<[Offer]>> =
            (0..20).map(|_| Arc::from([offer("large", None)])).collect();
        for other in &others {
            lists.number(other).unwrap();
        }
        assert_eq!(lists.0.lock().unwrap().len(), MOST_LISTS);
    }
}
