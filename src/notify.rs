//! Publishes a digest to the SNS topic, with the attributes that filter policies of subscriptions match
//! ([`Attributes`](crate::report::Attributes) lists names and values). Only the client retries. If SNS refuses the
//! message, the caller reports the cause and the digest's failures stay new.

use aws_sdk_sns::Client;
use aws_sdk_sns::types::MessageAttributeValue;

use crate::aws;
use crate::domain::{Cause, FailureKind};
use crate::report::Digest;

const CHECK_THE_TOPIC: &str = "check REPLICATOR_SNS_TOPIC_ARN; allow the hub's role sns:Publish on the topic, in the topic's policy and in the policy of the topic's key";

/// Publishes `digest` to a topic in the client's Region.
pub async fn publish(client: &Client, topic_arn: &str, digest: &Digest) -> Result<(), Cause> {
    let mut request = client
        .publish()
        .topic_arn(topic_arn)
        .subject(&digest.subject)
        .message_structure("json")
        .message(digest.message());
    for (name, data_type, value) in digest.attributes.entries() {
        let value =
            MessageAttributeValue::builder().data_type(data_type).string_value(value).build();
        let value = value.map_err(|error| {
            Cause::new(
                FailureKind::Bug,
                format!("internal error: the attribute {name} of a digest: {error}"),
            )
        })?;
        request = request.message_attributes(name, value);
    }
    match request.send().await {
        Ok(_) => Ok(()),
        Err(error) => {
            Err(aws::cause("sns:Publish", topic_arn, &error).with_remedy(CHECK_THE_TOPIC))
        }
    }
}

/// The cause if SNS did not answer before the deadline.
pub fn not_in_time(topic_arn: &str) -> Cause {
    let message = format!("SNS did not answer sns:Publish to {topic_arn} before the deadline");
    Cause::new(FailureKind::Unavailable, message).with_remedy(CHECK_THE_TOPIC)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use aws_sdk_sns::config::{BehaviorVersion, Credentials, Region};
    use aws_smithy_runtime_api::client::http::{
        HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
    };
    use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
    use aws_smithy_types::body::SdkBody;

    use super::*;
    use crate::report::{Attributes, Status};

    const TOPIC: &str = "arn:aws:sns:us-east-1:111122223333:shared";

    /// Gives the same answer to every request and keeps the bodies of the requests.
    #[derive(Clone, Debug)]
    struct Topic {
        status: u16,
        answer: &'static str,
        bodies: Arc<Mutex<Vec<String>>>,
    }

    impl HttpConnector for Topic {
        fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
            let body = request.body().bytes().map(String::from_utf8_lossy).unwrap_or_default();
            self.bodies.lock().expect("no test panics here").push(body.into_owned());
            let status = self.status.try_into().expect("a status");
            let answer = HttpResponse::new(status, SdkBody::from(self.answer));
            HttpConnectorFuture::ready(Ok(answer))
        }
    }

    fn digest() -> Digest {
        Digest {
            subject: "failover-replicator failed: 1 conflict".to_owned(),
            text: "for a person".to_owned(),
            json: "{}".to_owned(),
            attributes: Attributes {
                status: Status::Failed,
                error_kinds: vec![FailureKind::Conflict],
                accounts: vec![],
                accounts_cut: 0,
            },
        }
    }

    async fn publish_to(status: u16, answer: &'static str) -> (Result<(), Cause>, String) {
        let topic = Topic { status, answer, bodies: Arc::default() };
        let connector = topic.clone();
        let config = aws_sdk_sns::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
            .retry_config(aws_sdk_sns::config::retry::RetryConfig::disabled())
            .http_client(http_client_fn(move |_, _| SharedHttpConnector::new(connector.clone())))
            .build();
        let result = publish(&Client::from_conf(config), TOPIC, &digest()).await;
        let bodies = topic.bodies.lock().expect("no test panics here").join("\n");
        (result, bodies)
    }

    #[tokio::test]
    async fn subject_message_and_attributes_are_sent() {
        let answer = "<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>";
        let (result, body) = publish_to(200, answer).await;
        assert_eq!(result, Ok(()));
        for part in [
            "Action=Publish",
            "MessageStructure=json",
            "Subject=failover-replicator%20failed",
            "for%20a%20person",
            "error_kinds",
            "String.Array",
            "%5B%22conflict%22%5D",
        ] {
            assert!(body.contains(part), "{part} in {body}");
        }
    }

    #[tokio::test]
    async fn a_topic_that_refuses_is_a_cause_with_its_remedy() {
        let answer = |code: &str| -> &'static str {
            format!("<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>").leak()
        };
        for (status, code, kind) in [
            (403, "AuthorizationError", FailureKind::AccessDenied),
            (404, "NotFound", FailureKind::Invalid),
            (400, "KMSAccessDenied", FailureKind::AccessDenied),
            (429, "Throttled", FailureKind::Throttled),
            (500, "InternalError", FailureKind::Unavailable),
        ] {
            let cause = publish_to(status, answer(code)).await.0.expect_err(code);
            assert_eq!(cause.kind, kind, "{code}");
            assert!(cause.message.contains(TOPIC), "{}", cause.message);
            assert!(cause.remedy().contains("REPLICATOR_SNS_TOPIC_ARN"));
        }
    }
}
