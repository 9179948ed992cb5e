const MIB = 1024 * 1024;

/** The service's limits, in bytes and numbers: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
export const S3_MIN_PART = 5 * MIB;
export const S3_MAX_PART = 5 * 1024 * MIB;
export const S3_MAX_PARTS = 10_000;
/** Largest object that one PutObject can make, and largest range that one UploadPartCopy can take. */
export const S3_MAX_SINGLE = 5 * 1024 * MIB;

/** Bytes that the service is asked to copy at once: what takes it seconds, not minutes. */
export const COPY_SIZE = 1024 * MIB;

export const DEFAULT_PART = 8 * MIB;
/** More of one upload than this is not kept in memory at once: larger parts go through tail objects. */
export const LARGEST_BUFFER = 32 * MIB;
export const DEFAULT_MAX_BUFFERED = 128 * MIB;

/**
 * Part numbers that the holder of a lock may use beyond those that the stored record names. Whoever takes over from a holder that
 * may still be writing leaves out as many. A long request commits at the latest after this many parts.
 */
export const NUMBERS_AHEAD = 25;

/** Tail objects of one upload; one more, and they are stored again as one. */
export const MAX_SEGMENTS = 32;
