//! A process's way to the simulator that ends, with the process, at a call of the test's choice.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sim::Sim;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use tokio::sync::watch;

/// When a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Death {
    /// It lives.
    Never,
    /// Before its n-th call, from 1, is sent.
    Before(usize),
    /// After its n-th call is done, and before the answer is there.
    After(usize),
}

/// The network of a process. From the moment of its death nothing more gets through, and nothing is answered: whatever of
/// the process still waits in the test's runtime waits for ever.
#[derive(Clone, Debug)]
pub(crate) struct Mortal(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    sim: Sim,
    death: Death,
    calls: AtomicUsize,
    dead: watch::Sender<bool>,
}

impl Mortal {
    /// A process that calls this simulator until its death.
    pub(crate) fn on(sim: &Sim, death: Death) -> Self {
        let (dead, _) = watch::channel(false);
        Self(Arc::new(Inner { sim: sim.clone(), death, calls: AtomicUsize::new(0), dead }))
    }

    /// As the SDK takes it.
    pub(crate) fn network(&self) -> SharedHttpClient {
        SharedHttpClient::new(self.clone())
    }

    /// How many calls it made.
    pub(crate) fn calls(&self) -> usize {
        self.0.calls.load(Ordering::SeqCst)
    }

    /// What its work comes to; `None` where it dies first.
    pub(crate) async fn lives<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.died() => None,
            done = work => Some(done),
        }
    }

    async fn died(&self) {
        let mut dead = self.0.dead.subscribe();
        // The sender lives as long as this.
        drop(dead.wait_for(|dead| *dead).await);
    }

    fn die(&self) {
        self.0.dead.send_replace(true);
    }
}

impl HttpClient for Mortal {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let simulator = self.0.sim.http_connector(settings, components);
        SharedHttpConnector::new(Connector { process: self.clone(), simulator })
    }
}

#[derive(Debug)]
struct Connector {
    process: Mortal,
    simulator: SharedHttpConnector,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let process = self.process.clone();
        let nth = process.0.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let answer = self.simulator.call(request);
        HttpConnectorFuture::new(async move {
            let call = async {
                if process.0.death == Death::Before(nth) {
                    process.die();
                    return std::future::pending().await;
                }
                let answer = answer.await;
                if process.0.death == Death::After(nth) {
                    process.die();
                    return std::future::pending().await;
                }
                answer
            };
            tokio::select! {
                biased;
                () = process.died() => std::future::pending().await,
                answer = call => answer,
            }
        })
    }
}
