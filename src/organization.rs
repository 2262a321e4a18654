//! Lists the member accounts of the organisation that are active and that the [`AccountFilter`] includes.
//!
//! If a filter by organisational unit is set, an account whose place in the organisation is unknown is an error: it is
//! never included by default.

use aws_sdk_organizations::operation::list_accounts::ListAccountsOutput;
use aws_sdk_organizations::types::{Account, AccountState, AccountStatus};

use crate::aws::{self, Connection};
use crate::domain::{AccountId, Cause, FailureKind};
use crate::settings::{AccountFilter, Matched, Unmatched};

const OPERATION: &str = "organizations:ListAccounts";
const ORGANISATION: &str = "the hub's organisation";
/// `ListAccounts` returns at most 20 accounts a page. An empty page with a token is normal.
const PAGE_SIZE: i32 = 20;
/// Pages in one call of [`page`]: up to 500 accounts, about seven seconds of the organisation's quota.
const PAGES_PER_CALL: usize = 25;
const NAME_ACCOUNTS: &str = "run the hub in the organisation's management account or in a delegated administrator account, \
     or set `account` or `accounts` in the payload";

const FILTER_BY_ID: &str = "use REPLICATOR_INCLUDE_ACCOUNTS and REPLICATOR_EXCLUDE_ACCOUNTS instead of filters by organisational unit";

/// Whether the filter includes the account. `paths` are its places in the organisation, such as
/// `o-a/r-b/ou-1/111122223333/`. An exclusion takes precedence over an inclusion.
///
/// # Errors
/// The decision needs a path and AWS returned none.
fn includes(filter: &AccountFilter, account: &AccountId, paths: &[String]) -> Result<bool, Cause> {
    if filter.exclude.contains(account) {
        return Ok(false);
    }
    let includes_all = filter.include.is_empty() && filter.include_ous.is_empty();
    let included = includes_all || filter.include.contains(account);
    if included && filter.exclude_ous.is_empty() || !included && filter.include_ous.is_empty() {
        return Ok(included);
    }
    if paths.is_empty() {
        let message = format!(
            "{OPERATION} returned no path of the account {account}, which the filter by organisational unit needs"
        );
        return Err(Cause::new(FailureKind::Unsupported, message).with_remedy(FILTER_BY_ID));
    }
    let under = |ous: &[String]| ous.iter().any(|ou| paths.iter().any(|path| lies_under(path, ou)));
    Ok((included || under(&filter.include_ous)) && !under(&filter.exclude_ous))
}

/// Whether `path` contains all components of `ou` in sequence. Only whole ids match.
fn lies_under(path: &str, ou: &str) -> bool {
    let components = |text: &str| {
        text.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    let (path, ou) = (components(path), components(ou));
    !ou.is_empty() && path.windows(ou.len()).any(|part| part == ou)
}

/// An account as the list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberAccount {
    /// `111122223333`.
    pub id: AccountId,
    /// Its name; empty if AWS gave no name.
    pub name: String,
    /// Its place in the organisation, such as `o-a/r-b/ou-1/111122223333/`; empty if AWS gave no place.
    pub path: String,
}

/// A part of the organisation's accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    /// The active accounts that the filter includes, in AWS's order.
    pub accounts: Vec<MemberAccount>,
    /// The token of the next part; `None` at the end.
    pub next: Option<String>,
    /// The entries of the filter that matched no account; empty before the end of the list.
    pub unmatched: Unmatched,
}

/// All active member accounts that the filter includes, in AWS's order.
pub async fn member_accounts(
    connection: &Connection,
    filter: &AccountFilter,
) -> Result<Members, Cause> {
    walk(connection, filter, None, usize::MAX).await
}

/// The next accounts: up to 500 of AWS's list, before the filter.
pub async fn page(
    connection: &Connection,
    filter: &AccountFilter,
    token: Option<String>,
) -> Result<Members, Cause> {
    walk(connection, filter, token, PAGES_PER_CALL).await
}

