"""Objects in an S3 bucket."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from predictive_autoscaler.adapters.aws.errors import aws_errors, error_code, http_status
from predictive_autoscaler.adapters.objects import StoredObject

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectRequestTypeDef, PutObjectRequestTypeDef

_NOT_MODIFIED = 304
_EXISTS = {"PreconditionFailed", "ConditionalRequestConflict"}
"""Someone has written the key; or another writer of it is just about to win."""
_CHANGED = _EXISTS | {"NoSuchKey"}
"""The same, or someone has removed it."""


class S3Objects:
    """An ObjectStore over one bucket.

    The role needs s3:GetObject, s3:PutObject and s3:ListBucket; `delete` s3:DeleteObject.
    Without the third, asking for an object that does not exist is refused instead of answered.
    """

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def get(self, key: str, known: StoredObject | None = None) -> StoredObject | None:
        """As ObjectStore says."""
        request: GetObjectRequestTypeDef = {"Bucket": self._bucket, "Key": key}
        if known is not None:
            request["IfNoneMatch"] = known.tag
        with aws_errors("s3", "GetObject", self._name(key)):
            try:
                answer = self._client.get_object(**request)
            except ClientError as error:
                if http_status(error) == _NOT_MODIFIED:
                    return known
                if error_code(error) == "NoSuchKey":
                    return None
                raise
            return StoredObject(answer["Body"].read(), answer["ETag"])

    def put(self, key: str, data: bytes, *, if_absent: bool = False) -> bool:
        """As ObjectStore says."""
        request: PutObjectRequestTypeDef = {"Bucket": self._bucket, "Key": key, "Body": data}
        if if_absent:
            request["IfNoneMatch"] = "*"
        with aws_errors("s3", "PutObject", self._name(key)):
            try:
                self._client.put_object(**request)
            except ClientError as error:
                if if_absent and error_code(error) in _EXISTS:
                    return False
                raise
        return True

    def replace(self, key: str, data: bytes, known: StoredObject) -> bool:
        """As ObjectStore says."""
        with aws_errors("s3", "PutObject", self._name(key)):
            try:
                self._client.put_object(Bucket=self._bucket, Key=key, Body=data, IfMatch=known.tag)
            except ClientError as error:
                if error_code(error) in _CHANGED:
                    return False
                raise
        return True

    def delete(self, key: str) -> None:
        """As ObjectStore says. In a bucket with versioning S3 hides it, and the life-cycle
        rule for old versions removes it.
        """
        with aws_errors("s3", "DeleteObject", self._name(key)):
            self._client.delete_object(Bucket=self._bucket, Key=key)

    def keys(self, prefix: str, after: str = "") -> Iterator[str]:
        """As ObjectStore says; pages of 1,000 keys are fetched as they are used."""
        return (key for key, _ in self._listed(prefix, after))

    def tags(self, prefix: str) -> dict[str, str]:
        """As ObjectStore says; a call for every 1,000 keys."""
        return dict(self._listed(prefix))

    def _listed(self, prefix: str, after: str = "") -> Iterator[tuple[str, str]]:
        """Keys with their tags."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix, StartAfter=after
        )
        with aws_errors("s3", "ListBucket", self._name(prefix)):
            for page in pages:
                yield from ((found["Key"], found["ETag"]) for found in page.get("Contents", ()))

    def _name(self, key: str) -> str:
        return f"s3://{self._bucket}/{key}"
