import type { HttpError } from '../errors.js';

/**
 * The refusals of bodies that were longer than they may be. Known by identity: a hook may refuse a finished upload with the same code and
 * status, and means something else.
 */
const refusals = new WeakSet<HttpError>();

/** Marks `refusal` as that of a body that is too long. */
export function tooLong(refusal: HttpError): HttpError {
  refusals.add(refusal);
  return refusal;
}

/** True for the refusal of a body that was too long, and nothing else. */
export function isTooLong(error: unknown): error is HttpError {
  return typeof error === 'object' && error !== null && refusals.has(error as HttpError);
}
