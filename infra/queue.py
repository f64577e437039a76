"""The queue of background responses, and where jobs end up that failed too often."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sqs as sqs
from constructs import Construct

# A message reappears after its lease, which the worker sets; this is for one that never began.
# Lambda insists that it be no less than the worker's timeout.
VISIBILITY = Duration.seconds(960)
# A job that is tried again is a new message. One comes back only if its worker was lost (our own
# count ends a response with the fourth), or if Lambda had no room for a worker for as long as the
# message is hidden: six times of that, which is an hour and a half, must not kill it. AWS's guide
# "Using Lambda with Amazon SQS" advises 5 at least. More than 10 would be late: workers that cannot
# even be imported are told to the client after as many times VISIBILITY, which is nearly three
# hours (the alarm on errors is at once).
MAX_RECEIVES = 10
DEAD_RETENTION = Duration.days(14)
DEAD_VISIBILITY = Duration.minutes(6)


class Queue(Construct):
    """Messages are ids. What is dead goes to a consumer that tells the client."""

    def __init__(self, scope: Construct, id: str, key: kms.IKey | None) -> None:
        super().__init__(scope, id)
        self.dead = self._queue("Dead", key, visibility=DEAD_VISIBILITY, retention=DEAD_RETENTION)
        self.jobs = self._queue(
            "Jobs",
            key,
            visibility=VISIBILITY,
            dead=sqs.DeadLetterQueue(queue=self.dead, max_receive_count=MAX_RECEIVES),
        )

    def _queue(
        self,
        id: str,
        key: kms.IKey | None,
        *,
        visibility: Duration,
        retention: Duration | None = None,
        dead: sqs.DeadLetterQueue | None = None,
    ) -> sqs.Queue:
        return sqs.Queue(
            self,
            id,
            visibility_timeout=visibility,
            retention_period=retention,
            dead_letter_queue=dead,
            encryption=sqs.QueueEncryption.KMS if key else sqs.QueueEncryption.SQS_MANAGED,
            encryption_master_key=key,
            enforce_ssl=True,
            removal_policy=RemovalPolicy.DESTROY,
        )
