//! Every file of `payloads/`, every fault of a payload, and parsers that never panic.

mod arbitrary;
mod events;
mod failover;
mod payloads;

use std::collections::BTreeMap;
use std::path::Path;

use super::*;
use crate::domain::Region;

fn files(folder: &str) -> BTreeMap<String, Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    std::fs::read_dir(&folder)
        .expect("the folder of payloads")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            (name, std::fs::read(&path).expect("a readable file"))
        })
        .collect()
}

/// One line that says all of a request.
fn line(request: &Request) -> String {
    match request {
        Request::Reconcile(r) => {
            let accounts = match &r.accounts {
                Accounts::Organization => "every account".to_owned(),
                Accounts::Hub => "the hub's account".to_owned(),
                Accounts::These(accounts) => format!("{accounts:?}"),
            };
            let region = r.region.as_ref().map_or("every route", Region::as_str);
            let item = r
                .item
                .as_ref()
                .map_or("everything".to_owned(), |item| format!("{} {}", item.kind(), item.name()));
            let mut options = Vec::new();
            options.extend(r.options.plan.then(|| "plan".to_owned()));
            options.extend((!r.options.trust).then(|| "no trust".to_owned()));
            options.extend(r.options.labels.then(|| "labels".to_owned()));
            options.extend(r.options.max_deletes.map(|brake| format!("brake {brake}")));
            format!("{item} of {accounts}, {region} {}", options.join(" ")).trim_end().to_owned()
        }
        Request::ListAccounts { batch, page, .. } => format!("accounts by {batch} from {page:?}"),
        Request::Finish(execution) => format!("the end of {execution}"),
        Request::Failover(request) => {
            let pair = request.pair().map_or("every route".to_owned(), ToString::to_string);
            let rest = match request {
                FailoverRequest::Freeze(FreezeRequest { accounts, reason, wait, .. }) => {
                    format!("{accounts:?} `{reason}`{}", if *wait { "" } else { " no wait" })
                }
                FailoverRequest::Thaw(ThawRequest { accounts, reason, serial, .. }) => {
                    format!("{accounts:?} `{reason}` {serial:?}")
                }
                FailoverRequest::Status(_) => String::new(),
            };
            format!("{} {pair} {rest}", request.action()).trim_end().to_owned()
        }
        Request::Event(Ok(event)) => event_line(event),
        Request::Event(Err(ignored)) => format!("ignored: {ignored}"),
        Request::Batch(records) => {
            let lines = records.iter().map(|record| match &record.content {
                RecordContent::Event(event) => event_line(event),
                RecordContent::Ignored(ignored) => format!("ignored: {ignored}"),
                RecordContent::Unreadable(why) => format!("unreadable: {why}"),
            });
            lines.collect::<Vec<_>>().join("\n    ")
        }
    }
}

fn event_line(event: &Event) -> String {
    let what = match &event.subject {
        EventSubject::RefusedDelete(name) => format!("refused delete of {name}"),
        EventSubject::Items(items) => {
            let items = items.iter().map(|wanted| {
                let expect = wanted.expect.iter().map(|e| {
                    let version = e.version.map(|v| format!("version {v}"));
                    let at = e.at.map(|at| at.to_string());
                    let absent = e.absent.then(|| "absent".to_owned());
                    let set = e.tags_set.iter().map(|(key, value)| format!("{key}={value}"));
                    let gone = e.tags_gone.iter().map(|key| format!("no {key}"));
                    let labels = e.labels.then(|| "labels".to_owned());
                    let words = version
                        .into_iter()
                        .chain(absent)
                        .chain(at)
                        .chain(set)
                        .chain(gone)
                        .chain(labels);
                    words.collect::<Vec<_>>().join(" ")
                });
                let expect: Vec<String> = expect.collect();
                format!("{} {} {expect:?}", wanted.item.kind(), wanted.item.name())
            });
            items.collect::<Vec<_>>().join(", ")
        }
    };
    format!("{} at {}: {what}", event.name, event.location)
}

