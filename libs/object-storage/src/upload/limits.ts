const MIB = 1024 * 1024;

/** Bytes that the service is asked to copy at once: what takes it seconds, not minutes. */
export const COPY_SIZE = 1024 * MIB;

/** More of one upload than this is not kept in memory at once: larger parts go through tail objects. Bytes. */
export const LARGEST_BUFFER = 32 * MIB;

/**
 * Part numbers that the holder of a lock may use beyond those that the stored record names. A holder that takes over from one that may still be writing
 * leaves out as many. A long request commits at the latest after this many parts.
 */
export const NUMBERS_AHEAD = 25;

/** Tail objects of one upload; one more, and they are stored again as one. */
export const MAX_TAILS = 32;