/// At most `pages` pages of the list, starting at `token`. An empty page can precede further pages; the list ends when
/// there is no token.
async fn walk(
    connection: &Connection,
    filter: &AccountFilter,
    token: Option<String>,
    pages: usize,
) -> Result<Members, Cause> {
    let mut accounts = Vec::new();
    let mut is_empty = token.is_none();
    let (mut matched, mut token) = match token {
        None => (Matched::new(filter), None),
        Some(token) => {
            let (matched, token) = Matched::of_token(filter, token);
            (matched, Some(token))
        }
    };
    for _ in 0..pages {
        let listed = list(connection, token).await?;
        is_empty &= listed.accounts().is_empty();
        if let Some(account) = management_account(&listed) {
            connection.remember_management_account(account);
        }
        collect(&listed, filter, &mut accounts, &mut matched)?;
        token = listed.next_token;
        if token.is_none() {
            break;
        }
    }
    if is_empty && token.is_none() {
        // An organisation has at least its management account.
        let message = format!("{OPERATION} returned no account");
        return Err(Cause::new(FailureKind::Invalid, message).with_remedy(NAME_ACCOUNTS));
    }
    let unmatched = match token {
        Some(_) => Unmatched::default(),
        None => matched.unmatched(filter),
    };
    Ok(Members { accounts, next: token.map(|token| matched.token(&token)), unmatched })
}

async fn list(connection: &Connection, token: Option<String>) -> Result<ListAccountsOutput, Cause> {
    let call = connection.organizations().list_accounts().max_results(PAGE_SIZE);
    let call = call.set_next_token(token);
    let listed =
        aws::complete_response(|| call.clone().send(), |listed| listed.accounts.is_some()).await;
    let listed = listed.map_err(|error| {
        let cause = aws::cause(OPERATION, ORGANISATION, &error);
        if aws::code(&error) == Some("AWSOrganizationsNotInUseException") {
            let message =
                "the hub's account is not in an organisation and has no member accounts to list";
            return Cause::new(FailureKind::Invalid, message).with_remedy(NAME_ACCOUNTS);
        }
        if cause.kind == FailureKind::AccessDenied && lacks_permission(aws::code(&error)) {
            return cause.with_remedy(NAME_ACCOUNTS);
        }
        cause
    })?;
    listed.ok_or_else(|| aws::missing_member(OPERATION, ORGANISATION, "its list"))
}

/// The management account, which the ARN of every account contains: `arn:aws:organizations::MANAGEMENT:account/o-a/ID`.
fn management_account(listed: &ListAccountsOutput) -> Option<AccountId> {
    let arn = listed.accounts().iter().find_map(Account::arn)?;
    AccountId::parse(arn.split(':').nth(4)?).ok()
}

/// Whether the credentials are valid but lack the permission.
fn lacks_permission(code: Option<&str>) -> bool {
    code.is_some_and(|code| code.starts_with("AccessDenied"))
}

fn collect(
    listed: &ListAccountsOutput,
    filter: &AccountFilter,
    accounts: &mut Vec<MemberAccount>,
    matched: &mut Matched,
) -> Result<(), Cause> {
    for listed in listed.accounts() {
        let under = |ou: &str| listed.paths().iter().any(|path| lies_under(path, ou));
        if !is_active(listed) {
            matched.take(filter, listed.id().unwrap_or_default(), (false, false), under);
            continue;
        }
        let account = AccountId::parse(listed.id().unwrap_or_default()).map_err(|error| {
            Cause::new(
                FailureKind::Unavailable,
                format!("{OPERATION} returned an account with an invalid id: {error}"),
            )
        })?;
        let is_included = includes(filter, &account, listed.paths())?;
        matched.take(filter, account.as_str(), (true, is_included), under);
        if is_included {
            accounts.push(MemberAccount {
                id: account,
                name: listed.name().unwrap_or_default().to_owned(),
                path: listed.paths().first().cloned().unwrap_or_default(),
            });
        }
    }
    Ok(())
}