fn lines(folder: &str) -> String {
    let lines = files(folder).into_iter().map(|(name, bytes)| {
        let request = parse(&bytes).unwrap_or_else(|refused| panic!("{name}: {refused}"));
        format!("{name}: {}", line(&request))
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn each_payload_of_the_folder_is_parsed() {
    insta::assert_snapshot!(lines("payloads"), @r#"
    freeze: freeze us-east-2=us-east-1 [] `us-east-2 is failing`
    list-accounts: accounts by 25 from None
    plan-account: everything of [111122223333], every route plan
    status: status every route
    sync-account: everything of [111122223333], every route
    sync-all: everything of every account, every route
    sync-create: parameter /shop/db/host of [111122223333], every route
    sync-delete: parameter /shop/db/host of the hub's account, every route
    sync-secret: secret shop/db of [111122223333], us-east-2
    sync-update: parameter /shop/db/host of the hub's account, every route
    thaw: thaw us-east-2=us-east-1 [] `us-east-2 is back` Some(1)
    "#);
}

#[test]
fn each_event_of_the_folder_is_parsed() {
    insta::assert_snapshot!(lines("payloads/events"), @r#"
    add-tags-to-resource: AddTagsToResource at 111122223333/us-east-2: parameter /shop/db/host ["team=shop stage=live"]
    create-secret: CreateSecret at 111122223333/us-east-2: secret shop/db ["2026-11-24T10:00:11Z"]
    delete-parameter: DeleteParameter at 111122223333/us-east-2: parameter /shop/db/host ["absent 2026-11-24T10:00:05Z"]
    delete-parameters: DeleteParameters at 111122223333/us-east-2: parameter /shop/db/host ["absent 2026-11-24T10:00:06Z"], parameter /shop/db/port ["absent 2026-11-24T10:00:06Z"], parameter /shop/db/user ["absent 2026-11-24T10:00:06Z"]
    delete-secret: DeleteSecret at 111122223333/us-east-2: secret shop/db ["absent 2026-11-24T10:00:14Z"]
    delete-secret-refused: DeleteSecret at 111122223333/us-east-2: refused delete of shop/db
    label-parameter-version: LabelParameterVersion at 111122223333/us-east-2: parameter /shop/db/host ["labels"]
    parameter-store-change-create: Parameter Store Change at 111122223333/us-east-2: parameter /shop/db/host ["2026-11-24T10:00:20Z"]
    parameter-store-change-delete: Parameter Store Change at 111122223333/us-east-2: parameter /shop/db/host ["absent 2026-11-24T10:00:20Z"]
    parameter-store-change-label: Parameter Store Change at 111122223333/us-east-2: parameter /shop/db/host ["labels"]
    parameter-store-change-update: Parameter Store Change at 111122223333/us-east-2: parameter /shop/db/host ["2026-11-24T10:00:20Z"]
    parameter-store-policy-action: Parameter Store Policy Action at 111122223333/us-east-2: parameter /shop/db/host ["absent 2026-11-24T10:00:21Z"]
    put-parameter: PutParameter at 111122223333/us-east-2: parameter /shop/db/host ["version 12 2026-11-24T10:00:00Z"]
    queue-batch: PutParameter at 111122223333/us-east-2: parameter /shop/db/host ["version 12 2026-11-24T10:00:00Z"]
        AddTagsToResource at 111122223333/us-east-2: parameter /shop/db/host ["team=shop stage=live"]
        Parameter Store Change at 111122223333/us-east-2: parameter /shop/db/host ["2026-11-24T10:00:20Z"]
        Secret Label Updated at 111122223333/us-east-2: secret shop/db []
        ignored: the sweep handles RemoveRegionsFromReplication, because the owner may be deleting the secret
    remove-regions-from-replication: ignored: the sweep handles RemoveRegionsFromReplication, because the owner may be deleting the secret
    remove-tags-from-resource: RemoveTagsFromResource at 111122223333/us-east-2: parameter /shop/db/host ["no stage"]
    replicate-secret-to-regions: ReplicateSecretToRegions at 111122223333/us-east-2: secret shop/db []
    restore-secret: RestoreSecret at 111122223333/us-east-2: secret shop/db []
    secret-label-updated: Secret Label Updated at 111122223333/us-east-2: secret shop/db []
    tag-resource: TagResource at 111122223333/us-east-2: secret arn:aws:secretsmanager:us-east-2:111122223333:secret:shop/db-a1b2c3 []
    unlabel-parameter-version: UnlabelParameterVersion at 111122223333/us-east-2: parameter /shop/db/host ["labels"]
    untag-resource: UntagResource at 111122223333/us-east-2: secret shop/db []
    update-secret: UpdateSecret at 111122223333/us-east-2: secret shop/db []
    "#);
}
