//! A process's way to the simulator that stops the run at a call of the test's choice, as a signal does.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sim::Sim;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use failover_replicator::deadline::Stop;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// The network of a run that a signal stops just before its n-th call, from 1, is sent. The call goes through.
#[derive(Clone, Debug)]
pub(crate) struct Signalled(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    sim: Sim,
    nth: usize,
    stop: Stop,
    calls: AtomicUsize,
    at: Mutex<Option<Instant>>,
}

impl Signalled {
    /// One that is stopped at this call.
    pub(crate) fn on(sim: &Sim, nth: usize, stop: Stop) -> Self {
        let (calls, at) = <_>::default();
        Self(Arc::new(Inner { sim: sim.clone(), nth, stop, calls, at }))
    }

    /// As the SDK takes it.
    pub(crate) fn network(&self) -> SharedHttpClient {
        SharedHttpClient::new(self.clone())
    }

    /// How many calls were made.
    pub(crate) fn calls(&self) -> usize {
        self.0.calls.load(Ordering::SeqCst)
    }

    /// When the signal came.
    pub(crate) async fn stopped_at(&self) -> Option<Instant> {
        *self.0.at.lock().await
    }
}

impl HttpClient for Signalled {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let simulator = self.0.sim.http_connector(settings, components);
        SharedHttpConnector::new(Connector { run: self.clone(), simulator })
    }
}

#[derive(Debug)]
struct Connector {
    run: Signalled,
    simulator: SharedHttpConnector,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let run = self.run.clone();
        let nth = run.0.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let answer = self.simulator.call(request);
        HttpConnectorFuture::new(async move {
            if nth == run.0.nth {
                run.0.stop.stop();
                *run.0.at.lock().await = Some(Instant::now());
            }
            answer.await
        })
    }
}
