"""Where things are kept: the table, the bucket for what is too large for it, the secret."""

from math import ceil

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.options import Options
from rejoinder.aws.table import EXPIRES_AT, PK, RESPONSE_OBJECTS, SK, WAITING, WAITING_INDEX
from rejoinder.settings import DAY_SECONDS

# Objects outlive the items that name them: DynamoDB removes what has expired within two days.
GRACE_DAYS = 2
MASTER_CHARACTERS = 64


class Storage(Construct):
    """All that a backup would hold. It goes with the stack, unless the data shall be kept."""

    def __init__(self, scope: Construct, id: str, options: Options, retention_seconds: int) -> None:
        super().__init__(scope, id)
        self.key = (
            kms.Key.from_key_arn(self, "Key", options.kms_key_arn) if options.kms_key_arn else None
        )
        self.table = self._table(is_kept=options.keep_data)
        # What is kept goes nevertheless, if the deployment that should have made it fails.
        kept, gone = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE, RemovalPolicy.DESTROY
        removal = kept if options.keep_data else gone
        self.bucket = self._bucket(removal, retention_seconds)
        self.secret = self._secret(removal)

    def _table(self, *, is_kept: bool) -> dynamodb.Table:
        table = dynamodb.Table(
            self,
            "Table",
            partition_key=_string(PK),
            sort_key=_string(SK),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            time_to_live_attribute=EXPIRES_AT,
            encryption_key=self.key,
            deletion_protection=is_kept,
            # A table that can be restored leaves a backup of 35 days when it is deleted.
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=is_kept
            ),
            # One that is protected cannot be taken back, and would only stop it.
            removal_policy=RemovalPolicy.RETAIN if is_kept else RemovalPolicy.DESTROY,
        )
        table.add_global_secondary_index(
            index_name=WAITING_INDEX,
            partition_key=_string(WAITING),
            projection_type=dynamodb.ProjectionType.KEYS_ONLY,
        )
        return table

    def _bucket(self, removal: RemovalPolicy, retention_seconds: int) -> s3.Bucket:
        return s3.Bucket(
            self,
            "Bucket",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.KMS if self.key else s3.BucketEncryption.S3_MANAGED,
            encryption_key=self.key,
            bucket_key_enabled=True if self.key else None,
            enforce_ssl=True,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="retention",
                    prefix=RESPONSE_OBJECTS,  # what conversations hold never expires
                    expiration=Duration.days(ceil(retention_seconds / DAY_SECONDS) + GRACE_DAYS),
                    abort_incomplete_multipart_upload_after=Duration.days(1),
                )
            ],
            removal_policy=removal,  # `make destroy` empties it first
        )

    def _secret(self, removal: RemovalPolicy) -> secretsmanager.Secret:
        """One for all: whoever changes how it is generated changes it, and voids every API key."""
        return secretsmanager.Secret(
            self,
            "Secret",
            description="Rejoinder: what keys are derived from, and the keys of the providers.",
            encryption_key=self.key,
            generate_secret_string=secretsmanager.SecretStringGenerator(
                secret_string_template="{}",
                generate_string_key="master",
                password_length=MASTER_CHARACTERS,
                exclude_punctuation=True,
            ),
            removal_policy=removal,
        )


def _string(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
