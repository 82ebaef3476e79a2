//! A list to its end, page by page, or as far as it can be read.

use std::collections::HashSet;

use nebius_api::nebius::{
    capacity::v1::{
        CapacityAllowance, CapacityBlockGroup, ListCapacityAllowancesResponse,
        ListCapacityBlockGroupsResponse, ListResourceAdviceResponse, ResourceAdvice,
    },
    compute::v1::{ListPlatformsResponse, Platform},
    iam::v2::{ListProjectsResponse, ListTenantsResponse, Project, Tenant},
    quotas::v1::{ListQuotaAllowancesResponse, QuotaAllowance},
};

use crate::error::CallError;

/// More pages than any account has.
pub(crate) const MOST_PAGES: usize = 200;

/// A page token that no cloud gives out: it marks a list that is known to lack rows.
const UNREAD: &str = "unread";

/// A list as far as it could be read.
#[derive(Debug)]
pub(crate) struct Fetched<Item> {
    /// What arrived, in the order of the cloud.
    pub(crate) items: Vec<Item>,
    /// Why there is more that did not arrive.
    pub(crate) interrupted: Option<Interruption>,
}

/// The end of a list that is not its end.
#[derive(Debug)]
pub(crate) struct Interruption {
    /// What happened.
    pub(crate) error: CallError,
    /// The token of the page that did not arrive; never empty.
    pub(crate) next_page_token: String,
}

/// How a list comes to a wrong end.
#[derive(Debug)]
pub(crate) enum Endless {
    /// The token came before.
    Repeated {
        /// The token.
        token: String,
        /// How many pages arrived.
        pages: usize,
    },
    /// No end in sight.
    TooMany(usize),
}

impl<Item> Fetched<Item> {
    /// A list in which rows are known to be missing.
    pub(crate) fn partial(items: Vec<Item>, error: CallError) -> Self {
        Self {
            items,
            interrupted: Some(Interruption {
                error,
                next_page_token: UNREAD.to_owned(),
            }),
        }
    }

    /// As one answer of the cloud, which carries the token of what is missing.
    pub(crate) fn into_response<Response: ListResponse<Item = Item>>(self) -> Response {
        let token = self.interrupted.map(|stop| stop.next_page_token);
        Response::of_parts(self.items, token.unwrap_or_default())
    }
}

/// A page of a list.
pub(crate) trait ListResponse {
    /// What the list is of.
    type Item;

    /// The rows, and the token of the next page; empty after the last one.
    fn into_parts(self) -> (Vec<Self::Item>, String);

    /// The same, borrowed.
    fn parts(&self) -> (&[Self::Item], &str);

    /// The page of these.
    fn of_parts(items: Vec<Self::Item>, next_page_token: String) -> Self;
}

macro_rules! list_responses {
    ($($response:ident of $item:ident),* $(,)?) => {
        $(impl ListResponse for $response {
            type Item = $item;

            fn into_parts(self) -> (Vec<$item>, String) {
                (self.items, self.next_page_token)
            }

            fn parts(&self) -> (&[$item], &str) {
                (&self.items, &self.next_page_token)
            }

            fn of_parts(items: Vec<$item>, next_page_token: String) -> Self {
                Self { items, next_page_token }
            }
        })*
    };
}

list_responses! {
    ListCapacityAllowancesResponse of CapacityAllowance,
    ListCapacityBlockGroupsResponse of CapacityBlockGroup,
    ListPlatformsResponse of Platform,
    ListProjectsResponse of Project,
    ListQuotaAllowancesResponse of QuotaAllowance,
    ListResourceAdviceResponse of ResourceAdvice,
    ListTenantsResponse of Tenant,
}

