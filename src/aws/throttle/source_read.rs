//! One read of a source Region: asks the breaker before it is sent, and reports the result to it.

use std::pin::pin;
use std::sync::Arc;

use aws_smithy_runtime_api::client::http::HttpConnectorFuture;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::ConnectorError;
use tokio::time::Instant;

use super::breaker::{Breaker, Probe, RegionSilent};
use super::pending::PendingRequest;
use crate::aws::errors::classify::kind;
use crate::aws::errors::reason;
use crate::aws::errors::wire::error_code;
use crate::domain::{AccountId, FailureKind, Region};

/// A read of a member account in a source Region, before it is sent. Writes and the hub's own calls never ask the
/// breaker.
#[derive(Clone, Debug)]
pub(super) struct SourceRead {
    pub(super) breaker: Arc<Breaker>,
    pub(super) region: Region,
    /// The prefix of the service's actions in IAM, such as `ssm`.
    pub(super) service: &'static str,
    pub(super) account: AccountId,
    /// Whether the SDK repeats the call.
    pub(super) is_repeated: bool,
}

/// A read that may be sent now.
#[derive(Debug)]
pub(in crate::aws) struct AdmittedRead {
    read: SourceRead,
    probe: Option<Probe>,
}

/// A read that was sent. Its response carries it to the interceptor, which reads the body.
#[derive(Clone, Debug)]
pub(super) struct SentRead {
    read: SourceRead,
    at: Instant,
}

impl SourceRead {
    /// Waits for the request's turn. The breaker is asked before: a refused request takes no turn. A request that waits
    /// is refused as soon as the breaker opens.
    pub(super) async fn in_turn<T>(
        &self,
        turn: impl Future<Output = T>,
    ) -> Result<(T, AdmittedRead), RegionSilent> {
        let mut turn = pin!(turn);
        loop {
            // Before the question, so that no opening is missed.
            let opens = self.breaker.opens();
            let place = (&self.region, self.service);
            let probe = self.breaker.ask(place, &self.account, self.is_repeated)?;
            let is_probe = probe.is_some();
            let admitted = AdmittedRead { read: self.clone(), probe };
            tokio::select! {
                biased;
                () = opens, if !is_probe => {}
                turn = &mut turn => return Ok((turn, admitted)),
            }
        }
    }
}

impl AdmittedRead {
    /// Sends the request. `pending` learns when the Region leaves it without an answer.
    pub(super) async fn send(
        self,
        pending: &mut PendingRequest,
        send: impl FnOnce() -> HttpConnectorFuture,
    ) -> Result<HttpResponse, ConnectorError> {
        let Self { read, probe } = self;
        read.breaker.sent((&read.region, read.service), &read.account);
        let sent = SentRead { read, at: Instant::now() };
        let mut answer = pin!(send());
        let result = tokio::select! {
            biased;
            result = &mut answer => result,
            () = sent.read.breaker.is_silent(&sent.read.region, sent.read.service) => {
                pending.is_silent();
                answer.await
            }
        };
        drop(probe);
        match result {
            Ok(mut response) => {
                response.add_extension(sent);
                Ok(response)
            }
            Err(error) => {
                if !error.is_user() {
                    sent.failed(&reason(&error));
                }
                Err(error)
            }
        }
    }
}

impl SentRead {
    /// Tells the breaker of the response, once its body is read.
    pub(super) fn learn(&self, response: &HttpResponse) {
        let status = response.status();
        let code = error_code(response).filter(|_| status.is_server_error());
        let is_unavailable =
            |code: &String| kind(code, "", Some(status.as_u16())) == FailureKind::Unavailable;
        if status.is_server_error() && code.as_ref().is_none_or(is_unavailable) {
            let code = code.map_or_else(String::new, |code| format!(" {code}"));
            self.failed(&format!("HTTP status {}{code}", status.as_u16()));
        } else {
            self.read.breaker.answered(&self.read.region, self.read.service);
        }
    }

    fn failed(&self, error: &str) {
        let SourceRead { breaker, region, service, account, .. } = &self.read;
        breaker.failed((region, *service), account, self.at, error);
    }
}
