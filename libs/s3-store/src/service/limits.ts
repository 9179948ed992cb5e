const MIB = 1024 * 1024;

/** The service's limits, in bytes and numbers: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
export const S3_MIN_PART = 5 * MIB;
export const S3_MAX_PART = 5 * 1024 * MIB;
export const S3_MAX_PARTS = 10_000;
/** Largest range that one UploadPartCopy can take. */
export const S3_MAX_COPY = 5 * 1024 * MIB;
/** Bytes of the longest key. */
export const S3_MAX_KEY = 1_024;

export const DEFAULT_PART = 8 * MIB;
export const DEFAULT_MAX_BUFFERED = 128 * MIB;