/// AWS retires `Status` in favour of `State`, which takes precedence.
fn is_active(account: &Account) -> bool {
    match (account.state(), account.status()) {
        (Some(state), _) => *state == AccountState::Active,
        (None, status) => status == Some(&AccountStatus::Active),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::aws::fake::{FakeAws, json_error};

    const FIRST: &str = "111122223333";
    const SECOND: &str = "444455556666";

    fn account(digits: &str) -> AccountId {
        AccountId::parse(digits).unwrap()
    }

    fn ous(paths: &[&str]) -> Vec<String> {
        paths.iter().map(|path| (*path).to_owned()).collect()
    }

    fn is_included_at(filter: &AccountFilter, digits: &str, path: &str) -> bool {
        includes(filter, &account(digits), &ous(&[path])).unwrap()
    }

    #[test]
    fn without_a_filter_every_account_is_swept() {
        assert_eq!(includes(&AccountFilter::default(), &account(FIRST), &[]), Ok(true));
    }

    #[test]
    fn a_unit_matches_consecutive_whole_components() {
        let path = "o-a/r-b/ou-1/ou-2/111122223333/";
        for (ou, expected) in [
            ("o-a/r-b/ou-1/ou-2", true),
            ("/o-a/r-b/ou-1/", true),
            ("ou-1/ou-2", true),
            ("ou-2", true),
            ("o-a", true),
            ("o-a/r-b/ou-2", false),
            ("ou-2/ou-1", false),
            ("ou", false),
            ("u-1", false),
            ("ou-1/ou", false),
            ("", false),
            ("/", false),
        ] {
            let filter = AccountFilter { include_ous: ous(&[ou]), ..AccountFilter::default() };
            assert_eq!(is_included_at(&filter, FIRST, path), expected, "include {ou}");
            let filter = AccountFilter { exclude_ous: ous(&[ou]), ..AccountFilter::default() };
            assert_eq!(is_included_at(&filter, FIRST, path), !expected, "exclude {ou}");
        }
    }

    #[test]
    fn exclusions_take_precedence_over_inclusions() {
        let filter = AccountFilter {
            include: [account(FIRST)].into(),
            exclude: [account(SECOND)].into(),
            include_ous: ous(&["ou-1"]),
            exclude_ous: ous(&["ou-9"]),
        };
        assert!(is_included_at(&filter, FIRST, "o-a/r-b/ou-7"), "named by id");
        assert!(is_included_at(&filter, "777788889999", "o-a/r-b/ou-1"), "under a named unit");
        assert!(!is_included_at(&filter, "777788889999", "o-a/r-b/ou-7"), "neither");
        assert!(!is_included_at(&filter, SECOND, "o-a/r-b/ou-1"), "excluded by id");
        assert!(!is_included_at(&filter, FIRST, "o-a/r-b/ou-9"), "under an excluded unit");
        assert!(
            !is_included_at(&filter, "777788889999", "o-a/r-b/ou-1/ou-9"),
            "excluded further down"
        );
    }

    #[test]
    fn an_unknown_place_is_an_error_with_a_filter_by_unit() {
        for filter in [
            AccountFilter { include_ous: ous(&["ou-1"]), ..AccountFilter::default() },
            AccountFilter { exclude_ous: ous(&["ou-1"]), ..AccountFilter::default() },
            AccountFilter {
                include: [account(FIRST)].into(),
                exclude_ous: ous(&["ou-1"]),
                ..AccountFilter::default()
            },
        ] {
            let cause = includes(&filter, &account(FIRST), &[]).unwrap_err();
            assert_eq!(cause.kind, FailureKind::Unsupported);
            assert!(cause.remedy().contains("REPLICATOR_INCLUDE_ACCOUNTS"));
        }
    }

    /// Three pages, the second empty: two active accounts, one suspended, one with only the older field.
    fn organisation() -> FakeAws {
        FakeAws::new(|sent| {
            let body = if sent.body.contains("\"NextToken\":\"one\"") {
                r#"{"Accounts":[],"NextToken":"two"}"#
            } else if sent.body.contains("\"NextToken\":\"two\"") {
                r#"{"Accounts":[{"Id":"444455556666","Status":"ACTIVE"},{"Id":"000000000000"}]}"#
            } else {
                r#"{"Accounts":[{"Id":"111122223333","State":"ACTIVE","Status":"SUSPENDED",
                "Name":"shop","Paths":["o-a/r-b/ou-1/111122223333/"]},
                {"Id":"777788889999","State":"SUSPENDED","Status":"ACTIVE"}],"NextToken":"one"}"#
            };
            (200, body.to_owned())
        })
    }

    #[tokio::test(start_paused = true)]
    async fn active_accounts_of_all_pages_are_listed() {
        let fake = organisation();
        let connection = fake.connect(|_| ()).await;
        let members = member_accounts(&connection, &AccountFilter::default()).await.unwrap();
        let ids: Vec<&str> = members.accounts.iter().map(|member| member.id.as_str()).collect();
        assert_eq!(ids, [FIRST, SECOND]);
        let [first, second] = members.accounts.as_slice() else { panic!("{members:?}") };
        assert_eq!((&*first.name, &*first.path), ("shop", "o-a/r-b/ou-1/111122223333/"));
        assert_eq!((&*second.name, &*second.path), ("", ""));
        let sent = fake.sent("ListAccounts");
        assert_eq!(sent.len(), 3);
        assert!(sent.iter().all(|sent| sent.body.contains("\"MaxResults\":20")));
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_of_page_stops_after_its_pages_and_the_next_continues() {
        let pages = Arc::new(AtomicUsize::new(0));
        let given = Arc::clone(&pages);
        let fake = FakeAws::new(move |_| {
            let page = given.fetch_add(1, Ordering::Relaxed);
            let next = if page < 29 { format!(r#","NextToken":"{page}""#) } else { String::new() };
            let account = format!(r#"{{"Id":"{page:012}","State":"ACTIVE"}}"#);
            (200, format!(r#"{{"Accounts":[{account}]{next}}}"#))
        });
        let connection = fake.connect(|_| ()).await;
        let filter = AccountFilter::default();
        let first = page(&connection, &filter, None).await.unwrap();
        assert_eq!(first.accounts.len(), PAGES_PER_CALL);
        assert_eq!(first.next.as_deref(), Some("matched=1;24"));
        let second = page(&connection, &filter, first.next).await.unwrap();
        assert_eq!((second.accounts.len(), second.next), (5, None));
        assert!(fake.sent("ListAccounts")[25].body.contains("\"NextToken\":\"24\""));
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_without_any_account_is_an_error() {
        let fake = FakeAws::new(|_| (200, r#"{"Accounts":[]}"#.to_owned()));
        let connection = fake.connect(|_| ()).await;
        let cause = member_accounts(&connection, &AccountFilter::default()).await.unwrap_err();
        assert_eq!(cause.kind, FailureKind::Invalid);
    }

    #[tokio::test(start_paused = true)]
    async fn a_response_without_its_list_is_not_an_empty_list() {
        for (empty, expected) in [(1, Ok(2)), (usize::MAX, Err(FailureKind::Unavailable))] {
            let (asked, organisation) = (AtomicUsize::new(0), organisation());
            let fake = FakeAws::new(move |sent| {
                // The second page, which has a next page.
                let is_second = sent.body.contains("\"NextToken\":\"one\"");
                if is_second && asked.fetch_add(1, Ordering::Relaxed) < empty {
                    return (200, String::new());
                }
                organisation.answer(sent)
            });
            let connection = fake.connect(|_| ()).await;
            let listed = member_accounts(&connection, &AccountFilter::default()).await;
            assert_eq!(listed.map(|all| all.accounts.len()).map_err(|cause| cause.kind), expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn without_an_organisation_or_a_permission_the_remedy_is_to_name_accounts() {
        for (code, kind, remedy) in [
            ("AWSOrganizationsNotInUseException", FailureKind::Invalid, NAME_ACCOUNTS),
            ("AccessDeniedException", FailureKind::AccessDenied, NAME_ACCOUNTS),
            ("InternalFailure", FailureKind::Unavailable, FailureKind::Unavailable.remedy()),
        ] {
            let fake = FakeAws::new(move |_| json_error(400, code));
            let connection = fake.connect(|_| ()).await;
            let filter = AccountFilter::default();
            let cause = member_accounts(&connection, &filter).await.unwrap_err();
            assert_eq!((cause.kind, cause.remedy()), (kind, remedy), "{cause}");
        }
    }
}
