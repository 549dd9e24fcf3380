"""The part of a spec that is about a bucket as the target: DMS's S3 endpoint, in our words.

Source: https://docs.aws.amazon.com/dms/latest/APIReference/API_S3Settings.html
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from pg_cdc.config.fields import RoleArn, Section, refuse

BUCKET = r"^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])$"
FOLDER = r"^[A-Za-z0-9_.=-]+(?:/[A-Za-z0-9_.=-]+)*$"
KMS_KEY = r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:(?:key|alias)/[A-Za-z0-9/_-]+$"
COLUMN = r"^[A-Za-z_][A-Za-z0-9_]*$"
VALUE = r"^[^,\"\r\n]+$"
ZONE = r"^[A-Za-z]+(?:[/_+-][A-Za-z0-9]+)*$"

Folder = Annotated[str, Field(pattern=FOLDER, max_length=200)]


class DataFormat(StrEnum):
    """What the files are."""

    CSV = "csv"
    PARQUET = "parquet"


class Compression(StrEnum):
    """Whether they are compressed."""

    NONE = "none"
    GZIP = "gzip"


class Encryption(StrEnum):
    """How S3 encrypts them."""

    SSE_S3 = "sse-s3"
    SSE_KMS = "sse-kms"


class DatePartition(StrEnum):
    """The order of the parts of a commit's date in the folders of the CDC files."""

    YYYYMMDD = "YYYYMMDD"
    YYYYMMDDHH = "YYYYMMDDHH"
    YYYYMM = "YYYYMM"
    MMYYYYDD = "MMYYYYDD"
    DDMMYYYY = "DDMMYYYY"


class DateDelimiter(StrEnum):
    """What stands between the parts."""

    SLASH = "SLASH"
    UNDERSCORE = "UNDERSCORE"
    DASH = "DASH"
    NONE = "NONE"


class Lake(Section):
    """Data lake"""

    bucket: Annotated[str, Field(pattern=BUCKET, min_length=3, max_length=63)] | None = Field(
        default=None,
        description=(
            "S3 bucket that receives the tables as files, instead of a database: the section Target is then not looked"
            " at. In the region of DMS, without versioning."
        ),
    )
    folder: Folder | None = Field(
        default=None, description="Folder in it that is this migration's alone; empty: the migration's name."
    )
    role_arn: RoleArn | None = Field(
        default=None, description="IAM role by which DMS writes there; it trusts dms.amazonaws.com."
    )
    data_format: DataFormat = Field(
        default=DataFormat.CSV, description="Parquet cannot tell an unchanged long value from NULL: see docs/lake.md."
    )
    compression: Compression = Field(default=Compression.NONE, description="Compression of the files.")
    timestamp_column: str = Field(
        default="dms_committed_at",
        pattern=COLUMN,
        max_length=63,
        description="Column that DMS adds with each row's commit time: the files are not in the order of transactions.",
    )
    column_names: bool = Field(default=True, description="Whether CSV files begin with the names of their columns.")
    csv_null_value: str = Field(default="\\N", pattern=VALUE, max_length=20, description="What NULL is in CSV.")
    csv_unchanged_value: str = Field(
        default="\\U",
        pattern=VALUE,
        max_length=20,
        description="What stands in CSV for a long value that an update left as it was, and that is not in the WAL.",
    )
    parquet_milliseconds: bool = Field(
        default=False, description="Cut timestamps in Parquet to milliseconds; Athena and Glue need it."
    )
    encryption: Encryption = Field(default=Encryption.SSE_S3, description="Server-side encryption of the files.")
    kms_key_arn: Annotated[str, Field(pattern=KMS_KEY)] | None = Field(default=None, description="KMS key for sse-kms.")
    date_partition: DatePartition | None = Field(
        default=None, description="Put CDC files into folders by commit date; empty: all into the table's folder."
    )
    date_delimiter: DateDelimiter = Field(default=DateDelimiter.SLASH, description="Between the parts of that date.")
    date_time_zone: Annotated[str, Field(pattern=ZONE, max_length=64)] | None = Field(
        default=None, description="Time zone of that date, such as `Europe/Berlin`; empty: UTC."
    )
    preserve_transactions: bool = Field(
        default=False,
        description=(
            "Write changes of all tables in the order of transactions, as CSV, into `cdc_path`. Not together with"
            " `date_partition` or `column_names`."
        ),
    )
    cdc_path: Folder | None = Field(
        default=None, description="Folder below `folder` for files in the order of transactions."
    )
    batch_seconds: int = Field(default=60, ge=1, le=3600, description="A CDC file is written at the latest after it.")
    min_file_size_kb: int = Field(
        default=32000, ge=1, le=1048576, description="… or when it has become so large, whichever comes first."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        from pg_cdc.decisions.lake.rules import lake_problems

        refuse(lake_problems(self))
        return self