/// Reads all pages. Without the first there is no list; with it, whatever goes wrong later interrupts the list there.
/// The words for a list that does not end are the caller's.
pub(crate) async fn all_pages<Response, Page>(
    mut page: impl FnMut(String) -> Page,
    endless: impl Fn(Endless) -> CallError,
) -> Result<Fetched<Response::Item>, CallError>
where
    Response: ListResponse,
    Page: Future<Output = Result<Response, CallError>>,
{
    let (mut items, mut token) = page(String::new()).await?.into_parts();
    let mut seen = HashSet::new();
    let mut pages = 1;
    while !token.is_empty() {
        let stop = if !seen.insert(token.clone()) {
            let token = token.clone();
            Some(endless(Endless::Repeated { token, pages }))
        } else if pages == MOST_PAGES {
            Some(endless(Endless::TooMany(pages)))
        } else {
            match page(token.clone()).await.map(Response::into_parts) {
                Ok((more, next)) => {
                    items.extend(more);
                    token = next;
                    pages += 1;
                    None
                }
                Err(error) => Some(error),
            }
        };
        if let Some(error) = stop {
            tracing::info!(rows = items.len(), pages, %error, "a list was read in part");
            return Ok(Fetched {
                items,
                interrupted: Some(Interruption {
                    error,
                    next_page_token: token,
                }),
            });
        }
    }
    tracing::debug!(rows = items.len(), pages, "a list was read to its end");
    Ok(Fetched {
        items,
        interrupted: None,
    })
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use super::*;

    fn tenant(name: usize) -> Tenant {
        Tenant {
            metadata: Some(nebius_api::nebius::common::v1::ResourceMetadata {
                id: name.to_string(),
                ..Default::default()
            }),
            ..Tenant::default()
        }
    }

    fn words(end: Endless) -> CallError {
        let (asked, host) = ("list tenants".to_owned(), "here".to_owned());
        match end {
            Endless::Repeated { token, pages } => CallError::RepeatedPage {
                asked,
                host,
                token,
                pages,
            },
            Endless::TooMany(pages) => CallError::TooManyPages { asked, host, pages },
        }
    }

    /// Serves a page per token; `next` maps the number of a page to the token of the following one.
    async fn read(
        next: impl Fn(usize) -> Result<String, CallError>,
    ) -> (Result<Fetched<Tenant>, CallError>, Vec<String>) {
        let mut asked = Vec::new();
        let fetched = all_pages::<ListTenantsResponse, _>(
            |token| {
                asked.push(token);
                let number = asked.len();
                ready(next(number).map(|next_page_token| ListTenantsResponse {
                    items: vec![tenant(number)],
                    next_page_token,
                }))
            },
            words,
        )
        .await;
        (fetched, asked)
    }

    fn failed() -> CallError {
        CallError::NoTenant("a test".to_owned())
    }

    #[tokio::test]
    async fn pages_are_read_until_the_token_is_empty() {
        let (fetched, asked) = read(|page| {
            Ok(if page < 3 {
                page.to_string()
            } else {
                String::new()
            })
        })
        .await;
        let fetched = fetched.unwrap();
        assert_eq!(asked, ["", "1", "2"]);
        assert_eq!(fetched.items.len(), 3);
        assert!(fetched.interrupted.is_none());
        let response: ListTenantsResponse = fetched.into_response();
        assert_eq!(response.next_page_token, "");
    }

    #[tokio::test]
    async fn a_repeated_token_interrupts_the_list() {
        for (period, pages) in [(1, 2), (3, 4)] {
            let next = |page: usize| (page % period).to_string();
            let (fetched, asked) = read(|page| Ok(next(page))).await;
            let fetched = fetched.unwrap();
            assert_eq!(asked.len(), pages);
            assert_eq!(fetched.items.len(), pages);
            let stop = fetched.interrupted.unwrap();
            assert!(stop.error.to_string().contains("twice"));
            assert_eq!(stop.next_page_token, next(pages));
        }
    }

    #[tokio::test]
    async fn a_page_that_fails_after_the_first_keeps_the_rows_so_far() {
        let (fetched, _) = read(|page| match page {
            3 => Err(failed()),
            page => Ok(page.to_string()),
        })
        .await;
        let fetched = fetched.unwrap();
        assert_eq!(fetched.items.len(), 2);
        let stop = fetched.interrupted.as_ref().unwrap();
        assert!(matches!(stop.error, CallError::NoTenant(_)));
        let response: ListTenantsResponse = fetched.into_response();
        assert_eq!(response.next_page_token, "2");
    }

    #[tokio::test]
    async fn without_the_first_page_there_is_no_list() {
        let (fetched, asked) = read(|_| Err(failed())).await;
        assert!(matches!(fetched, Err(CallError::NoTenant(_))));
        assert_eq!(asked.len(), 1);
    }

    #[tokio::test]
    async fn the_number_of_pages_is_bounded() {
        let (fetched, asked) = read(|page| Ok(page.to_string())).await;
        let fetched = fetched.unwrap();
        assert_eq!(asked.len(), MOST_PAGES);
        let stop = fetched.interrupted.unwrap();
        assert!(matches!(stop.error, CallError::TooManyPages { .. }));
    }

    #[test]
    fn a_list_known_to_be_partial_is_marked_so() {
        let response: ListTenantsResponse =
            Fetched::partial(vec![tenant(1)], failed()).into_response();
        assert_eq!(response.next_page_token, UNREAD);
        assert_eq!(response.items.len(), 1);
    }
}
